"""How often the models of pairs of classes are wrong."""

import numpy as np
from numpy.typing import NDArray

from mnistcli.linear_model.classifier import classes_of
from mnistcli.linear_model.pairwise import pairs_of


def pair_error_rates(
    y: NDArray[np.integer], scores: NDArray[np.float64], n_classes: int
) -> NDArray[np.float64]:
    """Judge each pair's model on the samples of its two classes.

    Scores are those of `PairwiseClassifier.linear_scores`, (n_samples, n_pairs); the rates are
    (n_classes, n_classes), symmetric, NaN on the diagonal and where neither class has samples.
    """
    rates = np.full((n_classes, n_classes), np.nan)
    for (i, j), column in zip(pairs_of(n_classes), scores.T, strict=True):
        members = (y == i) | (y == j)
        if members.any():
            wrong = classes_of(column[members]) != (y[members] == j)
            rates[i, j] = rates[j, i] = wrong.mean()
    return rates
