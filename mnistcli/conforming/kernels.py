"""What enlarging makes of the pixels of a small picture: how much of each is in each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mnistcli.conforming.types import Ink

    Floats = NDArray[np.float64]


class Kernel(NamedTuple):
    """What a small pixel becomes.

    Attributes
    ----------
    weight : callable
        Takes distances from the centre of a small pixel in such pixels, their size, and of how many
        neighbouring pixels of the picture a sample is the mean.
    reach : int
        How far it reaches, in small pixels.
    """

    weight: Callable[[Floats, Floats, int], Floats]
    reach: int


def _nearest(x: Floats, size: Floats, n: int) -> Floats:
    """Give the share of a sample that lies inside the square that a pixel becomes."""
    return ((1 + n / size) / 2 - np.abs(x)).clip(0, n / size)


def _for_means(weight: Callable[[Floats], Floats]) -> Callable[[Floats, Floats, int], Floats]:
    """Turn the weights at a point into those in the mean of n points in a row."""

    def mean(x: Floats, size: Floats, n: int) -> Floats:
        if n == 1:
            return weight(x)
        # Two points that spread as far as the n do.
        spread = np.sqrt((n * n - 1) / 12) / size
        return (weight(x - spread) + weight(x + spread)) / 2

    return mean


@_for_means
def _bilinear(x: Floats) -> Floats:
    return (1 - np.abs(x)).clip(0)


@_for_means
def _bicubic(x: Floats) -> Floats:
    """Keys's convolution (1981) with a = -1/2, which is the usual one."""
    x = np.abs(x).clip(max=2)
    return np.where(x < 1, (1.5 * x - 2.5) * x * x + 1, ((2.5 - 0.5 * x) * x - 4) * x + 2)


@_for_means
def _lanczos(x: Floats) -> Floats:
    x = x.clip(-3, 3)
    return np.sinc(x) * np.sinc(x / 3)


NEAREST, BICUBIC = Kernel(_nearest, 1), Kernel(_bicubic, 2)
KERNELS = (NEAREST, Kernel(_bilinear, 1), BICUBIC, Kernel(_lanczos, 3))


class Samples(NamedTuple):
    """A picture along one axis.

    Attributes
    ----------
    at : ndarray of shape (n,)
        Where the samples are, in pixels of the picture.
    n_averaged : int
        Of how many neighbouring pixels each sample is the mean.
    """

    at: Floats
    n_averaged: int


def weights_of(samples: Samples, sizes: Floats, starts: Floats, kernel: Kernel) -> Ink:
    """Give the weight of each small pixel in each sample.

    Returns
    -------
    ndarray of shape (n_grids, n_samples, n_pixels), float32
        Pixels are counted from the first one that shows.
    """
    at, n = samples
    reach = kernel.reach + (n > 1)
    place = (at - starts[:, None]) / sizes[:, None] - 0.5  # pixel i has its centre at i
    nearest = np.floor(place).astype(np.intp) - reach + 1
    pixels = nearest[:, :, None] + np.arange(2 * reach)
    near = kernel.weight(place[:, :, None] - pixels, sizes[:, None, None], n)
    near /= near.sum(axis=2, keepdims=True)
    n_pixels = int((at[-1] - at[0]) / sizes.min()) + 2 * reach + 2
    weights = np.zeros((len(sizes), len(at), n_pixels), np.float32)
    np.put_along_axis(weights, pixels - nearest.min(axis=1)[:, None, None], near, axis=2)
    return weights
