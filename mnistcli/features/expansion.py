"""Many random functions of what a first stage sees: the second stage of the better models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnistcli.errors import UsageError
from mnistcli.features.kinds import Stage
from mnistcli.mnist import IMAGE_SHAPE, N_PIXELS

if TYPE_CHECKING:
    from mnistcli.arrays import Bytes, Float32s
    from mnistcli.features.kinds import FeatureSpec, Learned

_RAMP, _SQUARE = 80, 25  # what functions are multiplied with to become bytes


class Expansion(Stage):
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
    n_to_learn_from = 20_000  # whose principal directions are taken

    def __init__(self, spec: FeatureSpec, arrays: Learned) -> None:
        import numpy as np

        from mnistcli.features.projection import bits_of, normal_numbers

        super().__init__(spec, arrays)
        self.directions = arrays["directions"]  # (n_directions, n_columns)
        self.shift = arrays["shift"]  # (n_directions,)
        # (n_directions, n_relus + n_squares) and (n_relus,), the factors multiplied in.
        self.mixture = normal_numbers(spec.n_directions, spec.n_relus + spec.n_squares)
        self.mixture[:, : spec.n_relus] *= np.float32(_RAMP)
        self.mixture[:, spec.n_relus :] *= np.float32(_SQUARE**0.5)
        bits = bits_of(np.uint32(2**31) + np.arange(spec.n_relus, dtype=np.uint32))
        self.offset = (_RAMP * (bits / 2**32 - 0.5)).astype(np.float32)

    @classmethod
    def check(cls, spec: FeatureSpec, n_columns: int, /) -> None:
        if not 0 < spec.n_directions <= n_columns:
            hint = f"what is expanded has 1 to {n_columns:,}"
            raise UsageError(f"{spec.n_directions} directions make no sense", hint=hint)
        if not spec.n_relus + spec.n_squares:
            raise UsageError("an expansion has ramps or squares")

    @classmethod
    def learn(cls, spec: FeatureSpec, given: Bytes, _seed: int, /) -> Learned:
        from mnistcli.features.projection import principal_directions

        directions, shift = principal_directions(given, spec.n_directions)
        return {"directions": directions, "shift": shift}

    @classmethod
    def shapes(cls, spec: FeatureSpec, n_columns: int, /) -> dict[str, tuple[int, ...]]:
        return {"directions": (spec.n_directions, n_columns), "shift": (spec.n_directions,)}

    @classmethod
    def count(cls, spec: FeatureSpec, /) -> int:
        return spec.n_relus + spec.n_squares

    @classmethod
    def describe(cls, spec: FeatureSpec, before: str, /) -> str:
        functions = f"{spec.n_relus:,} ramps and {spec.n_squares:,} squares"
        return f"{functions} of {spec.n_directions} directions of {before}"

    def transform(self, given: Bytes) -> Bytes:
        import numpy as np

        n_relus = len(self.offset)
        s = (given.astype(np.float32) @ self.directions.T - self.shift) @ self.mixture
        s[:, :n_relus] = np.maximum(s[:, :n_relus] + self.offset, 0)
        s[:, n_relus:] *= s[:, n_relus:]
        s = np.minimum(s, 255, out=s)
        s += np.float32(0.5)
        return s.astype(np.uint8)

    def filters(self) -> tuple[Float32s, ...]:
        is_of_pixels = self.directions.shape[1] == N_PIXELS
        return (self.directions.reshape(-1, *IMAGE_SHAPE),) if is_of_pixels else ()
