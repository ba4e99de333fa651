"""Curves in a terminal: a line, its axes and their ends, in braille or in stars."""

import os

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from mnistcli.cli.terminal.capabilities import Render
from mnistcli.cli.terminal.characters import dotted
from mnistcli.cli.terminal.layout import Block, beside, stacked, words

# Dots in a cell of braille: across and down.
_ACROSS, _DOWN = 2, 4


def draws_plainly(console: Console, render: Render) -> bool:
    """Whether a console has no braille: another encoding, or the Linux console's font."""
    is_utf = console.encoding.lower().startswith("utf")
    return render == "ascii" or not is_utf or os.environ.get("TERM") == "linux"


def line_plot(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    names: tuple[str, str],
    title: str,
    size: tuple[int, int],
    plain: bool,
) -> Block:
    """Draw the line through points, as far as it lies within the ranges.

    The ranges are what the ends of the axes stand for, ``names`` what the axes are called, ``size``
    is columns and lines of the whole; ``plain`` draws in ASCII.
    """
    ends = [f"{end:.3g}" for end in y_range]
    margin = max(map(len, ends))
    columns, n_lines = size[0] - margin - 1, size[1] - 4
    per_cell = (1, 1) if plain else (_ACROSS, _DOWN)
    dots = _drawn(x, y, x_range, y_range, (columns * per_cell[0], n_lines * per_cell[1]))
    field = words(["".join(row) for row in np.where(dots, "*", " ")]) if plain else dotted(dots)
    wall, corner, floor, ceiling = "|+-+" if plain else "│└─┤"
    labels = [" " * margin + wall] * n_lines
    labels[0] = ends[1].rjust(margin) + ceiling
    labels[-1] = ends[0].rjust(margin) + ceiling
    left, right = (f"{end:.3g}" for end in x_range)
    name = names[0].center(columns - len(left) - len(right))
    return stacked(
        [
            words([title], width=size[0], style="bold"),
            words([names[1].rjust(margin)], width=size[0], style="dim"),
            beside([words(labels, style="dim"), field], 0),
            words(
                [" " * margin + corner + floor * columns, " " * (margin + 1) + left + name + right],
                width=size[0],
                style="dim",
            ),
        ]
    )


def _drawn(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    size: tuple[int, int],
) -> NDArray[np.bool_]:
    """Walk along the line in steps of half a dot, and put a dot where one is within the field."""
    width, height = size
    across = (x - x_range[0]) / (x_range[1] - x_range[0]) * (width - 1)
    down = (y_range[1] - y) / (y_range[1] - y_range[0]) * (height - 1)
    lengths = np.maximum(np.abs(np.diff(across)), np.abs(np.diff(down)))
    way = np.append(0.0, np.cumsum(lengths))
    steps = np.linspace(0.0, way[-1], 2 * int(way[-1]) + 2)
    columns = np.rint(np.interp(steps, way, across)).astype(np.int64)
    lines = np.rint(np.interp(steps, way, down)).astype(np.int64)
    is_within = (columns >= 0) & (columns < width) & (lines >= 0) & (lines < height)
    dots = np.zeros((height, width), dtype=bool)
    dots[lines[is_within], columns[is_within]] = True
    return dots
