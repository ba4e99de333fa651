"""``mnist+mine``: several datasets as one."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mnistcli.datasets.store import Dataset, LabelledImages, identity


class JoinedImages(LabelledImages):
    """The images of several parts, one after the other; copied when all are asked for at once."""

    parts: tuple[LabelledImages, ...]

    def __init__(self, parts: Sequence[LabelledImages]) -> None:
        object.__setattr__(self, "labels", np.concatenate([part.labels for part in parts]))
        object.__setattr__(self, "notes", ())
        self.labels.flags.writeable = False
        object.__setattr__(self, "parts", tuple(parts))

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """All of them, in one array."""
        images = np.concatenate([part.images for part in self.parts])
        images.flags.writeable = False
        return images

    def take(self, index: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return some of the images, without a copy of all."""
        taken = np.empty((len(index), *self.parts[0].images.shape[1:]), np.uint8)
        start = 0
        for part in self.parts:
            rows = np.flatnonzero((index >= start) & (index < start + len(part.labels)))
            taken[rows] = part.images[index[rows] - start]
            start += len(part.labels)
        return taken


def joined(datasets: Sequence[Dataset]) -> Dataset:
    """Join datasets in their order: training part to training part, test part to test part.

    The sha256 of the whole is that of the lines of its parts' sha256, as that of a dataset is of
    its four arrays'.
    """
    return Dataset(
        name="+".join(each.name for each in datasets),
        title=" + ".join(each.title for each in datasets),
        train=JoinedImages([each.train for each in datasets]),
        test=JoinedImages([each.test for each in datasets]),
        sha256=identity([each.sha256 for each in datasets]),
        parts=tuple(datasets),
    )
