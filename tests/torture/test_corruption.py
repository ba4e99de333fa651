"""Bytes that changed on the disk are noticed before they are used."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from mnistcli.datasets.manifest import MANIFEST_NAME
from mnistcli.datasets.store import DatasetStore
from mnistcli.errors import CorruptFileError, MnistCliError
from tests.conftest import Recorder
from tests.registry.test_model_file import make_model

from .faults import fresh
from .scenarios import problems_of_the_dataset, registry_of, store_of, use_box

PAGE = 4096


def damages_of(content: bytes, others: dict[str, bytes], every: int):
    """Yield (what, damaged content): a flipped byte on each page, 64 cuts, additions, swaps."""
    for start in range(0, len(content), every):
        where = min(start + (start * 31 + 17) % every, len(content) - 1)
        changed = bytearray(content)
        changed[where] ^= 1 << (start // every % 8)
        yield f"byte {where}", bytes(changed)
    for k in range(64):
        yield f"cut at {k}/64", content[: len(content) * k // 64]
    yield "one byte more", content + b"\0"
    yield "a page more", content + bytes(PAGE)
    for name, other in others.items():
        if other != content:
            yield f"swapped with {name}", other


def in_its_place(path: Path):
    """Yield (what, function that puts something else in a file's place)."""
    yield "folder", path.mkdir
    yield "fifo", lambda: os.mkfifo(path)
    yield "link to nothing", lambda: path.symlink_to(path.with_name("nothing"))
    yield "link to a device", lambda: path.symlink_to("/dev/zero")


def damage_the_dataset(home: str, box: str, every: int) -> dict[str, object]:
    """Damage each file in each way; what is opened afterwards must be right."""
    use_box(Path(box))
    place = Path(home)
    store_of(place).open()
    folder = place / "datasets" / "mnist"
    names = sorted(path.name for path in folder.iterdir())
    whole = {name: (folder / name).read_bytes() for name in names}
    problems, n_damages = [], 0
    for name in names:
        path = folder / name
        others = {other: whole[other] for other in names if other != name}
        for what, damaged in damages_of(whole[name], others, every):
            path.write_bytes(damaged)
            n_damages += 1
            problems += noticed(place, f"{name}: {what}")
        for what, put in in_its_place(path):
            path.unlink()
            put()
            n_damages += 1
            problems += noticed(place, f"{name}: {what}")
    return {"n_damages": n_damages, "problems": problems[:20]}


def noticed(place: Path, what: str) -> list[str]:
    """Open the dataset, which must say something, heal and then be silent."""
    told = Recorder()
    dataset = store_of(place).open(progress=told)
    del dataset
    found = [] if told.notes else ["nothing was said"]
    found += problems_of_the_dataset(place)
    return [f"{what}: {each}" for each in found]


@pytest.mark.parametrize("every", [16 * PAGE, pytest.param(PAGE, marks=pytest.mark.torture)])
def test_a_damaged_dataset_heals_itself(box, tmp_path, every, record_property):
    report = fresh(damage_the_dataset, str(tmp_path / "place"), str(box), every)
    assert not report["problems"], report["problems"]
    record_property("promise", ["Corruption", "damaged datasets healed", report["n_damages"]])


@pytest.mark.parametrize("every", [2000 * PAGE, pytest.param(PAGE, marks=pytest.mark.torture)])
def test_a_flipped_byte_on_each_page_of_all_of_mnist_is_noticed(
    store, tmp_path, every, record_property
):
    """Some 13,400 pages: `verify` reads them all, and forgets what is damaged."""
    shutil.copytree(store.folder, tmp_path / "own")
    own = DatasetStore(tmp_path / "own")
    own.open()
    manifest = own.folder / "mnist" / MANIFEST_NAME
    whole = manifest.read_bytes()
    n_flips = 0
    for path in sorted((own.folder / "mnist").glob("*.npy")):
        data = np.memmap(path, mode="r+", dtype=np.uint8)
        for where in range(0, len(data), every):
            data[where + (where * 31 + 17) % min(every, len(data) - where)] ^= 1
            with pytest.raises(CorruptFileError):
                own.verify("mnist")
            assert not manifest.exists()
            manifest.write_bytes(whole)
            data[where + (where * 31 + 17) % min(every, len(data) - where)] ^= 1
            n_flips += 1
        own.verify("mnist")
    record_property("promise", ["Corruption", "flipped bytes in MNIST noticed", n_flips])


@pytest.mark.skipif(os.name == "nt", reason="needs fifos")
@pytest.mark.parametrize("every", [64, pytest.param(1, marks=pytest.mark.torture)])
def test_a_damaged_model_is_refused_with_4(tmp_path, every, record_property):
    registry = registry_of(tmp_path)
    for seed in (1, 2, 3):
        registry.save(make_model(seed=seed), "m")
    registry.save(make_model(seed=4), "n")
    for ref, tag in (("m@1", "a"), ("m@3", "b"), ("n@1", "a")):
        registry.tag(ref, tag)
    folder = registry.folder / "m"
    whole = {path: path.read_bytes() for path in registry.folder.rglob("*") if path.is_file()}
    refs = {"m@2": folder / "2.safetensors", "m@a": folder / "tags" / "a"}
    n_damages = 0
    for ref, path in refs.items():
        others = {
            str(other): content
            for other, content in whole.items()
            if other.parts[-2:] != path.parts[-2:]
        }
        for what, damaged in damages_of(whole[path], others, every):
            path.write_bytes(damaged)
            assert refuses(registry, ref), (ref, what)
            n_damages += 1
        for what, put in in_its_place(path):
            path.unlink()
            put()
            assert refuses(registry, ref), (ref, what)
            n_damages += 1
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            path.write_bytes(whole[path])
        assert not refuses(registry, ref)
    record_property("promise", ["Corruption", "damaged models refused", n_damages])


def refuses(registry, ref: str) -> bool:
    """Whether neither the model nor its card is given out, with exit code 4."""
    codes = []
    for use in (registry.load, lambda ref: card_of(registry, ref)):
        try:
            use(ref)
        except MnistCliError as error:
            codes.append(error.exit_code)
    assert codes in ([], [4, 4]), codes
    return bool(codes)


def card_of(registry, ref: str):
    summary = registry.summary(ref)
    if summary.card is None:
        raise CorruptFileError(summary.entry.path, summary.problem)
    return summary.card
