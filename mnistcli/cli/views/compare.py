"""Comparisons of models as tables, documents and pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mnistcli.cli.content import numbers, sentences
from mnistcli.cli.content.parts import Cell, Facts, Panel, Part, Table, Words
from mnistcli.cli.content.plots import Axis, Plot, Series, axis_for
from mnistcli.cli.output import Answer, pick
from mnistcli.cli.views.evaluate import estimate, evaluation_document
from mnistcli.comparison import Comparison
from mnistcli.metrics.catalog import metric_names
from mnistcli.metrics.intervals import UNKNOWN

_OVER_SEEDS = ("over_seeds", "over_seeds_low", "over_seeds_high", "over_seeds_p_corrected")


def comparison_answer(
    result: Comparison, n_disagreements: int = 0, *, is_for_paper: bool = False
) -> Answer:
    """Show a comparison; ``n_disagreements`` is how many pictures of them were asked for."""
    document = {
        **pick(result, "on n_left_out over_seeds n_disagreements notes"),
        "class_names": result.judged[0].model.card.class_names,
        "n_samples": result.judged[0].evaluation.n_samples,
        "by": result.by.name,
        "best": result.refs[0],
        "models": [
            {
                "model": each.model.ref,
                "task": each.model.card.task.name,
                "differs_in": words,
                "difference": result.difference_of(each),
                "fit_seconds": each.model.card.fit_seconds,
                "predict_seconds": each.predict_seconds,
                "n_bytes": each.model.n_bytes,
                "evaluation": evaluation_document(each.evaluation),
            }
            for each, words in zip(result.judged, _distinctions(result), strict=True)
        ],
        "pairs": [
            {**asdict(test), "first": result.refs[test.first], "second": result.refs[test.second]}
            for test in result.tests
        ],
        "disagreements": [each.facts for each in result.disagreements] if n_disagreements else None,
    }
    rows = _paper_rows(result) if is_for_paper else _rows(result, document["models"])
    parts, panels = comparison_parts(result), _panels(result)
    return Answer("compare", document, result.refs[:1], parts, rows, panels=panels)


def _rows(result: Comparison, models: Sequence[dict[str, Any]]) -> Iterator[Sequence[object]]:
    judged, costs = ("n_samples", *metric_names()), ("fit_seconds", "predict_seconds", "n_bytes")
    tested = "n_only_it", "n_only_best", "p_value", "p_corrected"
    of_test = "n_only_second n_only_first p_value p_corrected"
    yield ("model", "task", *judged, "difference", *tested, *costs, *_OVER_SEEDS)
    for model, (_, test) in zip(models, result.against_best(), strict=True):
        found = [*pick(test, of_test).values()] if test else [None] * len(tested)
        values = (model["evaluation"][name] for name in judged)
        costly = (model[name] for name in costs)
        over = _over_seeds(result, ref := model["model"])
        yield (ref, model["task"], *values, model["difference"], *found, *costly, *over)


def _over_seeds(result: Comparison, ref: str) -> tuple[float | None, ...]:
    """Return how much better a model's way to train is than the best's, over seeds, and the test of it."""
    for test in result.over_seeds:
        (low, high), p = test.interval, test.p_corrected
        if ref in test.first and result.refs[0] in test.second:
            return test.difference, low, high, p
        if ref in test.second and result.refs[0] in test.first:
            return -test.difference, -high, -low, p
    return (None,) * len(_OVER_SEEDS)


def _paper_rows(result: Comparison) -> Iterator[Sequence[object]]:
    """Yield what a paper shows, each with its interval where it has one.

    McNemar's test is of the accuracy, and stands beside no other difference.
    """
    by, of_accuracy = result.by, result.by.name == "accuracy"
    is_tested = of_accuracy and bool(result.tests)
    names = dict.fromkeys(["accuracy", by.name, "difference"])
    headings = (f"{name}{end}" for name in names for end in ("", "_low", "_high"))
    last = _OVER_SEEDS if result.over_seeds else ()
    yield ("model", "differs_in", *headings, *["p_corrected"] * is_tested, *last)
    for (each, test), words in zip(result.against_best(), _distinctions(result), strict=True):
        evaluation, interval = each.evaluation, UNKNOWN
        found = [evaluation.accuracy, *evaluation.accuracy_interval]
        if not of_accuracy:
            found += by.of(evaluation), *(by.interval_of(evaluation) or UNKNOWN)
        if test and is_tested:
            _, (low, high) = test.difference  # of the best, less this one
            interval = -high, -low
        difference = None if each is result.judged[0] else result.difference_of(each)
        p_values = [test.p_corrected if test else None] * is_tested
        p_values += _over_seeds(result, each.model.ref)[: len(last)]
        yield (each.model.ref, ", ".join(words), *found, difference, *interval, *p_values)


def comparison_parts(result: Comparison) -> Iterator[Part]:
    """Yield what a person is shown."""
    yield Facts(comparison_facts(result))
    yield models_table(result)
    alone = f"alone: images that only this model, and that only {result.refs[0]} got right\n"
    yield Words((alone if result.tests else "") + sentences.comparison_sentences(result))
    if result.disagreements:
        yield result.disagreements


def _panels(result: Comparison) -> Iterator[Panel]:
    """Yield what is drawn into a file: the models with their intervals, and disagreements."""
    by, rows = result.by, []
    for i, each in enumerate(result.judged):
        value = by.of(each.evaluation)
        low, high = by.interval_of(each.evaluation) or (value, value)
        rows.append((value, i, low, high))
    points = np.array(rows)[np.isfinite(rows).all(axis=1)]
    places = tuple(range(len(rows)))
    across = axis_for(points[:, [0, 2, 3]].flat, title=by.title.lower())
    up = Axis(len(rows) - 0.5, -0.5, False, places, word=lambda i: result.refs[int(i)])  # noqa: FBT003
    named = zip(result.refs, map(", ".join, _distinctions(result)), strict=True)
    differ = "; ".join(": ".join(filter(None, each)) for each in named)
    note = f"{differ}. {sentences.comparison_sentences(result)}"
    title, aspect = f"{len(rows)} models on {result.on}", 0.12 * len(rows) + 0.08
    series = Series.measured("models", points, "marks", across=True)
    yield Plot(title, across, up, (series,), note, aspect=aspect)
    yield result.disagreements


def _distinctions(result: Comparison) -> list[tuple[str, ...]]:
    return sentences.distinctions([each.model.card for each in result.judged])


def comparison_facts(result: Comparison) -> Iterator[tuple[str, str]]:
    """Yield which is best, and of how many images."""
    yield "Best", f"{result.refs[0]}, by {result.by.title.lower()}"
    yield "Images", f"{result.judged[0].evaluation.n_samples:,} of {result.on}"
    if n := result.n_left_out:
        yield "Left out", f"{n:,}, because some of the models were trained on them"
    if result.tests:
        yield "Disagreement", f"on {result.n_disagreements:,} of them"


def models_table(result: Comparison) -> Table:
    """Show how good each model is, and what it costs."""
    by = result.by
    more = [] if by.name == "accuracy" else [by.title.lower()]
    rows: list[list[Cell]] = []
    for (each, test), words in zip(result.against_best(), _distinctions(result), strict=True):
        evaluation, n = each.evaluation, each.model.n_bytes
        rows.append([
            each.model.ref,
            ", ".join(words),
            estimate(evaluation.accuracy, evaluation.accuracy_interval),
            *(numbers.decimal(by.of(evaluation)) for _ in more),
            "" if each is result.judged[0] else f"{result.difference_of(each):+.4f}",
            f"{test.n_only_second:,} : {test.n_only_first:,}" if test else "",
            numbers.p_value(test.p_corrected) if test else "",
            numbers.seconds(each.model.card.fit_seconds),
            f"{1000 * each.predict_seconds:,.1f} ms",
            "-" if n is None else numbers.n_bytes(n),
        ])  # fmt: skip
    headings = ["model", "differs in", "accuracy", *more, "difference", "alone", "p-value"]
    headings += ["fit", "predict", "size"]
    n = len(headings)
    return Table(headings, "bll" + "r" * (n - 3), rows, apart=range(n - 3, n))
