"""The doctor sees what is whole, what is damaged and what is not there."""

from __future__ import annotations

import os
import shutil
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from mnistcli import __version__
from mnistcli.datasets.store import DatasetStore
from mnistcli.doctor import LIBRARIES, examine, without_home
from mnistcli.paths import find_places
from mnistcli.registry.store import ModelRegistry


@pytest.fixture
def own_home(tmp_path, store):
    home = tmp_path / "own"
    shutil.copytree(store.folder / "mnist", home / "datasets" / "mnist")
    return home


def look(home):
    places = find_places(home)
    store, registry = DatasetStore(places.datasets_dir), ModelRegistry(places.models_dir)
    return examine(places, store, registry)


def states(diagnosis):
    return {each.name: each.state for each in diagnosis.datasets}


def test_a_healthy_home(own_home, invoke, monkeypatch):
    monkeypatch.setenv("MNISTCLI_HOME", str(own_home))
    invoke("train", "--task", "0v1", "--limit", "100", "-q")
    before = {path: path.stat().st_mtime_ns for path in own_home.rglob("*")}
    found = look(own_home)
    assert found.damaged == ()
    assert states(found) == {
        "mnist": "whole", "europeans": "not installed", "fashion-mnist": "not installed",
        "kmnist": "not installed", "qmnist": "not installed",
    }  # fmt: skip
    assert found.n_whole_models == 2  # and builtin
    assert [(each.what, each.state) for each in found.paths] == [
        ("datasets", "writable"), ("features", "can be made"), ("models", "writable"),
        ("own", "can be made"),
    ]  # fmt: skip
    assert found.versions["numpy"] == np.__version__
    assert found.versions["mnistcli"] == metadata.version("mnistcli") == __version__
    assert list(found.versions) == list(LIBRARIES)
    assert {path: path.stat().st_mtime_ns for path in own_home.rglob("*")} == before


def flip(path, position=2000):
    """Change a byte so that the file system does not notice."""
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_damaged_pixels_are_found(own_home):
    flip(own_home / "datasets" / "mnist" / "train-images.npy")
    found = look(own_home)
    assert found.damaged == ("mnist",)
    assert "train-images.npy: sha256 is" in found.datasets[0].problem
    # nothing uses it any more, and the box gives a good one
    assert states(look(own_home))["mnist"] == "not installed"
    assert DatasetStore(own_home / "datasets").open().train.images.shape == (60_000, 28, 28)
    assert states(look(own_home))["mnist"] == "whole"


def test_damaged_models_are_named(own_home, invoke, monkeypatch):
    monkeypatch.setenv("MNISTCLI_HOME", str(own_home))
    for _ in range(2):
        invoke("train", "--task", "0v1", "--limit", "100", "-q")
    flip(own_home / "models" / "0v1" / "2.safetensors", -5)
    found = look(own_home)
    assert found.damaged == ("0v1@2",)
    assert found.n_whole_models == 2  # and builtin
    ((ref, problem),) = found.damaged_models
    assert ref == "0v1@2"
    assert "sha256" in problem


def test_folders_that_are_not_there_are_not_made(tmp_path):
    found = look(tmp_path / "not" / "yet")
    assert {each.state for each in found.paths} == {"can be made"}
    assert not (tmp_path / "not").exists()
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("nowhere")
    for place in ("file", "link"):
        found = look(tmp_path / place / "below")
        assert {each.state for each in found.paths} == {"cannot be made"}


def test_a_registry_that_cannot_be_read_is_no_end(own_home, monkeypatch):
    (own_home / "models").mkdir()

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    found = look(own_home)
    assert found.damaged_models[0][0] == "the registry"


def test_no_name_of_a_user_gets_out(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert without_home(f"{tmp_path}/x and {tmp_path}") == "~/x and ~"
    other = f"{tmp_path}2/x, {tmp_path}-old and {tmp_path}.bak"
    assert without_home(f"{other}: {tmp_path}") == f"{other}: ~"
    found = look(tmp_path / "here")
    assert [each.path for each in found.paths] == [
        "~/here/datasets", "~/here/features", "~/here/models", "~/here/own",
    ]  # fmt: skip
    monkeypatch.setenv("HOME", "/")
    assert without_home("/x/y") == "/x/y"
