"""What typicality learns from: images that are no digits, and pairs of digits."""

from __future__ import annotations

import numpy as np

from mnistcli.features.counterexamples import pen_strokes, side_by_side
from mnistcli.features.geometry import moments


def test_strokes_of_a_pen_lie_as_digits_do(mnist):
    strokes = pen_strokes(1000)
    assert np.array_equal(strokes, pen_strokes(1000))
    assert len(np.unique(strokes.reshape(1000, -1), axis=0)) == 1000
    digits = mnist.train.images[:1000]
    ink, usual = (each.reshape(1000, -1).mean(axis=1) for each in (strokes, digits))
    assert abs(np.median(ink) / np.median(usual) - 1) < 0.1
    assert ink.min() > 5
    full, usually_full = ((each > 200).mean() for each in (strokes, digits))
    assert abs(full / usually_full - 1) < 0.1
    sides = [(strokes > 30).any(axis=axis).sum(axis=1) for axis in (1, 2)]
    longest = np.maximum(*sides)
    assert np.quantile(longest, 0.02) >= 18
    assert np.quantile(longest, 0.98) <= 22
    at = moments(strokes.astype(np.float32))
    away = np.hypot(at.mean_x - 13.5, at.mean_y - 13.5)
    assert np.quantile(away, 0.95) < 1.5


def test_digits_are_put_side_by_side():
    bars = np.zeros((200, 28, 28), np.uint8)
    bars[:100, 4:24, 12:16] = 255
    bars[100:, 9:19, 10:13] = 255
    pairs = side_by_side(bars) > 127
    # Side by side they would be 7 pixels wide, and in the middle; most overlap.
    widths = pairs.any(axis=1).sum(axis=1)
    assert (widths.min(), widths.max()) == (4, 7)
    assert np.abs(pairs.any(axis=1).argmax(axis=1) + widths / 2 - 14).max() <= 1
    assert not side_by_side(np.zeros_like(bars)).any()
