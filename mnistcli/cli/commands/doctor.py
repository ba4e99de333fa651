"""``mnistcli doctor``."""

from typing import Annotated

import typer

from mnistcli.cli.options import command
from mnistcli.cli.output import Output
from mnistcli.cli.session import Session
from mnistcli.errors import CorruptFileError


@command("json", "tsv", "quiet", apart=["markdown json tsv quiet format"])
def doctor(
    session: Session,
    out: Output,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not read and hash all of the datasets.")
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", rich_help_panel="Output", help="Print a table to paste.")
    ] = False,
) -> None:
    """Look at this installation: versions, folders, what is stored and whether it is whole.

    Examples:

      mnistcli doctor

      mnistcli doctor --markdown
    """
    from mnistcli.cli.defaults import find_defaults
    from mnistcli.cli.views.doctor import DiagnosisView
    from mnistcli.doctor import examine
    from mnistcli.paths import find_places

    diagnosis = examine(find_places(session.home), session.store(), session.registry(), quick=quick)
    out = out._replace(format="markdown") if markdown else out
    out.emit(DiagnosisView(diagnosis, find_defaults(session.home)))
    if diagnosis.damaged:
        raise CorruptFileError(
            "damaged",
            ", ".join(diagnosis.damaged),
            hint="mnistcli download gets a dataset again, your own by --source PATH --as NAME "
            "--replace; mnistcli models rm removes a model; installing mnistcli again mends builtin",
        )
