"""``predict --number``: every digit of a picture, line by line, in every format."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

BLUE, RED = (34, 116, 224), (224, 48, 36)


def inked(images):
    """Digits of MNIST without their margins, enlarged four times, dark on light."""
    for image in images:
        columns = np.flatnonzero(image.any(0))
        digit = Image.fromarray(255 - image[:, columns[0] : columns[-1] + 1])
        yield np.asarray(digit.resize((4 * digit.width, 112), Image.Resampling.BICUBIC))


def row_of(images, gap=0.5, margin=60):
    """A row of digits on white paper, so many digits' heights apart."""
    space = np.full((112, round(gap * 80)), 255, np.uint8)
    parts = [part for digit in inked(images) for part in (space, digit)]
    return np.pad(np.hstack(parts[1:]), margin, constant_values=255)


def slanted(grey, degrees):
    turned = Image.fromarray(grey).rotate(
        degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255
    )
    return np.asarray(turned)


def shaded(grey):
    """On paper that is darker towards a corner."""
    rows, columns = np.indices(grey.shape)
    light = 1 - 0.4 * (rows / len(grey) + columns / grey.shape[1]) / 2
    return (grey * light).astype(np.uint8)


def page_of(*rows):
    """One row below the other."""
    width = max(row.shape[1] for row in rows)
    pad = [np.pad(row, [(0, 0), (0, width - row.shape[1])], constant_values=255) for row in rows]
    return np.vstack(pad)


@pytest.fixture
def saved(tmp_path):
    """Save a picture under a name: ``saved("row.png", grey)`` is its path."""

    def saved_(name, grey):
        Image.fromarray(grey).save(tmp_path / name)
        return str(tmp_path / name)

    return saved_


@pytest.fixture
def digits(mnist):
    """Pick digits of MNIST by what they show: ``digits("735")``."""
    members = {str(k): np.flatnonzero(mnist.test.labels == k) for k in range(10)}

    def digits_(text, start=0):
        picked = [members[c][start + text[:i].count(c)] for i, c in enumerate(text)]
        return mnist.test.images[picked]

    return digits_


@pytest.fixture
def row(saved, digits):
    return saved("row.png", row_of(digits("735426")))


@pytest.fixture
def page(saved, digits):
    return saved("page.png", page_of(row_of(digits("7354")), row_of(digits("20168"))))


@pytest.fixture
def numbers(invoke):
    """Run ``predict --number`` with the model that is in the box."""

    def numbers_(*arguments, **settings):
        return invoke("predict", "--number", "-m", "builtin", *arguments, **settings)

    return numbers_


def predictions(done):
    assert done.code == 0, done.err
    return json.loads(done.out)["predictions"]


@pytest.mark.parametrize("number", ["310", "7354", "20168", "940517", "8213645", "61728390"])
@pytest.mark.parametrize("gap", [0.2, 0.6, 1.0])
def test_a_row_of_digits_is_a_number(numbers, saved, digits, number, gap):
    path = saved("row.png", row_of(digits(number, start=5), gap))
    assert numbers(path, "-q").out == f"{number}\n"


@pytest.mark.parametrize("degrees", [-10, -5, 5, 10])
def test_a_slanted_row_on_shaded_paper_is_a_number(numbers, saved, digits, degrees):
    path = saved("row.png", shaded(slanted(row_of(digits("735426", start=5)), degrees)))
    assert numbers(path, "-q").out == "735426\n"


