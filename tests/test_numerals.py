"""Numbers are read digit by digit, touching ones too."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import mnistcli
from mnistcli.conforming.types import Box
from mnistcli.errors import BadImageError
from mnistcli.numerals import DigitRead, _best_path, read_numbers


def read(answer, probability, left, right, height=20):
    box = Box(0, height, left, right)
    return DigitRead(answer, probability, np.array([probability]), box, np.zeros((28, 28)), 0)


@pytest.mark.parametrize(
    ("whole", "parts", "ink", "answers"),
    [
        (read("4", 0.9, 0, 30), (read("1", 0.9, 0, 12), read("7", 0.9, 12, 30)), 0.1, "17"),
        (read("0", 0.9, 0, 20), (read("6", 0.9, 0, 10), read("2", 0.9, 10, 20)), 0.3, "0"),
        (read("5", 0.4, 0, 20), (read("5", 0.9, 0, 20), read("1", 0.9, 15, 20, 4)), 0.0, "5"),
    ],
    ids=["wide", "a wide 0", "a low end"],
)
def test_strokes_are_parted_where_that_is_more_probable(whole, parts, ink, answers):
    digits = {(0, 2): whole, (0, 1): parts[0], (1, 2): parts[1]}
    path = _best_path(digits, {0: 0.0, 1: ink})
    assert "".join(digit.answer for digit in path) == answers


def test_a_picture_without_a_digit_is_an_error():
    with pytest.raises(BadImageError, match=r"^blank\.png: is blank"):
        read_numbers(None, np.full((50, 80), 255, np.uint8), source="blank.png")


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
