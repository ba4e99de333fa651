"""The decoded datasets on disk: open, install, verify.

    <folder>/
        CACHEDIR.TAG             backup programs leave the folder out
        .mnist.lock              saves two processes from decoding the same thing; no more than that
        mnist/
            train-images.npy     uint8, C order; memory-mapped when opened
            train-labels.npy
            test-images.npy
            test-labels.npy
            manifest.json        size and checksum of each, source, time; written last: the commit

Trust. A `.npy` file is a header that is known to the byte and a payload whose sha256 stands in the
manifest and, where the catalogue knows it, must be the one there; so size, header and payload
cover every byte. To hash 55 MB at each start would cost more than the rest of a command. The
manifest therefore remembers (size, mtime, inode) of each file as it was when it was written and
hashed, and a large file that still has them is taken as unchanged; small files (the labels) are
hashed each time. This leaves one thing open: pixels that change on the disk without the file
system noticing, or with the times set back. `verify` reads everything.

Damage. What is found damaged is never used. MNIST then comes from the box again without a word
from the user; other datasets say what to type. A folder that cannot be written is no obstacle
either: MNIST is decoded in memory.
"""

import contextlib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistcli import files
from mnistcli.datasets.catalog import CATALOG, PART_NAMES, DatasetSpec
from mnistcli.datasets.manifest import MANIFEST_NAME, Arrays, Manifest, sha256_of, write_npy
from mnistcli.display import Displayed
from mnistcli.errors import CorruptFileError, DataUnavailableError, MnistCliError, UsageError
from mnistcli.progress import SILENT, Progress

if TYPE_CHECKING:
    from mnistcli.datasets.download import Patience
    from mnistcli.datasets.own import OwnDatasets


CACHEDIR_TAG = b"""\
Signature: 8a477f597d28d172789f06886806bc55
# This folder is a cache of mnistcli: https://bford.info/cachedir/
"""
_FILE = re.compile(rf"(?:{'|'.join(PART_NAMES)})(?:-[0-9a-f]{{16}})?\.npy")


