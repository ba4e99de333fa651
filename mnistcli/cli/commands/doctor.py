"""``mnistcli doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

from mnistcli.cli.options import JsonFlag, QuietFlag, TsvFlag, make_output
from mnistcli.cli.session import session_of
from mnistcli.errors import CorruptFileError, UsageError


def doctor(
    ctx: typer.Context,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not read and hash all of the datasets.")
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", rich_help_panel="Output", help="Print a table to paste.")
    ] = False,
    json: JsonFlag = False,
    tsv: TsvFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Look at this installation: versions, folders, what is stored and whether it is whole.

    Examples:

      mnistcli doctor

      mnistcli doctor --markdown
    """
    out = make_output(json=json, tsv=tsv, quiet=quiet)
    if markdown and out.format != "table":
        raise UsageError("--markdown goes with no other format")

    from mnistcli.cli.views.doctor import DiagnosisView
    from mnistcli.doctor import examine
    from mnistcli.paths import find_places

    session = session_of(ctx)
    diagnosis = examine(find_places(session.home), session.store(), session.registry(), quick=quick)
    out.emit(DiagnosisView(diagnosis, markdown))
    if diagnosis.damaged:
        raise CorruptFileError(
            "damaged",
            ", ".join(diagnosis.damaged),
            hint="mnistcli download gets a dataset again, your own by --source PATH --as NAME "
            "--replace; mnistcli models rm removes a model; installing mnistcli again mends builtin",
        )
