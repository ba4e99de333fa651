from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mnistcli
from mnistcli import files
from mnistcli.datasets.given import open_dataset
from mnistcli.datasets.store import DatasetStore
from mnistcli.errors import (
    ChecksumMismatchError,
    CorruptFileError,
    DataUnavailableError,
    StorageError,
    UsageError,
)
from mnistcli.progress import Progress
from tests.conftest import Recorder

from .conftest import arff_text, flipped, good, html
from .test_download import npz_of

ROOT = Path(mnistcli.__file__).parents[1]
NAMES = ("train-images", "train-labels", "test-images", "test-labels")
# sha256 of the four payload hashes, see Dataset; computed once by hand with sha256sum.
MNIST_SHA256 = "934aebce81fe4a4fcd7e9b2a2a27fe61eb10b8edcca7d27f11b074cda51fe896"


def everything_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assert_same(dataset, arrays):
    pairs = (("train", dataset.train), ("test", dataset.test))
    for half, got in pairs:
        np.testing.assert_array_equal(got.images, arrays[f"{half}-images"])
        np.testing.assert_array_equal(got.labels, arrays[f"{half}-labels"])
        assert not got.images.flags.writeable
        assert not got.labels.flags.writeable
        assert got.images.flags.c_contiguous


def flip(path: Path, position: int = -1, *, keep_times: bool = False) -> None:
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(position, 2 if position < 0 else 0)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 0x10]))
    if keep_times:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture
def installed(store) -> Path:
    """A folder with MNIST in it, for tests that do not write to it."""
    return store.folder


@pytest.fixture
def own_store(installed, tmp_path) -> DatasetStore:
    """A store with MNIST in it, with which a test can do what it likes."""
    shutil.copytree(installed, tmp_path / "own")
    store = DatasetStore(tmp_path / "own")
    store.open()  # which takes note that the copied files are good
    return store


@pytest.fixture
def tiny_store(tiny, tmp_path) -> DatasetStore:
    store = tiny.store(tmp_path / "store")
    store.install("tiny", str(tiny.write_to(tmp_path / "published")))
    return store


@pytest.fixture
def boxed_store(tiny, tmp_path, monkeypatch) -> DatasetStore:
    """A store with a small MNIST that is in the box, whose images count as large."""
    monkeypatch.setattr("mnistcli.datasets.sources.BUNDLE", tiny.write_to(tmp_path / "box"))
    monkeypatch.setattr("mnistcli.datasets.manifest.ALWAYS_HASHED_BYTES", 1000)
    spec = replace(tiny.spec, name="mnist", title="MNIST", bundled=True)
    store = DatasetStore(tmp_path / "boxed", catalog={"mnist": spec})
    store.open()
    return store


# ------------------------------------------------------------------------------------ the first use


def test_the_first_use_needs_nothing_and_says_nothing(tmp_path, digits):
    folder = tmp_path / "a" / "new" / "place"
    told = Recorder()
    dataset = open_dataset(store=DatasetStore(folder), progress=told)
    assert_same(dataset, digits)
    assert (dataset.name, dataset.title, dataset.sha256) == ("mnist", "MNIST", MNIST_SHA256)
    assert told.notes == []
    left = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    names = [".mnist.lock", "CACHEDIR.TAG", "mnist/manifest.json"]
    assert sorted(left) == sorted([*names, *(f"mnist/{name}.npy" for name in NAMES)])
    tag = (folder / "CACHEDIR.TAG").read_bytes()
    assert tag.startswith(b"Signature: 8a477f597d28d172789f06886806bc55\n")


def test_a_store_that_is_only_asked_makes_nothing(tmp_path):
    store = DatasetStore(tmp_path / "store")
    assert not any(map(store.has, store.catalog))
    with pytest.raises(DataUnavailableError, match="MNIST is not installed"):
        store.verify()
    with pytest.raises(DataUnavailableError):
        store.open("kmnist")
    assert not (tmp_path / "store").exists()


