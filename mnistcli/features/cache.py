"""Transformed training images, kept so that the next training with another C is only the solve.

    <folder>/<key>.npy           the features of the training images, uint8
    <folder>/<key>.safetensors   what was learned, and the sha256 of the other file

The second file is the commit, written last. Nothing here is worth keeping: what is damaged,
missing or in the way is computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from mnistcli.errors import CorruptFileError, StorageError
from mnistcli.features import shapes_of
from mnistcli.files import open_regular, remove_file, write_atomically

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from mnistcli.settings import FeatureSpec

    Learned = dict[str, NDArray[np.float32]]

# Raised with every change of what features come out: older entries are then never asked for.
VERSION = 2
MAX_ENTRIES = 3
_BYTES_AT_ONCE = 1 << 24


class FeatureCache:
    """The entries in one folder; made when the first one is saved."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def key(self, spec: FeatureSpec, images_sha256: str, seed: int) -> str:
        """Name an entry by all that decides what is in it."""
        content = {"version": VERSION, "images": images_sha256, "seed": seed, **asdict(spec)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]

    def load(self, key: str, spec: FeatureSpec) -> tuple[Learned, NDArray[np.uint8]] | None:
        """Give what was learned and the features, memory-mapped; None where there is no good entry."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        rows_path, learned_path = self._paths(key)
        try:
            with open_regular(learned_path) as file:
                tensors = load(file.read())
            expected = tensors.pop("sha256").tobytes()
            with open_regular(rows_path) as file:
                digest = hashlib.sha256()
                while block := file.read(_BYTES_AT_ONCE):
                    digest.update(block)
            if digest.digest() != expected or {n: a.shape for n, a in tensors.items()} != shapes_of(
                spec
            ):
                return None
            rows = np.load(rows_path, mmap_mode="r")
        except (CorruptFileError, StorageError, SafetensorError, KeyError, ValueError, OSError):
            return None
        with contextlib.suppress(OSError):
            learned_path.touch()  # so that the oldest is the one that was used longest ago
        return tensors, rows

    def save(self, key: str, learned: Learned, rows: NDArray[np.uint8]) -> None:
        """Keep an entry, and only the youngest ones.

        Raises
        ------
        StorageError
            The operating system refused; there is then no such entry.
        """
        from safetensors.numpy import save

        rows_path, learned_path = self._paths(key)
        digest = hashlib.sha256()

        def write_rows(file: BinaryIO) -> None:
            hashing = _Hashing(file, digest)
            np.lib.format.write_array_header_1_0(
                hashing, np.lib.format.header_data_from_array_1_0(rows)
            )
            flat = rows.reshape(-1)
            for first in range(0, len(flat), _BYTES_AT_ONCE):
                hashing.write(flat[first : first + _BYTES_AT_ONCE].tobytes())

        write_atomically(rows_path, write_rows)
        sha256 = np.frombuffer(digest.digest(), dtype=np.uint8)
        write_atomically(learned_path, save({**learned, "sha256": sha256}))
        self._sweep()

    def _paths(self, key: str) -> tuple[Path, Path]:
        return self.folder / f"{key}.npy", self.folder / f"{key}.safetensors"

    def _sweep(self) -> None:
        entries = sorted(
            self.folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime, reverse=True
        )
        for path in entries[MAX_ENTRIES:]:
            remove_file(path)
        kept = {path.stem for path in entries[:MAX_ENTRIES]}
        for path in self.folder.glob("*.npy"):
            if path.stem not in kept:
                remove_file(path)


class _Hashing:
    """A file that hashes what it is given."""

    def __init__(self, file: BinaryIO, digest: hashlib._Hash) -> None:
        self._file, self._digest = file, digest

    def write(self, content: bytes) -> int:
        self._digest.update(content)
        return self._file.write(content)
