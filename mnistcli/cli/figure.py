"""A figure of the user's: into which file, how large, on which paper."""

from dataclasses import dataclass
from pathlib import Path

from mnistcli.cli.content.parts import Panel

ENDINGS = (".svg", ".png", ".pdf")
PIXELS_PER_DOT = 2  # of PNG files: 300 for an inch
_NARROWEST_MM = 50  # where letters have room as they are; in less they are smaller


@dataclass(frozen=True, slots=True)
class FigureFile:
    """Where to draw, how large, and whether on dark paper; a width that has room leaves letters alone."""

    path: Path
    scale: float = 1.0
    width_mm: float | None = None
    dark: bool = False

    def draw(self, *panels: Panel) -> str:
        """Draw panels, old or new but never half; return what was written."""
        from mnistcli.cli import drawing, layout
        from mnistcli.cli.terminal.bitmap import png
        from mnistcli.files import write_atomically

        if not (shown := [each for each in panels if each]):  # a gallery may be empty
            return f"no pictures: {self.path} was not written"
        scale = min(self.scale, self.width_mm / _NARROWEST_MM) if self.width_mm else self.scale
        dot, theme = drawing.MM_PER_DOT * scale, drawing.DARK if self.dark else drawing.LIGHT
        whole = layout.drawing_of(shown, self.width_mm and self.width_mm / dot)
        size = f"{dot * whole.width:.0f} x {dot * whole.height:.0f} mm"
        if self.path.suffix.lower() == ".svg":
            content = f"{drawing.svg(whole, theme, scale)}\n".encode()
        elif self.path.suffix.lower() == ".pdf":
            content = drawing.pdf(whole, theme, scale)
        else:
            page = drawing.paint(whole, theme, PIXELS_PER_DOT * scale)
            content = png(page, dpi=PIXELS_PER_DOT * 25.4 / drawing.MM_PER_DOT)
            size = f"{page.width} x {page.height} pixels"
        write_atomically(self.path, content)
        return f"wrote {self.path}, {size}"
