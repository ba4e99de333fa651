"""Tables of text: headers, sides of labels, blocks, and cells as Python writes them."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistcli.containers import csv
from mnistcli.containers.columns import side_of_labels
from mnistcli.containers.digits import read_digits
from mnistcli.containers.reading import FormatError, Stream
from mnistcli.pictures.read import read_batches

from .making import KAGGLE, digits_in, npy, table

PIXELS = np.zeros((784, 3), np.uint8)
PIXELS[400] = [255, 254, 253]


def with_ends(first, last):
    values = np.zeros((len(first), 785), np.float32)
    values[:, 400] = 255
    values[:, 0], values[:, -1] = first, last
    return values


@pytest.mark.parametrize(
    ("first", "last", "side"),
    [
        ([7, 2, 1], [0, 0, 0], 0), ([0, 0, 0], [7, 2, 1], -1), ([0, 0, 0], [0, 0, 0], 0),
        ([7], [0], 0), ([0], [7], -1), ([3, 3], [0, 0], 0), ([7, 2], [255, 255], 0),
        ([255, 0], [7, 2], -1), ([1, 2], [3, 4], None), ([5], [6], None), ([10, 1], [255, 0], None),
        ([0.5, 1], [255, 0], None), ([10, 1], [0, 0], None), ([0, 0], [1, 10], None),
        ([np.nan, 1], [2, 3], -1), ([-1, 1], [2, 3], -1),
    ],
)  # fmt: skip
def test_values_tell_which_column_has_the_labels(first, last, side):
    if side is None:
        with pytest.raises(FormatError, match="785 columns"):
            side_of_labels(with_ends(first, last))
    else:
        assert side_of_labels(with_ends(first, last)) == side


@pytest.mark.parametrize("labels", [[1, 2, 10], [25, 0, 3], [-1, 8, 3]])
@pytest.mark.parametrize("end", [0, -1])
def test_a_column_of_paper_is_no_column_of_zeros(labels, end):
    values = with_ends([0, 0, 0], [0, 0, 0])
    values[:, [1, -2]] = [[0, 9], [8, 0], [0, 0]]  # ink beside it
    values[:, end] = labels
    with pytest.raises(
        FormatError, match="its labels in the first of its 785 columns or in the last"
    ):
        side_of_labels(values)


@pytest.mark.parametrize("end", [0, -1])
def test_some_ink_in_the_corner_is_no_column_of_labels_beside_one_to_10(end):
    values = with_ends([0] * 29 + [3], [0] * 29 + [3])
    values[:, end] = [*range(1, 11)] * 3
    with pytest.raises(FormatError, match="its labels in the first of its 785 columns or in the l"):
        side_of_labels(values)


def test_a_label_is_no_share_of_ink():
    values = with_ends([7, 3], [1, 1])
    values[:, 1:-1] = values[:, 1:-1] == 0  # dark on light, from 0 to 1
    assert side_of_labels(values) == 0


@pytest.mark.parametrize("end", [0, -1])
def test_labels_from_1_to_10_are_no_shares_of_ink_beside_pixels_that_are(end):
    values = with_ends([0, 1, 1], [0, 1, 0])
    values[:, 1:-1] = values[:, 1:-1] > 0
    values[:, 1:-1] *= 255 / 256
    values[:, end] = [1, 10, 2]  # a label may not be 10, and the other column is of 0 and 1
    assert side_of_labels(values) == end


@pytest.mark.parametrize("write", [lambda rows: table(rows.T.tolist()), npy])
def test_what_sorted_rows_tell_late_holds_for_all_of_them(write):
    sorted_labels = np.repeat([0, 1, 2], [1500, 400, 400])
    rows = np.zeros((len(sorted_labels), 785), np.uint8)
    rows[:, 400] = 255
    rows[:, 0] = sorted_labels
    assert np.array_equal(digits_in(write(rows))[1], sorted_labels)
    with pytest.raises(FormatError, match="its labels in the first of its 785 columns or in the l"):
        digits_in(write(rows[:, ::-1]))
    assert np.array_equal(digits_in(write(rows[1400:, ::-1]))[1], sorted_labels[1400:])


def test_a_column_may_say_late_which_rows_are_for_the_test():
    said = np.repeat(["", "test"], [1500, 300])
    columns = [np.ones(1800, int), *np.zeros((783, 1800), int), np.full(1800, 255), said]
    with Stream(io.BytesIO(table(columns, [*KAGGLE, "split"]))) as stream:
        parts = [of for b in read_digits(stream) for of in b.parts or ["train"] * len(b.where)]
    assert parts == [of or "train" for of in said]


@pytest.mark.parametrize("block", [3000, 5000, 1 << 20])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blocks_end_anywhere(monkeypatch, block, end):
    monkeypatch.setattr(csv, "BLOCK_BYTES", block)
    rng = np.random.default_rng(1)
    pixels, labels = rng.integers(0, 256, (784, 40)), rng.integers(0, 10, 40)
    lines = table([labels, *pixels], KAGGLE, end=end)
    images, got, faults = digits_in(lines)
    assert np.array_equal(images.reshape(40, 784).T, pixels)
    assert np.array_equal(got, labels)
    assert not faults
    rows = lines.decode().split(end)
    rows[31] = "x"
    assert digits_in(end.join(rows).encode())[2] == [" row 31: has 1 column, expected 785"]


@pytest.mark.parametrize("end", ["\r\n\x1a", "\x1a", "\r\n\x1a\r\n"])
def test_the_letter_that_ends_a_text_of_dos_is_no_row(end):
    lines = table([[1, 2, 3], *PIXELS], KAGGLE, end="\r\n").rstrip() + end.encode()
    images, labels, faults = digits_in(lines)
    assert np.array_equal(images.reshape(3, -1).T, PIXELS)
    assert (labels.tolist(), faults) == ([1, 2, 3], [])


def test_a_million_bad_rows_are_a_million_faults_and_few_are_cheap():
    lines = table([[1, 2, 3] * 100, *np.repeat(PIXELS, 100, axis=1)], KAGGLE).splitlines()
    lines[7] = lines[200] = b"nonsense"
    images, _, faults = digits_in(b"\n".join(lines))
    assert [fault.partition(":")[0] for fault in faults] == [" row 7", " row 200"]
    assert (images.reshape(300, -1).max(axis=1) > 0).sum() == 298


def test_the_rule_below_the_header_of_a_markdown_table_is_no_row():
    pixels = np.random.default_rng(0).integers(0, 9, (15, 64)) + 8 * np.eye(15, 64, dtype=int)
    rows = [["", *(f"pix{i}" for i in range(64)), "label"], ["---:"] * 66]
    rows += [[i, *row, i % 10] for i, row in enumerate(pixels.tolist())]
    text = "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)
    images, labels, faults = digits_in(text.encode())
    assert images.shape == (15, 8, 8)
    np.testing.assert_array_equal(labels, np.arange(15) % 10)
    assert not faults


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("words", ["zero um dois três quatro", "zero satu dua tiga empat"])
def test_words_without_a_header_are_labels_in_whatever_language(words, is_first):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 784)) * (np.arange(784) % 783 > 0)
    rows = [[words.split()[i % 5], *row] for i, row in enumerate(pixels.tolist())]
    rows = rows if is_first else [[*row[1:], row[0]] for row in rows]
    images, labels, faults = digits_in("\n".join(",".join(map(str, row)) for row in rows).encode())
    np.testing.assert_array_equal(images.reshape(20, -1), pixels)
    told = [0, 1, 2, 3, 4] if "um" in words else [0] + [np.nan] * 4
    np.testing.assert_array_equal(labels, told * 4)
    assert not faults


@pytest.mark.parametrize("side", [16, 28])
@pytest.mark.parametrize("n_labels", [1, 10])
def test_digits_with_nothing_between_them_are_cells(side, n_labels, tmp_path):
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 2, (12, side * side)), np.arange(12) % 10
    ends = labels[:, None] if n_labels == 1 else np.eye(10, dtype=int)[labels]
    text = "\n".join("".join(map(str, row)) for row in np.hstack([pixels, ends]).tolist())
    blocks = [*read_digits(Stream(io.BytesIO(text.encode())))]
    np.testing.assert_array_equal(blocks[0].images.reshape(12, -1), 255 * pixels)
    np.testing.assert_array_equal(blocks[0].labels, labels)
    (tmp_path / "digits.txt").write_text(text)
    (batch,) = read_batches(tmp_path / "digits.txt")
    np.testing.assert_array_equal(batch.greys, blocks[0].images)


def test_short_lines_take_no_memory_for_what_they_lack():
    tracemalloc.start()
    try:
        with Stream(io.BytesIO(table([[1], *PIXELS[:, :1]], KAGGLE) + b"1\n" * 20_000)) as stream:
            n = sum(len(block.faults) for block in read_digits(stream))
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()
    assert n == 20_000


@pytest.mark.parametrize("strange", ["\v", "\f", "\x1c", "\x1e", "\x85", "\u2028"])
def test_only_line_ends_end_lines(strange):
    lines = table([[1, 2, 3], *PIXELS], KAGGLE).decode().splitlines()
    lines[2] = lines[2].replace(",0", f",0{strange}0", 1)
    images, _, faults = digits_in("\n".join(lines).encode())
    assert len(images) == 3
    assert len(faults) == 1


def test_labels_that_are_no_numbers_cost_no_picture():
    images, labels, faults = digits_in(table([["odd", "Two", '"3"'], *PIXELS], KAGGLE))
    assert np.array_equal(images.reshape(3, 784).T, PIXELS)
    assert not faults
    np.testing.assert_array_equal(labels, [np.nan, 2, 3])


def test_what_is_not_one_hot_costs_no_picture():
    columns = [np.arange(3) == i for i in range(10)]
    columns[5][1] = True
    names = [*(f"digit {i}" for i in range(10)), *KAGGLE[1:]]
    images, labels, faults = digits_in(table([*columns, *PIXELS], names))
    assert np.array_equal(images.reshape(3, 784).T, PIXELS)
    assert not faults
    np.testing.assert_array_equal(labels, [0, np.nan, 2])


def test_a_row_with_a_cell_too_few_is_not_filled_up():
    lines = table([[1, 2, 3], *PIXELS, ["a", "", "c"]], [*KAGGLE, "note"]).splitlines()
    for n, row in enumerate(lines[1:], 1):
        lines[n] = row.rpartition(b",")[0]
        faults = [f" row {i}: has 785 columns, expected 786" for i in range(1, n + 1)]
        assert digits_in(b"\n".join(lines))[2] == faults


CELLS = st.floats(0, 255, width=32) | st.integers(0, 255) | st.sampled_from(["0.5e1", "+7", ".5"])
ROWS = st.lists(st.lists(st.integers(0, 999), min_size=2, max_size=3), min_size=1, max_size=9)


@given(st.lists(CELLS, max_size=30))
def test_numbers_are_read_as_python_reads_them(cells):
    cells = [255, *cells, *[0] * (783 - len(cells))]
    images, _, faults = digits_in(table([[cell, cell] for cell in cells]))
    expected = np.rint(np.array([float(cell) for cell in cells], np.float32))
    assert not faults
    assert np.array_equal(images[1].ravel(), expected)


@given(ROWS)
def test_whole_numbers_are_parsed_at_once(rows):
    block = "".join(",".join(map(str, row)) + "\n" for row in rows).encode()
    values = csv._whole_numbers(block, 3)
    if all(len(row) == 3 for row in rows):
        assert values.tolist() == rows
    else:
        assert values is None


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (b"@relation r\n", "has no @data line"),
        (b"@relation r\n% @data\n", "has no @data line"),
        (b"@relation r\n@data\n", "has 0 columns"),
        (b"@attribute a real\n@attribute class {0,1}\n@data\n1,2\n", "has 2 columns"),
    ],
)
def test_wrong_arff_headers_are_refused(head, problem):
    with Stream(io.BytesIO(head)) as stream, pytest.raises(FormatError, match=problem):
        csv.open_arff(stream)


def test_labels_in_words_of_a_table_that_excel_wrote_on_windows_are_read():
    images = np.random.default_rng(0).integers(0, 256, (12, 784))
    rows = [f"fünf;{';'.join(map(str, row))}\r\n" for row in images.tolist()]
    text = f"Ziffer;{';'.join(map(str, range(784)))}\r\n{''.join(rows)}"
    _, labels, faults = digits_in(text.encode("cp1252"))
    assert labels.tolist() == [5] * len(images)
    assert not faults
