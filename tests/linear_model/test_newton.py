from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from mnistcli.linear_model import newton
from mnistcli.linear_model.certificate import certify
from mnistcli.linear_model.newton import fit_newton
from mnistcli.linear_model.problem import LocalBlocks, Problem, SeparableDataError, blocks_of
from tests.conftest import Recorder


def rows_of(split, labels=range(10), n_samples=None):
    keep = np.flatnonzero(np.isin(split.labels, list(labels)))[:n_samples]
    return split.images[keep].reshape(len(keep), -1), split.labels[keep].astype(np.intp)


def pair(mnist, a, b, n_samples=None):
    X, y = rows_of(mnist.train, (a, b), n_samples)
    return X, (y == b).astype(np.intp)


def fit(X, y, **options):
    options = {"n_classes": max(2, int(y.max()) + 1), "scale": 1 / 255} | options
    return fit_newton(X, y, **options)


def predicted(found, X):
    scores = (X / 255.0) @ found.coef.T + found.intercept
    return (scores[:, 0] > 0).astype(int) if len(found.coef) == 1 else scores.argmax(axis=1)


def reference(X, y, sample_weight=None, **options):
    """The optimum by another road: Newton with exact float64 Hessians."""
    options = {"C": 1.0, "tol": 1e-12, "max_iter": 500} | options
    model = LogisticRegression(solver="newton-cholesky", **options)
    return model.fit(X / 255.0, y, sample_weight=sample_weight)


def assert_at_the_optimum(found, X, y, rel=1e-8, **options):
    """Both the bound and the difference from scikit-learn's optimum are small."""
    best = reference(X, y, **options)
    known = {"n_classes": max(2, len(best.coef_)), "scale": 1 / 255, "C": 1.0} | options
    known.pop("tol", None)
    optimum = certify(
        X, y, best.coef_, best.intercept_, converged=True, n_iterations=1, n_passes=1.0, **known
    )
    assert found.certificate.converged
    assert found.certificate.objective == pytest.approx(optimum.objective, rel=rel)
    norm = np.linalg.norm(found.coef - best.coef_)
    assert norm <= found.certificate.distance_bound + optimum.distance_bound


# ---------------------------------------------------------------------------------- the optimum

MIDDLE = slice(196, 588)  # half of the pixels: scikit-learn takes the cube of their number


@pytest.mark.parametrize("C", [1e-4, 1e-2, 1.0, 1e2, 1e4])
@pytest.mark.parametrize("digits", [(0, 1), (4, 9)])
def test_pairs_reach_the_optimum_of_newton_cholesky(mnist, digits, C):
    X, y = pair(mnist, *digits, 2000)
    X = np.ascontiguousarray(X[:, MIDDLE])
    assert_at_the_optimum(fit(X, y, C=C, tol=1e-8), X, y, C=C)


@pytest.mark.parametrize("C", [1e-3, 1.0])
def test_three_classes_reach_the_optimum_of_newton_cholesky(mnist, C):
    X, y = rows_of(mnist.train, (0, 1, 2), 1500)
    X = np.ascontiguousarray(X[:, MIDDLE])
    assert_at_the_optimum(fit(X, y, C=C, tol=1e-8), X, y, C=C)


def test_the_default_tolerance_is_proven_on_all_rows(mnist):
    X, y = rows_of(mnist.train)
    found = fit(X, (y == 2).astype(np.intp))
    certificate = found.certificate
    assert certificate.converged
    assert certificate.gap_bound <= 1e-6 * certificate.objective
    assert certificate.objective == pytest.approx(3833.1775839697, rel=1e-6)


def test_the_certificate_is_what_certify_measures(mnist):
    X, y = rows_of(mnist.train, n_samples=3000)
    ours = fit(X, y, C=0.1).certificate
    found = fit(X, y, C=0.1)
    theirs = certify(
        X, y, found.coef, found.intercept, n_classes=10, C=0.1, scale=1 / 255,
        converged=True, n_iterations=1, n_passes=1.0,
    )  # fmt: skip
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-12)
    assert ours.gap_bound == pytest.approx(theirs.gap_bound, rel=1e-6)
    assert ours.distance_bound == pytest.approx(theirs.distance_bound, rel=1e-6)
    assert ours.relative_gradient_norm == pytest.approx(theirs.relative_gradient_norm, rel=1e-4)


