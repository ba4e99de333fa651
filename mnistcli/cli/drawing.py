"""Drawings, their marks in dots of 1/150 inch from the upper left; as SVG, as pixels and as PDF.

And where everything of plots, heat maps and sheets of pictures lies in one.

A colour is a role, "ink" or "series-1", which the style sheet of a page gives its looks; the theme of
a file has them from there.
"""

import io
import re
import textwrap
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mnistcli._version import __version__
from mnistcli.arrays import Bytes, Float64s
from mnistcli.cli.content.parts import HeatMap, Panel
from mnistcli.cli.content.plots import Plot, fitting
from mnistcli.cli.report.html import Content, Markup, tag
from mnistcli.cli.terminal.bitmap import crisp, data_url, enlarged, fill_in, fold, lifted, to_scale
from mnistcli.cli.words import visible
from mnistcli.gallery import Gallery

MM_PER_DOT = 25.4 / 150
LETTER = 16.0

Points = list[tuple[float, float]]
Theme = dict[str, str]

# What a role looks like, on light and on dark paper, is told by the style sheet of a page alone. The
# series have Okabe and Ito's colours, which the colour-blind tell apart; in grey marks do it.
_SHEET = Path(__file__).parent / "report" / "results.css"
_ROLES = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", _SHEET.read_text("utf-8"))
LIGHT: Theme = {role: light for role, light, _ in _ROLES} | {"paper": "#ffffff"}
DARK: Theme = {role: dark for role, _, dark in _ROLES} | {"paper": "#141416"}
SERIES = ("series-0", "series-1", "series-2", "series-3", "quiet", "series-4")  # roles, in turn
# The corners of a disc, a square, a triangle and a diamond, by how much of the way to the next they
# are turned, and how far they are from the middle.
_SYMBOLS = ((24, 0.0, 5.5), (4, 0.5, 6.6), (3, 0.0, 7.4), (4, 0.0, 7.2))

_FONTS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
# Pixels: slanted edges are smooth as they are drawn larger, up to so many.
_SMOOTH, _MOST_PIXELS = 3, 100_000_000
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


class Shape(NamedTuple):
    """A line, or without a width an area; so much is its colour, the rest what is below."""

    points: Points
    role: str
    width: float = 0.0
    strength: float = 1.0
    title: str = ""  # where a mouse rests


class Label(NamedTuple):
    """A line of text, whose foot is at a point."""

    points: Points
    text: str
    role: str = "ink"
    size: float = LETTER
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False


class Raster(NamedTuple):
    """Pixels, signed or not, between two corners."""

    points: Points
    image: NDArray[Any]


Mark = Shape | Label | Raster


class Drawing(NamedTuple):
    """Marks, those that come later over the others."""

    width: float
    height: float
    marks: Sequence[Mark]
    title: str = ""


def symbol(x: float, y: float, number: int) -> Shape:
    """Return the mark of a series, which has its colour."""
    n, turn, radius = _SYMBOLS[number % len(_SYMBOLS)]
    angles = 2 * np.pi * (np.arange(n) + turn) / n
    corners = np.stack([x + radius * np.sin(angles), y - radius * np.cos(angles)], axis=1)
    return Shape([(x, y) for x, y in corners.tolist()], SERIES[number % len(SERIES)])


def combine(parts: Sequence[Drawing], gap: float, *, across: bool, margin: float = 0.0) -> Drawing:
    """Put drawings side by side, or one below the other, with a margin around all."""
    marks: list[Mark] = []
    right = down = margin
    for each in parts:
        for mark in each.marks:
            moved = [(x + right, y + down) for x, y in mark.points]
            marks.append(mark._replace(points=moved))
        right += (each.width + gap) * across
        down += (each.height + gap) * (not across)
    width = right - gap if across else margin + max(each.width for each in parts)
    height = margin + max(each.height for each in parts) if across else down - gap
    title = "; ".join(each.title for each in parts if each.title)
    return Drawing(width + margin, height + margin, marks, title)