def test_the_files_are_numpy_s(installed, digits):
    for name in NAMES:
        array = np.load(installed / "mnist" / f"{name}.npy", allow_pickle=False)
        np.testing.assert_array_equal(array, digits[name])


def test_opening_again_hashes_no_images_and_writes_nothing(own_store, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in own_store.folder.rglob("*")}
    hashed: list[int] = []
    real = mnistcli.datasets.manifest.sha256_of
    monkeypatch.setattr(
        "mnistcli.datasets.manifest.sha256_of",
        lambda array: hashed.append(array.size) or real(array),
    )
    dataset = own_store.open()
    assert hashed == [60_000, 10_000]
    assert dataset.train.images.base is not None
    assert {path: path.stat().st_mtime_ns for path in own_store.folder.rglob("*")} == before


def test_opening_imports_nothing_heavy(installed):
    heavy = ["pandas", "requests", "urllib.request", "filelock", "pooch", "gzip", "sklearn"]
    code = f"""
        import sys
        from pathlib import Path
        from mnistcli.datasets.given import open_dataset
        from mnistcli.datasets.store import DatasetStore
        open_dataset(store=DatasetStore(Path({str(installed)!r})))
        print([name for name in {heavy!r} if name in sys.modules])
    """
    assert run_code(code) == ["[]"]


