"""How much of which typical patch is where: the features of the better models."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mnistcli.errors import UsageError
from mnistcli.features.measured import N_POINTS, Measured

if TYPE_CHECKING:
    from mnistcli.arrays import Bytes, Float32s
    from mnistcli.features.kinds import FeatureSpec, Learned

# How an image is turned (degrees) and moved (pixels, x and y) to be looked at once, or four times.
VIEWS = {1: ((0, 0, 0),), 4: ((5, -0.4, -0.4), (-5, 0.4, -0.4), (5, 0.4, 0.4), (-5, -0.4, 0.4))}


class Patches(Measured):
    """Learned filters, and what their features are multiplied with to become bytes."""

    summary = "how much of which typical patch is where"
    defaults = {"sides": (5, 9), "n_filters": 24, "n_views": 1}  # noqa: RUF012 - a constant

    @property
    def patterns(self) -> tuple[Float32s, ...]:
        """The filters of each size, (n_filters, side * side)."""
        return tuple(self.arrays[f"filters{side}"] for side in self.spec.sides)

    @classmethod
    def check(cls, spec: FeatureSpec, _n_columns: int, /) -> None:
        if not (spec.sides and spec.n_filters):
            raise UsageError("patches have sizes and filters")
        if not all(type(side) is int and side % 2 and 3 <= side <= 27 for side in spec.sides):
            raise UsageError(f"patches of {spec.sides} pixels make no sense", hint="3, 5, ... 27")
        if len(set(spec.sides)) != len(spec.sides):
            raise UsageError("a size of patches is there twice")
        if spec.n_views not in VIEWS:
            raise UsageError(f"{spec.n_views} views make no sense", hint="patches have 1 or 4")

    @classmethod
    def learn_patterns(cls, spec: FeatureSpec, images: Bytes, seed: int, /) -> Learned:
        import numpy as np

        from mnistcli.features.geometry import normalised
        from mnistcli.features.likeness import learn_filters

        rng = np.random.default_rng([seed, 2])
        ink, n = normalised(images) / np.float32(255), spec.n_filters
        return {f"filters{side}": learn_filters(ink, side, n, rng) for side in spec.sides}

    @classmethod
    def shapes(cls, spec: FeatureSpec, n_columns: int, /) -> dict[str, tuple[int, ...]]:
        patterns = {f"filters{side}": (spec.n_filters, side * side) for side in spec.sides}
        return patterns | super().shapes(spec, n_columns)

    @classmethod
    def count(cls, spec: FeatureSpec, /) -> int:
        return len(spec.sides) * spec.n_filters * N_POINTS**2

    @classmethod
    def describe(cls, spec: FeatureSpec, _before: str, /) -> str:
        sides = ", ".join(str(side) for side in spec.sides)
        views = f", {spec.n_views} views" if spec.n_views > 1 else ""
        filters = f"{spec.n_filters} filters each of {sides} pixels{views}"
        return f"{cls.count(spec):,} features ({filters})"

    def filters(self) -> tuple[Float32s, ...]:
        return tuple(it.reshape(len(it), math.isqrt(it.shape[1]), -1) for it in self.patterns)

    def measure(self, images: Bytes) -> Float32s:
        import numpy as np

        from mnistcli.features.geometry import normalised
        from mnistcli.features.likeness import likeness

        drawn = [normalised(images, view) / np.float32(255) for view in VIEWS[self.spec.n_views]]
        looks = (likeness(ink, self.patterns, N_POINTS) for ink in drawn)
        return np.asarray(sum(looks) / np.float32(len(drawn)))
