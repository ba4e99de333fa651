"""Deformed copies of training images, each found by its number: as other hands might have written.

Copy k of image i is the image, its strokes a little thicker or thinner, drawn at moved places:

    copy(p) = image(p + affine[a](p) + (elastic[b](p), elastic[c](p)))

where a, b, c and the strokes follow from hashing (seed, i, k). How far the elastic fields reach,
the root mean square of a coordinate in pixels, is a setting; they are as much smoother, Gaussians
of four times as many pixels. Smooth random fields are those of
Simard, Steinkraus and Platt (ICDAR 2003), their number and the way they are put together those of
infinite MNIST (Loosli, Canu and Bottou, Training invariant support vector machines using selective
sampling, 2007), which adds tangents where we interpolate. All is done in whole numbers, or in
products and sums of float64 that are rounded to such: the same bits on every machine.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from mnistcli.arrays import Bytes, Places
from mnistcli.features.kinds import Features, FeatureSpec
from mnistcli.features.projection import bits_of
from mnistcli.mnist import IMAGE_SIDE, N_PIXELS
from mnistcli.parallel import map_blocks

VERSION = 2  # of what copies come out; 1 were those of mnistcli 0.1 and 0.2

ROTATION = 0.105  # radians at most,
SHEAR = 0.1  # columns per row at most,
SCALING = 0.06  # at most, for each axis,
SHIFT = 0.7  # and pixels at most, for each axis.
STROKE = 0.5  # of what a pixel more or less around every stroke would change, at most

_N_FIELDS = 1024  # of each kind
_UNIT = 16  # places in a pixel
# How far the means reach that one after another smooth as a Gaussian of 4 pixels.
_REACHES = (3, 4, 4)
_WIDTH = 32  # of a row of an image with paper around it, of 2 ** 5 for quick arithmetic
_IMAGES_PER_BLOCK = 128  # what a core's cache holds
# Matrix products round alike where they have a multiple of so many rows.
_IMAGES_PER_PRODUCT = 32


def deformed(
    images: Bytes,
    indices: NDArray[np.integer],
    copies: NDArray[np.integer],
    seed: int,
    displacement: float = 1.0,
) -> Bytes:
    """Return a copy of each image of shape (n, 28, 28), by where it stands in its dataset.

    The indices and the numbers of the copies have shape (n,); copy 0 is the image itself.
    """
    if not copies.any():
        return images
    out = np.empty(images.shape, dtype=np.uint8)
    bits = bits_of(np.full(1, seed, dtype=np.uint32))
    bits = bits_of(indices.astype(np.uint32) ^ bits_of(copies.astype(np.uint32) ^ bits))

    def deform(block: slice) -> None:
        paper = _stroked(images[block], bits_of(bits[block]))
        out[block] = _moved(paper, bits[block], displacement).reshape(-1, IMAGE_SIDE, IMAGE_SIDE)

    map_blocks(deform, len(images), _IMAGES_PER_BLOCK)
    out[copies == 0] = images[copies == 0]
    return out


def _stroked(images: Bytes, bits: NDArray[np.uint32]) -> Bytes:
    """Return images with paper around them, (n, 32 * 32), their strokes thicker or thinner."""
    wide = np.zeros((len(images), _WIDTH, _WIDTH), dtype=np.uint8)
    # One row more above: what the first and last rows get from the images beside is not looked up.
    wide[:, 2 : IMAGE_SIDE + 2, 1 : IMAGE_SIDE + 1] = images
    # A stroke gets thinner where the paper around it gets thicker.
    inverted = (bits & 1).astype(np.uint8)[:, None] * np.uint8(255)
    levels = wide.reshape(len(images), -1) ^ inverted
    flat = levels.reshape(-1)
    around = flat.copy()
    for step in (1, _WIDTH):
        np.maximum(around[step:], flat[:-step], out=around[step:])
        np.maximum(around[:-step], flat[step:], out=around[:-step])
    strength = (bits >> np.uint32(16)) * np.uint32(STROKE * 256) >> np.uint32(16)
    change = (around - flat).astype(np.uint16).reshape(levels.shape)
    change *= strength.astype(np.uint16)[:, None]
    change >>= 8
    levels += change.astype(np.uint8)
    levels ^= inverted
    return levels


def _moved(paper: Bytes, bits: NDArray[np.uint32], displacement: float) -> NDArray[np.uint16]:
    """Interpolate images with paper around them at moved places; return shape (n, 784)."""
    elastic, affine = _fields(displacement)
    a, b, c = (bits >> np.uint32(shift) & np.uint32(_N_FIELDS - 1) for shift in (0, 10, 20))
    x, y = affine[0].take(a, axis=0), affine[1].take(a, axis=0)
    x += elastic.take(b, axis=0)
    y += elastic.take(c, axis=0)
    x, y = (np.clip(each, 0, (IMAGE_SIDE + 1) * _UNIT, out=each) for each in (x, y))
    right, low = ((each & (_UNIT - 1)).view(np.uint16) for each in (x, y))
    x >>= 4
    y >>= 4
    y <<= 5
    y += x
    at = y + (np.arange(len(paper)) * _WIDTH**2 + _WIDTH)[:, None]
    # Two neighbours in one number, so that they are looked up together.
    pairs = paper.reshape(-1).astype(np.uint16)
    pairs[:-1] |= pairs[1:] << 8
    rows = (each.take(at, mode="clip") for each in (pairs, pairs[_WIDTH:]))
    upper, lower = (_between(each & np.uint16(255), each >> np.uint16(8), right) for each in rows)
    return _between(upper, lower, low) + np.uint16(128) >> np.uint16(8)


def _between(
    first: NDArray[np.uint16], second: NDArray[np.uint16], share: NDArray[np.uint16]
) -> NDArray[np.uint16]:
    """Return 16 times what is so many sixteenths of the way; modulo 2 ** 16, and so it is right."""
    between = second - first
    between *= share
    between += first << np.uint16(4)
    return between


@cache
def _fields(displacement: float) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Return elastic displacements of one coordinate, (n, 784), and affine places, (2, n, 784)."""
    reaches = [math.floor(each * displacement + 0.5) for each in _REACHES]
    side = IMAGE_SIDE + 2 * sum(reaches)
    n_noise = _N_FIELDS * side * side
    noise = bits_of(np.arange(n_noise, dtype=np.uint32)) >> np.uint32(16)
    smooth = noise.astype(np.int64).reshape(_N_FIELDS, side, side) - 2**15
    kernel = np.ones(1)
    for box in (2 * reach + 1 for reach in reaches):
        kernel = np.convolve(kernel, np.ones(box))
        for axis in (1, 2):
            sums = np.insert(smooth.cumsum(axis=axis), 0, 0, axis=axis)
            n = sums.shape[axis] - box
            smooth = sums.take(range(box, box + n), axis) - sums.take(range(n), axis)
    # The noise is uniform.
    size = 2**16 / np.sqrt(12.0) * (kernel**2).sum()
    elastic = smooth.reshape(_N_FIELDS, N_PIXELS) * (displacement / size)

    random = bits_of(np.arange(n_noise, n_noise + 6 * _N_FIELDS, dtype=np.uint32)) / 2.0**31 - 1.0
    turn, shear, wider, higher, right, down = random.reshape(6, _N_FIELDS, 1)
    turn = turn * ROTATION
    kept = 1.0 - turn * turn / 2
    middle = (IMAGE_SIDE - 1) / 2
    y, x = np.indices((IMAGE_SIDE, IMAGE_SIDE)).reshape(2, 1, -1) - middle
    # Of pixels with one of paper before them.
    to_right = (kept + wider * SCALING) * x + (shear * SHEAR - turn) * y + right * SHIFT
    downwards = (kept + higher * SCALING) * y + turn * x + down * SHIFT
    affine = 1 + middle + np.stack([to_right, downwards])
    return np.rint(_UNIT * elastic).astype(np.int16), np.rint(_UNIT * affine).astype(np.int16)


