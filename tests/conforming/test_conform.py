"""MNIST is its own oracle: what was done to a digit must be undone."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw, ImageFilter, ImageOps
from sklearn.datasets import load_digits

import mnistcli
from mnistcli.cli.topics import read_topic
from mnistcli.conforming import placing
from mnistcli.conforming.background import otsu_threshold
from mnistcli.conforming.lines import ruled_lines
from mnistcli.conforming.operations import pieces_of
from mnistcli.conforming.placing import conform, conform_all, find_strokes, is_mnist_like
from mnistcli.conforming.segmentation import ALL_INK, Page, digit_of
from mnistcli.conforming.strokes import with_readable_strokes
from mnistcli.conforming.types import Box, Digit, NoDigitError
from mnistcli.errors import BadImageError
from mnistcli.pictures.read import read_pictures
from mnistcli.prediction import Reader
from tests.conforming.disturbances import DISTURBANCES, agreement, enlarged, in_bent_light, on_paper
from tests.handwriting import DIGITS


def conform_lines(picture, source="image"):
    """The digits of a picture line by line, those that touch as one."""
    lines = find_strokes(picture, source)
    return tuple(tuple(each.digits(in_parts=False)[0, 1] for each in line) for line in lines)


def test_mnist_comes_back_as_it_is(train_images, test_images):
    assert is_mnist_like(train_images).all()
    assert is_mnist_like(test_images).all()
    for digit in test_images[:500]:
        conformed = conform(digit)
        assert np.array_equal(conformed.image, digit)
        assert conformed.steps == ()


def test_inverted_mnist_comes_back_as_the_original(test_images):
    for digit in test_images[:500]:
        conformed = conform(255 - digit)
        assert np.array_equal(conformed.image, digit)
        assert conformed.steps == ("dark ink on light paper", "inverted")


def test_a_texture_is_blank_or_some_strokes():
    for tile in (np.arange(30 * 64) % 17).astype(np.uint8).reshape(30, 8, 8):
        try:
            assert conform(tile).image.max() == 255
        except BadImageError as error:
            assert "is blank" in str(error)


@pytest.mark.parametrize("shape", [(7, 300), (300, 7)])
def test_a_strip_may_be_narrower_than_lines_are_looked_for_in(shape):
    strip = np.zeros(shape, np.uint8)
    strip[1:-1, shape[1] // 2] = 255
    ((strokes,),) = find_strokes(strip, "strip")
    assert strokes.digits(in_parts=False)


def test_pictures_of_scikit_learn_show_one_digit_each():
    digits = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)
    for small in digits[740:760]:
        assert conform(small).image.max() == 255  # the strokes of the 752nd lie apart
    every = conform_all(digits[410:420], [""] * 10, paper=0)  # with a margin those of the 417th
    assert not [each for each in every if isinstance(each, BadImageError)]
    with pytest.raises(BadImageError, match="holds 2 digits"):
        conform(np.hstack([load_digits().images[1].astype(np.uint8) * 15] * 2))


@pytest.mark.torture
def test_every_digit_comes_back(train_images, test_images):
    for digit in (*train_images, *test_images):
        assert np.array_equal(conform(digit).image, digit)
        assert np.array_equal(conform(~digit).image, digit)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d // 2,
        lambda d: np.roll(d, 1, axis=0),
        lambda d: np.where(d > 0, 255, 60).astype(np.uint8),
        lambda d: np.array(Image.fromarray(d).resize((20, 20)).resize((28, 28))),
    ],
    ids=["dim", "shifted", "grey paper", "blurred"],
)
def test_what_is_not_quite_mnist_is_not_taken_for_it(test_images, change):
    changed = np.array([change(digit) for digit in test_images[:100]])
    assert is_mnist_like(changed).mean() < 0.5


def test_full_ink_is_what_mnist_has(test_images):
    digit = test_images[0]
    levels = {level: bool(is_mnist_like(np.minimum(digit, level)[None])[0]) for level in (253, 254)}
    assert levels == {253: False, 254: True}


@pytest.mark.parametrize("dtype", ["?", "u1", "i8", "f4"])
def test_levels_of_0_and_1_are_paper_and_ink(test_images, dtype):
    ink = test_images[0] > 127
    expected = conform(255 * ink.astype(np.uint8))
    assert np.array_equal(conform(ink.astype(dtype)).image, expected.image)


def test_a_shifted_digit_comes_back_nearly_exactly(test_images):
    worst = []
    for digit in test_images[:100]:
        back = conform(np.pad(digit, ((3, 30), (17, 2)))).image
        worst.append(np.abs(back.astype(int) - digit).max())
    assert np.mean(np.array(worst) <= 2) > 0.9


def test_conforming_twice_changes_nothing(test_images):
    for digit in test_images[:100]:
        once = conform(255 - enlarged(digit, 6)).image
        again = conform(once)
        assert np.array_equal(again.image, once)
        assert again.steps == ()


@pytest.mark.parametrize("name", DISTURBANCES)
def test_the_label_survives(name, test_images, label_of):
    # Two of thirty are chance: the model is 91 % right. The counts are in the test below.
    assert agreement(label_of, test_images[:30], DISTURBANCES[name]) > 0.92


@pytest.mark.torture
def test_labels_survive_on_98_of_100_digits(test_images):
    model = mnistcli.train("digits").model

    def labels(images):
        return mnistcli.predict(model, images).classes

    each = {name: agreement(labels, test_images[:300], d) for name, d in DISTURBANCES.items()}
    assert min(each.values()) >= 0.98, each
    assert np.mean(list(each.values())) >= 0.99, each


# --- what people do -----------------------------------------------------------------------------


def seven(width, ink=0, paper=255, size=400):
    image = Image.new("L", (size, size), paper)
    line = [(0.3 * size, 0.2 * size), (0.7 * size, 0.2 * size), (0.45 * size, 0.8 * size)]
    ImageDraw.Draw(image).line(line, fill=ink, width=width, joint="curve")
    return image


def test_steps_tell_what_was_done():
    rng = np.random.default_rng(0)
    inverted = ("dark ink on light paper", "inverted")
    placed = ("scaled to 20 pixels", "centred")
    assert conform(np.array(seven(30))).steps == (*inverted, *placed)
    assert conform(np.array(seven(30, 255, 0))).steps == placed
    assert conform(np.array(seven(3))).steps == (*inverted, "hairline widened", *placed)
    assert conform(np.array(seven(95))).steps == (*inverted, "marker thinned", *placed)
    paper = on_paper(255 - np.array(seven(30)), rng, noise=3, shadow=0.5)
    assert conform(paper).steps == (*inverted, "shading evened out", *placed)
    table = np.full((700, 700), 60, np.uint8)
    table[150:550, 150:550] = np.array(seven(30, 40, 220))
    assert conform(table).steps[0] == "sheet cut out"
    dirty = np.array(seven(30))
    dirty[300:304, 100:104] = 0
    assert conform(dirty).steps == (*inverted, "specks ignored", *placed)


def test_steps_of_a_digit_of_the_right_size(test_images):
    digit = test_images[0]
    assert conform(np.pad(digit, 9)).steps == ("centred",)
    assert conform(255 - np.roll(digit, 3, axis=1)).steps == (
        "dark ink on light paper",
        "inverted",
        "centred",
    )
    assert conform(digit // 2).steps == ("centred",)


@pytest.mark.parametrize("width", [1, 2, 4, 12])
def test_a_hairline_becomes_a_thin_stroke_and_no_thicker(width):
    paper = np.full((400, 400), 255, np.uint8)
    paper[40:360, 200 : 200 + width] = 0
    widened = conform(paper)
    assert "hairline widened" in widened.steps
    assert widened.image.sum() / 255 / 20 == pytest.approx(1.65, abs=0.15)


@pytest.mark.parametrize("width", [1, 2, 4, 8, 16, 30, 50])
def test_every_pen_gives_a_7_of_the_same_shape(width):
    usual = conform(np.array(seven(26))).image.astype(float)
    other = conform(np.array(seven(width))).image.astype(float)
    # The centre of mass may round to the next pixel.
    shifted = [np.roll(other, by, (0, 1)) for by in np.ndindex(3, 3)]
    best = max((usual * np.roll(s, (-1, -1), (0, 1))).sum() / (s**2).sum() ** 0.5 for s in shifted)
    assert best / (usual**2).sum() ** 0.5 > 0.8


@pytest.mark.parametrize("ruled", [False, True])
def test_lines_on_paper_are_no_ink(ruled):
    image = seven(26, 30, 230)
    rows = range(0, 400, 33)
    for at in rows:
        ImageDraw.Draw(image).line((0, at, 400, at), fill=185, width=2)
        if not ruled:
            ImageDraw.Draw(image).line((at, 0, at, 400), fill=185, width=2)
    ImageDraw.Draw(image).line([(120, 80), (280, 80), (180, 320)], fill=30, width=26, joint="curve")
    noise = np.random.default_rng(0).normal(0, 3, (400, 400))
    photo = np.array(image.filter(ImageFilter.GaussianBlur(1))) + noise
    seen = conform(photo.clip(0, 255).astype(np.uint8)).image.astype(int)
    wanted = conform(np.array(seven(26))).image
    assert np.abs(seen - wanted).mean() < 8


def is_alike(seen, wanted):
    near = (np.roll(seen.image, by, (0, 1)) for by in itertools.product((-1, 0, 1), repeat=2))
    return max(np.corrcoef(each.ravel(), wanted.image.ravel())[0, 1] for each in near) > 0.8


def test_lines_and_falling_light_with_more_area_than_the_ink_are_none(test_images):
    rng = np.random.default_rng(0)
    for digit in test_images[:10]:
        y, x = np.mgrid[:480, :640]
        paper = (240 - 0.12 * x - 0.1 * y) * np.where((y + 0.04 * x) % 30 < 3, 0.8, 1)
        large = enlarged(digit, 3)
        paper[200:284, 300:384] *= 1 - 0.85 / 255 * large
        photo = (paper + rng.normal(0, 2, paper.shape)).clip(0, 255).astype(np.uint8)
        assert is_alike(conform(photo), conform(255 - large))


def test_of_two_digits_each_has_an_end_of_the_strokes(test_images):
    ((strokes,),) = find_strokes(255 - np.pad(enlarged(test_images[0], 6), 9), "image")
    every, two = (strokes.digits(in_parts=True, in_two=in_two) for in_two in (False, True))
    last = max(stop for _, stop in every)
    assert last > 2
    assert [*two] == [(start, stop) for start, stop in every if start == 0 or stop == last]
    assert len(two) < len(every)


def test_a_hard_shadow_is_no_ink(test_images):
    rng = np.random.default_rng(0)
    shadow = Image.new("L", (640, 480), 255)
    ImageDraw.Draw(shadow).rectangle((-300, 230, 400, 900), fill=130)
    light = np.asarray(shadow.rotate(12, fillcolor=255).filter(ImageFilter.GaussianBlur(1)))
    n_alike = 0
    for digit in test_images[:10]:
        large = enlarged(digit, 7)
        paper = np.tile(np.linspace(235, 180, 640), (480, 1))
        paper[60:256, 380:576] *= 1 - 0.85 / 255 * large
        photo = paper * light / 255 + rng.normal(0, 2, paper.shape)
        with contextlib.suppress(BadImageError):
            found = conform(photo.clip(0, 255).astype(np.uint8))
            n_alike += is_alike(found, conform(255 - large))
    assert n_alike >= 9


@pytest.mark.parametrize("margin", [4, 20])
@pytest.mark.parametrize("ground", [0, 255])
def test_on_even_ground_a_shaded_card_is_no_paper_of_it(train_images, ground, margin):
    """A scan that was put on a page: the ground is the paper, and not what is wide in the middle."""
    n_alike = 0
    for digit in train_images[:10]:
        large = np.pad(enlarged(digit, 7), 52)
        card = np.linspace(240, 130, 300 - 2 * margin) - 0.4 * large[margin:-margin, margin:-margin]
        picture = np.pad(card.astype(np.uint8), margin, constant_values=ground)
        with contextlib.suppress(BadImageError):
            n_alike += is_alike(conform(picture), conform(255 - large))
    assert n_alike >= 9


@pytest.mark.parametrize("amount", [15, 40])
def test_squares_that_fade_join_no_digits(test_images, amount):
    ink = np.concatenate([enlarged(test_images[i], 3) for i in (0, 2, 3)], axis=1)
    ink = np.pad(ink, 60).astype(float)
    y, x = np.indices(ink.shape)
    fading = np.clip(1.3 - 1.5 * x / x.max(), 0, 1) * np.clip((np.minimum(x, y) - 10) / 20, 0, 1)
    lines = amount * fading * ((x % 30 < 2) | (y % 30 < 2))
    noise = np.random.default_rng(0).normal(0, 2, ink.shape)
    photo = 240 - lines - 170 / 255 * ink + noise
    (line,) = conform_lines(photo.clip(0, 255).astype(np.uint8))
    assert len(line) == 3
    assert "lines ignored" in line[0].steps


@pytest.mark.parametrize("amount", [25, 40])
def test_squares_that_fade_are_no_part_of_a_digit(test_images, amount):
    for digit in test_images[:4]:
        ink = np.pad(enlarged(digit, 3), 60).astype(float)
        y, x = np.indices(ink.shape)
        fading = np.clip(1.3 - 1.5 * x / x.max(), 0, 1) * np.clip(1.3 - 1.5 * y / y.max(), 0, 1)
        lines = amount * fading * ((x % 30 < 2) | (y % 30 < 2))
        noise = np.random.default_rng(0).normal(0, 2, ink.shape)
        photo = 240 - lines - 170 / 255 * ink + noise
        seen = conform(photo.clip(0, 255).astype(np.uint8)).image
        assert np.abs(seen.astype(int) - digit).mean() < 8


@pytest.mark.parametrize("amount", [25, 40])
def test_squares_with_more_ink_than_the_digits_are_none(test_images, amount):
    ink = np.concatenate([enlarged(test_images[i], 2) for i in (0, 2, 3)], axis=1)
    ink = np.pad(ink, 150).astype(float)
    y, x = np.indices(ink.shape)
    lines = amount * ((x % 30 < 2) | (y % 30 < 2))
    noise = np.random.default_rng(0).normal(0, 2, ink.shape)
    photo = 240 - lines - (170 - amount) / 255 * ink + noise
    (line,) = conform_lines(photo.clip(0, 255).astype(np.uint8))
    assert len(line) == 3


@pytest.mark.parametrize("cell", [40, 90])
def test_digits_in_the_cells_of_a_table_are_found(test_images, cell):
    margin = (cell - 28) // 2
    cells = np.pad(test_images[:30], ((0, 0), (margin, margin), (margin, margin)))
    cells = np.maximum(
        cells, np.pad(np.zeros((cell - 2, cell - 2), np.uint8), 1, constant_values=200)
    )
    table = cells.reshape(5, 6, cell, cell).swapaxes(1, 2).reshape(5 * cell, 6 * cell)
    lines = conform_lines(255 - np.pad(table, 50))
    assert [len(line) for line in lines] == [6] * 5
    assert "frame cut off" in lines[0][0].steps
    with pytest.raises(BadImageError, match="holds 30 digits"):
        conform(255 - np.pad(table, 50))


def test_digits_of_all_sizes_are_found_in_a_table(test_images):
    """Those that are lower than a third of the table's shorter side were left out beside one that is not."""
    table = np.full((244, 122), 200, np.uint8)
    for i, (row, column) in enumerate(np.ndindex(4, 2)):
        cell = np.pad(enlarged(test_images[i], 2), 2)
        digit = enlarged(test_images[i], 1) if i % 2 else cell[:56, :56]
        rest = [58 - side for side in digit.shape]
        digit = np.pad(digit, [(each // 2, each - each // 2) for each in rest])
        table[2 + 61 * row : 60 + 61 * row, 2 + 61 * column : 60 + 61 * column] = digit
    table[:, 60:62] = table[::61] = 200
    lines = conform_lines(255 - np.pad(table, 30))
    assert [len(line) for line in lines] == [2] * 4


def test_digits_that_touch_their_boxes_are_digits(test_images):
    """They were dropped with their box, and the digit in the other one answered."""
    for i in range(0, 40, 2):
        boxes = []
        for digit, margin in zip(test_images[i : i + 2], (3, 12), strict=True):
            ink = enlarged(digit, 3)
            ink = ink[ink.max(axis=1) > 128][:, ink.max(axis=0) > 128]
            box = np.pad(ink, ((18, 86 - 18 - len(ink)), (margin, 86 - margin - ink.shape[1])))
            box[:4] = box[-4:] = box[:, :4] = box[:, -4:] = 255
            boxes.append(np.pad(box, 10))
        picture = 255 - np.pad(np.concatenate(boxes, axis=1), 20)
        assert [len(line) for line in conform_lines(picture)] == [2]
        with pytest.raises(BadImageError, match="holds 2 digits"):
            conform(picture)


@pytest.mark.parametrize("slope", [0, 0.03])
def test_a_digit_that_stands_on_a_line_is_the_digit(slope, test_images):
    """A line through its lowest rows, and far to both sides, comes off."""
    for digit in test_images[[0, 3, 4, 5, 6]]:
        ink = np.pad(enlarged(digit, 4), ((40, 60), (100, 100)))
        y, x = np.indices(ink.shape)
        foot = np.flatnonzero((ink > 128).any(axis=1))[-1] - 4
        is_line = (abs(x - ink.shape[1] / 2) < 150) & (abs(y - foot - slope * (x - 156)) < 3)
        found = conform(255 - np.where(is_line, 255, ink).astype(np.uint8)).image
        assert (found > 128).any(axis=1).sum() >= 18  # with all of the line 7, with some of it 12


@pytest.mark.parametrize("first", [333, 492, 762, 810])
def test_digits_that_touch_each_other_stand_on_no_line(first, test_images):
    """Bars and feet of three neighbours were taken for a line and taken off."""
    row = np.zeros((84, 0), np.uint8)
    for image in test_images[first : first + 3]:
        digit = np.kron(image, np.ones((3, 3), np.uint8))
        digit = digit[:, digit.max(axis=0) > 60]
        over = min(6, row.shape[1])
        row = np.pad(row, ((0, 0), (0, digit.shape[1] - over)))
        ink = row[:, -digit.shape[1] :]
        np.maximum(ink, digit, out=ink)
    ((strokes,),) = find_strokes(np.pad(row, 40), "row")
    assert "lines ignored" not in strokes.page.steps


def test_a_long_plate_with_rough_edges_is_a_sheet(test_images):
    ink = np.concatenate([enlarged(test_images[i], 3) for i in (0, 1, 2, 3)], axis=1)
    plate = 40 + 0.8 * np.maximum(ink, np.roll(ink, 4, axis=1))
    wall = np.pad(plate, 70, constant_values=170)
    wall[69, 100:110] = wall[160:170, 69] = 60
    (line,) = conform_lines(wall.astype(np.uint8))
    assert len(line) == 4


def test_digits_touch_the_bent_lines_of_a_table_that_is_open(test_images):
    """A table that is no frame was one piece with them, and what did not touch it was a speck."""
    for bend in (0, 9):
        cells = [np.roll(each, (3, -2), axis=(0, 1)) for each in test_images[:30]]
        ink = np.array(cells).reshape(5, 6, 28, 28).swapaxes(1, 2).reshape(140, 168)
        ink = np.pad(ink.repeat(2, axis=0).repeat(2, axis=1), ((40, 40), (40, 80)))
        y, x = np.indices(ink.shape)
        above = (y - 40 - np.rint(bend * np.sin(x / 90)).astype(int)) % 56
        beside = (x - 40 - np.rint(bend * np.sin(y / 90)).astype(int)) % 56
        is_table = (y >= 30) & (y < 330) & (x > 30)
        picture = 255 - np.where(is_table & ((above < 3) | (beside < 3)), 255, ink).astype(np.uint8)
        assert [len(line) for line in conform_lines(picture)] == [6] * 5


def test_lines_of_paper_that_a_row_touches_join_no_digits(test_images):
    for k in range(0, 20, 2):
        ink = np.concatenate([enlarged(each, 3) for each in test_images[k : k + 5]], axis=1)
        ink = np.pad(ink, 60).astype(float)
        y, x = np.indices(ink.shape)
        bottom = int(np.flatnonzero(ink.max(axis=1) > 128)[-1])
        lines = 90 * ((y - bottom + 3 + 0.03 * x).astype(int) % 60 < 3)
        noise = np.random.default_rng(k).normal(0, 3, ink.shape)
        photo = 200 - np.maximum(150 / 255 * ink, lines) - 0.05 * x + noise
        (line,) = conform_lines(photo.clip(0, 255).astype(np.uint8))
        assert len(line) == 5


def test_beside_what_reaches_in_from_the_border_digits_are_no_specks(test_images):
    ink = test_images[:30].reshape(5, 6, 28, 28).swapaxes(1, 2).reshape(140, 168)
    ink = np.pad(ink, ((200, 250), (150, 150)))
    ink[100:200, :80] = 255
    assert [len(line) for line in conform_lines(255 - ink)] == [6] * 5


@pytest.mark.parametrize("gap", [-6, 4])
def test_a_line_below_digits_is_none_and_joins_none(test_images, gap):
    for i in range(0, 60, 3):
        ink = picture_of_digits(test_images[i : i + 3])
        bottom = int(np.flatnonzero(ink.max(axis=1) > 128)[-1]) + gap
        ink = np.pad(ink, 40)
        ink[40 + bottom : 46 + bottom, 30:-30] = 255
        (line,) = conform_lines(255 - ink)
        assert len(line) == 3


def test_what_reaches_in_from_the_border_is_left_out(test_images):
    paper = np.pad(255 - enlarged(test_images[0], 5), 60, constant_values=255).astype(int)
    noise = np.random.default_rng(0).normal(0, 4, paper.shape)
    alone = conform((paper + noise).clip(0, 255).astype(np.uint8))
    paper[90:140, :30] = 40  # a thumb
    held = conform((paper + noise).clip(0, 255).astype(np.uint8))
    assert np.abs(held.image.astype(int) - alone.image).mean() < 2


def framed(digit, line, margin, turn=0.0, noise=0.0):
    """A digit that fills 60 % of a box of 200 pixels, which lies on a sheet."""
    box = np.pad(255 - enlarged(digit, 6), 16, constant_values=255)
    box = np.pad(box[line:-line, line:-line], line, constant_values=30)
    sheet = Image.fromarray(np.pad(box, margin, constant_values=255))
    turned = sheet.rotate(turn, Image.Resampling.BICUBIC, fillcolor=255)
    drawn = np.array(turned) + np.random.default_rng(0).normal(0, noise, np.shape(turned))
    return drawn.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "frame",
    [(2, 0), (8, 0), (1, 5), (6, 5), (4, 60), (4, 20, 1.5), (3, 20, 0, 4), (6, 300), (5, 0, 0, 3)],
    ids=str,
)
def test_a_frame_is_cut_off(test_images, frame):
    for digit in test_images[:4]:
        conformed = conform(framed(digit, *frame))
        assert conformed.steps[0] == "frame cut off"
        alone = conform(255 - enlarged(digit, 6)).image.astype(int)
        near = (np.roll(conformed.image, by, (0, 1)) for by in np.ndindex(2, 2))
        assert min(np.abs(each.astype(int) - alone).mean() for each in near) < 8


def test_a_frame_that_a_digit_touches_is_cut_off(test_images):
    n_like_alone = 0
    for digit in test_images[:40]:
        ink = np.pad(enlarged(digit, 6), 60)
        top, *_, bottom = np.flatnonzero((ink > 128).any(axis=1)).tolist()
        boxed = Image.fromarray(ink)
        ImageDraw.Draw(boxed).rectangle((70, top - 2, ink.shape[1] - 70, bottom + 2), None, 255, 4)
        with contextlib.suppress(BadImageError):  # parts of it beside others
            found = conform(255 - np.asarray(boxed)).image.astype(int)
            n_like_alone += np.abs(found - conform(255 - ink).image).mean() < 12
    assert n_like_alone > 24


@pytest.mark.parametrize(
    ("kind", "least"), [("touched", 33), ("open", 33), ("reached out of", 18), ("grid", 34)]
)
def test_a_digit_is_cut_free_from_a_frame(kind, least, test_images):
    """Lines were looked for in all of it, so that strokes went, too, or nothing was a frame."""
    n_like_alone = 0
    for digit in test_images[:40]:
        ink = np.pad(enlarged(digit, 6), 60)
        rows, columns = ((ink > 128).any(axis=axis).nonzero()[0].tolist() for axis in (1, 0))
        bottom = rows[-1] - 30 if kind == "reached out of" else rows[-1] + 2
        left, top, right = columns[0] - 30, rows[0] - 25, columns[-1] + 30
        boxed = Image.fromarray(ink)
        draw = ImageDraw.Draw(boxed)
        if kind == "grid":
            for line in ((0, top, 999, top), (0, bottom, 999, bottom)):
                draw.line(line, 255, 4)
            for line in ((left, 0, left, 999), (right, 0, right, 999)):
                draw.line(line, 255, 4)
        else:
            draw.rectangle((left, top, right, bottom), None, 255, 4)
        if kind == "open":
            draw.line((right - 20, bottom - 2, right - 12, bottom - 2), 0, 8)
        with contextlib.suppress(BadImageError):
            found = conform(255 - np.asarray(boxed)).image.astype(int)
            n_like_alone += np.abs(found - conform(255 - ink).image).mean() < 12
    assert n_like_alone >= least


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("beyond", [0, 15])
def test_the_corner_of_a_box_beside_a_digit_is_no_other_digit(turn, beyond, test_images):
    """In whatever corner, and if its lines go on to the border."""
    for digit in test_images[:10]:
        grey = np.pad(255 - enlarged(digit, 5), 30, constant_values=255)
        cornered = Image.fromarray(np.rot90(grey, turn))
        draw = ImageDraw.Draw(cornered)
        draw.line((80, 185, 185 + beyond, 185), 0, 4)
        draw.line((185, 90, 185, 185 + beyond), 0, 4)
        found = conform(np.rot90(np.asarray(cornered), -turn)).image
        assert np.abs(found.astype(int) - conform(grey).image).mean() < 12


def test_a_seven_of_two_lines_is_no_corner():
    """As displays have it: what else there is stands beside it, not in its angle."""
    display = np.full((200, 220), 255, np.uint8)
    display[40:160, 50:58] = 0
    display[40:48, 110:170] = display[40:160, 162:170] = 0
    with pytest.raises(BadImageError, match="2 digits"):
        conform(display)


@pytest.mark.parametrize(("top", "left"), [(20, 100), (130, 30)], ids=["beside", "below"])
def test_a_seven_of_two_lines_at_the_border_is_no_corner(top, left):
    """As displays have it, cut out with what is above or beside: the other is not in its angle."""
    display = np.full((260, 160), 255, np.uint8)
    display[:8, :60] = display[:100, 52:60] = 0
    display[top : top + 100, left : left + 8] = 0
    with pytest.raises(BadImageError, match="2 digits"):
        conform(display)


@pytest.mark.parametrize("by", [0, 12])
def test_of_a_square_zero_with_a_slash_the_slash_goes(by):
    """Or an empty box with a line through it: neither is a one in a frame."""
    zero = Image.new("L", (220, 260), 255)
    draw = ImageDraw.Draw(zero)
    draw.rounded_rectangle((60, 60, 160, 200), 15, None, 0, 9)
    plain = conform(np.asarray(zero)).image
    draw.line((60 - by, 200 + by * 7 / 5, 160 + by, 60 - by * 7 / 5), 0, 9)
    found = conform(np.asarray(zero)).image.astype(int)
    assert np.abs(found - plain).mean() < 12


def test_a_small_soft_frame_is_cut_off(test_images):
    for digit in test_images[:10]:
        box = np.pad(255 - enlarged(digit, 2), 12, constant_values=255)
        sheet = np.pad(np.pad(box, 4, constant_values=60), 60, constant_values=255)
        seen, wanted = (
            conform(np.asarray(Image.fromarray(each).filter(ImageFilter.GaussianBlur(1))))
            for each in (sheet, box)
        )
        assert is_alike(seen, wanted)


def ring(*, across, down, width, end=2 * np.pi):
    """Draw an oval by hand around the middle of a sheet: it may be open, or overlap itself."""
    at, grows = np.linspace(0, end, 80), np.linspace(1, 1.06, 80)
    x, y = 200 + across * grows * np.cos(at), 200 + down * grows * np.sin(at)
    line = list(zip(x.tolist(), y.tolist(), strict=True))
    image = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(image).line(line, fill=40, width=width, joint="curve")
    return image


@pytest.mark.parametrize("end", [6.0, 6.2, 6.7])
@pytest.mark.parametrize(("across", "down", "width"), [(150, 150, 4), (180, 140, 9)])
def test_a_circle_around_a_digit_is_a_frame(across, down, width, end, test_images):
    for digit in test_images[:8]:
        alone = np.full((400, 400), 255, np.uint8)
        alone[130:270, 130:270] -= enlarged(digit, 5)
        around = np.array(ring(across=across, down=down, width=width, end=end))
        found = conform(np.minimum(alone, around))
        assert "frame cut off" in found.steps
        assert is_alike(found, conform(alone))


def test_what_is_in_a_zero_is_no_digit():
    for inside in (
        (145, 260, 255, 140),  # a slash, which ends before the zero does
        (195, 180, 205, 220),  # a dot
    ):
        image = ring(across=100, down=130, width=12)
        ImageDraw.Draw(image).line(inside, fill=40, width=12)
        assert "frame cut off" not in conform(np.array(image)).steps


def test_two_digits_in_a_circle_are_two(test_images):
    pair = np.hstack([enlarged(digit, 5) for digit in test_images[:2]])
    image = np.array(ring(across=150, down=150, width=6))
    image[130:270, 60:340] -= np.minimum(image[130:270, 60:340], pair)
    with pytest.raises(BadImageError, match="holds 2 digits"):
        conform(image)


def test_what_is_no_frame():
    def drawn(*lines, width):
        image = Image.new("L", (200, 300), 255)
        for line in lines:
            ImageDraw.Draw(image).line(line, fill=0, width=width)
        return np.array(image)

    zero = [(50, 50), (150, 50), (150, 250), (50, 250), (50, 45)]
    for picture in (
        drawn(zero, width=8),  # nothing is in it
        # One side is too crooked for a line, and was read as a one.
        drawn([(52, 49), (151, 52), (147, 158), (40, 150), (52, 45)], width=4),
        drawn([(50, 50), (150, 60), (150, 250), (50, 240), (65, 150), (50, 45)], width=8),
        drawn(zero, [(50, 150), (150, 150)], width=16),  # an 8 of seven segments
        drawn(zero, [(95, 150), (105, 150)], width=10),  # a dotted zero
    ):
        assert "frame cut off" not in conform(picture).steps


@pytest.mark.parametrize("radius", [20, 50])
def test_a_dark_tile_with_round_corners_is_the_paper(test_images, radius):
    for digit in test_images[:8]:
        tile = np.pad(enlarged(digit, 5), 40)
        mask = Image.new("1", tile.shape)
        last = len(tile) - 1
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, last, last), radius, fill=1)
        found = conform(np.where(mask, tile, 255).astype(np.uint8)).image.astype(int)
        assert np.abs(found - conform(tile).image).mean() < 4


