from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from mnistcli.metrics.paired import holm, mcnemar


@pytest.mark.parametrize(
    ("n_first", "n_second"),
    [(0, 0), (1, 0), (0, 5), (3, 3), (9, 14), (74, 284), (1000, 1100), (0, 3000), (20_000, 20_500)],
)
def test_mcnemar_is_a_binomial_test(n_first, n_second):
    n = n_first + n_second
    theirs = binomtest(n_first, n, 0.5).pvalue if n else 1.0
    assert mcnemar(n_first, n_second) == pytest.approx(theirs, rel=1e-9)
    assert mcnemar(n_second, n_first) == mcnemar(n_first, n_second)


def test_holm_by_hand():
    # Holm 1979: the smallest times 3, the next times 2, the largest as it is; never falling.
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5]) == [0.5]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_lies_between_none_and_bonferroni(p_values):
    corrected = holm(p_values)
    bonferroni = np.minimum(1.0, len(p_values) * np.array(p_values))
    assert (np.array(p_values) <= corrected).all()
    assert (np.array(corrected) <= bonferroni + 1e-12).all()
    order = np.argsort(p_values, kind="stable")
    assert list(np.array(corrected)[order]) == sorted(corrected)
