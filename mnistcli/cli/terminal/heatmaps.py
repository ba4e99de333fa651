"""Matrices of counts and shares as heat maps with numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console, RenderableType
    from rich.style import Style
    from rich.text import Text


def confusion_table(
    confusion: NDArray[np.int64],
    class_names: tuple[str, ...],
    console: Console,
    title: str = "confusion matrix",
) -> RenderableType:
    """Draw a confusion matrix: the stronger a cell, the larger its share of the row.

    Zeros are dots. The numbers say everything; where there are fewer than 256 colours they do so
    alone.
    """
    cells = [
        [
            _Cell(str(count or "."), count / max(sum(counts), 1), is_right=i == j)
            for j, count in enumerate(counts)
        ]
        for i, counts in enumerate(confusion.tolist())
    ]
    return _matrix(title, "truth \\ answer", class_names, cells, console)


def pair_error_table(
    errors: NDArray[np.float64], class_names: tuple[str, ...], console: Console
) -> RenderableType:
    """Draw the error rates of the models of pairs of classes, in percent."""
    cells = [
        [
            _Cell("" if math.isnan(rate) else f"{100 * rate:.2f}", rate, is_right=False)
            for rate in rates
        ]
        for rates in errors.tolist()
    ]
    title = "errors of each pair's own model, in percent of the images of the two"
    return _matrix(title, "pair", class_names, cells, console)


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    share: float
    is_right: bool


def _matrix(
    title: str,
    corner: str,
    class_names: tuple[str, ...],
    cells: list[list[_Cell]],
    console: Console,
) -> Text:
    # rich's tables leave gaps between cells, which a heat map should not have.
    from rich.text import Text

    is_heat_map = not console.no_color and console.color_system in ("256", "truecolor")
    first = max(len(corner), *map(len, class_names)) + 3
    texts = [cell.text for row in cells for cell in row]
    width = max(*map(len, texts), *map(len, class_names)) + 2
    rule = "─" if console.encoding.lower().startswith("utf") else "-"
    heading = f"{corner} ".rjust(first) + "".join(f"{name} ".rjust(width) for name in class_names)
    page = Text(no_wrap=True, overflow="ignore")
    page.append(f"{title}\n\n", "italic")
    page.append(f"{heading.rstrip()}\n", "bold")
    page.append(f" {rule * (len(heading) - 1)}\n")
    for name, row in zip(class_names, cells, strict=True):
        page.append(f"{name} ".rjust(first))
        for cell in row:
            style = _heat(cell) if is_heat_map else _plain(cell)
            # rich cuts blanks at the end of a line, coloured or not; this one it keeps.
            end = "\xa0" if is_heat_map else " "
            page.append(f"{cell.text}{end}".rjust(width), style)
        page.append("\n")
    return page


def _heat(cell: _Cell) -> Style:
    """Shade a cell by its share of the row, from blue (right) or red (wrong) to the page."""
    from rich.color import Color
    from rich.style import Style

    share, is_right = cell.share, cell.is_right
    if not share > 0:
        return Style(dim=True)
    if is_right:
        full, strength = (20, 95, 160), share
    elif share < 0.004:
        return Style()  # a light shade would only glare on a dark terminal
    else:
        # Most mistakes are few in a hundred: the root makes them differ.
        full, strength = (200, 30, 20), min(1.0, (share / 0.1) ** 0.5)
    red, green, blue = (round(255 - (255 - level) * strength) for level in full)
    # The weights of luminance; black or white, whichever stands out more.
    is_light = 0.299 * red + 0.587 * green + 0.114 * blue > 140
    ink = Color.from_rgb(0, 0, 0) if is_light else Color.from_rgb(255, 255, 255)
    return Style.from_color(ink, Color.from_rgb(red, green, blue)) + Style(bold=is_right)


def _plain(cell: _Cell) -> str:
    if cell.is_right:
        return "bold green"
    return "red" if cell.share > 0 else "dim"
