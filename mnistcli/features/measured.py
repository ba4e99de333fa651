"""Features that are real numbers at first, and bytes by factors of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mnistcli.features.kinds import Stage
from mnistcli.parallel import map_blocks

if TYPE_CHECKING:
    from mnistcli.arrays import Bytes, Float32s
    from mnistcli.features.kinds import FeatureSpec, Learned

N_POINTS = 6  # across and down, near each of which features tell what an image is like
N_STROKES = 108  # of an arrangement: two widths, six directions, at 3 x 3 places
N_AXES = 50  # principal directions of these that count
# A feature's largest value among so many images, and a tenth more, becomes 255.
_N_FOR_SCALE = 2000
_HEADROOM = 1.1
# What a thread works on at a time fits its cache.
_IMAGES_PER_BLOCK = 32


class Measured(Stage):
    """A stage with ``factors``, (n_features,), which its numbers are multiplied with."""

    has_pixel_weights: ClassVar[bool] = False

    def measure(self, images: Bytes) -> Float32s:
        """Return the numbers of images of shape (n, 28, 28), (n, n_features), none negative."""
        raise NotImplementedError

    @classmethod
    def learn(cls, spec: FeatureSpec, given: Bytes, seed: int, /) -> Learned:
        import numpy as np

        patterns, some = cls.learn_patterns(spec, given, seed), given[:_N_FOR_SCALE]
        measure = cls(spec, patterns).measure
        largest = map_blocks(
            lambda block: measure(some[block]).max(axis=0), len(some), _IMAGES_PER_BLOCK
        )
        factors = 255 / (_HEADROOM * np.maximum(np.max(largest, axis=0), 1e-3))
        return {**patterns, "factors": np.asarray(factors, dtype=np.float32)}

    @classmethod
    def learn_patterns(cls, _spec: FeatureSpec, _images: Bytes, _seed: int, /) -> Learned:
        """Learn what is measured."""
        return {}

    @classmethod
    def shapes(cls, spec: FeatureSpec, _n_columns: int, /) -> dict[str, tuple[int, ...]]:
        return {"factors": (cls.count(spec),)}

    def transform(self, given: Bytes) -> Bytes:
        import numpy as np

        factors = self.arrays["factors"]
        out = np.empty((len(given), len(factors)), dtype=np.uint8)

        def work(block: slice) -> None:
            numbers = self.measure(given[block]) * factors + np.float32(0.5)
            out[block] = np.minimum(numbers, np.float32(255))

        map_blocks(work, len(given), _IMAGES_PER_BLOCK)
        return out
