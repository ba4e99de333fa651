"""The function that our solver minimises, on given rows, and what is known of it at a point."""

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistcli.linear_model.objective import (
    Float64s,
    Floats,
    Labels,
    linear_scores,
    losses_and_residuals,
    residual_products,
    rows_per_block,
    squared_norm,
)

WorkingRows = NDArray[np.floating[Any]] | NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """The function to minimise. Parameters `theta` are (n_outputs, n_features + 1), b last."""

    X: WorkingRows
    y: Labels
    weights: Float64s
    n_outputs: int
    penalty: float
    scale: float
    dtype: type[np.floating[Any]] = np.float32

    def subset(self, rows: NDArray[np.intp]) -> "Problem":
        """Return the problem of some rows.

        The sum is not scaled back up: the penalty then holds the weights as much more as a few
        rows say less about them, and the solution is the better start for it (on digits,
        objective 21,000 instead of 33,500).
        """
        return replace(self, X=self.X[rows], y=self.y[rows], weights=self.weights[rows])

    def scores(self, theta: Float64s) -> Floats:
        """Return W x_i + b of shape (n_outputs, n_samples)."""
        scores = linear_scores(self.X, theta[:, :-1], scale=self.scale, dtype=self.dtype)
        scores += theta[:, -1:].astype(self.dtype)
        return scores

    def point(self, theta: Float64s, scores: Floats) -> "Point":
        """Return objective and gradient where the scores are known."""
        losses, residuals = losses_and_residuals(scores, self.y)
        return self.point_from(theta, scores, losses, residuals)

    def point_from(
        self, theta: Float64s, scores: Floats, losses: Floats, residuals: Floats
    ) -> "Point":
        """Return the point of known losses: the one product with the data that is left to do."""
        weighted = residuals * self.weights.astype(self.dtype)
        gradient = np.empty_like(theta)
        gradient[:, :-1] = residual_products(self.X, weighted, scale=self.scale, dtype=self.dtype)
        gradient[:, :-1] += self.penalty * theta[:, :-1]
        gradient[:, -1] = weighted.sum(axis=1, dtype=np.float64)
        penalty = 0.5 * self.penalty * squared_norm(theta[:, :-1])
        objective = float(np.dot(losses, self.weights)) + penalty
        return Point(theta, scores, losses, residuals, gradient, objective)


class Point(NamedTuple):
    """Parameters, and what is known there: objective, gradient, and what they came from."""

    theta: Float64s
    scores: Floats
    losses: Floats
    residuals: Floats
    gradient: Float64s
    objective: float

    @property
    def gap(self) -> float:
        """||dW||^2 / 2: bounds objective - optimum where the intercept is at its best."""
        return 0.5 * squared_norm(self.gradient[:, :-1])

    @property
    def gradient_norm(self) -> float:
        """The Euclidean norm over weights and intercepts."""
        return math.sqrt(squared_norm(self.gradient))


def centred(theta: Float64s) -> Float64s:
    """Project out the mean over the classes, along which the softmax is constant."""
    return theta - theta.mean(axis=0) if len(theta) > 1 else theta


class SeparableDataError(ValueError):
    """Without a penalty, these data have no optimum: some direction only ever improves the fit."""


def refuse_separating_feature(problem: Problem, kept: NDArray[np.intp], n_classes: int) -> None:
    """Raise if one feature alone divides a class from the rest, if only weakly.

    Its weight could then grow for ever and never make a loss larger (quasi-complete separation,
    Albert and Anderson, Biometrika 1984), which no look at the iterates tells from slow
    convergence. A pixel that is lit in a few images of one class does this.
    """
    low, high = _feature_ranges(problem, n_classes)
    for k in range(n_classes):
        others = np.arange(n_classes) != k
        low_out, high_out = low[others].min(axis=0), high[others].max(axis=0)
        divides = (high_out <= low[k]) | (high[k] <= low_out)
        if divides.any():
            feature = int(kept[np.flatnonzero(divides)[0]])
            msg = f"no finite optimum: feature {feature} alone divides class {k} from the rest"
            raise SeparableDataError(msg)


def _feature_ranges(problem: Problem, n_classes: int) -> tuple[Floats, Floats]:
    """Return the least and the largest value of every feature in every class."""
    low = np.full((n_classes, problem.X.shape[1]), np.inf, dtype=np.float32)
    high = -low
    for k in range(n_classes):
        members = np.flatnonzero((problem.y == k) & (problem.weights > 0.0))
        step = rows_per_block(problem.X.shape[1])
        for first in range(0, len(members), step):
            block = problem.X[members[first : first + step]]
            np.minimum(low[k], block.min(axis=0), out=low[k])
            np.maximum(high[k], block.max(axis=0), out=high[k])
    return low, high


def refuse_separated(problem: Problem, point: Point) -> None:
    """Raise if every row has its own class's probability above one half: scale up for ever."""
    if point.losses[problem.weights > 0].max() < math.log(2.0):
        msg = "no finite optimum: the classes are separated by a plane"
        raise SeparableDataError(msg)
