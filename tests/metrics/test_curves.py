from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from mnistcli.errors import UsageError
from mnistcli.linear_model.classifier import probabilities_of
from mnistcli.metrics.classification import answers_of, rank
from mnistcli.metrics.curves import (
    Threshold,
    choose_threshold,
    corner_for,
    curves_of,
    parse_target,
    precision_recall_curve,
    roc_curve,
    worst_of,
)


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


def columns(p):
    p = np.asarray(p, dtype=float)
    return np.column_stack([1 - p, p])


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 20)), min_size=1, max_size=40).filter(
        lambda pairs: any(positive for positive, _ in pairs)
    ),
    st.sampled_from(["recall", "precision"]),
    st.sampled_from([0.3, 0.5, 0.8, 0.99, 1.0]),
)
def test_the_threshold_reaches_the_target_and_gives_up_least(pairs, metric, bar):
    """Against every threshold there is, as scikit-learn lists them."""
    y = np.array([int(positive) for positive, _ in pairs])
    p = np.array([level / 20 for _, level in pairs])
    precision, recall, thresholds = metrics.precision_recall_curve(y, p)
    of, other = (recall, precision) if metric == "recall" else (precision, recall)
    able = np.flatnonzero(of[:-1] >= bar - 1e-12)
    target = parse_target(f"{metric}={bar}")
    if not len(able):
        with pytest.raises(UsageError, match="no threshold reaches"):
            choose_threshold(y, columns(p), target, "here")
        return
    chosen = choose_threshold(y, columns(p), target, "here")
    # The highest threshold for a recall, the lowest for a precision; and nothing else gives more.
    best = able[-1] if metric == "recall" else able[0]
    assert ((p >= chosen.value) == (p >= thresholds[best])).all()
    assert (chosen.precision, chosen.recall) == pytest.approx((precision[best], recall[best]))
    if metric == "precision":
        assert chosen.recall == pytest.approx(other[able].max())


def test_it_has_no_more_decimals_than_it_needs():
    p = [0.1, 0.62345678, 0.63456789, 0.9]
    chosen = choose_threshold(np.array([0, 0, 1, 1]), columns(p), parse_target("recall=1"), "here")
    assert chosen.value == 0.63
    assert (chosen.precision, chosen.recall, chosen.chosen_on) == (1.0, 1.0, "here")


def test_answers_with_and_without_a_threshold():
    scores = np.array([-2.0, 0.0, 0.1, 3.0])
    assert answers_of(scores).tolist() == [0, 0, 1, 1]
    assert answers_of(scores, 0.5).tolist() == [0, 1, 1, 1]
    assert answers_of(scores, 0.9).tolist() == [0, 0, 0, 1]
    assert answers_of(scores, 0.0).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("text", ["recall", "recall=", "recall=x", "recall=0", "recall=1.1",
                                  "recall=nan", "accuracy=0.9", "=0.9", ""])  # fmt: skip
def test_what_is_no_target_is_refused(text):
    with pytest.raises(UsageError, match="is nothing to choose a threshold for"):
        parse_target(text)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(value):
    with pytest.raises(UsageError, match="is not between 0 and 1"):
        Threshold(value)
