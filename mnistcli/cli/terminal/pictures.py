"""Digits in a terminal: grids of pictures that fit its width, with words under each."""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from rich.console import Console, Group, RenderableType
from rich.text import Text

from mnistcli.cli.terminal import characters
from mnistcli.cli.terminal.bitmap import (
    CHARACTER_SIGNS,
    COLOUR_SIGNS,
    fitted,
    folded,
    signed,
    vivid,
)
from mnistcli.cli.terminal.capabilities import (
    COLOURLESS,
    GRAPHICS,
    Method,
    Render,
    cell_size,
    choose_method,
)
from mnistcli.cli.terminal.layout import Block, beside, stacked, words
from mnistcli.cli.words import visible, visible_lines
from mnistcli.gallery import CaptionedImage, Gallery

_GAP = 2
# A pipe has no right margin, but who reads what comes out of it mostly has one.
WIDTH_OF_A_PIPE = 80
# Captions need so many cells: "#1234: 9 not 4".
_NARROWEST = 14


def draw(
    pictures: Sequence[CaptionedImage],
    console: Console,
    render: Render = "auto",
    n_columns: int | None = None,
    *,
    in_row: bool = False,
    side: int | None = None,
) -> Block:
    """Draw pictures side by side, as many in a row as the console is wide, or ``n_columns`` at most.

    A single one is drawn large where characters are coarse. With ``in_row`` each is 28 cells wide,
    or ``side``, and they stand closer.
    """
    n, method = len(pictures), choose_method(render, console, len(pictures))
    # Shades and letters of a row would be 56 wide.
    is_large = method not in ("shade", "ascii") if in_row else n == 1
    usable = usable_width(console)
    widest = min(usable, side or usable)
    images = vivid([picture.image for picture in pictures])
    blocks = [draw_image(image, method, large=is_large, width=widest) for image in images]
    captions = [picture.caption for picture in pictures]
    narrowest = 1 if in_row else min(_NARROWEST, usable)
    width = max([narrowest, *(block.width for block in blocks)])
    n_fitting = max(1, (usable + _GAP) // (width + _GAP))
    n_columns = min(n_fitting, n_columns or n_fitting)
    rows: list[Block] = []
    for start in range(0, n, n_columns):
        row = slice(start, start + n_columns)
        rows += [] if in_row or not start else [words([""])]
        rows.append(_row(blocks[row], captions[row], width, widest=console.width))
    return stacked(rows) if rows else words([])


def draw_gallery(gallery: Gallery, console: Console, render: Render) -> RenderableType:
    """Draw pictures, and their legend below."""
    drawing = draw(gallery, console, render, gallery.n_columns)
    method = choose_method(render, console, len(gallery))
    legend = Text(visible_lines(signed(gallery.legend, signs_of(method))))
    return Group(drawing, Text(), legend) if gallery.legend else drawing


def signs_of(method: Method) -> tuple[str, str]:
    """Return what positive and negative values look like."""
    return CHARACTER_SIGNS if method in COLOURLESS else COLOUR_SIGNS


def usable_width(console: Console) -> int:
    """Return the width that pictures may take."""
    return console.width if console.width < 1000 else WIDTH_OF_A_PIPE


def draw_image(image: NDArray[Any], method: Method, *, large: bool = False, width: int) -> Block:
    """Draw one image, large if that fits the width."""
    columns = image.shape[1]
    if method in GRAPHICS:
        from mnistcli.cli.terminal.protocols import graphic

        # Pixels are free here, cells are not: a grid holds as many pictures as one of braille.
        columns = min(28 if large else 14, width)
        cell = cell_size()
        n_lines = max(1, round(columns * cell[0] * image.shape[0] / image.shape[1] / cell[1]))
        return graphic(image, method, (columns, n_lines), cell)
    if method == "half":
        return characters.half_blocks(fitted(image, width))
    if method == "braille":
        return characters.braille(fitted(image, width if large else 2 * width), large=large)
    large = large and 2 * columns <= width
    return characters.shades(fitted(image, width), large=large, ascii_only=method == "ascii")


def _row(pictures: Sequence[Block], captions: Sequence[str], width: int, *, widest: int) -> Block:
    padded = [_centred(block, width) for block in pictures]
    if len(captions) == 1 and len(captions[0]) > width:  # one alone disturbs nobody if it is long
        return stacked([padded[0], words(folded(visible(captions[0]), widest))])
    lines_of = [folded(visible(caption), width) for caption in captions]
    top = max(len(block.lines) for block in padded)
    foot = max(map(len, lines_of))
    columns = []
    for block, lines in zip(padded, lines_of, strict=True):
        below = [*[""] * (top - len(block.lines)), *lines, *[""] * (foot - len(lines))]
        columns.append(stacked([block, words(below, width=width, centred=True)]))
    return beside(columns, _GAP)


def _centred(block: Block, width: int) -> Block:
    spare = max(0, width - block.width)
    sides = (spare // 2, spare - spare // 2)
    left, right = (words([""] * len(block.lines), width=side) for side in sides)
    return beside([left, block, right], 0) if spare else block
