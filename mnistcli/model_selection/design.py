"""From training images to the rows that a solver sees: features, and deformed copies."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from mnistcli.arrays import Bytes, Float64s, Int64s, Places, Rows, SomeRows
from mnistcli.features import Features, FeatureSpec
from mnistcli.features.cache import entry_of, load, save
from mnistcli.features.copies import MadeRows
from mnistcli.features.kinds import learn_features, restore_features
from mnistcli.linear_model.certificate import Fit
from mnistcli.linear_model.classifier import LinearClassifier
from mnistcli.linear_model.pace import expected_seconds
from mnistcli.linear_model.problem import n_blocks
from mnistcli.linear_model.solvers import fit_classifier
from mnistcli.memory import Room, machine_bytes
from mnistcli.model_selection.splits import Samples
from mnistcli.parallel import elsewhere
from mnistcli.progress import SILENT, Progress
from mnistcli.settings import SolverSettings
from mnistcli.tasks import Task

# Where rows live: in memory, in a file of the cache, or nowhere, made anew whenever they are read.
Kept = Literal["memory", "file", "nowhere"]

_ROWS_AT_ONCE = 2000
_SHARE_OF_ROWS = 1 / 2  # of the memory; the rest is the solver's
_PROBE_BYTES = 16 * 10**6
# A fit reads all rows about so often; a disk that the system does not hold in memory gives so much.
_N_READS, _DISK_BYTES_PER_S = 50, 300e6


@dataclass(frozen=True, slots=True, eq=False)
class DesignMatrix:
    """What a model is trained on: features of images, then of their first copies, and so on.

    There are ``(1 + n_copies) * n_samples`` rows; y has shape (n_samples,).
    """

    rows: Rows
    y: Int64s
    features: Features | None = None  # what made them; None for pixels
    n_copies: int = 0
    weight: Float64s | None = None  # of each sample in a fit; None where all are alike
    kept: Kept = "memory"
    room: Room = field(default_factory=Room)  # that is left for a fit

    def __len__(self) -> int:  # without copies
        return len(self.y)

    def with_copies(self, index: Places | None = None) -> tuple[Rows, Bytes]:
        """Return rows and y of all samples, or some, and of their copies."""
        n_each = 1 + self.n_copies
        y = self.y.astype(np.uint8)
        if index is None:
            return self.rows, np.tile(y, n_each)
        starts = np.arange(n_each)[:, None] * len(self)
        return SomeRows(self.rows, (starts + index).ravel()), np.tile(y[index], n_each)

    def fit(
        self, task: Task, settings: SolverSettings, index: Places | None = None, **how: Any
    ) -> tuple[LinearClassifier, Fit]:
        """Fit to all samples, or some, each of which counts as one together with its copies.

        The other arguments are those of `fit_classifier`, which says what it returns and raises.
        """
        n_each, weight = 1 + self.n_copies, self.weight
        if weight is not None:
            weight = np.tile(weight if index is None else weight[index], n_each)
        per_copy = replace(settings, C=settings.C / n_each)
        rows, y = self.with_copies(index)
        return fit_classifier(rows, y, per_copy, task, sample_weight=weight, room=self.room, **how)


def design_matrix(
    samples: Samples,
    spec: FeatureSpec,
    *,
    seed: int,
    room: Room | None = None,
    n_outputs: int = 0,
    progress: Progress = SILENT,
) -> DesignMatrix:
    """Turn training images into what a solver sees.

    Features that are learned are learned from these images, without their labels. The seed is that
    of what is learned and of the copies; the folder of the room, where features are kept, is looked
    into first. Rows that take more than half of the memory are kept there, and where they may not
    take so much, or would be slower, made anew whenever they are read. Where one fit of so many
    outputs follows, and nothing else, progress looks ahead to it, and a cluster makes many rows.
    """
    images, room, is_spread = samples.images, room or Room(), bool(n_outputs and elsewhere.get())
    if spec.kind == "pixels" and not spec.n_copies:
        return DesignMatrix(images.reshape(len(images), -1), samples.y, room=room)
    entry = entry_of(room.folder, spec, images, samples.index, seed) if room.folder else None
    n_rows, _ = shape = (1 + spec.n_copies) * len(images), spec.count()
    if entry and not is_spread and (found := load(entry, spec, shape)):
        features = restore_features(spec, found[0])
        return DesignMatrix(found[1], samples.y, features, spec.n_copies, kept="file", room=room)
    features = learn_features(spec, images, seed)
    arrays, n_bytes = features.arrays if features else {}, math.prod(shape)
    made = MadeRows(images, samples.index, spec, features, seed)
    design = DesignMatrix(made, samples.y, features, spec.n_copies, kept="nowhere", room=room)
    if is_spread and n_blocks(n_rows) > 1:
        return design
    if n_bytes > room.on_disk:
        entry = None
    if n_bytes <= room.in_memory * _SHARE_OF_ROWS:
        X = np.empty(shape, dtype=np.uint8)
        for i, block in enumerate(read_blocks(made, n_rows, progress, n_outputs)):
            X[i * _ROWS_AT_ONCE :][: len(block)] = block
        if entry:
            save(entry, arrays, [X])
        return replace(design, rows=X, kept="memory")
    size = f"{n_rows:,} rows, {n_bytes / 1e9:.1f} GB,"
    making, moving = _seconds_to_make(made), n_bytes / _DISK_BYTES_PER_S
    n_read = 0 if n_bytes < machine_bytes() - room.in_memory else _N_READS
    if entry and moving * (1 + n_read) < making * _N_READS:
        progress.note(f"{size} are kept in {room.folder}: about {making + moving:.0f} s")
        save(entry, arrays, read_blocks(made, n_rows, progress, n_outputs))
        if found := load(entry, spec, shape):
            left = replace(room, disk_bytes=room.on_disk - n_bytes)
            return replace(design, rows=found[1], kept="file", room=left)
    progress.note(f"{size} are made anew each time: about {_N_READS * making:.0f} s in all")
    return design


def _seconds_to_make(rows: MadeRows) -> float:
    """Return about how long it takes to make all rows, told from the last of them."""
    n_rows, n_features = rows.shape
    n_some = min(n_rows, max(_ROWS_AT_ONCE, _PROBE_BYTES // n_features))
    rows[n_rows - 1 : n_rows]  # what is made once for all
    started = time.perf_counter()
    rows[n_rows - n_some : n_rows]
    return (time.perf_counter() - started) * n_rows / n_some


def read_blocks(
    rows: Rows, n_rows: int, progress: Progress = SILENT, n_outputs: int = 0
) -> Iterator[Bytes]:
    """Yield the first rows of a source, block by block.

    Progress tells how long it will take, together with a fit of so many outputs, if there is one.
    """
    started = time.perf_counter()
    what, fit_seconds = ("features and fit", math.inf) if n_outputs else ("features", 0.0)
    for first in range(0, n_rows, _ROWS_AT_ONCE):
        stop = min(first + _ROWS_AT_ONCE, n_rows)
        block = rows[first:stop]
        if n_outputs and first < 10 * _ROWS_AT_ONCE:
            fit_seconds = min(fit_seconds, expected_seconds(block, n_rows, n_outputs))
        yield block
        left = (time.perf_counter() - started) * (n_rows - stop) / stop + fit_seconds
        # Then the fit says how long it will take.
        told = f"{what}, {left:.0f} s to go" if stop < n_rows else "features"
        progress.update("features", stop, n_rows, told)
