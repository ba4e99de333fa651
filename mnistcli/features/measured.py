"""What a digit of standard size is measured by: numbers that become bytes by factors of their own.

`Patches` are the features of the better models; `Scattering` learns hardly a thing, and
`Arrangements` are a learned second layer on its strokes.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from mnistcli.errors import UsageError
from mnistcli.features.kinds import CODE_POINTS, N_AXES, N_POINTS, Stage
from mnistcli.parallel import map_blocks

if TYPE_CHECKING:
    from mnistcli.arrays import Bytes, Float32s
    from mnistcli.features.kinds import Learned

ARRANGEMENT_SIZE = 108  # of an arrangement: two widths, six directions, at 3 x 3 places

# A feature's largest value among so many images, and a tenth more, becomes 255.
_N_FOR_SCALE = 2000
_HEADROOM = 1.1
# What a thread works on at a time fits its cache.
_IMAGES_PER_BLOCK = 32
# Of scattering: the image, three scales of six directions, three pairs of scales.
_N_MAPS = 1 + 3 * 6 + 3 * 6**2


class Measured(Stage):
    """A stage with ``factors``, (n_features,), which its numbers are multiplied with.

    What it does with numbers is in a module of this room, which is loaded when it is needed. There
    ``learn(images, spec, seed)`` returns the patterns of training images of shape (n, 28, 28), for
    kinds that have some; ``measure(ink, patterns)`` the numbers of drawings of that shape, 0 to 1,
    as (n, n_features), none negative; and ``drawn(patterns)`` what `filters` does.
    """

    has_pixel_weights: ClassVar[bool] = False
    module: ClassVar[str]

    def measure(self, images: Bytes) -> Float32s:
        """Return the numbers of images of shape (n, 28, 28), (n, n_features)."""
        import numpy as np

        from mnistcli.features.geometry import normalised

        numbers: Float32s = self._maths.measure(normalised(images) / np.float32(255), self.patterns)
        return numbers

    def learn(self, given: Bytes, seed: int, /) -> Learned:
        import numpy as np

        names, some = self.pattern_shapes(), given[:_N_FOR_SCALE]
        patterns = self._maths.learn(given, self.spec, seed) if names else []
        self.arrays = dict(zip(names, patterns, strict=True))
        largest = map_blocks(
            lambda block: self.measure(some[block]).max(axis=0), len(some), _IMAGES_PER_BLOCK
        )
        factors = 255 / (_HEADROOM * np.maximum(np.max(largest, axis=0), 1e-3))
        return {**self.arrays, "factors": np.asarray(factors, dtype=np.float32)}

    def pattern_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of what is measured, as far as that is learned."""
        return {}

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
            out[block] = numbers.clip(0, 255)

        map_blocks(work, len(given), _IMAGES_PER_BLOCK)
        return out

    def filters(self) -> tuple[Float32s, ...]:
        return tuple(self._maths.drawn(self.patterns))

    @property
    def _maths(self) -> Any:
        return import_module(f"mnistcli.features.{self.module}")


class Patches(Measured):
    """How much there is of learned filters."""

    module = "likeness"
    summary = "how much of which typical patch is where"
    defaults = {"sides": (5, 9), "n_filters": 24}  # noqa: RUF012 - a constant

    def check(self) -> None:
        sides = self.spec.sides
        if not (sides and self.spec.n_filters):
            raise UsageError("patches have sizes and filters")
        are_odd = all(type(side) is int and side % 2 and 3 <= side <= 27 for side in sides)
        if not are_odd or len({*sides}) < len(sides):
            hint = "3, 5, ... 27, each once"
            raise UsageError(f"patches of {sides} pixels make no sense", hint=hint)

    def pattern_shapes(self) -> dict[str, tuple[int, ...]]:
        return {f"filters{n}": (self.spec.n_filters, n * n) for n in self.spec.sides}

    def count(self) -> int:
        return len(self.spec.sides) * self.spec.n_filters * N_POINTS**2

    def describe(self, _before: str, /) -> str:
        sides = ", ".join(str(side) for side in self.spec.sides)
        return f"{self.count():,} features ({self.spec.n_filters} filters each of {sides} pixels)"


class Scattering(Measured):
    """How much of strokes of which direction and width is where."""

    module = "wavelets"
    summary = "strokes of six directions and three widths, and how they change"

    def count(self) -> int:
        return _N_MAPS * N_POINTS**2

    def describe(self, _before: str, /) -> str:
        return f"{self.count():,} features (scattering, 6 directions, 3 scales, 2 layers)"


class Arrangements(Measured):
    """How much of typical arrangements of strokes there is."""

    module = "codebook"
    summary = "how much of which typical arrangement of strokes is where"
    defaults = {"n_codes": 128}  # noqa: RUF012 - a constant

    def check(self) -> None:
        if not self.spec.n_codes:
            raise UsageError("arrangements have codes")

    def pattern_shapes(self) -> dict[str, tuple[int, ...]]:
        # The whitened principal directions of arrangements, the mean along each, and the codes.
        n_codes = self.spec.n_codes
        return {"axes": (N_AXES, ARRANGEMENT_SIZE), "middle": (N_AXES,), "codes": (n_codes, N_AXES)}

    def count(self) -> int:
        return self.spec.n_codes * CODE_POINTS**2

    def describe(self, _before: str, /) -> str:
        return f"{self.count():,} features ({self.spec.n_codes} arrangements of strokes)"