def picture_of_digits(digits, gap=10):
    return np.concatenate([np.pad(enlarged(d, 5), ((0, 0), (gap, gap))) for d in digits], axis=1)


@pytest.mark.parametrize(
    ("picture", "problem"),
    [
        (np.zeros((28, 28), np.uint8), "is blank: no ink"),
        (np.full((300, 200), 255, np.uint8), "is blank: no ink"),
        (np.full((1, 1), 7, np.uint8), "is blank: no ink"),
        (np.random.default_rng(1).normal(128, 9, (200, 200)).astype(np.uint8), "is blank"),
        (
            np.random.default_rng(1).integers(0, 256, (200, 300)).astype(np.uint8),
            "is noise, or full of",
        ),
        (np.pad(np.full((80, 90), 255, np.uint8), 40), "is all ink"),
        (np.array([[254, 0, 0, 0], [0] * 4, [0] * 4, [254, 0, 0, 254]], np.uint8), "is all ink"),
    ],
    ids=["black", "white", "one pixel", "paper", "noise", "block", "three corners"],
)
def test_no_digit(picture, problem):
    with pytest.raises(BadImageError, match=problem) as caught:
        conform(picture, source="my.png")
    assert str(caught.value).startswith("my.png: ")


def test_stripes_as_fine_as_pixels_are_no_digit():
    """Of the pixels that a coarse look takes none is light."""
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 64))
    with pytest.raises(BadImageError, match="digits that touch, or none"):
        Reader(mnistcli.load_model("builtin")).picture(stripes)


