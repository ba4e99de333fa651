"""How much of which typical patch is where: the features of the better models.

Around every second pixel of a straightened digit, a patch is compared with filters that were
learned without labels. Likeness above a threshold is added up over overlapping squares, of which
the square root is taken:

    sqrt(sum over a square of max(0, filter . (patch - mean) / contrast - threshold))

One layer of a convolutional network, but for the training: filters come from k-means (Coates, Lee
and Ng, An analysis of single-layer networks in unsupervised feature learning, AISTATS 2011).
Features are rounded to bytes, like pixels: they take a quarter of the memory and everything that
works on pixels works on them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnistcli.features import N_SQUARES
from mnistcli.features.deskew import SIDE, straighten
from mnistcli.features.filters import learn_filters
from mnistcli.parallel import map_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIDE = 2  # pixels between patches,
N_PLACES = SIDE // STRIDE  # so many in each direction.
THRESHOLD = 0.3
SQUARE = 4  # places, the side of a square over which likeness is added up,
SQUARE_STRIDE = 2  # and places from one square to the next.
SQUARES_ACROSS = (N_PLACES - SQUARE) // SQUARE_STRIDE + 1
# Added to the squared contrast: a patch of paper is like nothing.
_PAPER = 0.05
# A feature's largest value among so many images, and a tenth more, becomes 255.
_N_FOR_SCALE = 2000
_HEADROOM = 1.1
# What a thread works on at a time fits its cache.
_IMAGES_PER_BLOCK = 32


@dataclass(frozen=True, slots=True, eq=False)
class Patches:
    """Learned filters, and what their features are multiplied with to become bytes.

    Attributes
    ----------
    filters : tuple of ndarray of shape (n_filters, side * side), float32
        One for each size of patch; all sides odd.
    factors : ndarray of shape (n_features,), float32
    """

    filters: tuple[NDArray[np.float32], ...]
    factors: NDArray[np.float32]

    @classmethod
    def learn(
        cls, images: NDArray[np.uint8], sides: tuple[int, ...], n_filters: int, seed: int
    ) -> Patches:
        """Learn filters from training images; labels play no part.

        Parameters
        ----------
        images : ndarray of shape (n, 28, 28), uint8
        sides : tuple of int
        n_filters : int
            For each side.
        seed : int
        """
        rng = np.random.default_rng([seed, 2])
        ink = straighten(images) / np.float32(255)
        filters = tuple(learn_filters(ink, side, n_filters, rng) for side in sides)
        n_features = sum(map(len, filters)) * N_SQUARES
        unscaled = cls(filters, np.ones(n_features, dtype=np.float32))
        largest = unscaled._sums(ink[:_N_FOR_SCALE]).max(axis=0)
        factors = 255 / (_HEADROOM * np.maximum(largest, 1e-3))
        return cls(filters, factors.astype(np.float32))

    @property
    def n_features(self) -> int:
        """The number of features of an image."""
        return len(self.factors)

    def transform(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn images of shape (n, 28, 28) into features of shape (n, n_features)."""
        out = np.empty((len(images), self.n_features), dtype=np.uint8)

        def work(block: slice) -> None:
            sums = self._sums(straighten(images[block]) / np.float32(255))
            sums *= self.factors
            sums += np.float32(0.5)
            out[block] = np.minimum(sums, np.float32(255))

        map_blocks(work, len(images), _IMAGES_PER_BLOCK)
        return out

    def _sums(self, ink: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the features as they are before they become bytes."""
        parts = [_likeness(ink, filters) for filters in self.filters]
        return np.concatenate(parts, axis=1)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Give what was learned, by name."""
        named = {f"filters{side_of(filters)}": filters for filters in self.filters}
        return {**named, "factors": self.factors}


def side_of(filters: NDArray[np.float32]) -> int:
    """Give the side of the patches in pixels."""
    return math.isqrt(filters.shape[1])


def _likeness(ink: NDArray[np.float32], filters: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compare patches with filters and add up over squares.

    Parameters
    ----------
    ink : ndarray of shape (n, 28, 28), float32, 0 to 1
    filters : ndarray of shape (n_filters, side * side), float32

    Returns
    -------
    ndarray of shape (n, N_SQUARES * n_filters), float32
    """
    n, side = len(ink), side_of(filters)
    reach = side // 2
    padded = np.zeros((n, SIDE + 2 * reach, SIDE + 2 * reach), dtype=np.float32)
    padded[:, reach : reach + SIDE, reach : reach + SIDE] = ink
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
    patches = np.empty((n, N_PLACES, N_PLACES, side, side), dtype=np.float32)
    patches[...] = windows[:, ::STRIDE, ::STRIDE]
    # Filters have mean 0, so only the contrast needs the mean of a patch: sums over a box.
    box = _box(side)
    sums, squares = box @ ink @ box.T, box @ (ink * ink) @ box.T
    contrast = np.sqrt(np.maximum(squares - sums * sums / side**2, 0) + np.float32(_PAPER))
    likeness = patches.reshape(-1, side * side) @ filters.T
    likeness /= contrast.reshape(-1, 1)
    likeness -= np.float32(THRESHOLD)
    np.maximum(likeness, 0, out=likeness)
    pool = _squares()
    n_filters = len(filters)
    rows = pool @ likeness.reshape(n, N_PLACES, N_PLACES * n_filters)
    both = pool @ rows.reshape(n, SQUARES_ACROSS, N_PLACES, n_filters)
    return np.asarray(np.sqrt(both.reshape(n, -1)), dtype=np.float32)


def _box(side: int) -> NDArray[np.float32]:
    """Give the matrix that adds up ``side`` pixels around every place, (N_PLACES, 28)."""
    places, pixels = np.arange(0, SIDE, STRIDE)[:, None], np.arange(SIDE)
    return np.asarray(np.abs(places - pixels) <= side // 2, dtype=np.float32)


def _squares() -> NDArray[np.float32]:
    """Give the matrix that adds up the places of every square, (SQUARES_ACROSS, N_PLACES)."""
    first = np.arange(SQUARES_ACROSS)[:, None] * SQUARE_STRIDE
    place = np.arange(N_PLACES)
    return ((first <= place) & (place < first + SQUARE)).astype(np.float32)
