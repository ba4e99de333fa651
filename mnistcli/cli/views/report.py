"""A report that was written to a file."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from mnistcli.cli import words
from mnistcli.cli.numbers import n_bytes
from mnistcli.cli.output import Answer
from mnistcli.cli.parts import Cell, Code, Facts, HeatMap, Noted, Part, Table
from mnistcli.cli.report.page import page
from mnistcli.cli.report.sections import sections, title_of, verdicts
from mnistcli.cli.tabular import markdown_table
from mnistcli.comparison import ReportOnTwo, judged_in
from mnistcli.evaluation import Report
from mnistcli.files import write_atomically

ENDINGS = (".html", ".md")


def publish(report: Report | ReportOnTwo, path: Path) -> Answer:
    """Write a report in the format of the file's name, and say what it comes to."""
    text = markdown(report) if path.suffix.lower() == ".md" else page(report)
    content = text.encode(errors="replace")  # a command line may hold bytes that are no text
    write_atomically(path, content)
    judged, *others = judged_in(report)
    said = verdicts(report)
    document = {
        "model": judged.model.ref,
        "path": str(path),
        "n_bytes": len(content),
        "on": judged.on,
        "accuracy": judged.evaluation.accuracy,
        "verdict": said[0],
    }
    for other in others:
        document |= {"other": other.model.ref, "other_accuracy": other.evaluation.accuracy}
        document |= {"other_verdict": said[1], "comparison": said[2]}
    facts = [("Wrote", f"{path}, {n_bytes(len(content))}"), *(("Says", each) for each in said)]
    return Answer("report", document, [str(path)], [Facts(facts)])


def markdown(report: Report | ReportOnTwo) -> str:
    """Write the report; equal reports give equal texts."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report | ReportOnTwo) -> Iterator[str]:
    yield f"# {words.markdown(title_of(report))}"
    for text in (*verdicts(report), *report.notes):
        yield from ("", words.markdown(text))
    for section in sections(report):
        drawn = [["", *_drawn(part)] for part in section.parts]
        if any(len(lines) > 1 for lines in drawn):  # and not of pictures only
            yield from ("", f"## {words.markdown(section.title)}")
            for lines in drawn:
                yield from lines


def _drawn(part: Part) -> Iterator[str]:
    match part:
        case Facts():
            yield from _table(["", ""], "ll", part.pairs)
        case Table():
            yield from _table(part.headings, part.columns, [*part.rows, *part.averages])
        case HeatMap():
            if part.title:
                yield from (f"### {words.markdown(part.title)}", "")
            corner = ", ".join(filter(None, (part.down, part.across)))
            rows = zip(part.names, part.cells, strict=True)
            cells = ([name, *(cell.text for cell in row)] for name, row in rows)
            yield from _table([corner, *part.names], "l" + "r" * len(part.names), cells)
        case Code():
            # Here nothing can be escaped: what might end the block, or be a tag, is in the card only.
            commands = (words.visible(line) for line in part.lines if not {"`", "<"} & {*line})
            yield from ("```sh", *commands, "```")


def _table(headings: Iterable[str], columns: str, rows: Iterable[Iterable[Cell]]) -> Iterator[str]:
    def text(cell: Cell) -> str:
        return f"{cell.text} ({cell.note})" if isinstance(cell, Noted) and cell.note else str(cell)

    body = (map(text, row) for row in rows)
    return markdown_table(headings, (kind == "r" for kind in columns), body)