def run_code(code: str) -> list[str]:
    """Run Python code in a process of its own; return the lines that it prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_an_unknown_dataset(tmp_path):
    for call in ("open", "install", "verify"):
        with pytest.raises(UsageError, match="unknown dataset 'mnits'"):
            getattr(DatasetStore(tmp_path), call)("mnits")


# -------------------------------------------------------------------------- install, verify, remove


def test_what_an_installation_says(tiny, tmp_path):
    published = tiny.write_to(tmp_path / "published")
    store = tiny.store(tmp_path / "store")
    done = store.install("tiny", str(published))
    said = done.manifest
    assert (said.dataset, said.source, said.origin) == ("tiny", "path", str(published))
    assert said.n_bytes_read == sum(map(len, tiny.published.values()))
    assert done.folder == tmp_path / "store" / "tiny"
    assert not done.already_there
    assert done.failures == ()
    for (name, shape, n_bytes, sha256), part in zip(done.files, tiny.spec.parts, strict=True):
        assert (name, shape, sha256) == (part.name, part.shape, part.payload_sha256)
        assert n_bytes == (done.folder / f"{name}.npy").stat().st_size
    assert store.has("tiny")
    assert_same(store.open("tiny"), tiny.arrays)
    assert store.open("tiny").sha256 == done.sha256
    assert store.verify("tiny") == replace(done, already_there=True)


def test_auto_leaves_an_intact_dataset_alone_unless_forced(tiny, tmp_path, site):
    mirror = site.publish("/m/", tiny.published, good)
    store = tiny.store(tmp_path / "store", mirrors=(f"{site.url}/nothing/", mirror))
    first = store.install("tiny")
    assert not first.already_there
    assert first.manifest.source == "mirror"
    assert len(first.failures) == 1
    n_requests = len(site.requests)
    assert store.install("tiny") == replace(first, already_there=True, failures=())
    assert len(site.requests) == n_requests
    assert not store.install("tiny", force=True).already_there
    assert not store.install("tiny", "mirror").already_there
    assert len(site.requests) > n_requests


def test_all_sources_end_in_the_same_bytes(tiny, tmp_path, site):
    mirror = site.publish("/m/", tiny.published, good)
    site.pages["/a"] = good(arff_text(tiny.arrays).encode())
    site.pages["/k"] = good(npz_of(tiny.arrays))
    changes = {
        "mirrors": (mirror,),
        "openml_urls": (f"{site.url}/a",),
        "keras_urls": (f"{site.url}/k",),
    }
    contents, identities = [], set()
    sources = ("auto", "mirror", "openml", "keras", mirror, f"{site.url}/a", f"{site.url}/k")
    for number, source in enumerate(sources):
        store = tiny.store(tmp_path / str(number), **changes)
        identities.add(store.install("tiny", source).sha256)
        content = everything_in(store.folder)
        del content["tiny/manifest.json"]
        contents.append(content)
    assert len(identities) == 1
    assert all(content == contents[0] for content in contents)


@pytest.mark.parametrize("behaviour", [flipped, html])
def test_a_bad_source_changes_nothing(tiny_store, tiny, site, behaviour):
    before = everything_in(tiny_store.folder)
    bad = site.publish("/bad/", tiny.published, behaviour)
    with pytest.raises(CorruptFileError):
        tiny_store.install("tiny", bad)
    assert everything_in(tiny_store.folder) == before
    assert_same(tiny_store.open("tiny"), tiny.arrays)


def test_a_bad_source_leaves_nothing_of_itself(tiny, tmp_path, site):
    store = tiny.store(tmp_path / "store")
    with pytest.raises(CorruptFileError):
        store.install("tiny", site.publish("/bad/", tiny.published, flipped))
    assert set(everything_in(store.folder)) == {".tiny.lock"}
    assert not any(map(store.has, store.catalog))


def test_other_datasets_are_never_fetched_by_opening(tmp_path):
    with pytest.raises(DataUnavailableError, match="Fashion-MNIST is not installed") as caught:
        DatasetStore(tmp_path).open("fashion-mnist")
    assert caught.value.hint == "mnistcli download --dataset fashion-mnist"


def test_opening_never_asks_a_mirror_even_if_the_box_is_damaged(boxed_store, tiny, site, tmp_path):
    mirror = site.publish("/m/", tiny.published, good)
    spec = replace(boxed_store.catalog["mnist"], mirrors=(mirror,))
    store = DatasetStore(tmp_path / "another", catalog={"mnist": spec})
    flip(tmp_path / "box" / "t10k-labels-idx1-ubyte.gz")
    with pytest.raises(CorruptFileError, match=r"t10k-labels.*damaged") as caught:
        store.open()
    assert caught.value.hint == (
        "get the right bytes with: mnistcli download --dataset mnist --force"
    )
    assert site.requests == []
    assert store.install().manifest.source == "mirror"
    assert_same(store.open(), tiny.arrays)


# ------------------------------------------------------------------------------------------ damage


@pytest.mark.parametrize("name", [*(f"{name}.npy" for name in NAMES), "manifest.json"])
def test_one_flipped_byte_of_any_file_is_noticed(tiny_store, tiny, name):
    path = tiny_store.folder / "tiny" / name
    whole = path.read_bytes()
    step = 1 if name == "manifest.json" else 4096
    for position in {*range(0, len(whole), step), 0, 9, 60, 127, 128, len(whole) - 1}:
        flip(path, position, keep_times=True)
        with pytest.raises(CorruptFileError):
            tiny_store.open("tiny")
        path.write_bytes(whole)
    assert_same(tiny_store.open("tiny"), tiny.arrays)


@pytest.mark.parametrize("name", [*(f"{name}.npy" for name in NAMES), "manifest.json"])
def test_other_sizes_and_other_things_are_noticed(tiny_store, tiny, name):
    path = tiny_store.folder / "tiny" / name
    whole = path.read_bytes()

    def refused() -> None:
        with pytest.raises((CorruptFileError, DataUnavailableError)) as caught:
            tiny_store.open("tiny")
        assert caught.value.hint.endswith("mnistcli download --dataset tiny")

    for n_bytes in {len(whole) * i // 16 for i in range(16)}:
        path.write_bytes(whole[:n_bytes])
        refused()
    path.write_bytes(whole + b"\n")
    refused()
    path.write_bytes((tiny_store.folder / "tiny" / "train-labels.npy").read_bytes()[::-1])
    refused()
    path.unlink()
    refused()
    path.mkdir()
    refused()
    path.rmdir()
    os.mkfifo(path)
    refused()
    path.unlink()
    path.symlink_to("/dev/zero")
    refused()
    path.unlink()
    path.write_bytes(whole)
    assert_same(tiny_store.open("tiny"), tiny.arrays)


def test_swapped_files_are_noticed(tiny_store):
    folder = tiny_store.folder / "tiny"
    with_other_labels = (folder / "train-labels.npy").read_bytes()
    assert with_other_labels[128:] != with_other_labels[:127:-1]
    (folder / "train-labels.npy").write_bytes(with_other_labels[:128] + with_other_labels[:127:-1])
    with pytest.raises(ChecksumMismatchError):
        tiny_store.open("tiny")


def test_a_manifest_of_another_dataset_is_noticed(tiny_store, tmp_path):
    other = replace(tiny_store.catalog["tiny"], name="other")
    shutil.copytree(tiny_store.folder / "tiny", tiny_store.folder / "other")
    store = DatasetStore(tiny_store.folder, catalog={"other": other})
    with pytest.raises(CorruptFileError, match="is not about"):
        store.open("other")


def test_a_manifest_cannot_vouch_for_other_pixels(own_store):
    """A manifest that agrees with its files is not enough where the catalogue knows better."""
    path = own_store.folder / "mnist" / "manifest.json"
    manifest = mnistcli.datasets.manifest.Manifest.from_bytes(path.read_bytes())
    forged = replace(manifest.files[1], sha256="0" * 64)
    forged_files = (manifest.files[0], forged, *manifest.files[2:])
    path.write_bytes(replace(manifest, files=forged_files).to_bytes())
    with pytest.raises(CorruptFileError, match="is not about MNIST"):
        own_store.verify()


DAMAGES = {
    "pixel": lambda folder: flip(folder / "train-images.npy", 200_000),
    "last pixel": lambda folder: flip(folder / "test-images.npy"),
    "label": lambda folder: flip(folder / "train-labels.npy", keep_times=True),
    "header": lambda folder: flip(folder / "test-images.npy", 70, keep_times=True),
    "manifest": lambda folder: flip(folder / "manifest.json", 300),
    "missing": lambda folder: (folder / "train-images.npy").unlink(),
    "truncated": lambda folder: os.truncate(folder / "train-images.npy", 100_000),
    "folder": lambda folder: (
        (folder / "test-labels.npy").unlink(),
        (folder / "test-labels.npy").mkdir(),
    ),
    "manifest folder": lambda folder: (
        (folder / "manifest.json").unlink(),
        (folder / "manifest.json").mkdir(),
    ),
    "fifo": lambda folder: (
        (folder / "test-labels.npy").unlink(),
        os.mkfifo(folder / "test-labels.npy"),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_mnist_heals_itself_and_says_so(boxed_store, tiny, damage):
    damage(boxed_store.folder / "mnist")
    told = Recorder()
    assert_same(boxed_store.open(progress=told), tiny.arrays)
    [event] = told.notes
    assert str(boxed_store.folder) in event
    assert event.endswith("MNIST is taken from the box again")
    told.notes.clear()
    assert_same(boxed_store.open(progress=told), tiny.arrays)
    assert told.notes == []
    boxed_store.verify()
    assert sorted(path.name for path in (boxed_store.folder / "mnist").iterdir()) == sorted(
        ["manifest.json", *(f"{name}.npy" for name in NAMES)]
    )


@pytest.mark.parametrize("name", ["train-images.npy", "manifest.json"])
def test_a_folder_of_somebody_s_in_the_way_is_left_alone(tmp_path, tiny, name):
    mine = tmp_path / "store" / "tiny" / name / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("notes")
    with pytest.raises(StorageError, match=f"cannot replace .*{name}: Directory not empty"):
        tiny.store(tmp_path / "store").install("tiny", str(tiny.write_to(tmp_path / "published")))
    assert mine.read_text() == "notes"


def test_what_the_fast_path_leaves_open_verify_finds(boxed_store, tiny):
    """Pixels that change with the file's times set back: the price of not hashing, as documented."""
    flip(boxed_store.folder / "mnist" / "train-images.npy", 200_000, keep_times=True)
    assert not np.array_equal(boxed_store.open().train.images, tiny.arrays["train-images"])
    with pytest.raises(ChecksumMismatchError) as caught:
        boxed_store.verify()
    assert caught.value.source == boxed_store.folder / "mnist" / "train-images.npy"
    assert caught.value.hint == "get it again with: mnistcli download --dataset mnist"
    # From here on nothing uses it.
    assert not any(map(boxed_store.has, boxed_store.catalog))
    assert_same(boxed_store.open(), tiny.arrays)


