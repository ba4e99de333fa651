from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from mnistcli.linear_model.classifier import probabilities_of
from mnistcli.metrics.curves import (
    corner_for,
    curves_of,
    precision_recall_curve,
    roc_curve,
    worst_of,
)
from mnistcli.metrics.ranking import rank


@given(
    st.lists(st.tuples(st.booleans(), st.integers(-5, 5)), min_size=2, max_size=60).filter(
        lambda pairs: len({positive for positive, _ in pairs}) == 2
    )
)
def test_points_are_those_of_scikit_learn(pairs):
    truth = np.array([positive for positive, _ in pairs])
    scores = np.array([float(score) for _, score in pairs])
    ranking = rank(truth, scores)
    ours = roc_curve(ranking, ranking.levels)
    for mine, theirs in zip(
        (ours.false_positive_rate, ours.true_positive_rate, ours.thresholds),
        metrics.roc_curve(truth, scores),
        strict=True,
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)
    curve = precision_recall_curve(ranking, ranking.levels)
    for mine, theirs in zip(
        (curve.precision, curve.recall, curve.thresholds),
        metrics.precision_recall_curve(truth, scores, drop_intermediate=True),
        strict=True,
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)


def test_of_two_classes_the_thresholds_are_probabilities():
    rng = np.random.default_rng(0)
    y, scores = rng.integers(2, size=100), rng.normal(size=100)
    (curves,) = curves_of(y, scores, ("no", "yes"))
    p = probabilities_of(scores)[:, 1]
    theirs = metrics.roc_curve(y, p)
    np.testing.assert_allclose(curves.roc.thresholds, theirs[2], atol=1e-12)
    np.testing.assert_allclose(curves.roc.true_positive_rate, theirs[1], atol=1e-12)
    assert curves.name == "yes"
    assert curves.roc_auc == pytest.approx(metrics.roc_auc_score(y, scores))


def test_of_more_classes_each_has_its_curves_and_the_worst_is_found():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 50)
    scores = rng.normal(size=(150, 3)) + np.eye(3)[y] * [4, 1, 4]
    curves = curves_of(y, scores, ("a", "b", "c"))
    p = probabilities_of(scores)
    for k, each in enumerate(curves):
        assert each.roc_auc == pytest.approx(metrics.roc_auc_score(y == k, p[:, k]))
        theirs = metrics.precision_recall_curve(y == k, p[:, k], drop_intermediate=True)
        np.testing.assert_allclose(each.precision_recall.thresholds, theirs[2], atol=1e-12)
    assert worst_of(curves).name == "b"


def test_a_class_without_samples_has_no_rates_and_is_never_the_worst():
    y, scores = np.array([1, 2, 2, 1]), np.eye(3)[[1, 2, 1, 1]]
    curves = curves_of(y, scores, ("a", "b", "c"))  # a is the first: min takes a NaN there
    assert np.isnan(curves[0].roc.true_positive_rate).all()
    assert worst_of(curves).name in ("b", "c")
    assert worst_of(curves, "average_precision").name in ("b", "c")


@pytest.mark.parametrize(
    ("distance", "side"), [(0.0, 1.0), (0.0005, 0.001), (0.05, 0.05), (0.0501, 0.1), (0.7, 1.0)]
)
def test_the_corner_drawn_holds_what_happens_in_it(distance, side):
    assert corner_for(distance) == side
