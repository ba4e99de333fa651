"""What a digit of standard size is measured by: numbers that become bytes by factors of their own.

`Patches` are the features of the better models; `Scattering` learns hardly a thing, and
`Arrangements` are a learned second layer on its strokes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from mnistcli.errors import UsageError
from mnistcli.features.kinds import Stage
from mnistcli.parallel import map_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnistcli.arrays import Bytes, Float32s
    from mnistcli.features.kinds import Learned

# Across and down, near each of which features tell what an image is like; arrangements are wider
# than patches, and so need fewer.
N_POINTS, CODE_POINTS = 6, 4
ARRANGEMENT_SIZE = 108  # of an arrangement: two widths, six directions, at 3 x 3 places
N_AXES = 50  # principal directions of these that count
# How an image is turned (degrees) and moved (pixels, x and y) to be looked at once, or four times.
VIEWS = {1: ((0, 0, 0),), 4: ((5, -0.4, -0.4), (-5, 0.4, -0.4), (5, 0.4, 0.4), (-5, -0.4, 0.4))}

# A feature's largest value among so many images, and a tenth more, becomes 255.
_N_FOR_SCALE = 2000
_HEADROOM = 1.1
# What a thread works on at a time fits its cache.
_IMAGES_PER_BLOCK = 32
# Of scattering: the image, three scales of six directions, three pairs of scales.
_N_MAPS = 1 + 3 * 6 + 3 * 6**2


class Measured(Stage):
    """A stage with ``factors``, (n_features,), which its numbers are multiplied with."""

    has_pixel_weights: ClassVar[bool] = False

    @property
    def views(self) -> Sequence[tuple[float, float, float]]:
        """How it looks at an image, see `VIEWS`; of several views the mean counts."""
        return VIEWS[1]

    def measure_ink(self, ink: Float32s) -> Float32s:
        """Return the numbers of drawings of shape (n, 28, 28), 0 to 1: (n, n_features), none negative."""
        raise NotImplementedError

    def measure(self, images: Bytes) -> Float32s:
        """Return the numbers of images of shape (n, 28, 28), (n, n_features)."""
        import numpy as np

        from mnistcli.features.geometry import normalised

        drawn = (normalised(images, view) / np.float32(255) for view in self.views)
        looks = [*map(self.measure_ink, drawn)]
        return looks[0] if len(looks) == 1 else np.asarray(sum(looks) / np.float32(len(looks)))

    def learn(self, given: Bytes, seed: int, /) -> Learned:
        import numpy as np

        patterns, some = self.learn_patterns(given, seed), given[:_N_FOR_SCALE]
        self.arrays = dict(zip(self.pattern_shapes(), patterns, strict=True))
        largest = map_blocks(
            lambda block: self.measure(some[block]).max(axis=0), len(some), _IMAGES_PER_BLOCK
        )
        factors = 255 / (_HEADROOM * np.maximum(np.max(largest, axis=0), 1e-3))
        return {**self.arrays, "factors": np.asarray(factors, dtype=np.float32)}

    def pattern_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of what is measured, as far as that is learned."""
        return {}

    def learn_patterns(self, _images: Bytes, _seed: int, /) -> Sequence[Float32s]:
        """Learn what is measured, in the order of `pattern_shapes`."""
        return ()

    @property
    def patterns(self) -> tuple[Float32s, ...]:
        """What is measured, in the order of `pattern_shapes`."""
        return tuple(self.arrays[name] for name in self.pattern_shapes())

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {**self.pattern_shapes(), "factors": (self.count(),)}

    def transform(self, given: Bytes) -> Bytes:
        import numpy as np

        factors = self.arrays["factors"]
        out = np.empty((len(given), len(factors)), dtype=np.uint8)

        def work(block: slice) -> None:
            numbers = self.measure(given[block]) * factors + np.float32(0.5)
            out[block] = np.minimum(numbers, np.float32(255))

        map_blocks(work, len(given), _IMAGES_PER_BLOCK)
        return out


