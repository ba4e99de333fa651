"""Names are names: whatever is typed, and whatever was planted, nothing outside is touched."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from mnistcli.errors import MnistCliError
from mnistcli.files import check_writable
from mnistcli.registry.store import ModelRegistry
from tests.registry.test_model_file import make_model

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [
    "", ".", "..", "...", "../canary", "../../canary/file", "/etc/passwd", "a/b", "a\\b", "..\\x",
    "a\0b", "a\nb", "\x1b[31mred", "-rf", "--help", "~", "~root", "$HOME", "`id`", "a" * 65,
    "a" * 300, "a" * 5000, "A", "NUL ", "ä", "a\u0301", "\u202eabc", "con ", " con", "a.", ".tmp",
    ".1-ab.tmp", "_a", "a@b", "a:b", "a*", "a b", "tags/x", "m/tags", "0v1/../../canary", "%2e%2e",
    "file:///etc/passwd", "m/1.safetensors/..", "\ud800", "m/../../canary/1.safetensors",
]  # fmt: skip
CONTENT = b"precious"


@pytest.fixture
def canary(tmp_path) -> Path:
    """A folder beside the registry that nobody has any business in."""
    folder = tmp_path / "canary"
    (folder / "tags").mkdir(parents=True)
    for path in (folder / "file", folder / "1.safetensors", folder / "tags" / "paper"):
        path.write_bytes(CONTENT)
    return folder


@pytest.fixture
def registry(tmp_path, canary) -> ModelRegistry:
    registry = ModelRegistry(tmp_path / "models")
    registry.save(make_model(), "m")
    registry.tag("m@1", "paper")
    return registry


def everything(folder: Path) -> list[tuple[object, ...]]:
    found = []
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else None
        found.append((str(path), status.st_mode, status.st_ino, status.st_mtime_ns, content))
    return found


def acts_on(registry: ModelRegistry, name: str):
    yield lambda: registry.save(make_model(), name)
    for ref in (name, f"{name}@1", f"{name}@paper", f"m@{name}"):
        yield lambda ref=ref: registry.load(ref)
        yield lambda ref=ref: registry.summary(ref)
        yield lambda ref=ref: registry.remove(ref, force=True)
        yield lambda ref=ref: registry.untag(ref)
    yield lambda: registry.tag("m@1", name)
    yield lambda: registry.tag(name, "paper")
    yield lambda: registry.summaries(name)


def test_hostile_names_are_refused_and_touch_nothing(registry, tmp_path, record_property):
    before = everything(tmp_path)
    n_acts = 0
    for name in NAMES:
        for act in acts_on(registry, name):
            n_acts += 1
            with pytest.raises(MnistCliError):
                act()
        assert everything(tmp_path) == before, name
    record_property("promise", ["Names", "hostile names", len(NAMES)])
    record_property("promise", ["Names", "attempts with them", n_acts])


def test_hostile_names_are_never_exported(registry, canary, tmp_path, invoke, monkeypatch):
    """Nor is anything else written or read for them; a path that is no model file is refused too."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = everything(tmp_path)
    for name in [*NAMES, str(canary / "file"), "../canary/file"]:
        ended = invoke("--home", str(tmp_path), "models", "export", "--to", "json", "--", name)
        assert ended.code in (2, 3, 4, 5), name
        assert len([line for line in ended.err.splitlines() if line.startswith("error: ")]) == 1
        assert everything(tmp_path) == before, name


def plant(kind: str, place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if kind == "symlink":
        place.symlink_to(target)
    elif kind == "hardlink":
        file = target if target.is_file() else next(p for p in target.rglob("*") if p.is_file())
        os.link(file, place)
    else:
        os.mkfifo(place)


PLACES = {
    "x": "",
    "m/2.safetensors": "1.safetensors",
    "m/tags/talk": "file",
    "m/2.removed": "file",
    "m/.99999999-ab.tmp": "file",
    "m/tags/.99999999-ab.tmp": "file",
    ".99999999-ab.tmp": "file",
    "y/tags": "tags",
    "y/1.safetensors": "1.safetensors",
}


@pytest.mark.skipif(os.name == "nt", reason="needs links and fifos")
@pytest.mark.parametrize("kind", ["symlink", "hardlink", "fifo"])
def test_planted_links_lead_nowhere(registry, canary, tmp_path, kind, record_property):
    for place, target in PLACES.items():
        plant(kind, registry.folder / place, canary / target)
    before = contents(canary)
    n_acts = 0
    for name in ("m", "x", "y"):
        for act in (
            lambda: check_writable(registry.folder),
            registry.summaries,
            lambda name=name: registry.save(make_model(), name),
            lambda name=name: registry.load(name),
            lambda name=name: registry.load(f"{name}@2"),
            lambda name=name: registry.summary(f"{name}@talk"),
            lambda name=name: registry.tag(f"{name}@1", "talk"),
            lambda name=name: registry.tag(f"{name}@1", "paper"),
            lambda name=name: registry.untag(f"{name}@talk"),
            lambda name=name: registry.remove(f"{name}@2", force=True),
            lambda name=name: registry.remove(f"{name}@1", force=True),
        ):
            n_acts += 1
            try:
                act()
            except MnistCliError as error:
                assert error.exit_code in (2, 3, 4, 5)
            assert contents(canary) == before
    record_property("promise", ["Names", "attempts with planted links", n_acts])


def contents(folder: Path) -> list[tuple[str, bytes | None]]:
    return [
        (str(path), path.read_bytes() if path.is_file() else None)
        for path in sorted(folder.rglob("*"))
    ]


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_somebody_else_s_models_are_not_ours_through_a_link(registry, tmp_path):
    others = ModelRegistry(tmp_path / "others")
    others.save(make_model(), "n")
    (registry.folder / "n").symlink_to(others.folder / "n")
    assert registry.names() == ["m"]
    assert {each.entry.name for each in registry.summaries()} == {"m"}
    with pytest.raises(MnistCliError):
        registry.load("n")
