"""Strokes of several directions and widths, and how they change: features that learn hardly a thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnistcli.features.measured import N_POINTS, Measured

if TYPE_CHECKING:
    from mnistcli.arrays import Bytes, Float32s
    from mnistcli.features.kinds import FeatureSpec

_N_MAPS = 1 + 3 * 6 + 3 * 6**2  # the image, three scales of six directions, three pairs of scales


class Scattering(Measured):
    """What `wavelets` finds in a digit of standard size, its square roots as bytes."""

    summary = "strokes of six directions and three widths, and how they change"

    @classmethod
    def count(cls, _spec: FeatureSpec, /) -> int:
        return _N_MAPS * N_POINTS**2

    @classmethod
    def describe(cls, spec: FeatureSpec, _before: str, /) -> str:
        return f"{cls.count(spec):,} features (scattering, 6 directions, 3 scales, 2 layers)"

    def filters(self) -> tuple[Float32s, ...]:
        from mnistcli.features.wavelets import N_SCALES, drawn

        return tuple(drawn(scale) for scale in range(N_SCALES))

    def measure(self, images: Bytes) -> Float32s:
        import numpy as np

        from mnistcli.features.geometry import normalised
        from mnistcli.features.wavelets import scattered

        averages = scattered(normalised(images) / np.float32(255), N_POINTS)
        return np.sqrt(averages, out=averages).reshape(len(images), -1)
