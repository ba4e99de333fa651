from pathlib import Path

from mnistcli.cli.call import Call
from mnistcli.cli.options import command, option
from mnistcli.files import write_atomically
from mnistcli.paths import check_ending


@command()
def sheet(
    call: Call,
    output: Path = option("A page: .pdf or .png.", "-o", default=Path("sheet.pdf"), metavar="FILE"),
) -> None:
    from mnistcli.cli.views.sheet import sheet_answer
    from mnistcli.sheets import sheet_file

    check_ending(output, (".pdf", ".png"), "write a page to")
    content = sheet_file(output.suffix.lower())
    write_atomically(output, content)
    call.emit(sheet_answer(output, len(content)))
