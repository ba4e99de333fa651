"""Where everything of plots, heat maps and sheets of pictures lies in a drawing."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistcli.arrays import Bytes, Float64s
from mnistcli.cli.content.parts import HeatMap, Panel
from mnistcli.cli.content.plots import Plot, fitting
from mnistcli.cli.drawing import (
    LETTER,
    Drawing,
    Label,
    Mark,
    Points,
    Raster,
    Shape,
    combine,
    symbol,
)
from mnistcli.cli.terminal.bitmap import fill_in, fold, lifted, to_scale
from mnistcli.cli.words import visible
from mnistcli.gallery import Gallery

_PANEL_WIDTH, _NARROWEST_OF_TWO, _SHEET_WIDTH = 500.0, 380.0, 1000.0
_GAP, _LINE_HEIGHT, _NOTE, _MARGIN = 24.0, 20.0, 14.0, 16
# Letters are about so wide, compared to their height and in dots; fonts differ.
_LETTER_WIDTH = 0.6
_LETTER_DOTS = _LETTER_WIDTH * LETTER
_LONGEST_WORD = 10  # of a caption: what is longer is the name of a file, and may be torn
# Signs are told apart in grey, and by the colour-blind: dark blue, grey, light yellow.
_SIGNS = ("light", "dark")
_RAMP = ((0, 45, 130), (150, 150, 150), (255, 228, 130))
_LINES = {"line": ("right", 3.2), "faint": ("faint", 1.6), "ideal": ("quiet", 1.6)}


def drawing_of(panels: Sequence[Panel], width: float | None = None) -> Drawing:
    """Lay out panels: plots and heat maps two in a row where they have room, then pictures."""
    plots = [each for each in panels if not isinstance(each, Gallery)]
    n_across = 1 if len(plots) == 1 or (width or 1000) < 2 * _NARROWEST_OF_TWO else 2
    wide = (width - _MARGIN + _GAP) / n_across - _GAP if width else _PANEL_WIDTH
    drawn = [plot_drawing(p, wide) if isinstance(p, Plot) else _heat_map(p, wide) for p in plots]
    rows = [
        combine(drawn[i : i + n_across], _GAP, across=True, margin=_MARGIN / 2)
        for i in range(0, len(drawn), n_across)
    ]
    rows += [sheet_drawing(each, width) for each in panels if isinstance(each, Gallery)]
    return combine(rows, 0, across=False)


def _rectangle(left: float, top: float, right: float, bottom: float) -> Points:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def _cut(text: str, width: float) -> str:
    """Leave out the middle of what is too long: versions of a model differ at its end."""
    most = max(1, int(width / _LETTER_DOTS))
    n_last = (most - 1) // 2
    n_first = most - 1 - n_last
    return text if len(text) <= most else f"{text[:n_first]}…{text[len(text) - n_last :]}"


class _Field(NamedTuple):
    """Where the axes of a plot lie."""

    plot: Plot
    left: float
    top: float
    right: float
    bottom: float

    def at(self, points: Float64s | Points) -> Points:
        """Return where points are."""
        return self.within(self.plot.place(np.array(points, np.float64)))

    def within(self, shares: Float64s) -> Points:
        """Return where points of the unit square are; of thousands most are in the same place."""
        size = self.right - self.left, self.top - self.bottom
        places = np.round(2 * (shares * size + (self.left, self.bottom))) / 2
        is_new = np.append([True], (np.diff(places, axis=0) != 0).any(axis=1))
        return [(x, y) for x, y in places[is_new[: len(places)]].tolist()]


def plot_drawing(plot: Plot, width: float = _PANEL_WIDTH) -> Drawing:
    """Lay out a plot: its field as wide as the labels leave, its legend and its note below."""
    labels = [_cut(plot.up.word(value), 0.45 * width) for value in plot.up.ticks]
    left, right = _LETTER_DOTS * max(map(len, labels), default=0) + 12, width - 1.6 * LETTER
    top = LETTER * (1.5 * bool(plot.title) + 1.5 * bool(plot.up.title) + 0.4)
    field = _Field(plot, left, top, right, top + plot.aspect * (right - left))
    n_letters = width / _LETTER_DOTS
    marks: list[Mark] = [
        Label([(0, LETTER)], fitting(plot.title, n_letters), bold=True),
        Label([(0, top - 0.7 * LETTER)], fitting(plot.up.title, n_letters)),
        *_axes(field, labels),
    ]
    for low, high, tall in plot.bars:
        corners = field.at([(low, tall), (high, plot.up.low)])
        marks.append(Shape(_rectangle(*corners[0], *corners[1]), "faint", strength=0.45))
    for each in plot.series:
        pieces = _inside(plot.place(each.points)) if each.kind in _LINES else ()
        marks += (Shape(field.within(one), *_LINES[each.kind], title=each.name) for one in pieces)
    marked = plot.marked
    for number, each in enumerate(marked):
        # Side by side, so that intervals do not cover each other.
        shift = min(8, 40 / len(marked)) * (number - (len(marked) - 1) / 2)
        beside = field._replace(left=left + shift, right=right + shift)
        role = symbol(0, 0, number).role
        marks += (Shape(beside.at(interval), role, 2.2) for interval in each.intervals)
        if each.kind == "joined":
            marks.append(Shape(beside.at(each.points), role, 2.6, title=each.name))
        marks += (symbol(x, y, number) for x, y in beside.at(each.points))
    y = field.bottom + 3.4 * LETTER
    for number, each in enumerate(marked if len(marked) > 1 else ()):
        y += _LINE_HEIGHT
        mark = symbol(20, y - 6, number)
        marks += Shape([(0, y - 6), (40, y - 6)], mark.role, 2.6), mark
        marks.append(Label([(50, y)], _cut(each.name, width - 50)))
    for line in _lines(plot.note, int(width / (0.52 * _NOTE))):
        y += 1.35 * _NOTE
        marks.append(Label([(0, y)], line, "quiet", _NOTE))
    return Drawing(width, y + 4, marks, plot.title)


def _axes(field: _Field, labels: Sequence[str]) -> Iterator[Shape | Label]:
    across, up, end = field.plot.across, field.plot.up, -np.inf
    for value, label in zip(up.ticks, labels, strict=True):
        ((_, y),) = field.at([(across.low, value)])
        yield Shape([(field.left, y), (field.right, y)], "line", 1.5)
        yield Label([(field.left - 8, y + 0.35 * LETTER)], label, "quiet", anchor="end")
    for value in across.ticks:
        ((x, _),) = field.at([(value, up.low)])
        yield Shape([(x, field.top), (x, field.bottom)], "line", 1.5)
        word = across.word(value)
        half = _LETTER_DOTS * len(word) / 2
        if x - half > end:
            end = x + half + 8
            yield Label([(x, field.bottom + 1.4 * LETTER)], word, "quiet", anchor="middle")
    title = fitting(across.title, (field.right - field.left) / _LETTER_DOTS)
    middle = (field.left + field.right) / 2
    yield Label([(middle, field.bottom + 2.8 * LETTER)], title, anchor="middle")


def _inside(shares: Float64s) -> Iterator[Float64s]:
    """Yield the pieces of a line that are within the unit square."""
    for axis, bound in ((0, 0), (0, 1), (1, 0), (1, 1)):
        before, after = shares[:-1], shares[1:]
        crosses = (before[:, axis] - bound) * (after[:, axis] - bound) < 0
        before, after = before[crosses], after[crosses]
        way = (bound - before[:, axis]) / (after[:, axis] - before[:, axis])
        met = before + way[:, None] * (after - before)
        met[:, axis] = bound
        shares = np.insert(shares, np.flatnonzero(crosses) + 1, met, axis=0)
    is_in = ((shares >= -1e-9) & (shares <= 1 + 1e-9)).all(axis=1)
    ends = np.flatnonzero(np.diff(is_in)) + 1
    for piece, kept in zip(np.split(shares, ends), np.split(is_in, ends), strict=True):
        if kept[0] and len(piece) > 1:
            yield piece


def _heat_map(heat: HeatMap, width: float) -> Drawing:
    left = min(_LETTER_DOTS * max(map(len, (heat.down, *heat.names))) + 12, width / 3)
    top = 4.4 * LETTER
    side = (width - left) / len(heat.names)
    tall = min(side, 3 * LETTER)
    longest = max(len(cell.text) for row in heat.cells for cell in row)
    size = max(2, min(LETTER, (side - 6) / (_LETTER_WIDTH * max(1, longest))))
    marks: list[Mark] = [
        Label([(0, LETTER)], _cut(heat.title, width), bold=True),
        Label([(left - 8, 4.0 * LETTER)], heat.down, "quiet", anchor="end"),
        Label([((left + width) / 2, 2.6 * LETTER)], heat.across, "quiet", anchor="middle"),
    ]
    for i, (name, row) in enumerate(zip(heat.names, heat.cells, strict=True)):
        across, y = left + side * (i + 0.5), top + tall * i
        foot = y + tall / 2 + 0.35 * LETTER
        marks.append(Label([(left - 8, foot)], name, anchor="end", bold=True))
        marks.append(Label([(across, 4.0 * LETTER)], _cut(name, side), anchor="middle", bold=True))
        for j, cell in enumerate(row):
            x = left + side * j
            role = ("right" if cell.is_right else "wrong") if cell.text else "line"
            box = _rectangle(x + 1, y + 1, left + side * (j + 1) - 1, y + tall - 1)
            marks.append(Shape(box, role, strength=cell.shade if cell.text else 0.3))
            ink = "on-strong" if cell.shade > 0.85 else "ink"
            place = [(x + side / 2, y + tall / 2 + 0.35 * size)]
            marks.append(Label(place, cell.text, ink, size, "middle", bold=cell.is_right))
    return Drawing(width, top + tall * len(heat.names), marks, heat.title)


def sheet_drawing(sheet: Gallery, width: float | None = None) -> Drawing:
    """Lay out pictures in rows, captions below them and the legend at the foot."""
    n = len(sheet)
    captions = [visible(each.caption).replace(" x ", "\u00a0x\u00a0") for each in sheet]  # one word
    images = [*map(_printable, to_scale([picture.image for picture in sheet]))]
    if n == 1 and sheet[0].image.ndim == 3 and not width:  # painted already: 300 pixels for an inch
        right, foot = images[0].shape[1] / 2, images[0].shape[0] / 2
        return Drawing(right, foot, [Raster([(0, 0), (right, foot)], images[0])], captions[0])
    n_columns = sheet.n_columns or (n if n <= 4 else 5 if n <= 30 else 10 if n <= 200 else 25)
    letter, cells, space = 0.5 * LETTER, [], int((width or _SHEET_WIDTH) - _MARGIN)
    # A whole number of dots for each of a digit's 28, so that all are the same size, and room for
    # the longest word, where rows may be of any length.
    longest = max(len(word) for caption in captions for word in caption.split(" "))
    word = 0 if sheet.n_columns else min(longest, _LONGEST_WORD)
    least = 28 * max(1, math.ceil(letter * word / 28))
    n_columns = min(n_columns, max(1, space // (least + _MARGIN)))
    side = 28 * max(1, min((space // n_columns - _MARGIN) // 28, 1000 if width else 16))
    for image, caption in zip(images, captions, strict=True):
        foot = max(1, round(side * image.shape[0] / image.shape[1]))
        marks: list[Mark] = [Raster([(0, 0), (side, foot)], image)]
        for line in fold(caption, max(4, int(side / letter))):
            marks.append(Label([(side / 2, foot + _LINE_HEIGHT - 2)], line, anchor="middle"))
            foot += _LINE_HEIGHT
        cells.append(Drawing(side, foot, marks))
    starts = range(0, n, n_columns)
    parts = [combine(cells[i : i + n_columns], _MARGIN, across=True) for i in starts]
    whole = width or n_columns * (side + _MARGIN) + _MARGIN
    legend = visible(fill_in(sheet.legend, _SIGNS))
    if lines := _lines(legend, max(8, int((whole - 2 * _MARGIN) / letter))):
        said = [Label([(0, _LINE_HEIGHT * k)], line) for k, line in enumerate(lines, start=1)]
        parts.append(Drawing(0, _LINE_HEIGHT * len(lines), said))
    page = combine(parts, _MARGIN, across=False, margin=_MARGIN)
    title = legend or textwrap.shorten("; ".join(captions), 200, placeholder=" …")
    return page._replace(width=whole, title=title)


def _lines(text: str, width: int) -> list[str]:
    return [line for part in text.splitlines() for line in textwrap.wrap(part, width)]


def _printable(image: NDArray[Any]) -> Bytes:
    if image.dtype == np.uint8:
        return image
    strength = np.sign(image) * lifted(np.abs(image))
    levels = [np.interp(strength, (-1, 0, 1), ramp) for ramp in zip(*_RAMP, strict=True)]
    return np.stack(levels, axis=2).astype(np.uint8)
