"""Whether two classifiers differ on the same samples by more than chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from mnistcli.arrays import Bools
from mnistcli.metrics.intervals import UNKNOWN, Interval, Z


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
