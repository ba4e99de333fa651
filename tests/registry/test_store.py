from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from mnistcli.errors import CorruptFileError, ModelNotFoundError, StorageError, UsageError
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


def test_the_newest_is_the_one_created_last_whatever_its_name(registry):
    registry.save(make_model(created="2026-05-01T00:00:00.000000+00:00"), "zzz")
    registry.save(make_model(created="2026-07-01T00:00:00.000000+00:00"), "aaa")
    registry.save(make_model(created="2026-06-01T00:00:00.000000+00:00"), "mmm")
    assert registry.find().ref == "aaa@1"


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
        ("0v1@9", "there is 0v1@1"),
        ("0v1@bets", "there is 0v1@latest, 0v1@best"),
        ("0v1@" + "9" * 5000, "there is 0v1@latest, 0v1@best"),
        ("zebra", "see what there is: mnistcli models list"),
    ],
)
def test_what_is_not_there_gets_a_hint(registry, ref, hint):
    registry.save(make_model(), "0v1")
    with pytest.raises(ModelNotFoundError) as caught:
        registry.find(ref)
    assert caught.value.hint == hint
    assert caught.value.exit_code == 5


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
    assert registry.find("m@best").version == 1
    assert registry.find().version == 1
    with pytest.raises(CorruptFileError):
        registry.load("m@2")


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
        registry.check_writable()
    assert caught.value.exit_code == 3


WRITER = """
    import sys
    from pathlib import Path
    from mnistcli.registry.store import ModelRegistry
    from tests.registry.test_model_file import make_model
    if sys.argv[2] == "unlocked":
        import fcntl
        fcntl.flock = lambda *_: None
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
