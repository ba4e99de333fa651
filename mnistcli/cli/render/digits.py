"""Digits in a terminal: pictures as lines of styled text.

Three ways to draw, from the best to the most modest:

- half-blocks: two pixels in one character cell, upper and lower, each in its colour;
- shades: one character per pixel row pair (or two per pixel, large), for terminals and pipes
  without colour. Half-blocks would be solid bars there;
- ASCII: the same with a ramp of plain characters, where the encoding has nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from rich.color import Color
from rich.console import Group
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from rich.console import Console

Manner = Literal["half", "shade", "ascii"]
Number = TypeVar("Number", np.uint8, np.float64)

_SHADES = " ░▒▓█"
_ASCII = " .:-=+*#%@"
# Weights have a sign, which without colour needs characters of its own.
_POSITIVE, _NEGATIVE = " .+#", " .-="

_GAP = 2
LARGEST_WIDTH = 80


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A picture with words under it.

    Attributes
    ----------
    image : ndarray of shape (height, width)
        uint8 for grey, 0 black; float in [-1, 1] for signed values such as weights.
    caption : str
    """

    image: NDArray[Any]
    caption: str = ""


def manner_for(console: Console) -> Manner:
    """Choose the best way to draw that this console can show."""
    if not console.encoding.lower().startswith("utf"):
        return "ascii"
    if console.no_color or console.color_system is None:
        return "shade"
    return "half"


def draw(tiles: Sequence[Tile], console: Console) -> Group:
    """Draw tiles side by side, as many in a row as the console is wide.

    A single tile is drawn large where half-blocks cannot be used, with two characters for each
    pixel.
    """
    manner = manner_for(console)
    widest = min(console.width, LARGEST_WIDTH)
    large = len(tiles) == 1 and manner != "half" and 2 * tiles[0].image.shape[1] <= widest
    pictures = [picture(tile.image, manner, large=large) for tile in tiles]
    width = max(cell_width for cell_width, _ in pictures)
    # A pipe has no width; ten digits in a row read well everywhere.
    usable = console.width if console.is_terminal else min(console.width, 10 * (width + _GAP))
    n_columns = max(1, (usable + _GAP) // (width + _GAP))
    lines: list[Text] = []
    for start in range(0, len(tiles), n_columns):
        if start:
            lines.append(Text())
        row = slice(start, start + n_columns)
        lines += _side_by_side([lines_ for _, lines_ in pictures[row]], width)
        if any(tile.caption for tile in tiles[row]):
            lines += _captions([tile.caption for tile in tiles[row]], width)
    return Group(*lines)


def picture(image: NDArray[Any], manner: Manner, *, large: bool = False) -> tuple[int, list[Text]]:
    """Turn an image into lines of text and say how many cells wide they are."""
    if manner == "half":
        return image.shape[1], _half_blocks(_colours(image))
    levels = image.astype(np.float64)
    if image.dtype == np.uint8:
        levels /= 255.0
    if large:
        levels = np.repeat(levels, 2, axis=1)
    else:
        # A cell is about twice as high as wide: two rows of pixels make one line.
        levels = _even_rows(levels)
        levels = (levels[0::2] + levels[1::2]) / 2
    ramp = _SHADES if manner == "shade" else _ASCII
    if image.dtype == np.uint8:
        return levels.shape[1], [Text("".join(line)) for line in _from_ramp(levels, ramp)]
    signed = np.where(levels >= 0, _from_ramp(levels, _POSITIVE), _from_ramp(-levels, _NEGATIVE))
    return levels.shape[1], [Text("".join(line)) for line in signed]


def _from_ramp(levels: NDArray[np.float64], ramp: str) -> NDArray[np.str_]:
    # The darkest character is for (almost) nothing and the brightest for the top of the range.
    position = np.clip(np.round(levels * (len(ramp) - 1)), 0, len(ramp) - 1)
    characters: NDArray[np.str_] = np.array(list(ramp))[position.astype(np.int64)]
    return characters


def _even_rows(values: NDArray[Number]) -> NDArray[Number]:
    if len(values) % 2 == 0:
        return values
    return np.concatenate([values, np.zeros_like(values[:1])])


def _colours(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Give RGB of shape (height, width, 3): grey, or red above and blue below zero on black."""
    if image.dtype == np.uint8:
        return np.repeat(image[:, :, None], 3, axis=2).astype(np.uint8)
    # The square root shows weak weights too: without it most of the picture is black.
    strength = np.sqrt(np.abs(np.clip(image.astype(np.float64), -1, 1)))
    positive = np.stack([255 * strength, 70 * strength, 40 * strength], axis=2)
    negative = np.stack([50 * strength, 110 * strength, 255 * strength], axis=2)
    return np.where((image > 0)[:, :, None], positive, negative).astype(np.uint8)


def _half_blocks(colours: NDArray[np.uint8]) -> list[Text]:
    colours = _even_rows(colours).astype(np.uint8)
    lines = []
    for upper, lower in zip(colours[0::2].tolist(), colours[1::2].tolist(), strict=True):
        line = Text()
        for above, below in zip(upper, lower, strict=True):
            line.append("▀", _half_block_style(tuple(above), tuple(below)))
        lines.append(line)
    return lines


@lru_cache(maxsize=65536)
def _half_block_style(above: tuple[int, int, int], below: tuple[int, int, int]) -> Style:
    return Style.from_color(Color.from_rgb(*above), Color.from_rgb(*below))


def _side_by_side(pictures: list[list[Text]], width: int) -> list[Text]:
    height = max(len(lines) for lines in pictures)
    rows = []
    for y in range(height):
        row = Text()
        for x, lines in enumerate(pictures):
            cell = lines[y] if y < len(lines) else Text()
            row.append_text(cell)
            if x < len(pictures) - 1:
                row.append(" " * (width - len(cell) + _GAP))
        rows.append(row)
    return rows


def _captions(captions: list[str], width: int) -> list[Text]:
    cells = []
    for caption in captions:
        text = Text(caption)
        if len(captions) > 1:  # one alone disturbs nobody if it is long
            text.truncate(width)
        text.align("center", max(width, len(text)))
        cells.append(text)
    return _side_by_side([[cell] for cell in cells], width)
