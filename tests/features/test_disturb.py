"""Disturbances: how much, of what, and that the same image is always disturbed alike."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from mnistcli.errors import UsageError
from mnistcli.features.disturb import disturbed
from mnistcli.ranges import DISTURBANCES


@pytest.fixture(scope="module")
def digits(test_images):
    return test_images[:100]


def of(images, kind, strength, *, index=None):
    index = np.arange(len(images)) if index is None else index
    return disturbed(images, index, kind, strength)


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_strength_0_leaves_every_bit(digits, kind):
    assert of(digits, kind, 0) is digits


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_an_image_is_disturbed_alike_whatever_stands_beside_it(digits, kind):
    whole = of(digits, kind, 1.5)
    some = np.array([77, 5, 40])
    np.testing.assert_array_equal(of(digits[some], kind, 1.5, index=some), whole[some])
    assert (whole != digits).any(axis=(1, 2)).all()


@pytest.mark.parametrize("kind", ["noise", "shift"])
def test_draws_differ_from_image_to_image_and_strength_to_strength(digits, kind):
    same = np.repeat(digits[:1], 5, axis=0)
    assert len({each.tobytes() for each in of(same, kind, 2)}) == 5
    grey = np.full((1, 28, 28), 128, np.uint8)
    a, b = (of(grey, "noise", s).astype(float).ravel() - 128 for s in (0.02, 0.04))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.2


def test_noise_has_the_standard_deviation_that_was_asked_for():
    grey = np.full((50, 28, 28), 128, np.uint8)
    found = of(grey, "noise", 0.1).astype(float)
    assert found.std() == pytest.approx(25.5, rel=0.02)
    assert found.mean() == pytest.approx(128, abs=0.5)


def test_blur_is_a_gaussian_over_paper_without_end(digits):
    wide = np.pad(digits.astype(float), ((0, 0), (20, 20), (20, 20)))
    smooth = ndimage.gaussian_filter(wide, (0, 1.5, 1.5), truncate=10)[:, 20:-20, 20:-20]
    assert np.abs(of(digits, "blur", 1.5) - smooth).max() < 0.6


def test_a_quarter_of_a_turn_is_to_the_left_and_exact(digits):
    np.testing.assert_array_equal(of(digits, "rotate", 90), np.rot90(digits, axes=(1, 2)))
    np.testing.assert_array_equal(of(digits, "rotate", -90), np.rot90(digits, -1, axes=(1, 2)))


def test_images_move_by_so_much_in_all_directions():
    dot = np.zeros((200, 28, 28), np.uint8)
    dot[:, 13:15, 13:15] = 200
    found = of(dot, "shift", 5).astype(float)
    y, x = np.mgrid[:28, :28] - 13.5
    total = found.sum(axis=(1, 2))
    at = np.stack([(found * x).sum(axis=(1, 2)), (found * y).sum(axis=(1, 2))]) / total
    assert np.hypot(*at) == pytest.approx(5, abs=0.05)
    assert np.abs(at.mean(axis=1)).max() < 1


@pytest.mark.parametrize(("strength", "width"), [(1, 4), (0.5, 3), (2, 6), (-1, 0), (-0.5, 1)])
def test_strokes_grow_and_shrink_on_each_side(strength, width):
    line = np.zeros((1, 28, 28), np.uint8)
    line[:, :, 13:15] = 200
    row = of(line, "thickness", strength)[0, 14].astype(float)
    assert row.sum() / 200 == pytest.approx(width, abs=0.02)


@pytest.mark.parametrize(
    ("kind", "strength"),
    [
        ("noise", -1),
        ("blur", 29),
        ("rotate", float("nan")),
        ("shift", float("inf")),
        ("thickness", -15),
    ],
)
def test_what_makes_no_sense_is_refused(digits, kind, strength):
    with pytest.raises(UsageError, match=f"{kind} = .* makes no sense"):
        of(digits, kind, strength)


@pytest.mark.parametrize("kind", DISTURBANCES)
@pytest.mark.parametrize("end", [1, 2])
def test_every_strength_and_no_image_at_all_are_fine(digits, kind, end):
    assert of(digits[:2], kind, DISTURBANCES[kind][0][end]).dtype == np.uint8
    assert of(digits[:0], kind, 1).shape == (0, 28, 28)
