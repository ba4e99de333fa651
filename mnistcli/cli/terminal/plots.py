"""Plots in a terminal: lines in braille or in stars, letters for points, bars for intervals."""

import os
from collections.abc import Sequence

import numpy as np
from rich.console import Console

from mnistcli.arrays import Bools, Float64s, Int64s
from mnistcli.cli.content.plots import Axis, Plot, fitting
from mnistcli.cli.terminal.capabilities import Render
from mnistcli.cli.terminal.pictures import Block, beside, dotted, stacked, texts, usable_width

_SYMBOLS = "abcdefghijklmnopqrstuvwxyz"
_LINES, _WIDEST = 17, 100
# Dots in a cell of braille: across and down.
_ACROSS, _DOWN = 2, 4


def draws_plainly(console: Console, render: Render) -> bool:
    """Whether a console has no braille: another encoding, or the Linux console's font."""
    is_utf = console.encoding.lower().startswith("utf")
    return render == "ascii" or not is_utf or os.environ.get("TERM") == "linux"


def plots_block(plots: Sequence[Plot], console: Console, render: Render) -> Block:
    """Draw plots side by side where the console is wide enough, else one below the other."""
    n, usable, gap = len(plots), usable_width(console), 4
    is_wide = usable >= 30 * n
    width = (usable - gap * (n - 1)) // n if is_wide else usable
    size = max(20, min(_WIDEST // n, width)), _LINES
    plain = draws_plainly(console, render)
    blocks = [plot_block(plot, size, plain=plain) for plot in plots]
    return beside(blocks, gap) if is_wide else stacked(blocks)


def plot_block(plot: Plot, size: tuple[int, int], *, plain: bool) -> Block:
    """Draw in so many columns and lines, the letters of several series below; plain is in ASCII.

    A terminal has no faint lines, and no room for a note.
    """
    labels = {value: plot.up.word(value) for value in plot.up.ticks}
    margin = max(map(len, labels.values()), default=0)
    columns, n_lines = max(2, size[0] - margin - 1), size[1] - 4 - bool(plot.title)
    bottom = n_lines - 1
    marked = plot.marked
    symbols = ["o"] if len(marked) == 1 else [_SYMBOLS[i % 26] for i in range(len(marked))]
    per_cell = (1, 1) if plain else (_ACROSS, _DOWN)
    dots = np.zeros((n_lines * per_cell[1], columns * per_cell[0]), dtype=bool)
    for each in plot.series:
        if each.kind in ("line", "joined", "ideal"):
            dots |= _line(plot, each.points, dots.shape)
    field = np.where(dots, "." if marked else "*", " ")
    if not plain:
        field = np.array([list(line[0].text) for line in dotted(dots).lines])

    def cells(points: Float64s) -> tuple[Int64s, Int64s]:
        """Return the lines and the columns of points; outside of the field the nearest."""
        x, y = np.clip(plot.place(points), 0, 1).T
        lines, places = np.rint([bottom * (1 - y), (columns - 1) * x]).astype(np.int64)
        return lines, places

    for each in marked:
        for interval in each.intervals:
            (top, foot), (left, right) = map(sorted, cells(interval))
            bar = ("-" if plain else "─") if left < right else "|" if plain else "│"
            field[top : foot + 1, left : right + 1] = bar
    for symbol, each in zip(symbols, marked, strict=True):
        field[cells(each.points)] = symbol
    at = {round(bottom * (1 - float(plot.up.place(y)))): text for y, text in labels.items()}
    wall, mark, corner, floor = ("|", "+", "+", "-") if plain else ("│", "┤", "└", "─")
    sides = [at.get(y, "").rjust(margin) + (mark if y in at else wall) for y in range(n_lines)]
    below = [
        " " * margin + corner + floor * columns,
        " " * (margin + 1) + _ticks(plot.across, columns),
        " " * (margin + 1) + fitting(plot.across.title, columns).center(columns),
    ]
    legend = [f"{symbol}  {each.name}" for symbol, each in zip(symbols, marked, strict=True)]
    blocks = [
        texts([plot.title] if plot.title else [], width=size[0], style="bold"),
        texts([fitting(plot.up.title, size[0])], width=size[0], style="dim"),
        beside([texts(sides, style="dim"), texts(["".join(line) for line in field])], 0),
        texts(below, width=size[0], style="dim"),
        texts(legend if len(marked) > 1 else [], width=size[0]),
    ]
    return stacked(blocks)


def _line(plot: Plot, points: Float64s, shape: tuple[int, ...]) -> Bools:
    """Walk along a line in steps of half a dot, and put a dot where one is within the field."""
    height, width = shape
    places = (plot.place(points) * (1, -1) + (0, 1)) * (width - 1, height - 1)
    way = np.append(0.0, np.abs(np.diff(places, axis=0)).max(axis=1).cumsum())
    steps = np.linspace(0.0, way[-1], 2 * int(way[-1]) + 2)
    x, y = (np.rint(np.interp(steps, way, each)).astype(np.int64) for each in places.T)
    is_within = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    dots = np.zeros(shape, dtype=bool)
    dots[y[is_within], x[is_within]] = True
    return dots


def _ticks(axis: Axis, width: int) -> str:
    """Write the ticks of the lower axis, or every so-manyth, for which there is room."""
    line = ""
    for every in range(1, len(axis.ticks) + 1):
        line, is_crowded = "", False
        for value in axis.ticks[::every]:
            text = axis.word(value)
            middle = round((width - 1) * float(axis.place(value)))
            start = max(0, min(width - len(text), middle - len(text) // 2))
            is_crowded |= bool(line) and start < len(line) + 2
            line = line.ljust(start) + text
        if not is_crowded:
            break
    return line
