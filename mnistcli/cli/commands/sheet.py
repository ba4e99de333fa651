"""``mnistcli sheet``."""

from pathlib import Path
from typing import Annotated

import typer

from mnistcli.cli.options import command
from mnistcli.cli.output import Output
from mnistcli.errors import UsageError


@command("json", "tsv", "quiet")
def sheet(
    out: Output,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="A page: .pdf or .png.")
    ] = Path("sheet.pdf"),
) -> None:
    """Make a page to print, on which people write digits that become a dataset of your own.

    Photograph the page when it is written on, and read it: mnistcli download --source photo.jpg
    --sheet --as class. A file of that name is replaced.

    Examples:

      mnistcli sheet

      mnistcli sheet -o sheet.png
    """
    if output.suffix.lower() not in (".pdf", ".png"):
        raise UsageError(f"cannot write a page to {output}", hint="end the name in .pdf or .png")

    from mnistcli.cli.views.sheet import written

    out.emit(written(output))
