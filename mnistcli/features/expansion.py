"""Many random functions of what a first stage sees: the second stage of the better models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnistcli.errors import UsageError
from mnistcli.features.kinds import Features, seen_by
from mnistcli.mnist import IMAGE_SHAPE, N_PIXELS
from mnistcli.parallel import map_blocks

if TYPE_CHECKING:
    from mnistcli.arrays import Bytes, Float32s
    from mnistcli.features.kinds import FeatureSpec, Learned

_N_FOR_DIRECTIONS = 20_000  # images, whose principal directions are taken
_RAMP, _SQUARE = 80, 25  # what functions are multiplied with to become bytes
_IMAGES_PER_BLOCK = 128


@dataclass(frozen=True, slots=True, eq=False)
class Expansion(Features):
    """Ramps and squares of random mixtures of the principal directions of a first stage.

    A linear model of these is, but for chance, one with a kernel (Rahimi and Recht, Random features
    for large-scale kernel machines, NIPS 2007; Cho and Saul, Kernel methods for deep learning, NIPS
    2009). The mixture and the offsets are fixed numbers that no model holds:
    ``normal_numbers(n_directions, n_relus + n_squares)``, and ``bits_of(2**31 + j) / 2**32 - 1/2``
    for ramp j; see `projection`.
    """

    summary = "random ramps and squares of its principal directions"
    defaults = {"n_directions": 150, "n_relus": 2000, "n_squares": 1000}  # noqa: RUF012 - a constant
    has_pixel_weights = False

    first: Features | None  # None for pixels
    directions: Float32s  # (n_directions, n_columns)
    shift: Float32s  # (n_directions,)
    mixture: Float32s  # (n_directions, n_relus + n_squares), the factors multiplied in
    offset: Float32s  # (n_relus,), likewise

    @classmethod
    def check(cls, spec: FeatureSpec, /) -> None:
        n_columns = spec.before.features.count(spec.before)
        if not 0 < spec.n_directions <= n_columns:
            hint = f"{spec.before.kind} have 1 to {n_columns:,}"
            raise UsageError(f"{spec.n_directions} directions make no sense", hint=hint)
        if not spec.n_relus + spec.n_squares:
            raise UsageError("an expansion has ramps or squares")

    @classmethod
    def learn(cls, spec: FeatureSpec, images: Bytes, seed: int, /) -> Expansion:
        from mnistcli.features.projection import principal_directions

        first = spec.before.features.learn(spec.before, images, seed)
        rows = seen_by(first, images[:_N_FOR_DIRECTIONS])
        directions, shift = principal_directions(rows, spec.n_directions)
        kept = first.arrays() if first else {}
        return cls.from_arrays(spec, {**kept, "directions": directions, "shift": shift})

    @classmethod
    def from_arrays(cls, spec: FeatureSpec, arrays: Learned, /) -> Expansion:
        import numpy as np

        from mnistcli.features.projection import bits_of, normal_numbers

        first = spec.before.features.from_arrays(spec.before, arrays)
        mixture = normal_numbers(spec.n_directions, spec.n_relus + spec.n_squares)
        mixture[:, : spec.n_relus] *= np.float32(_RAMP)
        mixture[:, spec.n_relus :] *= np.float32(_SQUARE**0.5)
        bits = bits_of(np.uint32(2**31) + np.arange(spec.n_relus, dtype=np.uint32))
        offset = (_RAMP * (bits / 2**32 - 0.5)).astype(np.float32)
        return cls(first, arrays["directions"], arrays["shift"], mixture, offset)

    @classmethod
    def shapes(cls, spec: FeatureSpec, /) -> dict[str, tuple[int, ...]]:
        directions = (spec.n_directions, spec.before.features.count(spec.before))
        own = {"directions": directions, "shift": (spec.n_directions,)}
        return {**spec.before.features.shapes(spec.before), **own}

    @classmethod
    def count(cls, spec: FeatureSpec, /) -> int:
        return spec.n_relus + spec.n_squares

    @classmethod
    def describe(cls, spec: FeatureSpec, /) -> str:
        functions = f"{spec.n_relus:,} ramps and {spec.n_squares:,} squares"
        of_what = f"{spec.n_directions} directions of {spec.before.features.describe(spec.before)}"
        return f"{functions} of {of_what}"

    def transform(self, images: Bytes) -> Bytes:
        import numpy as np

        n_relus = len(self.offset)
        out = np.empty((len(images), self.mixture.shape[1]), dtype=np.uint8)

        def expand(block: slice) -> None:
            rows = seen_by(self.first, images[block]).astype(np.float32)
            s = (rows @ self.directions.T - self.shift) @ self.mixture
            s[:, :n_relus] = np.maximum(s[:, :n_relus] + self.offset, 0)
            s[:, n_relus:] *= s[:, n_relus:]
            out[block] = np.minimum(s, 255, out=s) + np.float32(0.5)

        map_blocks(expand, len(images), _IMAGES_PER_BLOCK)
        return out

    def arrays(self) -> dict[str, Float32s]:
        of_first = self.first.arrays() if self.first else {}
        return {**of_first, "directions": self.directions, "shift": self.shift}

    def filters(self) -> tuple[Float32s, ...]:
        first = self.first.filters() if self.first else ()
        is_of_pixels = self.directions.shape[1] == N_PIXELS
        return first or ((self.directions.reshape(-1, *IMAGE_SHAPE),) if is_of_pixels else ())