def test_a_grid_of_hundreds_of_digits_is_told_how_to_be_cut(test_images, tmp_path):
    rows = test_images[:5000, 4:24, 4:24].reshape(50, 100, 20, 20).swapaxes(1, 2)
    Image.fromarray(np.ascontiguousarray(rows).reshape(1000, 2000)).save(tmp_path / "digits.png")
    (picture,) = read_pictures(tmp_path / "digits.png")
    with pytest.raises(BadImageError, match="is noise, or full of small marks") as caught:
        conform(picture.grey)
    topic = read_topic(caught.value.hint.split()[-1])
    code = "import numpy, PIL.Image\n" + re.search(r"```\n(a = .*?)```", topic, re.DOTALL)[1]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    images = np.load(tmp_path / "digits.npz")["images"]
    np.testing.assert_array_equal(images, test_images[:5000, 4:24, 4:24])


def test_a_spot_in_a_corner_is_no_digit():
    grey = np.full((4, 4), 9, np.uint8)
    grey[0] = 0, 128, 0, 9
    with pytest.raises(BadImageError, match="is blank"):
        conform(grey)


def test_uneven_light_is_taken_out_to_a_hair(test_images):
    rng = np.random.default_rng(0)
    for digit in test_images[:20]:
        even = conform(255 - enlarged(digit, 4)).image
        back = conform(in_bent_light(enlarged(digit, 4), rng, noise=0)).image
        assert np.abs(back.astype(int) - even).mean() < 1.5


