from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_rel

from mnistcli.metrics.intervals import corrected_t, holm, mcnemar


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


def test_a_t_test_that_is_not_corrected_is_that_of_scipy():
    rng = np.random.default_rng(0)
    for n in (2, 5, 30):
        a, b = rng.normal(size=(2, n))
        theirs = ttest_rel(a, b)
        mean, interval, p = corrected_t((a - b).tolist(), n_train=1, n_test=0)
        assert mean == pytest.approx(theirs.statistic * np.std(a - b, ddof=1) / np.sqrt(n))
        assert p == pytest.approx(theirs.pvalue, rel=1e-9)
        assert interval == pytest.approx(tuple(theirs.confidence_interval(0.95)))


def test_the_correction_is_that_of_nadeau_and_bengio():
    # Their sigma^2 (1/J + n2/n1), for 10 splits of nine tenths and one tenth.
    differences = [0.01, 0.02, 0.00, 0.03, 0.01, 0.02, -0.01, 0.02, 0.01, 0.01]
    _, (low, high), p = corrected_t(differences, n_train=900, n_test=100)
    plain = ttest_rel(differences, np.zeros(10)).confidence_interval(0.95)
    assert (high - low) / (plain.high - plain.low) == pytest.approx(np.sqrt(1 + 10 / 9))
    assert p > ttest_rel(differences, np.zeros(10)).pvalue
    same = corrected_t([0.01] * 3, n_train=2, n_test=1)
    assert same[0] == pytest.approx(0.01)
    assert same[2] == 1.0
    assert np.isnan(same[1]).all()
    unknown = corrected_t([0.01, np.nan], n_train=2, n_test=1)  # of a metric that is not known
    assert unknown[2] == 1.0
