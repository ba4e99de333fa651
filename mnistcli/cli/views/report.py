"""A report that was written to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnistcli.cli.numbers import n_bytes
from mnistcli.cli.output import FunctionView as View
from mnistcli.cli.report.markdown import markdown
from mnistcli.cli.report.page import page, verdict
from mnistcli.cli.views.evaluate import facts
from mnistcli.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import Console, RenderableType

    from mnistcli.reporting import Report

HTML_SUFFIXES = (".html", ".htm")
SUFFIXES = (*HTML_SUFFIXES, ".md")


def publish(report: Report, path: Path) -> View:
    """Write a report in the format of the file's name, and show what was written."""
    text = page(report) if path.suffix.lower() in HTML_SUFFIXES else markdown(report)
    content = text.encode(errors="replace")  # a command line may hold bytes that are no text
    write_atomically(path, content)

    def document() -> dict[str, Any]:
        return {
            "model": report.model.ref,
            "path": str(path),
            "n_bytes": len(content),
            "on": report.judged.on,
            "accuracy": report.judged.evaluation.accuracy,
            "verdict": verdict(report.judged),
        }

    def rows() -> Iterator[Sequence[object]]:
        yield list(document())
        yield list(document().values())

    def table(_: Console) -> RenderableType:
        pairs = [("Wrote", f"{path}, {n_bytes(len(content))}"), ("Says", verdict(report.judged))]
        return facts(iter(pairs))

    return View("report", document, rows, lambda: [str(path)], table)
