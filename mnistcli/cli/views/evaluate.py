"""Evaluations as tables and documents."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mnistcli.cli.numbers import (
    decimal,
    decimal_span,
    percent,
    percent_span,
    span,
)
from mnistcli.cli.output import FunctionView as View
from mnistcli.cli.terminal.heatmaps import confusion_table, pair_error_table
from mnistcli.cli.words import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType
    from rich.text import Text

    from mnistcli.cli.terminal.capabilities import Render
    from mnistcli.evaluation import JudgedModel
    from mnistcli.gallery import CaptionedImage
    from mnistcli.metrics.classification import Evaluation, ReportRow
    from mnistcli.metrics.curves import ClassCurves

_SCALARS = (
    "accuracy",
    "baseline_accuracy",
    "balanced_accuracy",
    "log_loss",
    "roc_auc",
    "average_precision",
    "brier",
    "ece",
)
# Of these there are intervals too.
_WITH_INTERVAL = ("accuracy", "roc_auc")


def facts(pairs: Iterator[tuple[str, str | Text]]) -> RenderableType:
    """Lay out names and what they say in two columns."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, value)
    return grid


def with_interval(text: str, interval: str) -> Text:
    """Put an interval, already written out, dimly after a number."""
    from rich.text import Text

    return Text.assemble(text, (f"  {interval}", "dim"))


