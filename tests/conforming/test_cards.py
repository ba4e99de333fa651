"""Digits on several cards: pieces of paper on a desk, or the tiles of a figure."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistcli.conforming.cards import drawn_on_cards
from mnistcli.conforming.clearing import DESK_IGNORED
from mnistcli.conforming.placing import conform
from mnistcli.errors import BadImageError
from mnistcli.numerals import find_numbers
from mnistcli.registry.store import load_model
from tests.conforming.disturbances import enlarged

TILE, ROOM = 112, 40


def figure(digits, *, title="label"):
    """Show digits as plots do: each on a black tile with ticks, numbers at them and a title."""
    page = Image.new("L", (ROOM + len(digits) * (TILE + ROOM), TILE + 2 * ROOM), 255)
    draw = ImageDraw.Draw(page)
    for i, digit in enumerate(digits):
        left = ROOM + i * (TILE + ROOM)
        page.paste(Image.fromarray(enlarged(digit, 4)), (left, ROOM))
        draw.text((left + 30, ROOM - 16), title, 0)
        for at in range(0, TILE, 20):
            draw.line((left + at, ROOM + TILE, left + at, ROOM + TILE + 3), 0)
            draw.line((left - 4, ROOM + at, left - 1, ROOM + at), 0)
            draw.text((left + at - 3, ROOM + TILE + 6), str(at // 4), 0)
    return np.asarray(page)


def on_a_desk(digits, desk, paper, ink, lean):
    """Lay a card for each digit on a desk, each turned by so many degrees more."""
    page = Image.new("L", (len(digits) * 200, 200), desk)
    for i, digit in enumerate(digits):
        levels = paper + (ink - paper) * (enlarged(digit, 4) / 255)
        card = np.pad(levels, 14, constant_values=paper).astype(np.uint8)
        angle, size = (i + 1) * lean, card.shape[::-1]
        outline = Image.new("L", size, 255).rotate(angle, Image.Resampling.BICUBIC, expand=True)
        turned = Image.fromarray(card).rotate(angle, Image.Resampling.BICUBIC, expand=True)
        page.paste(turned, (i * 200 + 25, 20 + 5 * i), outline)
    return np.asarray(page)


def answers(picture):
    lines, notes = find_numbers(load_model("builtin"), picture, "cards.png")
    return ["".join(digit.answer for digit in line) for line in lines], notes


def test_the_tiles_of_a_figure_are_read_and_nothing_beside_them(test_images):
    """Their titles are not, nor what stands at their ticks."""
    assert answers(figure(test_images[:5])) == (["72104"], (DESK_IGNORED,))
    with pytest.raises(BadImageError, match="holds 5 digits"):
        conform(figure(test_images[:5]))


def test_a_straight_1_on_a_tile_is_no_hole_of_a_thick_digit(test_images):
    """It fills its box like one, and is far from the sides."""
    one = np.zeros((28, 28), np.uint8)
    one[4:24, 13:15] = 255
    assert answers(figure([one, test_images[0], one])) == (["171"], (DESK_IGNORED,))


def test_cards_may_be_small_and_what_is_darker_than_their_desk_smaller(test_images):
    desk = np.pad(on_a_desk(test_images[:2], 130, 220, 40, 0), 130, constant_values=130)
    assert answers(desk)[1] == (DESK_IGNORED,)
    desk[:, :16] = 0
    assert answers(desk) == (["72"], (DESK_IGNORED,))


def test_a_tile_alone_is_a_digit(test_images):
    for digit in test_images[:5]:
        found = conform(figure([digit]))
        assert DESK_IGNORED in found.steps
        assert np.abs(found.image.astype(int) - conform(enlarged(digit, 4)).image).mean() < 15


@pytest.mark.parametrize(("desk", "paper", "ink"), [(40, 230, 30), (130, 220, 40), (235, 60, 220)])
@pytest.mark.parametrize("lean", [0, 2.5])
def test_digits_on_cards_that_lie_on_a_desk_are_read(desk, paper, ink, lean, test_images):
    assert answers(on_a_desk(test_images[:3], desk, paper, ink, lean))[0] == ["721"]


@pytest.mark.parametrize(("desk", "n"), [(40, 2), (40, 3), (70, 2)])
def test_one_of_several_cards_close_to_the_border_is_not_answered(desk, n, test_images):
    page = np.full((120, 150 * n), desk, np.uint8)
    for i, digit in enumerate(test_images[:n]):
        left = 8 + i * 144
        page[8:112, left : left + 104] = 230
        page[18:102, left + 10 : left + 94] = 230 - 0.8 * enlarged(digit, 3)
    with pytest.raises(BadImageError, match=f"holds {n} "):
        conform(page)


def test_a_speck_that_is_blacker_than_what_is_drawn_is_no_ink(test_images):
    picture = on_a_desk(test_images[:3], 40, 230, 140, 0).copy()
    picture[60:63, 140:143] = 0
    assert answers(picture)[0] == ["721"]


def test_digits_beside_a_dark_box_are_not_left_out(test_images):
    """They are as high as what is drawn in it, where the title of a tile is lower."""
    page = Image.new("L", (620, 180), 255)
    draw = ImageDraw.Draw(page)
    draw.rectangle((20, 20, 140, 140), 30)
    draw.line((35, 35, 125, 125), 230, 6)
    draw.line((35, 125, 125, 35), 230, 6)
    picture = np.asarray(page).copy()
    for digit, left in zip(test_images[:3], (250, 370, 490), strict=True):
        picture[30:142, left : left + 112] -= enlarged(digit, 4)
    assert answers(picture)[0][-1].endswith("721")


def test_what_is_round_or_a_cell_or_at_the_border_is_no_card():
    """Fat 0s have holes, with corners too, tables lines; a bar along the border may have words."""
    picture = Image.new("L", (320, 160), 255)
    draw = ImageDraw.Draw(picture)
    for left in (30, 180):
        draw.rounded_rectangle((left, 20, left + 80, 140), 40, 0)
        draw.rectangle((left + 34, 50, left + 46, 110), 255)
    fat = np.asarray(picture)
    square = np.full((160, 320), 255, np.uint8)
    for left in (30, 180):
        square[20:140, left : left + 80] = 0
        square[48:112, left + 28 : left + 52] = 255
    table = np.full((160, 320), 255, np.uint8)
    for left in (20, 160):
        table[20:140, left : left + 140] = 0
        table[26:134, left + 6 : left + 134] = 255
        table[50:110, left + 60 : left + 72] = 0
    bar = np.full((160, 320), 255, np.uint8)
    bar[120:] = 0
    bar[130:150, 40:60] = 255
    for grey in (fat, square, table, bar):
        for each in (grey, 255 - grey):
            assert drawn_on_cards(each, each.astype(np.float32), 1) is None
