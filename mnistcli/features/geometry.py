"""Where the ink of a digit is, and digits drawn elsewhere: slanted, stretched, bent."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistcli.mnist import IMAGE_SIDE

# What a thread works on at a time: as much as its cache holds.
IMAGES_PER_BLOCK = 32


class Moments(NamedTuple):
    """Means and covariances of where the ink is, in pixels; arrays of shape (n,), float32."""

    mean_x: NDArray[np.float32]
    mean_y: NDArray[np.float32]
    var_x: NDArray[np.float32]
    cov_xy: NDArray[np.float32]
    var_y: NDArray[np.float32]


def moments(images: NDArray[np.float32]) -> Moments:
    """Take the moments of images of shape (n, 28, 28), with the levels of the pixels as weights."""
    grid = np.arange(IMAGE_SIDE, dtype=np.float32)
    of_rows, of_columns = images.sum(axis=2), images.sum(axis=1)
    ink = np.maximum(of_rows.sum(axis=1), np.float32(1))
    mean_x, mean_y = of_columns @ grid / ink, of_rows @ grid / ink
    dx, dy = grid - mean_x[:, None], grid - mean_y[:, None]
    along_rows = images @ grid - mean_x[:, None] * of_rows
    return Moments(
        mean_x,
        mean_y,
        (dx * dx * of_columns).sum(axis=1) / ink,
        (dy * along_rows).sum(axis=1) / ink,
        (dy * dy * of_rows).sum(axis=1) / ink,
    )


def grown(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the maximum of each pixel and its four neighbours, of shape (..., height, width)."""
    wide = np.pad(ink, [(0, 0)] * (ink.ndim - 2) + [(1, 1)] * 2, "edge")
    columns, rows = wide[..., 1:-1, :], wide[..., 1:-1]
    sides = (rows[..., :-2, :], rows[..., 2:, :], columns[..., :-2], columns[..., 2:])
    return np.asarray(np.maximum.reduce([ink, *sides]))


def sampled(
    images: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Interpolate images linearly, each at its own places; outside there is no ink.
    Images have shape (n, 28, 28). Places x and y, columns and rows with 0 in the middle of the
    first pixel, have together the shape (n, k, l), which is returned.
    """
    n, width = len(images), IMAGE_SIDE + 3
    wide = np.zeros((n, width, width), dtype=np.float32)
    wide[:, 1 : IMAGE_SIDE + 1, 1 : IMAGE_SIDE + 1] = images
    x, y = np.clip(x, -1, IMAGE_SIDE) + 1, np.clip(y, -1, IMAGE_SIDE) + 1
    left, top = np.floor(x), np.floor(y)
    right_share, low_share = x - left, y - top
    at = top.astype(np.intp) * width + left.astype(np.intp)
    at += np.arange(n)[:, None, None] * width * width
    upper = wide.take(at) * (1 - right_share) + wide.take(at + 1) * right_share
    at += width
    lower = wide.take(at) * (1 - right_share) + wide.take(at + 1) * right_share
    return np.asarray(upper * (1 - low_share) + lower * low_share, dtype=np.float32)
