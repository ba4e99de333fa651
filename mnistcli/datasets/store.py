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

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import mmap
import os
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from mnistcli import files
from mnistcli.containers.npy import npy_header
from mnistcli.datasets.catalog import CATALOG, find_dataset
from mnistcli.errors import (
    ChecksumMismatchError,
    CorruptFileError,
    DataUnavailableError,
    MnistCliError,
    StorageError,
)
from mnistcli.progress import SILENT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from mnistcli.datasets.catalog import DatasetSpec, PartName, PartSpec
    from mnistcli.datasets.download import Patience
    from mnistcli.datasets.sources import Loaded
    from mnistcli.progress import Progress

    _Arrays = Mapping[PartName, NDArray[np.uint8]]

MANIFEST_NAME = "manifest.json"
MANIFEST_SCHEMA = 1
MANIFEST_MAX_BYTES = 1 << 16
ALWAYS_HASHED_BYTES = 1 << 20
CACHEDIR_TAG = b"""\
Signature: 8a477f597d28d172789f06886806bc55
# This folder is a cache of mnistcli: https://bford.info/cachedir/
"""


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """Images and what they show.

    Attributes
    ----------
    images : ndarray of shape (n, 28, 28), uint8
        Ink is 255, paper 0. C order, read-only, memory-mapped where the store can be used.
    labels : ndarray of shape (n,), uint8
    notes : tuple of str
        What was done to the user's own images to make them such.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset with its official split.

    Attributes
    ----------
    name, title : str
        ``"mnist"``, ``"MNIST"``.
    train, test : LabelledImages
    sha256 : str
        The identity of the data: the sha256 of the four payloads' sha256 in hexadecimal, in the
        order train images, train labels, test images, test labels, each followed by a newline.
        It does not depend on the container that the data came in.
    """

    name: str
    title: str
    train: LabelledImages
    test: LabelledImages
    sha256: str


@dataclass(frozen=True, slots=True)
class InstalledFile:
    """One array in the store: the size of ``<name>.npy``, the sha256 of the array's bytes."""

    name: PartName
    shape: tuple[int, ...]
    n_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Installation:
    """A dataset in the store, and how it got there: see `Dataset` and `sources.Loaded`.

    Attributes
    ----------
    installed_at : str
        ISO 8601, UTC.
    already_there : bool
        Nothing had to be done.
    """

    dataset: str
    sha256: str
    source: str
    origin: str
    n_bytes_read: int
    installed_at: str
    files: tuple[InstalledFile, ...]
    folder: Path
    already_there: bool
    failures: tuple[tuple[str, str], ...] = ()


def open_dataset(
    name: str = "mnist", *, store: DatasetStore | None = None, progress: Progress = SILENT
) -> Dataset:
    """Open a dataset from a store, by default the user's: ``open_dataset().train.images``.

    See `DatasetStore.open`.
    """
    if store is None:
        from mnistcli.paths import find_places

        store = DatasetStore(find_places().datasets_dir)
    return store.open(name, progress=progress)


