"""The rows of a fit in blocks, each of which keeps what is known of its rows.

All that a fit asks of its rows is a function of a block and of a few numbers, with a small result:
a slope and a curvature along a line, a loss and a gradient. A `BlockRunner` calls it for every
block, and results are added in the order of the blocks in a fixed tree (`problem.tree_sum`): the
sum does not depend on who computed what. What a block keeps is a cache: each call brings the `Line`
from which it can be made anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from mnistcli.arrays import Bytes, Float64s, Floats, Labels, Rows, SomeRows
from mnistcli.linear_model.objective import linear_scores, losses_and_residuals
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
SHARE_OF_MEMORY = 1 / 4


class Line(NamedTuple):
    """A point, perhaps with a direction that leads on from it, and how to compute there."""

    key: int  # Of the point: so a block knows whether it was here before,
    theta: Float64s  # (n_outputs, n_features + 1), intercepts last
    direction_key: int  # and of the direction.
    direction: Float64s  # theta again where only the point is meant
    scale: float  # of the rows
    factor: float  # What the weights of the losses are multiplied with.
    dtype: type[np.floating[Any]]


@dataclass(slots=True, eq=False)
class Block:
    """Some of the rows, and what was last computed of them."""

    X: Rows
    y: Labels
    weights: Float64s  # of the losses, (n_samples,), or (1,) for all
    start: int  # the index of the first row
    is_all: bool  # there is no other block
    _key: int = -1
    _scores: Floats = field(default_factory=lambda: np.empty(0))
    _direction_key: int = -1
    _change: Floats | None = None
    _at: tuple[int, float] = (-1, 0.0)
    _found: tuple[float, Floats] | None = None
    # What is known of many rows is kept here, in one piece: memory does not grow. Made when it is
    # needed, unless it is given; where it is empty, nothing is kept from one call to the next.
    memory: Bytes | None = None

    def loss_weights(self, line: Line) -> Float64s:
        """Return the weights of the losses, of shape (n_samples,)."""
        return np.full(len(self.y), self.weights * line.factor)

    def change(self, line: Line) -> Floats:
        """Return what the whole direction adds to the scores, (n_outputs, n_samples)."""
        if self._change is None or self._direction_key != line.direction_key:
            self._change = self._held(1, self._linear(line.direction, line))
            self._direction_key = line.direction_key
        return self._change

    def scores(self, line: Line, size: float) -> Floats:
        """Return the scores after a step of a size along the line, (n_outputs, n_samples)."""
        if self._key != line.key:
            self._change = self._found = None
            self._scores = self._held(0, self._linear(line.theta, line))
            self._key = line.key
        return self._scores + line.dtype(size) * self.change(line) if size else self._scores

    def loss_and_residuals(self, line: Line, size: float) -> tuple[float, Floats]:
        """Return the weighted sum of the losses there, and their derivatives by the scores."""
        at = (line.direction_key, size) if size else (line.key, 0.0)
        if self._found is not None and self._at == at:
            return self._found
        losses, residuals = losses_and_residuals(self.scores(line, size), self.y)
        loss = float(np.dot(losses, self.loss_weights(line)))
        if line.dtype == np.float64 and not self.is_all:
            return loss, residuals  # made twice rather than held
        self._at, self._found = at, (loss, self._held(2, residuals))
        return self._found

    def move(self, line: Line, size: float, key: int) -> None:
        """Take the step: what is known there is known of the point `key` from now on."""
        if size:
            self._scores = self._held(0, self.scores(line, size))
        self._change = None
        self._key, self._at = key, (key, 0.0)

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return ``function(self, *arguments)``; forget what there is no memory for."""
        result = function(self, *arguments)
        if self.memory is not None and not self.memory.size:
            self._key = self._direction_key = -1
            self._scores, self._change, self._found = np.empty(0), None, None
        return result

    def _held(self, place: int, values: Floats) -> Floats:
        """Keep values, one for each output and row, in their place of the memory."""
        if self.is_all or values.strides[-1] == 0:
            return values
        if self.memory is None:
            self.memory = np.empty(BYTES_EACH * values.size, dtype=np.uint8)
        if not self.memory.size:
            return values
        start, n_bytes = place * values.nbytes, values.nbytes
        held = self.memory[start : start + n_bytes].view(values.dtype).reshape(values.shape)
        held[:] = values
        return held

    def _linear(self, theta: Float64s, line: Line) -> Floats:
        intercept = theta[:, -1:].astype(line.dtype)
        if not theta[:, :-1].any():
            return np.broadcast_to(intercept, (len(theta), len(self.y)))
        scores = linear_scores(self.X, theta[:, :-1], scale=line.scale, dtype=line.dtype)
        scores += intercept
        return scores


class BlockRunner(Protocol):
    """Whoever has the blocks and calls functions for them.

    Blocks are changed by what is called for them. Where one is lost it may be sent again as it was
    at first: functions make anew what is missing.
    """

    def map(self, function: Callable[..., T], *arguments: Any) -> list[T]:
        """Return ``function(block, *arguments)`` of every block, in their order.

        The function is one of a module, arguments and results can be pickled. Arguments, which may
        be a few hundred kB, are the same for all blocks.
        """


@dataclass(frozen=True, slots=True, eq=False)
class LocalBlocks:
    """Blocks in this process, shared out to threads."""

    blocks: Sequence[Block]

    def map(self, function: Callable[..., T], *arguments: Any) -> list[T]:
        """Call a function for every block; see `BlockRunner.map`."""
        calls = [block.call for block in self.blocks]
        return map_blocks(lambda one: calls[one.start](function, *arguments), len(calls), 1)


def blocks_within(
    room: Room, n_outputs: int, progress: Progress, blocks: list[Block]
) -> LocalBlocks:
    """Let blocks keep what they know in memory, or else in a file, or else not at all.

    Of the room for rows a quarter is theirs.
    """
    ends = [0, *accumulate(BYTES_EACH * n_outputs * len(block.y) for block in blocks)]
    if len(blocks) > 1 and ends[-1] > room.in_memory * SHARE_OF_MEMORY:
        memory, where = room.file(ends[-1]), f"are kept in {room.folder}"
        if memory is None:
            memory, where = np.empty(0, np.uint8), "find no room and are made anew in each pass"
        progress.note(f"{ends[-1] / 1e9:.1f} GB of the solver {where}")
        for block, (first, end) in zip(blocks, pairwise(ends), strict=True):
            block.memory = memory[first:end]
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
        each = weights if len(weights) == 1 else weights[part]
        blocks.append(Block(rows, y[part], each, start, n == 1))
    return blocks
