"""Numbers for a person: rounded, and never to all or nothing where that is not so."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

import mnistcli
from mnistcli.cli.numbers import (
    comparison_sentences,
    decimal,
    decimal_span,
    describe_task,
    n_bytes,
    percent,
    percent_span,
    span,
    verdict,
)
from mnistcli.comparison import compare
from mnistcli.evaluation import evaluate
from mnistcli.metrics.intervals import difference_interval
from mnistcli.settings import SolverSettings, SplitSpec, TrainingSettings
from mnistcli.tasks import parse_task

NAN = math.nan


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100.00 %"), (0.99999, "99.99 %"), (0.99994, "99.99 %"), (0.5, "50.00 %"),
        (0.00001, "0.01 %"), (1e-300, "0.01 %"), (0.0, "0.00 %"), (NAN, "-"),
    ],
)  # fmt: skip
def test_percent(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1.0000"), (0.99999, "0.9999"), (0.00001, "0.0001"), (0.0, "0.0000"),
     (2.30261, "2.3026"), (NAN, "-")],
)  # fmt: skip
def test_decimal(value, text):
    assert decimal(value) == text


def test_digits_are_as_many_as_asked_for():
    assert percent(0.99999, digits=1) == "99.9 %"
    assert decimal(0.9999999, digits=6) == "0.999999"


@pytest.mark.parametrize(
    ("interval", "text"),
    [((0.93815, 0.96491), ".938-.965"), ((0.9387, 0.9641), ".938-.965"), ((0.0, 1.0), ".000-1.00"), ((0.123, 0.456), ".123-.456"),
     ((0.9991, 0.9999), ".999-1.00"), ((NAN, NAN), "")],
)  # fmt: skip
def test_a_span_is_rounded_outwards_in_nine_characters(interval, text):
    assert span(interval) == text


def test_other_intervals():
    assert decimal_span((0.99999, 0.999999)) == "0.9999 to 1.0000"
    assert decimal_span((0.0, 0.00001)) == "0.0000 to 0.0001"
    assert percent_span((0.00001, 0.99999)) == "0.01 to 99.99 %"
    assert decimal_span((NAN, NAN)) == percent_span((NAN, NAN)) == ""
    assert span((1.0, 1.0)) == decimal_span((1.0, 1.0)) == "", "a point claims too much"


@pytest.mark.parametrize(
    ("count", "text"),
    [(999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (2_500_000, "2.5 MB"),
     (3 * 10**9, "3.0 GB")],
)  # fmt: skip
def test_n_bytes(count, text):
    assert n_bytes(count) == text


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
