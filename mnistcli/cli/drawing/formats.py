"""Drawings, their marks in dots of 1/150 inch from the upper left; as SVG, as pixels and as PDF.

A colour is a role, "ink" or "series-1": what it looks like says the theme of a file, or the style
sheet of a page.
"""

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from mnistcli._version import __version__
from mnistcli.cli.report.html import Markup, tag
from mnistcli.cli.terminal.bitmap import crisp, enlarged, png
from mnistcli.cli.words import visible

if TYPE_CHECKING:
    from PIL import Image

MM_PER_DOT = 25.4 / 150
LETTER = 16.0

Points = list[tuple[float, float]]
Theme = dict[str, str]

# The series have Okabe and Ito's colours, which the colour-blind tell apart; in grey marks do it.
N_SERIES = 6
_ROLES = ("paper", "ink", "quiet", "line", "faint", "right", "wrong", "on-strong",
          *(f"series-{i}" for i in range(N_SERIES)))  # fmt: skip
_ON_WHITE = """#ffffff #1c1c1e #5c5f66 #dadad4 #9aa7b8 #1a5499 #d9442f #ffffff
               #0072b2 #d55e00 #009e73 #cc79a7 #5c5f66 #e69f00"""
_ON_BLACK = """#141416 #ececee #a2a5ad #36363c #55606f #7ab2f5 #e0604a #101012
               #56b4e9 #e8823a #2fc79a #e3a3c5 #a2a5ad #f0e442"""
LIGHT: Theme = dict(zip(_ROLES, _ON_WHITE.split(), strict=True))
DARK: Theme = dict(zip(_ROLES, _ON_BLACK.split(), strict=True))
# The corners of a disc, a square, a triangle and a diamond, by how much of the way to the next they
# are turned, and how far they are from the middle.
_SYMBOLS = ((24, 0.0, 5.5), (4, 0.5, 6.6), (3, 0.0, 7.4), (4, 0.0, 7.2))

_FONTS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
# Pixels: slanted edges are smooth as they are drawn larger, up to so many.
_SMOOTH, _MOST_PIXELS = 3, 100_000_000
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


@dataclass(frozen=True, slots=True)
class Path:
    """A line, or without a width an area; so much is its colour, the rest what is below."""

    points: Points
    role: str
    width: float = 0.0
    strength: float = 1.0
    title: str = ""  # where a mouse rests


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text, whose foot is at a point."""

    points: Points
    text: str
    role: str = "ink"
    size: float = LETTER
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Pixels, signed or not, between two corners."""

    points: Points
    image: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Marks, those that come later over the others."""

    width: float
    height: float
    marks: Sequence[Path | Words | Picture]
    title: str = ""


def symbol(x: float, y: float, number: int) -> Path:
    """Return the mark of a series."""
    n, turn, radius = _SYMBOLS[number % len(_SYMBOLS)]
    angles = 2 * np.pi * (np.arange(n) + turn) / n
    corners = np.stack([x + radius * np.sin(angles), y - radius * np.cos(angles)], axis=1)
    return Path([(x, y) for x, y in corners.tolist()], series_role(number))


def series_role(number: int) -> str:
    """Return what a series is coloured as."""
    return f"series-{number % N_SERIES}"


def together(
    drawings: Sequence[Drawing], gap: float, *, across: bool, margin: float = 0.0
) -> Drawing:
    """Put drawings side by side, or one below the other, with a margin around all."""
    marks: list[Path | Words | Picture] = []
    right = down = margin
    for each in drawings:
        marks += (
            replace(mark, points=[(x + right, y + down) for x, y in mark.points])
            for mark in each.marks
        )
        right += (each.width + gap) * across
        down += (each.height + gap) * (not across)
    width = right - gap if across else margin + max(each.width for each in drawings)
    height = margin + max(each.height for each in drawings) if across else down - gap
    title = "; ".join(each.title for each in drawings if each.title)
    return Drawing(width + margin, height + margin, marks, title)


# --- files ---------------------------------------------------------------------------------------


def svg(drawing: Drawing, theme: Theme | None = None, scale: float = 1.0) -> Markup:
    """Write an element of a page, or with a theme a file that stands alone."""
    alone, paper = {}, ""
    if theme:
        sides = (drawing.width, drawing.height)
        width, height = (f"{side * MM_PER_DOT * scale:.2f}mm" for side in sides)
        alone = {"width": width, "height": height, "xmlns": "http://www.w3.org/2000/svg"}
        paper = tag("rect", width="100%", height="100%", fill=theme["paper"])
    marks = (_element(mark, theme) for mark in drawing.marks)
    view = f"0 0 {drawing.width:.6g} {drawing.height:.6g}"
    fonts = _FONTS if theme else None
    title = tag("title", drawing.title)
    return tag("svg", title, paper, marks, viewBox=view, role="img", font_family=fonts, **alone)


def _element(mark: Path | Words | Picture, theme: Theme | None) -> Markup:
    (x, y), *others = mark.points
    if isinstance(mark, Picture):
        ((right, bottom),) = others
        source = f"data:image/png;base64,{b64encode(png(crisp(mark.image))).decode()}"
        return tag("image", x=x, y=y, width=right - x, height=bottom - y, href=source)
    colour = theme[mark.role] if theme else f"var(--{mark.role})"
    if isinstance(mark, Words):
        bold = "bold" if mark.bold else None
        how = {"font_size": mark.size, "font_weight": bold, "text_anchor": mark.anchor}
        return tag("text", mark.text, x=x, y=y, fill=colour, **how)
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


def painted(drawing: Drawing, theme: Theme, per_dot: float = 1.0) -> "Image.Image":
    """Paint a drawing with so many pixels for a dot."""
    from PIL import Image, ImageDraw, ImageFont

    size = round(drawing.width * per_dot), round(drawing.height * per_dot)
    paths = [mark for mark in drawing.marks if isinstance(mark, Path)]
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
        if isinstance(other, Picture):
            ((right, bottom),) = corner
            image = enlarged(other.image, round(right - x), round(bottom - y))
            page.paste(image, (round(x), round(y)))
        elif isinstance(other, Words):
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
        if isinstance(mark, Picture):
            ((right, foot),) = others
            page.drawImage(ImageReader(crisp(mark.image)), x, foot, right - x, y - foot)
        elif isinstance(mark, Words):
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
