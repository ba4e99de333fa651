"""Where everything lies on the page, for drawing it and for reading it; and the drawing."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DOTS_PER_MM = 300 / 25.4
INSTRUCTION = (
    "Write each digit in the box below it. Photograph the page with its four black corners."
)


class Rectangle(NamedTuple):
    """Edges in millimetres from the upper left corner of the page."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Layout:
    """The page in millimetres: A4, with margins so wide that nothing is lost on US letter."""

    width: float = 210.0
    height: float = 297.0
    n_rows: int = 12
    n_columns: int = 10
    box: float = 15.0
    pitch_across: float = 18.0
    pitch_down: float = 20.0
    mark: float = 8.0
    hole: float = 4.4  # in the mark that is above on the left
    margin_across: float = 16.5
    margin_down: float = 17.5

    def box_at(self, row: int, column: int) -> Rectangle:
        """Return where to write; the digit to be written is printed above."""
        left = self.margin_across + column * self.pitch_across
        top = self.margin_down + self.mark + 6.5 + row * self.pitch_down
        return Rectangle(left, top, left + self.box, top + self.box)

    @property
    def marks(self) -> NDArray[np.float64]:
        """The centres of the marks, x and y: above left, above right, below right, below left."""
        x, y = self.margin_across + self.mark / 2, self.margin_down + self.mark / 2
        right, bottom = self.width - x, self.height - y
        return np.array([(x, y), (right, y), (right, bottom), (x, bottom)])


LAYOUT = Layout()


def sheet_file(suffix: str, layout: Layout = LAYOUT) -> bytes:
    """Draw the page as a file: ".pdf" or ".png", 300 dots per inch in black and white."""
    from PIL import Image, ImageDraw, ImageFont

    def dots(length: float) -> int:
        return round(length * DOTS_PER_MM)

    page = Image.new("L", (dots(layout.width), dots(layout.height)), 255)
    pen = ImageDraw.Draw(page)
    for i, (x, y) in enumerate(layout.marks.tolist()):
        for side, ink in ((layout.mark, 0), (layout.hole, 255))[: 2 if i == 0 else 1]:
            edges = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
            pen.rectangle([dots(edge) for edge in edges], fill=ink)
    font = ImageFont.load_default(dots(3.7))
    middle = dots(layout.width / 2), dots(layout.margin_down + layout.mark / 2)
    pen.text(middle, INSTRUCTION, 0, font, "mm")
    for row in range(layout.n_rows):
        for column in range(layout.n_columns):
            box = layout.box_at(row, column)
            pen.rectangle([dots(edge) for edge in box], outline=0, width=2)
            at = dots((box.left + box.right) / 2), dots(box.top - 0.9)
            pen.text(at, str(column), 0, font, "ms")
    buffer = io.BytesIO()
    # Text comes with grey edges; two levels make a PDF of a tenth of the size.
    page = page.point([0] * 128 + [255] * 128, "1")
    page.save(buffer, suffix.removeprefix(".").upper(), dpi=(300, 300), resolution=300)
    return buffer.getvalue()
