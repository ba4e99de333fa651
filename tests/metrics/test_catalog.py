from __future__ import annotations

import numpy as np
import pytest

from mnistcli.errors import UsageError
from mnistcli.metrics.catalog import METRICS, metric_named, metric_names
from mnistcli.metrics.classification import evaluate_scores
from mnistcli.metrics.gates import Gate, parse_gate


@pytest.fixture
def evaluation():
    """Three of four right."""
    return evaluate_scores(np.array([0, 0, 1, 1]), np.array([-9.0, 9.0, 9.0, 9.0]), ("a", "b"))


def test_every_metric_is_a_number_of_an_evaluation(evaluation):
    for metric in METRICS:
        assert isinstance(metric.of(evaluation), float)
    assert metric_named("f1_macro").of(evaluation) == evaluation.macro_avg.f1_score


@pytest.mark.parametrize(
    ("gate", "problem"),
    [
        ("accuracy=0.75", ""),
        ("accuracy=0.7", ""),
        ("accuracy=0.76", "accuracy 0.75 is below 0.76"),
        ("accuracy=0.75000001", "accuracy 0.75 is below 0.75"),
        ("log_loss=3", ""),
        ("log_loss=2", "log_loss 2.25 is above 2"),
        ("brier=0.25", ""),
        ("ece=0", "ece 0.2499 is above 0"),
    ],
)
def test_gates_say_what_was_missed(evaluation, gate, problem):
    assert parse_gate(gate).problem_with(evaluation) == problem


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_bar_is_reached_at_the_bar(evaluation, metric):
    value = metric.of(evaluation)
    assert Gate(metric, value).problem_with(evaluation) == ""
    worse = np.nextafter(value, 2.0 if metric.larger_is_better else -1.0)
    assert Gate(metric, worse).problem_with(evaluation)


def test_what_is_not_known_reaches_no_bar():
    only_one = evaluate_scores(np.array([0, 0]), np.array([-1.0, -2.0]), ("a", "b"))
    assert parse_gate("roc_auc=0").problem_with(only_one) == "roc_auc is not known"


def test_two_numbers_that_round_to_the_same_are_told_apart():
    scores = np.full(100_000, 9.0)
    scores[0] = -9.0
    evaluation = evaluate_scores(np.ones(100_000, dtype=int), scores, ("a", "b"))
    problem = parse_gate("accuracy=1").problem_with(evaluation)
    assert problem == "accuracy 0.99999 is below 1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("acuracy=0.9", "'acuracy' is no metric here"),
        ("", "'' is no metric here"),
        ("accuracy", "'accuracy' has no number to reach"),
        ("accuracy=high", "'accuracy=high' has no number to reach"),
        ("accuracy=nan", "'accuracy=nan' has no number to reach"),
    ],
)
def test_what_is_no_gate_is_refused(text, message):
    with pytest.raises(UsageError) as caught:
        parse_gate(text)
    assert caught.value.message == message
    if "no metric" in message:
        assert caught.value.hint == f"there is {', '.join(metric_names())}"
