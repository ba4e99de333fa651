"""From training images to the rows that a solver sees: features, and deformed copies."""

import contextlib
import hashlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mnistcli.errors import StorageError
from mnistcli.features import Features, FeatureSpec
from mnistcli.features.cache import FeatureCache
from mnistcli.features.rows import MadeRows
from mnistcli.linear_model.rows import ArrayRows, RowSource, SomeRows
from mnistcli.memory import machine_bytes, usual_bytes
from mnistcli.model_selection.splits import Samples
from mnistcli.progress import SILENT, Progress
from mnistcli.settings import SolverSettings

# Rows, as an array or a `RowSource`, and y.
Rows = tuple[Any, NDArray[Any]]
# Where rows live: in memory, in a file of the cache, or nowhere, made anew whenever they are read.
Kept = Literal["memory", "file", "nowhere"]

_ROWS_AT_ONCE = 2000
# The other half of the memory is the solver's.
_SHARE_OF_MEMORY = 1 / 2
_SHARE_OF_DISK = 1 / 4  # of what is free, unless the user says how much
_PROBE_BYTES = 16 * 10**6
_N_PASSES = 30  # of a fit, about


@dataclass(frozen=True, slots=True, eq=False)
class DesignMatrix:
    """What a model is trained on: features of images, then of their first copies, and so on.

    There are ``(1 + n_copies) * n_samples`` rows; y has shape (n_samples,).
    """

    rows: RowSource
    y: NDArray[np.int64]
    features: Features | None = None  # what made them; None for pixels
    n_copies: int = 0
    weight: NDArray[np.float64] | None = None  # of each sample in a fit; None where all are alike
    kept: Kept = "memory"

    def __len__(self) -> int:
        """Count the samples, without their copies."""
        return len(self.y)

    @property
    def X(self) -> NDArray[np.uint8]:  # noqa: N802 - the field's own name
        """All rows as one array: in memory, if they are not there."""
        return self.rows.read(0, self.rows.shape[0])

    def per_copy(self, settings: SolverSettings) -> SolverSettings:
        """Return settings under which a sample and its copies together count as one."""
        return replace(settings, C=settings.C / (1 + self.n_copies))

    def weights(self, index: NDArray[np.intp] | None = None) -> NDArray[np.float64] | None:
        """Return the weights of all samples, or some, and of their copies."""
        if self.weight is None:
            return None
        weight = self.weight if index is None else self.weight[index]
        return np.tile(weight, 1 + self.n_copies)

    def everything(self) -> Rows:
        """Return the rows, and y with all copies."""
        X = self.rows.array if isinstance(self.rows, ArrayRows) else self.rows
        return X, self._tiled(self.y)

    def with_copies(self, index: NDArray[np.intp]) -> Rows:
        """Return rows and y of some samples and their copies, to train on."""
        starts = np.arange(1 + self.n_copies)[:, None] * len(self)
        some = SomeRows(self.rows, (starts + index).ravel())
        X = some.read(0, len(some.numbers)) if self.kept == "memory" else some
        return X, self._tiled(self.y[index])

    def without_copies(
        self, index: NDArray[np.intp]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return X and y of some samples, to judge on."""
        return self.rows.take(index), self.y[index]

    def blocks(self) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
        """Yield X and y of all samples without their copies, block by block."""
        for first in range(0, len(self), _ROWS_AT_ONCE):
            stop = min(first + _ROWS_AT_ONCE, len(self))
            yield self.rows.read(first, stop), self.y[first:stop]

    def _tiled(self, y: NDArray[np.int64]) -> NDArray[np.uint8]:
        return np.tile(y.astype(np.uint8), 1 + self.n_copies)


def design_matrix(
    samples: Samples,
    spec: FeatureSpec,
    *,
    seed: int,
    cache: FeatureCache | None = None,
    memory_bytes: int | None = None,
    disk_bytes: int | None = None,
    progress: Progress = SILENT,
) -> DesignMatrix:
    """Turn training images into what a solver sees.

    Features that are learned are learned from these images, without their labels. The seed is that
    of what is learned and of the copies; the cache is looked into first. Rows that take more than
    half of the memory are kept in the cache, and where that may not take so much, or would be
    slower, made anew whenever they are read. Where None is given, the memory is `usual_bytes`,
    and the cache may take a quarter of what is free on its disk.
    """
    images, kind = samples.images, spec.features
    if spec.kind == "pixels" and not spec.n_copies:
        return DesignMatrix(ArrayRows(images.reshape(len(images), -1)), samples.y)
    digest = hashlib.sha256(images.tobytes())
    if spec.n_copies:
        digest.update(samples.index.tobytes())
    key = cache.key(spec, digest.hexdigest(), seed) if cache else ""
    if cache and (found := cache.load(key, spec)):
        learned, X = found
        features = kind.from_arrays(spec, learned)
        return DesignMatrix(ArrayRows(X), samples.y, features, spec.n_copies, kept="file")
    features = kind.learn(spec, images, seed)
    arrays = features.arrays() if features else {}
    made = MadeRows(images, samples.index, kind.count(spec), features, spec.n_copies, seed)
    design = DesignMatrix(made, samples.y, features, spec.n_copies, kept="nowhere")
    n_bytes = made.shape[0] * made.shape[1]
    memory_bytes = usual_bytes() if memory_bytes is None else memory_bytes
    if cache and disk_bytes is None:
        disk_bytes = int(cache.free_bytes() * _SHARE_OF_DISK)
    may_keep = cache is not None and n_bytes <= (disk_bytes or 0)
    if n_bytes <= memory_bytes * _SHARE_OF_MEMORY:
        X, n_made = np.empty(made.shape, dtype=np.uint8), 0
        for block in _blocks(made, progress):
            X[n_made : n_made + len(block)] = block
            n_made += len(block)
        if cache and may_keep:
            # Nothing is lost but the time that it would have saved.
            with contextlib.suppress(StorageError):
                cache.save(key, arrays, X.shape, [X])
        return replace(design, rows=ArrayRows(X), kept="memory")
    size = f"{made.shape[0]:,} rows, {n_bytes / 1e9:.1f} GB,"
    making, writing = _seconds(made, cache)
    # The system keeps in memory what we leave of it; else it reads about as fast as it writes.
    reading = 0.0 if n_bytes < machine_bytes() - memory_bytes else writing
    if cache and may_keep and writing + _N_PASSES * reading < _N_PASSES * making:
        progress.note(f"{size} are kept in {cache.folder}: about {making + writing:.0f} s")
        with contextlib.suppress(StorageError):
            cache.save(key, arrays, made.shape, _blocks(made, progress))
        if found := cache.load(key, spec):
            return replace(design, rows=ArrayRows(found[1]), kept="file")
    progress.note(f"{size} are made anew in each pass: about {_N_PASSES * making:.0f} s in all")
    return design


def _blocks(made: MadeRows, progress: Progress) -> Iterator[NDArray[np.uint8]]:
    n_rows = made.shape[0]
    for first in range(0, n_rows, _ROWS_AT_ONCE):
        yield made.read(first, first + _ROWS_AT_ONCE)
        progress.update("features", min(first + _ROWS_AT_ONCE, n_rows), n_rows)


def _seconds(made: MadeRows, cache: FeatureCache | None) -> tuple[float, float]:
    """Return about how long it takes to make all rows, and to write them to the cache."""
    n_rows, n_features = made.shape
    n_some = min(n_rows, max(_ROWS_AT_ONCE, _PROBE_BYTES // n_features))
    started = time.perf_counter()
    some = made.read(n_rows - n_some, n_rows)
    making = time.perf_counter() - started
    writing = cache.seconds_to_write(some) if cache else math.inf
    return making * n_rows / n_some, writing * n_rows / n_some
