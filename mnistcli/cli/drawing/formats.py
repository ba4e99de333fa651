"""Drawings as SVG, as pixels and as PDF."""

import io
from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING, Any

from mnistcli._version import __version__
from mnistcli.cli.drawing.marks import MM_PER_DOT, Drawing, Path, Picture, Theme, Words
from mnistcli.cli.report.html import Markup, tag
from mnistcli.cli.terminal.bitmap import crisp, enlarged, png
from mnistcli.cli.words import visible

if TYPE_CHECKING:
    from PIL import Image

_FONTS = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
# Pixels: slanted edges are smooth as they are drawn larger, up to so many.
_SMOOTH, _MOST_PIXELS = 3, 100_000_000
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}


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


def painted(drawing: Drawing, theme: Theme, per_dot: float = 1.0) -> "Image.Image":
    """Paint a drawing with so many pixels for a dot."""
    from PIL import Image, ImageDraw, ImageFont

    size = round(drawing.width * per_dot), round(drawing.height * per_dot)
    paths = [mark for mark in drawing.marks if isinstance(mark, Path)]
    larger = _SMOOTH if paths and size[0] * size[1] * _SMOOTH**2 < _MOST_PIXELS else 1
    page = Image.new("RGB", (larger * size[0], larger * size[1]), theme["paper"])
    pen, k = ImageDraw.Draw(page), larger * per_dot
    for mark in paths:
        points = [(k * x, k * y) for x, y in mark.points]
        if mark.width:
            pen.line(points, theme[mark.role], max(1, round(k * mark.width)), "curve")
        else:
            pen.polygon(points, _mixed(theme, mark))
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
            text, anchor = visible(other.text), _ANCHORS[other.anchor]
            pen.text((x, y), text, ink, font(letter), anchor, stroke_width=letter / 60 * other.bold)
    return page


def _mixed(theme: Theme, mark: Path) -> tuple[int, ...]:
    """Return a colour as it looks on the paper."""
    from PIL.ImageColor import getrgb

    pairs = zip(getrgb(theme["paper"]), getrgb(theme[mark.role]), strict=True)
    return tuple(round(paper + mark.strength * (ink - paper)) for paper, ink in pairs)


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
            page.setFillColor(theme[mark.role])
            page.setFont("VeraBd" if mark.bold else "Vera", 0.9 * mark.size)
            write.get(mark.anchor, page.drawRightString)(x, y, visible(mark.text))
        else:
            path = page.beginPath()
            path.moveTo(x, y)
            for point in others:
                path.lineTo(*point)
            page.setLineWidth(mark.width)
            page.setStrokeColor(theme[mark.role])
            page.setFillColorRGB(*(level / 255 for level in _mixed(theme, mark)))
            page.drawPath(path, stroke=bool(mark.width), fill=not mark.width)
    page.save()
    return file.getvalue()
