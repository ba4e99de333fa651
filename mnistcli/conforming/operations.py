"""Tools for small pictures: resampling, windows, connected pieces; NumPy only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from mnistcli.conforming.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistcli.conforming.types import Ink, Mask
    from mnistcli.pictures import Grey

_T = TypeVar("_T", np.bool_, np.float32)

# What varies slowly, such as light, is looked at with so many pixels a side.
COARSE_SIDE = 96


# --- resampling ---------------------------------------------------------------------------------


def shrunk(grey: Grey, k: int) -> Ink:
    """Average blocks of k x k pixels; float32, 0..255."""
    if k == 1:
        return grey.astype(np.float32)
    height, width = (-(-side // k) for side in grey.shape)
    missing = height * k - grey.shape[0], width * k - grey.shape[1]
    if any(missing):
        grey = np.pad(grey, ((0, missing[0]), (0, missing[1])), "edge")
    # Two additions of whole rows are quicker than a mean over two axes.
    rows = np.add.reduce(grey.reshape(height, k, width * k), axis=1, dtype=np.uint32)
    sums = np.add.reduce(rows.reshape(height, width, k), axis=2)
    means: Ink = (sums / np.float32(k * k)).astype(np.float32)
    return means


def averaged(ink: Ink, box: Box, height: int, width: int) -> Ink:
    """Resample a box to height x width by exact area averaging."""
    rows = area_weights(ink.shape[0], box.top, box.bottom, height)
    columns = area_weights(ink.shape[1], box.left, box.right, width)
    return (rows @ ink @ columns.T).astype(np.float32, copy=False)


def area_weights(n: int, start: float, stop: float, n_out: int) -> Ink:
    """Weights of shape (n_out, n): the share of each input pixel in each output pixel."""
    edges = start + (stop - start) / n_out * np.arange(n_out + 1, dtype=np.float32)
    pixels = np.arange(n, dtype=np.float32)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights: Ink = np.maximum(overlap, 0) * np.float32(n_out / (stop - start))
    return weights


def coarse(picture: Ink) -> Ink:
    """Average to at most 96 pixels a side, which is plenty for shadows."""
    k = -(-max(picture.shape) // COARSE_SIDE)
    height, width = (-(-side // k) for side in picture.shape)
    return averaged(picture, Box(0, picture.shape[0], 0, picture.shape[1]), height, width)


def stretched(picture: Ink, height: int, width: int) -> Ink:
    """Interpolate linearly between pixel centres."""
    rows, columns = (_linear(n, m) for n, m in zip((height, width), picture.shape, strict=True))
    return (rows @ picture @ columns.T).astype(np.float32, copy=False)


def _linear(n_out: int, n: int) -> Ink:
    at = ((np.arange(n_out) + 0.5) * n / n_out - 0.5).clip(0, n - 1)
    return (1 - np.abs(at[:, None] - np.arange(n))).clip(0).astype(np.float32)


def surface(a: Ink, where: Mask) -> Ink:
    """Fit a polynomial of degree 2 in both coordinates to what lies within a mask."""
    terms = [(i, j) for i in range(3) for j in range(3 - i)]
    y, x = (np.linspace(-1, 1, n)[:, None] ** np.arange(5) for n in a.shape)
    moments = y.T @ where @ x
    products = y.T @ np.where(where, a, 0) @ x
    gram = [[moments[i + k, j + m] for k, m in terms] for i, j in terms]
    factors = np.zeros((5, 5))
    rows, columns = zip(*terms, strict=True)
    factors[rows, columns] = np.linalg.lstsq(gram, products[rows, columns], rcond=1e-9)[0]
    return (y @ factors @ x.T).astype(np.float32)


# --- windows ------------------------------------------------------------------------------------


def box_mean(a: Ink, window: int) -> Ink:
    """Mean over a square window of odd side."""
    half = window // 2
    for _ in range(2):
        sums = np.pad(a, ((half + 1, half), (0, 0)), "edge").cumsum(axis=0, dtype=np.float64)
        a = ((sums[window:] - sums[:-window]) / window).astype(np.float32).T
    return a


def window_max(a: NDArray[_T], reach: int) -> NDArray[_T]:
    """Maximum over a square window that reaches so far to every side; also for masks."""
    window = 2 * reach + 1
    for _ in range(2):
        a = np.pad(a, ((reach, reach), (0, 0)), "edge")
        size = 1  # of the window so far; two that overlap make up any size up to twice theirs
        while size < window:
            step = min(size, window - size)
            a = np.maximum(a[:-step], a[step:])
            size += step
        a = a.T
    return a


def quantile(a: NDArray[np.float32], share: float) -> float:
    """Return a quantile; `numpy.quantile` imports numpy.ma, which takes as long as Pillow."""
    at = share * (a.size - 1)
    low, high = int(at), min(int(at) + 1, a.size - 1)
    parted = np.partition(a, (low, high), axis=None)
    return float(parted[low] + (parted[high] - parted[low]) * np.float32(at - low))


def median(a: NDArray[np.float32]) -> float:
    """Return the median; see `quantile`."""
    return quantile(a, 0.5)


# --- masks --------------------------------------------------------------------------------------


def span(mask: Mask, axis: int) -> slice:
    """Return the range along an axis from the first hit to the last; there must be one."""
    hit = np.flatnonzero(mask.any(axis=1 - axis))
    return slice(int(hit[0]), int(hit[-1]) + 1)


def largest_square(mask: Mask) -> int:
    """Side of the largest square that is all ink."""
    total = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int32)
    total[1:, 1:] = mask.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)
    low, high = 0, min(mask.shape)
    while low < high:
        k = (low + high + 1) // 2
        inside = total[k:, k:] - total[:-k, k:] - total[k:, :-k] + total[:-k, :-k]
        low, high = (k, high) if (inside == k * k).any() else (low, k - 1)
    return low


class Pieces(NamedTuple):
    """The 8-connected pieces of a mask: runs of pixels in a row, and which piece each belongs to.

    The first four arrays say where each run lies and the number of its piece from 0, (n_runs,), the
    others the box of each piece and its number of pixels, (n,).
    """

    shape: tuple[int, ...]  # of the mask
    row: NDArray[np.intp]
    start: NDArray[np.intp]
    stop: NDArray[np.intp]
    piece: NDArray[np.intp]
    top: NDArray[np.intp]
    bottom: NDArray[np.intp]
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    area: NDArray[np.intp]

    @property
    def n(self) -> int:
        """Count the pieces."""
        return len(self.area)

    @property
    def height(self) -> NDArray[np.intp]:
        """Pixels from top to bottom of each."""
        return self.bottom - self.top

    @property
    def width(self) -> NDArray[np.intp]:
        """Pixels from left to right of each."""
        return self.right - self.left

    @property
    def at_border(self) -> Mask:
        """Which ones touch the border of the picture."""
        height, width = self.shape
        touching: Mask = (
            (self.top == 0) | (self.left == 0) | (self.bottom == height) | (self.right == width)
        )
        return touching

    def sums(self, values: NDArray[np.generic]) -> NDArray[np.float64]:
        """Add up values of the picture's shape over each piece."""
        total = np.zeros((values.shape[0], values.shape[1] + 1))
        np.cumsum(values, axis=1, out=total[:, 1:])
        of_runs = total[self.row, self.stop] - total[self.row, self.start]
        return np.bincount(self.piece, of_runs, self.n).astype(np.float64, copy=False)

    def peaks(self, values: Ink) -> Ink:
        """Return the largest value in each piece."""
        flat = np.append(values.ravel(), np.float32(-np.inf))
        at = self.row * values.shape[1]
        of_runs = np.maximum.reduceat(flat, np.stack([at + self.start, at + self.stop], 1).ravel())
        largest = np.full(self.n, -np.inf, np.float32)
        np.maximum.at(largest, self.piece, of_runs[::2])
        return largest

    def mask(self, wanted: Mask) -> Mask:
        """Select the pixels of some pieces."""
        change = np.zeros((self.shape[0], self.shape[1] + 1), np.int8)
        runs = wanted[self.piece]
        change[self.row[runs], self.start[runs]] = 1
        change[self.row[runs], self.stop[runs]] -= 1
        return np.cumsum(change, axis=1, dtype=np.int8)[:, :-1].astype(np.bool_)


