"""Transformed training images, kept so that the next training with another C is only the solve.

    <folder>/<key>.features   a mark that holds the key, the sha256 of what follows, what was learned
                              (float32, in the order of names), the features of the images (uint8)

The key decides on all shapes. Nothing here is worth keeping: what is damaged, missing, in the way
or written by another user is computed again.
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

from mnistcli.arrays import Bytes, Float32s, Int64s
from mnistcli.errors import MnistCliError, StorageError
from mnistcli.features import FeatureSpec
from mnistcli.files import is_own_file, open_regular, remove_file, write_atomically

# Raised with every change of what features come out: older entries are then never asked for.
VERSION = 5
MAX_ENTRIES = 3


def entry_of(folder: Path, spec: FeatureSpec, images: Bytes, index: Int64s, seed: int) -> Path:
    """Return where features of images are kept: a name that is a hash of all that decides on them."""
    digest = hashlib.sha256(images.tobytes())
    if spec.n_copies:
        digest.update(index.tobytes())
    content = {"version": VERSION, "images": digest.hexdigest(), "seed": seed, **asdict(spec)}
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]
    return folder / f"{key}.features"


def load(
    entry: Path, spec: FeatureSpec, shape: tuple[int, int]
) -> tuple[dict[str, Float32s], Bytes] | None:
    """Return what was learned and the features, of a shape, memory-mapped; None without them."""
    mark, shapes = _mark(entry), sorted(spec.shapes().items())
    n_bytes = 4 * sum(math.prod(each) for _, each in shapes) + math.prod(shape)
    with (
        contextlib.suppress(MnistCliError, OSError, ValueError),
        open_regular(entry, own=True) as file,
    ):
        is_ours, sha256 = file.read(len(mark)) == mark, file.read(hashlib.sha256().digest_size)
        start = file.tell()
        digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
        if is_ours and sha256 == digest.digest() and file.tell() == start + n_bytes:
            os.utime(file.fileno())  # so that the oldest is the one used longest ago
            file.seek(start)
            learned = {
                name: np.frombuffer(file.read(4 * math.prod(each)), "<f4").reshape(each)
                for name, each in shapes
            }
            rows = np.memmap(file, np.uint8, "r", file.tell(), shape)
            rows.filename = str(entry)  # by which joblib's workers find it
            return learned, rows
    return None


def save(entry: Path, learned: dict[str, Float32s], rows: Iterable[Bytes]) -> None:
    """Keep an entry, and only the youngest, unless the operating system refuses.

    The rows come block by block and are written so.
    """
    arrays = [np.ascontiguousarray(learned[name], "<f4") for name in sorted(learned)]
    mark, digest = _mark(entry), hashlib.sha256()

    def write(file: BinaryIO) -> None:
        # The hash is of what follows it: it is put in its place in the end.
        file.write(mark + digest.digest())
        for block in itertools.chain(arrays, rows):
            content = np.ascontiguousarray(block).reshape(-1).view(np.uint8).data
            digest.update(content)
            file.write(content)
        file.seek(len(mark))
        file.write(digest.digest())

    # Nothing is lost but the time that it would have saved; another process sweeps as well.
    with contextlib.suppress(OSError, StorageError):
        write_atomically(entry, write)
        entries = [path for path in entry.parent.iterdir() if _is_entry(path)]
        entries.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in entries[MAX_ENTRIES:]:
            remove_file(path)


def _mark(entry: Path) -> bytes:
    return f'"mnistcli features": "{entry.stem}"\n'.encode()


def _is_entry(path: Path) -> bool:
    """Return whether a file was written here: by its name, its owner and what it says."""
    # Those of versions before are safetensors, near whose beginning the same mark stands.
    if path.suffix not in (".features", ".safetensors") or not is_own_file(path):
        return False
    with contextlib.suppress(MnistCliError, OSError), open_regular(path) as file:
        return _mark(path).strip() in file.read(100)
    return False
