from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn._loss import HalfBinomialLoss, HalfMultinomialLoss
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model._linear_loss import LinearModelLoss

from mnistcli.linear_model import objective
from mnistcli.linear_model.certificate import certify
from mnistcli.linear_model.objective import (
    class_weights,
    linear_scores,
    losses_and_residuals,
    prior_intercept,
    residual_products,
    slope_and_curvature,
)
from mnistcli.linear_model.problem import LocalBlocks, Problem, blocks_of


def digits(mnist, n_classes, n_samples=1500):
    keep = np.flatnonzero(mnist.train.labels < n_classes)[:n_samples]
    X = mnist.train.images[keep].reshape(len(keep), -1)
    return X, mnist.train.labels[keep].astype(np.intp)


def random_model(n_classes, n_features, seed=0):
    rng = np.random.default_rng(seed)
    n_outputs = 1 if n_classes == 2 else n_classes
    return rng.normal(0, 0.3, (n_outputs, n_features)), rng.normal(0, 1, n_outputs)


def measured(X, y, coef, intercept, **options):
    options = {"C": 1.0, "scale": 1 / 255, "n_classes": max(2, len(coef))} | options
    return certify(X, y, coef, intercept, converged=True, n_iterations=1, n_passes=1.0, **options)


@pytest.mark.parametrize("n_classes", [2, 10])
def test_objective_and_gradient_norm_are_those_of_scikit_learn(mnist, n_classes):
    X, y = digits(mnist, n_classes)
    coef, intercept = random_model(n_classes, X.shape[1])
    weights = np.random.default_rng(1).uniform(0, 2, len(y))
    ours = measured(X, y, coef, intercept, C=0.7, sample_weight=weights)

    base = HalfBinomialLoss() if n_classes == 2 else HalfMultinomialLoss(n_classes=10)
    theirs = LinearModelLoss(base_loss=base, fit_intercept=True)
    packed = np.column_stack([coef, intercept])
    packed = packed.ravel() if n_classes == 2 else packed.ravel(order="F")
    scale = 0.7 * weights.sum()  # scikit-learn divides the whole by it
    value, gradient = theirs.loss_gradient(
        packed, X / 255.0, y.astype(float), weights, l2_reg_strength=1 / scale
    )
    assert ours.objective == pytest.approx(scale * value, rel=1e-12)
    assert ours.gradient_norm == pytest.approx(scale * np.linalg.norm(gradient), rel=1e-10)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_bounds_hold_and_become_tight_at_the_optimum(mnist, n_classes):
    X, y = digits(mnist, n_classes)
    X = X[:, 196:588]  # half of the pixels: scikit-learn takes the cube of their number
    best = LogisticRegression(solver="newton-cholesky", tol=1e-12, C=0.1).fit(X / 255.0, y)
    optimum = measured(X, y, best.coef_, best.intercept_, C=0.1)
    assert optimum.gap_bound < 1e-12 * optimum.objective
    for distance in (1e-3, 0.1, 1.0):
        coef, intercept = random_model(n_classes, X.shape[1])
        coef, intercept = best.coef_ + distance * coef, best.intercept_ + distance * intercept
        there = measured(X, y, coef, intercept, C=0.1)
        assert 0 < there.objective - optimum.objective <= there.gap_bound
        assert np.linalg.norm(coef - best.coef_) <= there.distance_bound


def test_a_penalised_intercept_is_found_out(mnist):
    X, y = digits(mnist, 2)
    liblinear = LogisticRegression(solver="liblinear", tol=1e-10, max_iter=10_000).fit(X / 255.0, y)
    free = LogisticRegression(solver="newton-cholesky", tol=1e-10).fit(X / 255.0, y)
    assert measured(X, y, free.coef_, free.intercept_).relative_gradient_norm < 1e-9
    assert measured(X, y, liblinear.coef_, liblinear.intercept_).relative_gradient_norm > 1e-5


@pytest.mark.parametrize(("l1_ratio", "bounded"), [(1.0, False), (0.5, True), (0.0, True)])
def test_l1_uses_the_subgradient_of_least_norm(mnist, l1_ratio, bounded):
    X, y = digits(mnist, 2, 200)
    saga = LogisticRegression(
        solver="saga", l1_ratio=l1_ratio, C=0.02, tol=1e-6, max_iter=100_000, random_state=0
    ).fit(X / 255.0, y)
    found = measured(X, y, saga.coef_, saga.intercept_, C=0.02, l1_ratio=l1_ratio)
    assert found.relative_gradient_norm < 1e-4
    assert (found.gap_bound is not None) is bounded
    assert (found.distance_bound is not None) is bounded


