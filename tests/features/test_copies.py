"""Deformed copies: found by their number, the same everywhere, other digits but not by much."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import grey_dilation, grey_erosion, map_coordinates

from mnistcli.features import FeatureSpec
from mnistcli.features import copies as module
from mnistcli.features.copies import MadeRows, _fields, _moved, _stroked, deformed
from mnistcli.features.kinds import learn_features
from mnistcli.features.projection import bits_of

PINNED = "464e8c77495e45dc812cdc5ba30b1ff6173e3942876120d57b1b58704d7c0511"
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)
SPECS = [
    FeatureSpec(),
    FeatureSpec("deskew"),
    FeatureSpec("patches", sides=(5,), n_filters=4),
    FeatureSpec("patches+expansion", sides=(5,), n_filters=4, n_directions=9, n_relus=400),
]


@pytest.fixture(scope="module")
def images(mnist):
    return mnist.train.images[:300]


def copy_of(images, number, *, seed=0, indices=None):
    indices = np.arange(len(images)) if indices is None else np.asarray(indices)
    return deformed(images, indices, np.full(len(images), number), seed)


def test_copies_are_the_same_bytes_on_every_machine(images):
    few = images[:8]
    at = np.array([0, 1, 2, 59_999, 2**31, 2**32 - 1, 77, 78])
    content = b"".join(copy_of(few, k, seed=s, indices=at) for k in (1, 2, 1024) for s in (0, 5))
    assert hashlib.sha256(content).hexdigest() == PINNED


def test_a_copy_depends_on_its_image_number_and_seed_alone(images, monkeypatch):
    numbers = np.random.default_rng(0).integers(0, 9, 300)
    whole = deformed(images, np.arange(300), numbers, 3)
    order = np.random.default_rng(1).permutation(300)
    monkeypatch.setattr(module, "_IMAGES_PER_BLOCK", 7)
    np.testing.assert_array_equal(deformed(images[order], order, numbers[order], 3), whole[order])
    for i in (0, 5, 299):
        alone = deformed(images[i : i + 1], np.array([i]), numbers[i : i + 1], 3)
        np.testing.assert_array_equal(alone[0], whole[i])
    np.testing.assert_array_equal(whole[numbers == 0], images[numbers == 0])


def test_copies_are_other_digits_but_not_by_much(images):
    one = copy_of(images, 1)
    for other in (images, copy_of(images, 2), copy_of(images, 1, seed=1)):
        assert (one != other).any(axis=(1, 2)).all()
    ratio = one.sum(axis=(1, 2), dtype=float) / images.sum(axis=(1, 2), dtype=float)
    assert 0.4 < ratio.min() < ratio.max() < 2.2
    assert 0.95 < ratio.mean() < 1.1
    assert 0.2 < np.abs(one.astype(float) - images).mean() / images.mean() < 1.2


def test_no_two_copies_of_a_digit_are_the_same(images):
    same = np.repeat(images[:1], 3000, axis=0)
    copies = deformed(same, np.repeat([0, 1, 2], 1000), np.tile(np.arange(1, 1001), 3), 0)
    assert len(np.unique(copies, axis=0)) == 3000


def test_images_are_drawn_where_the_fields_say_as_scipy_does(images):
    few, bits = images[:40], bits_of(np.arange(40, dtype=np.uint32))
    paper = np.zeros((40, 32, 32), dtype=np.uint8)
    paper[:, 2:30, 1:29] = few
    ours = _moved(paper.reshape(40, -1), bits, 1.0).reshape(40, 28, 28)
    elastic, affine = _fields(1.0)
    for image, mine, b in zip(few, ours, bits.tolist(), strict=True):
        x = affine[0, b & 1023] + elastic[b >> 10 & 1023] / 1.0
        y = affine[1, b & 1023] + elastic[b >> 20 & 1023] / 1.0
        at = np.clip([y / 16 - 1, x / 16 - 1], -1, 28).reshape(2, 28, 28)
        theirs = map_coordinates(image.astype(float), at, order=1, mode="grid-constant")
        np.testing.assert_allclose(mine, theirs, atol=0.51)


def test_strokes_grow_and_shrink_by_a_part_of_a_pixel_around(images):
    few = images[:40]
    bits = np.tile(np.array([0xFFFF0000, 0xFFFF0001], dtype=np.uint32), 20)
    ours = _stroked(few, bits).reshape(40, 32, 32)[:, 2:30, 1:29]
    for k, (image, mine) in enumerate(zip(few.astype(float), ours, strict=True)):
        change = grey_erosion if k % 2 else grey_dilation
        full = change(np.pad(image, 1), footprint=CROSS)[1:-1, 1:-1]
        np.testing.assert_allclose(mine, image + module.STROKE * (full - image), atol=2)


@pytest.mark.parametrize("displacement", [1.0, 1.5])
def test_elastic_fields_are_as_smooth_and_as_large_as_is_said(displacement):
    elastic, affine = _fields(displacement)
    fields = elastic.reshape(-1, 28, 28) / 16
    assert abs(np.sqrt((fields**2).mean()) / displacement - 1) < 0.03
    for step in (2, 5, 8):
        ours = (fields[:, :, step:] * fields[:, :, :-step]).mean() / (fields**2).mean()
        # As of noise that a Gaussian of four times as many pixels has smoothed.
        theirs = np.exp(-((step / (4 * displacement)) ** 2) / 4)
        assert abs(ours - theirs) < 0.06
    x, y = affine.reshape(2, -1, 28, 28) / 16 - 1
    moved = np.abs([x[:, 13:15, 13:15].mean(axis=(1, 2)) - 13.5, y[:, 13, 13] - 13]).max()
    assert 0.6 * module.SHIFT < moved < module.SHIFT + 0.2
    turned = (y[:, 14, 27] - y[:, 14, 0]) / 27
    assert 0.98 * module.ROTATION < np.abs(turned).max() < 1.05 * module.ROTATION
    wide = (x[:, 14, 27] - x[:, 14, 0]) / 27 - 1
    assert 0.9 * module.SCALING < np.abs(wide).max() < module.SCALING + 0.02


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.kind)
def test_rows_are_the_same_bytes_however_they_are_read(mnist, monkeypatch, spec):
    monkeypatch.setattr("mnistcli.features.likeness.N_PATCHES", 1000)
    images, indices = mnist.train.images[:300], np.arange(300) + 7
    features = learn_features(spec, images, 0)
    made = MadeRows(images, indices, replace(spec, n_copies=2), features, 3)
    whole = made[:900]
    assert made.shape == whole.shape == (900, spec.count())
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
