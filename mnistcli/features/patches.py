"""How much of which typical patch is where: the features of the better models."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnistcli.display import Displayed
from mnistcli.errors import UsageError
from mnistcli.features.measured import N_POINTS, Measured

if TYPE_CHECKING:
    from mnistcli.arrays import Bytes, Float32s
    from mnistcli.features.kinds import FeatureSpec, Learned

# How an image is turned (degrees) and moved (pixels, x and y) to be looked at once, or four times.
VIEWS = {1: ((0, 0, 0),), 4: ((5, -0.4, -0.4), (-5, 0.4, -0.4), (5, 0.4, 0.4), (-5, -0.4, 0.4))}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Patches(Displayed, Measured):
    """Learned filters, and what their features are multiplied with to become bytes."""

    summary = "how much of which typical patch is where"
    defaults = {"sides": (5, 9), "n_filters": 24, "n_views": 1}  # noqa: RUF012 - a constant

    patterns: tuple[Float32s, ...]  # each (n_filters, side * side), sides odd
    factors: Float32s  # (n_features,)
    n_views: int = 1  # drawings of an image over which likeness is averaged

    @classmethod
    def check(cls, spec: FeatureSpec, /) -> None:
        if not (spec.sides and spec.n_filters):
            raise UsageError("patches have sizes and filters")
        if not all(type(side) is int and side % 2 and 3 <= side <= 27 for side in spec.sides):
            raise UsageError(f"patches of {spec.sides} pixels make no sense", hint="3, 5, ... 27")
        if len(set(spec.sides)) != len(spec.sides):
            raise UsageError("a size of patches is there twice")
        if spec.n_views not in VIEWS:
            raise UsageError(f"{spec.n_views} views make no sense", hint="patches have 1 or 4")

    @classmethod
    def learn(cls, spec: FeatureSpec, images: Bytes, seed: int, /) -> Patches:
        """Learn filters from training images of shape (n, 28, 28), uint8; labels play no part."""
        import numpy as np

        from mnistcli.features.geometry import normalised
        from mnistcli.features.likeness import learn_filters

        rng = np.random.default_rng([seed, 2])
        ink = normalised(images) / np.float32(255)
        patterns = tuple(learn_filters(ink, side, spec.n_filters, rng) for side in spec.sides)
        features = cls(patterns, np.ones(cls.count(spec), dtype=np.float32), spec.n_views)
        return cls(patterns, features.usual_factors(images), spec.n_views)

    @classmethod
    def from_arrays(cls, spec: FeatureSpec, arrays: Learned, /) -> Patches:
        patterns = tuple(arrays[f"filters{side}"] for side in spec.sides)
        return cls(patterns, arrays["factors"], spec.n_views)

    @classmethod
    def shapes(cls, spec: FeatureSpec, /) -> dict[str, tuple[int, ...]]:
        patterns = {f"filters{side}": (spec.n_filters, side * side) for side in spec.sides}
        return {**patterns, "factors": (cls.count(spec),)}

    @classmethod
    def count(cls, spec: FeatureSpec, /) -> int:
        return len(spec.sides) * spec.n_filters * N_POINTS**2

    @classmethod
    def describe(cls, spec: FeatureSpec, /) -> str:
        sides = ", ".join(str(side) for side in spec.sides)
        views = f", {spec.n_views} views" if spec.n_views > 1 else ""
        filters = f"{spec.n_filters} filters each of {sides} pixels{views}"
        return f"{cls.count(spec):,} features ({filters})"

    def arrays(self) -> dict[str, Float32s]:
        named = {f"filters{math.isqrt(each.shape[1])}": each for each in self.patterns}
        return {**named, "factors": self.factors}

    def filters(self) -> tuple[Float32s, ...]:
        return tuple(it.reshape(len(it), math.isqrt(it.shape[1]), -1) for it in self.patterns)

    def measure(self, images: Bytes) -> Float32s:
        import numpy as np

        from mnistcli.features.geometry import normalised
        from mnistcli.features.likeness import likeness

        drawn = [normalised(images, view) / np.float32(255) for view in VIEWS[self.n_views]]
        looks = (likeness(ink, self.patterns, N_POINTS) for ink in drawn)
        return np.asarray(sum(looks) / np.float32(len(drawn)))
