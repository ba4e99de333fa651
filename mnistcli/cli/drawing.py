"""Drawings, their marks in dots of 1/150 inch from the upper left; as SVG, as pixels and as PDF.

A colour is a role, "ink" or "series-1", which the style sheet of a page gives its looks; the theme of
a file has them from there.
"""

import io
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mnistcli._version import __version__
from mnistcli.cli.report.html import Content, Markup, tag
from mnistcli.cli.terminal.bitmap import crisp, data_url, enlarged
from mnistcli.cli.words import visible

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
