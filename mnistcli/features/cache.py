"""Transformed training images, kept so that the next training with another C is only the solve.

    <folder>/<key>.safetensors   what was learned, and the features of the training images, uint8

The header holds the key and the sha256 of all that follows. Nothing here is worth keeping: what is
damaged, missing, in the way or written by another user is computed again.
"""

import contextlib
import hashlib
import itertools
import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mnistcli.arrays import Bytes, Float32s
from mnistcli.errors import MnistCliError, StorageError
from mnistcli.features import FeatureSpec
from mnistcli.files import is_own_file, open_regular, remove_file, write_atomically

Learned = dict[str, Float32s]
Shapes = dict[str, tuple[int, ...]]

# Raised with every change of what features come out: older entries are then never asked for.
VERSION = 4
MAX_ENTRIES = 3
_MARK = "mnistcli features"
_MAX_HEADER_BYTES = 1 << 16
_UNUSABLE = (MnistCliError, LookupError, TypeError, ValueError, OSError, RecursionError)


class FeatureCache:
    """The entries in one folder; made when the first one is saved."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def key(self, spec: FeatureSpec, images_sha256: str, seed: int) -> str:
        """Return the name of an entry: a hash of all that decides what is in it."""
        content = {"version": VERSION, "images": images_sha256, "seed": seed, **asdict(spec)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]

    def load(self, key: str, spec: FeatureSpec) -> tuple[Learned, Bytes] | None:
        """Return what was learned and the features, memory-mapped; None without a good entry."""
        try:
            with open_regular(self._path(key), own=True) as file:
                text = _read_header(file)
                content = json.loads(text)
                rows_shape = tuple(content["rows"]["shape"])
                shapes = dict(sorted(spec.features.shapes(spec).items()))
                start = file.tell()
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
                if text != _header(key, {**shapes, "rows": rows_shape}, sha256)[8:]:
                    return None
                os.utime(file.fileno())  # so that the oldest is the one used longest ago
                file.seek(start)
                learned = {
                    name: np.frombuffer(file.read(4 * math.prod(shape)), "<f4").reshape(shape)
                    for name, shape in shapes.items()
                }
                rows = np.memmap(file, np.uint8, "r", file.tell(), rows_shape)
                rows.filename = str(self._path(key))  # by which joblib's workers find it
        except _UNUSABLE:
            return None
        return learned, rows

    def save(
        self, key: str, learned: Learned, shape: tuple[int, int], rows: Iterable[Bytes]
    ) -> None:
        """Keep an entry, and only the youngest; raise StorageError where that is refused.

        The rows, altogether of the shape that is given, come block by block and are written so.
        """
        arrays = {name: np.ascontiguousarray(learned[name], "<f4") for name in sorted(learned)}
        shapes: Shapes = {name: array.shape for name, array in arrays.items()}
        shapes["rows"] = shape
        digest = hashlib.sha256()

        def write(file: BinaryIO) -> None:
            # The hash is of what follows it: it is put in its place in the end.
            file.write(_header(key, shapes, digest.hexdigest()))
            for block in itertools.chain(arrays.values(), rows):
                content = np.ascontiguousarray(block).reshape(-1).view(np.uint8).data
                digest.update(content)
                file.write(content)
            file.seek(0)
            file.write(_header(key, shapes, digest.hexdigest()))

        write_atomically(self._path(key), write)
        with contextlib.suppress(OSError, StorageError):  # another process sweeps as well
            self._sweep()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def _sweep(self) -> None:
        entries = [path for path in self.folder.iterdir() if _is_entry(path)]
        entries.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in entries[MAX_ENTRIES:]:
            remove_file(path)


def _is_entry(path: Path) -> bool:
    """Return whether a file was written here: by its name, its owner and what it says."""
    if path.suffix != ".safetensors" or not is_own_file(path):
        return False
    try:
        with open_regular(path) as file:
            return bool(json.loads(_read_header(file))["__metadata__"][_MARK] == path.stem)
    except _UNUSABLE:
        return False


def _read_header(file: BinaryIO) -> bytes:
    n_bytes = int.from_bytes(file.read(8), "little")
    return file.read(n_bytes) if n_bytes <= _MAX_HEADER_BYTES else b""


def _header(key: str, shapes: Shapes, sha256: str) -> bytes:
    """Return how a safetensors file begins: where each array is, the rows last."""
    content: dict[str, object] = {"__metadata__": {_MARK: key, "sha256": sha256}}
    start = 0
    for name, shape in shapes.items():
        dtype, n_bytes = ("U8", 1) if name == "rows" else ("F32", 4)
        stop = start + n_bytes * math.prod(shape)
        content[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}
        start = stop
    header = json.dumps(content).encode()
    return len(header).to_bytes(8, "little") + header
