"""``mnistcli report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mnistcli.cli.options import JsonFlag, ModelArgument, QuietFlag, TsvFlag, make_output
from mnistcli.cli.session import session_of


def report(
    ctx: typer.Context,
    model: ModelArgument = None,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="A page (.html) or Markdown (.md)."),
    ] = Path("report.html"),
    json: JsonFlag = False,
    tsv: TsvFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Write one page about a model: how good, where it fails, what it looks for, how to get it again.

    The page stands alone: no network, no script. A file of that name is replaced.

    Examples:

      mnistcli report 0v1

      mnistcli report digits@best -o digits.md
    """
    out = make_output(json=json, tsv=tsv, quiet=quiet)
    session = session_of(ctx)

    from mnistcli.cli.views.report import check_name, publish
    from mnistcli.reporting import report_on

    check_name(output)
    loaded = session.registry().load(model)
    result = report_on(loaded, session.dataset_of(loaded, out))
    for note in result.judged.notes:
        out.warn(note)
    out.emit(publish(result, output))
