"""Comparisons of models as tables, documents and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnistcli.cli.numbers import decimal, span
from mnistcli.cli.output import FunctionView as View
from mnistcli.cli.views.evaluate import evaluation_document, facts
from mnistcli.cli.words import visible
from mnistcli.metrics.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

    from mnistcli.cli.terminal.capabilities import Render
    from mnistcli.comparison import Comparison, Duel
    from mnistcli.registry.card import ModelCard


def comparison_view(comparison: Comparison, render: Render) -> View:
    """Show a comparison, and pictures of the disagreements that it holds."""
    judged, by = comparison.judged, comparison.by
    refs = [each.model.ref for each in judged]
    apart = distinctions([each.model.card for each in judged])

    def document() -> dict[str, Any]:
        return {
            "on": comparison.on,
            "class_names": list(judged[0].model.card.class_names),
            "n_samples": judged[0].evaluation.n_samples,
            "n_left_out": comparison.n_left_out,
            "by": by.name,
            "best": refs[0],
            "models": [
                {
                    "model": each.model.ref,
                    "task": each.model.card.task.name,
                    "differs_in": list(words),
                    "difference": by.of(each.evaluation) - by.of(judged[0].evaluation),
                    "evaluation": evaluation_document(each.evaluation),
                }
                for each, words in zip(judged, apart, strict=True)
            ],
            "pairs": [_duel_document(duel, refs) for duel in comparison.duels],
            "n_disagreements": comparison.n_disagreements,
            "disagreements": [each.facts for each in comparison.disagreements],
        }

    def rows() -> Iterator[Sequence[object]]:
        yield ("model", "task", "n_samples", *MEASURES, "difference", "n_only_it",
               "n_only_best", "p_value", "p_corrected")  # fmt: skip
        for i, each in enumerate(judged):
            values = [measure.of(each.evaluation) for measure in MEASURES.values()]
            difference = by.of(each.evaluation) - by.of(judged[0].evaluation)
            duel = comparison.duels[i - 1] if i else None
            found = (
                (duel.n_only_second, duel.n_only_first, duel.p_value, duel.p_corrected)
                if duel
                else (None,) * 4
            )
            n_samples = each.evaluation.n_samples
            yield (
                each.model.ref,
                each.model.card.task.name,
                n_samples,
                *values,
                difference,
                *found,
            )

    def table(console: Console) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        parts = [
            facts(_comparison_facts(comparison)),
            _table(comparison, apart),
            Text(_legend(comparison, refs), "dim"),
        ]
        if comparison.disagreements:
            from mnistcli.cli.terminal.pictures import draw

            legend = Text(visible(_legend_of_pictures(comparison, refs)), "bold")
            parts += [Text(), legend, Text(), draw(comparison.disagreements, console, render)]
        return Group(*parts)

    return View("compare", document, rows, lambda: refs[:1], table)


def _comparison_facts(comparison: Comparison) -> Iterator[tuple[str, str]]:
    best, n_samples = comparison.judged[0], comparison.judged[0].evaluation.n_samples
    yield "Best", f"{best.model.ref}, by {comparison.by.title.lower()}"
    yield "Images", f"{n_samples:,} of {comparison.on}"
    if comparison.n_left_out:
        yield (
            "Left out",
            f"{comparison.n_left_out:,}, because some of the models were trained on them",
        )
    yield "Disagreement", f"on {comparison.n_disagreements:,} of them"


def _table(comparison: Comparison, apart: Sequence[Sequence[str]]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    by = comparison.by
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("model", style="bold", overflow="fold")
    table.add_column("differs in", overflow="fold")
    if by.name != "accuracy":
        table.add_column(by.title.lower(), justify="right")
    heading = Text.assemble("accuracy".ljust(12), ("95 %", "not bold dim"))
    table.add_column(heading, no_wrap=True)
    for name in ("difference", "alone", "p-value"):
        table.add_column(name, justify="right", no_wrap=True)
    best = by.of(comparison.judged[0].evaluation)
    for i, (each, words) in enumerate(zip(comparison.judged, apart, strict=True)):
        evaluation = each.evaluation
        cells: list[str | Text] = [each.model.ref, ", ".join(words)]
        if by.name != "accuracy":
            cells.append(decimal(by.of(evaluation)))
        accuracy = f"{decimal(evaluation.accuracy)} "
        cells.append(Text.assemble(accuracy, (span(evaluation.accuracy_interval), "dim")))
        if i:
            duel = comparison.duels[i - 1]
            cells += [
                f"{by.of(evaluation) - best:+.4f}",
                f"{duel.n_only_second:,} : {duel.n_only_first:,}",
                _p_value(duel.p_corrected),
            ]
        table.add_row(*cells)
    return table


def _legend(comparison: Comparison, refs: Sequence[str]) -> str:
    n_pairs = len(comparison.duels)
    return (
        f"alone: images that only this model, and that only {refs[0]} got right\n"
        "p-value of such a split between models equally often right: McNemar's test"
    ) + (f",\n         corrected for all {n_pairs} pairs after Holm" if n_pairs > 1 else "")


def _p_value(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def _legend_of_pictures(comparison: Comparison, refs: Sequence[str]) -> str:
    n_shown, n = len(comparison.disagreements), comparison.n_disagreements
    which = f"the sharpest {n_shown:,} of {n:,} disagreements"
    if n_shown == n:
        which = "the only disagreement" if n == 1 else f"all {n:,} disagreements"
    return f"{which}, as #index: truth ({'/'.join(refs)})"


def distinctions(cards: Sequence[ModelCard]) -> list[tuple[str, ...]]:
    """Say of each model what sets it apart from the others: "C = 0.01"; when it was made if nothing."""
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
        settings.solver,
        f"{split.kind} split",
        "" if split.limit is None else f"{card.n_train:,} images",
        f"seed {split.seed}" if is_drawn else "",
        card.created[:19].replace("T", " "),
    )


def _duel_document(duel: Duel, refs: Sequence[str]) -> dict[str, Any]:
    return {
        "first": refs[duel.first],
        "second": refs[duel.second],
        "n_both_right": duel.n_both_right,
        "n_only_first": duel.n_only_first,
        "n_only_second": duel.n_only_second,
        "n_both_wrong": duel.n_both_wrong,
        "p_value": duel.p_value,
        "p_corrected": duel.p_corrected,
    }
