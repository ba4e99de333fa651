"""The files of a dataset on disk: `.npy` arrays, and the manifest that vouches for them."""

import hashlib
import json
import math
import os
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from mnistcli import files
from mnistcli.arrays import Bytes
from mnistcli.containers.npy_idx import npy_header
from mnistcli.datasets.catalog import PART_NAMES, DatasetSpec, shapes_of
from mnistcli.datasets.dataset import Arrays
from mnistcli.errors import ChecksumMismatchError, CorruptFileError

MANIFEST_NAME = "manifest.json"
MANIFEST_MAX_BYTES = 1 << 16
ALWAYS_HASHED_BYTES = 1 << 20


def sha256_of(array: Bytes) -> str:
    """Return the sha256 of an array's bytes."""
    return hashlib.sha256(array.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the file system says of a file; another stamp, another content, perhaps."""

    n_bytes: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the manifest: the checksum of a payload, and the stamp of its file."""

    name: str
    sha256: str
    stamp: Stamp = Stamp(0, 0, 0)  # until it is written


def write_npy(path: Path, array: Bytes) -> None:
    """Write the file of one array."""
    replace_file(path, lambda file: file.writelines((npy_header(array.shape), array.data)))


def replace_file(path: Path, content: files.Content) -> None:
    """Write a file; an empty folder in its place goes, what is in another one is not ours."""
    with files.storage_errors("replace", path):
        if files.kind_of_path(path, follow=False) == "folder":
            path.rmdir()
    files.write_atomically(path, content)


def map_npy(path: Path, shape: tuple[int, ...]) -> tuple[Bytes, Stamp]:
    """Map the payload of a .npy file, having checked its size and its header to the byte."""
    header = npy_header(shape)
    n_expected = len(header) + math.prod(shape)
    with files.storage_errors("read", path), files.open_regular(path) as file:
        status = os.fstat(file.fileno())
        stamp = Stamp(status.st_size, status.st_mtime_ns, status.st_ino)
        if stamp.n_bytes != n_expected:
            raise CorruptFileError(path, f"has {stamp.n_bytes:,} bytes, expected {n_expected:,}")
        if file.read(len(header)) != header:
            raise CorruptFileError(path, "its header is damaged")
        mapped = np.memmap(file, np.uint8, "r", len(header), shape)
        mapped.filename = str(path)  # by which joblib's workers find it
    return np.asarray(mapped), stamp


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``manifest.json`` says: see `dataset.Loaded`, and how large parts of own datasets are."""

    dataset: str
    source: str
    origin: str
    n_bytes_read: int
    installed_at: str  # ISO 8601, UTC
    files: tuple[Entry, ...]
    sizes: tuple[int, int] | None = None

    @property
    def checksums(self) -> list[str]:
        """The sha256 of each payload."""
        return [entry.sha256 for entry in self.files]

    @property
    def file_names(self) -> list[str]:
        """What the files are called: the user's own, which have sizes, after their content."""
        content = [f"-{each.sha256[:16]}" if self.sizes else "" for each in self.files]
        return [f"{each.name}{of}.npy" for each, of in zip(self.files, content, strict=True)]

    def to_bytes(self) -> bytes:
        """Write it as JSON whose last entry is the sha256 of the JSON without that entry."""
        fields = {"schema": 1, **asdict(self)}
        if self.sizes is None:
            del fields["sizes"]
        return _dump({**fields, "sha256": hashlib.sha256(_dump(fields)).hexdigest()})

    @classmethod
    def from_bytes(cls, content: bytes) -> "Manifest":
        """Read it; what was not written so raises ValueError, KeyError, TypeError or RecursionError."""
        known = json.loads(content)
        del known["schema"], known["sha256"]
        entries = [Entry(**{**each, "stamp": Stamp(**each["stamp"])}) for each in known["files"]]
        if "sizes" in known:
            n_train, n_test = known["sizes"] = tuple(known["sizes"])
            if not type(n_train) is type(n_test) is int or min(n_train, n_test) < 0:
                raise ValueError("no numbers of images")
        manifest = cls(**{**known, "files": tuple(entries)})
        are_sha256 = all(re.fullmatch("[0-9a-f]{64}", each) for each in manifest.checksums)
        if manifest.to_bytes() != content or not are_sha256:
            raise ValueError("not as it was written")
        return manifest

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read what `to_bytes` wrote, to the byte; raise CorruptFileError where that is not there."""
        with files.storage_errors("read", path), files.open_regular(path) as file:
            content = file.read(MANIFEST_MAX_BYTES)
        try:
            return cls.from_bytes(content)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise CorruptFileError(path, "is damaged") from None

    def mapped(
        self, folder: Path, sizes: tuple[int, int], *, full: bool
    ) -> tuple[Arrays, "Manifest"]:
        """Map all its files, having hashed those that may have changed; return it with their stamps."""
        arrays, entries = [], []
        for file, shape, entry in zip(self.file_names, shapes_of(*sizes), self.files, strict=True):
            array, stamp = map_npy(path := folder / file, shape)
            is_known = stamp == entry.stamp and array.nbytes >= ALWAYS_HASHED_BYTES
            if (full or not is_known) and (got := sha256_of(array)) != entry.sha256:
                raise ChecksumMismatchError(path, expected=entry.sha256, got=got)
            arrays.append(array)
            entries.append(replace(entry, stamp=stamp))
        return tuple(arrays), replace(self, files=tuple(entries))

    def check_about(self, name: str, spec: DatasetSpec | None, path: Path) -> None:
        """Raise CorruptFileError where it cannot be that of a dataset, which may be catalogued."""
        pairs = zip(self.checksums, spec.parts if spec else (), strict=False)
        is_pinned = all(part.payload_sha256 in (None, sha256) for sha256, part in pairs)
        names = tuple(entry.name for entry in self.files)
        if self.dataset != name or names != PART_NAMES or not is_pinned:
            raise CorruptFileError(path, f"is not about {spec.title if spec else name}")


def _dump(fields: dict[str, object]) -> bytes:
    return json.dumps(fields, indent=2).encode("ascii") + b"\n"