def test_pictures_smaller_than_mnists_box_are_enlarged(test_images):
    for digit in test_images[:30]:
        small = np.asarray(
            Image.fromarray(digit[4:24, 4:24]).resize((10, 10), Image.Resampling.BOX)
        )
        found = conform(small).image
        assert np.corrcoef(found.ravel(), conform(digit[4:24, 4:24]).image.ravel())[0, 1] > 0.7


def window(grey):
    grey[:14], grey[:, [0, -1]] = 60, 120
    grey[-1] = 120


def toolbar(grey):
    for left in range(3, 160, 14):
        grey[6:18, left : left + 10] = 100


def line_along_the_side(grey):
    grey[:, 12:14] = 90


def test_buttons_and_the_desk_around_a_canvas_are_no_ink(test_images):
    rng = np.random.default_rng(0)
    for digit in test_images[:10]:
        grey = np.full((600, 900), 211, np.uint8)
        grey[:100] = 245
        for left in range(12, 400, 40):
            grey[50:75, left : left + 25] = rng.integers(0, 200)
        canvas = np.pad(255 - enlarged(digit, 6), 60, constant_values=255)
        grey[105:393, 5:293] = canvas
        assert is_alike(conform(grey), conform(canvas))


@pytest.mark.parametrize("draw", [window, line_along_the_side])
def test_what_reaches_from_border_to_border_is_no_ink(test_images, draw):
    for digit in test_images[:20]:
        grey = np.pad(255 - enlarged(digit, 5), ((40, 10), (30, 30)), constant_values=255)
        alone = conform(grey).image
        draw(grey)
        assert np.abs(conform(grey).image.astype(int) - alone).mean() < 1