def test_sample_weights_count_as_repetitions_and_zero_as_absence(mnist):
    X, y = pair(mnist, 3, 5, 1200)
    times = np.random.default_rng(0).integers(0, 4, len(y))
    weighted = fit(X, y, sample_weight=times.astype(float), tol=1e-10)
    repeated = fit(np.repeat(X, times, axis=0), np.repeat(y, times), tol=1e-10)
    distance = np.linalg.norm(weighted.coef - repeated.coef)
    assert distance <= 2 * repeated.certificate.distance_bound + 1e-4
    assert_at_the_optimum(weighted, X, y, sample_weight=times.astype(float))


def test_the_intercept_is_not_penalised(mnist):
    X, y = rows_of(mnist.train, n_samples=3000)
    y = (y == 5).astype(np.intp)
    found = fit(X, y, C=1e-9, tol=1e-12)
    share = 1 / (1 + math.exp(-found.intercept[0]))
    assert share == pytest.approx(y.mean(), rel=1e-4)


# ------------------------------------------------------------------------------------ odd data


def test_features_beyond_the_rows_columns_that_say_nothing_and_duplicates(mnist):
    X, y = rows_of(mnist.train, (0, 1, 2), 60)
    constant = np.full((60, 3), 200, dtype=np.uint8)
    X = np.concatenate([X, constant, X[:, 300:303]], axis=1)
    X, y = np.repeat(X, 2, axis=0), np.repeat(y, 2)
    found = fit(X, y, tol=1e-8)
    assert (found.coef[:, 784:787] == 0).all()
    np.testing.assert_allclose(found.coef[:, 300:303], found.coef[:, 787:], atol=1e-3)
    assert_at_the_optimum(found, X, y)


def test_one_sample_per_class(mnist):
    X, y = rows_of(mnist.train)
    first = [np.flatnonzero(y == k)[0] for k in range(3)]
    found = fit(X[first], y[first], tol=1e-8)
    assert_at_the_optimum(found, X[first], y[first])
    assert predicted(found, X[first]).tolist() == [0, 1, 2]


def test_a_single_feature_and_all_black_images():
    y = np.array([0, 0, 1, 1, 1])
    one = fit(np.array([[0], [3], [2], [5], [9]], dtype=np.uint8), y, scale=1.0, tol=1e-10)
    best = LogisticRegression(solver="newton-cholesky", tol=1e-12).fit([[0], [3], [2], [5], [9]], y)
    assert one.coef.ravel() == pytest.approx(best.coef_.ravel(), rel=1e-4)
    black = fit(np.zeros((5, 784), dtype=np.uint8), y)
    assert not black.coef.any()
    assert black.intercept == pytest.approx([math.log(3 / 2)])
    assert black.certificate.converged


def test_features_far_from_unit_scale_overflow_nothing():
    rng = np.random.default_rng(0)
    X, y = rng.normal(0, 1e4, (200, 3)).astype(np.float32), np.arange(200) % 2
    X[:, 0] += 2e4 * y
    found = fit(X, y, scale=1.0, C=1e4)
    assert np.isfinite(found.coef).all()
    assert found.certificate.converged


def test_input_is_not_modified_and_may_be_a_read_only_memory_map(mnist, tmp_path):
    X, y = pair(mnist, 0, 1, 1000)
    np.save(tmp_path / "rows.npy", X)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    np.testing.assert_array_equal(fit(mapped, y).coef, fit(X, y).coef)
    single = (X / np.float32(255)).astype(np.float32)
    single.setflags(write=False)
    np.testing.assert_allclose(fit(single, y, scale=1.0).coef, fit(X, y).coef, atol=1e-3)


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        ([0, 0, 0], {}, "no rows of class 1"),
        ([0, 0, 1], {"sample_weight": np.array([1.0, 1.0, 0.0])}, "no rows of class 1"),
        ([0, 0, 0], {"n_classes": 1}, "more than one class must occur"),
    ],
)
def test_what_cannot_be_fitted_is_refused(y, options, message):
    X = np.arange(6, dtype=np.uint8).reshape(3, 2)
    with pytest.raises(ValueError, match=message):
        fit_newton(X, np.array(y), **({"n_classes": 2} | options))


def test_values_that_are_not_finite_are_refused():
    X = np.array([[1.0], [np.nan]], dtype=np.float32)
    with pytest.raises(ValueError, match="not finite"):
        fit_newton(X, np.array([0, 1]), n_classes=2)


# ------------------------------------------------------------------------------ without a penalty


def test_separable_data_without_a_penalty_are_refused(mnist):
    for X, y in (pair(mnist, 0, 1, 3000), rows_of(mnist.train, n_samples=2000)):
        with pytest.raises(SeparableDataError, match="no finite optimum"):
            fit(X, y, C=math.inf)


