"""Many random functions of what a first stage sees: the second stage of the better models."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mnistcli.errors import UsageError
from mnistcli.features.kinds import Stage
from mnistcli.mnist import IMAGE_SHAPE, N_PIXELS

if TYPE_CHECKING:
    from mnistcli.arrays import Bytes, Float32s
    from mnistcli.features.kinds import Learned

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

    @cached_property
    def functions(self) -> tuple[Float32s, Float32s]:
        """Mixture and offsets, the factors multiplied in.

        Their shapes are (n_directions, n_relus + n_squares) and (n_relus,).
        """
        import numpy as np

        from mnistcli.features.projection import bits_of, normal_numbers

        n_relus = self.spec.n_relus
        mixture = normal_numbers(self.spec.n_directions, self.count())
        mixture[:, :n_relus] *= np.float32(_RAMP)
        mixture[:, n_relus:] *= np.float32(_SQUARE**0.5)
        bits = bits_of(np.uint32(2**31) + np.arange(n_relus, dtype=np.uint32))
        return mixture, (_RAMP * (bits / 2**32 - 0.5)).astype(np.float32)

    def check(self) -> None:
        if not 0 < self.spec.n_directions <= self.n_columns:
            hint = f"what is expanded has 1 to {self.n_columns:,}"
            raise UsageError(f"{self.spec.n_directions} directions make no sense", hint=hint)
        if not self.spec.n_relus + self.spec.n_squares:
            raise UsageError("an expansion has ramps or squares")

    def learn(self, given: Bytes, _seed: int, /) -> Learned:
        from mnistcli.features.projection import principal_directions

        how = self.spec.n_directions, self.spec.whitening
        directions, shift = principal_directions(given, *how)
        return {"directions": directions, "shift": shift}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        n_directions = self.spec.n_directions
        return {"directions": (n_directions, self.n_columns), "shift": (n_directions,)}

    def count(self) -> int:
        return self.spec.n_relus + self.spec.n_squares

    def describe(self, before: str, /) -> str:
        functions = f"{self.spec.n_relus:,} ramps and {self.spec.n_squares:,} squares"
        return f"{functions} of {self.spec.n_directions} directions of {before}"

    def transform(self, given: Bytes) -> Bytes:
        import numpy as np

        (mixture, offset), n_relus = self.functions, self.spec.n_relus
        along = given.astype(np.float32) @ self.arrays["directions"].T - self.arrays["shift"]
        s = along @ mixture
        s[:, :n_relus] += offset
        s[:, n_relus:] *= s[:, n_relus:]
        s.clip(0, 255, out=s)
        s += np.float32(0.5)
        return s.astype(np.uint8)

    def filters(self) -> tuple[Float32s, ...]:
        is_of_pixels = self.arrays["directions"].shape[1] == N_PIXELS
        return (self.arrays["directions"].reshape(-1, *IMAGE_SHAPE),) if is_of_pixels else ()
