from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve

from mnistcli.errors import UsageError
from mnistcli.metrics.classification import answers_of
from mnistcli.metrics.curves import Threshold, choose_threshold, parse_target


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
    precision, recall, thresholds = precision_recall_curve(y, p)
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
