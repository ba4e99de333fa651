"""Rows of bytes that a fit reads in blocks: of an array, of a file, or made anew each time."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class RowSource(Protocol):
    """Features of images and their copies in bytes, wherever they live.

    A block depends on nothing but its start and stop: any thread of any process may read it, as
    often as it likes, and gets the same bytes, which it does not write to. Rows are copy-major:
    row ``copy * n_samples + sample``, the images themselves being copy 0.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and of features."""

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Return a block of rows, of shape (stop - start, n_features)."""

    def take(self, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Return rows by their numbers, in the order given: a sample, not all of them at once."""


@dataclass(frozen=True, slots=True, eq=False)
class ArrayRows:
    """The rows of an array, in memory or mapped from a file."""

    array: NDArray[np.uint8]

    @property
    def shape(self) -> tuple[int, int]:
        return self.array.shape[0], self.array.shape[1]

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        return self.array[start:stop]

    def take(self, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        return self.array[rows]


@dataclass(frozen=True, slots=True, eq=False)
class SomeRows:
    """Some rows of another source, by their numbers: those of a fold, or of two classes."""

    source: RowSource
    numbers: NDArray[np.intp]  # (n_rows,)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.numbers), self.source.shape[1]

    def read(self, start: int, stop: int) -> NDArray[np.uint8]:
        return self.source.take(self.numbers[start:stop])

    def take(self, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        return self.source.take(self.numbers[rows])


@dataclass(frozen=True, slots=True, eq=False)
class SourceRows:
    """A range of the rows of a source where an array is expected: read when they are asked for."""

    source: RowSource
    start: int
    stop: int
    dtype: np.dtype[np.uint8] = field(default=np.dtype(np.uint8), init=False)

    @property
    def shape(self) -> tuple[int, int]:
        return self.stop - self.start, self.source.shape[1]

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> NDArray[np.uint8]:
        """Read a range of rows, or take some by their numbers."""
        if isinstance(rows, slice):
            first, last, _ = rows.indices(self.shape[0])
            return self.source.read(self.start + first, self.start + last)
        return self.source.take(self.start + rows)
