"""Features on disk: found again, and nothing believed that is damaged."""

from __future__ import annotations

import numpy as np
import pytest

from mnistcli.features.cache import MAX_ENTRIES, FeatureCache
from mnistcli.model_selection.design import design_matrix
from mnistcli.model_selection.splits import training_samples
from mnistcli.settings import FeatureSpec, SolverSettings, SplitSpec
from mnistcli.tasks import parse_task

SPEC = FeatureSpec("patches", sides=(5,), n_filters=4, n_copies=1)


@pytest.fixture
def samples(mnist):
    return training_samples(mnist, parse_task("3v8"), SplitSpec(limit=60))


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path / "features")


def files(cache):
    return sorted(path.suffix for path in cache.folder.iterdir())


def test_the_second_time_nothing_is_computed(monkeypatch, samples, cache):
    first = design_matrix(samples, SPEC, seed=0, cache=cache)
    monkeypatch.setattr("mnistcli.model_selection.design.learn_features", None)
    second = design_matrix(samples, SPEC, seed=0, cache=cache)
    np.testing.assert_array_equal(first.X, second.X)
    np.testing.assert_array_equal(first.features.factors, second.features.factors)
    assert second.X.shape == (120, 4 * 36)
    assert second.n_copies == 1


@pytest.mark.parametrize("suffix", [".npy", ".safetensors"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "folder"])
def test_what_is_damaged_is_computed_again(samples, cache, suffix, damage):
    first = design_matrix(samples, SPEC, seed=0, cache=cache)
    (path,) = cache.folder.glob(f"*{suffix}")
    content = bytearray(path.read_bytes())
    path.unlink()
    if damage == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "cut":
        path.write_bytes(content[:-7])
    elif damage == "folder":
        path.mkdir()
    again = design_matrix(samples, SPEC, seed=0, cache=cache)
    np.testing.assert_array_equal(first.X, again.X)


def test_another_seed_subset_or_spec_is_another_entry(mnist, samples, cache):
    other = training_samples(mnist, parse_task("3v8"), SplitSpec(limit=61))
    design_matrix(samples, SPEC, seed=0, cache=cache)
    rows = [
        design_matrix(samples, SPEC, seed=1, cache=cache),
        design_matrix(other, SPEC, seed=0, cache=cache),
        design_matrix(samples, FeatureSpec("deskew"), seed=0, cache=cache),
    ]
    assert [len(each) for each in rows] == [60, 61, 60]
    assert len(files(cache)) == 2 * MAX_ENTRIES


def test_a_folder_that_cannot_be_written_costs_only_time(samples, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    cache = FeatureCache(tmp_path / "file" / "features")
    assert len(design_matrix(samples, SPEC, seed=0, cache=cache)) == 60


def test_copies_follow_their_images(samples):
    rows = design_matrix(samples, SPEC, seed=0)
    index = np.array([3, 50])
    X, y = rows.with_copies(index)
    np.testing.assert_array_equal(X, rows.X[[3, 50, 63, 110]])
    np.testing.assert_array_equal(y, rows.y[[3, 50, 3, 50]])
    np.testing.assert_array_equal(rows.without_copies(index)[0], rows.X[[3, 50]])
    assert rows.per_copy(SolverSettings(C=3.0)).C == 1.5
    X, y = rows.everything()
    assert len(X) == len(y) == 120