def test_digits_of_different_sizes(numbers, saved, digits):
    large, small = row_of(digits("73")), row_of(digits("54"))
    small = np.asarray(Image.fromarray(small).resize((small.shape[1] // 2, len(small) // 2)))
    top = (len(large) - len(small)) // 2
    rows = [(top, len(large) - len(small) - top), (0, 0)]
    page = np.hstack([large, np.pad(small, rows, constant_values=255)])
    assert numbers(saved("sizes.png", page), "-q").out == "7354\n"


def test_each_line_of_digits_is_a_line_of_output(numbers, page):
    assert numbers(page, "-q").out == "7354\n20168\n"
    assert numbers("-", "-q", stdin=Path(page).read_bytes()).out == "7354\n20168\n"


def test_each_of_several_inputs_is_a_line_of_output(numbers, row, page, tmp_path):
    assert numbers(page, row, "-q").out == "7354 20168\n735426\n"
    assert numbers(str(tmp_path), "-q").out == "7354 20168\n735426\n"
    listed = f"{row}\0{page}\0".encode()
    assert numbers("--files0", "-", "-q", stdin=listed).out == "735426\n7354 20168\n"


def test_the_table_has_a_row_for_each_line(numbers, row, page):
    lines = numbers(page, row).out.splitlines()
    assert re.split("  +", lines[1].strip()) == ["input", "line", "number", "least probability"]
    cells = [line.split() for line in lines[3:-1]]
    assert [cell[:3] for cell in cells] == [
        [page, "1", "7354"], [page, "2", "20168"], [row, "1", "735426"]
    ]  # fmt: skip
    assert all(re.fullmatch(r"\d+\.\d\d", cell[3]) for cell in cells)


def test_json_has_everything_of_each_digit(numbers, page):
    (document,) = predictions(numbers(page, "--json"))
    with Image.open(page) as picture:
        assert (document["width"], document["height"]) == picture.size
    assert document["input"] == page
    assert document["numbers"] == ["7354", "20168"]
    assert document["notes"] == []
    assert [digit["answer"] for digit in document["digits"]] == list("735420168")
    assert [digit["line"] for digit in document["digits"]] == [1] * 4 + [2] * 5
    for digit in document["digits"]:
        assert digit["best"] == digit["answer"]
        assert digit["probabilities"][digit["answer"]] == digit["probability"]
        assert sum(digit["probabilities"].values()) == pytest.approx(1)
    (line,) = numbers(page, "--jsonl").out.splitlines()
    record = json.loads(line)
    assert record.pop("schema") == "mnistcli.number"
    assert {key: record[key] for key in document} == document


def test_what_was_left_out_is_told_of_beside_the_first_line(numbers, saved, page):
    """It went without a word."""
    with Image.open(page) as picture:
        grey = np.array(picture)
    grey[5:9, ::40] = 0
    dotted = saved("dotted.png", grey)
    (document,) = predictions(numbers(dotted, "--json"))
    assert document["numbers"] == ["7354", "20168"]
    assert document["notes"] == ["specks ignored"]
    first, second = numbers(dotted).out.splitlines()[3:5]
    assert first.endswith("specks ignored")
    assert re.search(r"20168 +[0-9.]+ %$", second)


def test_boxes_are_where_the_digits_are(numbers, row, digits):
    (document,) = predictions(numbers(row, "--json"))
    left = 60
    for digit, image in zip(document["digits"], inked(digits("735426")), strict=True):
        ink = np.flatnonzero((image < 128).any(1))
        box = digit["box"]
        assert abs(box["left"] - left) < 12
        assert abs(box["right"] - left - image.shape[1]) < 12
        assert abs(box["top"] - 60 - ink[0]) < 12
        assert abs(box["bottom"] - 60 - ink[-1]) < 12
        left += image.shape[1] + 40


def test_boxes_of_a_large_photograph_are_in_its_own_pixels_upright(numbers, row, tmp_path):
    (small,) = predictions(numbers(row, "--json"))
    with Image.open(row) as picture:
        large = picture.resize((4 * picture.width, 4 * picture.height))
    exif = Image.Exif()
    exif[0x0112] = 6  # as a telephone saves what it was turned for
    large.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "large.jpg", exif=exif)
    (found,) = predictions(numbers(str(tmp_path / "large.jpg"), "--json"))
    assert (found["width"], found["height"]) == large.size
    assert found["numbers"] == small["numbers"]
    for one, other in zip(found["digits"], small["digits"], strict=True):
        for side, place in one["box"].items():
            assert abs(place / 4 - other["box"][side]) < 5


def test_tsv_has_a_row_for_each_line_or_each_digit(numbers, row, page):
    def table(*arguments):
        return list(csv.reader(io.StringIO(numbers(*arguments, "--tsv").out), delimiter="\t"))

    header, *rows = table(page, row)
    assert header == ["input", "line", "number", "least_probability", "error"]
    assert [each[:3] for each in rows] == [
        [page, "1", "7354"], [page, "2", "20168"], [row, "1", "735426"]
    ]  # fmt: skip
    header, *digits = table(page, "--proba")
    assert header == ["input", "line", "answer", "probability", *"0123456789", "error"]
    assert "".join(each[2] for each in digits) == "735420168"
    assert [float(each[3]) for each in digits] == [max(map(float, each[4:14])) for each in digits]
    assert min(float(each[3]) for each in digits[:4]) == float(rows[0][3])


def test_proba_makes_a_row_for_each_digit(numbers, row):
    done = numbers(row, "--proba")
    rows = [line.split() for line in done.out.splitlines()[3:-1]]
    assert "".join(cells[2] for cells in rows) == "735426"


def test_a_digit_that_is_not_sure_is_a_question_mark(numbers, row):
    (document,) = predictions(numbers(row, "--json"))
    surest = sorted(digit["probability"] for digit in document["digits"])
    bar = str((surest[1] + surest[2]) / 2)
    expected = "".join(
        digit["answer"] if digit["probability"] > surest[1] else "?" for digit in document["digits"]
    )
    assert expected.count("?") == 2
    done = numbers(row, "--abstain-below", bar)
    assert f" {expected} " in done.out
    assert "best guess 735426" in done.out
    assert done.err == f"1 of 1 with digits below {float(bar):g}: answered ?\n"
    assert numbers(row, "--abstain-below", bar, "-q").out == f"{expected}\n"
    (cautious,) = predictions(numbers(row, "--abstain-below", bar, "--json"))
    assert cautious["numbers"] == [expected]
    assert [digit["answer"] for digit in cautious["digits"]] == list(expected)
    assert [digit["best"] for digit in cautious["digits"]] == list("735426")


@pytest.mark.parametrize("format_", [[], ["--tsv"], ["--json"], ["--jsonl"], ["-q"], ["--show"]])
def test_every_input_has_its_place(numbers, row, saved, tmp_path, format_):
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    blank = saved("blank.png", np.full((80, 200), 250, np.uint8))
    inputs = [str(tmp_path / "bad.png"), row, blank, row]
    done = numbers(*inputs, *format_)
    assert done.code == 7
    assert "2 of 4 inputs failed" in done.err
    if format_ == ["-q"]:
        assert done.out == "!\n735426\n!\n735426\n"
    elif "--json" in format_ or "--jsonl" in format_:
        documents = [json.loads(line) for line in done.out.splitlines()] if (
            "--jsonl" in format_) else json.loads(done.out)["predictions"]  # fmt: skip
        assert [each["input"] for each in documents] == inputs
        assert [each["numbers"] for each in documents] == [None, ["735426"]] * 2
        assert ["error" in each for each in documents] == [True, False] * 2
    elif format_ == ["--tsv"]:
        cells = [line.split("\t") for line in done.out.splitlines()[1:]]
        assert [(each[0], each[2]) for each in cells] == [
            *zip(inputs, ["!", "735426"] * 2, strict=True)
        ]
        assert [bool(each[-1]) for each in cells] == [True, False] * 2
    elif format_ == ["--show"]:
        heads = re.findall(r"^(/.*\.png): (\S+)", done.out, re.MULTILINE)
        assert heads == [*zip(inputs, ["!", "735426"] * 2, strict=True)]
    else:
        assert re.findall(r" (!|735426) ", done.out) == ["!", "735426"] * 2


def test_one_bad_picture_is_one_line_and_exit_6(numbers, saved):
    done = numbers(saved("blank.png", np.full((80, 200), 250, np.uint8)))
    assert (done.code, done.out) == (6, "")
    assert "blank.png: is blank" in done.err


def test_images_of_an_array_are_numbers(numbers, digits, tmp_path):
    rows = np.stack([np.hstack(digits(text)) for text in ("735", "204")])
    np.save(tmp_path / "rows.npy", rows)
    assert numbers(str(tmp_path / "rows.npy"), "-q").out == "735\n204\n"
    images = digits("735").reshape(3, -1)
    np.savetxt(tmp_path / "digits.csv", images, fmt="%d", delimiter=",")
    assert numbers(str(tmp_path / "digits.csv"), "-q").out == "7\n3\n5\n"
    (tmp_path / "bad.csv").write_text(f"{'0,' * 783}x\n" + (tmp_path / "digits.csv").read_text())
    done = numbers(str(tmp_path / "bad.csv"), "-q")
    assert (done.code, done.out) == (7, "!\n7\n3\n5\n")
    assert "row 1: column 784 holds 'x'" in done.err


@pytest.mark.parametrize(
    "name", [b"red\x1b[31m.png", b"two\nlines.png", b"\xff.png", b"[bold].png"]
)
def test_names_of_files_are_words(invoke, digits, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(row_of(digits("735"))).save(tmp_path / os.fsdecode(name))
    command = ("predict", "--number", "-m", "builtin", os.fsdecode(name))
    shown = re.sub(r"[^ -~]", lambda c: {"\x1b": r"\x1b", "\n": r"\n"}.get(c[0], r"\xff"),
                   os.fsdecode(name))  # fmt: skip
    for format_ in ([], ["--tsv"], ["--show"], ["--jsonl"]):
        done = invoke(*command, *format_)
        assert done.code == 0
        assert "735" in done.out
        assert "\x1b" not in done.out
        if "--jsonl" in format_:
            assert json.loads(done.out)["input"].encode("utf-8", "backslashreplace")
        else:
            assert shown in done.out


@pytest.mark.parametrize("render", ["half", "braille", "shade", "ascii"])
def test_a_drawing_has_boxes_with_answers(numbers, row, render):
    done = numbers(row, "--show", "--render", render)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.out)
    head, *drawing, end = plain.splitlines()
    assert head.startswith(f"{row}: 735426 (least probability ")
    assert end == ""
    assert max(map(len, drawing)) <= 80
    answers = sorted((c.start(), c[0]) for line in drawing for c in re.finditer(r"\d", line))
    assert "".join(answer for _, answer in answers) == "735426"
    assert sum(line.count("+" if render == "ascii" else "┌") for line in drawing) >= 6
    if render == "half":
        assert ";".join(map(str, BLUE)) in done.out


def test_a_picture_in_pixels_has_boxes_too(numbers, row):
    def picture(*options):
        out = numbers(row, "--show", "--render", "kitty", *options).out
        pieces = re.findall(r"\x1b_G[^;]*;([^\x1b]*)\x1b", out)
        with Image.open(io.BytesIO(base64.b64decode("".join(pieces)))) as image:
            return np.asarray(image.convert("RGB")).reshape(-1, 3).tolist()

    sure, unsure = picture(), picture("--abstain-below", "1")
    assert (list(BLUE) in sure, list(RED) in sure) == (True, False)
    assert (list(BLUE) in unsure, list(RED) in unsure) == (False, True)
    out = numbers(row, "--show", "--render", "sixel").out
    colours = re.findall(r"#\d+;2;(\d+);(\d+);(\d+)", out)
    assert 2 < len(colours) <= 256
    assert any(abs(int(b) - 88) < 4 and int(r) < 20 for r, _, b in colours)


def test_boxes_go_into_a_file_as_large_as_the_picture(numbers, row, tmp_path):
    path = tmp_path / "boxes.png"
    done = numbers(row, "--output", str(path))
    with Image.open(path) as page, Image.open(row) as picture:
        pixels = np.asarray(page.convert("RGB"))
        grey = np.asarray(picture)
    assert done.err == f"wrote {path}, {pixels.shape[1]} x {pixels.shape[0]} pixels\n"
    down, across = ((np.array(pixels.shape[:2]) - grey.shape) // 2).tolist()
    inside = pixels[down : down + len(grey), across : across + grey.shape[1]]
    is_grey = np.ptp(inside.astype(int), axis=2) == 0
    assert 0.7 < is_grey.mean() < 1
    assert (inside[is_grey][:, 0] == grey[is_grey]).mean() > 0.99
    assert (pixels == BLUE).all(axis=2).any()


def test_several_pictures_go_into_a_sheet(numbers, row, page, tmp_path):
    done = numbers(row, page, "-q", "--output", str(tmp_path / "sheet.png"))
    assert done.code == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 900


@pytest.mark.parametrize("number", [[], ["--number"]])
def test_where_nothing_was_read_no_file_is_written(invoke, tmp_path, number):
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    bad, path = str(tmp_path / "bad.png"), tmp_path / "boxes.png"
    done = invoke("predict", "-m", "builtin", *number, bad, bad, "--output", str(path))
    assert done.code == 7
    assert f"no pictures: {path} was not written" in done.err
    assert not path.exists()


def test_answers_that_are_words_stand_apart(invoke, row):
    assert invoke("train", "even-odd", "--limit", "2000", "-q").code == 0
    done = invoke("predict", row, "--number", "-q", "-m", "even-odd")
    assert set(done.out.split()) <= {"even", "odd"}
    assert len(done.out.splitlines()[0].split(" ")) == 6
    assert invoke("predict", row, "--number", "--show", "-m", "even-odd").code == 0


def test_models_of_pairs_read_numbers(invoke, row):
    assert invoke("train", "pairs", "--limit", "1000", "-q").code == 0
    done = invoke("predict", row, "--number", "-q", "-m", "pairs")
    assert re.fullmatch(r"\d{6}\n", done.out)


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [
        (["x.png", "--explain"], "--explain"),
        (["x.png", "--raw"], "--raw"),
        (["--index", "7"], "--index"),
    ],
)
def test_what_number_excludes(numbers, arguments, flag):
    done = numbers(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0] == f"error: --number and {flag} exclude each other"


def test_several_digits_are_an_error_that_offers_number(invoke, row, page):
    for path in (row, page):
        done = invoke("predict", path, "-m", "builtin")
        assert (done.code, done.out) == (6, "")
        assert "predict --number" in done.err


def test_python_reads_numbers(digits):
    from mnistcli import load_model, read_numbers

    ((one, *_), (*_, last)) = read_numbers(
        load_model("builtin"), page_of(row_of(digits("73")), row_of(digits("54")))
    )
    assert (one.answer, one.line, last.answer, last.line) == ("7", 0, "4", 1)
    assert one.image.shape == (28, 28)


def test_eighty_columns_are_enough(invoke, row, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for options in ([], ["--show"], ["--abstain-below", "1"], ["--proba"]):
        done = invoke("predict", "row.png", "--number", "-m", "builtin", *options,
                      env={"COLUMNS": "80"})  # fmt: skip
        assert done.code == 0
        assert max(map(len, done.out.splitlines())) <= 80
    # of the last, whose probabilities stand apart: nothing is cut, and no column is lost
    words = [line.split() for line in done.out.splitlines()]
    assert [line[2] for line in words if line[1:2] == ["1"]] == list("735426")
    assert [name for line in words if line[:1] == ["input"] for name in line[1:]] == [
        "line", "answer", "probability", *"0123456789",
    ]  # fmt: skip
    assert sum(line.count("%") for line in words) == 6 * 11
