from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnistcli import files
from mnistcli.errors import CorruptFileError, ModelNotFoundError, StorageError, UsageError
from mnistcli.files import check_writable
from mnistcli.registry.card import MAX_ORDER, ModelCard
from mnistcli.registry.model_file import encode_model
from mnistcli.registry.store import ModelRegistry
from tests.registry.test_model_file import make_model


@pytest.fixture
def registry(tmp_path):
    return ModelRegistry(tmp_path / "models")


def test_looking_makes_no_folder(registry):
    assert registry.summaries() == ()
    with pytest.raises(ModelNotFoundError):
        registry.find("0v1")
    assert not registry.folder.exists()


def test_versions_count_up_and_references_find_them(registry):
    refs = [registry.save(make_model(accuracy=a), "0v1").ref for a in (0.9, 0.99, 0.8)]
    assert refs == ["0v1@1", "0v1@2", "0v1@3"]
    assert registry.find("0v1").ref == "0v1@3"
    assert registry.find("0v1@latest").ref == "0v1@3"
    assert registry.find("0v1@best").ref == "0v1@2"
    assert registry.find("0v1@1").ref == "0v1@1"
    assert registry.load("0v1@2").card.metrics == {"test_accuracy": 0.99}
    assert registry.load("0v1@2").ref == "0v1@2"
    assert [s.tags for s in registry.summaries()] == [(), ("best",), ("latest",)]


def test_the_newest_is_the_one_saved_last_whatever_its_name_and_clock(registry):
    for name, year in (("zzz", "2026"), ("aaa", "2100"), ("mmm", "2025")):
        saved = registry.save(make_model(created=f"{year}-05-01T00:00:00.000000+00:00"), name)
        assert registry.find() == saved
    registry.remove("mmm@1")
    assert registry.find().ref == "aaa@1"
    assert registry.find(registry.save(make_model(), "zzz").ref) == registry.find()


def keep_without_order(registry, name, created):
    """Store a model as it was done before there was an order."""
    path = registry.folder / name / "1.safetensors"
    path.parent.mkdir(parents=True)
    model = make_model(created=created)
    text = model.card.to_json().replace(', "order": 0', "")
    assert "order" not in text
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelCard, "to_json", lambda _: text)
        path.write_bytes(encode_model(model, f"{name}@1"))


def test_models_without_an_order_go_by_the_clock_and_before_the_others(registry):
    keep_without_order(registry, "b", "2100-01-01T00:00:00.000000+00:00")
    keep_without_order(registry, "a", "2026-01-01T00:00:00.000000+00:00")
    assert registry.find().ref == "b@1"
    assert registry.save(make_model(), "c") == registry.find()


def test_the_largest_order_there_is_does_not_stop_the_next(registry):
    model = make_model()
    huge = replace(model, card=replace(model.card, order=MAX_ORDER))
    path = registry.folder / "m" / "1.safetensors"
    path.parent.mkdir(parents=True)
    path.write_bytes(encode_model(huge, "m@1"))
    assert registry.save(model, "n").ref == "n@1"
    assert registry.load("n").card.order == MAX_ORDER


def unreadable_models():
    model = make_model()
    yield replace(model, card=replace(model.card, metrics={"test_accuracy": math.nan}))
    yield replace(model, card=replace(model.card, command="x" * 70_000))
    yield replace(model, card=replace(model.card, n_train=-1))
    coef = np.full_like(model.classifier.coef, np.nan)
    yield replace(model, classifier=replace(model.classifier, coef=coef))


@pytest.mark.parametrize(
    "model", [*unreadable_models()], ids=["nan", "command", "count", "weights"]
)
def test_what_could_not_be_read_again_is_not_saved(registry, model):
    registry.save(make_model(), "m")
    with pytest.raises(CorruptFileError, match="m@2: cannot be saved") as caught:
        registry.save(model, "m")
    assert caught.value.exit_code == 4
    assert ".tmp" not in caught.value.message
    assert [path.name for path in (registry.folder / "m").iterdir()] == ["1.safetensors"]


def test_a_removed_number_is_not_given_again(registry):
    for _ in range(3):
        registry.save(make_model(), "m")
    registry.remove("m@3")
    registry.remove("m@1")
    assert registry.find("m").ref == "m@2"
    assert registry.save(make_model(), "m").ref == "m@4"
    registry.remove("m@4")
    registry.remove("m@2")
    assert registry.summaries() == ()
    assert registry.save(make_model(), "m").ref == "m@5"
    assert sorted(path.name for path in (registry.folder / "m").iterdir()) == [
        "4.removed",
        "5.safetensors",
    ]


