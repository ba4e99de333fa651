"""Features that are real numbers at first, and bytes by factors of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mnistcli.features.kinds import Features
from mnistcli.parallel import map_blocks

if TYPE_CHECKING:
    from mnistcli.arrays import Bytes, Float32s

N_POINTS = 6  # across and down, near each of which features tell what an image is like
# A feature's largest value among so many images, and a tenth more, becomes 255.
_N_FOR_SCALE = 2000
_HEADROOM = 1.1
# What a thread works on at a time fits its cache.
_IMAGES_PER_BLOCK = 32


class Measured(Features):
    """A kind with ``factors``, (n_features,), which its numbers are multiplied with."""

    has_pixel_weights: ClassVar[bool] = False

    factors: Float32s

    def measure(self, images: Bytes) -> Float32s:
        """Return the numbers of images of shape (n, 28, 28), (n, n_features), none negative."""
        raise NotImplementedError

    def usual_factors(self, images: Bytes) -> Float32s:
        """Return the factors that make bytes of the numbers of training images."""
        import numpy as np

        some = images[:_N_FOR_SCALE]
        largest = map_blocks(
            lambda block: self.measure(some[block]).max(axis=0), len(some), _IMAGES_PER_BLOCK
        )
        factors = 255 / (_HEADROOM * np.maximum(np.max(largest, axis=0), 1e-3))
        return np.asarray(factors, dtype=np.float32)

    def transform(self, images: Bytes) -> Bytes:
        import numpy as np

        out = np.empty((len(images), len(self.factors)), dtype=np.uint8)

        def work(block: slice) -> None:
            numbers = self.measure(images[block]) * self.factors + np.float32(0.5)
            out[block] = np.minimum(numbers, np.float32(255))

        map_blocks(work, len(images), _IMAGES_PER_BLOCK)
        return out
