"""A file to draw into: its name says the format. Cheap to import: many commands have one."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mnistcli.errors import UsageError
from mnistcli.paths import check_ending

if TYPE_CHECKING:
    from mnistcli.cli.parts import Panel

ENDINGS = (".svg", ".png", ".pdf")


@dataclass(frozen=True, slots=True)
class FigureFile:
    """Where to draw, how large, and whether on dark paper; a width leaves letters as they are."""

    path: Path
    scale: float = 1.0
    width_mm: float | None = None
    dark: bool = False

    def draw(self, *panels: "Panel") -> str:
        """Draw panels, old or new but never half; return what was written."""
        from mnistcli.cli import drawing
        from mnistcli.cli.terminal.bitmap import png
        from mnistcli.files import write_atomically
        from mnistcli.gallery import Gallery

        shown = [each for each in panels if each or not isinstance(each, Gallery)]
        if not shown:
            return f"no pictures: {self.path} was not written"
        dot, theme = drawing.MM_PER_DOT * self.scale, drawing.DARK if self.dark else drawing.LIGHT
        whole = drawing.drawing_of(shown, self.width_mm and self.width_mm / dot)
        size = f"{dot * whole.width:.0f} x {dot * whole.height:.0f} mm"
        if self.path.suffix.lower() == ".svg":
            content = f"{drawing.svg(whole, theme, self.scale)}\n".encode()
        elif self.path.suffix.lower() == ".pdf":
            content = drawing.pdf(whole, theme, self.scale)
        else:
            page = drawing.painted(whole, theme, 2 * self.scale)  # 300 pixels for an inch
            content, size = png(page), f"{page.width} x {page.height} pixels"
        write_atomically(self.path, content)
        return f"wrote {self.path}, {size}"


def check_figure(path: Path | None) -> Path | None:
    """Refuse a name in no format that can be written here, before any work is done."""
    if path is None:
        return None
    check_ending(path, ENDINGS, "draw into")
    if path.suffix.lower() == ".pdf" and not find_spec("reportlab"):
        hint = "pip install 'mnistcli[pdf]', or draw into .svg or .png"
        raise UsageError("a PDF needs reportlab, which is not installed", hint=hint)
    return path