def test_all_of_mnist_heals_itself(own_store, digits):
    flip(own_store.folder / "mnist" / "train-images.npy", 20_000_000)
    told = Recorder()
    assert_same(own_store.open(progress=told), digits)
    assert len(told.notes) == 1
    own_store.verify()


def test_a_copied_store_is_hashed_once(installed, tmp_path, monkeypatch):
    shutil.copytree(installed, tmp_path / "copy")
    store = DatasetStore(tmp_path / "copy")
    hashed: list[int] = []
    real = mnistcli.datasets.manifest.sha256_of
    monkeypatch.setattr(
        "mnistcli.datasets.manifest.sha256_of",
        lambda array: hashed.append(array.size) or real(array),
    )
    store.open()
    assert sum(hashed) == 54_950_000
    hashed.clear()
    store.open()
    assert sum(hashed) == 70_000


def test_an_interrupted_removal_is_no_damage(boxed_store, tiny):
    (boxed_store.folder / "mnist" / "manifest.json").unlink()
    (boxed_store.folder / "mnist" / "train-images.npy").unlink()
    told = Recorder()
    assert_same(boxed_store.open(progress=told), tiny.arrays)
    assert told.notes == []


# --------------------------------------------------------------- where the store cannot be written


def assert_in_memory(folder, digits, reason):
    told = Recorder()
    dataset = DatasetStore(folder).open(progress=told)
    assert_same(dataset, digits)
    assert dataset.sha256 == MNIST_SHA256
    assert len(told.notes) == 1, told.notes
    assert reason in told.notes[0]
    assert told.notes[0].endswith("; MNIST is decoded in memory")
    with pytest.raises(StorageError, match=reason):
        DatasetStore(folder).install("mnist", "bundled")