def test_a_toolbar_is_no_bar_of_a_digit(test_images):
    for digit in test_images[:20]:
        grey = np.pad(255 - enlarged(digit, 4), ((30, 10), (30, 50)), constant_values=255)
        toolbar(grey)
        with contextlib.suppress(BadImageError):  # it may be taken for a second digit
            assert conform(grey).image[:9, 4:24].max(axis=0).min() == 0


def test_the_hole_of_a_0_is_no_digit_on_a_sheet():
    for turn, thickness in itertools.product((20, 30, 40), (26, 32)):
        picture = Image.new("L", (150, 110), 230)
        ImageDraw.Draw(picture).ellipse((0, 0, 149, 109), outline=20, width=thickness)
        turned = 255 - np.asarray(picture.rotate(turn, expand=True, fillcolor=230))
        ink = turned > 128
        tight = turned[np.ix_(ink.any(axis=1), ink.any(axis=0))]
        assert "sheet cut out" not in conform(tight).steps


def test_a_row_of_digits_may_be_as_high_as_its_picture(test_images):
    rng = np.random.default_rng(0)
    for k in range(0, 60, 3):
        tall = [
            Image.fromarray(digit[4:24, 4:24]).resize((80, 80)) for digit in test_images[k : k + 2]
        ]
        low = enlarged(test_images[k + 2], 2)
        row = np.hstack([
            np.pad(each, ((0, 0), (0, 12)))
            for each in (tall[0], np.pad(low, ((12, 12), (0, 0))), tall[1])
        ])  # fmt: skip
        noisy = row * 0.8 + 20 + rng.normal(0, 6, row.shape)
        with pytest.raises(BadImageError, match=r"holds \d digits"):
            conform(noisy.clip(0, 255).astype(np.uint8))


def test_two_digits_close_above_each_other_are_two(test_images):
    n_refused = 0
    for k in range(0, 40, 2):
        a, b = (
            Image.fromarray(digit[4:24, 4:24]).resize((80, 80)) for digit in test_images[k : k + 2]
        )
        pair = np.vstack([trim(a), np.zeros((4, 80), np.uint8), trim(b)])
        try:
            conform(np.pad(pair, 8))
        except BadImageError as error:
            n_refused += "holds 2 digits" in error.problem
    assert n_refused >= 19


def trim(picture):
    grey = np.asarray(picture)
    return grey[(grey > 60).any(axis=1)]


def test_a_turned_scan_with_dust_on_it_is_no_frame(test_images):
    rng = np.random.default_rng(0)
    for digit in test_images[:4]:
        scan = Image.fromarray(255 - enlarged(digit, 7)).rotate(8, expand=True, fillcolor=0)
        grey = np.where(np.asarray(scan)[10:-10, 10:-10] > 128, 255, 0).astype(np.uint8)
        grey[(rng.random(grey.shape) < 0.01) & (grey == 0)] = 255
        assert [len(line) for line in find_strokes(grey, "scan")] == [1]


@pytest.mark.parametrize("turn", [0, 6])
def test_a_sheet_is_cut_out_however_large_the_digit_on_it_is(test_images, turn):
    for digit in test_images[:20]:
        sheet = Image.fromarray(255 - np.pad(enlarged(digit, 5)[15:125, 15:125], 8))
        sheet = sheet.rotate(turn, expand=True, fillcolor=70)
        found = conform(np.pad(np.asarray(sheet), 30, constant_values=70))
        assert found.steps[0] == "sheet cut out"
        alone = conform(255 - np.asarray(Image.fromarray(enlarged(digit, 5)).rotate(turn))).image
        assert np.corrcoef(found.image.ravel(), alone.ravel())[0, 1] > 0.7


def test_a_sheet_on_a_rough_table_is_cut_out_with_all_of_its_digit(train_images):
    """Its edge was too bent at the roughest pixel, and a digit near to it was cut."""
    rng, n_alike = np.random.default_rng(0), 0
    for digit in train_images[:20]:
        large, turn = Image.fromarray(enlarged(digit, 9)), float(rng.uniform(-12, 12))
        note = np.pad(235 - 0.84 * trim(large), ((8, 8), (60, 60)), constant_values=235)
        note = Image.fromarray(note.astype(np.uint8)).convert("LA")
        note = note.rotate(turn, Image.Resampling.BICUBIC, expand=True)
        table = 90 + rng.normal(0, 14, (note.height + 150, note.width + 200))
        picture = Image.fromarray(table.clip(0, 255).astype(np.uint8))
        picture.paste(note.getchannel("L"), (120, 70), note.getchannel("A"))
        alone = np.asarray(large.rotate(turn, Image.Resampling.BICUBIC))
        with contextlib.suppress(BadImageError):
            n_alike += is_alike(conform(np.asarray(picture)), conform(255 - alone))
    assert n_alike >= 18


def corners(grey):
    y, x = np.indices(grey.shape)
    for near in (x / 60 + y / 90, (grey.shape[1] - x) / 80 + (grey.shape[0] - y) / 40):
        grey[near < 1] = 40


def wedges(grey):
    y, x = np.indices(grey.shape)
    grey[(y < 9 + x / 20) | (x > grey.shape[1] - 20 + y / 60)] = 70


def turned(grey):
    picture = Image.fromarray(grey)
    grey[:] = np.asarray(picture.rotate(5, Image.Resampling.BICUBIC, fillcolor=0))


@pytest.mark.parametrize(
    ("corners", "width"),
    [
        ([(159, 58), (282, 61), (240, 341), (119, 341), (162, 56)], 41),
        ([(110, 74), (310, 69), (284, 329), (83, 330), (102, 70)], 38),
    ],
)
def test_a_0_with_corners_is_no_sheet(corners, width):
    picture = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(picture).line(corners, fill=0, width=width, joint="curve")
    found = conform(np.asarray(picture))
    assert "sheet cut out" not in found.steps
    assert mnistcli.predict("builtin", found.image[None]).classes == 0


def test_a_9_with_corners_is_no_sheet_beside_its_tail():
    corners = [(304, 169), (98, 176), (61, 79), (301, 81), (309, 321)]
    picture = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(picture).line(corners, fill=0, width=46, joint="curve")
    found = conform(np.asarray(picture))
    assert "sheet cut out" not in found.steps
    assert mnistcli.predict("builtin", found.image[None]).classes == 9


@pytest.mark.parametrize("table", [corners, wedges, turned])
def test_a_table_that_shows_beside_its_sheet_is_no_ink(test_images, table):
    rng = np.random.default_rng(0)
    for k in range(0, 15, 3):
        row = np.pad(picture_of_digits(test_images[k : k + 3], 20), ((120, 120), (90, 90)))
        y, x = np.indices(row.shape) / np.array(row.shape)[:, None, None] - 0.5
        row = (205 - 0.7 * row) * (1 - 0.4 * (x**2 + y**2))
        table(row)
        noisy = row + rng.normal(0, 3, row.shape)
        grey = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
        read = np.asarray(grey.filter(ImageFilter.GaussianBlur(1)))
        assert [len(line) for line in find_strokes(read, "photograph")] == [3]


def test_small_corners_of_a_table_in_fading_light_are_no_digits(test_images):
    rng, n_whole = np.random.default_rng(5), 0
    for _ in range(25):
        height, width, n = rng.integers([500, 700, 3], [900, 1200, 7])
        ink = np.zeros((height, width))
        for i, j in np.ndindex(2, n):
            side = int(min(width / (n + 1), height / 3) * rng.uniform(0.55, 0.85))
            digit = Image.fromarray(test_images[rng.integers(100)]).resize((side, side))
            top, left = (
                int((k + 0.5) * each - side / 2) for k, each in ((i, height / 2), (j, width / n))
            )
            ink[top : top + side, left : left + side] = np.asarray(digit) / 255
        y, x = np.indices(ink.shape) / np.array(ink.shape)[:, None, None]
        middle = rng.uniform(0.3, 0.7, 2)
        fading = rng.uniform(0.1, 0.45) * ((y - middle[0]) ** 2 + (x - middle[1]) ** 2)
        grey = rng.uniform(170, 230) * (1 - fading) * (1 - 0.7 * ink)
        for u in (x, 1 - x):
            for v in (y, 1 - y):
                wide, high = rng.uniform([0.02, 0.03], [0.09, 0.15])
                if rng.random() < 0.6:
                    grey[u / wide + v / high < 1] = rng.uniform(20, 80)
        soft = Image.fromarray(grey.clip(0, 255).astype(np.uint8)).filter(
            ImageFilter.GaussianBlur(1)
        )
        noisy = (np.asarray(soft) + rng.normal(0, 3, grey.shape)).clip(0, 255).astype(np.uint8)
        n_whole += [len(line) for line in find_strokes(noisy, "photograph")] == [n, n]
    assert n_whole == 25


def in_perspective(paper, y, x):
    """A sheet with four corners on a darker table, of which hardly a side is level."""
    is_sheet = (
        (y > 30 + 0.08 * x) & (x > 20 + 0.15 * y) & (y < 440 - 0.05 * x) & (x < 600 - 0.3 * y)
    )
    return np.where(is_sheet, paper, 70)


