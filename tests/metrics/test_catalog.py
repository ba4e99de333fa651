from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from mnistcli.errors import UsageError
from mnistcli.metrics.catalog import METRICS, metric_keys, metric_named, metric_names, parse_gate
from mnistcli.metrics.classification import evaluate_scores


@pytest.fixture
def evaluation():
    """Three of four right."""
    return evaluate_scores(np.array([0, 0, 1, 1]), np.array([-9.0, 9.0, 9.0, 9.0]), ("a", "b"))


def test_every_metric_is_a_number_of_an_evaluation(evaluation):
    for metric in METRICS:
        assert isinstance(metric.of(evaluation), float)
    assert metric_named("f1_macro").of(evaluation) == evaluation.macro_avg.f1_score


def problem_of(gate, evaluation):
    metric, bar = parse_gate(gate)
    return metric.problem_with(evaluation, bar)


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
    assert problem_of(gate, evaluation) == problem


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_bar_is_reached_at_the_bar(evaluation, metric):
    value = metric.of(evaluation)
    assert metric.problem_with(evaluation, value) == ""
    worse = np.nextafter(value, 2.0 if metric.larger_is_better else -1.0)
    assert metric.problem_with(evaluation, worse)


def test_what_is_not_known_reaches_no_bar():
    only_one = evaluate_scores(np.array([0, 0]), np.array([-1.0, -2.0]), ("a", "b"))
    assert problem_of("roc_auc=0", only_one) == "roc_auc is not known"


def test_two_numbers_that_round_to_the_same_are_told_apart():
    scores = np.full(100_000, 9.0)
    scores[0] = -9.0
    evaluation = evaluate_scores(np.ones(100_000, dtype=int), scores, ("a", "b"))
    problem = problem_of("accuracy=1", evaluation)
    assert problem == "accuracy 0.99999 is below 1"
    problem = problem_of("accuracy=0.999999", evaluation)
    assert problem == "accuracy 0.99999 is below 0.999999"


@pytest.mark.parametrize(
    ("text", "bar"), [("accuracy=99%", 0.99), ("brier=1.5", 1.5), ("log_loss=3", 3), ("ece=0", 0)]
)
def test_a_bar_is_a_number_or_a_percentage(text, bar):
    assert parse_gate(text)[1] == bar


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("acuracy=0.9", "'acuracy' is no metric here", f"there is {', '.join(metric_names())}"),
        ("", "'' is no metric here", f"there is {', '.join(metric_names())}"),
        ("accuracy", "'accuracy' is no bar: accuracy goes from 0 to 1", "accuracy=0.99 or 99%"),
        ("accuracy=high", "'accuracy=high' is no bar: accuracy goes from 0 to 1", "=0.99 or 99%"),
        ("log_loss=nan", "'log_loss=nan' is no bar: log_loss goes from 0 to inf", "log_loss=0.02"),
        ("accuracy=99", "'accuracy=99' is no bar: accuracy goes from 0 to 1", "=0.99 or 99%"),
        ("roc_auc=-0.1", "'roc_auc=-0.1' is no bar: roc_auc goes from 0 to 1", "=0.99 or 99%"),
        ("ece=101", "'ece=101' is no bar: ece goes from 0 to 1", "for example ece=0.02"),
        ("brier=2.1", "'brier=2.1' is no bar: brier goes from 0 to 2", "brier=0.02"),
        ("log_loss=inf", "'log_loss=inf' is no bar: log_loss goes from 0 to inf", "log_loss=0.02"),
    ],
)
def test_what_is_no_gate_is_refused(text, message, hint):
    with pytest.raises(UsageError) as caught:
        parse_gate(text)
    assert caught.value.message == message
    assert caught.value.hint.endswith(hint)


def test_the_published_names_are_all_there():
    assert {"accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "average_precision",
            "log_loss", "brier", "ece"} <= set(metric_names())  # fmt: skip
    assert {*metric_names(), "accuracy_interval", "roc_auc_interval"} <= set(metric_keys())


ADD_A_METRIC = """
import json, sys
from typer.testing import CliRunner
from mnistcli.metrics import catalog

catalog.Evaluation.error_rate = property(lambda self: 1 - self.accuracy)
catalog.Evaluation.error_rate_interval = property(lambda self: (0.125, 0.25))
catalog.METRICS += (
    catalog.Metric("error_rate", "Error rate", "percent", 3, larger_is_better=False,
                   in_card=True),
)
from mnistcli.cli.app import app

for command in json.loads(sys.argv[1]):
    done = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert done.exit_code == 0, (command, done.output, done.exception)
    print(json.dumps(done.stdout))
"""


def test_a_metric_that_is_added_is_seen_everywhere(tmp_path):
    """The drill of adding a metric: a line of METRICS and a property of Evaluation."""
    page, readme = tmp_path / "r.html", tmp_path / "r.md"
    commands = [
        ["train", "--task", "3v8", "--limit", "100", "--json"],
        ["models", "info", "--json"],
        ["evaluate", "--json"],
        ["evaluate", "--tsv"],
        ["evaluate", "--fail-under", "error_rate=99%"],
        ["compare", "3v8", "3v8", "--tsv"],
        ["compare", "3v8", "3v8", "--by", "error_rate", "--json"],
        ["compare", "3v8", "3v8", "--by", "error_rate"],
        ["compare", "--help"],
        ["evaluate", "--help"],
        ["help", "json"],
        ["report", "-o", str(page), "-q"],
        ["report", "-o", str(readme), "-q"],
    ]
    done = subprocess.run(
        [sys.executable, "-c", ADD_A_METRIC, json.dumps(commands)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (
        train,
        info,
        evaluation,
        tsv,
        table,
        rows,
        by,
        by_table,
        compare_help,
        evaluate_help,
        contract,
        *_,
    ) = (json.loads(line) for line in done.stdout.splitlines())
    value = json.loads(evaluation)["error_rate"]
    assert value == pytest.approx(1 - json.loads(evaluation)["accuracy"])
    assert json.loads(evaluation)["error_rate_interval"] == [0.125, 0.25]
    assert json.loads(train)["test"]["error_rate"] == value
    assert json.loads(info)["card"]["metrics"]["test_error_rate"] == value
    assert f"\nerror_rate\t\t{value!r}\t0.125\t0.25\n" in tsv
    assert f"Error rate         {100 * value:.3f} %  12.50 to 25.00 %" in table
    assert "error_rate" in rows.partition("\n")[0].split("\t")
    assert json.loads(by)["by"] == "error_rate"
    assert "by error rate" in by_table
    assert "error_rate" in compare_help
    assert "error_rate less is better" in " ".join(evaluate_help.split())
    assert contract.count("`ece`, `error_rate`, `error_rate_interval`,") == 3
    assert f"<dt>Error rate</dt><dd>{100 * value:.3f}\xa0% " in page.read_text()
    assert f"| Error rate | {100 * value:.3f} % (12.50 to 25.00 %) |" in readme.read_text()
