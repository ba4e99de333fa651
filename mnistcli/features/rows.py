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
    """A `linear_model.rows.RowSource`, which says what the methods do.

    The indices, of shape (n,), say where each of the images, (n, 28, 28), stands in its dataset:
    copies are found by them. Can be pickled, and is then little more than the images.
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

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        return self.take(np.arange(start, min(stop, self.shape[0])))

    def take(self, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        copies, samples = np.divmod(rows, len(self.images))
        images = deformed(self.images[samples], self.indices[samples], copies, self.seed)
        if self.features is None:
            return images.reshape(len(images), -1)
        n_more = -len(rows) % _IMAGES_PER_PRODUCT
        return self.features.transform(np.pad(images, ((0, n_more), (0, 0), (0, 0))))[: len(rows)]