@dataclass(frozen=True, slots=True, eq=False)
class MadeRows:
    """The features of images, (n, 28, 28), and of their copies: `arrays.Rows` of bytes.

    Row ``copy * n + i`` is of a copy of image i, the images themselves being copy 0. The indices,
    of shape (n,), say where each image stands in its dataset: copies are found by them. Can be
    pickled, and is then little more than the images.
    """

    images: Bytes
    indices: NDArray[np.integer]
    spec: FeatureSpec
    features: Features | None  # None for pixels
    seed: int  # of the copies

    @property
    def shape(self) -> tuple[int, int]:
        return (1 + self.spec.n_copies) * len(self.images), self.spec.count()

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        return np.dtype(np.uint8)

    def __getitem__(self, numbers: slice | Places, /) -> Bytes:
        if isinstance(numbers, slice):
            numbers = np.arange(*numbers.indices(self.shape[0]))
        copies, samples = np.divmod(numbers, len(self.images))
        images = deformed(
            self.images[samples], self.indices[samples], copies, self.seed, self.spec.displacement
        )
        if self.features is None:
            return images.reshape(len(images), -1)
        n_more = -len(numbers) % _IMAGES_PER_PRODUCT
        return self.features.transform(np.pad(images, ((0, n_more), (0, 0), (0, 0))))[
            : len(numbers)
        ]
