"""Tools for small pictures: resampling, windows, connected pieces; NumPy only."""

import bisect
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from mnistcli.arrays import Float32s, Float64s, Places
from mnistcli.conforming.types import Box, Ink, Mask
from mnistcli.pictures import Grey

_T = TypeVar("_T", np.bool_, np.uint8, np.float32)


# --- resampling ---------------------------------------------------------------------------------


def shrink(grey: Grey, k: int) -> Ink:
    """Average blocks of k x k pixels; float32, 0..255."""
    if k == 1:
        return grey.astype(np.float32)
    height, width = (-(-side // k) for side in grey.shape)
    missing = height * k - grey.shape[0], width * k - grey.shape[1]
    if any(missing):
        grey = np.pad(grey, ((0, missing[0]), (0, missing[1])), "edge")
    # Additions of whole rows and columns are ten times as quick as a mean over two axes.
    enough: type[np.unsignedinteger] = np.uint16 if k <= 16 else np.uint32
    rows = grey[::k].astype(enough)
    for i in range(1, k):
        rows += grey[i::k]
    sums = rows[:, ::k].copy()
    for i in range(1, k):
        sums += rows[:, i::k]
    return (sums / np.float32(k * k)).astype(np.float32, copy=False)


def enlarge(a: NDArray[_T], k: int, shape: tuple[int, ...]) -> NDArray[_T]:
    """Make k x k pixels of each, as many of them as were shrunk."""
    return a.repeat(k, axis=0)[: shape[0]].repeat(k, axis=1)[:, : shape[1]]


def average(ink: Ink, box: Box, height: int, width: int) -> Ink:
    """Resample a box to height x width by exact area averaging."""
    rows = area_weights(ink.shape[0], box.top, box.height, height)
    columns = area_weights(ink.shape[1], box.left, box.width, width)
    return (rows @ ink @ columns.T).astype(np.float32, copy=False)


def area_weights(n: int, start: float | Float64s, length: float, n_out: int) -> Ink:
    """Weights of shape (..., n_out, n): the share of each input pixel in each output pixel.

    There may be several places at which the first of these starts, of shape (...).
    """
    step = np.float32(length / n_out)
    edges = np.asarray(start, np.float32)[..., None] + step * np.arange(n_out + 1, dtype=np.float32)
    # How much of each input pixel lies before each edge.
    before = (edges[..., None] - np.arange(n, dtype=np.float32)).clip(0, 1)
    weights: Ink = before[..., 1:, :] - before[..., :-1, :]
    weights /= step
    return weights


def stretch(picture: Ink, height: int, width: int) -> Ink:
    """Interpolate linearly between pixel centres."""
    weights = list[Ink]()
    for n_out, n in zip((height, width), picture.shape, strict=True):
        at = ((np.arange(n_out) + 0.5) * n / n_out - 0.5).clip(0, n - 1)
        weights.append((1 - np.abs(at[:, None] - np.arange(n))).clip(0).astype(np.float32))
    rows, columns = weights
    return (rows @ picture @ columns.T).astype(np.float32, copy=False)


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


def spread(a: Ink, where: Mask) -> Ink:
    """Fill what is outside a mask, which is not empty, with the mean of what is near and inside."""
    filled, known = np.where(where, a, np.float32(0)), where.astype(np.float32)
    window = 3
    while (todo := known == 0).any():
        weights, sums = box_mean(known, window), box_mean(filled, window)
        near = todo & (weights > 0)
        filled[near], known[near] = sums[near] / weights[near], 1
        window = 2 * window - 1
    return filled


# --- windows ------------------------------------------------------------------------------------


def box_mean(a: Ink, window: int) -> Ink:
    """Mean over a square window of odd side."""
    for _ in range(2):
        n, wide = len(a), _with_edges(a, window // 2)
        sums = wide[:n] + wide[1 : n + 1]
        for i in range(2, window):
            sums += wide[i : n + i]
        a = (sums / np.float32(window)).T
    return a


def window_max(a: NDArray[_T], reach: int) -> NDArray[_T]:
    """Maximum over a square window that reaches so far to every side; also for masks."""
    return _in_squares(a, 2 * reach + 1, np.maximum, reach)


def _in_squares(a: NDArray[_T], side: int, combine: np.ufunc, reach: int = 0) -> NDArray[_T]:
    """Combine what lies in each square of that side, which may reach so far beyond the edges."""
    for _ in range(2):
        a = _with_edges(a, reach)
        size = 1  # of the window so far; two that overlap make up any size up to twice theirs
        while size < side:
            step = min(size, side - size)
            a = combine(a[:-step], a[step:])
            size += step
        a = a.T
    return a


def _with_edges(a: NDArray[_T], reach: int) -> NDArray[_T]:
    """Repeat the first row and the last; much quicker than `numpy.pad`."""
    wide = np.empty((len(a) + 2 * reach, a.shape[1]), a.dtype)
    wide[:reach], wide[reach : reach + len(a)], wide[reach + len(a) :] = a[0], a, a[-1]
    return wide


def rim_of(a: NDArray[_T]) -> NDArray[_T]:
    """Return the pixels along the border, the corners twice."""
    return np.concatenate([a[0], a[-1], a[:, 0], a[:, -1]])


def pad(a: NDArray[_T]) -> NDArray[_T]:
    """Put a pixel of nothing around a picture."""
    wide = np.zeros((a.shape[0] + 2, a.shape[1] + 2), a.dtype)
    wide[1:-1, 1:-1] = a
    return wide


def quantile(a: Float32s | Float64s, share: float) -> float:
    """Return a quantile; `numpy.quantile` imports numpy.ma, which takes as long as Pillow."""
    at = share * (a.size - 1)
    low, high = int(at), min(int(at) + 1, a.size - 1)
    parted = np.partition(a, (low, high), axis=None)
    return float(parted[low] + (parted[high] - parted[low]) * np.float32(at - low))


def median(a: Float32s) -> float:
    """Return the median; see `quantile`."""
    return quantile(a, 0.5)


# --- masks --------------------------------------------------------------------------------------


def span(mask: Mask, axis: int) -> slice:
    """Return the range along an axis from the first hit to the last; there must be one."""
    hit = np.flatnonzero(mask.any(axis=1 - axis))
    return slice(int(hit[0]), int(hit[-1]) + 1)


def has_square(mask: Mask, side: int) -> bool:
    """Return whether there is a square of that side, 1 or more, that is all ink."""
    return min(mask.shape) >= side and bool(_in_squares(mask, side, np.logical_and).any())


def largest_square(mask: Mask) -> int:
    """Side of the largest square that is all ink."""
    sides = range(1, min(mask.shape) + 1)
    return bisect.bisect(sides, 0, key=lambda side: not has_square(mask, side))


def fill_holes(mask: Mask) -> Mask:
    """Fill the holes of a mask."""
    outside = pieces_of(~pad(mask))
    return np.asarray(~outside.mask(outside.at_border)[1:-1, 1:-1])


class Pieces(NamedTuple):
    """The 8-connected pieces of a mask: runs of pixels in a row, and which piece each belongs to.

    The first four arrays say where each run lies and the number of its piece from 0, (n_runs,), the
    others the box of each piece and its number of pixels, (n,).
    """

    shape: tuple[int, ...]  # of the mask
    row: Places
    start: Places
    stop: Places
    piece: Places
    top: Places
    bottom: Places
    left: Places
    right: Places
    area: Places
    has_hole: Mask  # which pieces have any

    @property
    def n(self) -> int:
        """Count the pieces."""
        return len(self.area)

    @property
    def height(self) -> Places:
        """Pixels from top to bottom of each."""
        return self.bottom - self.top

    @property
    def width(self) -> Places:
        """Pixels from left to right of each."""
        return self.right - self.left

    @property
    def thickness(self) -> Float64s:
        """Mean thickness of each in pixels, as of a stroke along its box."""
        thickness: Float64s = self.area / (self.height + self.width)
        return thickness

    @property
    def at_border(self) -> Mask:
        """Which ones touch the border of the picture."""
        height, width = self.shape
        at_start = (self.top == 0) | (self.left == 0)
        return np.asarray(at_start | (self.bottom == height) | (self.right == width))

    def sums(self, values: NDArray[np.generic]) -> Float64s:
        """Add up values of the picture's shape over each piece."""
        of_runs = self._of_runs(np.add, values, 0)
        return np.bincount(self.piece, of_runs, self.n).astype(np.float64, copy=False)

    def peaks(self, values: Ink) -> Ink:
        """Return the largest value in each piece."""
        largest = np.full(self.n, -np.inf, np.float32)
        np.maximum.at(largest, self.piece, self._of_runs(np.maximum, values, -np.inf))
        return largest

    def _of_runs(self, combine: np.ufunc, values: NDArray[np.generic], nothing: float) -> Ink:
        flat = np.append(values.ravel(), np.float32(nothing))
        at = self.row * values.shape[1]
        between = np.stack([at + self.start, at + self.stop], 1).ravel()
        of_runs: Ink = combine.reduceat(flat, between)[::2]
        return of_runs

    def among(self, members: Sequence[int]) -> Mask:
        """Tell some pieces, by their numbers, from the others, (n,)."""
        wanted = np.zeros(self.n, np.bool_)
        wanted[list(members)] = True
        return wanted

    def pixels(self, members: Sequence[int], part: tuple[slice, slice] | None = None) -> Mask:
        """Return the pixels of some pieces, by their numbers; see `mask`."""
        return self.mask(self.among(members), part)

    def box(self, i: int) -> tuple[slice, slice]:
        """Return where a piece lies."""
        return slice(self.top[i], self.bottom[i]), slice(self.left[i], self.right[i])

    def alone(self, i: int) -> Mask:
        """Return the pixels of one piece in its box."""
        return self.pixels([i], self.box(i))

    def mask(self, wanted: Mask, part: tuple[slice, slice] | None = None) -> Mask:
        """Select the pixels of some pieces, in the picture or a part of it that they lie within."""
        rows, columns = part or (slice(0, self.shape[0]), slice(0, self.shape[1]))
        height, width = rows.stop - rows.start, columns.stop - columns.start
        runs = wanted[self.piece]
        at = (self.row[runs] - rows.start) * width - columns.start
        edges = np.zeros(2 * len(at) + 2, np.intp)
        edges[1:-1:2], edges[2:-1:2] = at + self.start[runs], at + self.stop[runs]
        edges[-1] = height * width
        is_ink = np.arange(len(edges) - 1) % 2 == 1
        return np.asarray(is_ink.repeat(edges[1:] - edges[:-1]).reshape(height, width))


def pieces_of(mask: Mask) -> Pieces:
    """Find the 8-connected pieces of a mask.

    Runs of each row are nodes, touching runs of neighbouring rows are edges. Every node takes the
    number of the first that it touches above, and then, until nothing changes, the smallest number
    that it can see.
    """
    height, width = mask.shape
    row = width + 2
    flat = np.zeros((height, row), np.bool_)
    flat[:, 1:-1] = mask
    flat = flat.ravel()
    steps = (flat[1:] != flat[:-1]).nonzero()[0]
    starts, stops = steps[::2], steps[1::2]
    # In flat coordinates the row above is width + 2 earlier; a run touches another when it starts
    # no later than one past the other's end, and ends no earlier than one before its start.
    low = stops.searchsorted(starts - row, side="left")
    counts = starts.searchsorted(stops - row, side="right") - low
    numbers = np.arange(len(starts))
    names = np.where(counts > 0, low, numbers)
    for _ in range(height.bit_length()):  # up to the first row, in steps twice as long each time
        names = names[names]
    below = np.repeat(numbers, counts)
    above = np.arange(counts.sum()) + np.repeat(low - counts.cumsum() + counts, counts)
    while (apart := names[below] != names[above]).any():
        below, above = below[apart], above[apart]
        pair = names[below], names[above]
        np.minimum.at(names, np.maximum(*pair), np.minimum(*pair))
        while (names != (names := names[names])).any():  # until all are their own
            pass
    is_root = names == numbers
    piece = (is_root.cumsum() - 1)[names]
    rows = starts // row
    first, last = starts - rows * row, stops - rows * row
    # Runs come row by row, and a piece is named after its first.
    top = rows[is_root]
    n, bottom = len(top), np.zeros_like(top)
    bottom[piece] = rows + 1
    left, right = np.full(n, width), np.zeros(n, np.intp)
    np.minimum.at(left, piece, first)
    np.maximum.at(right, piece, last)
    area = np.bincount(piece, last - first, n).astype(np.intp)
    # As Euler found, there are as many runs as edges, and one more, where there is no hole.
    has_hole = np.bincount(piece, counts - 1, n) >= 0
    return Pieces(mask.shape, rows, first, last, piece, top, bottom, left, right, area, has_hole)
