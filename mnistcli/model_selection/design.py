"""From training images to the rows that a solver sees: features, and distorted copies."""

import contextlib
import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mnistcli.errors import StorageError
from mnistcli.features import Features, FeatureSpec
from mnistcli.features.cache import FeatureCache
from mnistcli.model_selection.splits import Samples
from mnistcli.progress import SILENT, Progress
from mnistcli.settings import SolverSettings

Rows = tuple[NDArray[np.uint8], NDArray[np.int64]]

_IMAGES_AT_ONCE = 2000


@dataclass(frozen=True, slots=True, eq=False)
class DesignMatrix:
    """What a model is trained on: features of images, then of their first copies, and so on.

    X has shape ((1 + n_copies) * n_samples, n_features), y has shape (n_samples,).
    """

    X: NDArray[np.uint8]
    y: NDArray[np.int64]
    features: Features | None = None  # what made them; None for pixels
    n_copies: int = 0
    weight: NDArray[np.float64] | None = None  # of each sample in a fit; None where all are alike

    def __len__(self) -> int:
        """Count the samples, without their copies."""
        return len(self.y)

    def per_copy(self, settings: SolverSettings) -> SolverSettings:
        """Return settings under which a sample and its copies together count as one."""
        return replace(settings, C=settings.C / (1 + self.n_copies))

    def weights(self, index: NDArray[np.intp] | None = None) -> NDArray[np.float64] | None:
        """Return the weights of all samples, or some, and of their copies."""
        if self.weight is None:
            return None
        weight = self.weight if index is None else self.weight[index]
        return np.tile(weight, 1 + self.n_copies)

    def everything(self) -> Rows:
        """Return X and y with all copies."""
        return self.X, np.tile(self.y, 1 + self.n_copies)

    def with_copies(self, index: NDArray[np.intp]) -> Rows:
        """Return X and y of some samples, to train on."""
        starts = np.arange(1 + self.n_copies)[:, None] * len(self)
        return self.X[(starts + index).ravel()], np.tile(self.y[index], 1 + self.n_copies)

    def without_copies(self, index: NDArray[np.intp]) -> Rows:
        """Return X and y of some samples, to judge on."""
        return self.X[index], self.y[index]


def design_matrix(
    samples: Samples,
    spec: FeatureSpec,
    *,
    seed: int,
    cache: FeatureCache | None = None,
    progress: Progress = SILENT,
) -> DesignMatrix:
    """Turn training images into what a solver sees.

    Features that are learned are learned from these images, without their labels. The seed is that
    of what is learned and of the distortions; the cache is looked into first.
    """
    images, kind = samples.images, spec.features
    if spec.kind == "pixels" and not spec.n_copies:
        return DesignMatrix(images.reshape(len(images), -1), samples.y)
    key = cache.key(spec, hashlib.sha256(images.tobytes()).hexdigest(), seed) if cache else ""
    if cache and (found := cache.load(key, spec)):
        learned, X = found
        return DesignMatrix(X, samples.y, kind.from_arrays(spec, learned), spec.n_copies)
    features = kind.learn(spec, images, seed)
    n, total = len(images), (1 + spec.n_copies) * len(images)
    X = np.empty((total, kind.count(spec)), dtype=np.uint8)
    for copy in range(1 + spec.n_copies):
        for first in range(0, n, _IMAGES_AT_ONCE):
            block = images[first : first + _IMAGES_AT_ONCE]
            if copy:
                from mnistcli.features.distort import distort

                block = distort(block, (seed, copy, first))
            rows = slice(copy * n + first, copy * n + first + len(block))
            X[rows] = features.transform(block) if features else block.reshape(len(block), -1)
            progress.update("features", rows.stop, total)
    if cache:
        # Nothing is lost but the time that it would have saved.
        with contextlib.suppress(StorageError):
            cache.save(key, features.arrays() if features else {}, X)
    return DesignMatrix(X, samples.y, features, spec.n_copies)
