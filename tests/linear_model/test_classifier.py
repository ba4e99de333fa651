from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsOneClassifier

from mnistcli.linear_model.classifier import (
    LinearClassifier,
    classes_of,
    couple,
    pairs_of,
    probabilities_of,
)
from mnistcli.linear_model.solvers import fit_classifier
from mnistcli.model_selection.splits import samples_of, training_samples
from mnistcli.settings import SolverSettings, SplitSpec
from mnistcli.tasks import parse_task


@pytest.mark.parametrize("digits", [(0, 1), (0, 1, 2)])
def test_classifier_answers_as_the_scikit_learn_estimator_with_the_same_weights(mnist, digits):
    keep = np.flatnonzero(np.isin(mnist.test.labels, digits))[:1500]
    images, y = mnist.test.images[keep], mnist.test.labels[keep].astype(int)
    rows = images.reshape(len(images), -1) / 255.0
    theirs = LogisticRegression(max_iter=200).fit(rows, y)
    ours = LinearClassifier(theirs.coef_, theirs.intercept_, tuple(str(k) for k in digits))
    np.testing.assert_allclose(
        ours.decision_function(images), theirs.decision_function(rows), rtol=0, atol=1e-10
    )
    np.testing.assert_allclose(
        ours.predict_proba(images), theirs.predict_proba(rows), rtol=0, atol=1e-12
    )
    assert ours.predict(images).tolist() == theirs.predict(rows).tolist()


def test_probabilities_of_huge_scores_are_0_and_1_without_a_warning():
    assert probabilities_of(np.array([-1e4, 0.0, 1e4])).tolist() == [[1, 0], [0.5, 0.5], [0, 1]]
    assert probabilities_of(np.array([[1e4, -1e4, 0.0]])).tolist() == [[1, 0, 0]]


def test_undecided_scores_are_the_first_class_as_in_scikit_learn():
    assert classes_of(np.array([0.0])).tolist() == [0]
    assert classes_of(np.array([[1.0, 1.0, 0.0]])).tolist() == [0]


def test_wrong_number_of_features_is_named():
    classifier = LinearClassifier(np.zeros((1, 4)), np.zeros(1), ("a", "b"))
    with pytest.raises(ValueError, match="expected 4 features, got 9"):
        classifier.predict(np.zeros((2, 3, 3)))


@pytest.fixture(scope="module")
def samples(mnist):
    return training_samples(mnist, parse_task("pairs"), SplitSpec(limit=1200))


@pytest.fixture(scope="module")
def fitted(samples):
    rows = samples.images.reshape(len(samples), -1)
    return fit_classifier(rows, samples.y, SolverSettings(), parse_task("pairs"))


def log_odds(p):
    """The scores of pairs that agree wholly with probabilities of the classes."""
    return np.array([[np.log(p[j] / p[i]) for i, j in pairs_of(len(p))]])


@given(st.lists(st.floats(0.001, 1.0), min_size=3, max_size=10))
def test_pairs_that_agree_are_coupled_to_what_they_agree_on(weights):
    p = np.array(weights) / np.sum(weights)
    np.testing.assert_allclose(couple(log_odds(p), len(p))[0], p, rtol=1e-6)


@given(st.lists(st.floats(-800, 800), min_size=45, max_size=45))
def test_any_scores_give_probabilities(scores):
    p = couple(np.array([scores]), 10)
    assert (p > 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0)


@given(st.lists(st.floats(-5, 5), min_size=6, max_size=6))
def test_coupling_minimises_what_wu_lin_and_weng_minimise(scores):
    r = np.zeros((4, 4))
    for (i, j), score in zip(pairs_of(4), scores, strict=True):
        r[j, i] = 1 / (1 + np.exp(-score))
        r[i, j] = 1 - r[j, i]

    def cost(p):
        return sum(
            (r[j, i] * p[i] - r[i, j] * p[j]) ** 2 for i in range(4) for j in range(4) if i != j
        )

    p = couple(np.array([scores]), 4)[0]
    rng = np.random.default_rng(0)
    for _ in range(20):
        step = rng.normal(size=4) * 1e-3
        other = p + step - step.mean()
        assert cost(p) <= cost(other) + 1e-12


def test_each_pair_is_the_model_of_its_own_task(samples, fitted):
    classifier, result = fitted
    assert classifier.coef.shape == (45, 784)
    assert result.certificate.converged
    for row in (0, 17, 44):
        i, j = pairs_of(10)[row]
        members = (samples.y == i) | (samples.y == j)
        rows = samples.images[members].reshape(-1, 784) / 255.0
        theirs = LogisticRegression(max_iter=5000, tol=1e-10).fit(rows, samples.y[members] == j)
        np.testing.assert_allclose(classifier.coef[row], theirs.coef_[0], atol=2e-4)


def test_the_answers_are_nearly_those_of_counted_votes(mnist, samples, fitted):
    classifier, _ = fitted
    tested = samples_of(mnist.test, parse_task("pairs"))
    answers = classifier.predict(tested.images)
    theirs = OneVsOneClassifier(LogisticRegression(max_iter=2000))
    theirs.fit(samples.images.reshape(-1, 784) / 255.0, samples.y)
    votes = theirs.predict(tested.images.reshape(-1, 784) / 255.0)
    assert (answers == votes).mean() > 0.98
    assert (answers == tested.y).mean() >= (votes == tested.y).mean() - 0.002


def test_the_joint_certificate_is_the_sum_over_the_pairs(samples, fitted):
    _, result = fitted
    rows = samples.images.reshape(len(samples), -1)
    of_pairs = []
    for i, j in pairs_of(10):
        members = (samples.y == i) | (samples.y == j)
        y = (samples.y[members] == j).astype(np.int64)
        _, one = fit_classifier(rows[members], y, SolverSettings(), parse_task(f"{i}v{j}"))
        of_pairs.append(one.certificate)
    assert result.certificate.objective == pytest.approx(sum(c.objective for c in of_pairs))
    assert result.certificate.gap_bound == pytest.approx(sum(c.gap_bound for c in of_pairs))
    assert fitted[0].is_pairwise
