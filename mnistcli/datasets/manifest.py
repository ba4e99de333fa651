"""The files of a dataset on disk: `.npy` arrays, and the manifest that vouches for them."""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistcli import files
from mnistcli.containers.npy import npy_header
from mnistcli.datasets.catalog import PART_NAMES, DatasetSpec, PartName, PartSpec
from mnistcli.errors import ChecksumMismatchError, CorruptFileError

Arrays = Mapping[PartName, NDArray[np.uint8]]


class Loaded(NamedTuple):
    """The verified arrays of a dataset, and where they came from."""

    arrays: Arrays
    source: str  # "bundled", "mirror", "openml", "keras", "url" or "path"
    origin: str  # the folder, the file or the URL; of several mirrors, all that delivered
    n_bytes_read: int  # as stored or sent, mostly compressed
    failures: tuple[tuple[str, str], ...] = ()  # what was tried before, and how it failed


MANIFEST_NAME = "manifest.json"
MANIFEST_SCHEMA = 1
MANIFEST_MAX_BYTES = 1 << 16
ALWAYS_HASHED_BYTES = 1 << 20
_SHA256 = re.compile("[0-9a-f]{64}")


def sha256_of(array: NDArray[np.uint8]) -> str:
    """Return the sha256 of an array's bytes."""
    return hashlib.sha256(array.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the file system says of a file; another stamp, another content, perhaps."""

    n_bytes: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, file: BinaryIO) -> "Stamp":
        """Return the stamp of an open file."""
        status = os.fstat(file.fileno())
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the manifest: the checksum of a payload, and the stamp of its file."""

    name: str
    sha256: str
    stamp: Stamp


def write_npy(path: Path, part: PartSpec, array: NDArray[np.uint8], sha256: str) -> Entry:
    """Write the file of one array, whose checksum is known."""
    stamps = []

    def content(file: BinaryIO) -> None:
        file.write(npy_header(part.shape))
        file.write(array.data)
        file.flush()
        stamps.append(Stamp.of(file))  # the rename will change none of it

    clear_the_way(path)
    files.write_atomically(path, content)
    return Entry(part.name, sha256, stamps[0])


def clear_the_way(path: Path) -> None:
    """Remove an empty folder where a file has to be: what is in another one is not ours."""
    with files.storage_errors("replace", path):
        if files.kind_of_path(path, follow=False) == "folder":
            path.rmdir()


def map_npy(path: Path, part: PartSpec) -> tuple[NDArray[np.uint8], Stamp]:
    """Map the payload of a .npy file, having checked its size and its header to the byte."""
    header = npy_header(part.shape)
    n_expected = len(header) + int(np.prod(part.shape))
    with files.storage_errors("read", path), files.open_regular(path) as file:
        stamp = Stamp.of(file)
        if stamp.n_bytes != n_expected:
            raise CorruptFileError(path, f"has {stamp.n_bytes:,} bytes, expected {n_expected:,}")
        if file.read(len(header)) != header:
            raise CorruptFileError(path, "its header is damaged")
        mapped = np.memmap(file, np.uint8, "r", len(header), part.shape)
        mapped.filename = str(path)  # by which joblib's workers find it
    return np.asarray(mapped), stamp


def map_files(
    paths: Sequence[Path], spec: DatasetSpec, entries: Sequence[Entry], *, full: bool
) -> tuple[Arrays, tuple[Entry, ...]]:
    """Map all the files of a dataset, having hashed those that may have changed.

    The entries come back with the stamps that the files have now.
    """
    arrays: dict[PartName, NDArray[np.uint8]] = {}
    found = []
    for path, part, entry in zip(paths, spec.parts, entries, strict=True):
        array, stamp = map_npy(path, part)
        is_known = stamp == entry.stamp and array.nbytes >= ALWAYS_HASHED_BYTES
        if (full or not is_known) and (got := sha256_of(array)) != entry.sha256:
            raise ChecksumMismatchError(path, expected=entry.sha256, got=got)
        arrays[part.name] = array
        found.append(replace(entry, stamp=stamp))
    return arrays, tuple(found)


# ----------------------------------------------------------------------------------- the manifest


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``manifest.json`` says; the number of training and test images only of own datasets."""

    dataset: str
    source: str
    origin: str
    n_bytes_read: int
    installed_at: str
    files: tuple[Entry, ...]
    sizes: tuple[int, int] | None = None

    @property
    def checksums(self) -> list[str]:
        """The sha256 of each payload."""
        return [entry.sha256 for entry in self.files]

    def to_bytes(self) -> bytes:
        """Write it as JSON whose last entry is the sha256 of the JSON without that entry."""
        fields = {"schema": MANIFEST_SCHEMA, **asdict(self)}
        if self.sizes is None:
            del fields["sizes"]
        return _dump({**fields, "sha256": hashlib.sha256(_dump(fields)).hexdigest()})

    @classmethod
    def from_bytes(cls, content: bytes) -> "Manifest":
        """Read what `to_bytes` wrote, to the byte.

        Raises ValueError, KeyError, TypeError or RecursionError for anything else.
        """
        known = json.loads(content)
        del known["schema"], known["sha256"]
        entries = [Entry(**{**each, "stamp": Stamp(**each["stamp"])}) for each in known["files"]]
        if "sizes" in known:
            n_train, n_test = known["sizes"] = tuple(known["sizes"])
            if not type(n_train) is type(n_test) is int or min(n_train, n_test) < 0:
                raise ValueError("no numbers of images")
        manifest = cls(**{**known, "files": tuple(entries)})
        if manifest.to_bytes() != content or not all(map(_SHA256.fullmatch, manifest.checksums)):
            raise ValueError("not as it was written")
        return manifest


def _dump(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, indent=2).encode("ascii") + b"\n"


def read_manifest(path: Path) -> Manifest:
    """Read a manifest; raise CorruptFileError where it is missing or damaged."""
    with files.storage_errors("read", path), files.open_regular(path) as file:
        content = file.read(MANIFEST_MAX_BYTES)
    try:
        return Manifest.from_bytes(content)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CorruptFileError(path, "is damaged") from None


def check_about(path: Path, manifest: Manifest, spec: DatasetSpec) -> None:
    """Raise CorruptFileError for a manifest that cannot be that of a dataset."""
    is_pinned = all(
        part.payload_sha256 in (None, entry.sha256)
        for entry, part in zip(manifest.files, spec.parts, strict=False)
    )
    names = tuple(entry.name for entry in manifest.files)
    if manifest.dataset != spec.name or names != PART_NAMES or not is_pinned:
        raise CorruptFileError(path, f"is not about {spec.title}")
