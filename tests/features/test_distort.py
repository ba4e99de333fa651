"""Distorted copies: interpolated as by SciPy, other digits but not by much, none like another."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from mnistcli.features import distort as module
from mnistcli.features.distort import _sources, distort
from mnistcli.features.geometry import sampled


@pytest.fixture(scope="module")
def images(mnist):
    return mnist.train.images[:300]


def test_distortions_are_interpolated_as_scipy_does(images):
    rng = np.random.default_rng(0)
    x, y = _sources(10, rng)
    ours = sampled(images[:10].astype(np.float32), x, y)
    for image, ox, oy, mine in zip(images, x, y, ours, strict=False):
        theirs = map_coordinates(image.astype(float), [oy, ox], order=1, mode="grid-constant")
        np.testing.assert_allclose(mine, theirs, atol=0.01)


def test_distorted_digits_are_others_but_not_by_much(images):
    one, two = distort(images, (0, 1)), distort(images, (0, 2))
    np.testing.assert_array_equal(one, distort(images, (0, 1)))
    assert (one != two).any(axis=(1, 2)).all()
    ratio = one.sum(axis=(1, 2), dtype=float) / images.sum(axis=(1, 2), dtype=float)
    assert 0.6 < ratio.min() < ratio.max() < 1.7
    shift = np.abs(one.astype(float) - images).mean() / images.mean()
    assert 0.2 < shift < 1.2


def test_no_two_copies_of_a_digit_are_the_same(images):
    """Blocks of 256 images have random numbers of their own."""
    copies = distort(np.repeat(images[:1], 600, axis=0), (0, 1))
    assert len(np.unique(copies, axis=0)) == 600


@pytest.mark.parametrize(
    ("name", "largest_dx", "largest_dy"),
    [
        ("SHIFT", 0.7, 0.7),
        ("SCALING", 12.5 * 0.06, 0.5 * 0.06),
        ("ROTATION", 0.5 * np.sin(np.deg2rad(6)), 12.5 * np.sin(np.deg2rad(6))),
    ],
)
def test_digits_are_moved_stretched_and_turned_as_far_as_is_said(
    monkeypatch, name, largest_dx, largest_dy
):
    """At row 14 and column 26: 0.5 and 12.5 pixels from the middle."""
    for other in {"SHIFT", "SCALING", "ROTATION", "DISPLACEMENT"} - {name}:
        monkeypatch.setattr(module, other, 0.0)
    x, y = _sources(2000, np.random.default_rng(0))
    for offset, largest in ((x[:, 14, 26] - 26, largest_dx), (y[:, 14, 26] - 14, largest_dy)):
        assert offset.max() == pytest.approx(largest, abs=0.08)
        assert offset.min() == pytest.approx(-largest, abs=0.08)


def test_digits_are_bent_smoothly(monkeypatch):
    for other in ("SHIFT", "SCALING", "ROTATION"):
        monkeypatch.setattr(module, other, 0.0)
    x, y = _sources(2000, np.random.default_rng(0))
    for bent in (x[:, 14] - np.arange(28), y[:, :, 14] - np.arange(28)):
        assert bent[:, 14].std() == pytest.approx(1.0, abs=0.05)
        # Noise smoothed by a Gaussian of 4 pixels, at places 4 pixels apart.
        assert np.corrcoef(bent[:, 12], bent[:, 16])[0, 1] == pytest.approx(np.exp(-0.25), abs=0.03)
    assert abs(np.corrcoef(x[:, 14, 14], y[:, 14, 14])[0, 1]) < 0.1
