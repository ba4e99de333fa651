"""What several views show: facts, tables under one rule, evaluations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mnistcli.cli import rich
from mnistcli.cli.numbers import decimal, span

if TYPE_CHECKING:
    from mnistcli.metrics.catalog import Evaluation, ReportRow
    from mnistcli.metrics.intervals import Interval


def facts(pairs: Iterable[tuple[str, str | rich.Text]]) -> rich.RenderableType:
    """Lay out names and what is known of them in two columns."""
    grid = rich.Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, value)
    return grid


def ruled_table(
    console: rich.Console,
    *columns: str | rich.Column,
    title: str = "",
    padding: tuple[int, int] = (1, 1),
) -> rich.Table:
    """Return an empty table with a rule under its head, in ASCII where there is nothing else.

    ``padding`` is left and right of each cell. rich's own substitute where the encoding is not
    UTF-8 draws a frame around everything.
    """
    from rich import box

    is_utf = console.encoding.lower().startswith("utf")
    blank = "    \n"
    return rich.Table(
        *columns,
        box=box.SIMPLE_HEAD if is_utf else box.Box(f"{2 * blank} -- \n{5 * blank}", ascii=True),
        title=title or None,
        title_justify="left",
        pad_edge=False,
        padding=(0, padding[1], 0, padding[0]),
    )


def estimate(value: float, interval: Interval) -> rich.Text:
    """Write a share and dimly its interval."""
    return rich.Text.assemble(f"{decimal(value)} ", (span(interval).rjust(9), "dim"))


def with_interval(text: str, interval: str) -> rich.Text:
    """Put an interval, already written out, dimly after a number."""
    return rich.Text.assemble(text, (f"  {interval}", "dim")) if interval else rich.Text(text)


def classification_report(
    evaluation: Evaluation, console: rich.Console, title: str
) -> rich.RenderableType:
    """Draw precision, recall, f1-score and support in scikit-learn's layout, with intervals."""
    # Twelve columns of numbers in 80 of characters.
    table = ruled_table(console, title=title, padding=(0, 1))
    table.add_column("", justify="right")
    for heading in ("precision", "recall", "f1-score"):
        heading_and_level = rich.Text.assemble(heading.ljust(12), ("95 %", "not bold dim"))
        # Where that does not fit, the interval stands below its number.
        table.add_column(heading_and_level, min_width=9, overflow="fold")
    table.add_column("support", justify="right")
    for row in evaluation.classes:
        table.add_row(*_cells(row))
    table.add_section()
    whole = estimate(evaluation.accuracy, evaluation.accuracy_interval)
    table.add_row("accuracy", "", "", whole, str(evaluation.n_samples))
    table.add_row(*_cells(evaluation.macro_avg))
    table.add_row(*_cells(evaluation.weighted_avg))
    return table


def _cells(row: ReportRow) -> tuple[str | rich.Text, ...]:
    scores = (estimate(value, interval) for _, value, interval in row.scores())
    return (row.name, *scores, str(row.support))


def evaluation_document(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as a JSON object."""
    from mnistcli.metrics.catalog import METRICS

    names = ("n_samples", "n_correct", "baseline_class", "baseline_accuracy")
    document: dict[str, Any] = {name: getattr(evaluation, name) for name in names}
    for metric in METRICS:
        document[metric.name] = metric.of(evaluation)
        if metric.has_interval:
            document[f"{metric.name}_interval"] = metric.interval_of(evaluation)
    document["classes"] = [asdict(row) for row in evaluation.classes]
    document["macro_avg"] = asdict(evaluation.macro_avg)
    document["weighted_avg"] = asdict(evaluation.weighted_avg)
    document["confusion"] = evaluation.confusion
    return document
