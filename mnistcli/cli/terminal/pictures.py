"""Digits in a terminal: grids of pictures that fit its width, with words under each."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from mnistcli.cli.terminal import characters
from mnistcli.cli.terminal.bitmap import CHARACTER_SIGNS, COLOUR_SIGNS, Tile, fitted
from mnistcli.cli.terminal.ladder import COLOURLESS, GRAPHICS, Render, Rung, choose_rung
from mnistcli.cli.terminal.layout import Block, beside, stacked, words
from mnistcli.cli.words import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

__all__ = ["Tile", "draw", "draw_row", "picture"]

_GAP = 2
# A pipe has no right margin, but who reads what comes out of it mostly has one.
WIDTH_OF_A_PIPE = 80
# Captions need so many cells: "#1234: 9 not 4".
_NARROWEST = 14


def draw(tiles: Sequence[Tile], console: Console, render: Render = "auto") -> Block:
    """Draw tiles side by side, as many in a row as the console is wide.

    A single tile is drawn large where characters are coarse: shades then take two characters
    for a pixel, braille four dots.
    """
    rung = choose_rung(render, console, len(tiles))
    usable = usable_width(console)
    pictures = [picture(tile, rung, large=len(tiles) == 1, width=usable) for tile in tiles]
    width = max(_NARROWEST, *(block.width for block in pictures)) if tiles else 0
    n_columns = max(1, (usable + _GAP) // (width + _GAP))
    rows: list[Block] = []
    for start in range(0, len(tiles), n_columns):
        if start:
            rows.append(words([""]))
        row = slice(start, start + n_columns)
        rows.append(_row(pictures[row], [tile.caption for tile in tiles[row]], width))
    return stacked(rows) if rows else words([])


def draw_row(tiles: Sequence[Tile], console: Console, rung: Rung) -> Block:
    """Draw tiles in one row, or more if they do not fit, each about 28 cells wide."""
    usable = usable_width(console)
    large = rung not in ("shade", "ascii")  # those would be 56 wide
    pictures = [picture(tile, rung, large=large, width=usable) for tile in tiles]
    width = max(block.width for block in pictures)
    n_columns = max(1, (usable + _GAP) // (width + _GAP))
    return stacked([
        _row(pictures[i : i + n_columns], [t.caption for t in tiles[i : i + n_columns]], width)
        for i in range(0, len(tiles), n_columns)
    ])  # fmt: skip


def signs_of(rung: Rung) -> tuple[str, str]:
    """Say what positive and negative values look like."""
    return CHARACTER_SIGNS if rung in COLOURLESS else COLOUR_SIGNS


def usable_width(console: Console) -> int:
    """Give the width that pictures may take."""
    return console.width if console.width < 1000 else WIDTH_OF_A_PIPE


def picture(tile: Tile, rung: Rung, *, large: bool = False, width: int) -> Block:
    """Draw one image, large if that fits the width."""
    image = tile.image
    columns = image.shape[1]
    if rung in GRAPHICS:
        from mnistcli.cli.terminal.capabilities import cell_size
        from mnistcli.cli.terminal.protocols import graphic

        # Pixels are free here, cells are not: a grid holds as many pictures as one of braille.
        columns = min(28 if large else 14, width)
        cell = cell_size()
        n_lines = max(1, round(columns * cell[0] * image.shape[0] / image.shape[1] / cell[1]))
        return graphic(image, rung, (columns, n_lines), cell)
    if rung == "half":
        return characters.half_blocks(fitted(image, width))
    if rung == "braille":
        return characters.braille(fitted(image, width if large else 2 * width), large=large)
    large = large and 2 * columns <= width
    return characters.shades(fitted(image, width), large=large, ascii_only=rung == "ascii")


def _row(pictures: Sequence[Block], captions: Sequence[str], width: int) -> Block:
    padded = [_centred(block, width) for block in pictures]
    if not any(captions):
        return beside(padded, _GAP)
    if len(captions) == 1:  # one alone disturbs nobody if it is long
        alone = max(width, len(captions[0]))
        return stacked([padded[0], words(captions, width=alone, centred=alone == width)])
    folded = [textwrap.wrap(visible(caption), width) for caption in captions]
    top = max(len(block.lines) for block in padded)
    foot = max(map(len, folded))
    return beside(
        [
            stacked([
                block,
                words([""] * (top - len(block.lines)), width=width),
                words([*lines, *[""] * (foot - len(lines))], width=width, centred=True),
            ])
            for block, lines in zip(padded, folded, strict=True)
        ],
        _GAP,
    )  # fmt: skip


def _centred(block: Block, width: int) -> Block:
    spare = width - block.width
    if spare <= 0:
        return block
    margins = (
        words([""] * len(block.lines), width=spare // 2),
        words([""] * len(block.lines), width=spare - spare // 2),
    )
    return beside([margins[0], block, margins[1]], 0)
