"""From a dataset and a task to training and test samples, the same ones every time."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistcli.arrays import Bytes, Float64s, Int64s
from mnistcli.containers.reading import damage_of, open_stream
from mnistcli.datasets.dataset import Dataset, LabelledImages, concatenated
from mnistcli.display import Displayed
from mnistcli.errors import TrainingError, UsageError
from mnistcli.files import storage_errors
from mnistcli.sampling import first_alike, nested_sample, stratified_sample
from mnistcli.settings import SplitKind, SplitSpec
from mnistcli.tasks import Task


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Samples(Displayed):
    """Images of a task, shape (n, 28, 28), their class indices y, and where each of them stands.

    That is in its part of the dataset, or in a random split in the training part followed by the
    test part.
    """

    images: Bytes
    y: Int64s
    index: Int64s

    def __len__(self) -> int:
        return len(self.y)


def training_samples(dataset: Dataset, task: Task, spec: SplitSpec) -> Samples:
    """Gather the images to train on, in a random order that the seed decides."""
    part, y, chosen, _ = _sides(dataset, task, spec)
    if spec.without:
        if not 0 <= spec.without[0] <= spec.without[-1] < len(y):
            raise UsageError(f"{dataset.name} has {len(y):,} images to leave some out of")
        chosen = np.setdiff1d(chosen, spec.without, assume_unique=True)
        if not np.bincount(y[chosen], minlength=task.n_classes).all():
            raise TrainingError("of a class no image is left to train on", hint="see --without")
    rng = np.random.default_rng([spec.seed, 1])
    if spec.limit is not None and spec.limit < len(chosen):
        sample = nested_sample if spec.nested else stratified_sample
        chosen = chosen[sample(y[chosen], spec.limit, rng)]
    return _gather(part, y, rng.permutation(chosen))


def test_samples(dataset: Dataset, task: Task, spec: SplitSpec) -> Samples:
    """Gather the images to judge on, in the order of the dataset."""
    if spec.kind == "standard":
        return samples_of(dataset.test, task)
    part, y, _, chosen = _sides(dataset, task, spec)
    return _gather(part, y, chosen)


def sample_weights(dataset: Dataset, index: Int64s, weights: dict[str, float]) -> Float64s | None:
    """Return what each training sample weighs, by the part of the dataset that it is of.

    None where all weigh the same. See `TrainingSettings` and `Samples`. Raises UsageError for a
    weight of something else than a part.
    """
    if not weights:
        return None
    parts = dataset.parts or (dataset,)
    names = [part.name for part in parts]
    for name in sorted(weights.keys() - {*names}):
        hint = f"it has {', '.join(names)}"
        raise UsageError(f"{dataset.name} has no part {name!r} to weigh", hint=hint)
    of_part = [weights.get(name, 1.0) for name in names]
    sides = [*(part.train for part in parts), *(part.test for part in parts)]
    return np.repeat(2 * of_part, [len(side.labels) for side in sides])[index]


def indices_to_leave_out(
    texts: Iterable[str], dataset: Dataset, kind: SplitKind
) -> tuple[int, ...]:
    """Read which images not to train on, for `SplitSpec`: one index on each line of a file.

    A text is ``FILE``, or ``NAME=FILE`` where indices are those of one of joined datasets; "-" is
    standard input. Empty lines, and what follows a #, say nothing. Raises UsageError with the
    number of a line that is no index, StorageError where a file cannot be read.
    """
    starts, n = {}, 0
    for each in dataset.parts or (dataset,):
        starts[each.name] = n, len(each.train.labels)
        n += len(each.train.labels)
    n += len(dataset.test.labels) if kind == "random" else 0
    indices: list[int] = []
    for text in texts:
        name, _, of_part = text.partition("=")
        path = Path(of_part if name in starts else text)
        start, stop = starts.get(name, (0, n))
        with storage_errors("read", path), damage_of(path), open_stream(path) as file:
            lines = file.read(1 << 20).decode("utf-8-sig", "replace").splitlines()
        for number, line in enumerate(lines, 1):
            word = line.partition("#")[0].strip()
            is_index = word.isascii() and word.isdecimal() and len(word) < 10
            if word and not (is_index and int(word) < stop):
                problem = f"{path} line {number}: {word[:40]!r} is no index of a training image"
                raise UsageError(problem, hint=f"one on each line, from 0 to {stop - 1:,}")
            indices += [start + int(word)] if word else []
    return tuple(indices)


def samples_of(part: LabelledImages, task: Task) -> Samples:
    """Gather all the images of one part that the task speaks of, in their order."""
    y = task.encode(part.labels)
    return _gather(part, y, np.flatnonzero(y >= 0))


def _sides(
    dataset: Dataset, task: Task, spec: SplitSpec
) -> tuple[LabelledImages, Int64s, Int64s, Int64s]:
    """Return a part, its class indices, and which of its images are for training and test."""
    if spec.kind == "standard":
        y = task.encode(dataset.train.labels)
        return dataset.train, y, np.flatnonzero(y >= 0), np.empty(0, dtype=np.int64)
    part = concatenated([dataset.train, dataset.test])
    y = task.encode(part.labels)
    members = np.flatnonzero(y >= 0)
    n_test = round(spec.test_size * len(members))
    check_classes(dataset, task, spec)
    is_test = np.zeros(len(members), dtype=bool)
    is_test[stratified_sample(y[members], n_test, np.random.default_rng([spec.seed, 0]))] = True
    is_test = is_test[first_alike(part.images[i] for i in members)]
    both = (np.bincount(y[members[of]], minlength=task.n_classes) for of in (is_test, ~is_test))
    counts = np.array([*both])
    if not counts.all():
        problem = f"a test size of {spec.test_size:g} leaves a class without any"
        sides = f"{len(members) - n_test:,} images for training, {n_test:,} for the test"
        hint = f"of every class there have to be some in both: the smallest has {counts.sum(axis=0).min()}"
        raise TrainingError(f"{problem}: {sides}", hint=hint)
    return part, y, members[~is_test], members[is_test]


def check_classes(dataset: Dataset, task: Task, spec: SplitSpec) -> None:
    """Raise `TrainingError` where there is a class to learn of which there are no images."""
    parts = (dataset.train, dataset.test) if spec.kind == "random" else (dataset.train,)
    counts = [np.bincount(part.labels) for part in parts]  # np.unique would load numpy.ma
    present = {*task.encode(np.concatenate([*map(np.flatnonzero, counts)])).tolist()}
    if missing := [name for k, name in enumerate(task.class_names) if k not in present]:
        problem = f"{dataset.name} has no images of {', '.join(missing)} to learn from"
        hint = f"choose another --task, or join it with others: --dataset mnist+{dataset.name}"
        raise TrainingError(problem, hint=hint)


def _gather(part: LabelledImages, y: Int64s, index: Int64s) -> Samples:
    return Samples(part.images[index], y[index], index)
