"""Data on which a fit without a penalty has no optimum: weights that grow for ever."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mnistcli.linear_model.objective import rows_per_block

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistcli.linear_model.objective import Floats
    from mnistcli.linear_model.problem import Point, Problem


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
