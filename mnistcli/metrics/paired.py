"""Whether two classifiers differ on the same samples by more than chance."""

import math
from collections.abc import Sequence

import numpy as np

from mnistcli.metrics.intervals import UNKNOWN, Interval


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


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for their number (Holm 1979), in their order.

    Rejecting those below alpha then errs at all with a probability of at most alpha.
    """
    n = len(p_values)
    corrected = [0.0] * n
    largest = 0.0
    for rank, i in enumerate(sorted(range(n), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (n - rank) * p_values[i]))
        corrected[i] = largest
    return corrected


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
