"""A report as Markdown for a README: GitHub's tables, no pictures."""

import shlex
from collections.abc import Iterable, Iterator, Sequence

from mnistcli.cli import words
from mnistcli.cli.numbers import decimal, decimal_span
from mnistcli.cli.plots import reliability_words
from mnistcli.cli.report import tables
from mnistcli.cli.tabular import markdown_row
from mnistcli.cli.views.models import card_facts
from mnistcli.metrics.catalog import Evaluation
from mnistcli.reporting import Report, ReportOnTwo, judged_in


def markdown(report: Report | ReportOnTwo) -> str:
    """Write the report; equal reports give equal texts."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report | ReportOnTwo) -> Iterator[str]:
    yield f"# {words.markdown(tables.title_of(report))}"
    for text in (*tables.verdicts(report), *report.notes):
        yield from ("", words.markdown(text))
    if isinstance(report, Report):
        yield from _of_one(report.judged.evaluation)
    else:
        for title, headings, rows in tables.tables_of(report):
            yield from (*_heading(title), *_table(headings, rows))
        for each in report.compared.judged:
            yield from _heading(f"What {each.model.ref} takes for what")
            yield from _confusion(each.evaluation)
    for model in (each.model for each in judged_in(report)):
        of = "" if isinstance(report, Report) else f" of {model.ref}"
        yield from _heading(f"How to get it again{of}")
        yield "```sh"
        # Here nothing can be escaped: what might end the block, or be a tag, stands in the table only.
        for command in (model.card.command, f"mnistcli models reproduce {shlex.quote(model.ref)}"):
            if command and not {"`", "<"} & {*command}:
                yield words.visible(command)
        yield "```"
        yield from _heading(f"The card{of}")
        yield from _table(["", ""], card_facts(model.card))


def _of_one(evaluation: Evaluation) -> Iterator[str]:
    names = [row.name for row in evaluation.classes]
    yield ""
    yield from _table(["", "", "95 % interval"], (row[:3] for row in tables.headline(evaluation)))
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
    yield from _confusion(evaluation)
    yield from _heading("Reliability")
    said, came_true = reliability_words(names)
    yield from _table(
        [said, "images", "said on average", came_true],
        (
            [*row, _estimate(share, interval)]
            for *row, share, interval in tables.reliability_rows(evaluation.reliability)
        ),
    )


def _confusion(evaluation: Evaluation) -> Iterator[str]:
    names = [row.name for row in evaluation.classes]
    rows = zip(names, evaluation.confusion.tolist(), strict=True)
    counted = ([name, *(f"{count:,}" if count else "" for count in of)] for name, of in rows)
    yield from _table(["truth, answer", *names], counted)


def _estimate(value: str, interval: str) -> str:
    return f"{value} ({interval})" if interval else value


def _heading(text: str) -> list[str]:
    return ["", f"## {words.markdown(text)}", ""]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield markdown_row(headings)
    yield f"| --- |{' ---: |' * (len(headings) - 1)}" if len(headings) > 2 else "| --- | --- |"
    yield from map(markdown_row, rows)
