"""A page to write on, and pictures of what was read on others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mnistcli.cli.drawing.file import FigureFile
from mnistcli.cli.numbers import n_bytes
from mnistcli.cli.output import View
from mnistcli.files import write_atomically
from mnistcli.sheets import LAYOUT, SheetRead, picture_of, sheet_file


def written(path: Path) -> "SheetView":
    """Write a page to a file, in the format of its name."""
    content = sheet_file(path.suffix.lower())
    write_atomically(path, content)
    return SheetView(path, len(content))


@dataclass(frozen=True)
class SheetView(View):
    """A page that was written to a file."""

    schema = "sheet"
    path: Path
    n_bytes: int

    def document(self) -> dict[str, Any]:
        digits = list(range(LAYOUT.n_columns))
        content = {"path": str(self.path), "n_bytes": self.n_bytes}
        return {**content, "n_rows": LAYOUT.n_rows, "digits": digits}

    def lines(self) -> Iterator[str]:
        yield str(self.path)

    def facts(self) -> Iterator[tuple[str, str]]:
        n = LAYOUT.n_rows * LAYOUT.n_columns
        yield "Wrote", f"{self.path}, {n_bytes(self.n_bytes)}: {n} boxes, for A4 and US letter"
        yield "Next", "mnistcli download --source photo.jpg --sheet --as class"


def picture_writer(figure: FigureFile, notes: list[str]) -> Callable[[SheetRead], None]:
    """Return what writes a picture of each page, taken.png, taken-2.png, ..., and notes it."""
    from mnistcli.gallery import CaptionedImage, Gallery

    def write(read: SheetRead) -> None:
        number = f"-{len(notes) + 1}" if notes else ""
        path = figure.path.with_stem(figure.path.stem + number)
        notes.append(replace(figure, path=path).draw(Gallery([CaptionedImage(picture_of(read))])))

    return write
