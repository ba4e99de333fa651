"""Rows that are made when they are read: the same bytes in blocks of any size and in any order."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from mnistcli.features import FeatureSpec
from mnistcli.features.copies import deformed
from mnistcli.features.rows import MadeRows

SPECS = [
    FeatureSpec(),
    FeatureSpec("deskew"),
    FeatureSpec("patches", sides=(5,), n_filters=4),
    FeatureSpec("patches+expansion", sides=(5,), n_filters=4, n_directions=9, n_relus=400),
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_rows_are_the_same_bytes_however_they_are_read(mnist, monkeypatch, spec):
    monkeypatch.setattr("mnistcli.features.likeness.N_PATCHES", 1000)
    images, indices = mnist.train.images[:300], np.arange(300) + 7
    features = spec.features.learn(spec, images, 0)
    made = MadeRows(images, indices, spec.features.count(spec), features, 2, seed=3)
    whole = made[:900]
    assert made.shape == whole.shape == (900, spec.features.count(spec))
    sent = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own
    for start, stop in ((0, 1), (290, 310), (299, 301), (13, 500), (899, 900), (880, 999)):
        np.testing.assert_array_equal(sent[start:stop], whole[start:stop])
    some = np.random.default_rng(0).permutation(900)[:50]
    np.testing.assert_array_equal(sent[some], whole[some])
    second = deformed(images, indices, np.full(300, 2), 3)
    expected = features.transform(second) if features else second.reshape(300, -1)
    if features is None or spec.kind == "deskew":
        np.testing.assert_array_equal(whole[600:], expected)
    else:  # products of other sizes may round otherwise
        assert np.abs(whole[600:].astype(int) - expected).max() <= 1