def svg(drawing: Drawing, theme: Theme | None = None, scale: float = 1.0) -> Markup:
    """Write an element of a page, or with a theme a file that stands alone."""
    how = {"viewBox": f"0 0 {drawing.width:.6g} {drawing.height:.6g}", "role": "img"}
    paper: Content = ""
    if theme:
        width, height = (f"{side * MM_PER_DOT * scale:.2f}mm" for side in drawing[:2])
        how |= {"font_family": _FONTS, "width": width, "height": height}
        how["xmlns"] = "http://www.w3.org/2000/svg"
        paper = tag("rect", width="100%", height="100%", fill=theme["paper"])
    marks = (_element(mark, theme) for mark in drawing.marks)
    return tag("svg", tag("title", drawing.title), paper, marks, **how)


def _element(mark: Mark, theme: Theme | None) -> Markup:
    (x, y), *others = mark.points
    if isinstance(mark, Raster):
        ((right, bottom),) = others
        source = data_url(crisp(mark.image))
        return tag("image", x=x, y=y, width=right - x, height=bottom - y, href=source)
    colour = theme[mark.role] if theme else f"var(--{mark.role})"
    if isinstance(mark, Label):
        how = {"font_size": mark.size, "font_weight": "bold" if mark.bold else None}
        return tag("text", mark.text, x=x, y=y, fill=colour, **how, text_anchor=mark.anchor)
    points = " ".join(f"{round(x, 1):g},{round(y, 1):g}" for x, y in mark.points)
    title = tag("title", mark.title) if mark.title else ""
    if mark.width:
        how = {"stroke": colour, "stroke_width": mark.width, "stroke_linejoin": "round"}
        return tag("polyline", title, points=points, fill="none", **how)
    opacity = mark.strength if mark.strength < 1 else None
    return tag("polygon", points=points, fill=colour, fill_opacity=opacity)


def _in_pillow(letter: str) -> str:
    """Return a letter that Pillow's own font has: e for é, ? for those without such a one."""
    if letter in "…·":
        return letter
    return normalize("NFKD", letter).encode("ascii", "ignore").decode()[:1] or "?"


def paint(drawing: Drawing, theme: Theme, per_dot: float = 1.0) -> Image.Image:
    """Paint a drawing with so many pixels for a dot."""
    size = round(drawing.width * per_dot), round(drawing.height * per_dot)
    paths = [mark for mark in drawing.marks if isinstance(mark, Shape)]
    larger = _SMOOTH if paths and size[0] * size[1] * _SMOOTH**2 < _MOST_PIXELS else 1
    page = Image.new("RGB", (larger * size[0], larger * size[1]), theme["paper"])
    pen, k = ImageDraw.Draw(page, "RGBA"), larger * per_dot  # shades are of what is below
    for mark in paths:
        points = [(k * x, k * y) for x, y in mark.points]
        if mark.width:
            pen.line(points, theme[mark.role], max(1, round(k * mark.width)), "curve")
        else:
            pen.polygon(points, f"{theme[mark.role]}{round(255 * mark.strength):02x}")
    page = page.reduce(larger)
    pen, font = ImageDraw.Draw(page), cache(ImageFont.load_default)
    for other in drawing.marks:
        (x, y), *corner = ((per_dot * x, per_dot * y) for x, y in other.points)
        if isinstance(other, Raster):
            ((right, bottom),) = corner
            image = enlarged(other.image, round(right - x), round(bottom - y))
            page.paste(image, (round(x), round(y)))
        elif isinstance(other, Label):
            letter, ink = per_dot * other.size, theme[other.role]
            text, anchor = "".join(map(_in_pillow, visible(other.text))), _ANCHORS[other.anchor]
            pen.text((x, y), text, ink, font(letter), anchor, stroke_width=letter / 60 * other.bold)
    return page


