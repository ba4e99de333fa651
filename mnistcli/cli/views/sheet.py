"""A page to write on, and pictures of what was read on others."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistcli.cli.numbers import n_bytes
from mnistcli.cli.output import View
from mnistcli.cli.views.shared import facts
from mnistcli.files import write_atomically
from mnistcli.sheets.layout import LAYOUT, sheet_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType

    from mnistcli.sheets.reading import SheetRead


def written(path: Path) -> SheetView:
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
        return {
            "path": str(self.path),
            "n_bytes": self.n_bytes,
            "n_rows": LAYOUT.n_rows,
            "digits": list(range(LAYOUT.n_columns)),
        }

    def lines(self) -> Iterator[str]:
        yield str(self.path)

    def table(self, console: Console) -> RenderableType:
        n = LAYOUT.n_rows * LAYOUT.n_columns
        return facts(
            [
                ("Wrote", f"{self.path}, {n_bytes(self.n_bytes)}: boxes for {n} digits, A4"),
                ("Print", "as it is or scaled, on A4 or US letter"),
                ("Next", "mnistcli download --source photo.jpg --sheet --as class"),
            ]
        )


@dataclass
class PicturesOfPages:
    """Writes what was taken for what on each page: taken.png, taken-2.png, ... if at all."""

    path: Path | None
    notes: list[str] = field(default_factory=list)

    def __call__(self, read: SheetRead) -> None:
        """Write a picture of the next page."""
        if self.path is None:
            return
        from mnistcli.cli.terminal.bitmap import write_sheet
        from mnistcli.gallery import CaptionedImage
        from mnistcli.sheets.reading import picture_of

        number = f"-{len(self.notes) + 1}" if self.notes else ""
        path = self.path.with_stem(self.path.stem + number)
        self.notes.append(write_sheet(path, [CaptionedImage(picture_of(read))]))
