"""Boxes around digits, and their answers, on every kind of terminal and in pixels."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from mnistcli.cli.terminal.boxes import draw_boxes, paint_boxes
from mnistcli.conforming.types import Box
from mnistcli.numerals import DigitAnswer

BLUE, RED = (34, 116, 224), (224, 48, 36)

# A one and a seven, or what is left of them in so few pixels.
PICTURE = np.zeros((12, 24), np.uint8)
PICTURE[3:9, 4] = PICTURE[3, 10:14] = PICTURE[4:9, 12] = 255


def boxed(*box, answer, best=None):
    """A digit in a box: top, bottom, left, right."""
    image, shares = np.zeros((28, 28), np.uint8), np.ones(1)
    return DigitAnswer(image, answer, best or answer, 1.0, shares, 0.5, Box(*box))


DIGITS = [boxed(3, 9, 4, 5, answer="1"), boxed(3, 9, 10, 14, answer="?", best="7")]

DRAWINGS = {
    "braille": """\
    ┌1┐   ┌─?──┐
    │⣤│   │⣤⣤⣤⣤│
    │⣿│   │  ⣿ │
    │⣿│   │  ⣿ │
    │⠛│   │  ⠛ │
    └─┘   └────┘
""",
    "ascii": """\
    +1+   +-?--+
    |=|   |====|
    |@|   |  @ |
    |@|   |  @ |
    |=|   |  = |
    +-+   +----+
""",
}


def printed(picture, digits, method, width=80, colours=None):
    page = io.StringIO()
    on = Console(file=page, width=200, color_system=colours, force_terminal=True, _environ={})
    on.print(draw_boxes(picture, digits, method, width), crop=False)
    return page.getvalue()


@pytest.mark.parametrize("picture", [PICTURE, ~PICTURE], ids=["dark", "light"])
@pytest.mark.parametrize("method", DRAWINGS)
def test_ink_and_boxes_are_characters(picture, method):
    lines = printed(picture, DIGITS, method, 26).splitlines()
    assert "".join(f"{line.rstrip()}\n" for line in lines if line.strip()) == DRAWINGS[method]


def test_boxes_are_coloured_over_the_picture():
    text = printed(PICTURE, DIGITS, "half", 26, "truecolor")
    answer = r"\x1b\[0m\x1b\[38;2;255;255;255;48;2;{}m{}\x1b\[0m"
    for colour, wall, said in (("34;116;224", "┌", "1"), ("224;48;36", "┌─", "\\?")):
        walls = rf"38;2;{colour};48;2;\d+;\d+;\d+m{wall}"
        assert re.search(walls + answer.format(colour, said), text), (
            "white on the colour of the box"
        )


def test_walls_that_meet_are_joined():
    digits = [boxed(3, 9, 2, 10, answer="1"), boxed(3, 9, 10, 20, answer="7")]
    lines = printed(PICTURE, digits, "shade", 26).splitlines()
    assert [c for c in lines[1] if c in "┌┬┐"] == list("┌┬┬┐")


@pytest.mark.parametrize("width", [5, 10, 79])
@pytest.mark.parametrize("method", ["half", "braille", "shade", "ascii", "kitty", "sixel"])
@pytest.mark.parametrize("shape", [(28, 28), (20, 400), (400, 20), (300, 500)])
def test_any_picture_fits_any_width(method, width, shape):
    picture = np.zeros(shape, np.uint8)
    picture[2:-2, shape[1] // 2 + 2 : -2] = 255
    box = (0.0, float(shape[0]), shape[1] / 2, float(shape[1]))
    block = draw_boxes(picture, [boxed(*box, answer="even")], method, width)
    assert block.width <= width
    if method not in ("kitty", "sixel"):
        assert {sum(len(s.text) for s in line) for line in block.lines} == {block.width}


def test_answers_are_painted_above_their_boxes():
    large = np.kron(PICTURE, np.full((10, 10), 1, np.uint8))
    digits = [replace(each, box=each.box.moved(10, 0, 0)) for each in DIGITS]
    pixels = paint_boxes(large, digits)
    for colour, box in zip((BLUE, RED), [each.box for each in digits], strict=True):
        rows, columns = np.nonzero((pixels == colour).all(axis=2))
        margin = (pixels.shape[0] - large.shape[0]) // 2
        assert margin + box[2] - 12 < columns.min() < margin + box[2]
        assert margin + box[3] < columns.max() < margin + box[3] + 12
        assert rows.max() - margin > box[1]
        assert rows.min() - margin < box[0] - 20, "the answer"


def test_tiny_pictures_are_enlarged_by_a_whole_number():
    pixels = paint_boxes(PICTURE, DIGITS)
    height, width = (paint_boxes(PICTURE, DIGITS).shape[i] - n for i, n in ((0, 84), (1, 168)))
    assert height == width > 0
    strokes = (pixels == 255).all(axis=2)
    assert strokes.sum() >= (PICTURE == 255).sum() * 7 * 7


@pytest.mark.parametrize("width", [100, 448, 900])
def test_paintings_keep_to_a_width(width):
    for box in ((0, 12, 0, 24), (5, 7, 3, 4)):
        assert paint_boxes(PICTURE, [boxed(*box, answer="7")], width).shape[1] <= width