def pdf(drawing: Drawing, theme: Theme, scale: float = 1.0) -> bytes:
    """Write a page as large as the drawing, with its fonts; equal drawings give equal files."""
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfbase import pdfmetrics, ttfonts
    from reportlab.pdfgen.canvas import Canvas

    for name in ("Vera", "VeraBd"):
        pdfmetrics.registerFont(ttfonts.TTFont(name, f"{name}.ttf"))
    file, k = io.BytesIO(), scale * MM_PER_DOT * 72 / 25.4
    size = k * drawing.width, k * drawing.height
    page: Any = Canvas(file, size, invariant=True, initialFontName="Vera")
    page.setTitle(visible(drawing.title))
    page.setCreator(f"mnistcli {__version__}")
    page.setLineJoin(1)
    page.scale(k, k)
    page.setFillColor(theme["paper"])
    page.rect(0, 0, drawing.width, drawing.height, stroke=0, fill=1)
    for mark in drawing.marks:
        (x, y), *others = ((x, drawing.height - y) for x, y in mark.points)
        if isinstance(mark, Raster):
            ((right, foot),) = others
            page.drawImage(ImageReader(crisp(mark.image)), x, foot, right - x, y - foot)
        elif isinstance(mark, Label):
            write = {"start": page.drawString, "middle": page.drawCentredString}
            page.setFillColor(theme[mark.role], 1)
            page.setFont("VeraBd" if mark.bold else "Vera", 0.9 * mark.size)
            write.get(mark.anchor, page.drawRightString)(x, y, visible(mark.text))
        else:
            path = page.beginPath()
            path.moveTo(x, y)
            for point in others:
                path.lineTo(*point)
            page.setLineWidth(mark.width)
            page.setStrokeColor(theme[mark.role])
            page.setFillColor(theme[mark.role], mark.strength)
            page.drawPath(path, stroke=bool(mark.width), fill=not mark.width)
    page.save()
    return file.getvalue()


# Where everything lies.
_PANEL_WIDTH, _NARROWEST_OF_TWO, _SHEET_WIDTH = 500.0, 380.0, 1000.0
_GAP, _LINE_HEIGHT, _NOTE, _MARGIN = 24.0, 20.0, 14.0, 16
# Letters are about so wide, compared to their height and in dots; fonts differ.
_LETTER_WIDTH = 0.6
_LETTER_DOTS = _LETTER_WIDTH * LETTER
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
    most = max(1, int(width / _LETTER_DOTS))
    return text if len(text) <= most else f"{text[: most - 1]}…"


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
        Label([(0, LETTER)], heat.title, bold=True),
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
    images = [*map(_printable, to_scale([picture.image for picture in sheet]))]
    if n == 1 and sheet[0].image.ndim == 3 and not width:  # painted already: 300 pixels for an inch
        right, foot = images[0].shape[1] / 2, images[0].shape[0] / 2
        return Drawing(right, foot, [Raster([(0, 0), (right, foot)], images[0])])
    n_columns = sheet.n_columns or (n if n <= 4 else 5 if n <= 30 else 10 if n <= 200 else 25)
    n_columns = min(n_columns, max(1, int((width or _SHEET_WIDTH) - _MARGIN) // (28 + _MARGIN)))
    # A whole number of dots for each of a digit's 28, so that all are the same size.
    room = int((width or _SHEET_WIDTH) - _MARGIN) // n_columns - _MARGIN
    side = 28 * max(1, min(room // 28, 1000 if width else 16))
    letter, cells = 0.5 * LETTER, []
    for image, picture in zip(images, sheet, strict=True):
        foot = max(1, round(side * image.shape[0] / image.shape[1]))
        marks: list[Mark] = [Raster([(0, 0), (side, foot)], image)]
        for line in fold(visible(picture.caption), max(4, int(side / letter))):
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
    return page._replace(width=whole, title=legend)


def _lines(text: str, width: int) -> list[str]:
    return [line for part in text.splitlines() for line in textwrap.wrap(part, width)]


def _printable(image: NDArray[Any]) -> Bytes:
    if image.dtype == np.uint8:
        return image
    strength = np.sign(image) * lifted(np.abs(image))
    levels = [np.interp(strength, (-1, 0, 1), ramp) for ramp in zip(*_RAMP, strict=True)]
    return np.stack(levels, axis=2).astype(np.uint8)
