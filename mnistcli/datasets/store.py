"""The decoded datasets on disk: open, install, grow, verify, remove.

    <folder>/
        CACHEDIR.TAG             backup programs leave the folder out
        .mnist.lock              saves two processes from decoding the same thing; no more than that
        mnist/
            train-images.npy ... uint8, C order; memory-mapped when opened
            manifest.json        size and checksum of each, source, time; written last: the commit
    <own folder>/
        .mine.lock                             held by whoever writes: growing is read, add, write
        mine/
            train-images-0123456789abcdef.npy ...  named by its content
            manifest.json

Trust. A `.npy` file is a header that is known to the byte and a payload whose sha256 stands in the
manifest and, where the catalogue knows it, must be the one there. To hash 55 MB at each start would
cost more than the rest of a command: a large file is taken as unchanged by its size, mtime and
inode; `verify` reads everything.

Damage. What is found damaged is never used. MNIST then comes from the box again, in memory where
the folder cannot be written; other datasets say what to type. Own digits cannot be had again: no
file is overwritten that a manifest speaks of, the old ones go once it speaks of the new, and what
is damaged is never forgotten: a backup may mend it.
"""

import contextlib
import itertools
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from mnistcli import files
from mnistcli.arrays import Bytes
from mnistcli.datasets.catalog import CATALOG, PART_NAMES, DatasetSpec, check_own_name
from mnistcli.datasets.dataset import Arrays, Dataset, Loaded, identity, in_parts, joined
from mnistcli.datasets.manifest import (
    MANIFEST_NAME,
    Entry,
    Manifest,
    replace_file,
    sha256_of,
    write_npy,
)
from mnistcli.display import counted
from mnistcli.errors import CorruptFileError, DataUnavailableError, MnistCliError, UsageError
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.paths import NAME, did_you_mean
from mnistcli.progress import SILENT, Progress

CACHEDIR_TAG = b"""\
Signature: 8a477f597d28d172789f06886806bc55
# This folder is a cache of mnistcli: https://bford.info/cachedir/
"""
KEPT = "kept"
_TO_MEND = "get it again with: mnistcli download --dataset {}"
_TO_MEND_OWN = (
    "own digits are nowhere else: put its folder back from a backup, or install it anew: "
    "mnistcli download --source PATH --as {} --replace"
)
_FILE = re.compile(rf"(?:{'|'.join(PART_NAMES)})(?:-[0-9a-f]{{16}})?\.npy")


@dataclass(frozen=True, slots=True)
class Installation:
    """A dataset in the store, and how it got there."""

    title: str
    manifest: Manifest
    folder: Path
    arrays: Arrays = field(compare=False)  # memory-mapped, as the manifest vouches
    already_there: bool = True  # nothing had to be done
    failures: tuple[tuple[str, str], ...] = ()

    @property
    def sha256(self) -> str:
        """The identity of the dataset, see `Dataset`."""
        return identity(self.manifest.checksums)

    @property
    def dataset(self) -> Dataset:
        """The dataset itself."""
        return Dataset(self.manifest.dataset, self.title, *in_parts(self.arrays), self.sha256)

    @property
    def files(self) -> list[tuple[str, tuple[int, ...], int, str]]:
        """Of each array its name and shape, the size of its file, and the sha256 of its bytes."""
        pairs = zip(self.arrays, self.manifest.files, strict=True)
        return [(of.name, array.shape, of.stamp.n_bytes, of.sha256) for array, of in pairs]


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """What there is to say of a dataset without its arrays; None for what is not known."""

    name: str
    title: str
    state: str  # "installed", "bundled", "not installed", "own" or "damaged"
    licence: str | None = None
    n_train: int | None = None
    n_test: int | None = None
    digits: tuple[int, ...] | None = None  # the images of 0, 1, ..., 9, in both parts
    installed_at: str | None = None
    origin: str | None = None
    problem: str = ""


