"""What typicality learns from: images that are no digits, and pairs of digits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from mnistcli.features.counterexamples import every_sign, side_by_side, signs
from mnistcli.features.geometry import moments


def thickness(images):
    """Return how many pixels of ink there are for each pixel of its edges."""
    ink = (images > 127).astype(int)
    return ink.sum() / sum(np.abs(np.diff(ink, axis=axis)).sum() for axis in (1, 2))


def test_letters_and_signs_lie_as_digits_do(mnist):
    strokes = signs(1000)
    assert np.array_equal(strokes, signs(1000))
    assert len(np.unique(strokes.reshape(1000, -1), axis=0)) == 1000
    digits = mnist.train.images[:1000]
    ink, usual = (each.reshape(1000, -1).mean(axis=1) for each in (strokes, digits))
    assert abs(np.median(ink) / np.median(usual) - 1) < 0.1
    assert ink.min() > 5
    thick, usually_thick = map(thickness, (strokes, digits))
    assert abs(thick / usually_thick - 1) < 0.05
    sides = [(strokes > 30).any(axis=axis).sum(axis=1) for axis in (1, 2)]
    longest = np.maximum(*sides)
    assert np.quantile(longest, 0.05) >= 18  # a dot may be hardly there
    assert np.quantile(longest, 0.98) <= 22
    at = moments(strokes.astype(np.float32))
    away = np.hypot(at.mean_x - 13.5, at.mean_y - 13.5)
    assert np.quantile(away, 0.95) < 1.5


@pytest.mark.parametrize(("sign", "n_pieces"), [("0141-0343", 2), ("002440", 1), ("2024-0242", 1)])
def test_the_pen_is_lifted_between_strokes_and_nowhere_else(sign, n_pieces):
    every = every_sign()
    drawn = signs(100 * len(every))[every.index(sign) :: len(every)] > 60
    found = [ndimage.label(each, np.ones((3, 3)))[1] for each in drawn]
    assert np.mean(np.array(found) == n_pieces) > 0.8


def test_digits_are_put_side_by_side():
    bars = np.zeros((200, 28, 28), np.uint8)
    bars[:100, 4:24, 12:16] = 255
    bars[100:, 9:19, 10:13] = 255
    pairs = side_by_side(bars) > 127
    # Side by side they would be 6 to 8 pixels wide, and in the middle; most overlap.
    widths = pairs.any(axis=1).sum(axis=1)
    assert (widths.min(), widths.max()) == (4, 8)
    assert np.abs(pairs.any(axis=1).argmax(axis=1) + widths / 2 - 14).max() <= 1
    assert not side_by_side(np.zeros_like(bars)).any()


def test_two_digits_of_one_hand_lean_alike():
    bars = np.zeros((200, 28, 28), np.uint8)
    for row in range(10):  # those that lean to the left are high, the others low
        bars[:100, 1 + row, 8 + row : 11 + row] = 255
        bars[100:, 17 + row, 18 - row : 21 - row] = 255
    pairs = side_by_side(bars) > 127
    is_high, is_low = pairs[:, :14].any(axis=(1, 2)), pairs[:, 14:].any(axis=(1, 2))
    assert np.mean(is_high & is_low) < 0.1
