from pathlib import Path

from mnistcli.cli.call import Call
from mnistcli.cli.options import command, option
from mnistcli.paths import check_ending


@command()
def sheet(
    call: Call,
    output: Path = option("A page: .pdf or .png.", "-o", default=Path("sheet.pdf"), metavar="FILE"),
) -> None:
    """Make a page to print, on which people write digits that become a dataset of your own.

    Photograph the page when it is written on, and read it: mnistcli download --source photo.jpg
    --sheet --as class. A file of that name is replaced.

    Examples:
      mnistcli sheet
      mnistcli sheet -o sheet.png
    """
    from mnistcli.cli.views.sheet import written

    check_ending(output, (".pdf", ".png"), "write a page to")
    call.emit(written(output))