class DatasetStore:
    """The decoded datasets in one folder; made when something is installed, not before.

    Parameters
    ----------
    folder : Path
    catalog : mapping of str to DatasetSpec, optional
    patience : download.Patience, optional
        How long to wait for servers.
    """

    def __init__(
        self,
        folder: Path,
        *,
        catalog: Mapping[str, DatasetSpec] = CATALOG,
        patience: Patience | None = None,
    ) -> None:
        self.folder = folder
        self.catalog = catalog
        self.patience = patience

    def open(self, name: str = "mnist", *, progress: Progress = SILENT) -> Dataset:
        """Open a dataset; never touches the network.

        A dataset in the box is installed, or repaired, if need be, and decoded in memory where
        the store cannot be used.

        Raises
        ------
        UsageError
            There is no dataset of that name.
        DataUnavailableError
            It has to be downloaded first.
        CorruptFileError
            It is damaged in the store and not in the box, or damaged in the box.
        """
        spec = find_dataset(name, self.catalog)
        files.sweep_dead_temporaries(self._dataset_folder(spec))
        try:
            return self._map(spec)
        except (DataUnavailableError, CorruptFileError) as problem:
            if not spec.bundled:
                raise
            if isinstance(problem, CorruptFileError):
                progress.note(f"{problem.message}; {spec.title} is taken from the box again")
        try:
            self._install(spec, "bundled", keep_intact=True, progress=progress)
            return self._map(spec)
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
        """Get a dataset from a source, verify it and keep it.

        Until all of it is verified, what is in the store stays as it is.

        Parameters
        ----------
        name : str
        source : str
            See `mnistcli.datasets.sources`. Under ``"auto"`` an intact dataset is left alone.
        force : bool
            Do it even so.
        progress : Progress
            Receives how many bytes of what have come, and that another process is waited for.

        Raises
        ------
        UsageError, DataUnavailableError, CorruptFileError
            See `mnistcli.datasets.sources.load`.
        StorageError
            The store cannot be written.
        LockTimeoutError
            Another process is at it for too long.
        """
        return self._install(
            find_dataset(name, self.catalog),
            source,
            keep_intact=source == "auto" and not force,
            progress=progress,
        )

    def verify(self, name: str = "mnist") -> Installation:
        """Read and hash every byte of a dataset in the store.

        A damaged dataset is forgotten, so that nothing uses it until it is installed again.

        Raises
        ------
        DataUnavailableError
            It is not in the store, or cannot be read.
        ChecksumMismatchError, CorruptFileError
            It is damaged; names the file.
        """
        spec = find_dataset(name, self.catalog)
        try:
            manifest, _ = self._check(spec, full=True)
        except CorruptFileError:
            with contextlib.suppress(OSError):
                self._manifest_path(spec).unlink()
            raise
        return self._installation(spec, manifest)

    def installed(self) -> tuple[str, ...]:
        """Name the datasets in the store, in the order of the catalogue, unverified."""
        return tuple(
            name
            for name, spec in self.catalog.items()
            if files.kind_of_path(self._manifest_path(spec)) == "file"
        )

    def _install(
        self,
        spec: DatasetSpec,
        source: str,
        *,
        keep_intact: bool,
        progress: Progress,
    ) -> Installation:
        from mnistcli.datasets import sources

        with files.lock(
            self.folder / f".{spec.name}.lock",
            on_wait=lambda _: progress.note(
                f"waiting for another process that installs {spec.title}"
            ),
        ):
            if keep_intact:
                with contextlib.suppress(DataUnavailableError, CorruptFileError):
                    return self._installation(spec, self._check(spec, full=False)[0])
            loaded = sources.load(spec, source, progress=progress, patience=self.patience)
            manifest = self._write(spec, loaded)
        installation = self._installation(spec, manifest)
        return replace(installation, already_there=False, failures=loaded.failures)

    def _dataset_folder(self, spec: DatasetSpec) -> Path:
        return self.folder / spec.name

    def _manifest_path(self, spec: DatasetSpec) -> Path:
        return self.folder / spec.name / MANIFEST_NAME

    def _map(self, spec: DatasetSpec) -> Dataset:
        manifest, arrays = self._check(spec, full=False)
        return _dataset(spec, arrays, [entry.sha256 for entry in manifest.files])

    def _check(self, spec: DatasetSpec, *, full: bool) -> tuple[_Manifest, _Arrays]:
        """Map what is in the store, having checked it; all of it is hashed if ``full``."""
        path = self._manifest_path(spec)
        try:
            manifest = _read_manifest(path, spec)
            arrays, stamps = _map_files(path.parent, spec, manifest, full=full)
        except CorruptFileError as damage:
            damage.hint = f"get it again with: mnistcli download --dataset {spec.name}"
            raise
        if stamps != [entry.stamp for entry in manifest.files]:
            # Copied or restored, and just found to be the same: no need to hash it next time.
            manifest = manifest.with_stamps(stamps)
            with contextlib.suppress(StorageError):
                files.write_atomically(path, manifest.to_bytes())
        return manifest, arrays

    def _write(self, spec: DatasetSpec, loaded: Loaded) -> _Manifest:
        tag = self.folder / "CACHEDIR.TAG"
        if files.kind_of_path(tag, follow=False) == "nothing":
            files.write_atomically(tag, CACHEDIR_TAG)
        folder = self._dataset_folder(spec)
        entries = tuple(_write_npy(folder, part, loaded.arrays[part.name]) for part in spec.parts)
        manifest = _Manifest(
            dataset=spec.name,
            source=loaded.source,
            origin=loaded.origin,
            n_bytes_read=loaded.n_bytes_read,
            installed_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            files=entries,
        )
        _clear_the_way(folder / MANIFEST_NAME)
        files.write_atomically(folder / MANIFEST_NAME, manifest.to_bytes())
        return manifest

    def _installation(self, spec: DatasetSpec, manifest: _Manifest) -> Installation:
        return Installation(
            dataset=spec.name,
            sha256=identity([entry.sha256 for entry in manifest.files]),
            source=manifest.source,
            origin=manifest.origin,
            n_bytes_read=manifest.n_bytes_read,
            installed_at=manifest.installed_at,
            files=tuple(
                InstalledFile(part.name, part.shape, entry.stamp.n_bytes, entry.sha256)
                for part, entry in zip(spec.parts, manifest.files, strict=True)
            ),
            folder=self._dataset_folder(spec),
            already_there=True,
        )


