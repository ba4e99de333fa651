"""A digit in the cell of a form, cut out with the lines around it."""

import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from mnistcli.conforming.placing import conform, find_strokes
from mnistcli.errors import BadImageError
from mnistcli.numerals import read_numbers
from mnistcli.prediction import Reader
from mnistcli.registry.store import load_model
from tests.conforming.disturbances import enlarged

CELL = 160
SIDES = {
    "corner": (True, True, False, False),
    "three sides": (True, False, True, True),
    "all sides": (True, True, True, True),
    "both sides": (True, False, True, False),
}


def form(digit, lean, line=4, level=200):
    """Draw a form of three cells by three, that leans, with a digit in the cell in the middle."""
    page = Image.new("L", (3 * CELL, 3 * CELL), 0)
    draw = ImageDraw.Draw(page)
    for at in (CELL, 2 * CELL):
        draw.line((0, at, 3 * CELL, at), level, line)
        draw.line((at, 0, at, 3 * CELL), level, line)
    page.paste(Image.fromarray(digit), (CELL + 24, CELL + 24))
    return page.rotate(lean, Image.Resampling.BICUBIC)


def cut_out(page, sides, by):
    """Cut out the middle cell, with the lines at some of its sides: left, top, right and bottom."""
    by = [beyond if is_seen else -14 for beyond, is_seen in zip(by, sides, strict=True)]
    left, top, right, bottom = by
    box = CELL - left, CELL - top, 2 * CELL + right, 2 * CELL + bottom
    return np.asarray(page.crop(box))


def number_in(picture):
    """Return the one line of digits in a picture, as `builtin` reads it."""
    (line,) = read_numbers("builtin", np.asarray(picture))
    return "".join(digit.answer for digit in line)


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


def test_lines_around_a_cell_may_be_fainter_than_the_digit(test_images):
    """Were they cut off like lines of the paper, pieces of them would be left beside it."""
    for digit in test_images[:8]:
        page = form(enlarged(digit, 4), 1, line=3, level=100)
        found = conform(220 - 0.8 * cut_out(page, SIDES["all sides"], (9, 5, 13, 15))).image
        alone = np.pad(cut_out(page, (False,) * 4, (0,) * 4), 30)
        assert np.abs(found.astype(int) - conform(255 - alone).image).mean() < 25


@pytest.mark.parametrize("wide", [16, 22])
def test_the_lines_around_a_cell_need_not_lean_alike(wide, test_images):
    """Seen at an angle, they do not; straight rows of ink all lean by as much."""
    for digit in test_images[:10]:
        page = form(enlarged(digit, 4), 0)
        top, bottom = CELL - 10, 2 * CELL + 10
        corners = (top, top + wide, top, bottom, bottom, bottom - wide, bottom, top)
        ink = np.asarray(page.transform((170, 170), Image.Transform.QUAD, corners))
        image = conform((220 - 0.8 * ink).astype(np.uint8)).image
        alone = np.pad(cut_out(page, (False,) * 4, (0,) * 4), 30)
        assert np.abs(image.astype(int) - conform(255 - alone).image).mean() < 25


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


def test_a_1_from_border_to_border_beside_a_digit_at_the_border_is_a_digit():
    picture = Image.new("L", (220, 100), 255)
    draw = ImageDraw.Draw(picture)
    draw.line((20, 0, 20, 99), 0, 6)
    draw.ellipse((60, 20, 110, 80), outline=0, width=6)
    draw.line((160, 10, 160, 99), 0, 9)
    assert [len(line) for line in find_strokes(np.asarray(picture), "cut.png")] == [3]


def test_a_1_from_border_to_border_among_lower_digits_is_a_digit():
    """They stand on both sides of it, where all is on one side of the line around a cell."""
    picture = Image.new("L", (220, 120), 255)
    draw = ImageDraw.Draw(picture)
    draw.line((110, 0, 110, 119), 0, 6)
    for left in (30, 145):
        draw.ellipse((left, 20, left + 45, 100), outline=0, width=6)
    assert number_in(picture) == "010"


def test_a_7_of_two_lines_that_lean_is_no_corner_of_a_box_around_a_1():
    picture = Image.new("L", (220, 200), 255)
    draw = ImageDraw.Draw(picture)
    draw.line((60, 40, 150, 40), 0, 8)
    draw.line((148, 40, 144, 150), 0, 8)
    draw.line((70, 90, 70, 146), 0, 8)
    with pytest.raises(BadImageError, match="2 digits"):
        Reader(load_model("builtin")).picture(np.asarray(picture))
    assert number_in(picture) == "17"


def test_the_corner_of_a_5_is_no_corner_of_a_box():
    picture = Image.new("L", (150, 190), 255)
    draw = ImageDraw.Draw(picture)
    draw.line((35, 30, 110, 30), 0, 8)
    draw.line((38, 28, 38, 80), 0, 8)
    draw.arc((45, 60, 115, 160), -120, 130, 0, 8)
    assert number_in(picture) == "5"


