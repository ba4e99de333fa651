"""What somebody has at hand in Python -> a dataset, or labelled images to judge a model on.

What that may be is told by ``mnistcli help python``. Arrays mean what they mean in an npz file,
because they become one, but that none are transposed. Their pixels are taken as they are where there
are 28 x 28 of them, as those of `predict` are; others are brought into MNIST's form.
"""

import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mnistcli.containers.names import Part
from mnistcli.datasets.dataset import Dataset, LabelledImages, identity
from mnistcli.datasets.manifest import sha256_of
from mnistcli.datasets.store import DatasetStore
from mnistcli.display import counted
from mnistcli.errors import DataUnavailableError, UsageError
from mnistcli.mnist import IMAGE_SIDE, N_PIXELS
from mnistcli.paths import find_places
from mnistcli.pictures import check_is_light_ink, numbers_in
from mnistcli.progress import SILENT, Progress

Given = Dataset | LabelledImages | Path | ArrayLike | Sequence[ArrayLike]

_HINT = "give images and labels, (X, y), the name of a dataset, or the Path of a file or folder"


def open_dataset(
    name: "str | Given" = "mnist",
    *,
    store: DatasetStore | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Dataset:
    """Open a dataset from a store, by default the user's: ``open_dataset().train.images``.

    A Path leads to the user's own labelled digits, which need no name, nor do arrays. Where nothing
    says which of these are for the test, they are a fifth of every digit, drawn by the seed. Warns
    of what is left out because it cannot be used. Raises UsageError or CorruptFileError for what is
    no dataset, and what opening one or a file does.
    """
    if isinstance(name, Dataset):
        return name
    if isinstance(name, str):
        if store is None:
            places = find_places()
            store = DatasetStore(places.datasets_dir, own_folder=places.own_dir)
        return store.open(name, progress=progress)
    from mnistcli.datasets.gathering import gather, shared_out  # which MNIST does not need

    if isinstance(name, Path):
        found, title = gather(name, seed=seed), name.absolute().stem  # of Path(".") too
        parts = found.train, found.test
        if found.failures:
            first, n = ": ".join(found.failures[0]), len(found.failures)
            warnings.warn(f"{counted(n, 'input')} left out; the first: {first}", stacklevel=2)
    else:
        read, title = [*_labelled(name).values()], "arrays"
        parts = (read[0], read[1]) if len(read) == 2 else shared_out(read[0], seed=seed)
    arrays = [array for part in parts for array in (part.images, part.labels)]
    sha256 = identity([sha256_of(np.ascontiguousarray(array)) for array in arrays])
    return Dataset(title, title, *parts, sha256)


def own_dataset(model: str, name: str, opened: Callable[[str], Dataset] = open_dataset) -> Dataset:
    """Open the dataset that a model was trained on; DataUnavailableError where it has no such name."""
    try:
        return opened(name)
    except UsageError as error:
        problem = f"{model} was trained on {name}, which is not among the datasets"
        hint = f"mnistcli download --source PATH --as {name}, or give other data: --dataset NAME"
        raise DataUnavailableError(problem, hint=hint) from error


def to_judge(given: Given) -> Dataset | LabelledImages:
    """Return a dataset, or labelled images: all of them, or those for the test."""
    if isinstance(given, (Dataset, str)):
        return open_dataset(given)
    if isinstance(given, Path):
        from mnistcli.datasets.gathering import read_to_judge

        return read_to_judge(given)
    read = _labelled(given)
    return read.get("test") or next(iter(read.values()))


def _labelled(given: Any) -> dict[Part | None, LabelledImages]:
    if isinstance(given, LabelledImages):
        return {None: given}
    from mnistcli.datasets.labelled import read_parts

    arrays: dict[str, Any] = {}
    named = _named(given)
    both = [*named.values()]
    for X, y in zip(both[::2], both[1::2], strict=True):
        is_pandas = hasattr(X, "iloc") and hasattr(y, "iloc")
        if is_pandas and not X.index.equals(y.index) and {*X.index} == {*y.index}:
            problem = "images and labels have the same index, in two orders"
            raise UsageError(problem, hint="give labels.loc[images.index], or arrays: .to_numpy()")
    for name, values in named.items():
        found = numbers_in(values, name)
        if found.dtype.kind not in "buifSU":
            raise UsageError(f"{name} are no numbers but {type(values).__name__}", hint=_HINT)
        arrays[name] = np.atleast_1d(found)
    shapes = [array.shape for array in [*arrays.values()][::2]]
    is_as_mnist = all({IMAGE_SIDE, N_PIXELS} & {*shape} for shape in shapes)
    with io.BytesIO() as npz:
        np.savez(npz, **arrays)
        npz.seek(0)
        parts = read_parts(Path("the data"), raw=is_as_mnist, transposes=False, stdin=npz)
    for part in parts.values() if is_as_mnist else ():
        check_is_light_ink(part.images)
    return parts


def _named(given: Any) -> dict[str, Any]:
    """Give arrays, images before their labels, the names that they have in an npz file."""
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise UsageError(f"{type(given).__name__} is not images and their labels", hint=_HINT)
    if all(isinstance(each, tuple) and len(each) == 2 for each in given):
        (x_train, y_train), (x_test, y_test) = given
        return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    return {"images": given[0], "labels": given[1]}
