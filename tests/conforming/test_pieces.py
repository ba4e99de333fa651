"""Pieces of ink are those that scipy finds, and know their holes and their pixels."""

import hypothesis.extra.numpy as arrays
import numpy as np
from hypothesis import given
from scipy import ndimage

from mnistcli.conforming.operations import (
    fill_holes,
    has_square,
    largest_square,
    pieces_of,
)

masks = arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9))
EIGHT = np.ones((3, 3))


@given(masks)
def test_pieces_their_pixels_and_their_holes(mask):
    pieces = pieces_of(mask)
    labels, n = ndimage.label(mask, EIGHT)
    assert pieces.n == n
    assert np.array_equal(pieces.mask(np.ones(n, bool)), mask)
    for i in range(n):
        own = pieces.pixels([i])
        assert np.array_equal(own, labels == labels[own][0])
        assert np.array_equal(pieces.alone(i), own[pieces.box(i)])
        assert pieces.area[i] == own.sum()
        assert pieces.has_hole[i] == (ndimage.binary_fill_holes(own) != own).any()


@given(masks)
def test_what_no_way_leads_out_of_is_filled(mask):
    assert np.array_equal(fill_holes(mask), ndimage.binary_fill_holes(mask, EIGHT))


@given(masks)
def test_the_largest_square(mask):
    views = np.lib.stride_tricks.sliding_window_view
    sides = range(1, min(mask.shape) + 1)
    fits = [bool(views(mask, (k, k)).all(axis=(2, 3)).any()) for k in sides]
    assert [has_square(mask, k) for k in sides] == fits
    assert largest_square(mask) == sum(fits)
    assert not has_square(mask, max(mask.shape) + 1)