@pytest.mark.parametrize("X", [[[0, 0], [1, 3], [2, 0], [3, 1]], [[0], [1], [1], [2]]])
def test_planes_and_single_features_that_separate_are_named(X):
    with pytest.raises(SeparableDataError, match="no finite optimum"):
        fit_newton(np.array(X, dtype=np.uint8), np.array([0, 0, 1, 1]), n_classes=2, C=math.inf)


def test_overlapping_data_without_a_penalty_have_the_maximum_likelihood_fit():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 3)).astype(np.float32), rng.integers(0, 3, 400)
    found = fit(X, y, scale=1.0, C=math.inf, tol=1e-8)
    best = LogisticRegression(C=math.inf, tol=1e-8, max_iter=1000).fit(X.astype(float), y)
    assert found.certificate.converged
    assert found.certificate.gap_bound is None
    centred = best.coef_ - best.coef_.mean(axis=0)
    np.testing.assert_allclose(found.coef, centred, atol=1e-4)


# ------------------------------------------------------------------------ what must not matter


def test_the_same_seed_gives_the_same_bits_and_another_the_same_optimum(mnist):
    X, y = rows_of(mnist.train, n_samples=8000)
    first, again, other = (fit(X, y, C=0.1, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.coef, again.coef)
    bound = first.certificate.distance_bound + other.certificate.distance_bound
    assert 0 < np.linalg.norm(first.coef - other.coef) <= bound


def test_the_order_of_rows_and_the_number_of_blas_threads_change_no_label(mnist):
    X, y = pair(mnist, 0, 1)
    everything = np.concatenate([rows_of(mnist.train)[0], rows_of(mnist.test)[0]])
    expected = predicted(fit(X, y, tol=1e-9), everything)
    order = np.random.default_rng(0).permutation(len(y))
    for n_threads, rows in ((1, slice(None)), (2, order)):
        with threadpool_limits(n_threads):
            found = fit(X[rows], y[rows], seed=n_threads, tol=1e-9)
        changed = int((predicted(found, everything) != expected).sum())
        assert changed == 0


def test_a_warm_start_at_the_optimum_takes_no_step(mnist):
    X, y = rows_of(mnist.train, n_samples=3000)
    cold = fit(X, y, tol=1e-11)
    shifted = (cold.coef + 1.0, cold.intercept + 3.0)  # The softmax cannot see this.
    warm = fit(X, y, warm_start=shifted)
    assert warm.certificate.n_iterations == 0
    assert warm.certificate.converged
    np.testing.assert_allclose(warm.coef, cold.coef, atol=1e-6)


def test_progress_falls_to_the_tolerance_and_running_out_of_steps_is_said(mnist):
    X, y = rows_of(mnist.train, n_samples=3000)
    told = Recorder()
    found = fit(X, y, progress=told)
    seen = [detail for *_, detail in told.updates]
    assert [p.iteration for p in seen] == list(range(1, found.certificate.n_iterations + 1))
    assert seen[-1].relative_gradient_norm <= seen[-1].tol < seen[0].relative_gradient_norm
    assert all(p.seconds_left >= 0 for p in seen)
    assert seen[-1].seconds_left == 0
    assert not fit(X, y, max_iter=2).certificate.converged
    assert np.array_equal(
        seen[0].coef()[:, X.max(axis=0) == 0], np.zeros((10, (X.max(axis=0) == 0).sum()))
    )
    np.testing.assert_allclose(seen[-1].coef(), found.coef, atol=1e-4)


def test_where_few_rows_bend_a_step_leads_over_these(monkeypatch, mnist):
    X, y = rows_of(mnist.train, (0, 1, 4), 6000)
    y = np.searchsorted([0, 1, 4], y)
    monkeypatch.setattr(newton, "FEW_VALUES", 0)
    told = Recorder()
    quick = fit(X, y, progress=told)
    n_rough = sum(each[3].share < 1 for each in told.updates)
    assert len(told.updates) - n_rough == quick.certificate.n_iterations
    monkeypatch.setattr(newton, "FEW_VALUES", math.inf)
    slow = fit(X, y)
    assert slow.certificate.converged
    assert quick.certificate.converged
    assert quick.certificate.objective == pytest.approx(slow.certificate.objective, rel=1e-4)
    assert quick.certificate.n_iterations < 0.7 * slow.certificate.n_iterations
    assert quick.certificate.n_passes < slow.certificate.n_passes


def test_few_rows_and_the_slope_of_the_others_lie_below_all_and_touch_them(mnist):
    X, y = rows_of(mnist.train, n_samples=400)
    weights = np.full(len(y), 0.5)
    blocks = LocalBlocks(blocks_of(X, y, weights))
    real = Problem(X, y, weights, blocks, 10, 1.0, 1 / 255, dtype=np.float64)
    rng = np.random.default_rng(0)
    here, *elsewhere = rng.normal(0, 0.1, (5, 10, 785))
    at = real.point(here)
    few, start = real.of_few(at, np.arange(0, 400, 3))
    again = few.point(here)
    assert (real.is_real, few.is_real) == (True, False)
    assert start.objective == at.objective == pytest.approx(again.objective, rel=1e-12)
    np.testing.assert_allclose(again.gradient, at.gradient, atol=1e-9)
    for theta in elsewhere:
        assert few.point(theta).objective < real.point(theta).objective


def test_progress_begins_with_the_rough_solution(mnist):
    X, y = rows_of(mnist.train, n_samples=6000)
    told = Recorder()
    found = fit(X, y, progress=told)
    rough = [each for each in told.updates if each[3].share < 1]
    assert 0 < len(rough) == len(told.updates) - found.certificate.n_iterations
    assert {each[:2] for each in rough} == {("fit", 0.0)}
    words = str(rough[0][3]).partition(" s to go, ")[2]
    assert words.startswith("iteration 1 on 12 % of the rows: gradient ")
    distances = [np.linalg.norm(each[3].coef() - found.coef) for each in told.updates]
    assert distances[0] > distances[len(rough)] > distances[-1]


@settings(max_examples=30, deadline=None)
@given(
    n_classes=st.integers(2, 5),
    n_features=st.integers(1, 6),
    n_samples=st.integers(10, 200),
    C=st.sampled_from([1e-3, 1.0, 1e3]),
    seed=st.integers(0, 1000),
)
def test_small_problems_of_any_shape_converge(n_classes, n_features, n_samples, C, seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 256, (n_samples, n_features)).astype(np.uint8)
    y = np.arange(n_samples) % n_classes
    found = fit(X, y, n_classes=n_classes, C=C, tol=1e-7)
    assert found.certificate.converged
    assert found.certificate.gap_bound <= 1e-7 * found.certificate.objective


# --------------------------------------------------------------------------------- the full counts

ALL_C = (1e-4, 1e-2, 1.0, 1e2, 1e4)


@pytest.mark.torture
@pytest.mark.parametrize("C", ALL_C)
@pytest.mark.parametrize("digits", list(itertools.combinations(range(10), 2)))
def test_all_pairs_at_all_C(mnist, digits, C):
    X, y = pair(mnist, *digits)
    assert_at_the_optimum(fit(X, y, C=C, tol=1e-8, max_iter=2000), X, y, C=C)


@pytest.mark.torture
@pytest.mark.parametrize("C", ALL_C)
@pytest.mark.parametrize("digit", range(10))
def test_all_one_versus_rest_at_all_C(mnist, digit, C):
    X, y = rows_of(mnist.train)
    y = (y == digit).astype(np.intp)
    assert_at_the_optimum(fit(X, y, C=C, tol=1e-8, max_iter=2000), X, y, C=C)


@pytest.mark.torture
@pytest.mark.parametrize("C", ALL_C)
def test_ten_classes_at_all_C_are_proven(mnist, C):
    # newton-cholesky would take a Hessian of 7,850 squared; the bound is proof without it.
    X, y = rows_of(mnist.train)
    found = fit(X, y, C=C, tol=1e-8, max_iter=3000)
    proof = certify(
        X, y, found.coef, found.intercept, n_classes=10, C=C, scale=1 / 255,
        converged=True, n_iterations=1, n_passes=1.0,
    )  # fmt: skip
    assert found.certificate.converged
    assert proof.gap_bound <= 1.001e-8 * proof.objective


@pytest.mark.torture
@pytest.mark.parametrize("task", ["2vrest", "digits"])
def test_twenty_shuffles_change_no_label_of_70000(mnist, task):
    X, y = rows_of(mnist.train)
    y = (y == 2).astype(np.intp) if task == "2vrest" else y
    everything = np.concatenate([X, rows_of(mnist.test)[0]])
    expected = predicted(fit(X, y, tol=1e-8), everything)
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(len(y))
        with threadpool_limits(1 + seed % 2):
            found = fit(X[order], y[order], seed=seed, tol=1e-8)
        assert (predicted(found, everything) == expected).all()
