"""A picture whose digits stand in boxes, each with its answer above: in pixels, in characters."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from mnistcli.arrays import Bytes
from mnistcli.cli.terminal.bitmap import enlarged
from mnistcli.cli.terminal.capabilities import COLOURLESS, GRAPHICS, Method, cell_size
from mnistcli.cli.terminal.pictures import Block, draw_image, graphic
from mnistcli.conforming.background import find_ink
from mnistcli.conforming.types import NoDigitError
from mnistcli.numerals import DigitAnswer

Digits = Sequence[DigitAnswer]

# As far from white as from black: paper may be either. For answers, and for those that are not
# sure.
_SURE, _UNSURE = (34, 116, 224), (224, 48, 36)
_WHITE = Color.from_rgb(255, 255, 255)
# Digits are drawn no higher than so many lines, and painted no smaller than so many pixels.
_MOST_LINES, _FEWEST_PIXELS = 12, 40
_SMALLEST_LETTER = 12
# What a wall looks like that goes on to 1: above, 2: the right, 4: below, 8: the left.
_WALLS, _ASCII_WALLS = " ╵╶└╷│┌├╴┘─┴┐┤┬┼", " |-+||++-+-+++++"
_ABOVE, _RIGHT, _BELOW, _LEFT = 1, 2, 4, 8


def paint_boxes(grey: Bytes, digits: Digits, width: int | None = None) -> Bytes:
    """Paint a picture with boxes in RGB, at most ``width`` pixels wide.

    By default it keeps its pixels, or gets a whole number for each where its digits are tiny.
    """
    tall = _typical_height(digits)
    scale: float = max(1, math.ceil(_FEWEST_PIXELS / tall))
    if width:  # the margin is at most 0.6 of a digit, or that of the smallest letters
        scale = max(1, width - 3 * _SMALLEST_LETTER) / (grey.shape[1] + 1.2 * tall)
    line = max(1, round(scale * tall / 32))
    letter = max(round(scale * tall / 2), _SMALLEST_LETTER)
    margin = letter + 3 * line
    page = Image.fromarray(_scaled(grey, scale, margin, margin)).convert("RGB")
    rim = (255, 255, 255) if np.median(grey) > 64 else (0, 0, 0)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(letter)
    for digit in digits:
        colour = _SURE if digit.is_sure else _UNSURE
        top, bottom, left, right = (margin + scale * edge for edge in digit.box)
        for far, ink, wide in ((3 * line, rim, 3 * line), (2 * line, colour, line)):
            edges = (left - far, top - far, right + far, bottom + far)
            pen.rectangle(edges, outline=ink, width=wide)
        at = ((left + right) / 2, top - 3 * line)
        pen.text(at, digit.answer, colour, font, "mb", stroke_width=line, stroke_fill=rim)
    return np.asarray(page)


def draw_boxes(grey: Bytes, digits: Digits, method: Method, width: int) -> Block:
    """Draw a picture with boxes on a terminal, at most ``width`` columns wide."""
    tall = _typical_height(digits)
    if method in GRAPHICS:
        across, down = cell_size()
        pixels = min(width * across, round(_MOST_LINES * down * (grey.shape[1] / tall + 1.2)))
        image = paint_boxes(grey, digits, pixels)
        columns, n_lines = -(-image.shape[1] // across), -(-image.shape[0] // down)
        missing = (n_lines * down - image.shape[0], columns * across - image.shape[1])
        image = np.pad(image, [(0, missing[0]), (0, missing[1]), (0, 0)], mode="edge")
        return graphic(image, method, (columns, n_lines), (across, down))
    across, down = (2, 4) if method == "braille" else (1, 2)
    scale = min(max(1, width - 2) * across / grey.shape[1], _MOST_LINES * down / tall)
    scale = math.floor(scale) if scale > 1 else scale
    page = _scaled(_ink(grey) if method in COLOURLESS else grey, scale, down, across)
    page = np.pad(page, [(0, -len(page) % down), (0, 0)], mode="edge")
    block = draw_image(page, method, width=width)
    return _walls(block, digits, (scale / down, scale / across), plain=method == "ascii")


def _ink(grey: Bytes) -> Bytes:
    """Return light ink on black: on paper made of characters no wall is seen, and no faint digit."""
    try:
        ink = find_ink(grey.astype(np.float32))[0].clip(0, 1)
    except NoDigitError:  # at this scale
        return ~grey if np.median(grey) > 128 else grey
    inked: Bytes = np.rint(255 * np.where(ink > 0.2, ink, 0)).astype(np.uint8)
    return inked


def _typical_height(digits: Digits) -> float:
    return float(np.median([digit.box.height for digit in digits]))


def _scaled(grey: Bytes, scale: float, down: int, across: int) -> Bytes:
    """Scale a picture and give it a margin of its paper, so many pixels high and wide."""
    paper = np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    size = max(1, round(scale * grey.shape[1])), max(1, round(scale * grey.shape[0]))
    picture = np.asarray(enlarged(grey, *size).convert("L"))
    return np.pad(picture, [(down, down), (across, across)], constant_values=round(paper))


def _walls(block: Block, digits: Digits, cell: tuple[float, float], *, plain: bool) -> Block:
    """Put boxes and answers over a picture that has a margin of one cell.

    ``cell`` is how many lines and columns a pixel of the picture takes.
    """
    page = [[Segment(c, s.style) for s in line for c in s.text] for line in block.lines]
    walls = np.zeros((len(page), block.width), np.uint8)
    colours = np.zeros((*walls.shape, 3), np.uint8)
    letters: dict[tuple[int, int], str] = {}
    for digit in digits:
        (top, bottom, left, right), text = digit.box, digit.answer
        y0, x0 = int(cell[0] * top), int(cell[1] * left)
        y1 = min(math.ceil(cell[0] * bottom) + 1, len(page) - 1)
        x1 = min(math.ceil(cell[1] * right) + 1, block.width - 1)
        for y in (y0, y1):
            walls[y, x0:x1] |= _RIGHT
            walls[y, x0 + 1 : x1 + 1] |= _LEFT
        for x in (x0, x1):
            walls[y0:y1, x] |= _BELOW
            walls[y0 + 1 : y1 + 1, x] |= _ABOVE
        colours[y0 : y1 + 1, x0 : x1 + 1] = _SURE if digit.is_sure else _UNSURE
        start = (x0 + x1 + 1 - len(text)) // 2
        letters |= {(y0, start + i): c for i, c in enumerate(text) if x0 <= start + i <= x1}
    for y, x in np.argwhere(walls).tolist():
        letter = letters.get((y, x)) or (_ASCII_WALLS if plain else _WALLS)[walls[y, x]]
        style = page[y][x].style
        if style:  # in colour: that of the picture's lower pixel stays, but under answers
            ink, paper = Color.from_rgb(*colours[y, x]), style.bgcolor
            ink, paper = (_WHITE, ink) if (y, x) in letters else (ink, paper)
            style = Style.from_color(ink, paper)
        page[y][x] = Segment(letter, style)
    return Block(block.width, tuple([*Segment.simplify(line)] for line in page))
