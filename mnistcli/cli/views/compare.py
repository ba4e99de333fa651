"""Comparisons of models as tables, documents and pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistcli.cli import rich
from mnistcli.cli.numbers import decimal, n_bytes, seconds, span
from mnistcli.cli.output import View
from mnistcli.cli.sentences import comparison_sentences, distinctions, p_value
from mnistcli.cli.terminal.capabilities import Render
from mnistcli.cli.views.shared import estimate, evaluation_document, facts, ruled_table
from mnistcli.cli.words import visible
from mnistcli.gallery import Gallery
from mnistcli.metrics.catalog import METRICS, metric_names

if TYPE_CHECKING:
    from mnistcli.cli.drawing.layout import Panel
    from mnistcli.comparison import Comparison
    from mnistcli.evaluation import JudgedModel
    from mnistcli.metrics.paired import McNemarTest

# In a table of their own where the terminal is not as wide.
_COSTS, _WIDE = ("fit", "predict", "size"), 100


@dataclass(frozen=True)
class ComparisonView(View):
    """A comparison, and pictures of the disagreements; ``n_disagreements`` were asked for."""

    schema = "compare"
    result: "Comparison"
    n_disagreements: int = 0
    render: Render = "auto"

    def document(self) -> dict[str, Any]:
        result, refs = self.result, self._refs()
        return {
            "on": result.on,
            "class_names": list(result.judged[0].model.card.class_names),
            "n_samples": result.judged[0].evaluation.n_samples,
            "n_left_out": result.n_left_out,
            "by": result.by.name,
            "best": refs[0],
            "models": [
                {
                    "model": each.model.ref,
                    "task": each.model.card.task.name,
                    "differs_in": list(words),
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
            "over_seeds": [asdict(test) for test in result.over_seeds],
            "n_disagreements": result.n_disagreements,
            "disagreements": [each.facts for each in result.disagreements]
            if self.n_disagreements
            else None,
            "notes": list(result.notes),
        }

    def rows(self) -> Iterator[Sequence[object]]:
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

    def lines(self) -> Iterator[str]:
        yield self._refs()[0]

    def table(self, console: "rich.Console") -> "rich.RenderableType":
        result = self.result
        parts = [facts(self.facts()), self._models(console), rich.Text(self.legend(), "dim")]
        if result.disagreements:
            from mnistcli.cli.terminal.pictures import draw

            legend = rich.Text(visible(self._legend_of_pictures()), "bold")
            parts += [
                rich.Text(),
                legend,
                rich.Text(),
                draw(result.disagreements, console, self.render),
            ]
        return rich.Group(*parts)

    def panels(self) -> "Iterator[Panel]":
        """Yield what is drawn into a file: the models with their intervals, and disagreements."""
        from mnistcli.cli.plots import Axis, Plot, Series, axis_for

        by, judged = self.result.by, self.result.judged
        rows = []
        for i, each in enumerate(judged):
            value = by.of(each.evaluation)
            rows.append((value, i, *(by.interval_of(each.evaluation) or (value, value))))
        points = np.array(rows)[np.isfinite(rows).all(axis=1)]
        places = tuple(range(len(rows)))
        across = axis_for(points[:, [0, 2, 3]].flat, title=by.title.lower(), n_ticks=4)
        up = Axis(len(rows) - 0.5, -0.5, False, places, word=lambda i: self._refs()[int(i)])  # noqa: FBT003
        differ = "; ".join(": ".join(filter(None, cells[:2])) for cells in self.cells())
        note = f"{differ}. {comparison_sentences(self.result)}"
        title, aspect = f"{len(rows)} models on {self.result.on}", 0.12 * len(rows) + 0.08
        series = Series("models", points, "marks")
        yield Plot(title, across, up, (series,), note, aspect=aspect, is_lying=True)
        yield Gallery(self.result.disagreements, self._legend_of_pictures())

    def _refs(self) -> list[str]:
        return [each.model.ref for each in self.result.judged]

    def _distinctions(self) -> list[tuple[str, ...]]:
        return distinctions([each.model.card for each in self.result.judged])

    def _difference(self, judged: "JudgedModel") -> float:
        by, best = self.result.by, self.result.judged[0]
        return by.of(judged.evaluation) - by.of(best.evaluation)

    def _against_best(self) -> "Iterator[tuple[JudgedModel, McNemarTest | None]]":
        """Yield each model with the test of it against the best, which has none."""
        judged = self.result.judged
        return zip_longest(judged, (None, *self.result.tests[: len(judged) - 1]))

    def facts(self) -> Iterator[tuple[str, str]]:
        result, best = self.result, self.result.judged[0]
        yield "Best", f"{best.model.ref}, by {result.by.title.lower()}"
        yield "Images", f"{best.evaluation.n_samples:,} of {result.on}"
        if n := result.n_left_out:
            yield "Left out", f"{n:,}, because some of the models were trained on them"
        if result.tests:
            yield "Disagreement", f"on {result.n_disagreements:,} of them"

    def _models(self, console: "rich.Console") -> "rich.RenderableType":
        table = ruled_table(console, padding=(0, 1))
        table.add_column("model", style="bold", overflow="fold")
        table.add_column("differs in", overflow="fold")
        heading = rich.Text.assemble("accuracy".ljust(12), ("95 %", "not bold dim"))
        table.add_column(heading, no_wrap=True)
        costs, is_wide = ruled_table(console, "model", padding=(0, 1)), console.width >= _WIDE
        for name in self.columns()[3:]:
            within = table if is_wide or name not in _COSTS else costs
            within.add_column(name, justify="right", no_wrap=True)
        for (ref, words, _, *cells), each in zip(self.cells(), self.result.judged, strict=True):
            evaluation = each.evaluation
            accuracy = estimate(evaluation.accuracy, evaluation.accuracy_interval)
            table.add_row(ref, words, accuracy, *cells[: None if is_wide else -len(_COSTS)])
            costs.add_row(ref, *([] if is_wide else cells[-len(_COSTS) :]))
        return table if is_wide else rich.Group(table, costs)

    def columns(self) -> list[str]:
        """Return the headings of `cells`."""
        by = self.result.by
        more = [] if by.name == "accuracy" else [by.title.lower()]
        return ["model", "differs in", "accuracy", *more, "difference", "alone", "p-value", *_COSTS]

    def cells(self) -> Iterator[list[str]]:
        """Yield what a person is told of each model."""
        by = self.result.by
        for (each, test), words in zip(self._against_best(), self._distinctions(), strict=True):
            evaluation = each.evaluation
            accuracy = f"{decimal(evaluation.accuracy)} {span(evaluation.accuracy_interval)}"
            cells = [each.model.ref, ", ".join(words), accuracy]
            if by.name != "accuracy":
                cells.append(decimal(by.of(evaluation)))
            is_best = each is self.result.judged[0]
            cells.append("" if is_best else f"{self._difference(each):+.4f}")
            alone = f"{test.n_only_second:,} : {test.n_only_first:,}" if test else ""
            cells += [alone, p_value(test.p_corrected) if test else ""]
            size = "-" if each.model.n_bytes is None else n_bytes(each.model.n_bytes)
            predict = f"{1000 * each.predict_seconds:,.1f} ms"
            yield [*cells, seconds(each.model.card.fit_seconds), predict, size]

    def legend(self) -> str:
        """Return what the cells mean, and what they come to."""
        best = self._refs()[0]
        alone = f"alone: images that only this model, and that only {best} got right\n"
        return (alone if self.result.tests else "") + comparison_sentences(self.result)

    def _legend_of_pictures(self) -> str:
        n_shown, n = len(self.result.disagreements), self.result.n_disagreements
        which = f"the sharpest {n_shown:,} of {n:,} disagreements"
        if n_shown == n:
            which = "the only disagreement" if n == 1 else f"all {n:,} disagreements"
        return f"{which}, as #index: truth ({'/'.join(self._refs())})"
