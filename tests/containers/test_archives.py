"""Archives: what is read of them, and what hostile ones cannot do."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mnistcli.containers import compressed, reading
from mnistcli.containers.compressed import as_folder
from mnistcli.errors import BadImageError, CorruptFileError
from mnistcli.pictures.read import read_batches

from .making import mutate, npz, zip_of, zipped

FILES = {"b/2.png": b"two", "a/1.png": b"one", "notes.txt": b"unwanted", "__MACOSX/a/._1.png": b"",
         "a/.hidden.png": b"x", "./a/3.png": b"three"}  # fmt: skip


def unpacked(path, wanted=lambda path: path.suffix == ".png"):
    with as_folder(path, wanted) as folder:
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}
    assert not folder.exists() or folder == path
    return files


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A place for an archive, which is all that is there whatever is in it."""
    temporary = tmp_path / "all" / "temporary"
    temporary.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    yield tmp_path / "all" / "archive"
    assert {p.name for p in (tmp_path / "all").rglob("*")} == {"archive", "temporary"}


@pytest.mark.parametrize("packed", [
    zip_of(FILES), zipped(zip_of(FILES)),
    zip_of({"inner.zip": zip_of(FILES)}), zip_of({k.replace("/", "\\"): v for k, v in FILES.items()}),
], ids=["zip", "zip.gz", "zip.zip", "Windows"])  # fmt: skip
def test_files_that_are_wanted_are_unpacked_and_go_again(archive, packed):
    archive.write_bytes(packed)
    assert unpacked(archive) == {"a/1.png": b"one", "a/3.png": b"three", "b/2.png": b"two"}


def test_what_is_no_archive_stays_where_it_is(archive):
    for data in (npz(x=np.zeros(3)), b"1,2", zipped(b"1,2"), zip_of({"a.csv": b"1,2"})):
        archive.write_bytes(data)
        with as_folder(archive, lambda _: True) as place:
            assert place == archive


@pytest.mark.parametrize(
    "name", ["../1.png", "a/../../1.png", "/1.png", "C:\\1.png", "\\\\x\\1.png"]
)
def test_a_name_that_leads_out_is_refused(archive, name):
    archive.write_bytes(zip_of({"a.png": b"x", name: b"x"}))
    with pytest.raises(CorruptFileError, match="which leads out of it"):
        unpacked(archive)


@pytest.mark.parametrize(
    ("packed", "problem"),
    [
        (zip_of({"a.png": bytes(5000), "b.png": bytes(5000)}), "becomes more than"),
        (zip_of({"a.txt": bytes(50_000), "b.png": b"x"}), None),
        (zip_of({f"{i}.png": b"" for i in range(9)}), "holds more than 8 files"),
        (zip_of({"a.png": bytes(3000), "b.png": b""})[:-30], "damaged"),
    ],
    ids=[*range(4)],  # the bytes of an archive hold the time
)  # fmt: skip
def test_what_would_become_too_much_or_is_damaged_is_refused(archive, packed, problem, monkeypatch):
    n_bytes = 8000 if problem == "becomes more than" else 1 << 23
    monkeypatch.setattr(reading, "MAX_COPIED_BYTES", n_bytes)
    monkeypatch.setattr(compressed, "MAX_FILES", 8)
    archive.write_bytes(packed)
    if problem is None:
        assert unpacked(archive) == {"b.png": b"x"}
        return
    with pytest.raises(CorruptFileError, match=problem) as caught:
        unpacked(archive)
    assert caught.value.message.startswith(str(archive))


def png(level):
    file = io.BytesIO()
    Image.fromarray(np.full((9, 7), level, np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_the_pictures_in_an_archive_are_predicted_one_by_one(archive):
    files = {
        "3/a.png": png(3),
        "labels.csv": b"",
        "4/b.png": b"none",
        "5/c.PNG": png(5),
        "d.gif": zip_of({}),
    }
    archive.write_bytes(zip_of(files))
    batches = list(read_batches(archive))
    assert [batch.sources for batch in batches] == [
        (f"{archive}/{name}",) for name in files if name != "labels.csv"
    ]
    assert [batch.greys.max() for batch in batches] == [3, 0, 5, 0]
    assert [str(batch.faults[0]) for batch in batches if batch.faults] == [
        f"{archive}/{name}: is no picture of a known kind" for name in ("4/b.png", "d.gif")
    ]
    archive.write_bytes(zip_of({"labels.csv": b"", "x.csv": b""}))
    with pytest.raises(BadImageError, match="is an archive without pictures"):
        list(read_batches(archive))


@given(st.data())
def test_mutated_archives_are_refused_or_read(data):
    packed = mutate(data.draw, zip_of({"3/a.png": png(3), "4/b.png": png(4)}), st)
    try:
        for batch in read_batches("-", stdin=io.BytesIO(packed)):
            assert batch.greys.ndim == 3
    except BadImageError as error:
        assert "\n" not in error.message
        assert len(error.message) < 300


def test_errors_name_the_archive(archive):
    archive.write_bytes(zip_of(FILES))
    with pytest.raises(CorruptFileError) as caught, as_folder(archive, lambda _: True) as place:
        raise CorruptFileError(Path(place) / "b/2.png", "is bad", hint=f"see {place}")
    assert caught.value.message == f"{archive}/b/2.png: is bad"
    assert caught.value.hint == f"see {archive}"