def identity(payload_sha256: list[str]) -> str:
    """Return the one checksum of a dataset, see `Dataset`."""
    lines = "".join(f"{sha256}\n" for sha256 in payload_sha256)
    return hashlib.sha256(lines.encode("ascii")).hexdigest()


def _dataset(spec: DatasetSpec, arrays: _Arrays, payload_sha256: list[str]) -> Dataset:
    return Dataset(
        name=spec.name,
        title=spec.title,
        train=LabelledImages(arrays["train-images"], arrays["train-labels"]),
        test=LabelledImages(arrays["test-images"], arrays["test-labels"]),
        sha256=identity(payload_sha256),
    )


def _in_memory(spec: DatasetSpec) -> Dataset:
    from mnistcli.datasets import sources

    arrays = sources.load(spec, "bundled").arrays
    for array in arrays.values():
        array.flags.writeable = False
    return _dataset(spec, arrays, [_sha256(arrays[part.name]) for part in spec.parts])


def _sha256(array: NDArray[np.uint8]) -> str:
    return hashlib.sha256(array.data).hexdigest()


# -------------------------------------------------------------------------------- the .npy files


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What the file system says of a file; another stamp, another content, perhaps."""

    n_bytes: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, file: BinaryIO) -> _Stamp:
        status = os.fstat(file.fileno())
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the manifest: the checksum of a payload, and the stamp of its file."""

    name: str
    sha256: str
    stamp: _Stamp


def _write_npy(folder: Path, part: PartSpec, array: NDArray[np.uint8]) -> _Entry:
    stamps = []

    def content(file: BinaryIO) -> None:
        file.write(npy_header(part.shape))
        file.write(array.data)
        file.flush()
        stamps.append(_Stamp.of(file))  # the rename will change none of it

    path = folder / f"{part.name}.npy"
    _clear_the_way(path)
    files.write_atomically(path, content)
    return _Entry(part.name, _sha256(array), stamps[0])


def _clear_the_way(path: Path) -> None:
    """Remove an empty folder where a file has to be: what is in another one is not ours."""
    with files.storage_errors("replace", path):
        if files.kind_of_path(path, follow=False) == "folder":
            path.rmdir()


