"""The pixels of an enlarged picture, found again.

Enlarging a small picture puts a copy of a kernel w in the place of each pixel, k apart,

    large(y, x) = sum_ij small[i, j] w((y - p) / k - i) w((x - q) / k - j)

and cuts off what leaves the range of grey levels. Averaging such a picture down again blurs it a
second time, and falls between its pixels. Least squares do neither: the size k and the starts p and
q that leave the least unexplained are the grid, and the solution on that grid is the small picture.
As w is a product, rows and columns can be fitted one after the other.

Drawings and photographs have no such grid. Their edges are sharper than pixels of this size, and
wherever a grid is laid, about as much stays unexplained.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnistcli.conforming.kernels import BICUBIC, KERNELS, NEAREST, Kernel, Samples, weights_of
from mnistcli.conforming.operations import area_weights
from mnistcli.conforming.types import BOX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mnistcli.conforming.types import Digit, Ink

    Floats = NDArray[np.float64]

# A pixel smaller than this was not enlarged, and edges sharper than this share of one are none.
SMALLEST_PIXEL, SHARPEST_EDGE = 1.5, 0.6
# The grid is searched for with so many samples of each pixel; more say the same.
SAMPLES = 3
# Sizes to try first, and next, as multiples of what the digit's extent says: noise hides faint
# first rows, and each one of twenty that is not seen makes the others seem smaller.
SIZES = np.array([[0.99, 1.0, 1.01], [0.98, 1.02, 1.035], [1.05, 1.065, 1.08]])
N_STARTS = 8
# What the best grid leaves unexplained, as a share of what a grid laid anywhere leaves: so little
# is beyond doubt, and so little is enough.
BEYOND_DOUBT, ENOUGH = 0.5, 0.8
# A size within this share of a whole number is that number if it explains about as well.
NEARLY_WHOLE, ABOUT_AS_WELL = 0.015, 1.05
# Edges this soft, in small pixels, may come from a kernel like bicubic, and sharper ones than the
# second from pixels that became squares.
BICUBIC_EDGE, SQUARE_EDGE = 1.05, 1.25
# Keeps pixels that hardly show from taking just any value; those that show less are left out.
RIDGE, LEAST_SHOWN = 1e-4, 0.35
# Grey levels within this distance of paper and full ink may have been cut off. So many rounds of
# least squares put them back.
CUT_OFF, N_ROUNDS = 0.03, 4
# What a fit leaves over in each sample, in full ink: JPEG and cut-off levels leave 0.012 at most,
# noise six tenths of its own; a drawing on other pixels leaves 0.02 to 0.09.
LEFT_OVER, LEFT_OVER_OF_NOISE = 0.016, 0.75
# Ink below so many standard deviations of that is none.
FAINTEST = 2.5


class _Axis(NamedTuple):
    """Samples along one axis, and a few values for each, which are means over the other axis."""

    samples: Samples
    values: Ink

    @property
    def middle(self) -> float:
        return float(self.samples.at[0] + self.samples.at[-1]) / 2


class _Grid(NamedTuple):
    """The size of a pixel, and where one starts on each axis, in pixels of the picture."""

    size: float
    starts: tuple[float, float]


class _View(NamedTuple):
    """A picture, and where its rows and columns are."""

    ink: Ink
    rows: Samples
    columns: Samples

    def axes(self, size: float) -> tuple[_Axis, _Axis]:
        """See it along both axes, with about one value for each small pixel across."""
        across = [
            area_weights(n, 0, n, max(1, round(n * self.rows.n_averaged / size)))
            for n in self.ink.shape
        ]
        return (
            _Axis(self.rows, self.ink @ across[1].T),
            _Axis(self.columns, self.ink.T @ across[0].T),
        )


class _Fit(NamedTuple):
    """A small picture, the large one without its cut, and what it leaves unexplained."""

    small: Ink
    whole: Ink
    misfit: float


def original_pixels(digit: Digit, edge_width: float) -> Ink | None:
    """Undo the enlargement of a picture in which the digit was 20 pixels long.

    Parameters
    ----------
    digit : Digit
    edge_width : float
        How soft the edges of strokes are, in pixels of the small picture.

    Returns
    -------
    ndarray of shape (height, width), float32, at most 20 x 20, or None
        Ink, 0 to 1; None where the picture does not look like an enlargement.
    """
    n_samples = digit.box.longest / BOX
    if n_samples < SMALLEST_PIXEL or edge_width < SHARPEST_EDGE:
        return None
    size = n_samples * digit.reduction
    fine = _surroundings(digit, round(2 * n_samples))
    coarse = _averaged(fine, max(1, int(n_samples / SAMPLES)))

    kernels = [NEAREST] * (edge_width < SQUARE_EDGE) + [BICUBIC] * (edge_width > BICUBIC_EDGE)
    axes = coarse.axes(size)
    found = _rough_grid(axes, size, kernels)
    if found is None:
        return None
    grid = _refined(axes, *found)
    fits = {kernel: _fitted(coarse, grid, kernel) for kernel in KERNELS}
    kernel = min(fits, key=lambda k: fits[k].misfit)
    axes = coarse._replace(ink=fits[kernel].whole).axes(size)
    grid = _whole(axes, _refined(axes, grid, kernel), kernel)
    fit = _fitted(fine, grid, kernel)
    left_over = np.sqrt(fit.misfit / fine.ink.size)
    if left_over > LEFT_OVER + digit.noise * LEFT_OVER_OF_NOISE:
        return None
    faintest = FAINTEST * left_over * digit.reduction / grid.size
    return _most_inked(np.where(fit.small > faintest, fit.small, np.float32(0)))


def _surroundings(digit: Digit, margin: int) -> _View:
    box = digit.box
    top, left = (max(0, int(edge) - margin) for edge in (box.top, box.left))
    bottom, right = (int(np.ceil(edge)) + margin for edge in (box.bottom, box.right))
    return _view(digit.ink[top:bottom, left:right], digit.reduction)


def _view(ink: Ink, n_averaged: int) -> _View:
    rows, columns = (Samples(n_averaged * np.arange(0.5, n), n_averaged) for n in ink.shape)
    return _View(ink, rows, columns)


def _averaged(view: _View, n: int) -> _View:
    """Average blocks of n x n samples."""
    if n == 1:
        return view
    height, width = (side // n for side in view.ink.shape)
    blocks = view.ink[: height * n, : width * n].reshape(height, n, width, n)
    return _view(blocks.mean(axis=(1, 3)), n * view.rows.n_averaged)


# --- searching ----------------------------------------------------------------------------------


def _rough_grid(
    axes: tuple[_Axis, _Axis], size: float, kernels: Sequence[Kernel]
) -> tuple[_Grid, Kernel] | None:
    """Try grids of all sizes and starts; None if the best one is not much better than others."""
    best, found = ENOUGH, None
    for sizes in size * SIZES:
        for kernel in kernels:
            share, grid = _best_grid(axes, sizes, kernel)
            if share < best:
                best, found = share, (grid, kernel)
        if best < BEYOND_DOUBT:
            break
    return found


def _best_grid(axes: tuple[_Axis, _Axis], sizes: Floats, kernel: Kernel) -> tuple[float, _Grid]:
    """Find the best of some sizes and all starts, and what it leaves compared to other starts."""
    shares = np.arange(N_STARTS) / N_STARTS
    tried = np.repeat(sizes, N_STARTS), np.outer(sizes, shares).ravel()
    misfits = np.array([_misfits(axis, *tried, kernel).reshape(-1, N_STARTS) for axis in axes])
    i = int(misfits.min(axis=2).sum(axis=0).argmin())
    at_best = misfits[:, i]
    first, second = (float(sizes[i] * shares[m.argmin()]) for m in at_best)
    share = float(at_best.min(axis=1).sum() / np.median(at_best, axis=1).sum())
    return share, _Grid(float(sizes[i]), (first, second))


def _refined(axes: tuple[_Axis, _Axis], grid: _Grid, kernel: Kernel) -> _Grid:
    """Move size and starts to the minimum of parabolas through their neighbours."""
    step, shift = 0.006 * grid.size, grid.size / (2 * N_STARTS)
    for _ in range(2):
        sizes = grid.size + step * np.array([-1, 0, 1])
        misfits = np.zeros(3)
        moves = []
        for axis, start in zip(axes, grid.starts, strict=True):
            # Where the size grows around the middle, the best start moves the least.
            starts = axis.middle - (axis.middle - start) * sizes / grid.size
            tried = starts[:, None] + shift * np.array([-1, 0, 1])
            around = _misfits(axis, np.repeat(sizes, 3), tried.ravel(), kernel).reshape(3, 3)
            lowest = [_lowest(*m) for m in around]
            misfits += [low for _, low in lowest]
            moves.append((starts, shift * np.array([at for at, _ in lowest])))
        at, _ = _lowest(*misfits)
        first, second = (float(np.interp(at, [-1, 0, 1], s + m)) for s, m in moves)
        grid = _Grid(grid.size + step * at, (first, second))
        step, shift = step / 3, shift / 3
    return grid


def _lowest(left: float, middle: float, right: float) -> tuple[float, float]:
    """Find the minimum of a parabola through three points at -1, 0 and 1, no further out."""
    slope, bend = (right - left) / 2, left + right - 2 * middle
    at = float(np.clip(-slope / bend, -1, 1)) if bend > 0 else -float(np.sign(slope))
    return at, middle + slope * at + bend * at * at / 2


def _whole(axes: tuple[_Axis, _Axis], grid: _Grid, kernel: Kernel) -> _Grid:
    """Take the nearest whole size, and whole starts, if it is near and explains about as well."""
    size = max(1.0, round(grid.size))
    if abs(size - grid.size) > NEARLY_WHOLE * grid.size:
        return grid
    starts = []
    before = after = 0.0
    for axis, start in zip(axes, grid.starts, strict=True):
        at = axis.middle - (axis.middle - start) * size / grid.size
        for shift in size / np.array([24, 72]):
            tried = at + shift * np.array([-1, 0, 1])
            at += shift * _lowest(*_misfits(axis, np.full(3, size), tried, kernel))[0]
        starts.append(round(at))
        both = np.array([grid.size, size]), np.array([start, round(at)])
        misfits = _misfits(axis, *both, kernel)
        before, after = before + misfits[0], after + misfits[1]
    return _Grid(size, (starts[0], starts[1])) if after < ABOUT_AS_WELL * before else grid


def _misfits(axis: _Axis, sizes: Floats, starts: Floats, kernel: Kernel) -> Floats:
    """Say how much of a picture each of some grids, given by their sizes and starts, leaves over.

    Smaller pixels are more and always explain more; the share of the noise that they would explain
    by chance is taken out.
    """
    weights = weights_of(axis.samples, sizes, starts, kernel)
    weights_t = weights.transpose(0, 2, 1)
    gram = weights_t @ weights
    pixels = np.arange(gram.shape[1])
    gram[:, pixels, pixels] += RIDGE * gram[:, pixels, pixels].max()
    products = weights_t @ axis.values
    explained = (products * np.linalg.solve(gram, products)).sum(axis=(1, 2), dtype=np.float64)
    left: Floats = (axis.values**2).sum(dtype=np.float64) - explained
    return left / (1 - axis.samples.n_averaged / sizes)


# --- solving ------------------------------------------------------------------------------------


def _fitted(view: _View, grid: _Grid, kernel: Kernel) -> _Fit:
    """Find the small picture on a grid.

    Kernels that overshoot make ink darker than full and paper lighter than paper, which enlarging
    cut off. What was cut off is taken from the fit, and the rest is fitted again.
    """
    (rows, rows_inverse), (columns, columns_inverse) = (
        _solver(samples, grid.size, start, kernel)
        for samples, start in zip((view.rows, view.columns), grid.starts, strict=True)
    )
    whole = view.ink
    for _ in range(N_ROUNDS):
        small = (rows_inverse @ whole @ columns_inverse.T).clip(0, 1)
        large = rows @ small @ columns.T
        is_cut = ((large < 0) & (view.ink < CUT_OFF)) | ((large > 1) & (view.ink > 1 - CUT_OFF))
        whole = np.where(is_cut, large, view.ink)
    return _Fit(small, whole, float(((whole - large) ** 2).sum()))


def _solver(samples: Samples, size: float, start: float, kernel: Kernel) -> tuple[Ink, Ink]:
    """Give the weights of small pixels that show, and their pseudoinverse."""
    (weights,) = weights_of(samples, np.array([size]), np.array([start]), kernel)
    shown = (weights**2).sum(axis=0)
    weights = weights[:, shown > LEAST_SHOWN * shown.max()]
    gram = weights.T @ weights
    gram[np.diag_indices_from(gram)] += RIDGE * gram.max()
    return weights, np.linalg.solve(gram, weights.T)


def _most_inked(small: Ink) -> Ink:
    """Cut out the 20 rows and 20 columns that hold the most ink."""
    for _ in range(2):
        above = np.concatenate([[0], small.sum(axis=1).cumsum()])
        if len(small) > BOX:
            first = int((above[BOX:] - above[:-BOX]).argmax())
            small = small[first : first + BOX]
        small = small.T
    return small
