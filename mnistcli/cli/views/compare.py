"""Comparisons of models as tables, documents and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistcli.cli import rich
from mnistcli.cli.numbers import decimal
from mnistcli.cli.output import View
from mnistcli.cli.terminal.capabilities import Render
from mnistcli.cli.views.shared import estimate, evaluation_document, facts, ruled_table
from mnistcli.cli.words import visible
from mnistcli.gallery import Gallery
from mnistcli.metrics.catalog import METRICS, metric_names
from mnistcli.registry.card import ModelCard

if TYPE_CHECKING:
    from mnistcli.cli.drawing.layout import Panel
    from mnistcli.comparison import Comparison, McNemarTest
    from mnistcli.evaluation import JudgedModel


@dataclass(frozen=True)
class ComparisonView(View):
    """A comparison, and pictures of the disagreements; ``n_disagreements`` were asked for."""

    schema = "compare"
    result: Comparison
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
                    "evaluation": evaluation_document(each.evaluation),
                }
                for each, words in zip(result.judged, self._distinctions(), strict=True)
            ],
            "pairs": [
                {**asdict(test), "first": refs[test.first], "second": refs[test.second]}
                for test in result.tests
            ],
            "n_disagreements": result.n_disagreements,
            "disagreements": [each.facts for each in result.disagreements]
            if self.n_disagreements
            else None,
            "notes": list(result.notes),
        }

    def rows(self) -> Iterator[Sequence[object]]:
        yield ("model", "task", "n_samples", *metric_names(), "difference", "n_only_it",
               "n_only_best", "p_value", "p_corrected")  # fmt: skip
        for each, test in self._against_best():
            values = [metric.of(each.evaluation) for metric in METRICS]
            found: tuple[object, ...] = (None,) * 4
            if test:
                found = test.n_only_second, test.n_only_first, test.p_value, test.p_corrected
            n_samples, task = each.evaluation.n_samples, each.model.card.task.name
            yield (each.model.ref, task, n_samples, *values, self._difference(each), *found)

    def lines(self) -> Iterator[str]:
        yield self._refs()[0]

    def table(self, console: rich.Console) -> rich.RenderableType:
        result = self.result
        parts = [facts(self._facts()), self._models(console), rich.Text(self.legend(), "dim")]
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

    def panels(self) -> Iterator[Panel]:
        """Yield what is drawn into a file: the models with their intervals, and disagreements."""
        from mnistcli.cli.plots import Axis, Plot, Series, axis_for

        by, judged = self.result.by, self.result.judged
        labels = [": ".join(filter(None, cells[:2])) for cells in self.cells()]
        rows = []
        for i, each in enumerate(judged):
            value = by.of(each.evaluation)
            rows.append((value, i, *(by.interval_of(each.evaluation) or (value, value))))
        points = np.array(rows)
        places = tuple(range(len(rows)))
        across = axis_for(points[:, [0, 2, 3]].flat, title=by.title.lower(), n_ticks=4)
        up = Axis(len(rows) - 0.5, -0.5, False, places, word=lambda i: labels[int(i)])  # noqa: FBT003
        said = "With 95 % intervals. " * by.has_interval + ". ".join(
            f"{ref} against {self._refs()[0]}: p = {p_value}"
            for ref, *_, p_value in [*self.cells()][1:]
        )
        title, aspect = f"{len(rows)} models on {self.result.on}", 0.12 * len(rows) + 0.08
        series = Series("models", points, "marks")
        yield Plot(title, across, up, (series,), said, aspect=aspect, is_lying=True)
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
        return zip(judged, (None, *self.result.tests[: len(judged) - 1]), strict=True)

    def _facts(self) -> Iterator[tuple[str, str]]:
        result, best = self.result, self.result.judged[0]
        yield "Best", f"{best.model.ref}, by {result.by.title.lower()}"
        yield "Images", f"{best.evaluation.n_samples:,} of {result.on}"
        if n := result.n_left_out:
            yield "Left out", f"{n:,}, because some of the models were trained on them"
        yield "Disagreement", f"on {result.n_disagreements:,} of them"

    def _models(self, console: rich.Console) -> rich.RenderableType:
        table = ruled_table(console, padding=(0, 1))
        table.add_column("model", style="bold", overflow="fold")
        table.add_column("differs in", overflow="fold")
        heading = rich.Text.assemble("accuracy".ljust(12), ("95 %", "not bold dim"))
        table.add_column(heading, no_wrap=True)
        for name in self.columns()[3:]:
            table.add_column(name, justify="right", no_wrap=True)
        for (ref, words, *cells), each in zip(self.cells(), self.result.judged, strict=True):
            evaluation = each.evaluation
            accuracy = estimate(evaluation.accuracy, evaluation.accuracy_interval)
            table.add_row(ref, words, accuracy, *cells[1:])
        return table

    def columns(self) -> list[str]:
        """Return the headings of `cells`."""
        by = self.result.by
        more = [] if by.name == "accuracy" else [by.title.lower()]
        return ["model", "differs in", "accuracy", *more, "difference", "alone", "p-value"]

    def cells(self) -> Iterator[list[str]]:
        """Yield what a person is told of each model."""
        by = self.result.by
        for (each, test), words in zip(self._against_best(), self._distinctions(), strict=True):
            evaluation = each.evaluation
            cells = [each.model.ref, ", ".join(words), decimal(evaluation.accuracy)]
            if by.name != "accuracy":
                cells.append(decimal(by.of(evaluation)))
            if test:
                cells += [
                    f"{self._difference(each):+.4f}",
                    f"{test.n_only_second:,} : {test.n_only_first:,}",
                    "< 0.0001" if test.p_corrected < 0.0001 else f"{test.p_corrected:.4f}",
                ]
            yield cells

    def legend(self) -> str:
        """Return what the cells mean."""
        n_pairs = len(self.result.tests)
        return (
            f"alone: images that only this model, and that only {self._refs()[0]} got right\n"
            "p-value of such a split between models equally often right: McNemar's test"
        ) + (f",\n         corrected for all {n_pairs} pairs after Holm" if n_pairs > 1 else "")

    def _legend_of_pictures(self) -> str:
        n_shown, n = len(self.result.disagreements), self.result.n_disagreements
        which = f"the sharpest {n_shown:,} of {n:,} disagreements"
        if n_shown == n:
            which = "the only disagreement" if n == 1 else f"all {n:,} disagreements"
        return f"{which}, as #index: truth ({'/'.join(self._refs())})"


def distinctions(cards: Sequence[ModelCard]) -> list[tuple[str, ...]]:
    """Return what sets each model apart, "C = 0.01"; where nothing does, when it was made."""
    said = [_said_of(card) for card in cards]
    varies = [len({words[i] for words in said}) > 1 for i in range(len(said[0]))]
    if not any(varies[:-1]):
        return [words[-1:] for words in said]
    return [
        tuple(word for word, does in zip(words[:-1], varies, strict=False) if does and word)
        for words in said
    ]


def _said_of(card: ModelCard) -> tuple[str, ...]:
    settings, split = card.settings, card.split
    is_drawn = split.kind == "random" or split.limit is not None
    share = "" if settings.l1_ratio is None else f"L1 share {settings.l1_ratio:g}"
    return (
        card.task.name,
        card.dataset,
        "no penalty" if settings.penalty == "none" else settings.penalty,
        share,
        f"C = {settings.C:g}",
        "balanced" if settings.class_weight else "",
        ", ".join(f"{name} weighs {weight:g}" for name, weight in (card.weights or {}).items()),
        settings.solver,
        f"{split.kind} split",
        "" if split.limit is None else f"{card.n_train:,} images",
        f"{len(split.without):,} left out" if split.without else "",
        f"seed {split.seed}" if is_drawn else "",
        card.created[:19].replace("T", " "),
    )
