"""Patches against slow and plain ways to compute them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.signal import correlate2d

from mnistcli.features import FeatureSpec
from mnistcli.features import likeness as module
from mnistcli.features.geometry import normalised
from mnistcli.features.likeness import learn
from mnistcli.features.measured import Patches

SPEC = FeatureSpec("patches", sides=(5, 9), n_filters=8)
ONE_SIDE = FeatureSpec("patches", sides=(7,), n_filters=16)


def learned(spec, images, seed):
    patches = Patches(spec)
    patches.arrays = patches.learn(images, seed)
    return patches


@pytest.fixture(scope="module")
def images(mnist):
    return mnist.train.images[:300]


@pytest.fixture(scope="module")
def patches(images):
    return learned(SPEC, images, 0)


def test_filters_are_patterns_of_length_one(images):
    (filters,) = learn(images, ONE_SIDE, 0)
    assert filters.shape == (16, 49)
    np.testing.assert_allclose(filters.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(filters, axis=1), 1, rtol=1e-5)
    assert np.abs(np.corrcoef(filters) - np.eye(16)).max() < 0.99


def test_filters_gather_patches_around_them(monkeypatch, images):
    ink = normalised(images) / np.float32(255)
    patches = module._sample_patches(ink, 7, np.random.default_rng(1))

    def likeness_to_the_nearest(n_rounds):
        monkeypatch.setattr(module, "N_ROUNDS", n_rounds)
        (found,) = learn(images, ONE_SIDE, 0)
        return (patches @ found.T).max(axis=1).mean()

    first, second, usual = (likeness_to_the_nearest(n) for n in (0, 1, 10))
    assert first + 0.05 < second < usual


def test_features_are_averages_of_pooled_correlations(images, patches):
    """The formula of the module, pixel by pixel."""
    drawn = normalised(images[:2]) / 255.0
    for image, row in zip(drawn, patches.transform(images[:2]), strict=True):
        theirs = []
        for side, of_size in zip((5, 9), patches.patterns, strict=True):
            ones = np.ones((side, side))
            mean = correlate2d(image, ones, mode="same") / side**2
            power = correlate2d(image**2, ones, mode="same")
            contrast = np.sqrt(power - side**2 * mean**2 + 0.05)
            maps = [
                np.maximum(
                    correlate2d(image, f.reshape(side, side), mode="same") / contrast - 0.4, 0
                )
                for f in of_size
            ]
            at = np.stack(maps, axis=-1)
            for y, x in itertools.product(range(0, 21, 4), repeat=2):
                near = [
                    np.sqrt(at[v : v + 8 : 2, h : h + 8 : 2].sum(axis=(0, 1)))
                    for v, h in itertools.product(range(0, 21, 2), repeat=2)
                    if abs(v - y) <= 2 and abs(h - x) <= 2
                ]
                theirs.append(np.mean(near, axis=0))
        expected = np.minimum(np.concatenate(theirs) * patches.arrays["factors"] + 0.5, 255)
        assert np.abs(row - np.floor(expected)).max() <= 1
        assert (row != np.floor(expected)).mean() < 0.01


def test_what_is_more_like_a_filter_than_any_image_was_is_255(images, patches):
    some = images[:20]
    expected = np.minimum(patches.transform(some).astype(float) * 4, 255)
    louder = Patches(SPEC)
    louder.arrays = patches.arrays | {"factors": 4 * patches.arrays["factors"]}
    louder = louder.transform(some)
    assert (louder == 255).mean() > 0.05
    assert np.abs(louder - expected).max() <= 3
    # A tenth is left above the largest of the images that were learned from.
    assert patches.transform(images).max(axis=0).max() == round(255 / 1.1)


def test_features_do_not_depend_on_the_company_or_the_threads(monkeypatch, images, patches):
    together = patches.transform(images[:100])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    np.testing.assert_array_equal(patches.transform(images[:100]), together)
    alone = np.concatenate([patches.transform(image[None]) for image in images[:10]])
    assert np.abs(alone.astype(int) - together[:10]).max() <= 1


def test_the_same_seed_learns_the_same(images, patches):
    again = learned(SPEC, images, 0)
    other = learned(SPEC, images, 1)
    np.testing.assert_array_equal(again.transform(images[:5]), patches.transform(images[:5]))
    assert (other.patterns[0] != patches.patterns[0]).any()


def test_images_without_ink_can_be_learned_from_as_far_as_there_is_anything(images):
    few = images[:1]
    features = learned(FeatureSpec("patches", (5,), 8), few, 0)
    assert np.isfinite(features.patterns[0]).all()
    assert features.transform(few).max() > 200
