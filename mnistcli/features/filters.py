"""Filters learned without labels: the typical patches of digits.

Spherical k-means (Coates and Ng, Learning feature representations with k-means, 2012) on patches
whose mean is taken out and whose length is made 1, so that only their pattern counts.
"""

import numpy as np
from numpy.typing import NDArray

N_PATCHES = 60_000
N_ROUNDS = 10
# Patches with less contrast than this are paper; in units of full ink.
_LEAST_CONTRAST = 0.5
_PATCHES_AT_ONCE = 10_000


def learn_filters(
    images: NDArray[np.float32], side: int, n_filters: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the patterns around which patches of images of shape (n, 28, 28), 0 to 1, gather.

    They have shape (n_filters, side * side), mean 0 and length 1; the side is odd.
    """
    patches = _sample_patches(images, side, rng)
    filters = patches[rng.choice(len(patches), n_filters, replace=len(patches) < n_filters)]
    for _ in range(N_ROUNDS):
        nearest = np.concatenate(
            [
                (patches[first : first + _PATCHES_AT_ONCE] @ filters.T).argmax(axis=1)
                for first in range(0, len(patches), _PATCHES_AT_ONCE)
            ]
        )
        counts = np.bincount(nearest, minlength=n_filters)
        used = np.flatnonzero(counts)
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        sums = np.zeros_like(filters)
        sums[used] = np.add.reduceat(patches[np.argsort(nearest, kind="stable")], starts[used])
        # What attracts nobody starts again from a patch.
        sums[counts == 0] = patches[rng.choice(len(patches), n_filters - len(used))]
        filters = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    return filters


def _sample_patches(
    images: NDArray[np.float32], side: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    found: list[NDArray[np.float32]] = []
    n_found = 0
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
        n_found += int(is_ink.sum())
        if n_found >= N_PATCHES:
            break
    return np.concatenate(found)[:N_PATCHES]