def test_a_folder_that_cannot_be(tmp_path, digits):
    (tmp_path / "file").write_text("in the way")
    assert_in_memory(tmp_path / "file" / "store", digits, "Not a directory")


def test_a_file_in_the_place_of_the_dataset_s_folder(tmp_path, digits):
    (tmp_path / "mnist").write_text("in the way")
    assert_in_memory(tmp_path, digits, "File exists")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_file_system_that_takes_no_files(digits):
    assert_in_memory(Path("/proc/mnistcli"), digits, "No such file or directory")


def test_a_full_disk(tmp_path):
    """No file may grow beyond 1 MB: as a full disk, the write of the images fails half-way."""
    code = f"""
        import resource, signal
        from pathlib import Path
        from mnistcli.datasets.store import DatasetStore
        from mnistcli.progress import Progress
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        store = DatasetStore(Path({str(tmp_path / "store")!r}))
        progress = Progress()
        progress.note = print
        print(store.open(progress=progress).sha256)
    """
    event, sha256 = run_code(code)
    assert "File too large" in event
    assert event.endswith("; MNIST is decoded in memory")
    assert sha256 == MNIST_SHA256
    assert not (tmp_path / "store" / "mnist").exists()


AS_NOBODY = """
    import os, sys, tempfile
    from pathlib import Path
    import filelock
    from mnistcli import files
    from mnistcli.datasets import sources
    from mnistcli.datasets.catalog import CATALOG
    from mnistcli.datasets.store import DatasetStore
    from mnistcli.progress import Progress
    with tempfile.TemporaryDirectory() as folder:
        DatasetStore(Path(folder)).open()  # imports what nobody may not be able to read
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    progress = Progress()
    progress.note = print
    print(DatasetStore(Path({folder!r})).open(progress=progress).sha256)
"""


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to become nobody"
)
def test_a_store_that_one_may_only_read(installed):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(installed, folder / "store")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        before = everything_in(folder)
        # The copy has other inodes: it is hashed, and the note that it is good cannot be written.
        code = AS_NOBODY.format(folder=str(folder / "store"))
        assert run_code(code) == [MNIST_SHA256]
        assert everything_in(folder) == before
        # Damaged, it can neither be used nor healed.
        flip(folder / "store" / "mnist" / "test-images.npy")
        first, second, sha256 = run_code(code)
        assert "sha256 is" in first
        assert second.endswith("Permission denied; MNIST is decoded in memory")
        assert sha256 == MNIST_SHA256
        # Nor may it even be read.
        (folder / "store" / "mnist" / "manifest.json").chmod(0o600)
        event, sha256 = run_code(code)
        assert "Permission denied" in event
        assert sha256 == MNIST_SHA256


