"""Features of images and their copies, made when they are read: what is too large to be kept."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistcli.features.copies import deformed
from mnistcli.features.kinds import Features

# Matrix products round alike where they have a multiple of so many rows.
_IMAGES_PER_PRODUCT = 32


@dataclass(frozen=True, slots=True, eq=False)
class MadeRows:
    """The features of images, (n, 28, 28), and of their copies: `linear_model.rows.Rows` of bytes.

    Row ``copy * n + i`` is of a copy of image i, the images themselves being copy 0. The indices,
    of shape (n,), say where each image stands in its dataset: copies are found by them. Can be
    pickled, and is then little more than the images.
    """

    images: NDArray[np.uint8]
    indices: NDArray[np.integer]
    n_features: int
    features: Features | None = None  # None for pixels
    n_copies: int = 0
    seed: int = 0  # of the copies

    @property
    def shape(self) -> tuple[int, int]:
        return (1 + self.n_copies) * len(self.images), self.n_features

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        return np.dtype(np.uint8)

    def __getitem__(self, numbers: slice | NDArray[np.intp], /) -> NDArray[np.uint8]:
        if isinstance(numbers, slice):
            numbers = np.arange(*numbers.indices(self.shape[0]))
        copies, samples = np.divmod(numbers, len(self.images))
        images = deformed(self.images[samples], self.indices[samples], copies, self.seed)
        if self.features is None:
            return images.reshape(len(images), -1)
        n_more = -len(numbers) % _IMAGES_PER_PRODUCT
        return self.features.transform(np.pad(images, ((0, n_more), (0, 0), (0, 0))))[
            : len(numbers)
        ]
