"""Arrangements of strokes: what is learned, and what it is worth."""

from __future__ import annotations

import numpy as np
import pytest

from mnistcli.errors import UsageError
from mnistcli.features import FeatureSpec, codebook, wavelets
from mnistcli.features.geometry import normalised
from mnistcli.features.kinds import learn_features

SPEC = FeatureSpec("arrangements", n_codes=40)


@pytest.fixture(scope="module")
def features(mnist):
    return learn_features(SPEC, mnist.train.images[:500], 0)


def test_directions_are_whitened_and_codes_have_length_1(mnist, features):
    axes, middle, codes = (features.arrays[name] for name in ("axes", "middle", "codes"))
    strokes = codebook.arrangements(normalised(mnist.train.images[500:600]) / np.float32(255))
    along = strokes.reshape(-1, 108) @ axes.T - middle
    along = along[np.linalg.norm(along, axis=1) > 0.5]
    spreads = np.sqrt(np.linalg.eigvalsh(np.cov(along.T)))
    assert spreads.max() < 3 * np.median(spreads)  # of the strokes themselves 30 times
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1, rtol=1e-5)
    # Centres are far apart, and each is near to what it stands for.
    assert np.sort(codes @ codes.T, axis=1)[:, -2].max() < 0.95
    nearest = (along / np.linalg.norm(along, axis=1, keepdims=True) @ codes.T).max(axis=1)
    assert nearest.mean() > 0.35


def test_strokes_are_seen_where_they_are(features):
    image = np.zeros((1, 28, 28), np.float32)
    image[0, 4:24, 13:15] = 1  # an upright stroke
    strokes = codebook.arrangements(image)[0].reshape(14, 14, 2, 6, 3, 3)
    finest = strokes[6, 6, 0, :, 1, 1]
    assert finest.argmax() == 0  # waves from left to right
    assert strokes[6, 6, 0, 0].mean() > 3 * strokes[6, 1, 0, 0].mean()


def test_codes_are_drawn_stroke_by_stroke():
    axes = np.zeros((50, 108), np.float32)
    axes[:, :50] = np.eye(50)
    codes = np.zeros((1, 50), np.float32)
    codes[0, 3 * 9 + 5] = 1  # the finest stroke of direction 3, right in the middle row
    ((drawn,),) = codebook.drawn((axes, np.zeros(50, np.float32), codes))
    assert drawn.shape == (15, 15)
    np.testing.assert_array_equal(drawn[5:10, 10:], wavelets.draw_wavelets(0)[3])
    assert np.abs(drawn).sum() == np.abs(drawn[5:10, 10:]).sum()


def test_few_images_still_make_codes(mnist):
    dot = np.zeros((2, 28, 28), np.uint8)
    dot[:, 14, 14] = 255
    for images in (mnist.train.images[:3], mnist.train.images[:1], dot):
        found = learn_features(SPEC, images, 0)
        assert all(np.isfinite(each).all() for each in found.arrays.values())
        assert found.transform(images).shape == (len(images), 640)


def test_arrangements_that_are_all_alike_have_codes(monkeypatch, mnist):
    monkeypatch.setattr(codebook, "arrangements", lambda ink: np.ones((len(ink), 14, 14, 108)))
    found = codebook.learn(mnist.train.images[:9], FeatureSpec("arrangements", n_codes=4), 0)
    assert all(np.isfinite(each).all() for each in found)


@pytest.mark.parametrize("kind", ["arrangements", "patches+expansion"])
def test_images_without_ink_teach_nothing(kind):
    with pytest.raises(UsageError, match="images without ink have no patterns to learn"):
        learn_features(FeatureSpec.of(kind), np.zeros((5, 28, 28), np.uint8), 0)