def test_straight_1s_on_a_line_from_which_a_digit_stands_clear_are_digits():
    """They are as far apart as what parts a comb, but for a gap that it would not have."""
    picture = Image.new("L", (400, 180), 255)
    draw = ImageDraw.Draw(picture)
    draw.line((30, 142, 370, 142), 0, 4)
    for x in (70, 230, 310):
        draw.line((x, 70, x, 142), 0, 6)
    draw.ellipse((128, 70, 172, 128), outline=0, width=6)
    assert number_in(picture) == "1011"


def in_a_row(digits, kind, lean=0.0):
    """Write digits into the cells of a table, a comb or boxes: (ink, lean), 0..255."""
    page = Image.new("L", (CELL * (len(digits) + 2), 3 * CELL), 0)
    draw = ImageDraw.Draw(page)
    for i, digit in enumerate(digits):
        left, right = CELL * (i + 1), CELL * (i + 2)
        if kind == "comb":
            draw.line((left, 2 * CELL, right, 2 * CELL), 200, 4)
            for x in (left, right):
                draw.line((x, 1.6 * CELL, x, 2 * CELL), 200, 4)
        elif kind == "boxes":
            level = 200 if i == 0 else 100
            draw.rectangle((left + 8, CELL, right - 8, 2 * CELL), None, level, 4)
        else:
            draw.rectangle((left, CELL, right, 2 * CELL), None, 200, 4)
        page.paste(Image.fromarray(digit), (left + 24, CELL + 24))
    return np.asarray(page.rotate(lean, Image.Resampling.BICUBIC))


@pytest.mark.parametrize("kind", ["comb", "table", "boxes"])
@pytest.mark.parametrize("lean", [-2, 0, 1.5])
def test_what_parts_the_digits_of_a_form_is_no_digit(kind, lean, test_images):
    """The lines of a comb, of a table that the picture is cut out of, and of some fainter boxes."""
    digits = [enlarged(digit, 4) for digit in test_images[:5]]
    ink = in_a_row(digits, kind, lean)
    beyond = 6 if kind == "table" else CELL // 2
    picture = 230 - 0.8 * ink[CELL - beyond : 2 * CELL + beyond, CELL - beyond : 6 * CELL + beyond]
    lines = find_strokes(picture.astype(np.uint8), "form.png")
    assert [len(line) for line in lines] == [5]


def test_ones_that_stand_on_a_line_are_digits(test_images):
    ink = np.zeros((160, 600), np.uint8)
    for left, digit in zip(range(20, 500, 112), [2, 2, 1, 2, 2], strict=True):
        ink[30:142, left : left + 112] |= enlarged(test_images[digit], 4)
    foot = np.flatnonzero(ink.any(axis=1))[-1]
    ink[foot - 2 : foot + 2, 10:590] = 200
    lines = find_strokes(255 - ink, "ones.png")
    assert [len(line) for line in lines] == [5]


def ones_on_a_line(lefts, top):
    """Draw straight 1s that stand on a line, and a 0 beside the first that does not touch it."""
    picture = Image.new("L", (480, 180), 255)
    draw = ImageDraw.Draw(picture)
    draw.line((30, 160, 450, 160), 0, 3)
    for left in lefts:
        draw.line((left, top, left, 160), 0, 5)
    draw.ellipse((lefts[0] + 22, 84, lefts[0] + 52, 150), outline=0, width=6)
    return picture


def test_ones_on_one_line_beside_digits_on_another_are_no_comb(test_images):
    """What is in a comb is between its teeth, and not anywhere on the page."""
    picture = Image.new("L", (720, 180), 0)
    draw = ImageDraw.Draw(picture)
    for left in (60, 130, 200):
        draw.line((left, 70, left, 160), 255, 6)
    draw.line((30, 160, 240, 160), 255, 3)
    for k, digit in enumerate(test_images[[0, 1, 3]]):
        picture.paste(Image.fromarray(enlarged(digit, 4)), (330 + 110 * k, 50))
    draw.line((320, 168, 680, 168), 255, 3)
    assert [len(line) for line in find_strokes(255 - np.asarray(picture), "form.png")] == [6]


def test_ones_on_a_line_that_are_not_evenly_apart_are_no_comb():
    ones = ones_on_a_line([60, 150, 300, 360], 80)
    assert [len(line) for line in find_strokes(np.asarray(ones), "ones.png")] == [5]


def test_ones_that_are_cut_at_their_tops_are_no_table():
    """There is not a digit for each, as in the cells of one."""
    ones = ones_on_a_line([60, 150, 230, 310, 390], 80).crop((0, 81, 480, 180))
    assert [len(line) for line in find_strokes(np.asarray(ones), "ones.png")] == [6]
