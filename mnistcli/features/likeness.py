"""How much of which typical patch is where.

Around every second pixel of a digit of standard size, a patch is compared with filters that were
learned without labels. Likeness above a threshold is added up over squares, of which the square
root is taken, and squares that lie close together are averaged: `registry/exports/formulas.json`.

One layer of a convolutional network, but for the training: filters come from k-means (Coates, Lee
and Ng, An analysis of single-layer networks in unsupervised feature learning, AISTATS 2011) on
patches whose mean is taken out and whose length is made 1, so that only their pattern counts
(Coates and Ng, Learning feature representations with k-means, 2012).
Features are rounded to bytes, like pixels: they take a quarter of the memory and everything that
works on pixels works on them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mnistcli.arrays import Bytes, Float32s
from mnistcli.errors import UsageError
from mnistcli.features.geometry import normalised
from mnistcli.features.kinds import N_POINTS, FeatureSpec
from mnistcli.mnist import IMAGE_SIDE

THRESHOLD = 0.4
STRIDE = 2  # pixels from one patch to the next
SQUARE = 8  # pixels, the side of a square over which likeness is added up,
NEARNESS = 2  # and how far from a point squares are averaged.
# Added to the squared contrast: a patch of paper is like nothing.
_PAPER = 0.05
N_PATCHES = 60_000
N_ROUNDS = 10
# Patches with less contrast than this are paper; in units of full ink.
_LEAST_CONTRAST = 0.5
_PATCHES_AT_ONCE = 10_000


def measure(ink: Float32s, filters: Sequence[Float32s]) -> Float32s:
    """Return the features of one drawing of each image, of shape (n, 28, 28) and 0 to 1.

    Filters have shape (n_filters, side * side). The features are filter by filter within a point,
    point by point within a size of patches.
    """
    parts = []
    for each in filters:
        sums = _both_ways(squares(), _places(ink, each))
        found = _both_ways(points(), np.sqrt(sums, out=sums))
        parts.append(found.transpose(3, 1, 2, 0).reshape(len(ink), -1))
    return np.concatenate(parts, axis=1)


def _places(ink: Float32s, filters: Float32s) -> Float32s:
    """Compare every patch with every filter, (n_filters, n_places, n_places, n).

    Images come last: that way rows are long, for products and for what is done to each number.
    """
    n, side = len(ink), math.isqrt(filters.shape[1])
    inside = slice(side // 2, side // 2 + IMAGE_SIDE)
    padded = np.zeros((IMAGE_SIDE + side - 1, IMAGE_SIDE + side - 1, n), dtype=np.float32)
    padded[inside, inside] = ink.transpose(1, 2, 0)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
    patches = windows[::STRIDE, ::STRIDE].transpose(3, 4, 0, 1, 2)
    likeness = filters @ patches.reshape(side * side, -1)
    likeness /= contrasts(ink, side).transpose(1, 2, 0).reshape(-1)
    likeness -= np.float32(THRESHOLD)
    likeness.clip(0, np.inf, out=likeness)  # quicker than numpy.maximum with a number
    return likeness.reshape(len(filters), *patches.shape[2:])


def _both_ways(weights: Float32s, maps: Float32s) -> Float32s:
    """Add up maps of shape (n_filters, k, k, n) along both axes by weights of shape (m, k)."""
    n_filters, k, _, n = maps.shape
    rows = weights @ maps.reshape(n_filters, k, k * n)
    return np.asarray(weights @ rows.reshape(n_filters, len(weights), k, n))


def contrasts(ink: Float32s, side: int) -> Float32s:
    """Return what the products of filters with patches are divided by, (n, n_places, n_places)."""
    places, pixels = np.arange(0, IMAGE_SIDE, STRIDE)[:, None], np.arange(IMAGE_SIDE)
    box = np.asarray(np.abs(places - pixels) <= side // 2, dtype=np.float32)
    # Filters have mean 0, so only the contrast needs the mean of a patch: sums over a box.
    sums, powers = box @ ink @ box.T, box @ (ink * ink) @ box.T
    return np.sqrt(np.maximum(powers - sums * sums / side**2, 0) + np.float32(_PAPER))


def squares() -> Float32s:
    """Return the matrix that adds up the places of every square, (n_squares, n_places)."""
    n_places, across = IMAGE_SIDE // STRIDE, SQUARE // STRIDE
    first, place = np.arange(n_places - across + 1)[:, None], np.arange(n_places)
    return np.asarray((first <= place) & (place < first + across), dtype=np.float32)


def points() -> Float32s:
    """Return the matrix that averages the squares near every point, (N_POINTS, n_squares)."""
    square = np.arange((IMAGE_SIDE - SQUARE) // STRIDE + 1)
    point = np.linspace(0, square[-1], N_POINTS)[:, None]
    is_near = np.abs(point - square) * STRIDE <= NEARNESS
    return np.asarray(is_near / is_near.sum(axis=1, keepdims=True), dtype=np.float32)


def learn(images: Bytes, spec: FeatureSpec, seed: int) -> list[Float32s]:
    """Return the patterns around which patches of training images, (n, 28, 28), gather.

    For each side, which is odd, they have shape (n_filters, side * side), mean 0 and length 1.
    """
    ink, rng = normalised(images) / np.float32(255), np.random.default_rng([seed, 2])
    return [centres(_sample_patches(ink, side, rng), spec.n_filters, rng) for side in spec.sides]


def drawn(filters: Sequence[Float32s]) -> list[Float32s]:
    """Return the filters as pictures, each array of shape (n_filters, side, side)."""
    return [each.reshape(len(each), math.isqrt(each.shape[1]), -1) for each in filters]


def centres(patches: Float32s, n_filters: int, rng: np.random.Generator) -> Float32s:
    """Return directions around which rows of length 1 gather, by k-means, (n_filters, n_columns)."""
    filters = patches[rng.choice(len(patches), n_filters, replace=len(patches) < n_filters)]
    blocks = [patches[i : i + _PATCHES_AT_ONCE] for i in range(0, len(patches), _PATCHES_AT_ONCE)]
    for _ in range(N_ROUNDS):
        nearest = np.concatenate([(block @ filters.T).argmax(axis=1) for block in blocks])
        counts = np.bincount(nearest, minlength=n_filters)
        used = np.flatnonzero(counts)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        sums = np.zeros_like(filters)
        sums[used] = np.add.reduceat(patches[np.argsort(nearest, kind="stable")], starts[used])
        # What attracts nobody starts again from a patch.
        sums[counts == 0] = patches[rng.choice(len(patches), n_filters - len(used))]
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        filters = sums / np.maximum(lengths, np.float32(1e-6))  # rows that are all alike have none
    return filters


def _sample_patches(images: Float32s, side: int, rng: np.random.Generator) -> Float32s:
    found: list[Float32s] = []
    padding = side // 2
    # An image in three has a patch with ink at a random place; few images may have none at all.
    for _ in range(100):
        chosen = rng.integers(len(images), size=_PATCHES_AT_ONCE)
        padded = np.pad(images[chosen], ((0, 0), (padding, padding), (padding, padding)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
        top, left = rng.integers(0, images.shape[1], (2, len(chosen)))
        patches = windows[np.arange(len(chosen)), top, left].reshape(len(chosen), -1)
        patches = patches - patches.mean(axis=1, keepdims=True)
        contrast = np.linalg.norm(patches, axis=1, keepdims=True)
        is_ink = contrast[:, 0] > _LEAST_CONTRAST
        found.append(patches[is_ink] / contrast[is_ink])
        if sum(map(len, found)) >= N_PATCHES:
            break
    return nonempty(np.concatenate(found)[:N_PATCHES])


def nonempty(patches: Float32s) -> Float32s:
    """Return patches if there are any, else refuse."""
    if not len(patches):
        raise UsageError("images without ink have no patterns to learn")
    return patches