def dark_corners(paper, y, x):
    return paper * (1 - 0.37 * (((y - 240) / 240) ** 2 + ((x - 320) / 320) ** 2))


def shining_through(paper, y, x):
    return paper - 25.0 * (np.abs(np.hypot(y - 190, x - 300) - 60) < 8)


def margin_line(paper, y, x):
    rules = np.where((y + 0.05 * x) % 40 < 3, paper - 60, paper)
    return np.where(np.abs(x - 60 + 0.05 * y) < 2, paper - 115, rules)


@pytest.mark.parametrize(
    ("photograph", "ink"),
    [(in_perspective, 0.85), (dark_corners, 0.8), (shining_through, 0.8), (margin_line, 0.6)],
)
def test_photographs_of_paper_are_read(test_images, photograph, ink):
    rng, n_alike = np.random.default_rng(0), 0
    y, x = np.mgrid[:480, :640]
    for digit in test_images[:15]:
        large = enlarged(digit, 8)
        grey = photograph(np.full(y.shape, 230.0), y, x)
        grey[130:354, 200:424] *= 1 - ink / 255 * large
        grey += rng.normal(0, 3, grey.shape)
        with contextlib.suppress(BadImageError):
            found = conform(grey.clip(0, 255).astype(np.uint8))
            n_alike += is_alike(found, conform(255 - large))
    assert n_alike >= 14


@pytest.mark.parametrize(
    "light",
    [
        lambda y, x: 200 - 70 * ((y + 1) / 2) ** 4 - 14 * x * x,
        lambda y, x: 200 - 35 * (y * y + x * x),
        lambda y, x: 200 - 25 * (y * y + x * x) ** 2,
    ],
    ids=["below", "around", "in corners"],
)
def test_paper_that_darkens_towards_the_border_is_no_ink_there(test_images, light):
    """Where all around is darker, paper was taken for ink, or its middle for a digit."""
    rng, n_alike = np.random.default_rng(0), 0
    y, x = np.mgrid[-1:1:400j, -1:1:300j]
    for digit in test_images[:20]:
        large = Image.fromarray(np.pad(enlarged(digit, 8), ((90, 86), (40, 36))))
        faint = np.asarray(large.filter(ImageFilter.GaussianBlur(5))) / 255
        grey = light(y, x) * (1 - 0.1 * faint) + rng.normal(0, 1, y.shape)
        with contextlib.suppress(BadImageError):
            found = conform(grey.clip(0, 255).astype(np.uint8))
            n_alike += is_alike(found, conform(np.asarray(large)))
    assert n_alike >= 17


def test_the_inside_of_an_0_on_a_sheet_is_none(test_images):
    zero = enlarged(test_images[3], 13)
    y, x = np.mgrid[:480, :640]
    is_sheet = (
        (y > 20 - 0.05 * x) & (x > 20 + 0.05 * y) & (y < 475 - 0.06 * x) & (x < 655 - 0.12 * y)
    )
    grey = np.where(is_sheet, 220.0, 70)
    grey[60:424, 150:514] -= 0.7 * zero
    noisy = grey + np.random.default_rng(0).normal(0, 1, grey.shape)
    assert is_alike(conform(noisy.astype(np.uint8)), conform(255 - zero))


def test_one_level_has_no_threshold():
    assert otsu_threshold(np.bincount([128] * 9, minlength=256)) == (128, 128.0, 128.0)


def test_a_thumb_at_the_border_is_no_digit(test_images):
    for digit in test_images[:20]:
        grey = 210 - 0.7 * np.pad(enlarged(digit, 2), 60)
        y, x = np.indices(grey.shape)
        grey[np.hypot(x - 50, y - len(grey)) < 34] = 120
        conform((grey + np.random.default_rng(0).normal(0, 3, grey.shape)).astype(np.uint8))


@pytest.mark.parametrize("thick", [False, True], ids=["alone", "beside a thumb"])
def test_a_one_is_no_rest_of_what_ends_above_it(thick):
    """It was dropped with the latter, and all was: a traceback."""
    ink = np.zeros((160, 160))
    ink[:40, 60:68] = ink[44:124, 60:68] = 1
    ink[30:120, 130:] = thick
    grey = 200 - 100 * ink + np.random.default_rng(0).normal(0, 2, ink.shape)
    assert "what reaches in ignored" in conform(grey.astype(np.uint8)).steps


def test_strokes_that_lighter_paper_outweighs_are_none():
    """Of their mean nothing was left to scale: a traceback."""
    ink = np.where(np.pad(np.eye(240, dtype=np.bool_), 20), np.float32(1), np.float32(-1))
    pieces = pieces_of(ink > 0)
    page = Page(ink, (0, 0), 1, ink, ink, pieces, [], ())
    with pytest.raises(NoDigitError, match="is blank"):
        with_readable_strokes(digit_of(page, pieces.pixels([0]))[0])


def test_a_stroke_of_which_no_pixel_is_left_at_20_is_none():
    """Beside it, in each of MNIST's pixels, is much that is lighter than paper."""
    ink = np.full((240, 240), -10, np.float32)
    ink[:, 123:141] = 1
    with pytest.raises(NoDigitError, match="is blank"):
        placing._place(Digit(ink, Box(0, 240, 0, 240), ()))


def cut_out(digit, left):
    """Dark ink on a piece of paper, 90 x 140, that was cut out of a form."""
    paper = np.full((140, 90), 250, np.uint8)
    paper[28:112, left : left + 84] -= np.kron(digit, np.ones((3, 3), np.uint8)) // 4 * 3
    return Image.fromarray(paper)


