"""Images that are no digits, or two, made of digits or of nothing: what typicality learns from.

What a network is to refuse is best shown to it, even if only made up (Hendrycks, Mazeika and
Dietterich, Deep anomaly detection with outlier exposure, 2019). The same images come out each time.
"""

import numpy as np

from mnistcli.arrays import Bytes, Float32s, Float64s, Places
from mnistcli.features.geometry import IMAGES_PER_BLOCK, sampled
from mnistcli.mnist import IMAGE_SIDE
from mnistcli.parallel import map_blocks

_LONGEST, _MIDDLE = 20, (IMAGE_SIDE - 1) / 2  # pixels: the longest side of a digit
# By how many pixels two overlap, and how much lower than the left one the right one is, on average.
_OVERLAP, _LOWER = (-1, 3), 2
_INK = 100  # a level
# Of a pen: how often an image has 1, 2, ... strokes, and how many points each of them has; how often
# a stroke begins to bend otherwise, and turns a corner, and by how many radians.
_N_STROKES, _N_POINTS = (0.18, 0.4, 0.28, 0.14), 60
_BENDS, _CORNERS = (3, 4.0), (0.6, 1.6)
# How long strokes are, how far from the one before some are, and how many touch it.
_LENGTHS, _APART, _TOUCHING = (0.25, 1.4), 0.4, 0.8
_THICKNESS, _PRESSURE = (0.65, 1.2), 190  # pixels, a standard deviation; makes their middle 255


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
    n = len(images) // 2
    left, right = images[:n].astype(np.float32), images[n : 2 * n].astype(np.float32)
    # How many columns are empty, in each row, where they meet, and in all rows on the other sides.
    apart = (_margins(left[:, :, ::-1]) + _margins(right)).min(axis=1)
    before, after = _margins(left).min(axis=1), _margins(right[:, :, ::-1]).min(axis=1)
    rng = np.random.default_rng(0)
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


def pen_strokes(n: int) -> Bytes:
    """Return images of one to four strokes of a pen, (n, 28, 28), placed and as thick as digits."""
    rng = np.random.default_rng(0)
    shape = n, len(_N_STROKES), _N_POINTS

    def now_and_then(how_often: float, spread: float) -> Float64s:
        return rng.normal(0, spread, shape) * (rng.random(shape) * _N_POINTS < how_often)

    turns = now_and_then(*_BENDS).cumsum(axis=2) / _N_POINTS + now_and_then(*_CORNERS)
    heading = rng.uniform(0, 2 * np.pi, (*shape[:2], 1)) + turns.cumsum(axis=2)
    steps = rng.uniform(*_LENGTHS, (*shape[:2], 1)) / _N_POINTS
    path = np.stack([steps * np.cos(heading), steps * np.sin(heading)], axis=-1).cumsum(axis=2)
    every = np.arange(n)
    for k in range(1, len(_N_STROKES)):
        there, here = (path[every, j, rng.integers(0, _N_POINTS, n)] for j in (k - 1, k))
        away = rng.normal(0, _APART, (n, 2)) * (rng.random((n, 1)) > _TOUCHING)
        path[:, k] += (there + away - here)[:, None]
    n_drawn = 1 + rng.choice(len(_N_STROKES), (n, 1), p=_N_STROKES)
    is_drawn = (np.arange(len(_N_STROKES)) < n_drawn)[..., None]
    path = np.where(is_drawn[..., None], path, path[:, :1]).reshape(n, -1, 2)
    ink = np.broadcast_to(steps * is_drawn, shape).reshape(n, -1, 1)
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