def classification_report(evaluation: Evaluation, title: str) -> RenderableType:
    """Draw precision, recall, f1-score and support in scikit-learn's layout, with intervals."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD,
        title=title,
        title_justify="left",
        pad_edge=False,
        padding=(0, 1, 0, 0),  # twelve columns of numbers in 80 of characters
    )
    table.add_column("", justify="right")
    for heading in ("precision", "recall", "f1-score"):
        heading_and_level = Text.assemble(heading.ljust(12), ("95 %", "not bold dim"))
        # Where that does not fit, the interval stands below its number.
        table.add_column(heading_and_level, min_width=9, overflow="fold")
    table.add_column("support", justify="right")
    for row in evaluation.classes:
        table.add_row(*_cells(row))
    table.add_section()
    accuracy = _estimate(evaluation.accuracy, evaluation.accuracy_interval)
    table.add_row("accuracy", "", "", accuracy, str(evaluation.n_samples))
    table.add_row(*_cells(evaluation.macro_avg))
    table.add_row(*_cells(evaluation.weighted_avg))
    return table


def _cells(row: ReportRow) -> tuple[str | Text, ...]:
    return (
        row.name,
        _estimate(row.precision, row.precision_interval),
        _estimate(row.recall, row.recall_interval),
        _estimate(row.f1_score, row.f1_score_interval),
        str(row.support),
    )


def _estimate(value: float, interval: tuple[float, float]) -> Text:
    from rich.text import Text

    return Text.assemble(f"{decimal(value)} ", (span(interval), "dim"))


def evaluation_view(
    judged: JudgedModel,
    mistakes: Sequence[CaptionedImage],
    render: Render,
    *,
    calibration: bool = False,
    curves: Sequence[ClassCurves] = (),
) -> View:
    """Show an evaluation, pictures of mistakes, and if asked the reliability table and curves."""
    evaluation, card = judged.evaluation, judged.model.card

    def document() -> dict[str, Any]:
        return {
            "model": judged.model.ref,
            "task": card.task.name,
            "class_names": list(card.class_names),
            "on": judged.on,
            "threshold": asdict(judged.threshold) if judged.threshold else None,
            **evaluation_document(evaluation),
            "calibration": [asdict(each) for each in evaluation.reliability]
            if calibration
            else None,
            "curves": [asdict(each) for each in curves] or None,
            "pair_errors": judged.pair_errors(),
            "mistakes": [mistake.facts for mistake in judged.mistakes],
        }

    def rows() -> Iterator[Sequence[object]]:
        yield "metric", "class", "value", "low", "high"
        if judged.threshold:
            yield "threshold", None, judged.threshold.value, None, None
        yield "n_samples", None, evaluation.n_samples, None, None
        yield "n_correct", None, evaluation.n_correct, None, None
        for name in _SCALARS:
            has_interval = name in _WITH_INTERVAL
            interval = getattr(evaluation, f"{name}_interval") if has_interval else (None, None)
            yield name, None, getattr(evaluation, name), *interval
        for row in (*evaluation.classes, evaluation.macro_avg, evaluation.weighted_avg):
            yield "precision", row.name, row.precision, *row.precision_interval
            yield "recall", row.name, row.recall, *row.recall_interval
            yield "f1-score", row.name, row.f1_score, *row.f1_score_interval
            yield "support", row.name, row.support, None, None
        for each in evaluation.reliability if calibration else ():
            said = f"{each.low:.1f} to {each.high:.1f}"
            yield "reliability", said, each.share, *each.share_interval

    def table(console: Console) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        title = f"{judged.model.ref} on {judged.on}"
        parts: list[RenderableType] = [
            facts(_evaluation_facts(judged, calibration=calibration)),
            Text(),
            classification_report(evaluation, title),
            confusion_table(evaluation.confusion, card.class_names, console),
        ]
        if (errors := judged.pair_errors()) is not None:
            parts.append(pair_error_table(errors, card.class_names, console))
        if calibration:
            from mnistcli.cli.views.judgements import reliability_table

            parts.append(reliability_table(evaluation, card.class_names))
        if curves:
            from mnistcli.cli.views.judgements import curves_drawing

            parts += [curves_drawing(curves, console, render), Text()]
        if mistakes:
            from mnistcli.cli.terminal.pictures import draw

            legend = Text(visible(legend_of_mistakes(judged)), "bold")
            parts += [legend, Text(), draw(mistakes, console, render)]
        return Group(*parts)

    return View("evaluate", document, rows, lambda: [repr(evaluation.accuracy)], table)


def _evaluation_facts(
    judged: JudgedModel, *, calibration: bool
) -> Iterator[tuple[str, str | Text]]:
    evaluation = judged.evaluation
    if judged.threshold:
        from mnistcli.cli.views.judgements import describe_threshold

        yield "Threshold", describe_threshold(judged)
    n_correct, n_samples = evaluation.n_correct, evaluation.n_samples
    right = f"{percent(evaluation.accuracy)}: {n_correct:,} of {n_samples:,} right"
    yield "Accuracy", with_interval(right, percent_span(evaluation.accuracy_interval))
    yield (
        "To beat",
        f"{percent(evaluation.baseline_accuracy)}: always answering {evaluation.baseline_class}",
    )
    yield "Balanced accuracy", decimal(evaluation.balanced_accuracy)
    suffix = "" if len(evaluation.classes) == 2 else ", each class against the rest"
    area = decimal(evaluation.roc_auc, digits=6) + suffix
    yield "ROC AUC", with_interval(area, decimal_span(evaluation.roc_auc_interval, digits=6))
    yield "Average precision", decimal(evaluation.average_precision, digits=6) + suffix
    yield "Log loss", decimal(evaluation.log_loss, digits=6)
    if calibration:
        yield "Brier score", decimal(evaluation.brier, digits=6)
        yield "Calibration error", decimal(evaluation.ece, digits=6)


def legend_of_mistakes(judged: JudgedModel) -> str:
    """Say how many mistakes there are, and how to read their captions."""
    evaluation = judged.evaluation
    n_wrong = evaluation.n_samples - evaluation.n_correct
    shown = len(judged.mistakes)
    if n_wrong == 0:
        return f"{judged.model.ref} makes no mistakes on {judged.on}"
    which = f"the worst {shown:,} of {n_wrong:,} mistakes"
    if shown == n_wrong:
        which = "the only mistake" if n_wrong == 1 else f"all {n_wrong:,} mistakes"
    return (
        f"{which} of {judged.model.ref} on {judged.on}, "
        "as #index: truth not answer (how sure it was)"
    )


def evaluation_document(evaluation: Evaluation) -> dict[str, Any]:
    """Give an evaluation as a JSON object."""
    names: tuple[str, ...] = ("n_samples", "n_correct", *_SCALARS)
    document = {name: getattr(evaluation, name) for name in names}
    for name in _WITH_INTERVAL:
        document[f"{name}_interval"] = getattr(evaluation, f"{name}_interval")
    document["baseline_class"] = evaluation.baseline_class
    document["classes"] = [asdict(row) for row in evaluation.classes]
    document["macro_avg"] = asdict(evaluation.macro_avg)
    document["weighted_avg"] = asdict(evaluation.weighted_avg)
    document["confusion"] = evaluation.confusion
    return document