def test_without_a_penalty_there_is_no_bound(mnist):
    X, y = digits(mnist, 2)
    coef, intercept = random_model(2, X.shape[1])
    found = measured(X, y, coef, intercept, C=math.inf)
    assert found.gap_bound is found.distance_bound is None


def test_the_prior_model_has_relative_gradient_norm_1(mnist):
    X, y = digits(mnist, 10)
    prior = prior_intercept(class_weights(y, np.ones(len(y)), 10))
    assert measured(X, y, np.zeros((10, 784)), prior).relative_gradient_norm == pytest.approx(1)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_residuals_and_curvature_are_derivatives_of_the_losses(n_classes, dtype):
    rng = np.random.default_rng(0)
    n_outputs = 1 if n_classes == 2 else n_classes
    scores, change = rng.normal(0, 3, (2, n_outputs, 50)).astype(dtype)
    y, weights = rng.integers(0, n_classes, 50), rng.uniform(0, 2, 50).astype(dtype)
    _, residuals = losses_and_residuals(scores, y)
    slope, curvature = slope_and_curvature(residuals, change, y, weights)

    def value(step):
        wide = scores.astype(np.float64) + step * change.astype(np.float64)
        return float(losses_and_residuals(wide, y)[0] @ weights.astype(np.float64))

    h = 1e-4
    assert slope == pytest.approx((value(h) - value(-h)) / (2 * h), rel=1e-5)
    second = (value(h) - 2 * value(0) + value(-h)) / h**2
    assert curvature == pytest.approx(second, rel=1e-4)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_scores_of_any_size_give_finite_losses_and_accurate_residuals(n_outputs):
    scores = np.full((n_outputs, 2), -1e4, dtype=np.float32)
    scores[-1] = [1e4, 20.0] if n_outputs == 1 else [1e4, -9980.0]
    y = np.full(2, 1 if n_outputs == 1 else n_outputs - 1)
    losses, residuals = losses_and_residuals(scores, y)
    others = max(1, n_outputs - 1) * math.exp(-20.0)
    assert losses.tolist() == pytest.approx([0.0, others], rel=1e-6)
    assert residuals[-1].tolist() == pytest.approx([0.0, -others], rel=1e-6)
    losses, _ = losses_and_residuals(scores, np.zeros(2, dtype=int))
    assert np.isfinite(losses).all()
    assert losses[0] == pytest.approx(1e4 if n_outputs == 1 else 2e4)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_the_best_intercept_is_stationary_from_far_away(n_classes):
    rng = np.random.default_rng(0)
    n_outputs = 1 if n_classes == 2 else n_classes
    X, y = rng.normal(0, 5, (300, n_outputs)), np.arange(300) % n_classes
    weights = rng.uniform(0, 2, 300)
    blocks = LocalBlocks(blocks_of(X, y, weights))
    problem = Problem(X, y, weights, blocks, n_outputs, 0.0, 1.0, np.float64)
    theta = np.column_stack([np.eye(n_outputs), np.linspace(10, 60, n_outputs)])
    best = problem.with_best_intercept(theta)
    assert np.abs(best.gradient[:, -1]).max() < 1e-6
    here = losses_and_residuals(X.T + best.theta[:, -1:], y)[0] @ weights
    assert best.objective == pytest.approx(here, rel=1e-12)


@pytest.mark.parametrize("n_samples", [1, 31, 32, 513, 1600])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_passes_are_the_two_matrix_products(n_samples, dtype, n_outputs):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (n_samples, 7)).astype(dtype)
    coef, residuals = rng.normal(size=(n_outputs, 7)), rng.normal(size=(n_outputs, n_samples))
    for precision, rtol in ((np.float64, 1e-12), (np.float32, 2e-5)):
        scores = linear_scores(X, coef, scale=0.5, dtype=precision)
        assert scores.dtype == precision
        np.testing.assert_allclose(scores, coef @ (X * 0.5).T, rtol=rtol, atol=100 * rtol)
        products = residual_products(X, residuals, scale=0.5, dtype=precision)
        np.testing.assert_allclose(products, residuals @ (X * 0.5), rtol=rtol, atol=1e3 * rtol)


def test_sums_of_many_blocks_are_those_of_all_at_once(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (5000, 600), dtype=np.uint8)
    residuals = rng.normal(size=(3, 5000))
    known = {"scale": 0.5, "dtype": np.float32}
    at_once = objective.residual_products(X, residuals, **known)
    np.testing.assert_allclose(at_once, 0.5 * residuals @ X, rtol=1e-3, atol=1)
    monkeypatch.setattr(objective, "BLOCKS_AT_ONCE", 2)
    np.testing.assert_array_equal(objective.residual_products(X, residuals, **known), at_once)
