"""The rows that a solver sees: features of images, then those of their distorted copies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mnistcli.features import FeatureSpec
from mnistcli.features.distort import distort
from mnistcli.model_selection import design
from mnistcli.model_selection.design import design_matrix
from mnistcli.model_selection.splits import training_samples
from mnistcli.settings import SolverSettings, SplitSpec
from mnistcli.tasks import parse_task

PATCHES = FeatureSpec("patches", sides=(5,), n_filters=4, n_copies=1)


@pytest.fixture(autouse=True)
def _quickly_learned(monkeypatch):
    monkeypatch.setattr("mnistcli.features.filters.N_PATCHES", 1000)


@pytest.fixture(scope="module")
def samples(mnist):
    return training_samples(mnist, parse_task("3v8"), SplitSpec(limit=60))


@pytest.mark.parametrize("kind", ["pixels", "deskew"])
def test_images_come_first_and_then_copy_by_copy(samples, kind):
    spec = FeatureSpec(kind, n_copies=2)
    rows = design_matrix(samples, spec, seed=5)
    assert (rows.X.shape, rows.X.dtype, rows.n_copies) == ((180, 784), np.uint8, 2)
    features = spec.features.learn(spec, samples.images, 5)
    for copy, X in enumerate(rows.X.reshape(3, 60, 784)):
        images = distort(samples.images, (5, copy, 0)) if copy else samples.images
        expected = features.transform(images) if features else images.reshape(60, 784)
        np.testing.assert_array_equal(X, expected)
    assert rows.y is samples.y


def test_no_two_copies_of_a_digit_are_the_same(monkeypatch, samples):
    monkeypatch.setattr(design, "_IMAGES_AT_ONCE", 20)
    same = replace(samples, images=np.repeat(samples.images[:1], 60, axis=0))
    X = design_matrix(same, FeatureSpec(n_copies=3), seed=0).X
    assert len(np.unique(X, axis=0)) == 1 + 3 * 60
    other = design_matrix(same, FeatureSpec(n_copies=3), seed=1).X
    assert (other[60:] != X[60:]).any(axis=1).all()


def test_what_features_learn_follows_the_seed(samples):
    zero, again, one = (design_matrix(samples, PATCHES, seed=seed).features for seed in (0, 0, 1))
    assert zero.arrays()["filters5"].tobytes() == again.arrays()["filters5"].tobytes()
    assert (zero.arrays()["filters5"] != one.arrays()["filters5"]).any()


def test_copies_follow_their_images(samples):
    rows = design_matrix(samples, PATCHES, seed=0)
    index = np.array([3, 50])
    X, y = rows.with_copies(index)
    np.testing.assert_array_equal(X, rows.X[[3, 50, 63, 110]])
    np.testing.assert_array_equal(y, rows.y[[3, 50, 3, 50]])
    X, y = rows.without_copies(index)
    np.testing.assert_array_equal(X, rows.X[[3, 50]])
    np.testing.assert_array_equal(y, rows.y[[3, 50]])
    assert rows.per_copy(SolverSettings(C=3.0, penalty="l1")) == SolverSettings(1.5, penalty="l1")
    X, y = rows.everything()
    np.testing.assert_array_equal(X, rows.X)
    np.testing.assert_array_equal(y, [*samples.y, *samples.y])
