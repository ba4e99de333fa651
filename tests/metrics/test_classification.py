"""scikit-learn is the reference for every number."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from mnistcli.evaluation import evaluate
from mnistcli.linear_model.classifier import (
    LinearClassifier,
    classes_of,
    pairs_of,
    probabilities_of,
)
from mnistcli.metrics.classification import (
    brier_score,
    evaluate_scores,
    expected_calibration_error,
    pair_error_rates,
    rank,
    reliability_bins,
)
from mnistcli.registry.model_file import Model
from mnistcli.settings import SplitSpec, TrainingSettings
from mnistcli.tasks import parse_task
from mnistcli.training import train

EXACT = 1e-12


def scores_like(rng, n, n_classes, *, rounded=False):
    """Scores that are right more often than not; rounded ones have many ties."""
    y = np.concatenate([np.arange(n_classes), rng.integers(n_classes, size=n - n_classes)])
    truth = np.eye(n_classes)[y]
    scores = rng.normal(size=(n, n_classes)) * 3 + 2 * truth
    if n_classes == 2:
        scores = scores[:, 1] - scores[:, 0]
    return y, np.round(scores) if rounded else scores


def brier_input(probabilities):
    return probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities


@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("n", [12, 500])
def test_evaluation_equals_scikit_learn(n_classes, rounded, n):
    y, scores = scores_like(np.random.default_rng(n), n, n_classes, rounded=rounded)
    names = tuple(f"class {k}" for k in range(n_classes))
    ours = evaluate_scores(y, scores, names)
    answers = classes_of(scores)
    report = metrics.classification_report(
        y, answers, labels=range(n_classes), target_names=names, output_dict=True, zero_division=0.0
    )
    for row in (*ours.classes, ours.macro_avg, ours.weighted_avg):
        theirs = report[row.name]
        assert row.precision == pytest.approx(theirs["precision"], abs=EXACT)
        assert row.recall == pytest.approx(theirs["recall"], abs=EXACT)
        assert row.f1_score == pytest.approx(theirs["f1-score"], abs=EXACT)
        assert row.support == theirs["support"]
    probabilities = probabilities_of(scores)
    assert ours.confusion.tolist() == metrics.confusion_matrix(y, answers).tolist()
    assert ours.accuracy == pytest.approx(metrics.accuracy_score(y, answers), abs=EXACT)
    assert ours.balanced_accuracy == pytest.approx(
        metrics.balanced_accuracy_score(y, answers), abs=EXACT
    )
    assert ours.log_loss == pytest.approx(metrics.log_loss(y, probabilities), abs=EXACT)
    judged = scores if n_classes == 2 else probabilities
    theirs = metrics.roc_auc_score(y, judged, multi_class="ovr")
    assert ours.roc_auc == pytest.approx(theirs, abs=EXACT)
    theirs = metrics.average_precision_score(y, judged)
    assert ours.average_precision == pytest.approx(theirs, abs=EXACT)
    assert ours.brier == pytest.approx(
        metrics.brier_score_loss(y, brier_input(probabilities)), abs=EXACT
    )
    assert ours.baseline_accuracy == np.bincount(y).max() / n


@given(
    st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40).filter(
        lambda pairs: len({positive for positive, _ in pairs}) == 2
    )
)
def test_ranking_metrics_with_ties_equal_scikit_learn(pairs):
    truth = np.array([positive for positive, _ in pairs])
    scores = np.array([float(score) for _, score in pairs])
    ranking = rank(truth, scores)
    theirs = metrics.roc_auc_score(truth, scores)
    assert ranking.roc_auc == pytest.approx(theirs, abs=EXACT)
    theirs = metrics.average_precision_score(truth, scores)
    assert ranking.average_precision == pytest.approx(theirs, abs=EXACT)


def test_what_is_added_to_all_scores_of_a_sample_changes_nothing():
    rng = np.random.default_rng(0)
    y, scores = scores_like(rng, 300, 5)
    names = tuple("abcde")
    ours = evaluate_scores(y, scores, names)
    moved = evaluate_scores(y, scores + 10 * rng.normal(size=(300, 1)), names)
    assert moved.roc_auc == pytest.approx(ours.roc_auc, abs=EXACT)
    assert moved.average_precision == pytest.approx(ours.average_precision, abs=EXACT)


def test_of_a_class_without_samples_nothing_is_known_and_it_does_not_spoil_the_rest():
    ours = evaluate_scores(np.array([0, 0, 1]), np.eye(3)[[0, 0, 1]] * 9.0, ("a", "b", "c"))
    assert ours.accuracy == ours.balanced_accuracy == ours.macro_avg.f1_score == 1.0
    assert math.isnan(ours.roc_auc)
    assert all(map(math.isnan, ours.roc_auc_interval))
    absent = ours.classes[2]
    assert absent.support == 0
    for _, value, interval in absent.scores():
        assert all(map(math.isnan, (value, *interval)))


@pytest.mark.parametrize("answered", [[0, 0, 1, 1, 1], [0, 0, 1, 1, 2], [2, 3, 1, 1, 0]])
def test_averages_are_over_scikit_learns_default_labels(answered):
    """Those that are there or were answered, here of ten classes two and perhaps others."""
    y = np.array([0, 0, 0, 1, 1])
    ours = evaluate_scores(y, np.eye(10)[answered] * 9.0, tuple("abcdefghij"))
    report = metrics.classification_report(y, answered, output_dict=True, zero_division=0.0)
    for row in (ours.macro_avg, ours.weighted_avg):
        theirs = report[row.name]
        assert row.precision == pytest.approx(theirs["precision"], abs=EXACT)
        assert row.recall == pytest.approx(theirs["recall"], abs=EXACT)
        assert row.f1_score == pytest.approx(theirs["f1-score"], abs=EXACT)
        for _, value, (low, high) in row.scores():
            assert 0 <= low <= value <= high <= 1
    recalls = metrics.recall_score(y, answered, labels=[0, 1], average=None)
    assert ours.balanced_accuracy == pytest.approx(recalls.mean(), abs=EXACT)


def test_a_sure_and_wrong_answer_costs_a_finite_amount():
    ours = evaluate_scores(np.array([0, 1]), np.array([1e4, 1e4]), ("a", "b"))
    assert ours.log_loss == pytest.approx(metrics.log_loss([0, 1], [[0, 1], [0, 1]]), abs=EXACT)


def samples(n, n_classes):
    rng = np.random.default_rng(n)
    probabilities = rng.dirichlet(np.full(n_classes, 0.5), size=n)
    y = np.array([rng.choice(n_classes, p=p) for p in probabilities])
    return y, probabilities


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_bins_are_those_of_scikit_learn(n_classes):
    y, probabilities = samples(500, n_classes)
    said = probabilities[:, 1] if n_classes == 2 else probabilities.max(axis=1)
    true = y == 1 if n_classes == 2 else probabilities.argmax(axis=1) == y
    share, mean = calibration_curve(true, said, n_bins=10)
    bins = [each for each in reliability_bins(y, probabilities) if each.n_samples]
    assert [each.share for each in bins] == pytest.approx(share.tolist(), abs=1e-12)
    assert [each.mean_probability for each in bins] == pytest.approx(mean.tolist(), abs=1e-12)
    counts = np.array([each.n_samples for each in bins])
    assert counts.sum() == 500
    expected = (counts * np.abs(share - mean)).sum() / 500
    assert expected_calibration_error(bins) == pytest.approx(expected, abs=1e-12)


def test_edges_belong_to_the_bin_below_and_nothing_to_none():
    p = np.array([0.0, 0.1, 0.10001, 1.0])
    bins = reliability_bins(np.array([0, 0, 0, 1]), np.column_stack([1 - p, p]))
    assert [each.n_samples for each in bins] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert math.isnan(bins[4].share)
    assert bins[4].share_interval == (0.0, 1.0)
    assert expected_calibration_error(bins) == pytest.approx((0.1 + 0.10001) / 4)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_the_brier_score_is_that_of_scikit_learn(n_classes):
    y, probabilities = samples(400, n_classes)
    theirs = brier_score_loss(y, probabilities[:, 1] if n_classes == 2 else probabilities)
    assert brier_score(y, probabilities) == pytest.approx(theirs, abs=1e-12)


def test_rates_are_those_of_the_models_of_two_classes(mnist):
    pairs = train("pairs", mnist, TrainingSettings(split=SplitSpec(limit=1000))).model
    errors = evaluate(pairs, mnist).pair_errors()
    np.testing.assert_array_equal(errors, errors.T)
    assert np.isnan(errors.diagonal()).all()
    row = pairs_of(10).index((3, 8))
    alone = replace(pairs.card, task=parse_task("3v8"))
    coef, intercept = pairs.classifier.coef[[row]], pairs.classifier.intercept[[row]]
    two = Model(LinearClassifier(coef, intercept, ("3", "8")), alone)
    assert errors[3, 8] == pytest.approx(1 - evaluate(two, mnist).evaluation.accuracy)


def test_rates_of_known_scores():
    y = np.array([0, 0, 1, 1, 2])
    scores = np.zeros((5, 3))
    scores[:, 0] = [-1, 1, 1, 1, 9]  # 0 against 1: one of four is wrong
    scores[:, 1] = [1, 1, -9, 9, 1]  # 0 against 2: two of three
    scores[:, 2] = [0, 0, -1, -2, 1]  # 1 against 2: none
    rates = pair_error_rates(y, scores, 3)
    assert pairs_of(3) == [(0, 1), (0, 2), (1, 2)]
    assert rates[0, 1] == 0.25
    assert rates[2, 0] == 2 / 3
    assert rates[1, 2] == 0.0
