"""Strokes of several directions and widths, and how they change: features that learn hardly a thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnistcli.display import Displayed
from mnistcli.features.measured import N_POINTS, Measured

if TYPE_CHECKING:
    from mnistcli.arrays import Bytes, Float32s
    from mnistcli.features.kinds import FeatureSpec, Learned

_N_MAPS = 1 + 3 * 6 + 3 * 6**2  # the image, three scales of six directions, three pairs of scales


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scattering(Displayed, Measured):
    """What `wavelets` finds in a digit of standard size, its square roots as bytes."""

    summary = "strokes of six directions and three widths, and how they change"

    factors: Float32s  # (n_features,)

    @classmethod
    def learn(cls, spec: FeatureSpec, images: Bytes, _seed: int, /) -> Scattering:
        import numpy as np

        unscaled = cls(np.ones(cls.count(spec), dtype=np.float32))
        return cls(unscaled.usual_factors(images))

    @classmethod
    def from_arrays(cls, _spec: FeatureSpec, arrays: Learned, /) -> Scattering:
        return cls(arrays["factors"])

    @classmethod
    def shapes(cls, spec: FeatureSpec, /) -> dict[str, tuple[int, ...]]:
        return {"factors": (cls.count(spec),)}

    @classmethod
    def count(cls, _spec: FeatureSpec, /) -> int:
        return _N_MAPS * N_POINTS**2

    @classmethod
    def describe(cls, spec: FeatureSpec, /) -> str:
        return f"{cls.count(spec):,} features (scattering, 6 directions, 3 scales, 2 layers)"

    def arrays(self) -> dict[str, Float32s]:
        return {"factors": self.factors}

    def filters(self) -> tuple[Float32s, ...]:
        from mnistcli.features.wavelets import N_SCALES, drawn

        return tuple(drawn(scale) for scale in range(N_SCALES))

    def measure(self, images: Bytes) -> Float32s:
        import numpy as np

        from mnistcli.features.geometry import normalised
        from mnistcli.features.wavelets import scattered

        averages = scattered(normalised(images) / np.float32(255), N_POINTS)
        return np.sqrt(averages, out=averages).reshape(len(images), -1)