@pytest.mark.parametrize(("size", "most", "most_alone"), [(1.6, 0, 2), (2.2, 3, 5)])
def test_a_larger_digit_at_the_border_is_no_thumb(test_images, size, most, most_alone):
    """The other one was answered without a word; what is left out is told."""
    n_one = n_alone = 0
    for small, large in zip(test_images[10:30], test_images[30:50], strict=True):
        drawn = Image.new("L", (150, 110), 0)
        drawn.paste(Image.fromarray(enlarged(small[4:24, 4:24], 2)), (10, 35))
        side = round(size * 40)
        ink = np.flatnonzero(large.max(axis=0) > 60)
        piece = Image.fromarray(large[4:24, ink[0] : ink[-1] + 1])
        piece = piece.resize((round(piece.width * side / 20), side), Image.Resampling.BICUBIC)
        drawn.paste(piece, (150 - piece.width, 55 - side // 2))
        photo = on_paper(np.asarray(drawn), np.random.default_rng(0), noise=2, shadow=0.2)
        with contextlib.suppress(BadImageError):
            found = conform(photo)
            n_alone += 1
            n_one += "what reaches in ignored" not in found.steps
    assert n_one <= most
    assert n_alone <= most_alone


def test_a_smaller_digit_is_no_part_of_a_bold_one(test_images):
    """What is light, low and near was joined to it, as the other half of a 4 is."""
    n_one = 0
    for small, large in zip(test_images[10:30], test_images[30:50], strict=True):
        digits = enlarged(small, 2), enlarged(large, 5)
        digits = [digit[:, np.flatnonzero(digit.max(axis=0) > 60)] for digit in digits]
        left = 42 + digits[0].shape[1]
        drawn = np.zeros((200, left + digits[1].shape[1] + 30), np.uint8)
        drawn[72:128, 12 : left - 30] = digits[0]
        drawn[30:170, left : left + digits[1].shape[1]] = digits[1]
        with contextlib.suppress(BadImageError):
            conform(on_paper(drawn, np.random.default_rng(0), noise=2, shadow=0.2))
            n_one += 1
    assert n_one == 0


@pytest.mark.parametrize(
    "lines",
    [
        [(85, 0, 87, 139, 8)],
        [(2, 0, 5, 139, 8)],
        [(89, 4, 89, 60, 1), (88, 75, 89, 139, 2)],
    ],
    ids=["right", "left", "scraps"],
)
def test_what_is_left_of_a_box_along_the_border_is_no_ink(test_images, lines):
    for digit in test_images[:20]:
        picture = cut_out(digit, 0)
        alone = conform(np.asarray(picture)).image
        for *line, width in lines:
            ImageDraw.Draw(picture).line(line, fill=61, width=width)
        assert np.array_equal(conform(np.asarray(picture)).image, alone)


def test_a_1_at_the_border_of_what_was_cut_at_the_ink_is_a_digit():
    picture = Image.new("L", (100, 80), 255)
    draw = ImageDraw.Draw(picture)
    draw.line((12, 0, 4, 79), fill=0, width=8)
    draw.ellipse((34, 20, 99, 76), outline=0, width=9)
    for turned in (picture, ImageOps.mirror(picture)):
        with pytest.raises(BadImageError, match="holds 2 digits"):
            conform(np.asarray(turned))


def test_several_digits_in_a_frame_are_counted(test_images):
    two = np.pad(255 - picture_of_digits(test_images[:2], 20), 9, constant_values=255)
    with pytest.raises(BadImageError, match="holds 2 digits"):
        conform(np.pad(np.pad(two, 3), 20, constant_values=255))


def test_several_digits_are_refused_and_counted(test_images):
    for k in range(0, 60, 2):
        with pytest.raises(BadImageError, match="holds 2 digits"):
            conform(picture_of_digits(test_images[k : k + 2]), source="my.png")
        with pytest.raises(BadImageError, match="holds 2 digits"):
            conform(picture_of_digits(test_images[k : k + 2].transpose(0, 2, 1)).T)


def test_a_page_whose_lines_hardly_stand_apart_is_several(test_images):
    """All of it, 36 digits, was one, as each is close to the next."""
    for first in range(0, 480, 40):
        page = np.zeros((0, 400), np.uint8)
        for start in range(first, first + 36, 6):
            digits = [
                np.kron(image, np.ones((3, 3), np.uint8)) for image in test_images[start:][:6]
            ]
            row = np.concatenate(
                [np.pad(each[:, each.max(axis=0) > 60], ((0, 0), (2, 2))) for each in digits],
                axis=1,
            )
            row = row[row.max(axis=1) > 60]
            page = np.concatenate([page, np.pad(row, ((2, 2), (0, 400 - row.shape[1])))])
        with pytest.raises(BadImageError, match=r"holds \d+ digits"):
            conform(255 - np.pad(page, 40))


# Test images with a broken stroke, or a scanner's line beside them, or hardly any hole.
BROKEN = (3448, 5676, 6558, 8020, 6080, 6154, 8097)


@pytest.mark.parametrize("index", BROKEN)
def test_a_digit_in_pieces_is_one_digit(test_images, index):
    digit = test_images[index]
    for picture in (np.pad(digit, 4), enlarged(digit, 3), 255 - enlarged(digit, 8, "LANCZOS")):
        back = conform(picture)
        is_fat = "marker thinned" in back.steps  # as one of a hundred of MNIST's
        assert is_fat or np.abs(back.image.astype(int) - digit).mean() < 3


@pytest.mark.torture
def test_of_10_000_digits_hardly_any_is_taken_for_two(test_images):
    """A few have a rest of what stood beside them, as high as a smaller digit."""
    n_refused = 0
    for digit in test_images:
        for drawn in (np.pad(digit, 4), enlarged(digit, 3)):
            try:
                conform(drawn)
            except BadImageError:
                n_refused += 1
    assert n_refused <= 10


def test_hardly_any_digit_of_mnist_is_taken_for_two(test_images):
    # The strokes of some are broken; see above for digits that are apart.
    for digit in test_images[:300]:
        conform(np.pad(enlarged(digit, 4, "NEAREST"), 10))


@given(
    hnp.arrays(
        np.uint8,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=40),
        elements=st.sampled_from([0, 1, 9, 128, 200, 254, 255]),
    )
)
@settings(max_examples=300, deadline=None)
def test_any_array_gives_a_digit_or_one_line(grey):
    before = grey.copy()
    try:
        conformed = conform(grey)
    except BadImageError as error:
        assert "\n" not in str(error)
        return
    assert np.array_equal(grey, before)
    assert conformed.image.shape == (28, 28)
    assert conformed.image.dtype == np.uint8
    assert conformed.image.max() >= 250


# --- encodings ----------------------------------------------------------------------------------


def encodings(grey):
    """One picture, dark on light (height, width), in 28 encodings."""
    image = Image.fromarray(grey)
    rgb = image.convert("RGB")
    ink = Image.fromarray(255 - grey)
    white, black = Image.new("L", image.size, 255), Image.new("L", image.size, 0)
    palette = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    four = image.quantize(16)
    yellow = Image.merge("RGB", (white, white, image))
    pictures = {
        "L.png": image, "L.bmp": image, "L.gif": image, "L.pgm": image, "L.tiff": image,
        "L.jpg": image, "RGB.png": rgb, "RGB.bmp": rgb, "RGB.ppm": rgb, "RGB.tiff": rgb,
        "RGB.jpg": rgb, "CMYK.jpg": rgb.convert("CMYK"), "CMYK.tiff": rgb.convert("CMYK"),
        "I16.png": deep, "I16.tiff": deep, "F.tiff": Image.fromarray(grey / np.float32(255)),
        "1.png": image.convert("1", dither=Image.Dither.NONE),
        "1.bmp": image.convert("1", dither=Image.Dither.NONE),
        "1.pbm": image.convert("1", dither=Image.Dither.NONE),
        "P.png": palette, "P.gif": palette, "P4.png": four, "inverted.png": ink,
        "LA black on nothing.png": Image.merge("LA", (black, ink)),
        "LA white on nothing.png": Image.merge("LA", (white, ink)),
        "RGBA black on nothing.png": Image.merge("RGBA", (black, black, black, ink)),
        "RGBA white on nothing.tiff": Image.merge("RGBA", (white, white, white, ink)),
        "RGBA opaque.png": rgb.convert("RGBA"), "yellow.png": yellow,
    }  # fmt: skip
    files = {}
    for name, picture in pictures.items():
        file = io.BytesIO()
        bits = {"bits": 4} if name.startswith("P4") else {}
        kind = {"jpg": "JPEG", "pgm": "PPM", "pbm": "PPM"}.get(name.split(".")[-1])
        picture.save(file, kind or name.split(".")[-1], **bits)
        files[name] = file.getvalue()
    for orientation in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
        file = io.BytesIO()
        image.transpose(Image.Transpose(undo)).save(file, "PNG", exif=exif)
        files[f"EXIF {orientation}"] = file.getvalue()
    return files


# A clean 0, 1, ... 9 of the test set.
CLEAN = (3, 2, 1, 18, 4, 15, 21, 0, 61, 7)


def test_ten_digits_in_all_encodings(test_images, label_of):
    n = 0
    for k, digit in enumerate(test_images[list(CLEAN)]):
        for name, data in encodings(255 - enlarged(digit, 8)).items():
            (picture,) = read_pictures("-", stdin=io.BytesIO(data))
            label = int(label_of(conform(picture.grey).image)[0])
            assert label == k, name
            n += 1
    assert n == 360


# --- several digits -----------------------------------------------------------------------------


@pytest.mark.parametrize("slope", [-0.15, 0.0, 0.15])
@pytest.mark.parametrize("gap", [12, 40])
def test_digits_are_found_line_by_line(rows_of, test_images, label_of, gap, slope):
    lines = (CLEAN[:5], CLEAN[5:])
    found = conform_lines(rows_of(*lines, gap=gap, slope=slope))
    assert [len(line) for line in found] == [5, 5]
    seen = np.array([digit.image for line in found for digit in line])
    wanted = label_of(test_images[list(CLEAN)])
    assert np.mean(label_of(seen) == wanted) >= 0.9
    for line in found:
        assert all(a.box.right <= b.box.left + 1 for a, b in itertools.pairwise(line))


@pytest.mark.parametrize("slope", [-0.15, 0.1])
def test_digits_of_a_line_that_rises_or_falls_are_as_they_were_written(rows_of, slope):
    """They were moved column by column as if the picture were turned: upright ones were bent."""
    (found,), (wanted,) = (conform_lines(rows_of(CLEAN[:5], gap=40, slope=at)) for at in (slope, 0))
    assert len(found) == len(wanted) == 5
    for a, b in zip(found, wanted, strict=True):
        assert np.abs(a.image.astype(int) - b.image).mean() < 4


def test_boxes_are_in_pixels_of_the_picture(test_images):
    digit = 255 - enlarged(test_images[0], 4)
    dark = np.argwhere(digit < 128)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0) + 1
    for down, across in ((0, 0), (300, 20), (1500, 2200)):
        picture = np.pad(digit, ((down + 20, 40), (across + 20, 40)), constant_values=255)
        ((found,),) = conform_lines(picture)
        wanted = np.array([top, bottom, left, right]) + np.repeat([down + 20, across + 20], 2)
        assert np.abs(np.array(found.box) - wanted).max() <= 5


def test_specks_dashes_and_points_are_no_digits(rows_of):
    picture = rows_of(CLEAN[:4], gap=60)
    ((*_, last),) = conform_lines(picture)
    picture[10:14, 20:24] = 30
    middle = round((last.box.top + last.box.bottom) / 2)
    picture[middle : middle + 5, -40:-20] = 30
    assert [len(line) for line in conform_lines(picture)] == [4]


def test_several_digits_are_never_one(rows_of):
    rng = np.random.default_rng(0)
    for gap in (0, 4, 20):
        for _ in range(5):
            picture = rows_of(rng.choice(CLEAN, 4), gap=gap)
            with pytest.raises(BadImageError, match="digits") as caught:
                conform(picture)
            assert "--number" in caught.value.hint, gap


def test_a_screen_of_dots_is_refused_soon():
    dots = np.tile(np.pad(np.zeros((2, 2), np.uint8), (0, 4), constant_values=255), (120, 120))
    for read in (conform, conform_lines):
        with pytest.raises(BadImageError, match="pieces of ink"):
            read(dots)


@pytest.mark.parametrize(("width", "drop"), [(15, 0), (30, 0), (30, 6)])
def test_a_stroke_from_left_to_right_is_not_several_digits(width, drop):
    picture = Image.new("L", (60, 60), 255)
    ImageDraw.Draw(picture).line((10, 25, 10 + width, 25 + drop), fill=0, width=3)
    assert conform(np.array(picture)).image.any()


