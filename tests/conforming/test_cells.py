"""A digit in the cell of a form, cut out with the lines around it."""

import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from mnistcli.conforming.placing import conform
from mnistcli.errors import BadImageError
from tests.conforming.disturbances import enlarged

CELL = 160
SIDES = {
    "corner": (True, True, False, False),
    "three sides": (True, False, True, True),
    "all sides": (True, True, True, True),
    "both sides": (True, False, True, False),
}


def form(digit, lean, line=4):
    """Draw a form of three cells by three, that leans, with a digit in the cell in the middle."""
    page = Image.new("L", (3 * CELL, 3 * CELL), 0)
    draw = ImageDraw.Draw(page)
    for at in (CELL, 2 * CELL):
        draw.line((0, at, 3 * CELL, at), 200, line)
        draw.line((at, 0, at, 3 * CELL), 200, line)
    page.paste(Image.fromarray(digit), (CELL + 24, CELL + 24))
    return page.rotate(lean, Image.Resampling.BICUBIC)


def cut_out(page, sides, by):
    """Cut out the middle cell, with the lines at some of its sides: left, top, right and bottom."""
    by = [beyond if is_seen else -14 for beyond, is_seen in zip(by, sides, strict=True)]
    left, top, right, bottom = by
    box = CELL - left, CELL - top, 2 * CELL + right, 2 * CELL + bottom
    return np.asarray(page.crop(box))


@pytest.mark.parametrize("sides", SIDES.values(), ids=SIDES)
@pytest.mark.parametrize("is_photo", [False, True], ids=["scan", "photo"])
def test_the_lines_around_a_cell_are_no_ink(sides, is_photo, test_images):
    """Those that lean were ink: it held two digits, or was one with a roof."""
    rng = np.random.default_rng(0)
    for digit, lean in itertools.product(test_images[:10], (-3, -1, 2)):
        page = form(enlarged(digit, 4), lean)
        ink = cut_out(page, sides, rng.integers(4, 16, 4))
        grey = 220 - 0.8 * ink
        alone = np.pad(cut_out(page, (False,) * 4, (0,) * 4), 30)
        if is_photo:
            soft = Image.fromarray(grey.astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7))
            grey = np.asarray(soft) * np.linspace(1, 0.85, len(ink))[:, None]
            grey = grey + rng.normal(0, 2, ink.shape)
        found = conform(grey.clip(0, 255).astype(np.uint8)).image.astype(int)
        # It may have moved by a pixel; with a line it is half as large.
        assert np.abs(found - conform(255 - alone).image).mean() < 25


def test_digits_on_both_sides_of_a_line_are_two(test_images):
    two = np.full((150, 300), 255, np.uint8)
    two[:, 148:152] = 60
    for left, digit in zip((10, 160), test_images[:2], strict=True):
        two[15:127, left : left + 112] -= enlarged(digit, 4)
    with pytest.raises(BadImageError, match="holds 2 digits"):
        conform(two)


def test_a_smaller_digit_beside_a_tall_1_is_another():
    """A line from border to border that has digits on one side may be a 1, unless all are lower."""
    picture = Image.new("L", (160, 120), 255)
    draw = ImageDraw.Draw(picture)
    draw.line((30, 0, 30, 119), 0, 9)
    draw.ellipse((80, 8, 130, 112), outline=0, width=9)
    with pytest.raises(BadImageError, match="holds 2 digits"):
        conform(np.asarray(picture))
