"""Rows are the same bytes however they are read."""

from __future__ import annotations

import pickle

import numpy as np

from mnistcli.arrays import SomeRows


def test_some_rows_are_those_of_the_source():
    X = np.random.default_rng(0).integers(0, 256, (50, 7), dtype=np.uint8)
    numbers = np.array([3, 1, 49, 1])
    some = pickle.loads(pickle.dumps(SomeRows(X, numbers)))  # noqa: S301 - our own
    assert (some.shape, some.dtype) == ((4, 7), np.uint8)
    np.testing.assert_array_equal(some[1:3], X[[1, 49]])
    np.testing.assert_array_equal(some[np.array([2, 0])], X[[49, 3]])
    block = SomeRows(SomeRows(X, range(10, 50)), range(5, 9))
    assert block.shape == (4, 7)
    np.testing.assert_array_equal(block[:], X[15:19])
    np.testing.assert_array_equal(block[2:99], X[17:19])
    np.testing.assert_array_equal(block[np.array([3, 0])], X[[18, 15]])
