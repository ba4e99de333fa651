"""``mnistcli report``."""

from pathlib import Path
from typing import Annotated

import typer

from mnistcli.cli.options import ModelArgument, command
from mnistcli.cli.output import Output
from mnistcli.cli.session import Session


@command("json", "tsv", "quiet")
def report(
    session: Session,
    out: Output,
    model: ModelArgument = None,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="A page (.html) or Markdown (.md)."),
    ] = Path("report.html"),
) -> None:
    """Write one page about a model: how good, where it fails, what it looks for, how to get it again.

    The page stands alone: no network, no script. A file of that name is replaced.

    Examples:

      mnistcli report 0v1

      mnistcli report digits@best -o digits.md
    """
    from mnistcli.cli.views.report import check_name, publish
    from mnistcli.reporting import report_on

    check_name(output)
    loaded = session.registry().load(model)
    result = report_on(loaded, session.dataset_of(loaded, out))
    for note in result.judged.notes:
        out.warn(note)
    out.emit(publish(result, output))
