"""How sure a number is, and whether two classifiers differ on the same samples by more than chance.

Intervals would hold the truth in 95 of 100 samples. Shares (accuracy, precision, recall) get
Wilson's score interval. F1 and ROC AUC are no shares; they get the percentiles of a stratified
bootstrap: the samples of each class are drawn anew, as many as there are, with replacement (Efron
and Tibshirani 1993, chapter 13). What F1 needs of a resample is its confusion matrix, whose rows
are multinomial; what ROC AUC needs is the sum of the shares that its samples have in the area.

A bootstrap sees only the mistakes that happened. Where there are none its interval is a point, and
Wilson's is the one to believe.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from mnistcli.arrays import Bools, Float64s, Int64s

Interval = tuple[float, float]

LEVEL = 0.95
N_RESAMPLES = 1000
SEED = 0

Z = 1.959963984540054  # the normal distribution's quantile of the upper tail
UNKNOWN: Interval = (math.nan, math.nan)


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
    for tail in (0.5 - LEVEL / 2, 0.5 + LEVEL / 2):
        place = tail * (len(rising) - 1)
        below, above = rising[math.floor(place)], rising[math.ceil(place)]
        ends.append((below + (place % 1) * (above - below)).tolist())
    return list(zip(*ends, strict=True))


def resampled_confusions(confusion: Int64s) -> Int64s:
    """Draw resamples that keep each class's number, (`N_RESAMPLES`, n_classes, n_classes)."""
    rng = np.random.default_rng(SEED)
    support = confusion.sum(axis=1)
    rows = zip(confusion, support.tolist(), strict=True)
    drawn = [rng.multinomial(n, row / max(n, 1), size=N_RESAMPLES) for row, n in rows]
    return np.stack(drawn, axis=1)


@dataclass(frozen=True, slots=True)
class McNemarTest:
    """Two models on the same images, by McNemar's exact test: who was right on how many."""

    first: int  # which of those that are compared
    second: int
    n_both_right: int
    n_only_first: int
    n_only_second: int
    n_both_wrong: int
    p_value: float  # of so uneven a split, or more, between models that are equally often right
    p_corrected: float  # after Holm, for all the pairs that are compared

    @property
    def difference(self) -> tuple[float, Interval]:
        """The first's accuracy less the second's, and its 95 % interval."""
        alone = self.n_only_first, self.n_only_second
        n = sum(alone) + self.n_both_right + self.n_both_wrong
        return (alone[0] - alone[1]) / n, difference_interval(*alone, n)


def mcnemar_tests(
    is_right: Sequence[Bools], pairs: Sequence[tuple[int, int]] | None = None
) -> tuple[McNemarTest, ...]:
    """Compare pairs of models, all unless given, by who is right on each sample, (n_samples,)."""
    tests = []
    for i, j in combinations(range(len(is_right)), 2) if pairs is None else pairs:
        counts = np.bincount(2 * ~is_right[i] + ~is_right[j], minlength=4)
        both, only_i, only_j, neither = counts.tolist()
        p_value = mcnemar(only_i, only_j)
        tests.append(McNemarTest(i, j, both, only_i, only_j, neither, p_value, math.nan))
    corrected = holm([test.p_value for test in tests])
    return tuple(replace(test, p_corrected=p) for test, p in zip(tests, corrected, strict=True))


def mcnemar(n_only_first: int, n_only_second: int) -> float:
    """Return the exact two-sided p-value of McNemar's test (1947) of who alone was how often right.

    Samples that both got right or both wrong say nothing. If the two were equally good, each of
    the others would be as likely right for one as for the other: the smaller count is binomial
    with p = 1/2.
    """
    n = n_only_first + n_only_second
    ways, total = 1, 0  # binomial coefficients, in whole numbers: no rounding, no overflow
    for k in range(min(n_only_first, n_only_second) + 1):
        total += ways
        ways = ways * (n - k) // (k + 1)
    return min(1.0, 2 * total / (1 << n))


def difference_interval(n_only_first: int, n_only_second: int, n: int) -> Interval:
    """Return the 95 % interval of the first's accuracy less the second's, on the same n samples.

    Wald's, with half a sample more for each of the four ways in which the two can be right (Agresti
    and Min, Statistics in Medicine 24, 2005): it covers well where hardly any sample differs.
    """
    n, gained = n + 2, n_only_first - n_only_second
    half = Z * math.sqrt(n_only_first + n_only_second + 1 - gained**2 / n) / n
    return max(-1.0, gained / n - half), min(1.0, gained / n + half)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for their number (Holm 1979), in their order.

    Rejecting those below alpha then errs at all with a probability of at most alpha.
    """
    order, n = np.argsort(p_values, kind="stable"), len(p_values)
    corrected = np.empty(n)
    steps = np.minimum(np.arange(n, 0, -1) * np.array(p_values)[order], 1.0)
    corrected[order] = np.maximum.accumulate(steps)
    return [float(each) for each in corrected]


def corrected_t(
    differences: Sequence[float], n_train: float, n_test: float
) -> tuple[float, Interval, float]:
    """Return the mean of differences over several splits, its 95 % interval, and a p-value.

    The training sets of the splits overlap, so the variance of the mean is not 1 / n of that of the
    differences, but 1 / n + n_test / n_train of it (Nadeau and Bengio 2003): a t-test with n - 1
    degrees of freedom, two-sided. Where all are the same nothing can be told: p is 1.
    """
    from scipy.special import stdtr, stdtrit

    n, centre = len(differences), float(np.mean(differences))
    error = float(np.std(differences, ddof=1)) * math.sqrt(1 / n + n_test / n_train)
    if not error > 1e-12:  # of rounding, or NaN
        return centre, UNKNOWN, 1.0
    half = float(stdtrit(n - 1, 0.975)) * error
    return centre, (centre - half, centre + half), 2 * float(stdtr(n - 1, -abs(centre) / error))
