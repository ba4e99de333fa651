"""The function that our solver minimises, on given rows, and what is known of it at a point."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from mnistcli.arrays import Float64s, Floats, Labels, Places, Rows
from mnistcli.linear_model import objective
from mnistcli.linear_model.blocks import Block, BlockRunner, Line, LocalBlocks, blocks_of

ARITY = 8  # So many results of blocks are added at a time.

_keys = itertools.count()


class SeparableDataError(ValueError):
    """Without a penalty, these data have no optimum: some direction only ever improves the fit."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """The function to minimise. Parameters `theta` are (n_outputs, n_features + 1), b last.

    What takes a pass over the rows is done by their blocks; `X` itself is there to be sampled.
    """

    X: Rows
    y: Labels
    weights: Float64s  # (n_samples,), or (1,) for all
    blocks: BlockRunner
    n_outputs: int
    penalty: float
    scale: float
    dtype: type[np.floating[Any]] = np.float32
    factor: float = 1.0  # What the weights are multiplied with.

    def subset(self, rows: Places) -> "Problem":
        """Return the problem of some rows, of which one thread of this process has all.

        The sum is not scaled back up: the penalty then holds the weights as much more as a few
        rows say less about them, and the solution is the better start for it (on digits,
        objective 21,000 instead of 33,500).
        """
        weights = self.weights if len(self.weights) == 1 else self.weights[rows]
        X, y = self.X[rows], self.y[rows]
        blocks = LocalBlocks(blocks_of(X, y, weights))
        return replace(self, X=X, y=y, weights=weights, blocks=blocks)

    def sums(self, function: Callable[..., tuple[Any, ...]], *arguments: Any) -> list[Any]:
        """Return the sum over the blocks of each of the results of a function."""
        results = zip(*self.blocks.map(function, *arguments), strict=True)
        return [tree_sum(of_blocks) for of_blocks in results]

    def point(self, theta: Float64s) -> "Point":
        """Return objective and gradient."""
        return self.after(self.line(theta), 0.0)

    def line(
        self, theta: Float64s, direction: Float64s | None = None, key: int | None = None
    ) -> Line:
        """Return the line that leads on from a point, which the blocks know by its key if at all."""
        key = next(_keys) if key is None else key
        direction = theta if direction is None else direction
        return Line(key, theta, next(_keys), direction, self.scale, self.factor, self.dtype)

    def after(self, line: Line, size: float) -> "Point":
        """Return the point after a step of a size along a line."""
        key, theta = next(_keys), line.theta + size * line.direction
        loss, gradient = self.sums(arrive, line, size, key)
        gradient[:, :-1] += self.penalty * theta[:, :-1]
        penalty = 0.5 * self.penalty * objective.squared_norm(theta[:, :-1])
        return Point(key, theta, gradient, float(loss) + penalty)

    def with_best_intercept(self, theta: Float64s) -> "Point":
        """Return the point of the same weights with the best intercepts, by Newton's method."""
        bare, shift = theta.copy(), np.zeros_like(theta)
        bare[:, -1] = 0.0
        line, b = self.line(bare), theta[:, -1]
        loss, gradient, hessian, weight = self.sums(intercept_sums, line, b)
        for _ in range(1000):
            if np.abs(gradient).max() <= 1e-13 * weight:
                break
            newton = -np.linalg.pinv(hessian, hermitian=True) @ gradient
            # Far away the Hessian vanishes. The second step cannot fail: it divides by an upper
            # bound of every Hessian, weight / 2 (Boehning, Ann. Inst. Statist. Math. 1992).
            for step in (newton, -2.0 * gradient / weight):
                new = self.sums(intercept_sums, line, b + step)
                if new[0] < loss:
                    break
            else:
                break
            b, (loss, gradient, hessian, weight) = b + step, new
        # Rounding moves their mean, along which the softmax is constant.
        shift[:, -1] = centred(b)
        return self.after(line._replace(direction=shift), 1.0)

    def refuse_separating_feature(self, kept: Places, n_classes: int) -> None:
        """Raise if one feature alone divides a class from the rest, if only weakly.

        Its weight could then grow for ever and never make a loss larger (quasi-complete separation,
        Albert and Anderson, Biometrika 1984), which no look at the iterates tells from slow
        convergence. A pixel that is lit in a few images of one class does this.
        """
        lows, highs = zip(*self.blocks.map(feature_ranges, n_classes), strict=True)
        low, high = np.min(lows, axis=0), np.max(highs, axis=0)
        for k in range(n_classes):
            others = np.arange(n_classes) != k
            low_out, high_out = low[others].min(axis=0), high[others].max(axis=0)
            divides = (high_out <= low[k]) | (high[k] <= low_out)
            divides &= low.min(axis=0) < high.max(axis=0)  # one that is constant says nothing
            if divides.any():
                feature = int(kept[np.flatnonzero(divides)[0]])
                words = f"feature {feature} alone divides class {k} from the rest"
                raise SeparableDataError(f"no finite optimum: {words}")

    def refuse_separated(self, point: "Point") -> None:
        """Raise if every row has its own class's probability above one half: scale up for ever."""
        if all(self.blocks.map(is_separated, self.line(point.theta, key=point.key))):
            raise SeparableDataError("no finite optimum: the classes are separated by a plane")


