"""Straightened and normalised digits against slow and plain ways to draw them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import generate_binary_structure, grey_dilation, map_coordinates

from mnistcli.features.geometry import (
    STANDARD_HEIGHT,
    STANDARD_WIDTH,
    grown,
    normalised,
    straightened,
)


@pytest.fixture(scope="module")
def images(mnist):
    return mnist.train.images[:300]


def moments(image):
    y, x = np.mgrid[:28, :28]
    ink = image / image.sum()
    mean_x, mean_y = (ink * x).sum(), (ink * y).sum()
    return (ink * (x - mean_x) * (y - mean_y)).sum(), (ink * (y - mean_y) ** 2).sum()


def test_strokes_grow_by_their_four_neighbours(images):
    cross = generate_binary_structure(2, 1)
    ink = images[:20, 3:, 5:20].astype(np.float32)
    expected = [grey_dilation(each, footprint=cross) for each in ink]
    assert np.array_equal(grown(ink), expected)
    assert np.array_equal(grown(ink[0].T), expected[0].T)
    assert np.array_equal(ink, images[:20, 3:, 5:20])


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


@pytest.mark.parametrize("side", [1, -1])
def test_the_slant_that_is_taken_out_has_a_limit(side):
    """A line of 4 columns to a row is sheared by 1.5 a row: 2.5 are left."""
    image = np.zeros((28, 28), dtype=np.uint8)
    for y in range(11, 17):
        image[y, 4 * (y - 11) + 2 : 4 * (y - 11) + 6] = 255
    after = straightened(image[::side][None])[0].astype(float)[::side]
    columns = after @ np.arange(28) / np.maximum(after.sum(axis=1), 1)
    steps = np.diff(columns[11:17])
    np.testing.assert_allclose(steps, 2.5, atol=0.01)


def test_nothing_and_very_little_ink_are_left_alone():
    images = np.zeros((2, 28, 28), dtype=np.uint8)
    images[1, 14, 14] = 255
    np.testing.assert_array_equal(straightened(images), images)
    assert normalised(images)[0].max() == 0
    assert np.unravel_index(normalised(images)[1].argmax(), (28, 28)) in ((13, 13), (14, 14))


def test_digits_are_stretched_within_limits():
    """A flat line becomes twice as thick and no more; two far columns come 1.2 times closer."""
    line, columns, rows = np.zeros((3, 1, 28, 28), dtype=np.uint8)
    line[0, 13, 4:24] = 255
    columns[0, :, [*range(4), *range(24, 28)]] = 255
    assert normalised(line).sum(axis=1).max() == pytest.approx(2 * 255, rel=0.02)
    # Two far rows come 1.1 times closer: what is drawn in row 1 was a quarter of a row above 0.
    rows[0, [0, 27], 8:20] = 255
    assert normalised(rows)[0, 1].max() == pytest.approx(0.75 * 255, abs=2)
    drawn = normalised(columns)[0].sum(axis=0)[:14]
    assert drawn @ np.arange(14) / drawn.sum() == pytest.approx(13.5 - 12 / 1.2, abs=0.05)


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
