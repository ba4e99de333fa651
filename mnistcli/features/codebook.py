"""How much of which typical arrangement of strokes is where.

A second layer on the wavelets of `wavelets`: what strokes of six directions and two widths there
are at 3 x 3 neighbouring places is compared with typical arrangements, found by k-means without
labels, and what is like them is averaged near points: `registry/exports/formulas.json`. Patches of
oriented edges as features go back to Riesenhuber and Poggio (Hierarchical models of object
recognition in cortex, Nature Neuroscience 2, 1999) and Serre et al. (IEEE TPAMI 29, 2007);
whitening before k-means to Coates and Ng (Learning feature representations with k-means, 2012).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mnistcli.arrays import Bytes, Float32s
from mnistcli.features.geometry import normalised
from mnistcli.features.kinds import CODE_POINTS, N_AXES, FeatureSpec
from mnistcli.features.likeness import centres, nonempty
from mnistcli.features.wavelets import FRAME, N_DIRECTIONS, draw_wavelets, near_points, strokes

N_PLACES = 3  # across and down, next to each other
THRESHOLD = 0.3
PAPER = 0.05  # added to the squared length: what is near the mean arrangement is like no code
_LEAST_VARIANCE = 0.01  # of the largest, added to that of each direction before it is taken out
_N_IMAGES = 6000  # to learn from, and so many patches of each,
_N_PER_IMAGE = 20
_LEAST_LENGTH = 0.3  # but those that are shorter than this share of the mean length


def arrangements(ink: Float32s) -> Float32s:
    """Return the strokes at neighbouring places of images (n, 28, 28), 0 to 1: (n, 14, 14, 108)."""
    maps, places = strokes(ink).transpose(0, 2, 3, 1), (N_PLACES, N_PLACES)
    windows = np.lib.stride_tricks.sliding_window_view(maps, places, axis=(1, 2))
    return windows.reshape(*windows.shape[:3], -1)


def learn(images: Bytes, spec: FeatureSpec, seed: int) -> tuple[Float32s, Float32s, Float32s]:
    """Learn from training images of shape (n, 28, 28) which arrangements are typical.

    Returns the whitened principal directions of arrangements, (N_AXES, 108), the mean along each,
    and the centres of k-means along these, (n_codes, N_AXES), of length 1.
    """
    rng = np.random.default_rng([seed, 3])
    chosen = images[np.sort(rng.permutation(len(images))[:_N_IMAGES])]
    found = []
    for first in range(0, len(chosen), 500):
        block = arrangements(normalised(chosen[first : first + 500]) / np.float32(255))
        of_images = block.reshape(len(block), -1, block.shape[-1])
        places = rng.integers(of_images.shape[1], size=(len(block), _N_PER_IMAGE))
        found.append(np.take_along_axis(of_images, places[..., None], axis=1))
    patches = np.concatenate(found).reshape(-1, found[0].shape[-1])
    lengths = np.linalg.norm(patches, axis=1)
    patches = nonempty(patches[lengths > _LEAST_LENGTH * lengths.mean()])
    mean = patches.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(patches.T, ddof=0))
    variances, axes = variances[::-1][:N_AXES], axes[:, ::-1][:, :N_AXES]
    # Of equal patches there are no directions: what is added keeps the numbers finite.
    whitened = axes / np.sqrt(variances + max(_LEAST_VARIANCE * variances[0], 1e-9))
    whitened /= max(np.linalg.norm((patches - mean) @ whitened, axis=1).mean(), 1e-3)
    directions = np.asarray(whitened.T, dtype=np.float32)
    shift = directions @ mean
    along = patches @ directions.T - shift
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), np.float32(1e-6))
    return directions, shift, centres(along, spec.n_codes, rng)


def measure(ink: Float32s, learned: Sequence[Float32s]) -> Float32s:
    """Return how like each code images of shape (n, 28, 28), 0 to 1, are near each point.

    The features are code by code within a point: (n, CODE_POINTS**2 * n_codes).
    """
    directions, shift, codes = learned
    found = arrangements(ink)
    n, side = found.shape[:2]
    # One product of all arrangements is quicker than one of each row of places.
    along = found.reshape(-1, found.shape[-1]) @ directions.T
    along -= shift
    along /= np.sqrt((along * along).sum(axis=1, keepdims=True) + np.float32(PAPER))
    alike = along @ codes.T
    alike -= np.float32(THRESHOLD)
    alike.clip(0, np.inf, out=alike)
    weights = near_places()
    rows = weights @ alike.reshape(n, side, -1)
    near = weights @ rows.reshape(n * CODE_POINTS, side, -1)
    return np.sqrt(near, out=near).reshape(n, -1)


def near_places() -> Float32s:
    """Return the matrix that averages the middles of arrangements near points, (CODE_POINTS, 14)."""
    inside = slice(N_PLACES // 2, -(N_PLACES // 2))
    return near_points(FRAME // 2, CODE_POINTS)[:, inside]


def drawn(learned: Sequence[Float32s]) -> list[Float32s]:
    """Return the strokes of each code at its places, beside each other, (n_codes, 15, 15)."""
    axes, middle, codes = learned
    levels = ((middle + codes) @ np.linalg.pinv(axes).T).reshape(
        len(codes), 2, N_DIRECTIONS, N_PLACES, N_PLACES
    )
    cells = np.einsum("ndij,dyx->niyjx", levels.sum(axis=1), draw_wavelets(0))
    side = cells.shape[1] * cells.shape[2]
    return [np.asarray(cells.reshape(len(codes), side, side), dtype=np.float32)]