class Point(NamedTuple):
    """Parameters, and what is known there; the blocks know it by its key."""

    key: int
    theta: Float64s
    gradient: Float64s
    objective: float

    @property
    def gap(self) -> float:
        """||dW||^2 / 2: bounds objective - optimum where the intercept is at its best."""
        return 0.5 * objective.squared_norm(self.gradient[:, :-1])

    @property
    def gradient_norm(self) -> float:
        """The Euclidean norm over weights and intercepts."""
        return math.sqrt(objective.squared_norm(self.gradient))


def centred(theta: Float64s) -> Float64s:
    """Project out the mean over the classes, along which the softmax is constant."""
    return theta - theta.mean(axis=0) if len(theta) > 1 else theta


def tree_sum(parts: Sequence[Any]) -> Any:
    """Add up, a few at a time in their order, then the sums, and so on."""
    while len(parts) > 1:
        firsts = range(0, len(parts), ARITY)
        parts = [reduce(np.add, parts[first : first + ARITY]) for first in firsts]
    return parts[0]


# ------------------------------------------------------------------- what blocks are asked


def arrive(block: Block, line: Line, size: float, key: int) -> tuple[float, Float64s]:
    """Take the step to the point `key`; return the loss there and its gradient."""
    loss, residuals = block.loss_and_residuals(line, size)
    weighted = residuals * block.loss_weights(line).astype(line.dtype)
    gradient = np.empty_like(line.theta)
    how: Any = {"scale": line.scale, "dtype": line.dtype}
    gradient[:, :-1] = objective.residual_products(block.X, weighted, **how)
    gradient[:, -1] = weighted.sum(axis=1, dtype=np.float64)
    block.move(line, size, key)
    return loss, gradient


def intercept_sums(block: Block, line: Line, b: Float64s) -> tuple[Any, Any, Any, Any]:
    """Return loss, first two derivatives by the intercepts and weight, with `b` added to scores."""
    y, weights = block.y, block.loss_weights(line)
    losses, residuals = objective.losses_and_residuals(block.scores(line, 0.0) + b[:, None], y)
    loss, gradient, weight = losses @ weights, (residuals * weights).sum(axis=1), weights.sum()
    if len(residuals) == 1:
        r = np.abs(residuals[0])
        return loss, gradient, np.array([[(r * (1.0 - r)) @ weights]]), weight
    residuals[y, np.arange(len(y))] += 1.0  # probabilities now
    hessian = np.diag(residuals @ weights) - (residuals * weights) @ residuals.T
    return loss, gradient, hessian, weight


def feature_ranges(block: Block, n_classes: int) -> Floats:
    """Return the least and the largest of every feature in every class, one after the other."""
    low = np.full((n_classes, block.X.shape[1]), np.inf, dtype=np.float32)
    high = -low
    labels = np.where(np.full(len(block.y), block.weights) > 0.0, block.y, -1)
    step = objective.rows_per_block(block.X.shape[1])
    for first in range(0, len(labels), step):
        part = slice(first, first + step)
        rows, of_rows = block.X[part], labels[part]
        for k in set(of_rows.tolist()) - {-1}:
            members = rows[of_rows == k]
            np.minimum(low[k], members.min(axis=0), out=low[k])
            np.maximum(high[k], members.max(axis=0), out=high[k])
    return np.stack([low, high])


def is_separated(block: Block, line: Line) -> bool:
    """Return whether every row has its own class's probability above one half."""
    _, residuals = block.loss_and_residuals(line, 0.0)
    worst = np.abs(residuals).max(axis=0)
    return bool((worst[block.loss_weights(line) > 0.0] < 0.5).all())
