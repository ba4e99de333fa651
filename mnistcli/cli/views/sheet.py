"""A page to write on, and pictures of what was read on others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from mnistcli.cli.drawing.file import FigureFile
from mnistcli.cli.numbers import n_bytes
from mnistcli.cli.views.shared import Answer
from mnistcli.files import write_atomically
from mnistcli.sheets import LAYOUT, SheetRead, picture_of, sheet_file


def written(path: Path) -> Answer:
    """Write a page to a file, in the format of its name."""
    content = sheet_file(path.suffix.lower())
    write_atomically(path, content)
    n, digits = LAYOUT.n_rows * LAYOUT.n_columns, [*range(LAYOUT.n_columns)]
    document = {"path": str(path), "n_bytes": len(content), "n_rows": LAYOUT.n_rows}
    facts = [
        ("Wrote", f"{path}, {n_bytes(len(content))}: {n} boxes, for A4 and US letter"),
        ("Next", "mnistcli download --source photo.jpg --sheet --as class"),
    ]
    return Answer("sheet", {**document, "digits": digits}, facts, str(path))


def picture_writer(figure: FigureFile, notes: list[str]) -> Callable[[SheetRead], None]:
    """Return what writes a picture of each page, taken.png, taken-2.png, ..., and notes it."""
    from mnistcli.gallery import CaptionedImage, Gallery

    def write(read: SheetRead) -> None:
        number = f"-{len(notes) + 1}" if notes else ""
        path = figure.path.with_stem(figure.path.stem + number)
        notes.append(replace(figure, path=path).draw(Gallery([CaptionedImage(picture_of(read))])))

    return write
