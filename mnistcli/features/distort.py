"""Distorted copies of training images: as other hands might have written the same digit.

Elastic distortion (Simard, Steinkraus and Platt, ICDAR 2003): random displacements, smoothed by a
Gaussian, on top of a small rotation, scaling and shift.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mnistcli.features.geometry import sampled
from mnistcli.mnist import IMAGE_SIDE
from mnistcli.parallel import map_blocks

SMOOTHING = 4.0  # pixels, the standard deviation of the Gaussian
DISPLACEMENT = 1.0  # pixels, about the root mean square of one coordinate
ROTATION = 6.0  # degrees at most
SCALING = 0.06  # at most, for each axis
SHIFT = 0.7  # pixels at most, for each axis
# Another number would make other copies.
_IMAGES_PER_SEED = 256


def distort(images: NDArray[np.uint8], seed: Sequence[int]) -> NDArray[np.uint8]:
    """Distort each image of shape (n, 28, 28) once."""
    out = np.empty(images.shape, dtype=np.uint8)

    def warp(block: slice) -> None:
        # Of the block's own: the same for any number of threads.
        rng = np.random.default_rng([*seed, block.start])
        x, y = _sources(block.stop - block.start, rng)
        out[block] = np.round(sampled(images[block].astype(np.float32), x, y))

    map_blocks(warp, len(images), _IMAGES_PER_SEED)
    return out


def _sources(n: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return where in the image each pixel of each copy comes from: x and y, (n, 28, 28)."""
    middle = (IMAGE_SIDE - 1) / 2
    grid = np.arange(IMAGE_SIDE, dtype=np.float32) - middle

    def uniform(largest: float) -> NDArray[np.float32]:
        return rng.uniform(-largest, largest, (n, 1, 1)).astype(np.float32)

    angle = uniform(np.deg2rad(ROTATION))
    stretch_x, stretch_y = 1 + uniform(SCALING), 1 + uniform(SCALING)
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = grid[None, None, :], grid[None, :, None]
    dx, dy = _smooth_fields(n, rng)
    source_x = (cos * x - sin * y) * stretch_x + uniform(SHIFT) + middle + dx
    source_y = (sin * x + cos * y) * stretch_y + uniform(SHIFT) + middle + dy
    return source_x, source_y


def _smooth_fields(n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw displacements of shape (2, n, 28, 28)."""
    grid = np.arange(IMAGE_SIDE)
    gauss = np.exp(-((grid[:, None] - grid) ** 2) / (2 * SMOOTHING**2))
    gauss /= gauss.sum(axis=1, keepdims=True)
    # Smoothing shrinks uniform noise, whose standard deviation is 1 / sqrt(3), by this much.
    kept = float((gauss[IMAGE_SIDE // 2] ** 2).sum())
    factor = DISPLACEMENT * np.sqrt(3.0) / kept
    gauss32 = gauss.astype(np.float32)
    noise = rng.random((2, n, IMAGE_SIDE, IMAGE_SIDE), dtype=np.float32) * 2 - 1
    return np.asarray(gauss32 @ noise @ gauss32.T * np.float32(factor))