# ------------------------------------------------------------------------- several at once, and kill


def test_processes_that_install_at_once(tmp_path):
    """All succeed, with locks and without: correctness does not rest on them."""
    for name, lock in (("with", "files.lock"), ("without", "no_lock")):
        code = f"""
            import contextlib
            from pathlib import Path
            from mnistcli import files
            from mnistcli.datasets.store import DatasetStore
            @contextlib.contextmanager
            def no_lock(*args, **options):
                yield
            files.lock = {lock}
            store = DatasetStore(Path({str(tmp_path / name)!r}))
            print(store.open().sha256)
            store.install("mnist", "bundled")
            print(store.verify().sha256)
        """
        results: list[str] = []
        threads = [
            threading.Thread(target=lambda: results.append(run_code(code)))  # noqa: B023
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [[MNIST_SHA256] * 2] * 2
        assert not list((tmp_path / name).rglob("*.tmp"))
        DatasetStore(tmp_path / name).verify()


def test_waiting_for_another_process_is_said(tiny, tmp_path):
    store = tiny.store(tmp_path / "store")
    published = tiny.write_to(tmp_path / "published")
    notes: queue.Queue[str] = queue.Queue()
    progress = Progress()
    progress.note = notes.put
    worker = threading.Thread(
        target=store.install, args=("tiny", str(published)), kwargs={"progress": progress}
    )
    with files.lock(tmp_path / "store" / ".tiny.lock"):
        worker.start()
        note = notes.get(timeout=10)
    worker.join()
    assert [note, *notes.queue] == ["waiting for another process that changes tiny"]
    assert store.has("tiny")


def test_an_interrupt_leaves_the_old_and_no_litter(tiny_store, tiny, tmp_path, monkeypatch):
    before = everything_in(tiny_store.folder)
    published = tiny.write_to(tmp_path / "published")
    calls = 0

    def interrupt(*args):
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return os_fsync(*args)

    os_fsync = os.fsync
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        tiny_store.install("tiny", str(published))
    monkeypatch.undo()
    assert set(everything_in(tiny_store.folder)) == set(before)
    assert_same(tiny_store.open("tiny"), tiny.arrays)


# ----------------------------------------------------------------------------------- the real ARFF


@pytest.mark.torture
def test_the_real_arff_in_bounded_memory(tmp_path, digits):
    path = tmp_path / "mnist_784.arff"
    path.write_text(arff_text(digits, quote="'"))
    code = f"""
        import resource
        from pathlib import Path
        import numpy
        from mnistcli.datasets.store import DatasetStore
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        done = DatasetStore(Path({str(tmp_path / "store")!r})).install("mnist", {str(path)!r})
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(done.sha256, (after - before) // 1024, sep=chr(10))
    """
    [sha256, n_mib] = run_code(code)
    assert sha256 == MNIST_SHA256
    assert int(n_mib) < 200
