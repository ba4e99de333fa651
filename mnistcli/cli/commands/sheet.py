from pathlib import Path

from mnistcli.cli.call import Call
from mnistcli.cli.content.numbers import n_bytes
from mnistcli.cli.content.parts import Facts
from mnistcli.cli.options import command, option
from mnistcli.cli.output import Answer
from mnistcli.files import write_atomically
from mnistcli.paths import check_ending


@command()
def sheet(
    call: Call,
    output: Path = option("A page: .pdf or .png.", "-o", default=Path("sheet.pdf"), metavar="FILE"),
) -> None:
    from mnistcli.sheets import N_COLUMNS, N_ROWS, sheet_file

    check_ending(output, (".pdf", ".png"), "write a page to")
    content = sheet_file(output.suffix.lower())
    write_atomically(output, content)
    n, digits = N_ROWS * N_COLUMNS, [*range(N_COLUMNS)]
    document = {"path": str(output), "n_bytes": len(content), "n_rows": N_ROWS}
    facts = [
        ("Wrote", f"{output}, {n_bytes(len(content))}: {n} boxes, for A4 and US letter"),
        ("Next", "mnistcli download --source photo.jpg --sheet --as class"),
    ]
    call.emit(Answer("sheet", document | {"digits": digits}, [str(output)], [Facts(facts)]))
