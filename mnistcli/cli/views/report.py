"""A report that was written to a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnistcli.cli.numbers import n_bytes
from mnistcli.cli.output import View
from mnistcli.cli.report.markdown import markdown
from mnistcli.cli.report.page import page
from mnistcli.cli.report.sections import verdicts
from mnistcli.files import write_atomically
from mnistcli.paths import check_ending
from mnistcli.reporting import Report, ReportOnTwo, judged_in


def check_name(path: Path) -> None:
    """Refuse names of files that say no format."""
    check_ending(path, (".html", ".md"), "write a report to")


def publish(report: Report | ReportOnTwo, path: Path) -> "PublicationView":
    """Write a report in the format of the file's name."""
    text = page(report) if path.suffix.lower() == ".html" else markdown(report)
    content = text.encode(errors="replace")  # a command line may hold bytes that are no text
    write_atomically(path, content)
    return PublicationView(report, path, len(content))


@dataclass(frozen=True)
class PublicationView(View):
    """A report that was written to a file."""

    schema = "report"
    report: Report | ReportOnTwo
    path: Path
    n_bytes: int

    def document(self) -> dict[str, Any]:
        judged, *others = judged_in(self.report)
        said, *more = verdicts(self.report)
        document = {
            "model": judged.model.ref,
            "path": str(self.path),
            "n_bytes": self.n_bytes,
            "on": judged.on,
            "accuracy": judged.evaluation.accuracy,
            "verdict": said,
        }
        for other in others:
            document |= {"other": other.model.ref, "other_accuracy": other.evaluation.accuracy}
            document |= {"other_verdict": more[0], "comparison": more[1]}
        return document

    def lines(self) -> Iterator[str]:
        yield str(self.path)

    def facts(self) -> Iterator[tuple[str, str]]:
        yield "Wrote", f"{self.path}, {n_bytes(self.n_bytes)}"
        yield from (("Says", said) for said in verdicts(self.report))
