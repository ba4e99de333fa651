"""The second stage of features against its formula, and numbers that no version may change."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from mnistcli.features import FeatureSpec
from mnistcli.features.kinds import learn_features
from mnistcli.features.projection import bits_of, normal_numbers, principal_directions

SPEC = FeatureSpec("deskew+expansion", n_directions=20, n_relus=300, n_squares=200)


@pytest.fixture(scope="module")
def images(mnist):
    return mnist.train.images[:500]


@pytest.fixture(scope="module")
def expansion(images):
    return learn_features(SPEC, images, 0)


def test_features_are_ramps_and_squares_of_mixtures_of_directions(images, expansion):
    """The formula of the class, in float64."""
    first, second = expansion.chains["deskew"]
    x = first.transform(images[:50]).astype(float)
    z = x @ second.arrays["directions"].T.astype(float) - second.arrays["shift"]
    s = z @ normal_numbers(20, 500).astype(float)
    offset = bits_of(np.arange(2**31, 2**31 + 300, dtype=np.uint32)) / 2**32 - 0.5
    ramps, squares = 80 * np.maximum(0, s[:, :300] + offset), 25 * s[:, 300:] ** 2
    expected = np.minimum(np.concatenate([ramps, squares], axis=1), 255)
    found = expansion.transform(images[:50])
    assert np.abs(found - expected).max() < 0.51
    for few in (images[:0], images[:1]):
        assert expansion.transform(few).shape == (len(few), 500)


def test_directions_are_the_principal_ones_each_divided_by_the_root_of_its_deviation(images):
    rows = images.reshape(len(images), -1)
    directions, shift = principal_directions(rows, 20)
    centred = rows - rows.mean(axis=0)
    _, deviations, basis = np.linalg.svd(centred / np.sqrt(len(rows)), full_matrices=False)
    expected = basis[:20] / np.sqrt(deviations[:20, None]) / np.sqrt(deviations[:20].sum())
    overlap = np.abs(np.sum(directions * expected, axis=1)) / np.sum(expected**2, axis=1)
    np.testing.assert_allclose(overlap[:10], 1, atol=1e-3)
    along = rows @ directions.T - shift
    np.testing.assert_allclose(along.mean(axis=0), 0, atol=1e-4)
    assert (along**2).sum(axis=1).mean() == pytest.approx(1, rel=1e-3)
    np.testing.assert_allclose(along.std(axis=0), np.sqrt(deviations[:20] / deviations[:20].sum()), rtol=0.01)  # fmt: skip


@pytest.mark.parametrize("few", [1, 3])
def test_directions_that_few_images_do_not_have_are_nothing(images, few):
    directions, shift = principal_directions(images[:few].reshape(few, -1), 20)
    assert np.isfinite(directions).all()
    assert np.isfinite(shift).all()
    assert np.count_nonzero(np.abs(directions).max(axis=1)) == few - 1
    assert not principal_directions(np.full((5, 784), 7, np.uint8), 3)[0].any()


def test_numbers_are_the_same_everywhere_and_as_good_as_normal():
    assert bits_of(np.arange(3, dtype=np.uint32)).tolist() == [301794027, 3140136926, 3601063660]
    digest = hashlib.sha256(normal_numbers(30, 400).astype("<f4").tobytes()).hexdigest()
    assert digest[:16] == "e03e11e33da2ad2c"
    numbers = normal_numbers(100, 2000)
    assert abs(numbers.mean()) < 0.01
    assert numbers.var() == pytest.approx(1, abs=0.01)
    assert (numbers**4).mean() == pytest.approx(3 - 1.2 / 8, abs=0.05)
    between = (numbers.T @ numbers / 100)[np.triu_indices(2000, 1)]
    assert between.std() * 10 == pytest.approx(1, abs=0.01)  # columns know nothing of one another


def test_features_do_not_depend_on_the_company_or_the_threads(monkeypatch, images, expansion):
    together = expansion.transform(images[:200])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    np.testing.assert_array_equal(expansion.transform(images[:200]), together)
    alone = np.concatenate([expansion.transform(image[None]) for image in images[:10]])
    assert np.abs(alone.astype(int) - together[:10]).max() <= 1


def test_each_first_stage_may_be_expanded():
    for kind in ("pixels", "deskew", "patches"):
        spec = FeatureSpec.of(f"{kind}+expansion")
        assert spec.count() == 3000
        assert FeatureSpec.of(kind).describe() in spec.describe()
