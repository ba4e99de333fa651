"""Samples in the order of their scores: what ROC AUC, average precision and the curves share."""

from dataclasses import dataclass

import numpy as np

from mnistcli.arrays import Bools, Float64s, Int64s, Labels
from mnistcli.linear_model.classifier import probabilities_of


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Positive and negative samples by falling score, sorted once.

    Samples with the same score share a level: no threshold comes between them.
    """

    levels: Float64s  # the distinct scores, falling, (n_levels,)
    level_of: Int64s  # of each sample, (n_samples,)
    n_positive: Int64s  # on each level, (n_levels,)
    n_negative: Int64s

    @property
    def roc_auc(self) -> float:
        """The area under the ROC curve, ties counted half (Mann and Whitney 1947), or NaN."""
        n_pairs = int(self.n_positive.sum()) * int(self.n_negative.sum())
        if n_pairs == 0:
            return np.nan
        return float((self.n_positive * self.negatives_below).sum() / n_pairs)

    @property
    def average_precision(self) -> float:
        """The sum of precision x increase in recall over falling thresholds, or NaN."""
        n_found = np.cumsum(self.n_positive)
        if n_found[-1] == 0:
            return np.nan
        precision = n_found / np.cumsum(self.n_positive + self.n_negative)
        return float((self.n_positive * precision).sum() / n_found[-1])

    @property
    def negatives_below(self) -> Float64s:
        """Of each level, the negative samples below it and half of those on it."""
        n_negative = int(self.n_negative.sum())
        return n_negative - np.cumsum(self.n_negative) + self.n_negative / 2


def rank(is_positive: Bools, scores: Float64s) -> Ranking:
    """Sort samples by falling score; at least one, both arrays of shape (n_samples,)."""
    order = np.argsort(-scores)
    falling = scores[order]
    opens_level = np.append(True, falling[1:] != falling[:-1])
    first_of_level = np.flatnonzero(opens_level)
    level_of = np.empty(len(order), dtype=np.int64)
    level_of[order] = np.cumsum(opens_level) - 1
    n_positive = np.add.reduceat(is_positive[order].astype(np.int64), first_of_level)
    n_samples = np.diff(first_of_level, append=len(order))
    return Ranking(falling[first_of_level], level_of, n_positive, n_samples - n_positive)


def rankings_of(y: Labels, scores: Float64s) -> tuple[Ranking, ...]:
    """Rank by what speaks for class 1 of two classes, else for each class against the rest.

    Of several classes that is the probability. Their scores say how they compare in one sample and
    nothing from sample to sample: a number added to all of a sample's scores changes no answer.

    ``y`` and ``scores`` are as in `metrics.classification`.
    """
    if scores.ndim == 1:
        return (rank(y == 1, scores),)
    return tuple(rank(y == k, column) for k, column in enumerate(probabilities_of(scores).T))
