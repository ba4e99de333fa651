"""Many random functions of what a first stage sees: the second stage of the better models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnistcli.errors import UsageError
from mnistcli.features.kinds import Features
from mnistcli.parallel import map_blocks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mnistcli.features.kinds import FeatureSpec, Learned

# Principal directions are those of so many images; a user's training set may be sorted, but comes
# here permuted.
_N_FOR_DIRECTIONS = 20_000
_RAMP, _SQUARE = 80, 25  # what functions are multiplied with to become bytes
_IMAGES_AT_ONCE = 2000
_IMAGES_PER_BLOCK = 128


@dataclass(frozen=True, slots=True, eq=False)
class Expansion(Features):
    """Ramps and squares of random mixtures of the principal directions of a first stage.

    With x the bytes of the first stage, of shape (n_columns,), and ``@`` a matrix product:

        z = directions @ x - shift
        s = z @ mixture                        (n_relus + n_squares,)
        ramps = 80 * max(0, s[:n_relus] + offset)
        squares = 25 * s[n_relus:] ** 2
        feature = floor(min(255, ramp or square) + 1/2)

    A linear model of these is, but for chance, one with a kernel (Rahimi and Recht, Random features
    for large-scale kernel machines, NIPS 2007; Cho and Saul, Kernel methods for deep learning, NIPS
    2009). The mixture and the offsets are fixed numbers that no model holds:
    ``normal_numbers(n_directions, n_relus + n_squares)``, and ``bits_of(2**31 + j) / 2**32 - 1/2``
    for ramp j; see `projection`.
    """

    summary = "random ramps and squares of its principal directions"
    settings = ("n_directions", "n_relus", "n_squares")
    defaults = {"n_directions": 150, "n_relus": 2000, "n_squares": 1000}  # noqa: RUF012 - as above
    has_pixel_weights = False

    first: Features | None  # None for pixels
    directions: NDArray[np.float32]  # (n_directions, n_columns)
    shift: NDArray[np.float32]  # (n_directions,)
    mixture: NDArray[np.float32]  # (n_directions, n_relus + n_squares), the factors multiplied in
    offset: NDArray[np.float32]  # (n_relus,), likewise

    @classmethod
    def check(cls, spec: FeatureSpec, /) -> None:
        n_columns = spec.before.features.count(spec.before)
        if not 0 < spec.n_directions <= n_columns:
            raise UsageError(
                f"{spec.n_directions} directions make no sense",
                hint=f"{spec.before.kind} have 1 to {n_columns:,}",
            )
        if not spec.n_relus + spec.n_squares:
            raise UsageError("an expansion has ramps or squares")

    @classmethod
    def learn(cls, spec: FeatureSpec, images: NDArray[np.uint8], seed: int, /) -> Expansion:
        from mnistcli.features.projection import principal_directions

        first = spec.before.features.learn(spec.before, images, seed)
        some = images[:_N_FOR_DIRECTIONS]
        rows = first.transform(some) if first else some.reshape(len(some), -1)
        directions, shift = principal_directions(rows, spec.n_directions)
        return cls._of(spec, first, directions, shift)

    @classmethod
    def from_arrays(cls, spec: FeatureSpec, arrays: Learned, /) -> Expansion:
        first = spec.before.features.from_arrays(spec.before, arrays)
        return cls._of(spec, first, arrays["directions"], arrays["shift"])

    @classmethod
    def _of(
        cls,
        spec: FeatureSpec,
        first: Features | None,
        directions: NDArray[np.float32],
        shift: NDArray[np.float32],
    ) -> Expansion:
        import numpy as np

        from mnistcli.features.projection import bits_of, normal_numbers

        mixture = normal_numbers(spec.n_directions, spec.n_relus + spec.n_squares)
        mixture[:, : spec.n_relus] *= np.float32(_RAMP)
        mixture[:, spec.n_relus :] *= np.float32(_SQUARE**0.5)
        bits = bits_of(np.uint32(2**31) + np.arange(spec.n_relus, dtype=np.uint32))
        offset = _RAMP * (bits / 2**32 - 0.5)
        return cls(first, directions, shift, mixture, offset.astype(np.float32))

    @classmethod
    def shapes(cls, spec: FeatureSpec, /) -> dict[str, tuple[int, ...]]:
        before = spec.before
        directions = (spec.n_directions, before.features.count(before))
        own = {"directions": directions, "shift": (spec.n_directions,)}
        return {**before.features.shapes(before), **own}

    @classmethod
    def count(cls, spec: FeatureSpec, /) -> int:
        return spec.n_relus + spec.n_squares

    @classmethod
    def describe(cls, spec: FeatureSpec, /) -> str:
        functions = f"{spec.n_relus:,} ramps and {spec.n_squares:,} squares"
        of_what = f"{spec.n_directions} directions of {spec.before.features.describe(spec.before)}"
        return f"{cls.count(spec):,} features: {functions} of {of_what}"

    def transform(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        import numpy as np

        n_relus = len(self.offset)
        out = np.empty((len(images), self.mixture.shape[1]), dtype=np.uint8)
        for start in range(0, len(images), _IMAGES_AT_ONCE):
            some = images[start : start + _IMAGES_AT_ONCE]
            rows = self.first.transform(some) if self.first else some.reshape(len(some), -1)
            expanded = out[start : start + len(some)]

            def expand(
                block: slice,
                rows: NDArray[np.uint8] = rows,
                expanded: NDArray[np.uint8] = expanded,
            ) -> None:
                z = rows[block].astype(np.float32) @ self.directions.T - self.shift
                s = z @ self.mixture
                s[:, :n_relus] += self.offset
                np.maximum(s[:, :n_relus], 0, out=s[:, :n_relus])
                s[:, n_relus:] *= s[:, n_relus:]
                expanded[block] = np.minimum(s, 255, out=s) + np.float32(0.5)

            map_blocks(expand, len(some), _IMAGES_PER_BLOCK)
        return out

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        of_first = self.first.arrays() if self.first else {}
        return {**of_first, "directions": self.directions, "shift": self.shift}

    def filters(self) -> tuple[NDArray[np.float32], ...]:
        return self.first.filters() if self.first else ()
