"""Images that are no digits, or two, made of digits or of nothing: what typicality learns from.

What a network is to refuse is best shown to it, even if only made up (Hendrycks, Mazeika and
Dietterich, Deep anomaly detection with outlier exposure, 2019). The same images come out each time.
"""

from pathlib import Path

import numpy as np

from mnistcli.arrays import Bytes, Float32s, Float64s, Places
from mnistcli.features.geometry import IMAGES_PER_BLOCK, moments, sampled
from mnistcli.mnist import IMAGE_SIDE
from mnistcli.parallel import map_blocks

_LONGEST, _MIDDLE = 20, (IMAGE_SIDE - 1) / 2  # pixels: the longest side of a digit
# By how many pixels two overlap, and how much lower than the left one the right one is, on average.
_OVERLAP, _LOWER = (-1, 3), 2
_LEANING = 0.15  # columns per row, a standard deviation, between two digits of one hand
_INK = 100  # a level
# Letters and signs of other shapes than digits, a word each: strokes with a dash in between, from point to point
# across and down, 0 to 4.
_SIGNS = Path(__file__).with_name("signs.txt")
# How far each point lies from there, how far a whole stroke, how often and how much corners are
# rounded off, how wide a sign is, as a logarithm, and how slanted.
_UNSURE, _APART, _ROUNDED, _SLANT = (0.1, 0.4), 0.3, (0.6, 0.35), 0.2
_WIDTH = (-0.25, 0.35)
_N_POINTS = 180  # of all strokes of a sign together
_THICKNESS, _PRESSURE = (0.5, 1.0), 190  # pixels, a standard deviation; makes their middle 255


def pieced_together(images: Bytes) -> Bytes:
    """Return images that are no digits, mostly: two halves, one over another, a quarter turned."""
    a, b, c, d = np.array_split(images, 4)
    half = IMAGE_SIDE // 2
    top_and_bottom = np.concatenate([a[:, :half], np.roll(a, 1, axis=0)[:, half:]], axis=1)
    left_and_right = np.concatenate([b[:, :, :half], np.roll(b, 1, axis=0)[:, :, half:]], axis=2)
    over = np.maximum(c, np.roll(np.roll(c, 1, axis=0), 4, axis=2))
    return np.concatenate([top_and_bottom, left_and_right, over, np.rot90(d, axes=(1, 2))])


def side_by_side(images: Bytes) -> Bytes:
    """Return images of two digits that touch or overlap, half as many, about as large as one."""
    n, rng = len(images) // 2, np.random.default_rng(0)
    digits = images[: 2 * n].astype(np.float32)
    at = moments(digits)
    # One hand wrote both, and leans alike.
    slant = at.slant + rng.normal(0, _LEANING, 2 * n)
    left, right = digits[np.argsort(slant)].reshape(n, 2, *digits.shape[1:]).swapaxes(0, 1)
    # How many columns are empty, in each row, where they meet, and in all rows on the other sides.
    apart = (_margins(left[:, :, ::-1]) + _margins(right)).min(axis=1)
    before, after = _margins(left).min(axis=1), _margins(right[:, :, ::-1]).min(axis=1)
    start = IMAGE_SIDE - apart - rng.uniform(*_OVERLAP, n)  # of the right one, in the left one
    end = start + IMAGE_SIDE - after
    grid = np.maximum((end - before) / _LONGEST, 1)[:, None] * (np.arange(IMAGE_SIDE) - _MIDDLE)
    x = ((before + end - 1) / 2)[:, None] + grid
    places = np.broadcast_arrays(x[:, None, :], (_MIDDLE + grid)[:, :, None])
    moved = np.stack([start, rng.normal(0, _LOWER, n)])[:, :, None, None]
    x, y = np.stack([places, places - moved], axis=1).astype(np.float32)
    ink = sampled(left, x[0], y[0]), sampled(right, x[1], y[1])
    return np.asarray(np.maximum(*ink), dtype=np.uint8)


def _margins(images: Float32s) -> Places:
    """Return how many columns are empty before the ink of each row, (n, 28)."""
    ink = images > _INK
    return np.where(ink.any(axis=2), ink.argmax(axis=2), IMAGE_SIDE)


def every_sign() -> list[str]:
    """Return the strokes of each letter and sign, as `_SIGNS` has them."""
    return _SIGNS.read_text("ascii").split()


def signs(n: int) -> Bytes:
    """Return images of letters and signs, drawn with a pen, (n, 28, 28), placed and thick as digits."""
    rng, every = np.random.default_rng(0), every_sign()
    path, is_down = np.empty((n, _N_POINTS, 2)), np.ones((n, _N_POINTS), dtype=np.bool_)
    for k, sign in enumerate(every):
        own, strokes = slice(k, n, len(every)), sign.split("-")
        n_own, n_points = len(path[own]), _N_POINTS // len(strokes)
        unsure = rng.uniform(*_UNSURE, (n_own, 1, 1))
        is_rounded = rng.random((n_own, 1, 1)) < _ROUNDED[0]
        lines = []
        for stroke in strokes:
            corners = np.array([*map(int, stroke)]).reshape(-1, 2)
            moved = corners + unsure * rng.normal(size=(n_own, *corners.shape))
            moved += rng.normal(0, _APART, (n_own, 1, 2))
            rounded, sharp = (_along(len(corners), n_points, each) for each in (_ROUNDED[1], 0))
            lines.append(np.where(is_rounded, rounded @ moved, sharp @ moved))
        path[own] = np.concatenate(lines, axis=1)
        is_down[own, n_points - 1 :: n_points] = False
    path[..., 0] *= np.exp(rng.normal(*_WIDTH, (n, 1)))
    path[..., 0] -= rng.normal(0, _SLANT, (n, 1)) * path[..., 1]
    ink = np.linalg.norm(np.diff(path, axis=1, append=path[:, -1:]), axis=2, keepdims=True)
    ink *= is_down[..., None]
    thick = rng.uniform(*_THICKNESS, (n, 1, 1)).astype(np.float32)
    size = (_LONGEST - 2.6 * thick) / np.ptp(path, axis=1).max(axis=1)[:, None, None]
    path -= (path * ink).sum(axis=1, keepdims=True) / ink.sum(axis=1, keepdims=True)
    x, y = np.moveaxis(_MIDDLE + size * path, -1, 0).astype(np.float32)
    ink = (ink * size).astype(np.float32) / thick
    out = np.empty((n, IMAGE_SIDE, IMAGE_SIDE), dtype=np.uint8)
    grid = np.arange(IMAGE_SIDE, dtype=np.float32)

    def draw(block: slice) -> None:
        across, down = (
            np.exp(((each[block, :, None] - grid) / thick[block]) ** 2 / -2) for each in (x, y)
        )
        levels = np.swapaxes(down * ink[block], 1, 2) @ across
        out[block] = np.minimum(levels * _PRESSURE, 255)

    map_blocks(draw, n, IMAGES_PER_BLOCK)
    return out


def _along(n_corners: int, n_points: int, rounded: float) -> Float64s:
    """Return what corners weigh at each point of a line from one to the next, (n_points, n_corners)."""
    last = n_corners - 1
    near = np.linspace(0, last, n_points) + np.linspace(-rounded, rounded, 7)[:, None]
    away = np.abs(np.clip(near, 0, last)[..., None] - np.arange(n_corners))
    return np.asarray(np.maximum(1 - away, 0).mean(axis=0), dtype=np.float64)
