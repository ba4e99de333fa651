"""Features on disk: found again, and nothing believed that is damaged."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from mnistcli.features.cache import MAX_ENTRIES, load
from mnistcli.features.measured import Patches
from mnistcli.memory import Room
from mnistcli.model_selection.design import design_matrix
from mnistcli.model_selection.splits import training_samples
from mnistcli.settings import FeatureSpec, SplitSpec
from mnistcli.tasks import parse_task

SPEC = FeatureSpec("patches", sides=(5,), n_filters=4, n_copies=1)
SHAPE = (120, 4 * 36)


@pytest.fixture(autouse=True)
def _quickly_learned(monkeypatch):
    monkeypatch.setattr("mnistcli.features.likeness.N_PATCHES", 1000)


@pytest.fixture
def samples(mnist):
    return training_samples(mnist, parse_task("3v8"), SplitSpec(limit=60))


@pytest.fixture
def cache(tmp_path):
    return Room(folder=tmp_path / "features")


def test_the_second_time_nothing_is_computed(monkeypatch, samples, cache):
    first = design_matrix(samples, SPEC, seed=0, room=cache)
    monkeypatch.setattr(Patches, "learn", None)
    second = design_matrix(samples, SPEC, seed=0, room=cache)
    np.testing.assert_array_equal(first.rows[:], second.rows[:])
    np.testing.assert_array_equal(
        first.features.arrays["factors"], second.features.arrays["factors"]
    )
    assert second.rows[:].shape == SHAPE
    assert second.n_copies == 1


@pytest.mark.parametrize("damage", ["flip", "head", "cut", "long", "remove", "folder", "loop"])
def test_what_is_damaged_is_computed_again(samples, cache, damage):
    first = design_matrix(samples, SPEC, seed=0, room=cache)
    (path,) = cache.folder.iterdir()
    content = bytearray(path.read_bytes())
    path.unlink()
    if damage in ("flip", "head"):
        content[len(content) // 2 if damage == "flip" else 30] ^= 1
        path.write_bytes(content)
    elif damage in ("cut", "long"):
        path.write_bytes(content[:-7] if damage == "cut" else content + b"1234567")
    elif damage == "folder":
        path.mkdir()
    elif damage == "loop":
        path.symlink_to(path)
    again = design_matrix(samples, SPEC, seed=0, room=cache)
    np.testing.assert_array_equal(first.rows[:], again.rows[:])


def test_another_seed_subset_or_spec_is_another_entry(mnist, samples, cache):
    other = training_samples(mnist, parse_task("3v8"), SplitSpec(limit=61))
    design_matrix(samples, SPEC, seed=0, room=cache)
    for images, spec, seed in (
        (samples, SPEC, 1),
        (other, SPEC, 0),
        (samples, replace(SPEC, n_copies=2), 0),
        (samples, FeatureSpec("deskew"), 0),
    ):
        found = design_matrix(images, spec, seed=seed, room=cache)
        np.testing.assert_array_equal(found.rows[:], design_matrix(images, spec, seed=seed).rows[:])
    assert len(list(cache.folder.iterdir())) == MAX_ENTRIES


def test_entries_of_the_versions_before_are_swept_too(samples, cache):
    cache.folder.mkdir()
    keys = [str(k) * 32 for k in range(MAX_ENTRIES + 1)]
    for key in keys:
        old = {"__metadata__": {"mnistcli features": key, "sha256": "0" * 64}}
        (cache.folder / f"{key}.safetensors").write_bytes(bytes(8) + json.dumps(old).encode())
    design_matrix(samples, SPEC, seed=0, room=cache)
    left = {path.suffix for path in cache.folder.iterdir()}
    assert left == {".safetensors", ".features"}
    assert len(list(cache.folder.iterdir())) == MAX_ENTRIES


def test_files_of_others_in_the_folder_survive(samples, cache):
    cache.folder.mkdir()
    foreign = ["mine.npy", "model.features", "0" * 32 + ".npy", "1" * 32 + ".features"]
    for name in foreign:
        (cache.folder / name).write_bytes(b"somebody's")
    os.utime(cache.folder / foreign[-1], (0, 0))
    (cache.folder / ("2" * 32 + ".features")).symlink_to("nowhere")
    (cache.folder / "loop.features").symlink_to("loop.features")
    design_matrix(samples, SPEC, seed=99, room=cache)
    (entry,) = (
        path for path in cache.folder.iterdir() if path.stat(follow_symlinks=False).st_size > 99
    )
    for name in (f"{entry.stem}.bak", "3" * 32 + ".features"):  # a user's copies
        shutil.copy(entry, cache.folder / name)
        os.utime(cache.folder / name, (0, 0))
    entry.unlink()
    before = {path.name for path in cache.folder.iterdir()}
    keys = set()
    for seed in range(MAX_ENTRIES + 1):
        design_matrix(samples, SPEC, seed=seed, room=cache)
        keys |= {path.name for path in cache.folder.iterdir()} - before
    left = {path.name for path in cache.folder.iterdir()}
    assert before <= left
    assert (len(keys), len(left - before)) == (MAX_ENTRIES + 1, MAX_ENTRIES)


@pytest.mark.skipif(os.name == "nt", reason="no owners there")
def test_an_entry_of_another_user_is_not_believed(samples, cache, monkeypatch):
    design_matrix(samples, SPEC, seed=0, room=cache)
    (path,) = cache.folder.iterdir()
    assert load(path, SPEC, SHAPE) is not None
    path.chmod(0o666)  # others may have written to it
    assert load(path, SPEC, SHAPE) is None
    path.chmod(0o644)
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    assert load(path, SPEC, SHAPE) is None


def test_an_entry_under_the_name_of_another_is_not_believed(samples, cache):
    design_matrix(samples, SPEC, seed=0, room=cache)
    (path,) = cache.folder.iterdir()
    other = path.with_name("0" * 32 + ".features")
    os.link(path, other)
    assert load(other, SPEC, SHAPE) is None
    assert load(path, SPEC, SHAPE) is not None


def test_a_folder_that_cannot_be_written_costs_only_time(samples, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    cache = Room(folder=tmp_path / "file" / "features")
    assert len(design_matrix(samples, SPEC, seed=0, room=cache)) == 60
