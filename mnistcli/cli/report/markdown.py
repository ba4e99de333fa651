"""A report as Markdown for a README: GitHub's tables, no pictures."""

import shlex
from collections.abc import Iterable, Iterator, Sequence

from mnistcli.cli import words
from mnistcli.cli.numbers import decimal, decimal_span
from mnistcli.cli.plots import reliability_words
from mnistcli.cli.report.tables import headline, reliability_rows
from mnistcli.cli.sentences import verdict
from mnistcli.cli.tabular import markdown_row
from mnistcli.cli.views.models import card_facts
from mnistcli.reporting import Report


def markdown(report: Report) -> str:
    """Write the report; equal reports give equal texts."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    judged, card = report.judged, report.judged.model.card
    evaluation, names = judged.evaluation, card.class_names
    yield f"# {words.markdown(report.judged.model.ref or card.task.name)}"
    yield ""
    yield words.markdown(verdict(judged))
    yield ""
    for note in judged.notes:
        yield from (words.markdown(note), "")
    yield from _table(["", "", "95 % interval"], (row[:3] for row in headline(evaluation)))
    yield from _heading("Class by class")
    headings = ["class", "precision", "recall", "f1-score", "images"]
    rows = (*evaluation.classes, evaluation.macro_avg, evaluation.weighted_avg)
    yield from _table(
        headings,
        (
            [
                row.name,
                *(_estimate(decimal(v), decimal_span(i)) for _, v, i in row.scores()),
                f"{row.support:,}",
            ]
            for row in rows
        ),
    )
    yield from _heading("What is taken for what")
    yield from _table(
        ["truth, answer", *names],
        (
            [name, *(f"{count:,}" if count else "" for count in counts)]
            for name, counts in zip(names, evaluation.confusion.tolist(), strict=True)
        ),
    )
    yield from _heading("Reliability")
    said, came_true = reliability_words(names)
    yield from _table(
        [said, "images", "said on average", came_true],
        (
            [*row, _estimate(share, interval)]
            for *row, share, interval in reliability_rows(evaluation.reliability)
        ),
    )
    yield from _heading("How to get it again")
    yield "```sh"
    # Here nothing can be escaped: what might end the block, or be a tag, stands in the table only.
    for command in (
        card.command,
        f"mnistcli models reproduce {shlex.quote(report.judged.model.ref)}",
    ):
        if command and not {"`", "<"} & {*command}:
            yield words.visible(command)
    yield "```"
    yield from _heading("The card")
    yield from _table(["", ""], card_facts(card))


def _estimate(value: str, interval: str) -> str:
    return f"{value} ({interval})" if interval else value


def _heading(text: str) -> list[str]:
    return ["", f"## {text}", ""]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield markdown_row(headings)
    yield f"| --- |{' ---: |' * (len(headings) - 1)}" if len(headings) > 2 else "| --- | --- |"
    yield from map(markdown_row, rows)
