"""Every solver on small data: what reaches it, what it answers, and how it knows how good that is."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from mnistcli.arrays import SomeRows
from mnistcli.errors import TrainingError
from mnistcli.linear_model.certificate import Certificate, Fit, certify, joint_fit
from mnistcli.linear_model.classifier import LinearClassifier, pairs_of
from mnistcli.linear_model.lbfgs import LBFGS, probe, search_along
from mnistcli.linear_model.newton import fit_newton
from mnistcli.linear_model.objective import loss_weights
from mnistcli.linear_model.preconditioner import Preconditioner, inclusion_chances
from mnistcli.linear_model.problem import (
    LocalBlocks,
    Problem,
    SeparableDataError,
    blocks_of,
    centred,
)
from mnistcli.linear_model.solvers import fit_classifier
from mnistcli.settings import SOLVERS, SolverSettings
from mnistcli.tasks import parse_task

TASKS = {2: parse_task("0v1"), 3: parse_task("0v1v2"), 4: parse_task("0v1v2v3")}


def data(n_classes, n_samples=90, n_features=5, seed=0):
    """Bytes of overlapping classes; the first class is the largest."""
    rng = np.random.default_rng(seed)
    y = np.minimum(rng.integers(0, 2 * n_classes, n_samples) // 2, n_classes - 1)
    y = np.where(rng.random(n_samples) < 0.3, 0, y)
    means = rng.uniform(60, 190, (n_classes, n_features))
    X = np.clip(rng.normal(means[y], 60), 0, 255).astype(np.uint8)
    return X, y.astype(np.int64)


def tight(solver, **settings):
    return SolverSettings(solver=solver, tol=1e-10, max_iter=20_000, **settings)


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("solver", SOLVERS)
def test_solvers_reach_the_optimum_of_scikit_learn(solver, n_classes, class_weight):
    if n_classes > (SOLVERS[solver].max_classes or n_classes):
        return
    X, y = data(n_classes)
    best = LogisticRegression(
        C=3.0, class_weight=class_weight, solver="newton-cholesky", tol=1e-12, max_iter=500
    ).fit(X / 255.0, y)
    classifier, found = fit_classifier(
        X, y, tight(solver, C=3.0, class_weight=class_weight), TASKS[n_classes], seed=4
    )
    np.testing.assert_allclose(classifier.coef, best.coef_, atol=5e-3)
    np.testing.assert_allclose(classifier.intercept, best.intercept_, atol=5e-3)
    # liblinear penalises the intercept a little, others stop at what float32 allows.
    limit = 1e-3 if solver != "newton" else 1e-6
    assert found.certificate.relative_gradient_norm < limit
    assert found.certificate.gap_bound < limit * found.certificate.objective


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("task", ["0v1", "0v1v2", "pairs"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_weight_of_three_is_three_of_the_same(solver, task, class_weight):
    task = parse_task(task)
    if task.n_classes_per_fit > (SOLVERS[solver].max_classes or 10) or (
        task.is_pairwise and solver not in ("newton", "lbfgs")
    ):
        return
    if solver == "sag" and class_weight:  # it does not converge where weights differ so much
        return
    X, y = data(task.n_classes, 200)
    weight = np.where(np.arange(len(y)) % 4 == 0, 3, 1)
    settings = tight(solver, C=2.0, class_weight=class_weight)
    many, _ = fit_classifier(np.repeat(X, weight, axis=0), np.repeat(y, weight), settings, task)
    one, fit = fit_classifier(X, y, settings, task, sample_weight=weight.astype(float))
    np.testing.assert_allclose(one.coef, many.coef, atol=5e-3)
    np.testing.assert_allclose(one.intercept, many.intercept, atol=5e-3)
    assert fit.certificate.relative_gradient_norm < 5e-3  # it knows of the weights


@pytest.mark.parametrize(
    ("penalty", "solver", "l1_ratio"),
    [
        ("l1", "liblinear", None), ("l1", "saga", None), ("elasticnet", "saga", 0.3),
        ("none", "newton", None), ("none", "lbfgs", None), ("none", "saga", None),
    ],
)  # fmt: skip
def test_penalties_reach_the_optimum_of_their_own_objective(penalty, solver, l1_ratio):
    X, y = data(2)
    share = {"l1": 1.0, "none": 0.0}.get(penalty, l1_ratio)
    strength = 0.0 if penalty == "none" else 1.0

    def objective(theta):
        w, b = theta[:-1], theta[-1]
        margins = np.where(y == 1, 1, -1) * (X / 255.0 @ w + b)
        norm = (1 - share) / 2 * (w @ w) + share * np.abs(w).sum()
        return strength * norm + (0.7 if strength else 1.0) * np.logaddexp(0, -margins).sum()

    settings = tight(solver, C=0.7, penalty=penalty, l1_ratio=l1_ratio)
    classifier, found = fit_classifier(X, y, settings, TASKS[2])
    theta = np.append(classifier.coef, classifier.intercept)
    if penalty != "none":
        assert found.certificate.objective == pytest.approx(objective(theta), rel=1e-9)
    better = minimize(
        objective, theta, method="Nelder-Mead", options={"xatol": 1e-7, "maxfev": 4000}
    )
    assert objective(theta) <= better.fun + 1e-4


@pytest.mark.parametrize("solver", SOLVERS)
def test_tolerance_and_steps_reach_the_solver(solver):
    X, y = data(2, 200)
    _, short = fit_classifier(X, y, SolverSettings(solver=solver, tol=1e-12, max_iter=1), TASKS[2])
    assert (short.certificate.n_iterations, short.certificate.converged) == (1, False)
    _, rough = fit_classifier(X, y, SolverSettings(solver=solver, tol=0.5), TASKS[2])
    _, close = fit_classifier(X, y, tight(solver), TASKS[2])
    assert rough.certificate.converged
    assert rough.certificate.n_iterations < close.certificate.n_iterations
    assert rough.certificate.objective > close.certificate.objective


@pytest.mark.parametrize("solver", ["sag", "saga", "liblinear"])
def test_the_seed_reaches_solvers_that_draw(solver):
    X, y = data(2)
    settings = SolverSettings(
        solver=solver, max_iter=3, penalty="l2" if solver != "liblinear" else "l1"
    )
    first, again, other = (
        fit_classifier(X, y, settings, TASKS[2], seed=seed)[1].coef for seed in (1, 1, 2**32 - 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_warm_start_at_the_optimum_ends_at_once():
    X, y = data(3)
    _, cold = fit_classifier(X, y, tight("newton"), TASKS[3])
    _, warm = fit_classifier(X, y, SolverSettings(), TASKS[3], warm_start=cold)
    assert cold.certificate.n_iterations > 0 == warm.certificate.n_iterations


def test_what_float32_cannot_reach_is_reached_in_float64():
    X, y = data(3, 400)
    found = fit_newton(X, y, n_classes=3, scale=1 / 255, C=10.0, tol=1e-15)
    assert found.certificate.converged
    assert found.certificate.gap_bound <= 1e-15 * found.certificate.objective


def test_a_class_without_images_is_refused():
    X, y = data(2)
    with pytest.raises(TrainingError, match="no images to learn from"):
        fit_classifier(X, y, SolverSettings(), TASKS[3])


def test_images_of_no_weight_hide_no_separating_feature_or_plane():
    X = np.array([[0, 7], [1, 3], [9, 5], [8, 4], [9, 6]], dtype=np.uint8)
    y, weights = np.array([0, 0, 1, 1, 0]), np.array([1.0, 1, 1, 1, 0])
    with pytest.raises(SeparableDataError, match="feature 0 alone divides class 0"):
        fit_newton(X, y, n_classes=2, C=math.inf, sample_weight=weights)
    X = np.array([[0, 3], [4, 7], [3, 0], [7, 4], [9, 0]], dtype=np.uint8)
    with pytest.raises(SeparableDataError, match="by a plane"):
        fit_newton(X, y, n_classes=2, C=math.inf, sample_weight=weights)


# -------------------------------------------------------------------------------- the certificate


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_bounds_are_those_of_strong_convexity(n_classes, l1_ratio):
    """From differences of F(W) = min_b f(W, b) alone."""
    X, y = data(n_classes, 40, 2)
    n_outputs = 1 if n_classes == 2 else n_classes
    rng = np.random.default_rng(0)
    coef, intercept = rng.normal(size=(n_outputs, 2)), rng.normal(size=n_outputs)
    weights = rng.uniform(0.5, 2, len(y))

    def value(W, b):
        known = {"n_classes": n_classes, "C": 0.3, "scale": 1 / 255, "l1_ratio": l1_ratio}
        known |= {"sample_weight": weights, "converged": True, "n_iterations": 1, "n_passes": 1.0}
        return certify(X, y, W, b, **known)

    def best(W):
        return minimize(lambda b: value(W, b).objective, intercept, tol=1e-12).fun

    gradient = np.zeros_like(coef)
    for place in np.ndindex(coef.shape):
        step = np.zeros_like(coef)
        step[place] = 1e-4
        gradient[place] = (best(coef + step) - best(coef - step)) / 2e-4
    found, norm = value(coef, intercept), np.linalg.norm(gradient)
    expected = found.objective - best(coef) + norm**2 / (2 * (1 - l1_ratio))
    assert found.gap_bound == pytest.approx(expected, rel=1e-4)
    assert found.distance_bound == pytest.approx(norm / (1 - l1_ratio), rel=1e-4)


def certificate(**changed):
    known = Certificate(2.0, 3.0, 0.1, 0.5, 3.0, converged=True, n_iterations=4, n_passes=1.5)
    return replace(known, **changed)


def joined(*certificates):
    fits = [Fit(np.ones((1, 2)), np.ones(1), each, 1.0) for each in certificates]
    return joint_fit(fits, 9.0)


def test_fits_of_pairs_are_together_as_good_as_their_parts():
    other = certificate(
        objective=5.0, gradient_norm=4.0, relative_gradient_norm=0.3, distance_bound=4.0
    )
    both = joined(certificate(), other)
    assert both.certificate == Certificate(
        7.0, 5.0, 0.3, 1.0, 5.0, converged=True, n_iterations=8, n_passes=3.0
    )
    assert (both.coef.shape, both.intercept.shape, both.fit_seconds) == ((2, 2), (2,), 9.0)
    assert not joined(certificate(), certificate(converged=False)).certificate.converged
    unknown = joined(certificate(), certificate(gap_bound=None, distance_bound=None)).certificate
    assert (unknown.gap_bound, unknown.distance_bound) == (None, None)


# ------------------------------------------------------------------------------ weights of a pair


@pytest.mark.parametrize("n_classes", [2, 3])
def test_weights_of_a_pair_are_the_log_of_how_much_more_probable_one_is(n_classes):
    X, y = data(n_classes)
    classifier, _ = fit_classifier(X, y, SolverSettings(), TASKS[n_classes])
    p = classifier.predict_proba(X)
    for k, other in itertools.permutations(range(n_classes), 2):
        weights, intercept = classifier.pair_weights(k, other)
        scores = X / 255.0 @ weights + intercept
        np.testing.assert_allclose(scores, np.log(p[:, k] / p[:, other]), atol=1e-9)


def test_weights_of_a_pair_of_pairs_speak_for_the_class_that_is_named_first():
    rng = np.random.default_rng(0)
    names = ("a", "b", "c", "d")
    classifier = LinearClassifier(
        rng.normal(size=(6, 5)), rng.normal(size=6), names, is_pairwise=True
    )
    X, _ = data(2)
    scores = classifier.linear_scores(X)
    for k, other in itertools.permutations(range(4), 2):
        weights, intercept = classifier.pair_weights(k, other)
        row = pairs_of(4).index((min(k, other), max(k, other)))
        expected = scores[:, row] if k > other else -scores[:, row]
        np.testing.assert_allclose(X / 255.0 @ weights + intercept, expected, atol=1e-9)
    assert classifier.output_names()[0] == ("b", "a")
    assert LinearClassifier(np.zeros((1, 5)), np.zeros(1), ("a", "b")).output_names() == [
        ("b", "a")
    ]


def test_solvers_that_need_all_rows_at_once_say_so_before_they_read_any():
    class Large(SomeRows):
        shape = (10**12, 5)

        def __getitem__(self, numbers):
            raise AssertionError

    X, y = data(3)
    with pytest.raises(TrainingError, match="the solver saga needs all rows at once: 40000 GB"):
        fit_classifier(Large(X, range(5)), y, SolverSettings(solver="saga"), TASKS[3])


@pytest.mark.parametrize("options", [{}, {"class_weight": "balanced"}, {"solver": "saga"}])
def test_pairs_of_a_source_and_of_a_file_are_those_of_an_array(tmp_path, options):
    X, y = data(3)
    task, settings = replace(TASKS[3], is_pairwise=True), SolverSettings(**options)
    np.save(tmp_path / "rows.npy", X)
    _, expected = fit_classifier(X, y, settings, task)
    for source in (np.load(tmp_path / "rows.npy", mmap_mode="r"), SomeRows(X, range(len(X)))):
        _, found = fit_classifier(source, y, settings, task)
        np.testing.assert_array_equal(found.coef, expected.coef)


# ------------------------------------------------------------------------- the parts of our solver


def problem_at(n_classes, n_samples=90, n_features=5, *, scale=1 / 255, penalty=1.0):
    X, y = data(n_classes, n_samples, n_features)
    n_outputs = 1 if n_classes == 2 else n_classes
    weights = loss_weights(2.0, len(y), np.random.default_rng(1).uniform(0.5, 1.5, len(y)))
    X = X.astype(np.float32)
    blocks = LocalBlocks(blocks_of(X, y, weights))
    problem = Problem(X, y, weights, blocks, n_outputs, penalty, scale, np.float64)
    theta = np.random.default_rng(2).normal(size=(n_outputs, n_features + 1))
    theta = centred(theta)
    return problem, problem.point(theta)


def hessian_times(problem, point, v):
    h = 1e-5
    up, down = (problem.point(t) for t in (point.theta + h * v, point.theta - h * v))
    return (up.gradient - down.gradient) / (2 * h)


@pytest.mark.parametrize(("n_samples", "n_features"), [(90, 5), (30, 60)])
def test_the_preconditioner_of_few_rows_is_the_inverse_hessian(n_samples, n_features):
    problem, point = problem_at(2, n_samples, n_features)
    exact = Preconditioner(np.random.default_rng(0), 1e-9)
    exact.refresh(problem, point)
    v = centred(np.random.default_rng(3).normal(size=point.theta.shape))
    np.testing.assert_allclose(exact.times(hessian_times(problem, point, v)), v, atol=5e-3)


def test_blocks_of_the_preconditioner_are_those_of_the_classes():
    problem, point = problem_at(4)
    blocks = Preconditioner(np.random.default_rng(0), 1e-9)
    blocks.refresh(problem, point)
    v = centred(np.random.default_rng(3).normal(size=point.theta.shape))
    (block,) = problem.blocks.blocks
    p = np.abs(block.losses_at(problem.line(point.theta), 0.0)[1])
    X = np.column_stack([problem.X * problem.scale, np.ones(len(problem.y))])
    expected = np.empty_like(v)
    for k in range(4):
        hessian = (X.T * (p[k] * (1 - p[k]) * problem.weights)) @ X
        hessian[range(5), range(5)] += 1.0
        expected[k] = np.linalg.solve(hessian, v[k])
    np.testing.assert_allclose(blocks.times(v), centred(expected), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("tol", "factor"), [(1e-9, 2), (1e6, 1)])
def test_an_old_preconditioner_is_drawn_again_from_twice_the_rows_if_much_is_to_come(tol, factor):
    problem, point = problem_at(4, 9000)
    preconditioner = Preconditioner(np.random.default_rng(0), tol)
    preconditioner.refresh(problem, point)
    n_first = preconditioner._n_drawn
    for _ in range(21):
        preconditioner.refresh(problem, point)
    assert preconditioner._n_drawn == pytest.approx(factor * n_first, rel=0.2)


def test_rows_are_drawn_by_their_weight():
    weights = np.random.default_rng(0).exponential(size=4000)
    chances = inclusion_chances(weights, 500)
    assert chances.sum() == pytest.approx(500, rel=1e-3)
    sure = chances == 1.0
    assert weights[sure].min() >= weights[~sure].max()
    np.testing.assert_allclose(np.ptp(chances[~sure] / weights[~sure]), 0, atol=1e-12)
    assert inclusion_chances(np.array([0.0, 2.0, 1.0]), 2).tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("n_classes", [2, 4])
def test_a_step_ends_where_the_slope_is_half_or_less_and_is_remembered(n_classes):
    problem, point = problem_at(n_classes)
    for factor in (1e-4, 1.0, 1e3):
        direction = -factor * point.gradient
        slope = float(np.vdot(point.gradient, direction))
        new = search_along(problem, point, direction, slope)
        assert abs(np.vdot(new.gradient, direction)) <= 0.5 * abs(slope)
        again = problem.point(new.theta)
        assert new.objective == pytest.approx(again.objective, rel=1e-12)
        np.testing.assert_allclose(new.gradient, again.gradient, rtol=1e-9, atol=1e-9)
        lbfgs = LBFGS(Preconditioner(np.random.default_rng(0), 1e-9))
        lbfgs.remember(point, new)
        # The secant equation: the last change of the gradient leads back along the last step.
        change = new._replace(gradient=new.gradient - point.gradient)
        np.testing.assert_allclose(
            lbfgs.direction(problem, change), point.theta - new.theta, rtol=1e-6
        )


def test_a_step_without_curvature_is_forgotten():
    problem, point = problem_at(2)
    lbfgs = LBFGS(Preconditioner(np.random.default_rng(0), 1e-9))
    before = lbfgs.direction(problem, point)
    wrong = point._replace(theta=point.theta + 1.0, gradient=point.gradient - 1.0)
    lbfgs.remember(point, wrong)
    np.testing.assert_array_equal(lbfgs.direction(problem, point), before)


def test_slope_and_curvature_are_those_of_the_objective():
    problem, point = problem_at(3, penalty=0.0)
    v = np.random.default_rng(5).normal(size=point.theta.shape)
    slope, curvature = problem.sums(probe, problem.line(point.theta, v, point.key), 0.0)
    assert slope == pytest.approx(float(np.vdot(point.gradient, v)), rel=1e-9)
    assert curvature == pytest.approx(float(np.vdot(hessian_times(problem, point, v), v)), rel=1e-5)