def pieces_of(mask: Mask) -> Pieces:
    """Find the 8-connected pieces of a mask.

    Runs of each row are nodes, touching runs of neighbouring rows are edges; every node takes the
    smallest number it can see until nothing changes.
    """
    height, width = mask.shape
    row = width + 2
    flat = np.zeros((height, row), np.int8)
    flat[:, 1:-1] = mask
    steps = np.diff(flat.ravel())
    starts, stops = (steps == 1).nonzero()[0], (steps == -1).nonzero()[0]
    # In flat coordinates the row above is width + 2 earlier; a run touches another when it starts
    # no later than one past the other's end, and ends no earlier than one before its start.
    low = np.searchsorted(stops, starts - row, side="left")
    high = np.searchsorted(starts, stops - row, side="right")
    counts = np.maximum(high - low, 0)
    below = np.repeat(np.arange(len(starts)), counts)
    above = np.arange(counts.sum()) + np.repeat(low - counts.cumsum() + counts, counts)
    names = np.arange(len(starts))
    while True:
        smaller = np.minimum(names[below], names[above])
        before = names.copy()
        np.minimum.at(names, names[below], smaller)
        np.minimum.at(names, names[above], smaller)
        names = names[names]
        if (names == before).all():
            break
    is_root = names == np.arange(len(names))
    piece = (is_root.cumsum() - 1)[names]
    n, rows = int(is_root.sum()), starts // row
    first, last = starts - rows * row, stops - rows * row
    top, left = np.full(n, height), np.full(n, width)
    bottom, right = np.zeros(n, np.intp), np.zeros(n, np.intp)
    np.minimum.at(top, piece, rows)
    np.maximum.at(bottom, piece, rows + 1)
    np.minimum.at(left, piece, first)
    np.maximum.at(right, piece, last)
    area = np.bincount(piece, last - first, n).astype(np.intp)
    return Pieces(mask.shape, rows, first, last, piece, top, bottom, left, right, area)
