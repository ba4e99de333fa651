"""How much of which typical arrangement of strokes is where: a learned second layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnistcli.errors import UsageError
from mnistcli.features.measured import N_AXES, N_STROKES, Measured

if TYPE_CHECKING:
    from mnistcli.arrays import Bytes, Float32s
    from mnistcli.features.kinds import FeatureSpec, Learned

# Across and down, near each of which features tell what an image is like; arrangements are wider
# than patches, and so need fewer.
N_POINTS = 4


class Arrangements(Measured):
    """What `codebook` finds in a digit of standard size, as bytes."""

    summary = "how much of which typical arrangement of strokes is where"
    defaults = {"n_codes": 128}  # noqa: RUF012 - a constant

    @classmethod
    def check(cls, spec: FeatureSpec, _n_columns: int, /) -> None:
        if not spec.n_codes:
            raise UsageError("arrangements have codes")

    @classmethod
    def learn_patterns(cls, spec: FeatureSpec, images: Bytes, seed: int, /) -> Learned:
        import numpy as np

        from mnistcli.features.codebook import learn_codebook

        rng = np.random.default_rng([seed, 3])
        directions, shift, codes = learn_codebook(images, spec.n_codes, rng)
        return {"axes": directions, "middle": shift, "codes": codes}

    @classmethod
    def shapes(cls, spec: FeatureSpec, n_columns: int, /) -> dict[str, tuple[int, ...]]:
        patterns: dict[str, tuple[int, ...]] = {
            "axes": (N_AXES, N_STROKES),
            "middle": (N_AXES,),
            "codes": (spec.n_codes, N_AXES),
        }
        return patterns | super().shapes(spec, n_columns)

    @classmethod
    def count(cls, spec: FeatureSpec, /) -> int:
        return spec.n_codes * N_POINTS**2

    @classmethod
    def describe(cls, spec: FeatureSpec, _before: str, /) -> str:
        return f"{cls.count(spec):,} features ({spec.n_codes} arrangements of strokes)"

    def measure(self, images: Bytes) -> Float32s:
        import numpy as np

        from mnistcli.features.codebook import likeness_near_points
        from mnistcli.features.geometry import normalised

        axes, middle, codes = (self.arrays[name] for name in ("axes", "middle", "codes"))
        ink = normalised(images) / np.float32(255)
        return likeness_near_points(ink, axes, middle, codes, N_POINTS)

    def filters(self) -> tuple[Float32s, ...]:
        from mnistcli.features.codebook import drawn_codes

        names = "axes", "middle", "codes"
        return (drawn_codes(*(self.arrays[name] for name in names)),)
