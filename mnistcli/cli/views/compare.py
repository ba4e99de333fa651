"""Comparisons of models as tables, documents and pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest

import numpy as np

from mnistcli.cli.numbers import (
    comparison_sentences,
    decimal,
    distinctions,
    n_bytes,
    p_value,
    seconds,
)
from mnistcli.cli.output import Answer
from mnistcli.cli.parts import Cell, Facts, Panel, Part, Table, Words
from mnistcli.cli.views.shared import estimate, evaluation_document
from mnistcli.cli.words import visible
from mnistcli.comparison import Comparison
from mnistcli.evaluation import JudgedModel
from mnistcli.gallery import Gallery
from mnistcli.metrics.catalog import METRICS, metric_names
from mnistcli.metrics.intervals import McNemarTest


@dataclass(frozen=True)
class ComparisonView:
    """A comparison, and pictures of the disagreements; ``n_disagreements`` were asked for."""

    result: Comparison
    n_disagreements: int = 0

    def answer(self) -> Answer:
        """Return what the command answers."""
        result, refs = self.result, self._refs()
        drawn = [each.facts for each in result.disagreements]
        document = {
            "on": result.on,
            "class_names": result.judged[0].model.card.class_names,
            "n_samples": result.judged[0].evaluation.n_samples,
            "n_left_out": result.n_left_out,
            "by": result.by.name,
            "best": refs[0],
            "models": [
                {
                    "model": each.model.ref,
                    "task": each.model.card.task.name,
                    "differs_in": words,
                    "difference": self._difference(each),
                    "fit_seconds": each.model.card.fit_seconds,
                    "predict_seconds": each.predict_seconds,
                    "n_bytes": each.model.n_bytes,
                    "evaluation": evaluation_document(each.evaluation),
                }
                for each, words in zip(result.judged, self._distinctions(), strict=True)
            ],
            "pairs": [
                {**asdict(test), "first": refs[test.first], "second": refs[test.second]}
                for test in result.tests
            ],
            "over_seeds": result.over_seeds,
            "n_disagreements": result.n_disagreements,
            "disagreements": drawn if self.n_disagreements else None,
            "notes": result.notes,
        }
        return Answer("compare", document, refs[:1], self.shown(), self._rows())

    def _rows(self) -> Iterator[Sequence[object]]:
        yield ("model", "task", "n_samples", *metric_names(), "difference", "n_only_it",
               "n_only_best", "p_value", "p_corrected", "fit_seconds", "predict_seconds",
               "n_bytes")  # fmt: skip
        for each, test in self._against_best():
            values = [metric.of(each.evaluation) for metric in METRICS]
            found: tuple[object, ...] = (None,) * 4
            if test:
                found = test.n_only_second, test.n_only_first, test.p_value, test.p_corrected
            n_samples, task = each.evaluation.n_samples, each.model.card.task.name
            costs = each.model.card.fit_seconds, each.predict_seconds, each.model.n_bytes
            yield (each.model.ref, task, n_samples, *values, self._difference(each), *found, *costs)

    def shown(self) -> Iterator[Part]:
        """Yield what a person is shown."""
        result = self.result
        yield Facts(self.facts())
        yield self.models()
        best = self._refs()[0]
        alone = f"alone: images that only this model, and that only {best} got right\n"
        yield Words((alone if result.tests else "") + comparison_sentences(result))
        if result.disagreements:
            yield Gallery(result.disagreements, visible(self._legend_of_pictures()))

    def panels(self) -> Iterator[Panel]:
        """Yield what is drawn into a file: the models with their intervals, and disagreements."""
        from mnistcli.cli.plots import Axis, Plot, Series, axis_for

        by, judged = self.result.by, self.result.judged
        rows = []
        for i, each in enumerate(judged):
            value = by.of(each.evaluation)
            low, high = by.interval_of(each.evaluation) or (value, value)
            rows.append((value, i, low, i, high, i))
        points = np.array(rows)[np.isfinite(rows).all(axis=1)]
        places = tuple(range(len(rows)))
        across = axis_for(points[:, ::2].flat, title=by.title.lower())
        up = Axis(len(rows) - 0.5, -0.5, False, places, word=lambda i: self._refs()[int(i)])  # noqa: FBT003
        named = zip(self._refs(), map(", ".join, self._distinctions()), strict=True)
        differ = "; ".join(": ".join(filter(None, each)) for each in named)
        note = f"{differ}. {comparison_sentences(self.result)}"
        title, aspect = f"{len(rows)} models on {self.result.on}", 0.12 * len(rows) + 0.08
        series = Series.measured("models", points, "marks")
        yield Plot(title, across, up, (series,), note, aspect=aspect)
        yield Gallery(self.result.disagreements, self._legend_of_pictures())

    def _refs(self) -> list[str]:
        return [each.model.ref for each in self.result.judged]

    def _distinctions(self) -> list[tuple[str, ...]]:
        return distinctions([each.model.card for each in self.result.judged])

    def _difference(self, judged: JudgedModel) -> float:
        by, best = self.result.by, self.result.judged[0]
        return by.of(judged.evaluation) - by.of(best.evaluation)

    def _against_best(self) -> Iterator[tuple[JudgedModel, McNemarTest | None]]:
        """Yield each model with the test of it against the best, which has none."""
        judged = self.result.judged
        return zip_longest(judged, (None, *self.result.tests[: len(judged) - 1]))

    def facts(self) -> Iterator[tuple[str, str]]:
        """Yield which is best, and of how many images."""
        result, best = self.result, self.result.judged[0]
        yield "Best", f"{best.model.ref}, by {result.by.title.lower()}"
        yield "Images", f"{best.evaluation.n_samples:,} of {result.on}"
        if n := result.n_left_out:
            yield "Left out", f"{n:,}, because some of the models were trained on them"
        if result.tests:
            yield "Disagreement", f"on {result.n_disagreements:,} of them"

    def models(self) -> Table:
        """Show how good each model is, and what it costs."""
        by = self.result.by
        more = [] if by.name == "accuracy" else [by.title.lower()]
        rows: list[list[Cell]] = []
        for (each, test), words in zip(self._against_best(), self._distinctions(), strict=True):
            evaluation, n = each.evaluation, each.model.n_bytes
            is_best = each is self.result.judged[0]
            rows.append([
                each.model.ref,
                ", ".join(words),
                estimate(evaluation.accuracy, evaluation.accuracy_interval),
                *(decimal(by.of(evaluation)) for _ in more),
                "" if is_best else f"{self._difference(each):+.4f}",
                f"{test.n_only_second:,} : {test.n_only_first:,}" if test else "",
                p_value(test.p_corrected) if test else "",
                seconds(each.model.card.fit_seconds),
                f"{1000 * each.predict_seconds:,.1f} ms",
                "-" if n is None else n_bytes(n),
            ])  # fmt: skip
        headings = ["model", "differs in", "accuracy", *more, "difference", "alone", "p-value"]
        headings += ["fit", "predict", "size"]
        n = len(headings)
        return Table(headings, "bll" + "r" * (n - 3), rows, apart=range(n - 3, n))

    def _legend_of_pictures(self) -> str:
        n_shown, n = len(self.result.disagreements), self.result.n_disagreements
        which = f"the sharpest {n_shown:,} of {n:,} disagreements"
        if n_shown == n:
            which = "the only disagreement" if n == 1 else f"all {n:,} disagreements"
        return f"{which}, as #index: truth ({'/'.join(self._refs())})"
