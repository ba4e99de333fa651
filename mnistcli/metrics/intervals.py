"""How sure a number is: intervals that would hold the truth in 95 of 100 samples. NumPy only.

Shares (accuracy, precision, recall) get Wilson's score interval. F1 and ROC AUC are no shares; they
get the percentiles of a stratified bootstrap: the samples of each class are drawn anew, as many as
there are, with replacement (Efron and Tibshirani 1993, chapter 13). What F1 needs of a resample is
its confusion matrix, whose rows are multinomial; what ROC AUC needs is the sum of the shares that
its samples have in the area.

A bootstrap sees only the mistakes that happened. Where there are none its interval is a point, and
Wilson's is the one to believe.
"""

import math
from collections.abc import Sequence

import numpy as np

from mnistcli.arrays import Float64s, Int64s, Labels
from mnistcli.metrics.ranking import Ranking

Interval = tuple[float, float]

LEVEL = 0.95
N_RESAMPLES = 1000
SEED = 0

_TAILS = (0.5 - LEVEL / 2, 0.5 + LEVEL / 2)
Z = 1.959963984540054  # the normal distribution's quantile of the upper tail
UNKNOWN: Interval = (math.nan, math.nan)

# Of more values it is faster to draw each than to draw how often each occurs.
_MOST_DISTINCT = 400
# Draws at a time: what stays in the fast cache, and in memory that malloc keeps.
_DRAWS_PER_BLOCK = 1 << 14


def wilson(n_hits: int, n: int) -> Interval:
    """Return the interval of a share of ``n`` samples (Wilson 1927); (0, 1) without samples."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = n_hits / n, Z * Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # At the ends the formula gives 0 and 1, but for rounding.
    low = centre - half if n_hits > 0 else 0.0
    return low, centre + half if n_hits < n else 1.0


def percentiles(resampled: Float64s) -> list[Interval]:
    """Return the interval of each column of values of shape (n_resamples, n_columns).

    These are `numpy.quantile`'s, whose first call imports numpy.ma for 14 ms.
    """
    rising = np.sort(resampled, axis=0)
    ends = []
    for tail in _TAILS:
        place = tail * (len(rising) - 1)
        below, above = rising[math.floor(place)], rising[math.ceil(place)]
        ends.append((below + (place % 1) * (above - below)).tolist())
    return list(zip(*ends, strict=True))


def resampled_confusions(confusion: Int64s) -> Int64s:
    """Draw resamples that keep each class's number, (`N_RESAMPLES`, n_classes, n_classes)."""
    rng = np.random.default_rng(SEED)
    support = confusion.sum(axis=1)
    rows = [
        rng.multinomial(n, counts / max(n, 1), size=N_RESAMPLES)
        for n, counts in zip(support.tolist(), confusion, strict=True)
    ]
    return np.stack(rows, axis=1)


def roc_auc_interval(
    rankings: Sequence[Ranking], y: Labels, n_resamples: int = N_RESAMPLES
) -> Interval:
    """Return the interval of the mean ROC AUC over rankings of the same samples.

    The rankings are those of `rankings_of`; resamples are stratified by ``y``, class indices of
    shape (n_samples,). NaN where a class has no samples.

    The area is a mean over pairs. To first order it moves by the sum of how much each sample drawn
    again or left out moves it alone (its placement among the other kind: DeLong, DeLong and
    Clarke-Pearson 1988); what pairs of them add is smaller by the root of the number of samples.
    """
    if any(math.isnan(ranking.roc_auc) for ranking in rankings):
        return UNKNOWN
    rng = np.random.default_rng(SEED)
    shares = np.zeros(len(y))
    for k, ranking in enumerate(rankings):
        n_positive, n_negative = int(ranking.n_positive.sum()), int(ranking.n_negative.sum())
        n_pairs = n_positive * n_negative
        as_positive = (ranking.negatives_below / n_pairs)[ranking.level_of]
        positives_above = np.cumsum(ranking.n_positive) - ranking.n_positive / 2
        as_negative = (positives_above / n_pairs)[ranking.level_of]
        is_positive = y == (k if len(rankings) > 1 else 1)
        shares += np.where(is_positive, as_positive, as_negative) / len(rankings)
    # Every pair has been counted twice, once for each of the two.
    values = np.full(n_resamples, -shares.sum() / 2)
    for k in np.unique(y).tolist():
        values += _resampled_sums(shares[y == k], n_resamples, rng)
    values[values > 1.0] = 1.0  # a sum knows no bound, the area does
    return percentiles(values[:, None])[0]


def _resampled_sums(values: Float64s, n_resamples: int, rng: np.random.Generator) -> Float64s:
    """Draw as many values as there are, with replacement, and add them up; again and again."""
    n = len(values)
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= _MOST_DISTINCT:
        return np.asarray(rng.multinomial(n, counts / n, size=n_resamples) @ distinct)
    dtype = np.uint16 if n < 1 << 16 else np.uint32
    n_rows = max(1, _DRAWS_PER_BLOCK // n)
    sums = np.empty(n_resamples)
    for start in range(0, n_resamples, n_rows):
        n_now = min(n_rows, n_resamples - start)
        drawn = rng.integers(0, n, size=(n_now, n), dtype=dtype)
        sums[start : start + n_now] = values.take(drawn).sum(axis=1)
    return sums
