"""Rows are the same bytes however they are read."""

from __future__ import annotations

import pickle

import numpy as np

from mnistcli.linear_model.rows import ArrayRows, SomeRows


def test_some_rows_are_those_of_the_source():
    X = np.random.default_rng(0).integers(0, 256, (50, 7), dtype=np.uint8)
    whole = ArrayRows(X)
    np.testing.assert_array_equal(whole.read(10, 20), X[10:20])
    numbers = np.array([3, 1, 49, 1])
    some = pickle.loads(pickle.dumps(SomeRows(whole, numbers)))  # noqa: S301 - our own
    assert (whole.shape, some.shape) == ((50, 7), (4, 7))
    np.testing.assert_array_equal(some.read(1, 3), X[[1, 49]])
    np.testing.assert_array_equal(some.take(np.array([2, 0])), X[[49, 3]])
