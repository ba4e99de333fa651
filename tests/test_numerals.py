"""Numbers are read digit by digit, touching ones too."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

import mnistcli
from mnistcli.conforming.placing import find_strokes
from mnistcli.errors import BadImageError, CorruptFileError
from mnistcli.numerals import _best_path, find_numbers, read_numbers
from mnistcli.prediction import Reader
from mnistcli.registry.store import load_model
from mnistcli.settings import SplitSpec, TrainingSettings
from tests.conforming.disturbances import enlarged


@pytest.mark.parametrize(
    ("costs", "answers"),
    [
        ({(0, 3): 5, (0, 1): 2, (1, 3): 2}, "01-13"),
        ({(0, 3): 3, (0, 1): 2, (1, 3): 2}, "03"),
        ({(0, 3): 9, (0, 2): 1, (1, 3): 1}, "03"),  # the others overlap
        ({(0, 3): 9, (0, 1): 1, (1, 2): 1, (2, 3): 1, (1, 3): 3}, "01-12-23"),
    ],
)
def test_strokes_are_parted_in_the_cheapest_way(costs, answers):
    assert "-".join("{}{}".format(*span) for span in _best_path(costs)[1]) == answers


def test_a_picture_without_a_digit_is_an_error():
    with pytest.raises(BadImageError, match=r"^blank\.png: is blank"):
        read_numbers("builtin", np.full((50, 80), 255, np.uint8), source="blank.png")


def test_rows_and_touching_digits_are_read(test_images):
    model = mnistcli.train("digits").model
    digits = [np.kron(test_images[i], np.ones((3, 3), np.uint8)) for i in (0, 2, 3, 1)]  # 7102
    digits = [digit[:, digit.max(axis=0) > 60] for digit in digits]
    for gap in (24, 0):
        row = np.concatenate([np.pad(digit, ((40, 40), (0, gap))) for digit in digits], axis=1)
        (line,) = read_numbers(model, 255 - np.pad(row, ((0, 0), (40, 40))))
        assert "".join(digit.answer for digit in line) == "7102"
        assert [digit.line for digit in line] == [0] * 4
        assert all(a.box.left < b.box.left for a, b in itertools.pairwise(line))


def test_rows_of_digits_that_all_touch_are_mostly_read_whole(test_images, mnist):
    """26 of 35; where cuts lay columns apart, and lines had no height, 15 were."""
    n_whole = 0
    for n, overlap in ((3, 6), (4, 3)):
        for first in range(0, 60, n):
            wanted = "".join(map(str, mnist.test.labels[first : first + n]))
            row = np.zeros((84, 0), np.uint8)
            for image in test_images[first : first + n]:
                digit = np.kron(image, np.ones((3, 3), np.uint8))
                digit = digit[:, digit.max(axis=0) > 60]
                over = min(overlap, row.shape[1])
                row = np.pad(row, ((0, 0), (0, digit.shape[1] - over)))
                ink = row[:, -digit.shape[1] :]
                np.maximum(ink, digit, out=ink)
            lines = read_numbers("builtin", np.pad(row, 40))
            n_whole += wanted == "".join(digit.answer for line in lines for digit in line)
    assert n_whole >= 23


# Test images; taken together, the last two pairs would be a 0 and a 2 if what is unlike any digit
# cost no more.
PAIRS = (0, 3), (3, 4), (21, 18), (7, 0), (4, 1), (498, 485), (924, 276)


# Two test images, and by how many pixels they overlap. From the seventh on they are digits
# enough for all but what is learned from pairs, and the last two are as narrow as one.
PAIRS_THAT_OVERLAP = (
    ((903, 271), 9),
    ((544, 895), 14),
    ((335, 436), 15),
    ((519, 507), 8),
    ((392, 910), 12),
    ((370, 555), 8),
    ((341, 925), 4),
    ((784, 282), 10),
    ((836, 876), 12),
    ((921, 476), 6),
    ((875, 376), 12),
    ((393, 902), 8),
    ((159, 239), 8),
)


@pytest.fixture(scope="module")
def touching(test_images):
    """Pairs of digits whose ink meets, light on dark."""

    def joined(*pair):
        digits = [np.kron(test_images[i], np.ones((4, 4), np.uint8)) for i in pair]
        digits = [digit[:, digit.max(axis=0) > 128] for digit in digits]
        ink = np.pad(np.concatenate(digits, axis=1), 40)
        ink[92:96, 40 + digits[0].shape[1] - 12 : 40 + digits[0].shape[1] + 12] = 255
        return ink

    return [joined(*pair) for pair in PAIRS]


def test_digits_that_touch_are_taken_apart(touching):
    model = mnistcli.load_model("builtin")
    answers = [
        "".join(digit.answer for digit in line)
        for picture in touching
        for line in read_numbers(model, picture)
    ]
    assert answers == ["70", "04", "63", "97", "42", "00", "21"]


def test_builtin_takes_them_apart_for_models_that_do_not_know_how(touching):
    model = mnistcli.train("even-odd", settings=TrainingSettings(split=SplitSpec(limit=400))).model
    for picture in touching:
        ((*read,),), ((*known,),) = (read_numbers(each, picture) for each in (model, "builtin"))
        assert [digit.box for digit in read] == [digit.box for digit in known]
        assert {digit.answer for digit in read} <= {"even", "odd"}


@pytest.mark.parametrize("name", ["builtin", "digits", "even-odd"])
def test_digits_that_touch_are_not_answered_with_one(touching, test_images, name):
    """Models of pixels are as sure of two digits as of one."""
    model = mnistcli.load_model(name) if name == "builtin" else mnistcli.train(name).model
    for picture in touching:
        with pytest.raises(BadImageError, match="holds 2 digits") as caught:
            Reader(model).picture(picture)
        assert "--number" in caught.value.hint
    for digit in test_images[:30]:
        assert Reader(model).picture(np.pad(np.kron(digit, np.ones((4, 4), np.uint8)), 30))


def test_two_digits_of_a_large_picture_are_told_with_no_more_pixels_than_one(touching, monkeypatch):
    sides = []

    def spied(*given):
        lines = find_strokes(*given)
        ((strokes,),) = lines
        sides.append(max(strokes.page.picture.shape))
        return lines

    monkeypatch.setattr("mnistcli.numerals.find_strokes", spied)
    for picture in touching:
        with pytest.raises(BadImageError, match="holds 2 digits"):
            Reader(mnistcli.load_model("builtin")).picture(picture.repeat(5, 0).repeat(5, 1))
    assert len(sides) == len(touching)
    assert max(sides) <= 480


@pytest.mark.parametrize(
    ("flag", "foot"),
    [((10, 100), (64, 122)), ((10, 118), (70, 124)), ((20, 100), (80, 120))],
    ids=str,
)
def test_a_one_with_a_long_flag_is_no_eleven(flag, foot):
    picture = Image.new("L", (100, 140), 255)
    ImageDraw.Draw(picture).line([flag, (60, 24), foot], fill=0, width=6, joint="curve")
    assert Reader(mnistcli.load_model("builtin")).picture(np.asarray(picture)).answer == "1"


@pytest.mark.parametrize("top", [5, 6, 7, 8])
@pytest.mark.parametrize("step", [9, 12])
def test_a_one_with_a_step_in_it_is_no_pair_of_ones(top, step):
    """It could be cut where it goes a pixel aside, across or down, and each half is a one."""
    picture = np.full((28, 28), 255, np.uint8)
    picture[top : top + step, 13] = picture[top + step : 24, 14] = 0
    assert Reader(mnistcli.load_model("builtin")).picture(picture).answer == "1"


@pytest.mark.parametrize(
    ("top", "lean"), [(6, 1), (6, 2), (6, 3), (7, 1), (7, 4), (8, 1), (9, 1)], ids=str
)
def test_a_stroke_that_can_be_cut_off_a_four_is_no_one_above_it(top, lean):
    picture = Image.new("L", (28, 28), 255)
    ImageDraw.Draw(picture).line([(11 + lean, top), (11, 20), (18, 20)], fill=0)
    ImageDraw.Draw(picture).line([(16, 16), (15, 24)], fill=0)
    assert Reader(mnistcli.load_model("builtin")).picture(np.asarray(picture)).answer == "4"


@pytest.mark.parametrize("tail", [180, 210, 240, 260])
def test_a_tail_that_rises_is_no_one_beside_a_two(tail):
    picture = Image.new("L", (400, 400), 255)
    stroke = [(70, 120), (90, 60), (150, 40), (200, 70), (200, 120), (150, 200), (60, 300)]
    stroke += [(280, 300), (320, 290), (320, tail)]
    ImageDraw.Draw(picture).line(stroke, fill=0, width=22, joint="curve")
    assert Reader(mnistcli.load_model("builtin")).picture(np.asarray(picture)).answer == "2"


@pytest.mark.parametrize("tips", [(20, 84), (30, 74), (24, 84)], ids=str)
@pytest.mark.parametrize("width", [6, 9])
def test_strokes_that_meet_below_are_no_four(tips, width):
    """Two ones, or the letter V, which were a 4, since two strokes that lean apart are a 1."""
    picture, (left, right) = Image.new("L", (100, 140), 255), tips
    corners = [(left, 20), (52, 122), (right, 22)]
    ImageDraw.Draw(picture).line(corners, fill=0, width=width, joint="curve")
    with pytest.raises(BadImageError, match=r"holds [23] digits"):
        Reader(mnistcli.load_model("builtin")).picture(np.asarray(picture))


def test_without_builtin_a_model_of_pixels_answers_alone(touching, monkeypatch):
    def damaged():
        raise CorruptFileError("builtin", "the model file is damaged")

    model = mnistcli.train("0v1", settings=TrainingSettings(split=SplitSpec(limit=400))).model
    with pytest.raises(BadImageError, match="holds 2 digits"):
        Reader(model).picture(touching[0])
    monkeypatch.setattr("mnistcli.numerals.builtin_model", damaged)
    assert Reader(model).picture(touching[0]).answer in "01"


def test_what_is_no_digit_as_a_whole_but_digits_in_part_is_several(test_images):
    """Pairs that overlap, of which the model was sure that they are one digit."""
    model = mnistcli.load_model("builtin")
    for pair, overlap in PAIRS_THAT_OVERLAP:
        a, b = (np.kron(test_images[i], np.ones((4, 4), np.uint8)) for i in pair)
        a, b = a[:, a.max(axis=0) > 128], b[:, b.max(axis=0) > 128]
        ink = np.zeros((112, a.shape[1] + b.shape[1] - overlap), np.uint8)
        ink[:, : a.shape[1]] = a
        ink[:, -b.shape[1] :] = np.maximum(ink[:, -b.shape[1] :], b)
        with pytest.raises(BadImageError, match="holds 2 digits"):
            Reader(model).picture(np.pad(ink, 30))


def test_one_above_the_other_are_two_and_stand_on_lines_of_their_own(test_images, mnist):
    """27 of 30 are refused, 22 where only what is cheaper as two was, and 21 read."""
    model, n_refused, n_whole = mnistcli.load_model("builtin"), 0, 0
    for i in range(0, 60, 2):
        a, b = (np.kron(image, np.ones((4, 4), np.uint8)) for image in test_images[i : i + 2])
        a, b = a[a.max(axis=1) > 128], b[b.max(axis=1) > 128]
        ink = np.zeros((len(a) + len(b) - 8, 112), np.uint8)
        ink[: len(a)] = a
        ink[-len(b) :] = np.maximum(ink[-len(b) :], b)
        try:
            Reader(model).picture(np.pad(ink, 30))
        except BadImageError as error:
            n_refused += "holds 2 digits" in str(error)
        lines = read_numbers(model, np.pad(ink, 30))
        answers = [[int(digit.answer) for digit in line] for line in lines]
        n_whole += answers == [[n] for n in mnist.test.labels[i : i + 2]]
    assert n_refused >= 25
    assert n_whole >= 18


def test_lines_that_touch_are_read_one_after_the_other(test_images):
    rows = [
        np.concatenate(
            [
                np.pad(np.kron(image, np.ones((3, 3), np.uint8)), ((0, 0), (8, 8)))
                for image in images
            ],
            axis=1,
        )
        for images in (test_images[:3], test_images[3:6])
    ]
    above, below = (row[row.max(axis=1) > 60] for row in rows)
    ink = np.zeros((len(above) + len(below) - 6, above.shape[1]), np.uint8)
    ink[: len(above)] = above
    ink[-len(below) :] = np.maximum(ink[-len(below) :], below)
    lines = read_numbers("builtin", np.pad(ink, 30))
    assert ["".join(digit.answer for digit in line) for line in lines] == ["721", "041"]


def test_a_page_that_lies_on_its_side_or_head_is_read_upright(test_images, mnist):
    wanted = "".join(map(str, mnist.test.labels[:6]))
    page = np.concatenate([np.kron(each, np.ones((2, 2), np.uint8)) for each in test_images[:6]], 1)
    page = 255 - np.pad(page, ((60, 30), (40, 50)))
    (upright,) = read_numbers("builtin", page)
    for turns in (1, 2, 3):
        ((line,), notes) = find_numbers(load_model("builtin"), np.rot90(page, turns), "page")
        assert notes == (f"turned by {90 * (4 - turns)} degrees",)
        assert "".join(digit.answer for digit in line) == wanted
        for digit, other in zip(line, upright, strict=True):
            box = digit.box.turned_back(turns, *page.shape)
            assert np.allclose(box, other.box, atol=2)


def test_nines_that_are_sixes_upside_down_stand_as_they_are(mnist):
    """So few of them are typical that turned by a half they were 666."""
    nines = mnist.train.images[[3382, 3510, 7200]]
    page = 255 - np.pad(np.kron(np.concatenate(nines, 1), np.ones((4, 4), np.uint8)), 80)
    (line,) = read_numbers("builtin", page)
    assert "".join(digit.answer for digit in line) == "999"


@pytest.mark.parametrize(("height", "width", "flag"), [(160, 6, 0), (160, 6, 0.15), (200, 8, 0.15)])
def test_the_stems_of_digits_are_no_ruled_lines(height, width, flag):
    """A picture cropped to its digits is hardly higher than they are."""
    picture = Image.new("L", (8 * height // 5, height), 255)
    pen, loop, top, end = ImageDraw.Draw(picture), 0.3 * height, 6, height - 6
    for x in (0.1 * height, 1.5 * height):
        strokes = (x - flag * height, top + flag * height, x, top, x, end)
        pen.line(strokes, 0, width, joint="curve")
    for x in (0.3 * height, 0.85 * height):
        pen.ellipse((x, top, x + loop, top + loop), outline=0, width=width)
        pen.line((x + loop - width // 2, top + loop / 4, x + loop - width // 2, end), 0, width)
    (line,) = read_numbers("builtin", np.asarray(picture))
    assert "".join(digit.answer for digit in line) == "1991"


def _between_two_digits(images, *two, width):
    """A 9, a 2 that is drawn, and a 4, 60 pixels high."""
    picture = Image.new("L", (390, 160), 255)
    ImageDraw.Draw(picture).line(two, fill=0, width=width, joint="curve")
    grey = np.array(picture)
    for left, i in ((20, 50_003), (280, 50_005)):
        grey[40:124, left : left + 84] -= np.kron(images[i], np.ones((3, 3), np.uint8))
    return grey


@pytest.mark.parametrize("width", [6, 8, 10])
@pytest.mark.parametrize("tip", [208, 218])
def test_the_long_foot_of_a_two_is_no_line_below_it(tip, width, train_images):
    """It was taken off, and what was left a 7: a line goes on to both sides of one digit."""
    two = ((130, 70), (140, 62), (152, 64), (154, 74), (142, 92), (128, 104), (tip, 102))
    grey = _between_two_digits(train_images, *two, width=width)
    (line,) = read_numbers("builtin", grey)
    assert "".join(digit.answer for digit in line) == "924"
    alone = Reader(mnistcli.load_model("builtin")).picture(grey[40:130, 105:235])
    assert alone.answer == "2"


def test_a_low_digit_among_others_is_not_left_out(train_images):
    """Its number was one digit shorter, without a word, where it was strange, too."""
    two = ((130, 82), (141, 75), (150, 78), (150, 84), (138, 96), (128, 104), (228, 102))
    (line,) = read_numbers("builtin", _between_two_digits(train_images, *two, width=6))
    assert len(line) == 3


@pytest.mark.parametrize("index", [52_869, 52_851])
def test_the_hook_of_a_two_is_no_one_beside_it(index, train_images):
    row = []
    for i in (50_003, index, 50_005):
        image = Image.fromarray(train_images[i])
        row.append(np.asarray(image.resize((84, 84), Image.Resampling.BICUBIC)))
    (line,) = read_numbers("builtin", 255 - np.pad(np.concatenate(row, axis=1), 20))
    assert "".join(digit.answer for digit in line) == "924"


def _spiral(draw):
    for x in range(20, 700, 40):
        draw.ellipse((x, 6, x + 16, 46), outline=40, width=4)


def _holes(draw):
    for x in range(8, 648, 56):  # as high as digits
        draw.ellipse((x, 8, x + 52, 60), fill=30)


def _words(draw):
    for x in (40, 360):
        draw.text((x, 30), "Date and number", fill=50, font_size=36)


def _table(draw):
    for y in (100, 205, 310):
        draw.line((10, y, 690, y), fill=60, width=3)
    for x in range(10, 700, 85):  # which do not quite meet the others
        draw.line((x, 108, x, 197), fill=60, width=3)
        draw.line((x, 213, x, 302), fill=60, width=3)


def _cells(draw):
    for y in (100, 205):
        draw.line((10, y, 690, y), fill=60, width=3)
    for x in (97, 267, 352):
        draw.line((x, 100, x, 205), fill=60, width=3)


def _cell_and_touched_ones(draw):
    for y in (100, 205):
        draw.line((10, y, 690, y), fill=60, width=3)
    for x, gap in ((180, 0), (255, 0), (267, 5), (376, 0)):
        draw.line((x, 100 + gap, x, 205 - gap), fill=60, width=3)


def _spiral_in_two(draw):
    for top, bottom in ((0, 230), (238, 330)):
        draw.rectangle((600, top, 614, bottom), fill=30)
        for y in range(top + 8, bottom, 18):
            draw.rectangle((588, y, 626, y + 7), fill=30)


def _stamp(draw):
    draw.rectangle((560, 230, 660, 350), outline=80, width=5, fill=190)


def _high_words(draw):
    draw.text((30, 240), "Date and paper", fill=50, font_size=80)


def _edge_of_a_sheet(draw):
    draw.line((540, 200, 600, 340), fill=0, width=1)


def _thumb(draw):
    draw.ellipse((250, 330, 400, 560), fill=70)


def _shadow(draw):
    draw.polygon(((190, 0), (260, 240), (700, 300), (700, 0)), fill=125)


def _telephone(draw):
    draw.rounded_rectangle((70, 260, 900, 500), 60, fill=10)


def _tip_of_a_shadow(draw):
    draw.ellipse((250, 240, 310, 330), fill=90)


def _desk(draw):
    draw.rectangle((0, 0, 700, 400), fill=60)
    draw.polygon(((4, 60), (620, 20), (640, 320), (12, 360)), fill=205)


@pytest.mark.parametrize(
    "beside",
    [
        _spiral,
        _holes,
        _words,
        _high_words,
        _stamp,
        _table,
        _cells,
        _cell_and_touched_ones,
        _spiral_in_two,
        _edge_of_a_sheet,
        _thumb,
        _shadow,
        _telephone,
        _tip_of_a_shadow,
        _desk,
    ],
)
def test_what_stands_beside_a_number_on_a_photographed_page_is_no_digit(beside, test_images):
    paper = Image.new("L", (700, 400), 205)
    beside(ImageDraw.Draw(paper))
    paper = paper.filter(
        ImageFilter.GaussianBlur({_shadow: 4, _tip_of_a_shadow: 12}.get(beside, 0))
    )
    ink = np.zeros((400, 700))
    for k, i in enumerate((0, 1, 3, 2, 4)):
        ink[110:194, 15 + 85 * k : 99 + 85 * k] = np.kron(test_images[i], np.ones((3, 3)))
    noise = np.random.default_rng(0).normal(0, 4, ink.shape)
    page = np.clip(np.asarray(paper) * (1 - 0.85 * ink / 255) + noise, 0, 255).astype(np.uint8)
    (line,) = read_numbers("builtin", page)
    assert "".join(digit.answer for digit in line) == "72014"


@pytest.mark.parametrize("width", [4, 9])
def test_a_1_that_fills_the_row_of_ruled_paper_parts_no_cells(width, test_images):
    paper = Image.new("L", (700, 400), 205)
    draw = ImageDraw.Draw(paper)
    for y in range(20, 400, 90):
        draw.line((0, y, 700, y), fill=140, width=2)
    draw.line((300, 112, 300, 197), fill=40, width=width)
    ink = np.zeros((400, 700))
    for k in (0, 1):
        ink[112:196, 90 + 85 * k : 174 + 85 * k] = np.kron(test_images[k], np.ones((3, 3)))
    noise = np.random.default_rng(0).normal(0, 2, ink.shape)
    page = np.clip(np.asarray(paper) * (1 - 0.85 * ink / 255) + noise, 0, 255).astype(np.uint8)
    (line,) = read_numbers("builtin", page)
    assert "".join(digit.answer for digit in line) == "721"


@pytest.mark.parametrize("width", [3, 8])
@pytest.mark.parametrize("n", [1, 3])
def test_the_line_of_a_margin_is_no_one(width, n, test_images):
    ink = np.zeros((130, 80 + 90 * n))
    ink[:, 30 : 30 + width] = 180
    for k in range(n):
        at = ink[23:107, 60 + 85 * k : 144 + 85 * k]
        np.maximum(at, np.kron(test_images[k], np.ones((3, 3))), out=at)
    noise = np.random.default_rng(0).normal(0, 2, ink.shape)
    row = np.clip(205 * (1 - 0.85 * ink / 255) + noise, 0, 255).astype(np.uint8)
    (line,) = read_numbers("builtin", row)
    assert "".join(digit.answer for digit in line) == "721"[:n]
    row[:23], row[107:] = 205, 205  # no higher than a digit
    (line,) = read_numbers("builtin", row)
    assert "".join(digit.answer for digit in line) == "1721"[: n + 1]


def test_strokes_of_digits_that_fill_their_row_are_no_lines():
    row = Image.new("L", (280, 77), 255)
    draw = ImageDraw.Draw(row)
    for left in (8, 62, 116, 170, 224):
        draw.rounded_rectangle((left, 4, left + 40, 72), 16, outline=40, width=5)
    (line,) = read_numbers("builtin", np.asarray(row))
    assert "".join(digit.answer for digit in line) == "00000"


@pytest.mark.parametrize(("glare", "depth"), [(30, 0.15), (70, 0.4)])
def test_paper_where_a_lamp_is_reflected_is_no_light_ink(glare, depth, test_images):
    ink = np.zeros((400, 700))
    for k, i in enumerate((0, 1, 3, 2, 4)):
        ink[110:194, 15 + 85 * k : 99 + 85 * k] = np.kron(test_images[i], np.ones((3, 3)))
    y, x = np.mgrid[0:400, 0:700]
    paper = 150 + glare * np.exp(-(((x - 560) / 60) ** 2) - ((y - 300) / 50) ** 2)
    noise = np.random.default_rng(0).normal(0, 3, ink.shape)
    page = np.clip(paper * (1 - depth * ink / 255) + noise, 0, 255).astype(np.uint8)
    (line,) = read_numbers("builtin", page)
    assert "".join(digit.answer for digit in line) == "72014"


def _written(images, indices, *, top, left, step=90):
    """Ink from 0 to 255 on a page of 300 x 500 pixels, digits 84 pixels high beside each other."""
    ink = np.zeros((300, 500))
    for k, i in enumerate(indices):
        at = np.s_[top : top + 84, left + step * k : left + step * k + 84]
        ink[at] = np.kron(images[i], np.ones((3, 3)))
    return ink


def _photographed(ink, light):
    noise = np.random.default_rng(0).normal(0, 1.5, ink.shape)
    return np.clip(220 * light * (1 - 0.5 * ink / 255) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("top", [2, 348], ids=["above", "below"])
def test_ink_near_the_border_of_a_shaded_page_is_dark(top, train_images, mnist):
    """All else was looked at, and of noise alone light ink was as likely."""
    indices = (1, 3, 5, 7)
    large = _written(train_images, indices, top=100, left=60)[90:190]
    small = np.asarray(Image.fromarray(large).resize((250, 50), Image.Resampling.BOX))
    ink = np.zeros((400, 500))
    ink[top : top + 50, 130:380] = small
    y, x = np.mgrid[:400, :500]
    light = 1 - 0.45 * (0.7 * x / 500 + 0.3 * y / 400)
    (line,) = read_numbers("builtin", _photographed(ink, light))
    assert [int(digit.answer) for digit in line] == mnist.train.labels[[*indices]].tolist()


def test_a_full_page_whose_corners_are_dark_is_read(train_images):
    """Nothing on it is far from ink, so light that falls off went unseen, and paper was ink."""
    rng = np.random.default_rng(0)
    page = np.zeros((7 * 60, 10 * 54), np.uint8)
    for k, digit in enumerate(train_images[:70]):
        top, left = 60 * (k // 10) + 2, 54 * (k % 10)
        page[top : top + 56, left : left + 54] = enlarged(digit, 2)[:, :54]
    y, x = np.mgrid[-1 : 1 : len(page) * 1j, -1 : 1 : page.shape[1] * 1j]
    light = 1 - 0.2 * (x * x + y * y)
    picture = 220 * light * (1 - 0.8 * page / 255) + rng.normal(0, 1, page.shape)
    lines = find_strokes(picture.clip(0, 255).astype(np.uint8), "page.png")
    assert sum(map(len, lines)) in (69, 70)  # two of them touch


def test_a_strange_digit_about_as_high_as_the_highest_is_not_left_out(train_images, mnist):
    """Beside many small digits and a large one it went without a word, though it was a 9."""
    row = Image.new("L", (640, 110), 0)
    zero = int(np.flatnonzero(mnist.train.labels == 0)[0])
    row.paste(Image.fromarray(enlarged(train_images[zero], 3)), (0, 0))
    for i, digit in enumerate(train_images[:7]):
        row.paste(Image.fromarray(enlarged(digit, 2)), (90 + 60 * i, 20))
    tail = [(590, 30), (575, 14), (560, 30), (590, 32), (592, 84), (575, 78), (560, 66), (560, 82)]
    ImageDraw.Draw(row).line(tail, 255, 4, "curve")
    (line,) = read_numbers("builtin", 255 - np.asarray(row))
    assert len(line) == 9
    assert line[-1].typicality < 0.0065


@pytest.mark.parametrize("width", [13, 14, 15])
def test_a_bold_digit_at_the_border_is_no_thumb_beside_a_thin_one(width):
    """It was left out, and the thin one answered alone."""
    picture = Image.new("L", (150, 120), 0)
    draw = ImageDraw.Draw(picture)
    draw.line([(45, 20), (38, 98)], fill=255, width=7)
    three = [(90, 26), (140, 22), (112, 54), (140, 70), (126, 96), (90, 92)]
    draw.line(three, fill=255, width=width, joint="curve")
    grey = _photographed(np.asarray(picture)[:, :140], 1.0)
    with pytest.raises(BadImageError, match="holds 2 digits"):
        Reader(mnistcli.load_model("builtin")).picture(grey)


def test_a_fat_zero_among_others_is_no_blot(train_images):
    """Where its hole was filled it was left out without a word."""
    ink = _written(train_images, (5, 7, 5, 13), top=100, left=60)
    picture = Image.fromarray(ink.astype(np.uint8))
    ImageDraw.Draw(picture).rectangle((235, 90, 330, 190), fill=0)
    ImageDraw.Draw(picture).ellipse((255, 110, 312, 172), fill=255)
    (line,) = read_numbers("builtin", 255 - np.asarray(picture))
    assert len(line) == 4
    with pytest.raises(BadImageError, match="holds 4 digits"):
        Reader(mnistcli.load_model("builtin")).picture(255 - np.asarray(picture))


@pytest.mark.parametrize(("index", "height"), [(4, 32), (43, 26), (43, 32)])
def test_a_short_stroke_at_the_foot_of_a_nine_is_no_one(index, height, train_images):
    """It is much lower than the digits beside it: a tail, for which the pen was lifted."""
    ink = _written(train_images, (1, 3, index, 5), top=100, left=60)
    nine = ink[100:184, 240:324] > 60
    foot = 101 + np.flatnonzero(nine.any(axis=1))[-1]
    right = 248 + np.flatnonzero(nine[foot - 101 - height :].any(axis=0))[-1]
    ink[foot - height : foot, right : right + 6] = 255
    (line,) = read_numbers("builtin", (255 - ink).astype(np.uint8))
    assert "".join(digit.answer for digit in line) == "0192"


def test_a_bold_digit_among_thin_ones_on_shaded_paper_is_no_shade(test_images):
    """Where it is wider than most strokes its ink was taken for shade, and only its outline left."""
    ink = np.pad(_written(test_images, (1, 0, 3), top=100, left=60), ((0, 0), (0, 200)))
    ink[112:172, 400:430] = 255
    light = np.add.outer(np.linspace(1, 0.8, 300), np.linspace(0, -0.4, 700))
    (line,) = find_strokes(_photographed(ink, light), "photograph")
    (bold,) = line[3].digits(in_parts=False).values()
    assert bold.image[8:20, 13:15].min() > 200


@pytest.mark.parametrize(("first", "beside"), [(25, 1), (25, 4), (30, 3)])
def test_a_faint_stain_beside_one_of_several_digits_is_no_part_of_it(
    first, beside, train_images, mnist
):
    """It was too faint for ink, and too small to be looked at beside the ink of all of them."""
    indices = range(first, first + 5)
    ink = _written(train_images, indices, top=100, left=20)
    y, x = np.mgrid[:300, :500]
    stain = ((y - 150) / 20) ** 2 + ((x - 86 - 90 * beside) / 18) ** 2 < 1
    (line,) = read_numbers("builtin", _photographed(np.maximum(ink, 40 * stain), np.ones((1, 1))))
    assert [int(digit.answer) for digit in line] == mnist.train.labels[[*indices]].tolist()


@pytest.mark.parametrize("has_number", [True, False])
def test_words_are_told_apart_from_a_number_among_them(has_number, test_images):
    page = Image.new("L", (900, 500), 255)
    for y in range(10, 300, 34):
        ImageDraw.Draw(page).text((10, y), "Dear people, when shall we meet?", fill=0, font_size=24)
    grey = np.array(page)
    if not has_number:
        with pytest.raises(BadImageError, match="holds words or drawings rather than digits"):
            read_numbers("builtin", grey)
        return
    for k, i in enumerate((0, 1, 3, 2, 4)):
        grey[360:444, 15 + 90 * k : 99 + 90 * k] -= np.kron(
            test_images[i], np.ones((3, 3), np.uint8)
        )
    (line,), notes = find_numbers(load_model("builtin"), grey, "page.png")
    assert "".join(digit.answer for digit in line) == "72014"
    assert notes == ("specks ignored", "left out, unlike digits: 153")


def test_a_stroke_of_which_no_part_is_a_digit_is_one():
    """It was cut, and none of the parts could be placed."""
    picture = Image.new("L", (40, 40), 255)
    ImageDraw.Draw(picture).line([(6.75, 18.74), (31.33, 32.46)], fill=0)
    [[digit]] = read_numbers("builtin", np.asarray(picture))
    assert digit.box.width > 20


@pytest.mark.parametrize("end", [80, 84])
@pytest.mark.parametrize("width", [8, 11])
def test_the_hook_that_hangs_down_from_a_two_is_no_one_beside_it(end, width, train_images):
    two = Image.new("L", (420, 130))
    arc = [(177, 40), (182, 28), (195, 18), (212, 20), (222, 34), (219, 50), (205, 72), (176, 112)]
    hook, foot = [(179, end), (177, 40)], [(176, 112), (240, 111)]
    ImageDraw.Draw(two).line([*hook, *arc, *foot], fill=255, width=width, joint="curve")
    row = np.array(two)
    for x, i in ((30, 50_003), (290, 50_005)):
        digit = Image.fromarray(train_images[i]).resize((130, 130), Image.Resampling.BICUBIC)
        row[:, x : x + 130] = np.maximum(row[:, x : x + 130], np.asarray(digit))
    (line,) = read_numbers("builtin", 255 - row)
    assert "".join(digit.answer for digit in line) == "924"


@pytest.mark.parametrize("down", [4, 10])
def test_a_small_digit_that_touches_a_two_is_no_hook_of_it(down, test_images):
    """A hook is a stroke; both together look like a two as well."""
    row = np.zeros((120, 330), np.uint8)
    seven, two = (np.kron(test_images[i], np.ones((3, 3), np.uint8)) for i in (0, 1))
    zero = np.asarray(Image.fromarray(test_images[10]).resize((42, 42), Image.Resampling.BICUBIC))
    two, zero = two[:, two.any(axis=0)], zero[:, zero.any(axis=0)]
    top = 18 + int(two.any(axis=1).argmax() - zero.any(axis=1).argmax()) + down
    left = 114 + zero.shape[1]
    row[18:102, 10:94] = seven
    row[top : top + 42, 120 : 120 + zero.shape[1]] = zero
    at = np.s_[18:102, left : left + two.shape[1]]
    row[at] = np.maximum(row[at], two)
    (line,) = read_numbers("builtin", 255 - row)
    assert "".join(digit.answer for digit in line) == "702"


def test_a_strip_in_light_that_falls_off_is_read_to_its_end(test_images):
    """A share of its longer side around all ink would leave no paper to tell the light by."""
    row = np.hstack(list(test_images[:30]))
    row = row[row.any(axis=1)]
    grey = 225 * (1 - 0.8 * row / 255) * np.linspace(1, 0.75, row.shape[1])
    (line,) = read_numbers("builtin", grey.astype(np.uint8))
    assert "".join(digit.answer for digit in line) == "721041495906901597349665407401"


@pytest.mark.parametrize(
    ("level", "number", "notes"), [(0.3, "777", ("faint ink ignored",)), (0.6, "1777", ())]
)
def test_a_digit_that_is_too_faint_to_be_one_is_told_of(level, number, notes):
    picture = Image.new("L", (400, 140), 255)
    pen = ImageDraw.Draw(picture)
    pen.line((40, 20, 40, 120), int(255 * (1 - level)), 9)
    for x in (90, 180, 270):
        pen.line((x, 20, x + 60, 20, x + 20, 120), 0, 9)
    (line,), found = find_numbers(load_model("builtin"), np.asarray(picture), "page")
    assert ("".join(digit.answer for digit in line), found) == (number, notes)


@pytest.mark.parametrize("shape", ["wave", "ring"])
def test_what_is_unlike_digits_and_much_wider_than_high_is_none(shape):
    picture = Image.new("L", (500, 200), 255)
    pen = ImageDraw.Draw(picture)
    if shape == "wave":
        pen.line((40, 120, 140, 80, 300, 110, 460, 90), 0, 14, joint="curve")
    else:
        pen.ellipse((40, 70, 460, 150), outline=0, width=24)
    with pytest.raises(BadImageError, match="words or drawings rather than digits"):
        read_numbers("builtin", np.asarray(picture))
