"""L-BFGS: the inverse Hessian as past steps show it, on top of a preconditioner."""

import math

import numpy as np

from mnistcli.linear_model.objective import Float64s, squared_norm
from mnistcli.linear_model.preconditioner import Preconditioner
from mnistcli.linear_model.problem import Point

MEMORY = 60  # Steps remembered; more than a default fit takes.
MIN_CURVATURE = 1e-12  # The least cosine between a step and the change of the gradient along it.


class LBFGS:
    """The limited-memory BFGS method (Liu and Nocedal, Mathematical Programming 1989)."""

    def __init__(self, preconditioner: Preconditioner) -> None:
        self.preconditioner = preconditioner
        self._steps: list[tuple[Float64s, Float64s, float]] = []

    def remember(self, old: Point, new: Point) -> None:
        """Keep a step, unless rounding hides its curvature: s^T y > 0 keeps the matrix positive."""
        step, change = new.theta - old.theta, new.gradient - old.gradient
        product = float(np.vdot(step, change))
        if product > MIN_CURVATURE * math.sqrt(squared_norm(step) * squared_norm(change)):
            self._steps = [*self._steps[1 - MEMORY :], (step, change, 1.0 / product)]

    def direction(self, point: Point) -> Float64s:
        """Return minus the inverse Hessian times the gradient.

        The recursion of two loops (Nocedal and Wright, Numerical Optimization, algorithm 7.4),
        in which the preconditioner is the initial matrix.
        """
        self.preconditioner.refresh(point)
        q = point.gradient.copy()
        shares = []
        for step, change, rho in reversed(self._steps):
            shares.append(rho * float(np.vdot(step, q)))
            q -= shares[-1] * change
        q = self.preconditioner.times(q)
        for (step, change, rho), share in zip(self._steps, reversed(shares), strict=True):
            q += (share - rho * float(np.vdot(change, q))) * step
        return -q