class DatasetStore:
    """The datasets of the catalogue, which are a cache, and the user's own, each kind in a folder.

    A folder is made when something is installed. Own datasets have names that the catalogue has
    not.
    """

    def __init__(
        self,
        folder: Path,
        *,
        catalog: Mapping[str, DatasetSpec] = CATALOG,
        own_folder: Path | None = None,
    ) -> None:
        self.folder, self.own_folder = folder, own_folder or folder.with_name("own")
        self.catalog = catalog

    def own_names(self) -> tuple[str, ...]:
        """Name the user's own datasets, unverified and in alphabetic order."""
        try:
            names = sorted({path.name for path in self.own_folder.iterdir()} - self.catalog.keys())
            return tuple(filter(self.has, names))
        except (OSError, DataUnavailableError):  # no such folder, or no access to it
            return ()

    def has(self, name: str) -> bool:
        """Return whether there is a dataset of that name, unverified."""
        folder = self._root_of(name) / name
        if name not in self.catalog and (
            not NAME.fullmatch(name) or files.kind_of_path(folder, follow=False) != "folder"
        ):
            return False
        return files.kind_of_path(folder / MANIFEST_NAME, follow=False) == "file"

    def find(self, name: str) -> DatasetSpec | None:
        """Look a dataset up, None being one of the user's own; raise UsageError where there is none."""
        if name not in self.catalog and not self.has(name):
            known = (*self.catalog, *self.own_names())
            hint = did_you_mean(name, known) or f"the datasets are {', '.join(known)}"
            if os.path.lexists(name):
                hint = f"make one of it: mnistcli download --source {name} --as NAME"
            raise UsageError(f"unknown dataset {name!r}", hint=hint)
        return self.catalog.get(name)

    def check_free(self, name: str, *, replacing: bool = False) -> None:
        """Raise UsageError where a dataset of the user's own cannot have a name, or has it already.

        One may be replaced, but for digits that were kept one by one, and are nowhere else.
        """
        if not self.has(check_own_name(name)):
            return
        if not replacing:
            hint = f"add --replace to put this in its place, or see mnistcli show --dataset {name}"
            raise UsageError(f"there is a dataset {name!r} already", hint=hint)
        if _has_kept(self.summary(name).origin or ""):
            problem = f"in {name} are digits that were kept one by one, and are nowhere else"
            hint = f"take another name, or let them go first: mnistcli download --remove {name}"
            raise UsageError(problem, hint=hint)

    def summary(self, name: str) -> DatasetSummary:
        """Describe a dataset, installed or not, one of the user's own damaged or not."""
        if spec := self.find(name):
            state = "bundled" if spec.bundled else "not installed"
            state = "installed" if self.has(name) else state
            return DatasetSummary(name, spec.title, state, spec.licence, *spec.sizes)
        try:
            found = self.verify(name, full=False)
        except (CorruptFileError, DataUnavailableError) as error:
            return DatasetSummary(name, name, "damaged", problem=error.message)
        counts = tuple(np.bincount(np.concatenate(found.arrays[1::2]), minlength=10).tolist())
        manifest = found.manifest
        sizes, when, where = manifest.sizes or (0, 0), manifest.installed_at, manifest.origin
        return DatasetSummary(name, name, "own", None, *sizes, counts, when, where)

    def open(self, name: str = "mnist", *, progress: Progress = SILENT) -> Dataset:
        """Open a dataset, one of the user's own, or several joined by +; never touches the network.

        A dataset in the box is installed, or repaired, if need be, and decoded in memory where the
        store cannot be used. Raises UsageError or DataUnavailableError where there is no dataset of
        that name, or it has to be downloaded first, CorruptFileError where it is damaged in the
        store and not in the box, or damaged in the box.
        """
        if "+" in name:
            return self._open_joined(name, progress)
        spec = self.find(name)
        try:
            return self.verify(name, full=False).dataset
        except (DataUnavailableError, CorruptFileError) as problem:
            if spec is None or not spec.bundled:
                raise
            if isinstance(problem, CorruptFileError):
                progress.note(f"{problem.message}; {spec.title} is taken from the box again")
        try:
            return self._install(spec, "bundled", keep_intact=True, progress=progress).dataset
        except MnistCliError as problem:
            from mnistcli.datasets import sources

            arrays = sources.load(spec, "bundled").arrays
            progress.note(f"{problem.message}; {spec.title} is decoded in memory")
            for array in arrays:
                array.flags.writeable = False
            sha256 = identity([*map(sha256_of, arrays)])
            return Dataset(spec.name, spec.title, *in_parts(arrays), sha256)

    def verify(self, name: str = "mnist", *, full: bool = True) -> Installation:
        """Map a dataset in the store, having checked it; if ``full``, every byte of it is hashed.

        A damaged dataset (CorruptFileError) of the catalogue is then forgotten, so that nothing
        uses it until it is installed again. Raises DataUnavailableError where it is not there, or
        cannot be read.
        """
        spec, path = self.find(name), self._manifest_of(name)
        try:
            while True:
                manifest = Manifest.read(path)
                manifest.check_about(name, spec, path)
                sizes = spec.sizes if spec else manifest.sizes or (0, 0)
                try:
                    arrays, now = manifest.mapped(path.parent, sizes, full=full)
                    break
                except (CorruptFileError, DataUnavailableError):
                    if Manifest.read(path) == manifest:
                        raise
                    # Another process changed it just now; look again.
        except CorruptFileError as damage:
            damage.hint = (_TO_MEND if name in self.catalog else _TO_MEND_OWN).format(name)
            if full and name in self.catalog:
                with contextlib.suppress(OSError):
                    path.unlink()
            raise
        if now != manifest and name in self.catalog:
            # Copied or restored, and just found to be the same: no need to hash it next time.
            with contextlib.suppress(DataUnavailableError):
                replace_file(path, now.to_bytes())
        return Installation(self._title(name), now, path.parent, arrays)

    def remove(self, name: str, *, progress: Progress = SILENT) -> None:
        """Remove a dataset, damaged or not; one of the user's own is then gone for good."""
        self.find(name)
        with self._lock(name, progress):
            path = self._manifest_of(name)
            files.remove_file(path)
            _sweep(path.parent)

    def install(
        self,
        name: str = "mnist",
        source: str = "auto",
        *,
        force: bool = False,
        progress: Progress = SILENT,
    ) -> Installation:
        """Get a dataset from a source, verify it and keep it; see `sources`.

        Until all of it is verified, what is in the store stays as it is. Under ``"auto"`` an intact
        dataset is left alone unless forced. Progress is how many bytes of what have come, and that
        another process is waited for. Raises what `sources.load` does, StorageError where the store
        cannot be written, LockTimeoutError where another process is at it for too long.
        """
        spec, keep_intact = self.find(name), source == "auto" and not force
        if spec:
            return self._install(spec, source, keep_intact=keep_intact, progress=progress)
        if keep_intact:
            return self.verify(name, full=False)
        hint = f"mnistcli download --source PATH --as {name} --replace"
        raise UsageError(f"{name} is a dataset of your own", hint=hint)

    def install_own(
        self, name: str, found: Loaded, *, replacing: bool = False, progress: Progress = SILENT
    ) -> Installation:
        """Keep what was gathered under a name; raise UsageError for a name that is none or not free."""
        check_own_name(name)
        with self._lock(name, progress):
            if not replacing:
                self.check_free(name)
            return self._write(name, found)

    def append(self, name: str, images: Bytes, labels: Bytes) -> Installation:
        """Add images, (n, 28, 28), to the training part of an own dataset, made if there is none.

        The same, pixel for pixel, are added once; one that is there already, in either part, stays
        there and gets the new label. A damaged dataset (CorruptFileError) is left as it is.
        """
        check_own_name(name)
        given = dict(zip(map(bytes, images), labels.tolist(), strict=True))
        with self._lock(name, SILENT):
            if not self.has(name):
                parts = in_parts([*_arrays_of(given), *_arrays_of({})])
                return self._write(name, Loaded(*parts, KEPT, KEPT, 0))
            found = self.verify(name)
            old, (train, y_train, test, y_test) = found.manifest, found.arrays
            there = [*map(bytes, itertools.chain(train, test))]
            both = zip(there, itertools.chain(y_train, y_test), strict=True)
            y, known = np.array([given.get(image, y) for image, y in both], np.uint8), {*there}
            new, y_new = _arrays_of({each: given[each] for each in given if each not in known})
            n = len(train)
            grown = np.concatenate([train, new]), np.concatenate([y[:n], y_new]), test, y[n:]
            where = old.origin if _has_kept(old.origin) else f"{old.origin} + {KEPT}"
            loaded = Loaded(*in_parts(grown), old.source, where, old.n_bytes_read)
            return self._write(name, loaded, old)

    def keep(self, name: str, images: Sequence[Bytes], label: int) -> str:
        """Add images of one digit, see `append`, and return what was done in words."""
        done = self.append(name, np.stack(images), np.full(len(images), label, np.uint8))
        n, n_all = len({*map(bytes, images)}), sum(done.manifest.sizes or ())
        shown = f"1 picture as a {label}" if n == 1 else f"{n:,} pictures, each as a {label}"
        has = counted(n_all, "image")
        return f"kept {shown} in {name}, which has {has} now"

    def _install(
        self, spec: DatasetSpec, source: str, *, keep_intact: bool, progress: Progress
    ) -> Installation:
        from mnistcli.datasets import sources

        with self._lock(spec.name, progress):
            if keep_intact:
                with contextlib.suppress(DataUnavailableError, CorruptFileError):
                    return self.verify(spec.name, full=False)
            loaded = sources.load(spec, source, progress=progress)
            tag = self.folder / "CACHEDIR.TAG"
            if files.kind_of_path(tag, follow=False) == "nothing":
                files.write_atomically(tag, CACHEDIR_TAG)
            return self._write(spec.name, loaded)

    def _root_of(self, name: str) -> Path:
        return self.folder if name in self.catalog else self.own_folder

    def _title(self, name: str) -> str:
        return self.catalog[name].title if name in self.catalog else name

    def _open_joined(self, name: str, progress: Progress) -> Dataset:
        names = name.split("+")
        if "" in names or len(set(names)) < len(names):
            hint = "join different datasets by their names: mnist+mine"
            raise UsageError(f"{name!r} names a dataset twice, or none", hint=hint)
        for each in names:
            if each not in self.catalog and not self.has(each):
                there = [path for path in (name, each) if os.path.lexists(path)]
                path, own = (there[0], "NAME") if there else ("PATH", each)
                hint = f"mnistcli download --source {path} --as {own}"
                raise DataUnavailableError(f"{name}: there is no dataset {each!r}", hint=hint)
        return joined([self.open(each, progress=progress) for each in names])

    def _lock(self, name: str, progress: Progress) -> contextlib.AbstractContextManager[None]:
        words = f"waiting for another process that changes {name}"
        path = self._root_of(name) / f".{name}.lock"
        return files.lock(path, on_wait=lambda _: progress.note(words))

    def _folder_of(self, name: str) -> Path:
        folder = self._root_of(name) / name
        if name not in self.catalog:
            files.refuse_link(folder)
        files.sweep_dead_temporaries(folder)
        return folder

    def _manifest_of(self, name: str) -> Path:
        """Return the path of a manifest; raise DataUnavailableError where there is none."""
        path = self._folder_of(name) / MANIFEST_NAME
        if files.kind_of_path(path, follow=False) == "nothing":
            hint = f"mnistcli download --dataset {name}" * (name in self.catalog)
            raise DataUnavailableError(f"{self._title(name)} is not installed", hint=hint)
        return path

    def _write(self, name: str, loaded: Loaded, old: Manifest | None = None) -> Installation:
        folder, arrays = self._folder_of(name), loaded.arrays
        sizes = len(loaded.train.labels), len(loaded.test.labels)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        told = loaded.source, loaded.origin, loaded.n_bytes_read, now
        entries = tuple(map(Entry, PART_NAMES, map(sha256_of, arrays)))
        manifest = Manifest(name, *told, entries, None if name in self.catalog else sizes)
        try:
            for file, array in zip(manifest.file_names, arrays, strict=True):
                if old is None or file not in old.file_names:
                    write_npy(folder / file, array)
            mapped, manifest = manifest.mapped(folder, sizes, full=True)  # as it was meant
            replace_file(folder / MANIFEST_NAME, manifest.to_bytes())
        finally:
            _sweep(folder)
        title = self._title(name)
        return Installation(title, manifest, folder, mapped, False, loaded.failures)  # noqa: FBT003


def _arrays_of(labelled: Mapping[bytes, int]) -> tuple[Bytes, Bytes]:
    images = np.frombuffer(b"".join(labelled), np.uint8).reshape(-1, *IMAGE_SHAPE)
    return images, np.array([*labelled.values()], np.uint8)


def _has_kept(origin: str) -> bool:
    return origin == KEPT or origin.endswith(f" + {KEPT}")


def _sweep(folder: Path) -> None:
    """Delete the arrays that no manifest speaks of, and a folder with nothing else; the lock is held."""
    manifest = folder / MANIFEST_NAME
    # A manifest that is damaged, no access, or mapped by another process, on Windows.
    with contextlib.suppress(OSError, CorruptFileError, DataUnavailableError):
        kept = Manifest.read(manifest).file_names if os.path.lexists(manifest) else ()
        for path in folder.iterdir():
            if _FILE.fullmatch(path.name) and path.name not in kept and files.is_own_file(path):
                path.unlink()
        folder.rmdir()