def test_a_file_in_the_place_of_a_model_is_told_its_own(registry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scan.png").touch()
    for name, hint in (("scan.png", "evaluate MODEL --data scan.png"), ("no.png", "builtin")):
        with pytest.raises(ModelNotFoundError, match=f"there is no model '{name}'") as caught:
            registry.find(name)
        assert hint in caught.value.hint


def test_a_removal_that_was_broken_off_is_finished_by_repeating_it(registry):
    for _ in range(3):
        registry.save(make_model(), "m")
    registry.remove("m@2")
    entries, gone = registry.removable("m@1", "m@2", "m@3", "m@2")
    assert ([each.ref for each in entries], gone) == (["m@1", "m@3"], ["m@2"])
    with pytest.raises(ModelNotFoundError, match="there is no model 'm@4'"):
        registry.remove("m@1", "m@2", "m@4")
    assert [each.ref for each in registry.remove("m@1", "m@2", "m@3")] == ["m@1", "m@3"]
    assert registry.remove("m@1", "m@2", "m@3") == []
    for ref in ("m", "m@latest", "m@04", "other@1"):
        with pytest.raises(ModelNotFoundError):
            registry.remove(ref)


def test_of_several_that_remove_a_version_or_a_tag_one_did_it(registry, monkeypatch):
    registry.save(make_model(), "m")
    registry.tag("m@1", "paper")

    def late(path: Path) -> bool:
        for _ in range(2):
            is_removed = remove(path)
        return is_removed

    remove = files.remove_file
    monkeypatch.setattr(files, "remove_file", late)
    with pytest.raises(UsageError, match="'m@paper' does not end in a tag of yours"):
        registry.untag("m@paper")
    assert registry.remove("m@1") == []


def test_a_folder_in_place_of_a_model_removes_nothing(registry):
    for _ in range(2):
        registry.save(make_model(), "m")
    (registry.folder / "m" / "3.safetensors").mkdir()
    with pytest.raises(CorruptFileError, match=r"3\.safetensors: is a folder and no model"):
        registry.remove("m@1", "m@3")
    assert [path.stem for path in sorted((registry.folder / "m").iterdir())] == ["1", "2", "3"]
    assert not [*registry.folder.rglob("*.removed")]


def test_tags_move_and_keep_their_version_from_being_removed(registry):
    registry.save(make_model(), "m")
    registry.save(make_model(), "m")
    registry.tag("m@1", "paper")
    assert registry.find("m@paper").version == 1
    with pytest.raises(UsageError, match="m@1 is tagged paper"):
        registry.remove("m@1")
    registry.tag("m@2", "paper")
    assert registry.find("m@paper").version == 2
    registry.remove("m@1")
    registry.untag("m@paper")
    with pytest.raises(ModelNotFoundError, match="there is no model 'm@paper'"):
        registry.find("m@paper")
    registry.tag("m@2", "paper")
    registry.remove("m@2", force=True)
    with pytest.raises(ModelNotFoundError):
        registry.find("m@paper")
    assert registry.save(make_model(), "m").ref == "m@3"
    assert registry.summaries()[-1].tags == ("latest", "best")


@pytest.mark.parametrize("tag", ["latest", "best", "7", "Paper", "../x", ""])
def test_some_words_are_no_tags(registry, tag):
    registry.save(make_model(), "m")
    with pytest.raises(UsageError):
        registry.tag("m@1", tag)


@pytest.mark.parametrize(
    ("ref", "hint"),
    [
        ("0v2", "did you mean 0v1?"),
        ("0v1@9", "there is 0v1@1, 0v1@latest, 0v1@best"),
        ("0v1@bets", "there is 0v1@1, 0v1@latest, 0v1@best"),
        ("0v1@" + "9" * 5000, "there is 0v1@1, 0v1@latest, 0v1@best"),
        ("zebra", "see what there is: mnistcli models list"),
    ],
)
def test_what_is_not_there_gets_a_hint(registry, ref, hint):
    registry.save(make_model(), "0v1")
    with pytest.raises(ModelNotFoundError) as caught:
        registry.find(ref)
    assert caught.value.hint == hint
    assert caught.value.exit_code == 5


def test_a_name_without_versions_is_no_suggestion(registry):
    registry.save(make_model(), "0v1")
    registry.remove("0v1@1", force=True)
    with pytest.raises(ModelNotFoundError) as caught:
        registry.find("0v1")
    assert "did you mean" not in caught.value.hint


HOSTILE = [
    "", ".", "..", "../x", "/etc/passwd", "a/b", "a\\b", "a\0b", "a\nb", "\x1b[31mred", "-rf", "~",
    "a" * 65, "A", "ä", "a\u0301", "con ", " con", "a.", ".tmp", "_a", "a@b", "a:b", "a*", "a b",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names_touch_nothing(registry, tmp_path, name):
    before = sorted(tmp_path.rglob("*"))
    for act in (
        lambda: registry.save(make_model(), name),
        lambda: registry.find(name + "@1"),
        lambda: registry.remove(name + "@1"),
        lambda: registry.tag("m@1", name),
        lambda: registry.summaries(name),
    ):
        with pytest.raises((UsageError, ModelNotFoundError)):
            act()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_file_is_listed_as_such_and_spares_the_others(registry):
    registry.save(make_model(accuracy=0.7), "m")
    damaged = registry.save(make_model(accuracy=0.9), "m")
    damaged.path.write_bytes(b"nonsense, and long enough to be read")
    summaries = registry.summaries()
    assert [s.card is None for s in summaries] == [False, True]
    assert "not a model file of mnistcli" in summaries[1].problem
    assert registry.find("m@1").version == 1
    for ref in ("m@2", "m@best", "m", None):
        with pytest.raises(CorruptFileError):
            registry.load(ref)


def test_what_is_damaged_is_never_passed_over_in_silence_for_the_newest(registry):
    older, damaged = (registry.save(make_model(), name) for name in ("older", "damaged"))
    damaged.path.write_bytes(damaged.path.read_bytes()[:-1])
    with pytest.raises(CorruptFileError) as caught:
        registry.find()
    assert caught.value.hint == "name another model, or: mnistcli models rm damaged@1"
    os.utime(damaged.path, (0, 0))  # a file that was there before
    assert registry.find() == older
    registry.remove("older@1")
    with pytest.raises(CorruptFileError):
        registry.find()
    registry.remove("damaged@1")
    with pytest.raises(ModelNotFoundError):
        registry.find()


def test_one_planted_model_spares_the_others(registry, tmp_path):
    registry.save(make_model(), "a")
    registry.save(make_model(), "z")
    for name in ("link", "tags", "loop", "file", "tag"):
        registry.save(make_model(), name)
    shutil.move(registry.folder / "link", tmp_path / "moved")
    (registry.folder / "link").symlink_to(tmp_path / "moved")
    (registry.folder / "tags" / "tags").symlink_to(tmp_path)
    (registry.folder / "loop" / "2.safetensors").symlink_to("2.safetensors")
    (registry.folder / "file" / "2.safetensors").symlink_to("../a/1.safetensors")
    (registry.folder / "tag" / "tags").mkdir()
    (registry.folder / "tag" / "tags" / "loop").symlink_to("loop")
    (registry.folder / "itself").symlink_to("itself")
    found = {each.entry.ref: each.problem for each in registry.summaries()}
    assert [ref for ref, problem in found.items() if not problem] == [
        "a@1", "file@1", "loop@1", "tag@1", "z@1",
    ]  # fmt: skip
    assert "a link in place of a folder" in found.pop("tags")
    assert "this is a@1, not file@2" in found.pop("file@2")
    assert "symbolic links" in found.pop("loop@2")
    with pytest.raises(CorruptFileError, match="this is a@1, not file@2"):
        registry.find()
    assert registry.save(make_model(), "new") == registry.find()
    assert "tags" not in registry.names()


def test_nothing_of_a_name_is_an_error_with_a_hint(registry):
    registry.save(make_model(), "0v1")
    with pytest.raises(ModelNotFoundError) as caught:
        registry.summaries("0v2")
    assert caught.value.hint == "did you mean 0v1?"


def test_foreign_files_in_the_folder_are_ignored(registry):
    registry.save(make_model(), "m")
    for name in ("notes.txt", "0.safetensors", "01.safetensors", "x.safetensors", ".1-ab.tmp"):
        (registry.folder / "m" / name).write_bytes(b"")
    (registry.folder / "README").write_bytes(b"")
    assert [s.entry.ref for s in registry.summaries()] == ["m@1"]
    assert registry.save(make_model(), "m").ref == "m@2"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    registry = ModelRegistry(tmp_path / "file" / "models")
    with pytest.raises(StorageError, match=r"cannot make the folder .*file") as caught:
        check_writable(registry.folder)
    assert caught.value.exit_code == 3


WRITER = """
    import sys
    from pathlib import Path
    from mnistcli.registry.store import ModelRegistry
    from tests.registry.test_model_file import make_model
    if sys.argv[2] == "unlocked":
        import fcntl
        def refuse(*_): raise OSError
        fcntl.flock = refuse
    registry = ModelRegistry(Path(sys.argv[1]))
    for seed in range(10):
        print(registry.save(make_model(seed=seed), "m").version)
        registry.load("m")
        registry.tag("m@latest", "mine")
"""


@pytest.mark.parametrize("locks", ["locked", "unlocked"])
def test_processes_that_save_at_once_get_a_version_each(registry, locks):
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(registry.folder), locks]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    printed = [writer.communicate(timeout=120)[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 4
    versions = [int(version) for each in printed for version in each]
    assert sorted(versions) == list(range(1, 41))
    assert all(s.card is not None for s in registry.summaries("m"))
    assert not list(registry.folder.rglob("*.tmp"))
