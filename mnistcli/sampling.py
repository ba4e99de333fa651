"""Draw samples so that every class keeps its share."""

from collections.abc import Iterable

import numpy as np

from mnistcli.arrays import Bytes, Int64s, Labels
from mnistcli.errors import TrainingError


def nested_sample(y: Int64s, n: int, rng: np.random.Generator) -> Int64s:
    """Return sorted positions of ``n`` of the samples, of which every class keeps its share.

    With the same generator a larger sample contains every smaller one: all stand in a row, in which
    the i-th of the m samples of a class has its place at (i - 1/2) / m (Webster's method). Raises
    TrainingError where a class would be left without samples.
    """
    place = np.empty(len(y))
    for k, m in enumerate(np.bincount(y)):
        place[rng.permutation(np.flatnonzero(y == k))] = (np.arange(m) + 0.5) / max(m, 1)
    order = np.argsort(place, kind="stable")
    _, first = np.unique(y[order], return_index=True)
    if n <= first.max():
        hint = f"take at least {first.max() + 1}"
        raise TrainingError(f"{n} of {len(y):,} images leave a class without any", hint=hint)
    return np.sort(order[:n])


def stratified_sample(y: Labels, n: int, rng: np.random.Generator) -> Int64s:
    """Return sorted positions of ``n`` of the samples, drawn anew for each n: see `quota`."""
    sizes = quota(np.bincount(y), n)
    chosen = [
        rng.choice(np.flatnonzero(y == k), size=size, replace=False) for k, size in enumerate(sizes)
    ]
    return np.sort(np.concatenate(chosen))


def first_alike(images: Iterable[Bytes]) -> Int64s:
    """Return where the first image stands that is the same as each, pixel for pixel."""
    hashes = np.fromiter((hash(image.tobytes()) for image in images), np.int64)
    _, first, same = np.unique(hashes, return_index=True, return_inverse=True)
    return np.asarray(first[same], dtype=np.int64)


def quota(counts: Int64s, n: int) -> Int64s:
    """Return how many of ``n`` go to each class: its share, by largest remainders."""
    shares = counts * (n / counts.sum())
    sizes: Int64s = np.floor(shares).astype(np.int64)
    by_remainder = np.argsort(sizes - shares, kind="stable")
    sizes[by_remainder[: n - sizes.sum()]] += 1
    return sizes
