"""Ink is cut where there is little of it, straight or aslant."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistcli.conforming.clearing import find_pieces
from mnistcli.conforming.grouping import group_of, group_pieces, lines_of, strokes_of
from mnistcli.conforming.operations import pieces_of
from mnistcli.conforming.types import Box


def parts_of(mask):
    pieces = pieces_of(mask)
    return strokes_of(pieces, group_of(pieces, np.arange(pieces.n)))


def drawn(*lines, size=(200, 120), width=8):
    image = Image.new("1", size)
    for line in lines:
        ImageDraw.Draw(image).line(line, fill=1, width=width)
    return np.array(image)


@pytest.mark.parametrize("height", [60, 90, 400])
def test_parts_are_all_of_the_ink_once(height):
    rng = np.random.default_rng(0)
    mask = np.kron(rng.random((height // 10, height // 4)) < 0.6, np.ones((10, 10), bool)).astype(
        bool
    )
    parts = parts_of(mask)
    assert len(parts) > 2
    assert np.array_equal(np.sum(parts, axis=0), mask.astype(int))
    assert all(part.any() for part in parts)


def test_a_flat_stroke_is_not_cut_into_a_hundred_low_digits():
    image = Image.new("1", (300, 200))
    ImageDraw.Draw(image).polygon([(50, 10), (250, 18), (250, 20), (50, 16)], fill=1)
    assert len(parts_of(np.array(image))) <= 41
    ImageDraw.Draw(image).line((253, 60, 253, 180), fill=1, width=8)  # beside it, a digit's height
    assert len(parts_of(np.array(image))) <= 6


@pytest.mark.parametrize(("lean", "apart"), [(-30, 90), (0, 90), (30, 90), (0, 40)])
def test_two_strokes_are_cut_between_them(lean, apart):
    other = 50 + apart
    strokes = [[(50 + lean, 10), (50, 110)], [(other + lean, 10), (other, 110)]]
    mask = drawn(*strokes, [(50 + lean // 2, 60), (other + lean // 2, 60)])
    halves = [drawn(each) for each in strokes]
    parts = parts_of(mask)
    for part in parts:
        assert min((part & half).sum() / half.sum() for half in halves) < 0.05


@pytest.mark.parametrize(
    ("top", "bottom", "notes"),
    [(36, 44, []), (60, 80, ["lines ignored"])],
    ids=["in one", "between"],
)
def test_ink_that_is_faint_within_a_digit_is_no_printed_line(top, bottom, notes):
    """What joined two pieces as high as digits was taken off, and with it what else was faint."""
    ink = np.zeros((160, 300), np.float32)
    for left in (40, 100, 160, 220):
        ink[20:60, left : left + 8] = 1
    ink[80:120, 40:48] = 1
    ink[top:bottom, 40:48] = 0.2
    _, keep, found = find_pieces(ink, 0.012)
    assert found == notes
    assert keep.sum() == 5


def test_a_faint_line_that_joins_digits_close_to_each_other_is_taken_off():
    ink = np.zeros((80, 98), np.float32)
    ink[60:63] = 0.2
    for left in range(4, 98, 20):
        ink[12:68, left : left + 10] = 1
    _, keep, found = find_pieces(ink, 0.012)
    assert found == ["lines ignored"]
    assert keep.sum() == 5


def test_faint_paper_beside_one_of_several_digits_is_no_part_of_it():
    """It was too little beside the ink of the whole page, and as much as a stroke of that digit."""
    ink = np.zeros((80, 300), np.float32)
    for left in range(20, 260, 30):
        ink[20:60, left : left + 8] = 1
    ink[30:60, 28:40] = 0.15
    pieces, keep, notes = find_pieces(ink, 0.012)
    assert notes == []
    assert pieces.width[keep].tolist() == [8] * 8


def test_what_lies_along_two_borders_is_no_line_from_one_to_the_other():
    """What is fainter than it was taken off with such a line, faint strokes too."""
    ink = np.zeros((200, 400), np.float32)
    ink[20:160, :14] = ink[60:190, 392:] = 0.5
    for left in range(60, 340, 40):
        ink[40:80, left : left + 6], ink[40:46, left : left + 6] = 0.25, 0.9
    pieces, keep, notes = find_pieces(ink, 0)
    assert notes == []
    assert pieces.height[keep & ~pieces.at_border].tolist() == [40] * 7


def test_two_that_are_alike_and_wide_together_are_two_however_close():
    image = Image.new("1", (80, 60))
    for left in (12, 33):
        ImageDraw.Draw(image).ellipse((left, 20, left + 18, 42), outline=1, width=3)
    pieces = pieces_of(np.array(image))
    groups, _ = group_pieces(pieces, np.ones(pieces.n, np.bool_))
    assert [each.left for each in groups] == [12, 33]


@pytest.mark.parametrize(
    ("corners", "lines"),
    [
        ([(0, 0), (15, 20), (30, 40), (45, 60)], [4]),  # down, each reaching little into the last
        ([(45, 0), (30, 20), (15, 40), (0, 60)], [4]),  # and up
        ([(0, 0), (15, 0), (30, 20), (45, 20)], [4]),
        ([(0, 0), (15, 0), (53, 24), (68, 24)], [2, 2]),  # too far away to go on there
        ([(0, 0), (15, 0), (15, 20), (30, 20)], [2, 2]),  # below it, if a little to the right
        ([(0, 0), (15, 0), (30, 26), (45, 26)], [2, 2]),
    ],
)
def test_a_line_goes_on_a_step_further_down_or_up(corners, lines):
    boxes = [Box(top, top + 25, left, left + 12) for left, top in corners]
    found = lines_of(boxes[::-1])
    assert [len(line) for line in found] == lines
    assert [box for line in found for box in line] == sorted(
        boxes, key=lambda box: box.left if lines == [4] else (box.top, box.left)
    )
