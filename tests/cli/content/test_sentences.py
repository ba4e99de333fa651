"""Sentences about tasks, models and comparisons: what they say is what was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

import mnistcli
from mnistcli.cli.content.sentences import comparison_sentences, describe_task, verdict
from mnistcli.comparison import compare
from mnistcli.evaluation import evaluate
from mnistcli.metrics.intervals import difference_interval
from mnistcli.settings import SolverSettings, SplitSpec, TrainingSettings
from mnistcli.tasks import parse_task


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("0v1", "0 from 1"),
        ("2vrest", "2 from the other digits"),
        ("17v49", "17 from 49"),
        ("even-odd", "even from odd"),
        ("0v1v2", "0, 1 and 2 apart"),
        ("0v1vrest", "0, 1 and the other digits apart"),
        ("digits", "all ten digits apart"),
        ("pairs", "all ten digits apart"),
    ],
)
def test_tasks_in_words(task, words):
    assert describe_task(parse_task(task)) == words


def test_what_is_said_of_models_are_their_numbers(mnist):
    models = [
        mnistcli.train(
            "3v8", mnist, TrainingSettings(SolverSettings(C=C), SplitSpec(limit=200))
        ).model
        for C in (1e-4, 1.0)
    ]
    models = [replace(model, ref=f"3v8@{i}") for i, model in enumerate(models, 1)]
    said = verdict(evaluate(models[1], mnist))
    result = compare(models, mnist)
    best = result.judged[0].evaluation
    assert said.startswith("3v8@2 tells 3 from 8 and is right on ")
    low, high = (f"{100 * end:.2f}" for end in best.accuracy_interval)
    assert f"{best.accuracy:.2%}".replace("%", f" % (95 % interval {low} to {high} %)") in said
    (test,) = result.tests
    low, high = difference_interval(test.n_only_first, test.n_only_second, 1984)
    more = (test.n_only_first - test.n_only_second) / 1984
    assert low < more < high
    assert comparison_sentences(result) == (
        f"On 1,984 images of mnist test 3v8@2 is right on {100 * best.accuracy:.2f} % and 3v8@1 on "
        f"{100 * result.judged[1].evaluation.accuracy:.2f} %: a difference of {more:+.4f} (95 % "
        f"interval {low:+.4f} to {high:+.4f}), McNemar's exact test, p < 0.0001."
    )
