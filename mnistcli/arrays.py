"""Arrays by what they hold, and rows of features that a fit reads in blocks."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]  # pixels, features
Bools = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]
Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Labels = NDArray[np.integer[Any]]
Places = NDArray[np.intp]

_Numbers = slice | Places


class Rows(Protocol):
    """What an array, in memory or mapped from a file, has of itself: features, row by row.

    A block depends on nothing but its numbers: any thread of any process may read it, as often as
    it likes, and gets the same values, which it does not write to.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """The numbers of rows and of features."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the values, uint8 where they are not an array's."""

    def __getitem__(self, numbers: _Numbers, /) -> NDArray[Any]:
        """Return a range of rows, or some by their numbers, in the order given."""


@dataclass(frozen=True, slots=True, eq=False)
class SomeRows:
    """Some rows of others, read when they are asked for: a block's, a fold's, or two classes'."""

    source: Rows
    numbers: range | Places

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self.numbers), self.source.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.source.dtype

    def __getitem__(self, numbers: _Numbers, /) -> NDArray[Any]:
        if not isinstance(self.numbers, range):
            return self.source[self.numbers[numbers]]
        if not isinstance(numbers, slice):
            return self.source[self.numbers.start + numbers]
        some = self.numbers[numbers]
        return self.source[some.start : some.stop]
