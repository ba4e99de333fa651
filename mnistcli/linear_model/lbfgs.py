"""Steps of L-BFGS: their direction, and how far they lead along it."""

import math

import numpy as np

from mnistcli.arrays import Float64s
from mnistcli.linear_model.objective import slope_and_curvature, squared_norm
from mnistcli.linear_model.preconditioner import Preconditioner
from mnistcli.linear_model.problem import Block, Line, Point, Problem

MEMORY = 60  # Steps remembered; more than a default fit takes.
MIN_CURVATURE = 1e-12  # The least cosine between a step and the change of the gradient along it.
SLOPE_SHARE = 0.5  # A step is long enough where this share of the slope is left, or less.
MAX_TRIALS = 30  # More than halving a bracket needs to reach the precision of float32.
FIRST_LIMIT = 100.0  # The longest first trial, in multiples of the direction.
GROWTH = 10.0  # The longest later trial, in multiples of the one before.


class LBFGS:
    """The limited-memory BFGS method (Liu and Nocedal, Mathematical Programming 1989).

    Its initial matrix is a `Preconditioner` that is renewed as the fit goes on.
    """

    def __init__(self, initial: Preconditioner) -> None:
        self._initial = initial
        self._steps: list[tuple[Float64s, Float64s, float]] = []

    def remember(self, old: Point, new: Point) -> None:
        """Keep a step, unless rounding hides its curvature: s^T y > 0 keeps the matrix positive."""
        step, change = new.theta - old.theta, new.gradient - old.gradient
        product = float(np.vdot(step, change))
        if product > MIN_CURVATURE * math.sqrt(squared_norm(step) * squared_norm(change)):
            self._steps = [*self._steps[1 - MEMORY :], (step, change, 1.0 / product)]

    def direction(self, problem: Problem, point: Point) -> Float64s:
        """Return minus inverse Hessian times gradient (Nocedal and Wright 2006, algorithm 7.4)."""
        self._initial.refresh(problem, point)
        q = point.gradient.copy()
        shares = []
        for step, change, rho in reversed(self._steps):
            shares.append(rho * float(np.vdot(step, q)))
            q -= shares[-1] * change
        q = self._initial.times(q)
        for (step, change, rho), share in zip(self._steps, reversed(shares), strict=True):
            q += (share - rho * float(np.vdot(change, q))) * step
        return -q


def search_along(problem: Problem, point: Point, direction: Float64s, slope: float) -> Point:
    """Return the point after a step along a direction of descent.

    The step ends where the slope is at most half of what it was: the second of the strong Wolfe
    conditions with c_2 = 1/2 (Nocedal and Wright, Numerical Optimization, equation 3.7b). The
    first, sufficient decrease, is left out: the function is convex, so the sign of the slope tells
    the side of the minimum, and rounding errors in the objective, which end an Armijo search at a
    relative 1e-7, do not matter. Trials are Newton's from step 0, safeguarded by bisection (Press
    et al., Numerical Recipes, section 9.4, rtsafe): the first is mostly the last. Scores are kept
    up to date along the step, so that no trial touches the data.
    """
    line = problem.line(point.theta, direction, point.key)
    linear = problem.penalty * float(np.vdot(point.theta[:, :-1], direction[:, :-1]))
    linear += float(np.sum(problem.slope * direction))
    square = problem.penalty * squared_norm(direction[:, :-1])
    _, loss_curvature = problem.sums(probe, line, 0.0)
    low, high, here, size = 0.0, math.inf, slope, 0.0
    curvature = loss_curvature + square
    for _ in range(MAX_TRIALS):
        wanted = size - here / curvature if curvature > 0.0 else math.inf
        limit = GROWTH * size if size > 0.0 else FIRST_LIMIT
        size = min(wanted, limit) if math.isinf(high) else wanted
        if not low < size < high:
            size = 0.5 * (low + high)
        loss_slope, loss_curvature = problem.sums(probe, line, size)
        here = loss_slope + (linear + size * square)
        curvature = loss_curvature + square
        if abs(here) <= SLOPE_SHARE * abs(slope):
            break
        low, high = (size, high) if here < 0.0 else (low, size)
    return problem.after(line, size)


def probe(block: Block, line: Line, size: float) -> tuple[float, float]:
    """Return slope and curvature of the losses along the line, after a step of this size."""
    _, residuals = block.losses_at(line, size)
    weights = block.loss_weights(line).astype(line.dtype)
    return slope_and_curvature(residuals, block.change_along(line), block.y, weights)
