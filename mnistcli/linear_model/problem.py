"""The function that our solver minimises, on rows in blocks, and what is known of it at a point.

All that a fit asks of its rows is a function of a block and of a few numbers, with a small result:
a slope and a curvature along a line, a loss and a gradient. `LocalBlocks`, or a cluster in its
place, calls it for every block, and results are added in the order of the blocks in a fixed tree
(`tree_sum`): the sum does not depend on who computed what. What a block keeps is a cache: each call
brings the `Line` from which it can be made anew, also where a block is lost and sent again.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import accumulate, pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np

from mnistcli.arrays import Bytes, Float64s, Floats, Labels, Places, Rows, SomeRows
from mnistcli.linear_model import objective
from mnistcli.memory import Room
from mnistcli.parallel import map_blocks
from mnistcli.progress import Progress

T = TypeVar("T")

MOST_ROWS_OF_ONE = 65_536  # Up to here all rows are one block, whose passes have their own threads.
ROWS_EACH = 8192  # Beyond, blocks have at least so many,
ROUND = 16  # and there are so many or a multiple, which most numbers of cores divide,
MOST_BLOCKS = 128  # but not more before they are larger than that: each has its gradient.
# Of what is known of a row, for each output: three numbers of float32, or two of float64.
BYTES_EACH = 16
SCORES, CHANGE, RESIDUALS = range(3)  # Places in the buffer of a block.
SHARE_OF_MEMORY = 1 / 4
ARITY = 8  # So many results of blocks are added at a time.

_keys = itertools.count()


class Line(NamedTuple):
    """A point, perhaps with a direction that leads on from it, and how to compute there."""

    key: int  # of the point, given once: by it a block knows whether it was here before
    theta: Float64s  # (n_outputs, n_features + 1), intercepts last
    direction_key: int  # of the direction, likewise
    direction: Float64s  # theta again where only the point is meant
    scale: float  # of the rows
    factor: float  # What the weights of the losses are multiplied with.
    dtype: type[np.floating[Any]]

    def key_at(self, size: float) -> tuple[int, float]:
        """Return the key of where a step of a size leads."""
        return (self.direction_key, size) if size else (self.key, 0.0)


@dataclass(slots=True, eq=False)
class Block:
    """Some of the rows, and what was last computed of them.

    That is kept with the key of what it is of, and computed anew where a line asks for another:

        "scores"   (n_outputs, n_samples)               of a point, ``line.key``
        "change"   of the scores, of the same shape     by the whole of ``line.direction_key``
        "losses"   their sum, and the residuals         after a step, ``line.key_at(size)``

    A step that is taken, `move`, gives what is known after it the key of the new point.
    """

    X: Rows
    y: Labels
    weights: Float64s  # of the losses, (n_samples,)
    start: int  # the index of the first row
    is_all: bool  # there is no other block
    known: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # key and what it is of
    # What is known of many rows lies here, in one piece: memory does not grow. Made when it is
    # needed, unless it is given.
    buffer: Bytes | None = None
    is_forgetful: bool = False  # nothing is kept from one call to the next

    def loss_weights(self, line: Line) -> Float64s:
        """Return the weights of the losses, of shape (n_samples,)."""
        return self.weights * line.factor

    def change_along(self, line: Line) -> Floats:
        """Return what the whole direction adds to the scores."""
        change: Floats | None = self._recall("change", line.direction_key)
        if change is None:
            change = self._hold(CHANGE, self._linear(line.direction, line))
            self.known["change"] = line.direction_key, change
        return change

    def scores_at(self, line: Line, size: float) -> Floats:
        """Return the scores after a step of a size along the line."""
        scores: Floats | None = self._recall("scores", line.key)
        if scores is None:
            scores = self._hold(SCORES, self._linear(line.theta, line))
            self.known = {"scores": (line.key, scores)}  # the buffer may be shared out anew
        return scores + line.dtype(size) * self.change_along(line) if size else scores

    def losses_at(self, line: Line, size: float) -> tuple[float, Floats]:
        """Return the weighted sum of the losses there, and their derivatives by the scores."""
        found: tuple[float, Floats] | None = self._recall("losses", line.key_at(size))
        if found is not None:
            return found
        losses, residuals = objective.losses_and_residuals(self.scores_at(line, size), self.y)
        loss = float(np.dot(losses, self.loss_weights(line)))
        if line.dtype == np.float64 and not self.is_all:
            return loss, residuals  # made twice rather than held
        found = loss, self._hold(RESIDUALS, residuals)
        self.known["losses"] = line.key_at(size), found
        return found

    def move(self, line: Line, size: float, key: int) -> None:
        """Take the step: what is known there is known of the point `key` from now on."""
        scores = self.scores_at(line, size)
        self.known["scores"] = key, self._hold(SCORES, scores) if size else scores
        if losses := self._recall("losses", line.key_at(size)):
            self.known["losses"] = (key, 0.0), losses

    def _recall(self, what: str, key: Any) -> Any:
        """Return what was computed last if it is of this key, else None."""
        of, values = self.known.get(what, (None, None))
        return values if of == key else None

    def _hold(self, place: int, values: Floats) -> Floats:
        """Put values, one for each output and row, in their place of the buffer, if there is one."""
        if self.is_all or self.is_forgetful or values.strides[-1] == 0:
            return values
        if self.buffer is None:
            self.buffer = np.empty(BYTES_EACH * values.size, dtype=np.uint8)
        held = self.buffer.view(values.dtype)[place * values.size :][: values.size]
        held[:] = values.ravel()
        return held.reshape(values.shape)

    def _linear(self, theta: Float64s, line: Line) -> Floats:
        intercept = theta[:, -1:].astype(line.dtype)
        if not theta[:, :-1].any():
            return np.broadcast_to(intercept, (len(theta), len(self.y)))
        scores = objective.linear_scores(self.X, theta[:, :-1], scale=line.scale, dtype=line.dtype)
        scores += intercept
        return scores


@dataclass(frozen=True, slots=True, eq=False)
class LocalBlocks:
    """Blocks in this process, shared out to threads; `cluster` has others."""

    blocks: Sequence[Block]

    def map(self, function: Callable[..., T], *arguments: Any) -> list[T]:
        """Return ``function(block, *arguments)`` of every block, which it may change, in order.

        The function is one of a module, arguments and results can be pickled. Arguments, which may
        be a few hundred kB, are the same for all blocks.
        """

        def call(one: slice) -> T:
            block = self.blocks[one.start]
            result = function(block, *arguments)
            if block.is_forgetful:
                block.known.clear()
            return result

        return map_blocks(call, len(self.blocks), 1)


def blocks_within(
    room: Room, n_outputs: int, progress: Progress, blocks: list[Block]
) -> LocalBlocks:
    """Let blocks keep what they know in memory, or else in a file, or else not at all.

    Of the room for rows a quarter is theirs.
    """
    ends = [0, *accumulate(BYTES_EACH * n_outputs * len(block.y) for block in blocks)]
    if len(blocks) > 1 and ends[-1] > room.in_memory * SHARE_OF_MEMORY:
        file, where = room.file(ends[-1]), f"are kept in {room.folder}"
        if file is None:
            where = "find no room and are made anew in each pass"
        progress.note(f"{ends[-1] / 1e9:.1f} GB of the solver {where}")
        for block, (first, end) in zip(blocks, pairwise(ends), strict=True):
            block.is_forgetful = file is None
            block.buffer = None if file is None else file[first:end]
    return LocalBlocks(blocks)


def n_blocks(n_rows: int) -> int:
    """Return how many blocks so many rows are divided into, the same on all machines."""
    if n_rows <= MOST_ROWS_OF_ONE:
        return 1
    n_small, n_large = (-(-n_rows // (ROUND * each)) for each in (ROWS_EACH, MOST_ROWS_OF_ONE))
    return max(ROUND * n_large, min(MOST_BLOCKS, ROUND * n_small))


def blocks_of(X: Rows, y: Labels, weights: Float64s) -> list[Block]:
    """Divide rows into blocks of nearly the same size."""
    n_rows, n = len(y), n_blocks(len(y))
    blocks = []
    for start, stop in pairwise(n_rows * i // n for i in range(n + 1)):
        part = slice(start, stop)
        rows = X[part] if isinstance(X, np.ndarray) else SomeRows(X, range(start, stop))
        blocks.append(Block(rows, y[part], weights[part], start, n == 1))
    return blocks


class SeparableDataError(ValueError):
    """Without a penalty, these data have no optimum: some direction only ever improves the fit."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """The function to minimise. Parameters `theta` are (n_outputs, n_features + 1), b last.

    What takes a pass over the rows is done by their blocks; `X` itself is there to be sampled.
    """

    X: Rows
    y: Labels
    weights: Float64s  # (n_samples,)
    blocks: Any  # `LocalBlocks`, or what maps functions over blocks elsewhere
    n_outputs: int
    penalty: float
    scale: float
    dtype: type[np.floating[Any]] = np.float32
    factor: float = 1.0  # What the weights are multiplied with.
    slope: Float64s | float = 0.0  # Of a linear function of theta that is added,
    offset: float = 0.0  # and its value at 0.

    @property
    def is_real(self) -> bool:
        """Whether no rows are replaced by a linear function."""
        return isinstance(self.slope, float)

    def subset(self, rows: Places) -> "Problem":
        """Return the problem of some rows, of which one thread of this process has all.

        The sum is not scaled back up: the penalty then holds the weights as much more as a few
        rows say less about them, and the solution is the better start for it (on digits,
        objective 21,000 instead of 33,500).
        """
        X, y, weights = self.X[rows], self.y[rows], self.weights[rows]
        blocks = LocalBlocks(blocks_of(X, y, weights))
        return replace(self, X=X, y=y, weights=weights, blocks=blocks)

    def of_few(self, point: "Point", rows: Places) -> "tuple[Problem, Point]":
        """Return the problem of some rows, with the tangent at a point in place of the others.

        Objective and gradient at the point, which comes with it, are those of all rows.
        """
        few = self.subset(rows)
        here = few.point(point.theta)
        slope = point.gradient - here.gradient
        offset = point.objective - here.objective - float(np.vdot(slope, point.theta))
        return replace(few, slope=slope, offset=offset), point._replace(key=here.key)

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
        """Return the line from a point; what blocks know of the point they find by its key."""
        key = next(_keys) if key is None else key
        direction = theta if direction is None else direction
        return Line(key, theta, next(_keys), direction, self.scale, self.factor, self.dtype)

    def at(self, point: "Point") -> Line:
        """Return a point without a direction."""
        return self.line(point.theta, key=point.key)

    def after(self, line: Line, size: float) -> "Point":
        """Return the point after a step of a size along a line."""
        key, theta = next(_keys), line.theta + size * line.direction
        loss, gradient = self.sums(arrive, line, size, key)
        gradient[:, :-1] += self.penalty * theta[:, :-1]
        gradient += self.slope
        penalty = 0.5 * self.penalty * objective.squared_norm(theta[:, :-1])
        linear = float(np.sum(self.slope * theta)) + self.offset
        return Point(key, theta, gradient, float(loss) + penalty + linear)

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
        if all(self.blocks.map(is_separated, self.at(point))):
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
    loss, residuals = block.losses_at(line, size)
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
    losses, residuals = objective.losses_and_residuals(block.scores_at(line, 0.0) + b[:, None], y)
    loss, gradient, weight = losses @ weights, (residuals * weights).sum(axis=1), weights.sum()
    if len(residuals) == 1:
        r = np.abs(residuals[0])
        return loss, gradient, np.array([[(r * (1.0 - r)) @ weights]]), weight
    residuals[y, np.arange(len(y))] += 1.0  # probabilities now
    hessian = np.diag(residuals @ weights) - (residuals * weights) @ residuals.T
    return loss, gradient, hessian, weight


def curvatures(block: Block, line: Line) -> Floats:
    """Return how much the loss of each row bends at most, (n_samples,)."""
    _, residuals = block.losses_at(line, 0.0)
    largest = np.abs(residuals).max(axis=0)
    return np.asarray(largest * (1.0 - largest) * block.loss_weights(line), dtype=np.float32)


def feature_ranges(block: Block, n_classes: int) -> Floats:
    """Return the least and the largest of every feature in every class, one after the other."""
    low = np.full((n_classes, block.X.shape[1]), np.inf, dtype=np.float32)
    high = -low
    labels = np.where(block.weights > 0.0, block.y, -1)
    step = objective.rows_per_block(block.X.shape[1])  # a class may be nearly all rows
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
    _, residuals = block.losses_at(line, 0.0)
    worst = np.abs(residuals).max(axis=0)
    return bool((worst[block.loss_weights(line) > 0.0] < 0.5).all())
