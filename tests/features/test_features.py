"""Features against slow and plain ways to compute them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.signal import correlate2d

from mnistcli.features import FeatureSpec
from mnistcli.features.distort import _sources, distort
from mnistcli.features.filters import learn_filters
from mnistcli.features.geometry import sampled
from mnistcli.features.likeness import likeness
from mnistcli.features.patches import VIEWS
from mnistcli.features.straightening import (
    STANDARD_HEIGHT,
    STANDARD_WIDTH,
    normalised,
    straightened,
)


def learn_features(spec, images, seed):
    return spec.features.learn(spec, images, seed)


SPEC = FeatureSpec("patches", sides=(5, 9), n_filters=8)


@pytest.fixture(scope="module")
def images(mnist):
    return mnist.train.images[:300]


@pytest.fixture(scope="module")
def patches(images):
    return learn_features(SPEC, images, seed=0)


def moments(image):
    y, x = np.mgrid[:28, :28]
    ink = image / image.sum()
    mean_x, mean_y = (ink * x).sum(), (ink * y).sum()
    return (ink * (x - mean_x) * (y - mean_y)).sum(), (ink * (y - mean_y) ** 2).sum()


def test_straightened_digits_have_no_slant_left(images):
    for before, after in zip(images, straightened(images), strict=True):
        m_xy, m_yy = moments(after.astype(float))
        assert abs(m_xy / m_yy) < 0.03
        assert after.sum() == pytest.approx(before.sum(dtype=float), rel=0.02)


def test_straightening_is_a_shear_along_rows(images):
    for before, after in zip(images[:20], straightened(images[:20]), strict=True):
        m_xy, m_yy = moments(before.astype(float))
        y, x = np.mgrid[:28, :28]
        mean_y = (before.sum(axis=1) @ np.arange(28)) / before.sum()
        where = [y, x + m_xy / m_yy * (y - mean_y)]
        theirs = map_coordinates(before.astype(float), where, order=1, mode="grid-constant")
        np.testing.assert_allclose(after, theirs, atol=0.1)


def test_nothing_and_very_little_ink_are_left_alone():
    images = np.zeros((2, 28, 28), dtype=np.uint8)
    images[1, 14, 14] = 255
    np.testing.assert_array_equal(straightened(images), images)
    assert normalised(images)[0].max() == 0
    assert np.unravel_index(normalised(images)[1].argmax(), (28, 28)) in ((13, 13), (14, 14))


def sizes(images):
    """Standard deviations of the ink, across and down."""
    return np.sqrt(
        [(moments(each.T.astype(float))[1], moments(each.astype(float))[1]) for each in images]
    ).T


def test_normalised_digits_come_half_way_to_the_standard_size(images):
    (was_wide, was_high), (wide, high) = sizes(straightened(images)), sizes(normalised(images))
    assert np.median(wide / np.sqrt(was_wide * STANDARD_WIDTH)) == pytest.approx(1, abs=0.02)
    # The highest do not fit the frame any more.
    assert np.median(high / np.sqrt(was_high * STANDARD_HEIGHT)) == pytest.approx(1, abs=0.02)
    assert np.std(np.log(wide)) < 0.6 * np.std(np.log(was_wide))


def test_normalised_digits_are_upright_in_the_middle_wherever_they_were(images):
    edges = images.copy()
    edges[:, 2:-2, 2:-2] = 0
    images = images[~edges.any(axis=(1, 2))]
    moved = np.roll(images, (2, -1), axis=(1, 2))
    np.testing.assert_allclose(normalised(moved), normalised(images), atol=0.5)
    slants = [np.divide(*moments(each.astype(float))) for each in normalised(images)]
    assert np.median(np.abs(slants)) < 0.02
    columns = normalised(images).sum(axis=1)
    assert np.abs(columns @ np.arange(28) / columns.sum(axis=1) - 13.5).max() < 1


def test_a_view_is_turned_and_moved(images):
    straight = normalised(images[:50])
    moved = normalised(images[:50], (0, 1, -2))
    np.testing.assert_allclose(moved[:, 2:-4, 3:], straight[:, 4:-2, 2:-1], atol=1e-3)
    for before, after in zip(straight, normalised(images[:50], (90, 0, 0)), strict=True):
        np.testing.assert_allclose(after, np.rot90(before), atol=1)


def test_four_views_are_averaged(images):
    one, four = (
        learn_features(FeatureSpec("patches", (7,), 8, n_views=n), images, seed=0) for n in (1, 4)
    )
    np.testing.assert_array_equal(one.patterns[0], four.patterns[0])
    looks = [
        likeness(normalised(images[:20], view) / np.float32(255), one.patterns, 6)
        for view in VIEWS[4]
    ]
    expected = np.minimum(np.mean(looks, axis=0) * four.factors, 255)
    assert np.abs(four.transform(images[:20]) - expected).max() <= 0.51


def test_filters_are_patterns_of_length_one(images):
    filters = learn_filters(images / np.float32(255), 7, 16, np.random.default_rng(0))
    assert filters.shape == (16, 49)
    np.testing.assert_allclose(filters.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(filters, axis=1), 1, rtol=1e-5)
    assert np.abs(np.corrcoef(filters) - np.eye(16)).max() < 0.99


def test_features_are_averages_of_pooled_correlations(images, patches):
    """The formula of the module, pixel by pixel."""
    drawn = normalised(images[:2]) / 255.0
    for image, row in zip(drawn, patches.transform(images[:2]), strict=True):
        theirs = []
        for side, filters in zip((5, 9), patches.patterns, strict=True):
            ones = np.ones((side, side))
            mean = correlate2d(image, ones, mode="same") / side**2
            power = correlate2d(image**2, ones, mode="same")
            contrast = np.sqrt(power - side**2 * mean**2 + 0.05)
            maps = [
                np.maximum(
                    correlate2d(image, f.reshape(side, side), mode="same") / contrast - 0.4, 0
                )
                for f in filters
            ]
            at = np.stack(maps, axis=-1)
            for y, x in itertools.product(range(0, 21, 4), repeat=2):
                near = [
                    np.sqrt(at[v : v + 8 : 2, h : h + 8 : 2].sum(axis=(0, 1)))
                    for v, h in itertools.product(range(0, 21, 2), repeat=2)
                    if abs(v - y) <= 2 and abs(h - x) <= 2
                ]
                theirs.append(np.mean(near, axis=0))
        expected = np.minimum(np.concatenate(theirs) * patches.factors + 0.5, 255)
        assert np.abs(row - np.floor(expected)).max() <= 1
        assert (row != np.floor(expected)).mean() < 0.01


def test_features_do_not_depend_on_the_company_or_the_threads(monkeypatch, images, patches):
    together = patches.transform(images[:100])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    np.testing.assert_array_equal(patches.transform(images[:100]), together)
    alone = np.concatenate([patches.transform(image[None]) for image in images[:10]])
    assert np.abs(alone.astype(int) - together[:10]).max() <= 1


def test_the_same_seed_learns_the_same(images, patches):
    again = learn_features(SPEC, images, seed=0)
    other = learn_features(SPEC, images, seed=1)
    np.testing.assert_array_equal(again.transform(images[:5]), patches.transform(images[:5]))
    assert (other.patterns[0] != patches.patterns[0]).any()


@pytest.mark.parametrize("spec", [SPEC, FeatureSpec("deskew"), FeatureSpec()], ids=lambda s: s.kind)
def test_what_is_kept_brings_the_features_back(images, spec):
    features = learn_features(spec, images, seed=0)
    kept = features.arrays() if features else {}
    assert {name: array.shape for name, array in kept.items()} == spec.features.shapes(spec)
    again = spec.features.from_arrays(spec, kept)
    if features is None:
        assert again is None
        return
    rows = features.transform(images[:5])
    assert (rows.shape, rows.dtype) == ((5, spec.features.count(spec)), np.uint8)
    np.testing.assert_array_equal(again.transform(images[:5]), rows)


def test_images_without_ink_can_be_learned_from_as_far_as_there_is_anything(images):
    few = images[:1]
    features = learn_features(FeatureSpec("patches", (5,), 8), few, seed=0)
    assert np.isfinite(features.patterns[0]).all()
    assert features.transform(few).max() > 200


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
