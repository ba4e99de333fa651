"""How much of which typical patch is where: the features of the better models.

A digit is straightened and brought close to a standard size. Around every second pixel, a patch is
compared with filters that were learned without labels. Likeness above a threshold is added up over
squares of 8 x 8 pixels, of which the square root is taken, and squares that lie close together are
averaged; and so may be several drawings of the digit, each turned and moved a little:

    mean over squares near a point of
        sqrt(sum over the square of max(0, filter . (patch - mean) / contrast - threshold))

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

from mnistcli.features import POINTS_ACROSS
from mnistcli.features.deskew import normalised
from mnistcli.features.filters import learn_filters
from mnistcli.features.geometry import SIDE
from mnistcli.parallel import map_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistcli.settings import FeatureSpec

THRESHOLD = 0.4
STRIDE = 2  # pixels from one patch to the next
SQUARE = 8  # pixels, the side of a square over which likeness is added up,
NEARNESS = 2  # and how far from a point squares are averaged.
# How an image is turned (degrees) and moved (pixels, x and y) to be looked at once, or four times.
VIEWS = {1: ((0, 0, 0),), 4: ((5, -0.4, -0.4), (-5, 0.4, -0.4), (5, 0.4, 0.4), (-5, -0.4, 0.4))}
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
    n_views : int
        Drawings of an image over which likeness is averaged.
    """

    filters: tuple[NDArray[np.float32], ...]
    factors: NDArray[np.float32]
    n_views: int = 1

    @classmethod
    def learn(cls, images: NDArray[np.uint8], spec: FeatureSpec, seed: int) -> Patches:
        """Learn filters from training images of shape (n, 28, 28), uint8; labels play no part."""
        rng = np.random.default_rng([seed, 2])
        ink = normalised(images) / np.float32(255)
        filters = tuple(learn_filters(ink, side, spec.n_filters, rng) for side in spec.sides)
        some = images[:_N_FOR_SCALE]
        largest = np.concatenate(
            map_blocks(
                lambda block: _averaged(some[block], filters, spec.n_views).max(axis=0)[None],
                len(some),
                _IMAGES_PER_BLOCK,
            )
        ).max(axis=0)
        factors = 255 / (_HEADROOM * np.maximum(largest, 1e-3))
        return cls(filters, factors.astype(np.float32), spec.n_views)

    @property
    def n_features(self) -> int:
        """The number of features of an image."""
        return len(self.factors)

    def transform(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn images of shape (n, 28, 28) into features of shape (n, n_features)."""
        out = np.empty((len(images), self.n_features), dtype=np.uint8)

        def work(block: slice) -> None:
            likeness = _averaged(images[block], self.filters, self.n_views)
            likeness *= self.factors
            likeness += np.float32(0.5)
            out[block] = np.minimum(likeness, np.float32(255))

        map_blocks(work, len(images), _IMAGES_PER_BLOCK)
        return out

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Give what was learned, by name."""
        named = {f"filters{side_of(filters)}": filters for filters in self.filters}
        return {**named, "factors": self.factors}


def side_of(filters: NDArray[np.float32]) -> int:
    """Give the side of the patches in pixels."""
    return math.isqrt(filters.shape[1])


def _averaged(
    images: NDArray[np.uint8], filters: tuple[NDArray[np.float32], ...], n_views: int
) -> NDArray[np.float32]:
    """Give the features of images of shape (n, 28, 28) as they are before they become bytes."""
    looks = (
        _likeness(normalised(images, view) / np.float32(255), filters) for view in VIEWS[n_views]
    )
    return np.asarray(sum(looks) / np.float32(n_views))


def _likeness(
    ink: NDArray[np.float32], filters: tuple[NDArray[np.float32], ...]
) -> NDArray[np.float32]:
    """Give the features of one drawing of each image.

    Parameters
    ----------
    ink : ndarray of shape (n, 28, 28), float32, 0 to 1

    Returns
    -------
    ndarray of shape (n, n_features), float32
        Filter by filter within a point, point by point within a size of patches.
    """
    squares, points = _squares(), _points()
    parts = []
    for each in filters:
        sums = _both_ways(squares, _places(ink, each))
        parts.append(_both_ways(points, np.sqrt(sums, out=sums)).reshape(len(ink), -1))
    return np.concatenate(parts, axis=1)


def _places(ink: NDArray[np.float32], filters: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compare every patch with every filter, (n, n_places, n_places, n_filters)."""
    n, side = len(ink), side_of(filters)
    reach = side // 2
    padded = np.zeros((n, SIDE + 2 * reach, SIDE + 2 * reach), dtype=np.float32)
    padded[:, reach : reach + SIDE, reach : reach + SIDE] = ink
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
    patches = np.ascontiguousarray(windows[:, ::STRIDE, ::STRIDE])
    # Filters have mean 0, so only the contrast needs the mean of a patch: sums over a box.
    box = _box(side)
    sums, powers = box @ ink @ box.T, box @ (ink * ink) @ box.T
    contrast = np.sqrt(np.maximum(powers - sums * sums / side**2, 0) + np.float32(_PAPER))
    likeness = patches.reshape(-1, side * side) @ filters.T
    likeness /= contrast.reshape(-1, 1)
    likeness -= np.float32(THRESHOLD)
    np.maximum(likeness, 0, out=likeness)
    return likeness.reshape(*patches.shape[:3], len(filters))


def _both_ways(weights: NDArray[np.float32], maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Add up maps of shape (n, k, k, n_filters) along both axes by weights of shape (m, k)."""
    n, k, _, n_filters = maps.shape
    rows = weights @ maps.reshape(n, k, k * n_filters)
    return np.asarray(weights @ rows.reshape(n, len(weights), k, n_filters))


def _box(side: int) -> NDArray[np.float32]:
    """Give the matrix that adds up ``side`` pixels around every place, (n_places, 28)."""
    places, pixels = np.arange(0, SIDE, STRIDE)[:, None], np.arange(SIDE)
    return np.asarray(np.abs(places - pixels) <= side // 2, dtype=np.float32)


def _squares() -> NDArray[np.float32]:
    """Give the matrix that adds up the places of every square, (n_squares, n_places)."""
    n_places, across = SIDE // STRIDE, SQUARE // STRIDE
    first, place = np.arange(n_places - across + 1)[:, None], np.arange(n_places)
    return np.asarray((first <= place) & (place < first + across), dtype=np.float32)


def _points() -> NDArray[np.float32]:
    """Give the matrix that averages the squares near every point, (POINTS_ACROSS, n_squares)."""
    square = np.arange((SIDE - SQUARE) // STRIDE + 1)
    point = np.linspace(0, square[-1], POINTS_ACROSS)[:, None]
    is_near = np.abs(point - square) * STRIDE <= NEARNESS
    return np.asarray(is_near / is_near.sum(axis=1, keepdims=True), dtype=np.float32)
