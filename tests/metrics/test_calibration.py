from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from mnistcli.metrics.classification import (
    brier_score,
    expected_calibration_error,
    reliability_bins,
)


def samples(n, n_classes):
    rng = np.random.default_rng(n)
    probabilities = rng.dirichlet(np.full(n_classes, 0.5), size=n)
    y = np.array([rng.choice(n_classes, p=p) for p in probabilities])
    return y, probabilities


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_bins_are_those_of_scikit_learn(n_classes):
    y, probabilities = samples(500, n_classes)
    said = probabilities[:, 1] if n_classes == 2 else probabilities.max(axis=1)
    true = y == 1 if n_classes == 2 else probabilities.argmax(axis=1) == y
    share, mean = calibration_curve(true, said, n_bins=10)
    bins = [each for each in reliability_bins(y, probabilities) if each.n_samples]
    assert [each.share for each in bins] == pytest.approx(share.tolist(), abs=1e-12)
    assert [each.mean_probability for each in bins] == pytest.approx(mean.tolist(), abs=1e-12)
    counts = np.array([each.n_samples for each in bins])
    assert counts.sum() == 500
    expected = (counts * np.abs(share - mean)).sum() / 500
    assert expected_calibration_error(bins) == pytest.approx(expected, abs=1e-12)


def test_edges_belong_to_the_bin_below_and_nothing_to_none():
    p = np.array([0.0, 0.1, 0.10001, 1.0])
    bins = reliability_bins(np.array([0, 0, 0, 1]), np.column_stack([1 - p, p]))
    assert [each.n_samples for each in bins] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert math.isnan(bins[4].share)
    assert bins[4].share_interval == (0.0, 1.0)
    assert expected_calibration_error(bins) == pytest.approx((0.1 + 0.10001) / 4)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_the_brier_score_is_that_of_scikit_learn(n_classes):
    y, probabilities = samples(400, n_classes)
    theirs = brier_score_loss(y, probabilities[:, 1] if n_classes == 2 else probabilities)
    assert brier_score(y, probabilities) == pytest.approx(theirs, abs=1e-12)
