"""How long a fit by `newton` takes: told before it begins, and better as it goes on."""

import math
import time
import timeit
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from mnistcli.arrays import Float64s, Rows
from mnistcli.linear_model.objective import linear_scores
from mnistcli.linear_model.preconditioner import SHARE, STEP_WORK, STEP_WORK_PER_OUTPUT

HESSIAN_WORK = 2  # A multiplication for a Hessian, in large products, takes so much longer.
USUAL_STEPS = 30  # of a fit, with what precedes and follows them
USUAL_ROWS = 4096  # of a Hessian, of many: fewer than `preconditioner.MOST_ROWS` have weight
ROWS_TIMED, SCORES_PER_STEP = 4096, 2.5


def expected_seconds(X: Rows, n_rows: int, n_outputs: int) -> float:
    """Return about how long a fit of so many rows takes, told from scores of the first of them."""
    some = X[:ROWS_TIMED]
    n_drawn, n = min(SHARE * n_rows, USUAL_ROWS), some.shape[1]
    scores = partial(linear_scores, some, np.ones((n_outputs, n)), scale=1.0, dtype=np.float32)
    # The quickest has been held up least.
    each = SCORES_PER_STEP * min(timeit.repeat(scores, number=1, repeat=3)) / len(some)
    of_hessians = HESSIAN_WORK * n_outputs * n_drawn * min(n_drawn, n)
    n_steps = USUAL_STEPS + of_hessians / n_rows / (STEP_WORK + STEP_WORK_PER_OUTPUT * n_outputs)
    return float(each * n_steps * n_rows)


class NewtonProgress(NamedTuple):
    """Where a fit stands: `relative_gradient_norm` has to fall to about `tol`.

    With a penalty `tol` is what the bound on the gap, ||dF(W)||^2 / 2, asks of the gradient.
    """

    iteration: int
    objective: float
    relative_gradient_norm: float
    tol: float
    share: float  # of the rows that the step was on: fewer than all for the rough solution
    seconds_left: float  # of the fit, about
    coef: Callable[[], Float64s]  # returns the weights, of the shape in `Fit`

    @property
    def digits(self) -> tuple[float, float]:
        """The decimal digits gained and wanted: the solver gains them at an even pace."""
        wanted = -math.log10(self.tol)
        if self.share < 1:
            return 0.0, wanted
        return max(0.0, -math.log10(max(self.relative_gradient_norm, self.tol))), wanted

    def __str__(self) -> str:
        norm = f"gradient {self.relative_gradient_norm:.1e} of its start, goal {self.tol:.0e}"
        some = f" on {100 * self.share:.0f} % of the rows" if self.share < 1 else ""
        return f"{self.seconds_left:.0f} s to go, iteration {self.iteration}{some}: {norm}"


class Pace:
    """Tells how long a fit still takes: by what was expected, then more and more by its own pace."""

    def __init__(self, expected_s: float = 0.0) -> None:
        self._end = time.perf_counter() + expected_s
        # Digits after the first step on all rows, and when that was.
        self._first: tuple[float, float] | None = None

    def with_time_left(self, at: NewtonProgress) -> NewtonProgress:
        """Return where a fit stands with the time that is left."""
        now = time.perf_counter()
        left = max(self._end - now, 0.0)
        done, wanted = at.digits
        if at.share == 1.0:
            # The more digits there are, the more their pace says, and the less what was expected.
            first, since = self._first = self._first or (done, now)
            by_pace = (now - since) / max(done - first, 1e-3) * (wanted - done)
            known = done / wanted if left else 1.0
            left = known * by_pace + (1.0 - known) * left
        return at._replace(seconds_left=left)