def _map_npy(path: Path, part: PartSpec) -> tuple[NDArray[np.uint8], _Stamp]:
    """Map the payload of a .npy file, having checked its size and its header to the byte."""
    header = npy_header(part.shape)
    n_expected = len(header) + int(np.prod(part.shape))
    with files.storage_errors("read", path), files.open_regular(path) as file:
        stamp = _Stamp.of(file)
        if stamp.n_bytes != n_expected:
            raise CorruptFileError(path, f"has {stamp.n_bytes:,} bytes, expected {n_expected:,}")
        if file.read(len(header)) != header:
            raise CorruptFileError(path, "its header is damaged")
        mapping = mmap.mmap(file.fileno(), n_expected, access=mmap.ACCESS_READ)
    array = np.frombuffer(mapping, dtype=np.uint8, offset=len(header))
    return array.reshape(part.shape), stamp


def _map_files(
    folder: Path, spec: DatasetSpec, manifest: _Manifest, *, full: bool
) -> tuple[_Arrays, list[_Stamp]]:
    """Map all the files of a dataset, having hashed those that may have changed."""
    arrays: dict[PartName, NDArray[np.uint8]] = {}
    stamps = []
    for part, entry in zip(spec.parts, manifest.files, strict=True):
        path = folder / f"{part.name}.npy"
        array, stamp = _map_npy(path, part)
        is_known = stamp == entry.stamp and array.nbytes >= ALWAYS_HASHED_BYTES
        if full or not is_known:
            _check_payload(path, array, entry.sha256)
        arrays[part.name] = array
        stamps.append(stamp)
    return arrays, stamps


def _check_payload(path: Path, array: NDArray[np.uint8], expected: str) -> None:
    got = _sha256(array)
    if got != expected:
        raise ChecksumMismatchError(path, expected=expected, got=got)


# ----------------------------------------------------------------------------------- the manifest


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What ``manifest.json`` says."""

    dataset: str
    source: str
    origin: str
    n_bytes_read: int
    installed_at: str
    files: tuple[_Entry, ...]

    def with_stamps(self, stamps: list[_Stamp]) -> _Manifest:
        pairs = zip(self.files, stamps, strict=True)
        return replace(self, files=tuple(replace(entry, stamp=stamp) for entry, stamp in pairs))

    def to_bytes(self) -> bytes:
        """Write it as JSON whose last entry is the sha256 of the JSON without that entry."""
        fields = {"schema": MANIFEST_SCHEMA, **asdict(self)}
        return _dump({**fields, "sha256": hashlib.sha256(_dump(fields)).hexdigest()})

    @classmethod
    def from_bytes(cls, content: bytes) -> _Manifest:
        """Read what `to_bytes` wrote, to the byte.

        Raises
        ------
        ValueError, KeyError, TypeError, RecursionError
            It is anything else.
        """
        fields = json.loads(content)
        manifest = cls(
            dataset=fields["dataset"],
            source=fields["source"],
            origin=fields["origin"],
            n_bytes_read=fields["n_bytes_read"],
            installed_at=fields["installed_at"],
            files=tuple(
                _Entry(entry["name"], entry["sha256"], _Stamp(**entry["stamp"]))
                for entry in fields["files"]
            ),
        )
        if manifest.to_bytes() != content:
            raise ValueError("not as it was written")
        return manifest


def _dump(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, indent=2).encode("ascii") + b"\n"


def _read_manifest(path: Path, spec: DatasetSpec) -> _Manifest:
    if files.kind_of_path(path, follow=False) == "nothing":
        raise DataUnavailableError(
            f"{spec.title} is not installed", hint=f"mnistcli download --dataset {spec.name}"
        )
    with files.storage_errors("read", path), files.open_regular(path) as file:
        content = file.read(MANIFEST_MAX_BYTES)
    try:
        manifest = _Manifest.from_bytes(content)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CorruptFileError(path, "is damaged") from None
    if not _is_about(manifest, spec):
        raise CorruptFileError(path, f"is not about {spec.title}")
    return manifest


def _is_about(manifest: _Manifest, spec: DatasetSpec) -> bool:
    return (
        manifest.dataset == spec.name
        and len(manifest.files) == len(spec.parts)
        and all(
            entry.name == part.name and part.payload_sha256 in (None, entry.sha256)
            for entry, part in zip(manifest.files, spec.parts, strict=True)
        )
    )
