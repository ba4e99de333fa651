"""How far an answer is from the optimum of `objective`: a proof that any solver's answer can have."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistcli.arrays import Float64s, Floats, Labels, Rows
from mnistcli.display import Displayed
from mnistcli.linear_model.objective import class_weights, loss_weights, prior_intercept
from mnistcli.linear_model.problem import LocalBlocks, Point, Problem, blocks_of


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is known about how close a fit is to the optimum; computed in float64.

    F(W) = min_b f(W, b) is (1 - rho)-strongly convex, so with b* its minimiser (Nesterov, Lectures
    on Convex Optimization, 2.1.19)

        f(W, b) - f* <= f(W, b) - f(W, b*) + ||dF(W)||^2 / (2 (1 - rho)),

    the gap, and ||W - W*|| <= ||dF(W)|| / (1 - rho). Where neither follows (no penalty, or pure L1)
    the bounds are None. The prior model has zero weights and the intercepts that give every sample
    its class's share of the weight.
    """

    objective: float  # f(W, b) of `objective`
    gradient_norm: float  # over weights and intercepts; of L1 the subgradient of least norm
    relative_gradient_norm: float  # divided by that of the prior model
    gap_bound: float | None  # no less than ``objective`` minus the optimum
    distance_bound: float | None  # no less than ||W - W*||
    converged: bool  # what the solver claims; ours: ``gap_bound <= tol * objective``
    n_iterations: int
    n_passes: float  # scores of all rows are half of one, a gradient from them the rest


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Fit(Displayed):
    """Coefficients for ``X * scale``, and what is known about them.

    `coef` has shape (1, n_features) for two classes, else (n_classes, n_features), `intercept`
    (1,) or (n_classes,). `fit_seconds` is wall-clock time.
    """

    coef: Float64s
    intercept: Float64s
    certificate: Certificate
    fit_seconds: float


def certify(
    X: Rows,
    y: Labels,
    coef: Float64s,
    intercept: Float64s,
    *,
    n_classes: int,
    C: float,
    scale: float = 1.0,
    sample_weight: Floats | None = None,
    l1_ratio: float = 0.0,
    **known: Any,
) -> Certificate:
    """Measure any solver's answer, in float64 whatever the type of X.

    X, y, C, scale and sample_weight are those of `newton.fit_newton`, coef and intercept those of
    `Fit`. `l1_ratio` is the share of the penalty that is L1; known are the fields of a certificate
    that only the solver knows, from ``converged`` on.
    """
    l2, l1 = (0.0, 0.0) if math.isinf(C) else (1.0 - l1_ratio, l1_ratio)
    weights, n_outputs = loss_weights(C, len(y), sample_weight), len(coef)
    blocks = LocalBlocks(blocks_of(X, y, weights))
    problem = Problem(X, y, weights, blocks, n_outputs, l2, scale, np.float64)
    theta = np.column_stack([coef, intercept])
    here, best = problem.point(theta), problem.with_best_intercept(theta)
    theta = np.zeros_like(theta)
    theta[:, -1] = prior_intercept(class_weights(y, weights, n_classes))
    norm_prior = _norm_by_coef(problem.point(theta), l1)
    norm = math.hypot(_norm_by_coef(here, l1), np.linalg.norm(here.gradient[:, -1]))
    norm_best = _norm_by_coef(best, l1)
    excess = max(here.objective - best.objective, 0.0)
    return Certificate(
        objective=here.objective + l1 * float(np.abs(coef).sum()),
        gradient_norm=norm,
        relative_gradient_norm=relative(norm, norm_prior),
        gap_bound=excess + norm_best**2 / (2.0 * l2) if l2 > 0.0 else None,
        distance_bound=norm_best / l2 if l2 > 0.0 else None,
        **known,
    )


def _norm_by_coef(point: Point, l1: float) -> float:
    """Return the least norm of a subgradient by the weights, with l1 * ||W||_1 added."""
    smooth, coef = point.gradient[:, :-1], point.theta[:, :-1]
    at_zero = np.sign(smooth) * np.maximum(np.abs(smooth) - l1, 0.0)
    return float(np.linalg.norm(np.where(coef == 0.0, at_zero, smooth + l1 * np.sign(coef))))


def relative(norm: float, start: float) -> float:
    """Return norm / start; an answer that starts at the optimum (0 / 0) is at the optimum: 0."""
    return norm / start if start > 0.0 else 0.0


def joint_fit(fits: Sequence[Fit], fit_seconds: float) -> Fit:
    """Put the fits of all pairs together: their sum is one objective in all the weights."""
    each = [fit.certificate for fit in fits]
    gaps: list[Any] = [one.gap_bound for one in each]
    distances: list[Any] = [one.distance_bound for one in each]
    certificate = Certificate(
        objective=math.fsum(one.objective for one in each),
        gradient_norm=math.hypot(*(one.gradient_norm for one in each)),
        relative_gradient_norm=max(one.relative_gradient_norm for one in each),
        gap_bound=None if None in gaps else math.fsum(gaps),
        distance_bound=None if None in distances else math.hypot(*distances),
        converged=all(one.converged for one in each),
        n_iterations=sum(one.n_iterations for one in each),
        n_passes=math.fsum(one.n_passes for one in each),
    )
    coef = np.concatenate([fit.coef for fit in fits])
    intercept = np.concatenate([fit.intercept for fit in fits])
    return Fit(coef, intercept, certificate, fit_seconds)
