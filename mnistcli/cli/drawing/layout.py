"""Where everything of plots, heat maps and sheets of pictures lies in a drawing."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistcli.cli.drawing import formats
from mnistcli.cli.drawing.formats import LETTER, Drawing, Path, Points, Words
from mnistcli.cli.parts import HeatMap, Panel
from mnistcli.cli.plots import Plot, Series, fitting
from mnistcli.cli.terminal.bitmap import folded, lifted, signed, vivid
from mnistcli.gallery import Gallery

_Floats = NDArray[np.float64]

_PANEL_WIDTH, _NARROWEST_OF_TWO, _SHEET_WIDTH = 500.0, 380.0, 1000.0
_GAP, _LINE_HEIGHT, _NOTE, _MARGIN = 24.0, 20.0, 14.0, 16
# Letters are about so wide, compared to their height; fonts differ.
_LETTER_WIDTH = 0.6
# Signs are told apart in grey, and by the colour-blind: dark blue, grey, light yellow.
_SIGNS = ("light", "dark")
_RAMP = ((0, 45, 130), (150, 150, 150), (255, 228, 130))
_LINES = {"line": ("right", 3.2), "faint": ("faint", 1.6), "ideal": ("quiet", 1.6)}


def drawing_of(panels: Sequence[Panel], width: float | None = None) -> Drawing:
    """Lay out panels: plots and heat maps two in a row where they have room, then pictures."""
    plots = [each for each in panels if not isinstance(each, Gallery)]
    n_across = 1 if len(plots) == 1 or (width or 1000) < 2 * _NARROWEST_OF_TWO else 2
    each_width = (width - _MARGIN + _GAP) / n_across - _GAP if width else _PANEL_WIDTH
    drawn = [
        plot_drawing(each, each_width) if isinstance(each, Plot) else _heat_map(each, each_width)
        for each in plots
    ]
    rows = [
        formats.together(drawn[i : i + n_across], _GAP, across=True, margin=_MARGIN / 2)
        for i in range(0, len(drawn), n_across)
    ]
    rows += [sheet_drawing(each, width) for each in panels if isinstance(each, Gallery)]
    return formats.together(rows, 0, across=False)


def _width_of(text: str, size: float = LETTER) -> float:
    return _LETTER_WIDTH * size * len(text)


def _cut(text: str, width: float) -> str:
    most = max(1, int(width / _width_of("x")))
    return text if len(text) <= most else f"{text[: most - 1]}…"


class _Field(NamedTuple):
    """Where the axes of a plot lie."""

    plot: Plot
    left: float
    top: float
    right: float
    bottom: float

    def at(self, points: _Floats | Points) -> Points:
        """Return where points are."""
        return self.within(self.plot.place(np.array(points, np.float64)))

    def within(self, shares: _Floats) -> Points:
        """Return where points of the unit square are; of thousands most are in the same place."""
        x, y = shares.T
        x, y = self.left + x * (self.right - self.left), self.bottom - y * (self.bottom - self.top)
        places = np.round(2 * np.stack([x, y], axis=1)) / 2
        is_new = np.append([True], (np.diff(places, axis=0) != 0).any(axis=1))
        return [(x, y) for x, y in places[is_new[: len(places)]].tolist()]


def plot_drawing(plot: Plot, width: float = _PANEL_WIDTH) -> Drawing:
    """Lay out a plot: its field as wide as the labels leave, its legend and its note below."""
    labels = [_cut(plot.up.word(value), 0.45 * width) for value in plot.up.ticks]
    left, right = max(map(_width_of, labels), default=0.0) + 12, width - 1.6 * LETTER
    top = LETTER * (1.5 * bool(plot.title) + 1.5 * bool(plot.up.title) + 0.4)
    field = _Field(plot, left, top, right, top + plot.aspect * (right - left))
    n_letters = width / _width_of("x")
    marks = [
        Words([(0, LETTER)], fitting(plot.title, n_letters), bold=True),
        Words([(0, top - 0.7 * LETTER)], fitting(plot.up.title, n_letters)),
        *_axes(field, labels),
    ]
    for low, high, tall in plot.bars:
        (x, y), (end, foot) = field.at([(low, tall), (high, plot.up.low)])
        marks.append(Path([(x, y), (end, y), (end, foot), (x, foot)], "faint", strength=0.45))
    y = field.bottom + 3.4 * LETTER
    marked = plot.marked
    for each in plot.series:
        pieces = _inside(plot.place(each.points)) if each.kind in _LINES else ()
        marks += (Path(field.within(one), *_LINES[each.kind], title=each.name) for one in pieces)
    for number, each in enumerate(marked):
        # Side by side, so that intervals do not cover each other.
        shift = min(8, 40 / len(marked)) * (number - (len(marked) - 1) / 2)
        beside = field._replace(left=left + shift, right=right + shift)
        marks += _marked(beside, each, number)
    for number, each in enumerate(marked if len(marked) > 1 else ()):
        y += _LINE_HEIGHT
        marks += [
            Path([(0, y - 6), (40, y - 6)], formats.series_role(number), 2.6),
            formats.symbol(20, y - 6, number),
            Words([(50, y)], _cut(each.name, width - 50)),
        ]
    for line in textwrap.wrap(plot.note, int(width / (0.52 * _NOTE))):
        y += 1.35 * _NOTE
        marks.append(Words([(0, y)], line, "quiet", _NOTE))
    return Drawing(width, y + 4, marks, plot.title)


def _axes(field: _Field, labels: Sequence[str]) -> Iterator[Path | Words]:
    across, up, end = field.plot.across, field.plot.up, -np.inf
    for value, label in zip(up.ticks, labels, strict=True):
        ((_, y),) = field.at([(across.low, value)])
        yield Path([(field.left, y), (field.right, y)], "line", 1.5)
        yield Words([(field.left - 8, y + 0.35 * LETTER)], label, "quiet", anchor="end")
    for value in across.ticks:
        ((x, _),) = field.at([(value, up.low)])
        yield Path([(x, field.top), (x, field.bottom)], "line", 1.5)
        word = across.word(value)
        if x - _width_of(word) / 2 > end:
            end = x + _width_of(word) / 2 + 8
            yield Words([(x, field.bottom + 1.4 * LETTER)], word, "quiet", anchor="middle")
    title = fitting(across.title, (field.right - field.left) / _width_of("x"))
    middle = (field.left + field.right) / 2
    yield Words([(middle, field.bottom + 2.8 * LETTER)], title, anchor="middle")


def _marked(field: _Field, series: Series, number: int) -> Iterator[Path]:
    role = formats.series_role(number)
    for interval in series.intervals:
        yield Path(field.at(interval), role, 2.2)
    if series.kind == "joined":
        yield Path(field.at(series.points), role, 2.6, title=series.name)
    for x, y in field.at(series.points):
        yield formats.symbol(x, y, number)


def _inside(shares: _Floats) -> Iterator[_Floats]:
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
    left = min(max(map(_width_of, (heat.down, *heat.names))) + 12, width / 3)
    top = 4.4 * LETTER
    side = (width - left) / len(heat.names)
    tall = min(side, 3 * LETTER)
    longest = max(len(cell.text) for row in heat.cells for cell in row)
    size = max(2, min(LETTER, (side - 6) / (_LETTER_WIDTH * max(1, longest))))
    marks: list[Path | Words] = [
        Words([(0, LETTER)], heat.title, bold=True),
        Words([(left - 8, 4.0 * LETTER)], heat.down, "quiet", anchor="end"),
        Words([((left + width) / 2, 2.6 * LETTER)], heat.across, "quiet", anchor="middle"),
    ]
    for i, (name, row) in enumerate(zip(heat.names, heat.cells, strict=True)):
        top_of_row, across = top + tall * i, left + side * (i + 0.5)
        foot = top_of_row + tall / 2 + 0.35 * LETTER
        marks.append(Words([(left - 8, foot)], name, anchor="end", bold=True))
        marks.append(Words([(across, 4.0 * LETTER)], _cut(name, side), anchor="middle", bold=True))
        for j, cell in enumerate(row):
            x, y, right = left + side * j + 1, top_of_row + 1, left + side * (j + 1) - 1
            bottom = top_of_row + tall - 1
            role = ("right" if cell.is_right else "wrong") if cell.text else "line"
            box = [(x, y), (right, y), (right, bottom), (x, bottom)]
            marks.append(Path(box, role, strength=cell.shade if cell.text else 0.3))
            ink = "on-strong" if cell.shade > 0.85 else "ink"
            place = [((x + right) / 2, (y + bottom) / 2 + 0.35 * size)]
            marks.append(Words(place, cell.text, ink, size, "middle", bold=cell.is_right))
    return Drawing(width, top + tall * len(heat.names), marks, heat.title)


def sheet_drawing(sheet: Gallery, width: float | None = None) -> Drawing:
    """Lay out pictures in rows, captions below them and the legend at the foot."""
    n = len(sheet)
    images = [*map(_printable, vivid([picture.image for picture in sheet]))]
    if n == 1 and sheet[0].image.ndim == 3 and not width:  # painted already: 300 pixels for an inch
        right, foot = images[0].shape[1] / 2, images[0].shape[0] / 2
        return Drawing(right, foot, [formats.Picture([(0, 0), (right, foot)], images[0])])
    n_columns = sheet.n_columns or (n if n <= 4 else 5 if n <= 30 else 10 if n <= 200 else 25)
    n_columns = min(n_columns, max(1, int((width or _SHEET_WIDTH) - _MARGIN) // (28 + _MARGIN)))
    # A whole number of dots for each of a digit's 28, so that all are the same size.
    room = int((width or _SHEET_WIDTH) - _MARGIN) // n_columns - _MARGIN
    side = 28 * max(1, min(room // 28, 1000 if width else 16))
    heights = [max(1, round(side * image.shape[0] / image.shape[1])) for image in images]
    letter = 0.5 * LETTER
    captions = [folded(each.caption, max(4, int(side / letter))) for each in sheet]
    whole = width or n_columns * (side + _MARGIN) + _MARGIN
    marks: list[formats.Picture | Words] = []
    y = float(_MARGIN)
    for start in range(0, n, n_columns):
        row = range(start, min(start + n_columns, n))
        for column, i in enumerate(row):
            x, foot = _MARGIN + column * (side + _MARGIN), y + heights[i]
            marks.append(formats.Picture([(x, y), (x + side, foot)], images[i]))
            for k, line in enumerate(captions[i], start=1):
                marks.append(
                    Words([(x + side / 2, foot + k * _LINE_HEIGHT - 2)], line, anchor="middle")
                )
        y += max(heights[i] + _LINE_HEIGHT * len(captions[i]) for i in row) + _MARGIN
    legend = signed(sheet.legend, _SIGNS)
    for line in textwrap.wrap(legend, max(8, int((whole - 2 * _MARGIN) / letter))):
        y += _LINE_HEIGHT
        marks.append(Words([(_MARGIN, y)], line))
    return Drawing(whole, y + (_MARGIN if legend else 0), marks, legend)


def _printable(image: NDArray[Any]) -> NDArray[np.uint8]:
    if image.dtype == np.uint8:
        return image
    strength = np.sign(image) * lifted(np.abs(image))
    levels = [np.interp(strength, (-1, 0, 1), ramp) for ramp in zip(*_RAMP, strict=True)]
    return np.stack(levels, axis=2).astype(np.uint8)
