"""Series of points in a terminal, a letter for each series, bars for their intervals."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from mnistcli.cli.charts import Axis, Series, axes_of
from mnistcli.cli.terminal.layout import Block, stacked, words

_SYMBOLS = "abcdefghijklmnopqrstuvwxyz"


def chart(
    series: Sequence[Series],
    *,
    names: tuple[str, str],
    size: tuple[int, int],
    plain: bool,
    tick: Callable[[float], str],
) -> Block:
    """Draw in so many columns and lines; ``names`` are those of the axes, ``tick`` writes one of y."""
    across, up = axes_of(series)
    labels = {value: tick(value) for value in up.ticks}
    margin = max(map(len, labels.values()), default=0)
    width, height = size[0] - margin - 2, size[1]
    field = [[" "] * width for _ in range(height)]

    def cell(x: float, y: float) -> tuple[int, int]:
        line = round((height - 1) * (1 - up.place(y)))
        return max(0, min(height - 1, line)), round((width - 1) * across.place(x))

    bar, dot = ("|", ".") if plain else ("│", "·")
    for each in series:
        places = [cell(x, y) for x, y, _, _ in each.points]
        for (line, column), (to_line, to_column) in pairwise(places):
            for i in range(column + 1, to_column):
                share = (i - column) / (to_column - column)
                field[round(line + share * (to_line - line))][i] = dot
    for each in series:
        for x, _, low, high in each.points:
            (bottom, column), (top, _) = cell(x, low), cell(x, high)
            for line in range(top, bottom + 1):
                field[line][column] = bar
    for symbol, each in zip(_symbols(series), series, strict=True):
        for x, y, _, _ in each.points:
            line, column = cell(x, y)
            field[line][column] = symbol
    at_line = {round((height - 1) * (1 - up.place(value))): text for value, text in labels.items()}
    wall, mark, corner, floor = ("|", "+", "+", "-") if plain else ("│", "┤", "└", "─")
    rows = [
        at_line.get(i, "").rjust(margin) + (mark if i in at_line else wall) + "".join(row)
        for i, row in enumerate(field)
    ]
    below = " " * margin + corner + floor * width
    lines = [
        names[1],
        *rows,
        below,
        " " * (margin + 1) + _under(across, width),
        names[0].center(size[0]),
    ]
    if len(series) > 1:
        lines += [
            f"{symbol}  {each.name}" for symbol, each in zip(_symbols(series), series, strict=True)
        ]
    return stacked([words(lines, width=size[0])])


def _symbols(series: Sequence[Series]) -> str:
    return "o" if len(series) == 1 else (_SYMBOLS * (len(series) // 26 + 1))[: len(series)]


def _under(axis: Axis, width: int) -> str:
    """Write the ticks of the lower axis, as many as have room."""
    line = ""
    for value in axis.ticks:
        text = f"{value:g}"
        start = max(
            0, min(width - len(text), round((width - 1) * axis.place(value)) - len(text) // 2)
        )
        if start >= len(line) + (2 if line else 0):
            line = line.ljust(start) + text
    return line
