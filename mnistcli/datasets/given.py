"""What somebody has at hand in Python -> a dataset, or labelled images to judge a model on.

What that may be is told by ``mnistcli help python``. Arrays mean what they mean in an npz file,
because they become one. Their pixels are taken as they are where there are 28 x 28 of them, as
those of `predict` are; others are brought into MNIST's form.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mnistcli.containers.npy_idx import role_of
from mnistcli.containers.reading import damage_of
from mnistcli.datasets.dataset import Dataset, LabelledImages, identity
from mnistcli.datasets.manifest import sha256_of
from mnistcli.datasets.store import open_dataset
from mnistcli.errors import UsageError
from mnistcli.mnist import IMAGE_SIDE, N_PIXELS
from mnistcli.pictures import check_is_light_ink, numbers_in

Given = Dataset | LabelledImages | Path | Mapping[str, ArrayLike] | ArrayLike

_TEST_SIZE = 0.2
_HINT = "give images and labels, (X, y), the name of a dataset, or the Path of a file or folder"


def dataset_of(given: Given, *, seed: int = 0) -> Dataset:
    """Return a dataset to train on.

    Where nothing says which images are for the test, they are a fifth of every digit. Raises
    UsageError or CorruptFileError for what is none, and what opening a dataset or file does.
    """
    if isinstance(given, Dataset):
        return given
    if isinstance(given, str):
        return open_dataset(given)
    from mnistcli.datasets.gathering import gather, shared_out  # which MNIST does not need

    if isinstance(given, Path):
        found, name = gather(given, test_size=_TEST_SIZE, seed=seed), given.stem
        parts = found.train, found.test
    else:
        read, name = [*_labelled(given).values()], "arrays"
        parts = (read[0], read[1]) if len(read) == 2 else shared_out(read[0], _TEST_SIZE, seed)
    arrays = [array for part in parts for array in (part.images, part.labels)]
    sha256 = identity([sha256_of(np.ascontiguousarray(array)) for array in arrays])
    return Dataset(name, name, *parts, sha256)


def to_judge(given: Given) -> Dataset | LabelledImages:
    """Return a dataset, or labelled images: all of them, or those for the test."""
    if isinstance(given, (Dataset, str)):
        return dataset_of(given)
    if isinstance(given, Path):
        from mnistcli.datasets.gathering import read_to_judge

        return read_to_judge(given)
    read = _labelled(given)
    return read.get("test") or next(iter(read.values()))


def _labelled(given: Any) -> dict[Any, LabelledImages]:
    if isinstance(given, LabelledImages):
        return {None: given}
    from mnistcli.datasets.labelled import read_parts

    arrays: dict[str, Any] = {}
    with damage_of("the data"):
        for name, values in _named(given).items():
            dense = values.toarray() if hasattr(values, "toarray") else values
            if hasattr(dense, "columns") and _role(name) == "images":
                dense = _of_frame(dense)["images"]
            found = numbers_in(dense, name)
            if found.dtype.kind not in "buifSU":
                raise UsageError(f"{name} are no numbers but {type(values).__name__}", hint=_HINT)
            arrays[name] = np.atleast_1d(found)
    shapes = [array.shape for name, array in arrays.items() if _role(name) == "images"]
    is_as_mnist = all({IMAGE_SIDE, N_PIXELS, N_PIXELS + 1} & {*shape} for shape in shapes)
    with io.BytesIO() as npz:
        np.savez(npz, **arrays)
        npz.seek(0)
        parts: dict[Any, LabelledImages] = {
            **read_parts(Path("the data"), raw=is_as_mnist, stdin=npz)
        }
    for part in parts.values() if is_as_mnist else ():
        check_is_light_ink(part.images)
    return parts


def _named(given: Any) -> dict[str, Any]:
    """Give arrays the names that they have in an npz file."""
    if isinstance(given, Mapping):
        return {name: given[name] for name in given if _role(str(name))}
    if hasattr(given, "targets"):
        return {"data": given.data, "targets": given.targets}
    if isinstance(given, (tuple, list)):
        if len(given) == 2 and all(isinstance(each, tuple) and len(each) == 2 for each in given):
            (x_train, y_train), (x_test, y_test) = given
            return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
        if len(given) == 2:
            return {"images": given[0], "labels": given[1]}
        if len(given) == 4:
            return dict(zip(("x_train", "x_test", "y_train", "y_test"), given, strict=True))
        if isinstance(given, tuple):
            raise UsageError(f"{len(given)} arrays are not images and their labels", hint=_HINT)
    if hasattr(given, "columns"):
        return _of_frame(given)
    return {"images": given}


def _of_frame(frame: Any) -> dict[str, Any]:
    from mnistcli.containers.columns import layout_of

    layout, values = layout_of(tuple(map(str, frame.columns))), frame.iloc
    labels = {"labels": values[:, list(layout.labels)]} if layout.labels else {}
    return {"images": values[:, layout.pixels]} | labels


def _role(name: str) -> str:
    return role_of(name)[0][0]