@pytest.mark.parametrize("turn", [5, -12, 20, 33, -40])
def test_the_dark_corners_of_a_turned_scan_are_no_ink(test_images, turn):
    for digit in test_images[[0, 2, 3, 4, 7]]:
        sheet = Image.fromarray(np.pad(255 - enlarged(digit, 6), 24, constant_values=250))
        scan = sheet.rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor=8)
        upright = sheet.rotate(turn, Image.Resampling.BICUBIC, expand=True, fillcolor=250)
        seen = conform(np.array(scan))
        assert seen.steps[0] == "sheet cut out"
        wanted = conform(np.array(upright)).image.astype(int)
        near = (np.roll(seen.image, by, (0, 1)) for by in np.ndindex(2, 2))
        assert min(np.abs(each.astype(int) - wanted).mean() for each in near) < 8


def test_soft_edges_of_a_crop_are_no_shade(test_images):
    n_as_it_is = 0
    for image in test_images[:60]:
        coarse = Image.fromarray(255 - image[4:24, 4:24]).resize((8, 8), Image.Resampling.BOX)
        grey = np.asarray(coarse.resize((160, 160), Image.Resampling.BICUBIC))
        rows, columns = (np.flatnonzero((grey < 128).any(axis=axis)) for axis in (1, 0))
        with contextlib.suppress(BadImageError):
            found = conform(grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
            n_as_it_is += "shading evened out" not in found.steps
    assert n_as_it_is >= 48


@pytest.mark.parametrize("side", [14, 16, 18, 20, 24])
@pytest.mark.parametrize(("width", "blur", "least"), [(1, 0, 9), (2, 0.7, 10), (2, 1, 8)])
def test_small_crops_at_the_ink_are_read(side, width, blur, least):
    """Most neighbours lie on edges, which were noise, and what is thin lines, which were no ink."""
    model, n_right = mnistcli.load_model("builtin"), 0
    for digit, strokes in DIGITS.items():
        drawn = Image.new("L", (60, 60), 255)
        for points in strokes:
            at = [(30 + 0.35 * side * x, 30 + 0.5 * side * y) for x, y in points]
            ImageDraw.Draw(drawn).line(at, fill=0, width=width)
        grey = np.asarray(drawn.filter(ImageFilter.GaussianBlur(blur)))
        rows, columns = (np.flatnonzero((grey < 153).any(axis=axis)) for axis in (1, 0))
        with contextlib.suppress(BadImageError):
            found = conform(grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
            n_right += mnistcli.predict(model, found.image).answers[0] == str(digit)
    assert n_right >= least


@pytest.mark.parametrize("level", [0, 90, 255])
@pytest.mark.parametrize(("height", "width"), [(16, 1), (17, 2), (12, 3), (60, 8), (200, 30)])
def test_what_is_cropped_to_a_stroke_is_a_one(height, width, level):
    """Nobody brings a blank page of two pixels' width; of wider ones those are blank that are light."""
    strip = np.full((height, width), level, np.uint8)
    if level == 255 and width > 3:
        with pytest.raises(BadImageError, match="is blank"):
            conform(strip)
        return
    notched = strip.copy()
    notched[0, 0] = notched[-1, -1] = level ^ 128
    assert conform(strip).steps[0] == ALL_INK
    for grey in (strip, notched):
        found = conform(grey)
        assert mnistcli.predict("builtin", found.image).answers == ["1"]
        ((box,),) = [[each.box for each in line] for line in conform_lines(grey)]
        assert np.allclose(box, (0, height, 0, width), atol=1)


@pytest.mark.parametrize("shape", [(3, 20), (7, 2), (300, 3), (6, 3)])
def test_a_strip_that_is_no_one_needs_a_margin(shape):
    strip = np.zeros(shape, np.uint8)
    strip[0, 0] = 90
    with pytest.raises(BadImageError, match="too narrow for a digit") as caught:
        conform(strip)
    assert caught.value.hint == "leave a margin around a 1"


@pytest.mark.parametrize("width", [6, 9])
def test_grainy_pencil_in_a_small_scan_is_read(width):
    """Strokes of a pixel were averaged over three, and were too faint to be ink."""
    model, rng, n_right = mnistcli.load_model("builtin"), np.random.default_rng(0), 0
    for digit, strokes in DIGITS.items():
        drawn = Image.new("L", (280, 280))
        for points in strokes:
            at = [(140 + 60 * x, 140 + 90 * y) for x, y in points]
            ImageDraw.Draw(drawn).line(at, fill=156, width=width)
        ink = np.asarray(drawn.resize((28, 28), Image.Resampling.BOX))
        grey = 246 - ink * rng.uniform(0.3, 1, ink.shape) + rng.normal(0, 4, ink.shape)
        with contextlib.suppress(BadImageError):
            found = conform(grey.clip(0, 255).astype(np.uint8))
            n_right += mnistcli.predict(model, found.image).answers[0] == str(digit)
    assert n_right == len(DIGITS)


@pytest.mark.parametrize("noise", [4, 7])
@pytest.mark.parametrize("side", [420, 640])
def test_a_fine_pen_in_a_photo_with_noise_is_read(side, noise):
    """Reduced, strokes are as thin as what noise is averaged over, and were too faint to be ink."""
    model, rng, n_right = mnistcli.load_model("builtin"), np.random.default_rng(0), 0
    for digit, strokes in DIGITS.items():
        drawn = Image.new("L", (side, side), 185)
        for points in strokes:
            at = [(side * (0.5 + 0.2 * x), side * (0.5 + 0.3 * y)) for x, y in points]
            ImageDraw.Draw(drawn).line(at, fill=60, width=2)
        grey = np.asarray(drawn) + rng.normal(0, noise, (side, side))
        with contextlib.suppress(BadImageError):
            found = conform(grey.clip(0, 255).astype(np.uint8))
            n_right += mnistcli.predict(model, found.image).answers[0] == str(digit)
    assert n_right == len(DIGITS)


def test_ink_of_a_small_crop_is_what_hangs_together(test_images):
    """Paper is in parts there, and may be less than ink, at the rim too."""
    n_dark = 0
    for image, side in itertools.product(test_images[:100, 4:24, 4:24], (8, 9, 10)):
        small = Image.fromarray(255 - image).resize((side, side), Image.Resampling.BOX)
        grey = np.asarray(small)
        rows, columns = (np.flatnonzero((grey < 153).any(axis=axis)) for axis in (1, 0))
        with contextlib.suppress(BadImageError):
            found = conform(grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
            n_dark += not {"inverted", ALL_INK}.isdisjoint(found.steps)
    assert n_dark > 281  # 279 where paper is told by its share alone


def test_a_small_crop_has_no_room_for_a_sheet():
    """What reaches the corners was the table below one."""
    scans = load_digits()
    for image in scans.images[scans.target == 0]:
        rows, columns = (np.flatnonzero((image > 6).any(axis=axis)) for axis in (1, 0))
        crop = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert "sheet cut out" not in conform((255 - crop * 255 / 16).astype(np.uint8)).steps


def test_a_one_at_the_border_is_a_digit_where_another_is_at_the_opposite_one():
    """A long line at the border is what is left of a box, where nothing ends there on the far side."""
    drawn = Image.new("L", (300, 200), 255)
    draw = ImageDraw.Draw(drawn)
    draw.rectangle((0, 10, 7, 190), fill=0)
    for left in (100, 239):
        draw.line((left, 60, left + 60, 60, left + 10, 150), fill=0, width=8)
    assert [len(line) for line in find_strokes(np.array(drawn), "numbers")] == [3]
    drawn.paste(255, (280, 0, 300, 200))
    assert [len(line) for line in find_strokes(np.array(drawn), "cut out")] == [2]


def test_a_blot_beside_a_square_zero_does_not_make_a_frame_of_it():
    drawn = Image.new("L", (200, 160), 255)
    ImageDraw.Draw(drawn).rectangle((20, 20, 120, 120), outline=0, width=4)
    alone = conform(np.array(drawn)).image
    ImageDraw.Draw(drawn).ellipse((150, 60, 164, 74), fill=0)
    found = conform(np.array(drawn))
    assert "specks ignored" in found.steps
    assert np.array_equal(found.image, alone)


def test_of_a_table_so_fine_that_all_digits_cross_its_lines_the_lines_are_found():
    page = Image.new("L", (637, 900))
    pen = ImageDraw.Draw(page)
    for y in range(10, 890, 19):
        pen.line((10, y, 620, y), 255)
    for x in range(10, 630, 24):
        pen.line((x, 10, x, 880), 255)
    lines = np.asarray(page) > 0
    for i in range(8):
        left, top = 14 + 72 * i, 198 + 19 * (i % 3)
        pen.ellipse((left, top, left + 14, top + 24), outline=255, width=3)
    found = ruled_lines(np.asarray(page, np.float32) / 255, 0.3, has_frames=False)
    assert (found & lines).sum() > 0.95 * lines.sum()
    assert not (found & ~lines).any()
