"""A report that was written to a file."""

from pathlib import Path

from mnistcli.cli.numbers import n_bytes
from mnistcli.cli.report.markdown import markdown
from mnistcli.cli.report.page import page
from mnistcli.cli.report.sections import verdicts
from mnistcli.cli.views.shared import Answer
from mnistcli.files import write_atomically
from mnistcli.paths import check_ending
from mnistcli.reporting import Report, ReportOnTwo, judged_in


def check_name(path: Path) -> None:
    """Refuse names of files that say no format."""
    check_ending(path, (".html", ".md"), "write a report to")


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
    wrote = ("Wrote", f"{path}, {n_bytes(len(content))}")
    return Answer("report", document, [wrote, *(("Says", each) for each in said)], str(path))
