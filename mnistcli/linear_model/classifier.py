"""A fitted linear classifier: arrays, and what to do with them. NumPy only."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistcli.arrays import Float64s, Int64s, Labels
from mnistcli.display import Displayed
from mnistcli.features import Features
from mnistcli.mnist import IMAGE_SHAPE

# Pixels are bytes; models see them in [0, 1].
PIXEL_SCALE = 1.0 / 255.0

# Rows scored at a time: 1,024 x 784 float64 is 6 MB, which stays in the cache of one core.
ROWS_PER_BLOCK = 1024
# What no pair of classes may be surer than: with a probability of 0 coupling has no solution.
_DOUBT = 1e-12


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinearClassifier(Displayed):
    """Classes as linear functions of the features: one each, or one for each of `pairs_of` them.

    Of a pair, as which two classes are seen, the score speaks for the second class.
    """

    coef: Float64s  # (1, n_features) for two classes, else (n_classes or n_pairs, ...)
    intercept: Float64s  # (1,), (n_classes,) or (n_pairs,)
    class_names: tuple[str, ...]
    scale: float = PIXEL_SCALE  # of raw features; 1/255 for bytes
    features: Features | None = None  # makes raw features of images; None takes what it is given
    is_pairwise: bool = False  # more than two classes, and a function for each pair of them

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that it learned, by name: its own arrays, and those of its features."""
        learned = self.features.arrays if self.features else {}
        return {"coef": self.coef, "intercept": self.intercept, **learned}

    @property
    def n_classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def n_features(self) -> int:
        """The number of raw features, 784 for pixels."""
        return int(self.coef.shape[1])

    def decision_function(self, X: NDArray[np.generic]) -> Float64s:
        """Return scores (n_samples,) for two classes, else (n_samples, n_classes), float64.

        X, of shape (n_samples, ...), holds images for a classifier that has features, else raw
        features of any real dtype, whose trailing axes are flattened to n_features. The scores of
        pairs of classes are put together: the logarithms of the coupled probabilities.
        """
        scores = self.linear_scores(X)
        if self.is_pairwise:
            return np.log(couple(scores, self.n_classes))
        return scores[:, 0] if self.n_classes == 2 else scores

    def linear_scores(self, X: NDArray[np.generic]) -> Float64s:
        """Return the linear functions themselves, (n_samples, n_outputs), float64."""
        weights = self.scale * self.coef.T
        scores = np.empty((len(X), weights.shape[1]))
        for start in range(0, len(X), ROWS_PER_BLOCK):
            block = slice(start, start + ROWS_PER_BLOCK)
            scores[block] = self.raw_features(X[block]).astype(np.float64) @ weights
        scores += self.intercept
        return scores

    def raw_features(self, X: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return what the weights are multiplied with, but for `scale`: (n_samples, n_features)."""
        rows = X.reshape(len(X), -1)
        if self.features is not None:
            images = np.asarray(X, dtype=np.uint8).reshape(-1, *IMAGE_SHAPE)
            rows = self.features.transform(images)
        if rows.shape[1] != self.n_features:
            raise ValueError(f"expected {self.n_features} features, got {rows.shape[1]}")
        return rows

    def pair_weights(self, k: int, other: int) -> tuple[Float64s, float]:
        """Return the weights (n_features,) and the intercept of class k against another.

        Their score is the logarithm of how many times more probable class k is; of one pair among
        several that is what this very pair says, while others contribute to coupled probabilities.
        """
        if self.is_pairwise or self.n_classes == 2:
            row = pairs_of(self.n_classes).index((min(k, other), max(k, other)))
            sign = 1.0 if k > other else -1.0
            return sign * self.coef[row], sign * float(self.intercept[row])
        weights = self.coef[k] - self.coef[other]
        return weights, float(self.intercept[k] - self.intercept[other])

    def output_names(self) -> list[tuple[str, str]]:
        """Return which class each linear function speaks for, and against which ("": all others)."""
        names = self.class_names
        if self.is_pairwise or self.n_classes == 2:
            return [(names[j], names[i]) for i, j in pairs_of(self.n_classes)]
        return [(name, "") for name in names]

    def predict_proba(self, X: NDArray[np.generic]) -> Float64s:
        """Return the probability of every class, (n_samples, n_classes), rows summing to 1."""
        return probabilities_of(self.decision_function(X))

    def predict(self, X: NDArray[np.generic]) -> Int64s:
        """Return the index of the most probable class of each sample, (n_samples,), int64."""
        return classes_of(self.decision_function(X))


def pairs_of(n_classes: int) -> list[tuple[int, int]]:
    """List the pairs of classes in the order in which they are kept: (0, 1), (0, 2), ..."""
    return list(combinations(range(n_classes), 2))


def couple(scores: Float64s, n_classes: int) -> Float64s:
    """Turn the scores of all pairs into probabilities of the classes.

    They are those that agree best with all of the pairs: the second method of Wu, Lin and Weng,
    Probability estimates for multi-class classification by pairwise coupling (JMLR 2004), which is
    also LIBSVM's. With r_ij the probability of class i against j, minimise
    sum_(i != j) (r_ji p_i - r_ij p_j)^2 over p that sum to 1: a linear system for each sample.
    Scores are (n_samples, n_pairs), the probabilities (n_samples, n_classes), all above 0.
    """
    first, second = np.array(pairs_of(n_classes)).T
    # [:, 0] for the first of a pair, [:, 1] for the second; both from the same score.
    of_pairs = np.clip(probabilities_of(scores.reshape(-1)), _DOUBT, 1.0 - _DOUBT)
    of_pairs = of_pairs.reshape(*scores.shape, 2)
    r = np.zeros((len(scores), n_classes, n_classes))
    r[:, first, second] = of_pairs[..., 0]
    r[:, second, first] = of_pairs[..., 1]
    system = np.ones((len(scores), n_classes + 1, n_classes + 1))
    system[:, :-1, :-1] = -r * r.transpose(0, 2, 1)
    diagonal = np.arange(n_classes)
    system[:, diagonal, diagonal] = (r * r).sum(axis=1)
    system[:, -1, -1] = 0.0
    right = np.zeros((len(scores), n_classes + 1, 1))
    right[:, -1] = 1.0
    p = np.linalg.solve(system, right)[:, :-1, 0]
    p = np.maximum(p, _DOUBT)  # rounding may leave less than nothing
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def probabilities_of(scores: Float64s) -> Float64s:
    """Turn scores of shape (n,) or (n, n_classes) into probabilities (n, n_classes).

    Nothing overflows: only numbers that are at most 0 are exponentiated.
    """
    if scores.ndim == 1:
        smaller = np.exp(-np.abs(scores))
        larger = 1.0 / (1.0 + smaller)
        smaller = smaller * larger
        positive = np.where(scores >= 0, larger, smaller)
        negative = np.where(scores >= 0, smaller, larger)
        return np.column_stack([negative, positive])
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: Float64s = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities


def p_of(classes: Labels, probabilities: Float64s) -> Float64s:
    """Return the probability of one class of each sample, say the true one, (n_samples,)."""
    return np.take_along_axis(probabilities, classes[:, None], axis=1)[:, 0]


def classes_of(scores: Float64s) -> Int64s:
    """Turn scores of shape (n,) or (n, n_classes) into class indices (n,), int64.

    A two-class score of 0 is class 0; of several best scores the first wins, as in scikit-learn.
    """
    if scores.ndim == 1:
        return (scores > 0).astype(np.int64)
    classes: Int64s = scores.argmax(axis=1)
    return classes
