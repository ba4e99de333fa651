"""Wilson's interval and paired tests against SciPy, the bootstrap against a plain loop over resamples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_rel
from sklearn import metrics

from mnistcli.linear_model.classifier import classes_of
from mnistcli.metrics import classification
from mnistcli.metrics.classification import evaluate_scores, rankings_of, roc_auc_interval
from mnistcli.metrics.intervals import (
    corrected_t,
    holm,
    mcnemar,
    percentiles,
    wilson,
)


@pytest.mark.parametrize(
    ("n_hits", "n"), [(0, 1), (1, 1), (0, 980), (980, 980), (979, 980), (1, 7), (9256, 10_000)]
)
def test_wilson_equals_scipy(n_hits, n):
    theirs = binomtest(n_hits, n).proportion_ci(method="wilson")
    assert wilson(n_hits, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert (wilson(n_hits, n)[0] == 0) == (n_hits == 0)
    assert (wilson(n_hits, n)[1] == 1) == (n_hits == n)


def test_without_samples_nothing_is_known():
    assert wilson(0, 0) == (0.0, 1.0)


def samples(n, n_classes, separation, *, rounded=False):
    rng = np.random.default_rng(n + n_classes)
    y = np.concatenate([np.arange(n_classes), rng.integers(n_classes, size=n - n_classes)])
    scores = rng.normal(size=(n, n_classes)) + separation * np.eye(n_classes)[y]
    if n_classes == 2:
        scores = scores[:, 1] - scores[:, 0]
    return y, np.round(scores) if rounded else scores


def plain_bootstrap(y, statistic, n_resamples):
    """The 2.5 and 97.5 % percentiles over resamples of each class, one after the other."""
    rng = np.random.default_rng(1)
    members = [np.flatnonzero(y == k) for k in np.unique(y)]
    values = [
        statistic(np.concatenate([rng.choice(m, len(m)) for m in members]))
        for _ in range(n_resamples)
    ]
    return np.quantile(values, [0.025, 0.975], axis=0)


def assert_same_interval(ours, theirs, part=0.08):
    """Both are random: their ends may differ by a part of the width."""
    tolerance = part * (theirs[1] - theirs[0])
    assert ours == pytest.approx(tuple(theirs), abs=tolerance)


@pytest.mark.parametrize(
    ("n", "n_classes", "separation", "rounded", "by_counts"),
    [
        (200, 2, 2.5, False, True),  # few distinct shares
        (200, 2, 1.0, True, True),  # many ties
        (900, 2, 1.0, False, False),  # each is drawn
        (60, 3, 1.5, False, False),
        (150, 6, 2.0, False, False),
    ],
)
def test_roc_auc_intervals_are_those_of_a_plain_bootstrap(
    monkeypatch, n, n_classes, separation, rounded, by_counts
):
    monkeypatch.setattr(classification, "_MOST_DISTINCT", 1000 if by_counts else 0)
    y, scores = samples(n, n_classes, separation, rounded=rounded)

    def roc_auc(chosen):  # held against scikit-learn in test_classification
        return np.mean([ranking.roc_auc for ranking in rankings_of(y[chosen], scores[chosen])])

    monkeypatch.setattr(classification, "N_RESAMPLES", 4000)
    ours = roc_auc_interval(rankings_of(y, scores), y)
    assert_same_interval(ours, plain_bootstrap(y, roc_auc, 2000))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_intervals_of_f1_and_of_averages_are_those_of_a_plain_bootstrap(n_classes):
    y, scores = samples(150, n_classes, 1.2)
    y[y == 1] *= np.arange((y == 1).sum()) % 4 == 0  # three of four become class 0
    answers = classes_of(scores)

    def everything(chosen):
        each = np.array(
            metrics.precision_recall_fscore_support(y[chosen], answers[chosen], zero_division=0)
        )[:3]
        weighted = np.average(each, axis=1, weights=np.bincount(y[chosen]))
        return [*each[2], *each.mean(axis=1), *weighted]

    ours = evaluate_scores(y, scores, tuple("abc"[:n_classes]))
    known = [(row.f1_score, row.f1_score_interval) for row in ours.classes]
    for row in (ours.macro_avg, ours.weighted_avg):
        known += [(value, interval) for _, value, interval in row.scores()]
    for (value, interval), theirs in zip(known, plain_bootstrap(y, everything, 400).T, strict=True):
        assert_same_interval(interval, theirs, part=0.12)
        assert interval[0] <= value <= interval[1]


def test_shares_get_wilsons_intervals():
    y, scores = samples(150, 3, 1.2)
    ours = evaluate_scores(y, scores, ("a", "b", "c"))
    assert ours.accuracy_interval == wilson(ours.n_correct, 150)
    for k, row in enumerate(ours.classes):
        hits, predicted = ours.confusion[k, k], ours.confusion[:, k].sum()
        assert row.recall_interval == wilson(int(hits), row.support)
        assert row.precision_interval == wilson(int(hits), int(predicted))


def test_percentiles_are_those_of_numpy():
    values = np.random.default_rng(0).normal(size=(173, 4))
    theirs = np.quantile(values, [0.025, 0.975], axis=0).T
    assert percentiles(values) == [pytest.approx(tuple(row), abs=1e-12) for row in theirs]


def test_the_same_numbers_every_time():
    y, scores = samples(400, 3, 2.0)
    first, again = (evaluate_scores(y, scores, ("a", "b", "c")) for _ in range(2))
    assert first.roc_auc_interval == again.roc_auc_interval
    assert first.macro_avg == again.macro_avg


def test_an_area_is_never_above_one(monkeypatch):
    """One pair in the wrong order: left out twice it would be less than none."""
    monkeypatch.setattr(classification, "_MOST_DISTINCT", 0)
    y = np.repeat([0, 1], 50)
    scores = np.arange(100.0)
    scores[[49, 50]] = 50, 49
    low, high = roc_auc_interval(rankings_of(y, scores), y)
    assert low < high == 1.0


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


def test_an_area_of_1_is_within_its_own_interval():
    y = np.repeat([0, 1], [500, 2])
    found = evaluate_scores(y, np.where(y, 3.0, -3.0) + np.linspace(0, 1, len(y)), ("0", "1"))
    assert (found.roc_auc, *found.roc_auc_interval) == (1, 1, 1)
