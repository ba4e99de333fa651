"""A page to write on that was written."""

from pathlib import Path

from mnistcli.cli.content.numbers import n_bytes
from mnistcli.cli.content.parts import Facts
from mnistcli.cli.output import Answer
from mnistcli.sheets import N_COLUMNS, N_ROWS


def sheet_answer(path: Path, size: int) -> Answer:
    """Show where the page is, so many bytes, and what to do with its photograph."""
    digits = [*range(N_COLUMNS)]
    document = {"path": path, "n_bytes": size, "n_rows": N_ROWS, "digits": digits}
    what = f"{N_ROWS * N_COLUMNS} boxes, for A4 and US letter"
    facts = [
        ("Wrote", f"{path}, {n_bytes(size)}: {what}"),
        ("Next", "mnistcli download --source photo.jpg --sheet --as class"),
    ]
    return Answer("sheet", document, [str(path)], [Facts(facts)])