class Patches(Measured):
    """How much there is of learned filters, see `likeness`."""

    summary = "how much of which typical patch is where"
    defaults = {"sides": (5, 9), "n_filters": 24, "n_views": 1}  # noqa: RUF012 - a constant

    @property
    def views(self) -> Sequence[tuple[float, float, float]]:
        return VIEWS[self.spec.n_views]

    def check(self) -> None:
        sides = self.spec.sides
        if not (sides and self.spec.n_filters):
            raise UsageError("patches have sizes and filters")
        are_odd = all(type(side) is int and side % 2 and 3 <= side <= 27 for side in sides)
        if not are_odd or len({*sides}) < len(sides):
            hint = "3, 5, ... 27, each once"
            raise UsageError(f"patches of {sides} pixels make no sense", hint=hint)
        if self.spec.n_views not in VIEWS:
            raise UsageError(f"{self.spec.n_views} views make no sense", hint="patches have 1 or 4")

    def learn_patterns(self, images: Bytes, seed: int, /) -> Sequence[Float32s]:
        from mnistcli.features.likeness import learn_filters

        return learn_filters(images, self.spec.sides, self.spec.n_filters, seed)

    def pattern_shapes(self) -> dict[str, tuple[int, ...]]:
        return {f"filters{n}": (self.spec.n_filters, n * n) for n in self.spec.sides}

    def count(self) -> int:
        return len(self.spec.sides) * self.spec.n_filters * N_POINTS**2

    def describe(self, _before: str, /) -> str:
        sides = ", ".join(str(side) for side in self.spec.sides)
        views = f", {self.spec.n_views} views" if self.spec.n_views > 1 else ""
        filters = f"{self.spec.n_filters} filters each of {sides} pixels{views}"
        return f"{self.count():,} features ({filters})"

    def measure_ink(self, ink: Float32s) -> Float32s:
        from mnistcli.features.likeness import likeness

        return likeness(ink, self.patterns, N_POINTS)

    def filters(self) -> tuple[Float32s, ...]:
        return tuple(it.reshape(len(it), math.isqrt(it.shape[1]), -1) for it in self.patterns)


class Scattering(Measured):
    """What `wavelets` finds."""

    summary = "strokes of six directions and three widths, and how they change"

    def count(self) -> int:
        return _N_MAPS * N_POINTS**2

    def describe(self, _before: str, /) -> str:
        return f"{self.count():,} features (scattering, 6 directions, 3 scales, 2 layers)"

    def measure_ink(self, ink: Float32s) -> Float32s:
        from mnistcli.features.wavelets import scattered

        return scattered(ink, N_POINTS).reshape(len(ink), -1)

    def filters(self) -> tuple[Float32s, ...]:
        from mnistcli.features.wavelets import N_SCALES, draw_wavelets

        return tuple(draw_wavelets(scale) for scale in range(N_SCALES))


class Arrangements(Measured):
    """What `codebook` finds."""

    summary = "how much of which typical arrangement of strokes is where"
    defaults = {"n_codes": 128}  # noqa: RUF012 - a constant

    def check(self) -> None:
        if not self.spec.n_codes:
            raise UsageError("arrangements have codes")

    def learn_patterns(self, images: Bytes, seed: int, /) -> Sequence[Float32s]:
        from mnistcli.features.codebook import learn_codebook

        return learn_codebook(images, N_AXES, self.spec.n_codes, seed)

    def pattern_shapes(self) -> dict[str, tuple[int, ...]]:
        # The whitened principal directions of arrangements, the mean along each, and the codes.
        n_codes = self.spec.n_codes
        return {"axes": (N_AXES, ARRANGEMENT_SIZE), "middle": (N_AXES,), "codes": (n_codes, N_AXES)}

    def count(self) -> int:
        return self.spec.n_codes * CODE_POINTS**2

    def describe(self, _before: str, /) -> str:
        return f"{self.count():,} features ({self.spec.n_codes} arrangements of strokes)"

    def measure_ink(self, ink: Float32s) -> Float32s:
        from mnistcli.features.codebook import likeness_near_points

        axes, middle, codes = self.patterns
        return likeness_near_points(ink, axes, middle, codes, CODE_POINTS)

    def filters(self) -> tuple[Float32s, ...]:
        from mnistcli.features.codebook import drawn_codes

        return (drawn_codes(*self.patterns),)