@dataclass(frozen=True, slots=True, repr=False)
class LabelledImages(Displayed):
    """Images of digits, ink 255 and paper 0, and what they show."""

    images: NDArray[np.uint8]  # read-only, memory-mapped where the store can be used
    labels: NDArray[np.uint8]
    notes: tuple[str, ...] = ()  # what was done to the user's own images

    def _in_words(self) -> str:
        return f"{len(self.labels):,} images"

    def take(self, index: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return a copy of some of the images."""
        return self.images[index]


class JoinedImages(LabelledImages):
    """The images of several parts, one after the other; copied when all are asked for at once."""

    parts: tuple[LabelledImages, ...]

    def __init__(self, parts: Sequence[LabelledImages]) -> None:
        object.__setattr__(self, "labels", np.concatenate([part.labels for part in parts]))
        object.__setattr__(self, "notes", ())
        self.labels.flags.writeable = False
        object.__setattr__(self, "parts", tuple(parts))

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """All of them, in one array."""
        images = np.concatenate([part.images for part in self.parts])
        images.flags.writeable = False
        return images

    def take(self, index: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return some of the images, without a copy of all."""
        taken = np.empty((len(index), *self.parts[0].images.shape[1:]), np.uint8)
        start = 0
        for part in self.parts:
            rows = np.flatnonzero((index >= start) & (index < start + len(part.labels)))
            taken[rows] = part.images[index[rows] - start]
            start += len(part.labels)
        return taken


@dataclass(frozen=True, slots=True, repr=False)
class Dataset(Displayed):
    """A dataset with its official split.

    Its identity, whatever the container that it came in, is the sha256 of the four payloads' sha256
    in hexadecimal, in the order train images, train labels, test images, test labels, each followed
    by a newline. Of ``"mnist+mine"`` the parts are the datasets that it is joined of.
    """

    name: str
    title: str
    train: LabelledImages
    test: LabelledImages
    sha256: str
    parts: "tuple[Dataset, ...]" = ()

    def _in_words(self) -> str:
        n_train, n_test = len(self.train.labels), len(self.test.labels)
        return f"{self.name}, {n_train:,} training and {n_test:,} test images"


class Loaded(NamedTuple):
    """Labelled digits from somewhere, in training and test images."""

    train: LabelledImages
    test: LabelledImages
    source: str  # "bundled", "mirror", "openml", "keras", "url" or "path"
    origin: str  # the folder, the file or the URL; of several mirrors, all that delivered
    n_bytes_read: int  # as stored or sent, mostly compressed
    failures: tuple[tuple[str, str], ...] = ()  # what was tried before or left out, and why
    notes: tuple[str, ...] = ()  # what was done to pictures to read them as a prediction does

    @property
    def arrays(self) -> Arrays:
        """All of it, in the order of `PART_NAMES`."""
        return self.train.images, self.train.labels, self.test.images, self.test.labels


@dataclass(frozen=True, slots=True)
class Installation:
    """A dataset in the store, and how it got there."""

    spec: DatasetSpec
    manifest: Manifest
    folder: Path
    already_there: bool = True  # nothing had to be done
    failures: tuple[tuple[str, str], ...] = ()

    @property
    def sha256(self) -> str:
        """The identity of the dataset, see `Dataset`."""
        return identity(self.manifest.checksums)

    @property
    def files(self) -> list[tuple[str, tuple[int, ...], int, str]]:
        """Of each array its name and shape, the size of its file, and the sha256 of its bytes."""
        pairs = zip(self.spec.parts, self.manifest.files, strict=True)
        return [(of.name, of.shape, each.stamp.n_bytes, each.sha256) for of, each in pairs]


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


def open_dataset(
    name: str = "mnist", *, store: "DatasetStore | None" = None, progress: Progress = SILENT
) -> Dataset:
    """Open a dataset from a store, by default the user's: ``open_dataset().train.images``."""
    if store is None:
        from mnistcli.paths import find_places

        places = find_places()
        store = DatasetStore(places.datasets_dir, own_folder=places.own_dir)
    return store.open(name, progress=progress)


class DatasetFolder:
    """Datasets in one folder, which is made when the first is installed.

    Where it is no cache, a file is named by its content, none is overwritten that a manifest speaks
    of, and no link is followed.
    """

    is_cache = True
    # What is said of a dataset that is not there or damaged, and what to do about it.
    missing: ClassVar[str]
    to_get: ClassVar[str]
    to_mend: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _spec(self, name: str, sizes: tuple[int, int] | None) -> DatasetSpec:
        """Return what a dataset is, of so many training and test images if that is not known."""
        raise NotImplementedError

    def _missing(self, name: str) -> DataUnavailableError:
        problem = self.missing.format(self._spec(name, None).title)
        return DataUnavailableError(problem, hint=self.to_get.format(name))

    def has(self, name: str) -> bool:
        """Return whether there is a dataset of that name, unverified."""
        return files.kind_of_path(self.folder / name / MANIFEST_NAME, follow=False) == "file"

    def open(self, name: str) -> Dataset:
        """Open a dataset; raise DataUnavailableError for none, CorruptFileError for a damaged one."""
        spec, manifest, arrays = self._check(name, full=False)
        return dataset_of(spec, arrays, manifest.checksums)

    def verify(self, name: str, *, full: bool = True) -> Installation:
        """Read and, if ``full``, hash every byte of a dataset; see `open`."""
        spec, manifest, _ = self._check(name, full=full)
        return Installation(spec, manifest, self.folder / name)

    def remove(self, name: str, *, progress: Progress = SILENT) -> None:
        """Remove a dataset, damaged or not; raise DataUnavailableError where there is none."""
        if not self.has(name):
            raise self._missing(name)
        with self._lock(name, progress):
            folder = self._folder_of(name)
            files.remove_file(folder / MANIFEST_NAME)
            _sweep(folder, ())
            with contextlib.suppress(OSError):  # what else is in it is not ours
                folder.rmdir()

    def _lock(self, name: str, progress: Progress) -> contextlib.AbstractContextManager[None]:
        words = f"waiting for another process that changes {name}"
        return files.lock(self.folder / f".{name}.lock", on_wait=lambda _: progress.note(words))

    def _folder_of(self, name: str) -> Path:
        folder = self.folder / name
        if not self.is_cache and files.kind_of_path(folder, follow=False) == "link":
            raise CorruptFileError(folder, "is a link in place of a folder", hint="remove it")
        files.sweep_dead_temporaries(folder)
        return folder

    def _file_name(self, part: str, sha256: str) -> str:
        return f"{part}.npy" if self.is_cache else f"{part}-{sha256[:16]}.npy"

    def _check(self, name: str, *, full: bool) -> tuple[DatasetSpec, Manifest, Arrays]:
        """Map a dataset, having checked it; all of it is hashed if ``full``."""
        path = self._folder_of(name) / MANIFEST_NAME
        if files.kind_of_path(path, follow=False) == "nothing":
            raise self._missing(name)
        try:
            while True:
                manifest = Manifest.read(path)
                spec = self._spec(name, manifest.sizes)
                manifest.check_about(spec, path)
                paths = [path.with_name(self._file_name(e.name, e.sha256)) for e in manifest.files]
                try:
                    arrays, now = manifest.mapped(paths, spec, full=full)
                    break
                except (CorruptFileError, DataUnavailableError):
                    if Manifest.read(path) == manifest:
                        raise
                    # Another process changed it just now; look again.
        except CorruptFileError as damage:
            damage.hint = self.to_mend.format(name)
            raise
        if now != manifest and self.is_cache:
            # Copied or restored, and just found to be the same: no need to hash it next time.
            with contextlib.suppress(DataUnavailableError):
                now.write(path)
        return spec, now, arrays

    def _write(self, name: str, loaded: Loaded, old: Manifest | None = None) -> Installation:
        folder, arrays = self._folder_of(name), loaded.arrays
        sizes = len(loaded.train.labels), len(loaded.test.labels)
        spec = self._spec(name, sizes)
        kept = {(entry.name, entry.sha256): entry for entry in (old.files if old else ())}
        entries, paths = [], []
        for part, array in zip(spec.parts, arrays, strict=True):
            sha256 = sha256_of(array)
            paths.append(folder / self._file_name(part.name, sha256))
            known = kept.get((part.name, sha256))
            entries.append(known or write_npy(paths[-1], part, array, sha256))
        now = datetime.now(UTC).isoformat(timespec="seconds")
        told = loaded.source, loaded.origin, loaded.n_bytes_read, now
        manifest = Manifest(name, *told, tuple(entries), None if self.is_cache else sizes)
        manifest.mapped(paths, spec, full=True)  # what was written is what was meant
        manifest.write(folder / MANIFEST_NAME)
        _sweep(folder, [path.name for path in paths])
        return Installation(spec, manifest, folder, already_there=False, failures=loaded.failures)


def _sweep(folder: Path, kept: Sequence[str]) -> None:
    """Delete the arrays that no manifest speaks of any more; the lock is held."""
    with contextlib.suppress(OSError):  # no access, or mapped by another process, on Windows
        for path in folder.iterdir():
            if _FILE.fullmatch(path.name) and path.name not in kept and files.is_own_file(path):
                path.unlink()


class DatasetStore(DatasetFolder):
    """The decoded datasets of the catalogue, and beside them the user's own, which are no cache."""

    missing = "{} is not installed"
    to_get = "mnistcli download --dataset {}"
    to_mend = f"get it again with: {to_get}"

    def __init__(
        self,
        folder: Path,
        *,
        catalog: Mapping[str, DatasetSpec] = CATALOG,
        patience: "Patience | None" = None,
        own_folder: Path | None = None,
    ) -> None:
        super().__init__(folder)
        self.own_folder = own_folder or folder.with_name("own")
        self.catalog = catalog
        self.patience = patience

    @property
    def own(self) -> "OwnDatasets":
        """The user's own datasets."""
        from mnistcli.datasets.own import OwnDatasets

        return OwnDatasets(self.own_folder)

    def open(self, name: str = "mnist", *, progress: Progress = SILENT) -> Dataset:
        """Open a dataset, one of the user's own, or several joined by +; never touches the network.

        A dataset in the box is installed, or repaired, if need be, and decoded in memory where the
        store cannot be used. Raises UsageError or DataUnavailableError where there is no dataset of
        that name, or it has to be downloaded first, CorruptFileError where it is damaged in the
        store and not in the box, or damaged in the box.
        """
        if "+" in name:
            return self._open_joined(name, progress)
        if self._is_own(name):
            return self.own.open(name)
        spec = self.find(name)
        try:
            return super().open(name)
        except (DataUnavailableError, CorruptFileError) as problem:
            if not spec.bundled:
                raise
            if isinstance(problem, CorruptFileError):
                progress.note(f"{problem.message}; {spec.title} is taken from the box again")
        try:
            self._install(name, "bundled", keep_intact=True, progress=progress)
            return super().open(name)
        except MnistCliError as problem:
            dataset = _in_memory(spec)
            progress.note(f"{problem.message}; {spec.title} is decoded in memory")
            return dataset

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
        keep_intact = source == "auto" and not force
        if self._is_own(name):
            if keep_intact:
                return self.own.verify(name, full=False)
            hint = f"mnistcli download --source PATH --as {name} --replace"
            raise UsageError(f"{name} is a dataset of your own", hint=hint)
        return self._install(name, source, keep_intact=keep_intact, progress=progress)

    def verify(self, name: str = "mnist", *, full: bool = True) -> Installation:
        """Read and hash every byte of a dataset in the store.

        A damaged dataset (CorruptFileError) of the catalogue is forgotten, so that nothing uses it
        until it is installed again. Raises DataUnavailableError where it is not there, or cannot be
        read.
        """
        if self._is_own(name):
            return self.own.verify(name, full=full)
        try:
            return super().verify(self.find(name).name, full=full)
        except CorruptFileError:
            with contextlib.suppress(OSError):
                (self.folder / name / MANIFEST_NAME).unlink()
            raise

    def remove(self, name: str, *, progress: Progress = SILENT) -> None:
        """Remove a dataset from the store; one of the user's own is then gone for good."""
        if self._is_own(name):
            self.own.remove(name, progress=progress)
        else:
            super().remove(self.find(name).name, progress=progress)

    def installed(self) -> tuple[str, ...]:
        """Name the datasets in the store, in the order of the catalogue, unverified."""
        return tuple(filter(self.has, self.catalog))

    def summary(self, name: str) -> DatasetSummary:
        """Describe a dataset, installed or not, one of the user's own damaged or not."""
        if self._is_own(name):
            return self.own.summary(name)
        spec = self.find(name)
        n_train, n_test = (part.shape[0] for part in spec.parts[1::2])
        state = "bundled" if spec.bundled else "not installed"
        state = "installed" if self.has(name) else state
        return DatasetSummary(name, spec.title, state, spec.licence, n_train, n_test)

    def find(self, name: str) -> DatasetSpec:
        """Look a dataset of the catalogue up; raise UsageError where there is none."""
        if name not in self.catalog:
            known = ", ".join((*self.catalog, *self.own.names()))
            raise UsageError(f"unknown dataset {name!r}", hint=f"the datasets are {known}")
        return self.catalog[name]

    def _is_own(self, name: str) -> bool:
        return name not in self.catalog and self.own.has(name)

    def _spec(self, name: str, sizes: tuple[int, int] | None) -> DatasetSpec:  # noqa: ARG002 - own's
        return self.catalog[name]

    def _open_joined(self, name: str, progress: Progress) -> Dataset:
        names = name.split("+")
        if "" in names or len(set(names)) < len(names):
            hint = "join different datasets by their names: mnist+mine"
            raise UsageError(f"{name!r} names a dataset twice, or none", hint=hint)
        for each in names:
            if each not in self.catalog and not self._is_own(each):
                hint = f"mnistcli download --source PATH --as {each}"
                raise DataUnavailableError(f"{name}: there is no dataset {each!r}", hint=hint)
        return joined([self.open(each, progress=progress) for each in names])

    def _install(
        self, name: str, source: str, *, keep_intact: bool, progress: Progress
    ) -> Installation:
        from mnistcli.datasets import sources

        spec = self.find(name)
        with self._lock(name, progress):
            if keep_intact:
                with contextlib.suppress(DataUnavailableError, CorruptFileError):
                    return super().verify(name, full=False)
            loaded = sources.load(spec, source, progress=progress, patience=self.patience)
            tag = self.folder / "CACHEDIR.TAG"
            if files.kind_of_path(tag, follow=False) == "nothing":
                files.write_atomically(tag, CACHEDIR_TAG)
            return self._write(name, loaded)


def identity(payload_sha256: Sequence[str]) -> str:
    """Return the one checksum of a dataset, see `Dataset`."""
    lines = "".join(f"{sha256}\n" for sha256 in payload_sha256)
    return hashlib.sha256(lines.encode("ascii")).hexdigest()


def joined(datasets: Sequence[Dataset]) -> Dataset:
    """Join datasets in their order: training part to training part, test part to test part.

    The sha256 of the whole is that of the lines of its parts' sha256, as that of a dataset is of
    its four arrays'.
    """
    return Dataset(
        name="+".join(each.name for each in datasets),
        title=" + ".join(each.title for each in datasets),
        train=JoinedImages([each.train for each in datasets]),
        test=JoinedImages([each.test for each in datasets]),
        sha256=identity([each.sha256 for each in datasets]),
        parts=tuple(datasets),
    )


def in_parts(arrays: Sequence[NDArray[np.uint8]]) -> tuple[LabelledImages, LabelledImages]:
    """Return the training and the test part that four arrays are."""
    train, train_labels, test, test_labels = arrays
    return LabelledImages(train, train_labels), LabelledImages(test, test_labels)


def dataset_of(spec: DatasetSpec, arrays: Arrays, payload_sha256: Sequence[str]) -> Dataset:
    """Return the dataset that four arrays are, whose checksums are known."""
    return Dataset(spec.name, spec.title, *in_parts(arrays), identity(payload_sha256))


def _in_memory(spec: DatasetSpec) -> Dataset:
    from mnistcli.datasets import sources

    arrays = sources.load(spec, "bundled").arrays
    for array in arrays:
        array.flags.writeable = False
    return dataset_of(spec, arrays, [*map(sha256_of, arrays)])
