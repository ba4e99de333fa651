"""Whether two classifiers differ on the same samples by more than chance."""

from collections.abc import Sequence


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
