"""Tools for small pictures: resampling, morphology, connected pieces; NumPy only."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mnistcli.conforming.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistcli.conforming.types import Ink, Mask
    from mnistcli.pictures import Grey

_T = TypeVar("_T", np.bool_, np.float32)

# What varies slowly, such as light, is looked at with so many pixels a side.
COARSE_SIDE = 128


# --- resampling ---------------------------------------------------------------------------------


def shrunk(grey: Grey, k: int) -> Ink:
    """Average blocks of k x k pixels; float32, 0..255."""
    if k == 1:
        return grey.astype(np.float32)
    height, width = (-(-side // k) for side in grey.shape)
    missing = [(0, height * k - grey.shape[0]), (0, width * k - grey.shape[1])]
    padded = np.pad(grey, missing, "edge")
    means: Ink = padded.reshape(height, k, width, k).mean(axis=(1, 3), dtype=np.float32)
    return means


def averaged(ink: Ink, box: Box, height: int, width: int) -> Ink:
    """Resample a box to height x width by exact area averaging."""
    rows = area_weights(ink.shape[0], box.top, box.bottom, height)
    columns = area_weights(ink.shape[1], box.left, box.right, width)
    return (rows @ ink @ columns.T).astype(np.float32, copy=False)


def area_weights(n: int, start: float, stop: float, n_out: int) -> Ink:
    """Weights of shape (n_out, n): the share of each input pixel in each output pixel."""
    edges = np.linspace(start, stop, n_out + 1)
    pixels = np.arange(n)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights: Ink = (overlap.clip(0) * (n_out / (stop - start))).astype(np.float32)
    return weights


def coarse(picture: Ink) -> Ink:
    """Average to at most 128 pixels a side, which is plenty for shadows."""
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
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (window // 2, window // 2)
        a = np.lib.stride_tricks.sliding_window_view(np.pad(a, pad, "edge"), window, axis).mean(-1)
    return a


def window_max(a: Ink, window: int) -> Ink:
    """Maximum over a square window of odd side."""
    for _ in range(2):
        a = np.pad(a, ((window // 2, window // 2), (0, 0)), "edge")
        size = 1  # of the window so far; two that overlap make up any size up to twice theirs
        while size < window:
            step = min(size, window - size)
            a = np.maximum(a[:-step], a[step:])
            size += step
        a = a.T
    return a


def neighbours(a: Ink) -> Ink:
    """Return the mean of the four neighbours of each pixel."""
    p = np.pad(a, 1)
    total = p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:]
    return (total / 4).astype(np.float32, copy=False)


def grown(a: NDArray[_T], radius: int) -> NDArray[_T]:
    """Return the maximum over an octagon, made of crosses and squares in turn; also for masks."""
    for i in range(radius):
        across = _max_of_three(a, 1)
        is_square = i % 2 == 1
        a = _max_of_three(across, 0) if is_square else np.maximum(across, _max_of_three(a, 0))
    return a


def _max_of_three(a: NDArray[_T], axis: int) -> NDArray[_T]:
    a = a.swapaxes(0, axis)
    largest = a.copy()
    np.maximum(largest[1:], a[:-1], out=largest[1:])
    np.maximum(largest[:-1], a[1:], out=largest[:-1])
    return largest.swapaxes(0, axis)


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


def extent(mask: Mask, axis: int) -> int:
    """Count the pixels along an axis from the first to the last hit."""
    hits = span(mask, axis)
    return int(hits.stop - hits.start)


def border(shape: tuple[int, ...], thickness: int = 1) -> Mask:
    """Select what is so close to the border of a picture."""
    mask = np.ones(shape, np.bool_)
    mask[thickness:-thickness, thickness:-thickness] = False
    return mask


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


def components(mask: Mask) -> tuple[NDArray[np.intp], int]:
    """Label the 8-connected pieces of a mask from 1; 0 is background.

    Runs of each row are nodes, touching runs of neighbouring rows are edges; every node takes the
    smallest number it can see until nothing changes.
    """
    height, width = mask.shape
    flat = np.zeros((height, width + 2), np.int8)
    flat[:, 1:-1] = mask
    steps = np.diff(flat.ravel())
    starts, stops = (steps == 1).nonzero()[0], (steps == -1).nonzero()[0]
    # In flat coordinates the row above is width + 2 earlier; a run touches another when it starts
    # no later than one past the other's end, and ends no earlier than one before its start.
    row = width + 2
    low = np.searchsorted(stops, starts - row, side="left")
    high = np.searchsorted(starts, stops - row, side="right")
    counts = np.maximum(high - low, 0)
    below = np.repeat(np.arange(len(starts)), counts)
    above = (
        np.arange(counts.sum())
        - np.repeat(counts.cumsum() - counts, counts)
        + np.repeat(low, counts)
    )
    names = np.arange(len(starts))
    while True:
        smaller = np.minimum(names[below], names[above])
        before = names.copy()
        np.minimum.at(names, names[below], smaller)
        np.minimum.at(names, names[above], smaller)
        names = names[names]
        if (names == before).all():
            break
    roots, numbers = np.unique(names, return_inverse=True)
    change = np.zeros(flat.size, np.intp)
    change[starts + 1] = numbers + 1
    change[stops + 1] -= numbers + 1
    return change.cumsum().reshape(height, width + 2)[:, 1:-1], len(roots)
