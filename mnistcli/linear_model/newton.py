"""L2-regularised logistic regression by quasi-Newton steps on a subsampled Hessian. NumPy only.

With features x_i and class weights in C, the minimised function is, for C finite,

    f(W, b) = 1/2 ||W||^2 + C * sum_i s_i * loss(W x_i + b, y_i)        (see `objective`)

and the sum alone for C infinite. What makes it fast, in the order of what it saves:

* Steps are L-BFGS steps (Nocedal and Wright, Numerical Optimization, algorithm 7.4) whose initial
  matrix is not a multiple of the identity but the inverse of a Hessian from a few thousand rows.
  They converge like conjugate gradients preconditioned with it (Hsia, Chiang and Lin, ACML 2018),
  but the product with the data that a Hessian-vector product would cost is a gradient at a better
  point instead, and no inner loop has to guess how accurate to be.
* The rows of that Hessian are drawn with probability proportional to their weight p (1 - p) and
  weighted back (Xu, Yang, Roosta-Khorasani, Re and Mahoney, NIPS 2016, section 3): near the
  optimum few rows have any. It is drawn again when the objective has fallen to less than half.
* For more than two classes it has one block per class, X^T diag(p_k (1 - p_k)) X + I. The mean over
  the classes, along which the softmax is constant, is projected out of what passes through it.
  Where that does not lead to the end soon (weak penalties), the blocks between classes are added.
* Scores are kept up to date along the step, so the line search never touches the data.
* The start is the solution for an eighth of the rows, where a pass costs an eighth. To a weak
  penalty the way leads over stronger ones, in steps of 100.

Passes run in float32; the answer is measured in float64, and where float32 was too coarse for the
tolerance, the last steps are taken in float64.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistcli.linear_model.hessian import (
    CoupledInverse,
    DenseInverse,
    FewRowsInverse,
    InverseHessian,
    inclusion_chances,
    regularised_inverse,
)
from mnistcli.linear_model.objective import (
    Certificate,
    Fit,
    best_intercept,
    linear_scores,
    loss_weights,
    losses_and_residuals,
    prior_intercept,
    relative,
    residual_products,
    rows_per_block,
    slope_and_curvature,
    squared_norm,
)
from mnistcli.parallel import map_blocks
from mnistcli.progress import SILENT
from mnistcli.settings import SOLVERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistcli.linear_model.objective import Float64s, Floats, Labels, Rows
    from mnistcli.progress import Progress

    WorkingRows = NDArray[np.float32] | NDArray[np.uint8]

START_SHARE = 1 / 8  # of the rows, for the start ...
START_MIN_ROWS = 500  # ... unless these are fewer,
START_TOL = 1.0  # and only roughly: the rest is noise of the sample.
START_MAX_ITER = 50

PATH_FROM = 10.0  # Above this mean weight (C) the way leads over others,
PATH_STEP = 100.0  # of this ratio,
PATH_TOL = 0.1  # each solved roughly.

MAX_COPY_BYTES = 512 * 1024**2  # Larger rows of bytes are converted anew in every pass.

HESSIAN_SHARE = 1 / 15  # of the rows,
HESSIAN_SHARE_START = 1 / 5  # of those of the start,
HESSIAN_MIN_ROWS = 300  # but not fewer than these.
HESSIAN_MOST_WORK = 1e10  # Where rows are fewer than features: rows^2 * features at most.
HESSIAN_REFRESH = 0.4  # Draw them again when the objective has fallen to this share
HESSIAN_REFRESH_START = 0.1
HESSIAN_MAX_AGE = 10  # or twice as many when that many steps per block have not led to the end.
HESSIAN_BLOCK = 4096  # rows weighted and multiplied at a time: 12 MB
HESSIAN_COLUMNS = 256  # multiplied by one thread at a time
COUPLED_MAX_PARAMETERS = 8_000  # Half of their square in float32 is held: 128 MB.
ROWS_PER_CONVERSION = 64
HISTORY = 60  # Steps remembered; more than a default fit takes.
PATIENCE = 10  # Steps without progress after which rounding errors are taken to have won.


class SeparableDataError(ValueError):
    """Without a penalty, these data have no optimum: some direction only ever improves the fit."""


@dataclass(frozen=True, slots=True)
class NewtonProgress:
    """Where a fit stands after `iteration` steps on all rows.

    `relative_gradient_norm` (to that of the prior model) has to fall to about `tol`: with a
    penalty the fit ends when ||dF(W)||^2 / 2, the bound on the gap, is below its own tol times
    the objective; `tol` here is that condition for the gradient.
    """

    iteration: int
    objective: float
    relative_gradient_norm: float
    tol: float

    @property
    def digits(self) -> tuple[float, float]:
        """The decimal digits gained and wanted: the solver gains them at an even pace."""
        wanted = -math.log10(self.tol)
        return max(0.0, -math.log10(max(self.relative_gradient_norm, self.tol))), wanted

    def __str__(self) -> str:
        """Put it in words."""
        return (
            f"iteration {self.iteration}: gradient {self.relative_gradient_norm:.1e} "
            f"of its start, goal {self.tol:.0e}"
        )


def fit_newton(
    X: Rows,
    y: Labels,
    *,
    n_classes: int,
    C: float = 1.0,
    scale: float = 1.0,
    sample_weight: Floats | None = None,
    fit_intercept: bool = True,
    tol: float = SOLVERS["newton"].tol,
    max_iter: int = SOLVERS["newton"].max_iter,
    seed: int = 0,
    warm_start: tuple[Float64s, Float64s] | None = None,
    progress: Progress = SILENT,
) -> Fit:
    """Fit a logistic regression and prove how close to the optimum it is.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), uint8 or float32
        Not modified, may be memory-mapped. A float32 copy of the columns that vary is made where
        it is not too large; nothing of this size exists in float64.
    y : ndarray of shape (n_samples,), integer
        Class indices 0 .. n_classes - 1, each of which must occur.
    C : float
        Inverse strength of the penalty, > 0; ``math.inf`` means no penalty.
    scale : float
        Features are ``X * scale``.
    sample_weight : ndarray of shape (n_samples,), optional
        Finite and >= 0.
    tol : float
        The fit has converged when ``gap_bound <= tol * objective``, so that the objective is
        proven to be within `tol`, relatively, of the optimum. Without a penalty no such bound
        exists, and the gradient norm relative to the prior model takes its place.
    max_iter : int
        Steps on all rows. Ten digits take about 25 at C = 1, 60 at C = 100 and 170 at C = 1e4.
    seed : int
        Chooses the rows of the Hessian. The same seed, data and machine give the same fit.
    warm_start : (coef, intercept), optional
        Of the shapes in `Fit`.
    progress : Progress, optional
        Updated with a `NewtonProgress` after every step on all rows.

    Raises
    ------
    SeparableDataError
        Without a penalty, when the optimum is at infinity.
    ValueError
        For a class without rows, values that are not finite, arrays that do not fit together.
    """
    started = time.perf_counter()
    weights = _checked_weights(X, y, n_classes, C, sample_weight)
    rows, kept = _working_rows(X, fit_intercept=fit_intercept)
    problem = _Problem(
        rows,
        y,
        weights,
        n_outputs=1 if n_classes == 2 else n_classes,
        penalty=0.0 if math.isinf(C) else 1.0,
        scale=scale,
        fit_intercept=fit_intercept,
    )
    if problem.penalty == 0.0:
        _refuse_separating_feature(problem, kept, n_classes)
    search = _Search(problem, np.random.default_rng(seed), tol, max_iter, progress)
    point = search.run(_warm(warm_start, kept) if warm_start else None)

    coef = np.zeros((problem.n_outputs, X.shape[1]))
    coef[:, kept] = point.theta[:, :-1]
    certificate = search.certificate(point)
    return Fit(coef, point.theta[:, -1].copy(), certificate, time.perf_counter() - started)


# ---------------------------------------------------------------------------------------- the data


def _checked_weights(
    X: Rows, y: Labels, n_classes: int, C: float, sample_weight: Floats | None
) -> Float64s:
    """Return C * s_i of shape (n_samples,), or say what is wrong with the arguments."""
    if X.ndim != 2 or y.shape != X.shape[:1]:
        msg = f"X must be (n_samples, n_features) and y (n_samples,): got {X.shape}, {y.shape}"
        raise ValueError(msg)
    if not C > 0.0:
        msg = f"C must be positive: got {C}"
        raise ValueError(msg)
    if n_classes < 2:
        msg = "one class only: there is nothing to tell apart"
        raise ValueError(msg)
    if sample_weight is not None:
        bad = sample_weight.shape != y.shape or not np.isfinite(sample_weight).all()
        if bad or (sample_weight < 0).any():
            msg = f"sample_weight must be {len(y)} finite numbers, none negative"
            raise ValueError(msg)
    if len(y) and not 0 <= y.min() <= y.max() < n_classes:
        msg = f"labels must be 0 .. {n_classes - 1}: got {y.min()} .. {y.max()}"
        raise ValueError(msg)
    empty = np.flatnonzero(np.bincount(y, sample_weight, minlength=n_classes) == 0)
    if len(empty):
        msg = f"no rows of class {', '.join(map(str, empty))}: every class must occur"
        raise ValueError(msg)
    return loss_weights(len(y), C, sample_weight)


def _working_rows(X: Rows, *, fit_intercept: bool) -> tuple[WorkingRows, NDArray[np.intp]]:
    """Return the columns that matter as C-contiguous float32, and which they are.

    A constant column says what the intercept says: its weight at the optimum is zero. Bytes of
    which a copy would be too large stay what they are, with all columns.
    """
    if X.dtype == np.uint8 and 4 * X.size > MAX_COPY_BYTES:
        return np.asarray(X, dtype=np.uint8), np.arange(X.shape[1])
    low, high = X.min(axis=0), X.max(axis=0)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        msg = "X holds values that are not finite"
        raise ValueError(msg)
    kept = np.flatnonzero(low != high if fit_intercept else (low != 0) | (high != 0))
    if (
        isinstance(X, np.ndarray)
        and X.dtype == np.float32
        and X.flags.c_contiguous
        and len(kept) == X.shape[1]
    ):
        return np.asarray(X, dtype=np.float32), kept
    rows = np.empty((len(X), len(kept)), dtype=np.float32)

    def convert(block: slice) -> None:
        # Few rows at a time stay in cache between the two steps: 9 ms where columns first took 15.
        for first in range(block.start, block.stop, ROWS_PER_CONVERSION):
            few = slice(first, min(first + ROWS_PER_CONVERSION, block.stop))
            np.take(X[few].astype(np.float32), kept, axis=1, out=rows[few], mode="clip")

    map_blocks(convert, len(X), rows_per_block(X.shape[1]))
    return rows, kept


def _refuse_separating_feature(problem: _Problem, kept: NDArray[np.intp], n_classes: int) -> None:
    """Raise if one feature alone divides a class from the rest, if only weakly.

    Its weight could then grow for ever and never make a loss larger (quasi-complete separation,
    Albert and Anderson, Biometrika 1984), which no look at the iterates tells from slow
    convergence. A pixel that is lit in a few images of one class does this.
    """
    low, high = _feature_ranges(problem, n_classes)
    for k in range(n_classes):
        others = np.arange(n_classes) != k
        low_out, high_out = low[others].min(axis=0), high[others].max(axis=0)
        if problem.fit_intercept:
            divides = (high_out <= low[k]) | (high[k] <= low_out)
        else:  # The threshold between the two cannot move from zero.
            above, below = (high_out <= 0) & (low[k] >= 0), (high[k] <= 0) & (low_out >= 0)
            divides = above | below
        if divides.any():
            feature = int(kept[np.flatnonzero(divides)[0]])
            msg = f"no finite optimum: feature {feature} alone divides class {k} from the rest"
            raise SeparableDataError(msg)


def _feature_ranges(problem: _Problem, n_classes: int) -> tuple[Floats, Floats]:
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


def _warm(start: tuple[Float64s, Float64s], kept: NDArray[np.intp]) -> Float64s:
    """Return (coef, intercept) as parameters, without the mean that the softmax cannot see."""
    coef, intercept = start
    theta = np.column_stack([coef[:, kept], intercept]).astype(np.float64)
    return _centred(theta)


# -------------------------------------------------------------------------------------- the function


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """The function to minimise. Parameters `theta` are (n_outputs, n_features + 1), b last."""

    X: WorkingRows
    y: Labels
    weights: Float64s
    n_outputs: int
    penalty: float
    scale: float
    fit_intercept: bool
    dtype: type[np.floating[Any]] = np.float32

    def subset(self, rows: NDArray[np.intp]) -> _Problem:
        """Return the problem of some rows.

        The sum is not scaled back up: the penalty then holds the weights as much more as a few
        rows say less about them, and the solution is the better start for it (on digits,
        objective 21,000 instead of 33,500).
        """
        return replace(self, X=self.X[rows], y=self.y[rows], weights=self.weights[rows])

    def scores(self, theta: Float64s) -> Floats:
        """Return W x_i + b of shape (n_outputs, n_samples)."""
        scores = linear_scores(self.X, theta[:, :-1], scale=self.scale, dtype=self.dtype)
        if self.fit_intercept:
            scores += theta[:, -1:].astype(self.dtype)
        return scores

    def point(self, theta: Float64s, scores: Floats) -> _Point:
        """Return objective and gradient where the scores are known."""
        losses, residuals = losses_and_residuals(scores, self.y)
        return self.point_from(theta, scores, losses, residuals)

    def point_from(
        self, theta: Float64s, scores: Floats, losses: Floats, residuals: Floats
    ) -> _Point:
        """Return the point of known losses: the one product with the data that is left to do."""
        weighted = residuals * self.weights.astype(self.dtype)
        gradient = np.empty_like(theta)
        gradient[:, :-1] = residual_products(self.X, weighted, scale=self.scale, dtype=self.dtype)
        gradient[:, :-1] += self.penalty * theta[:, :-1]
        gradient[:, -1] = weighted.sum(axis=1, dtype=np.float64) if self.fit_intercept else 0.0
        penalty = 0.5 * self.penalty * squared_norm(theta[:, :-1])
        objective = float(np.dot(losses, self.weights)) + penalty
        return _Point(theta, scores, losses, residuals, gradient, objective)


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
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
        return math.sqrt(squared_norm(self.gradient))


def _centred(theta: Float64s) -> Float64s:
    return theta - theta.mean(axis=0) if len(theta) > 1 else theta


# ---------------------------------------------------------------------------------------- the search


@dataclass(slots=True, eq=False)
class _Search:
    """From the prior model to a certificate; counts iterations and passes on the way."""

    problem: _Problem
    rng: np.random.Generator
    tol: float
    max_iter: int
    progress: Progress
    n_iterations: int = 0
    n_passes: float = 0.0
    start_norm: float = 0.0
    settled: bool = False
    _share: float = field(default=1.0)  # of the rows, that a pass now reads
    _easing: float = field(default=1.0)  # what the weights are multiplied with on the way

    def run(self, start: Float64s | None) -> _Point:
        """Return the solution, measured in float64 with the intercept at its best."""
        problem = self.problem
        prior = self._prior()
        self.start_norm = prior.gradient_norm
        theta, coupled = self._start(prior.theta) if start is None else (start, False)
        point = problem.point(theta, problem.scores(theta))
        self.n_passes += 1.0
        history = _History(problem, self.rng, coupled=coupled)
        point = self._descend(problem, point, self.tol, history)
        exact = replace(problem, dtype=np.float64)
        point = self._measured(exact, point.theta)
        # Moved to its best, the intercept may push the other gradient over the tolerance again.
        for share in (1.0, 0.5, 0.25):
            if self._done(exact, point, self.tol):
                break
            closer = self._descend(exact, point, share * self.tol, history)
            point = self._measured(exact, closer.theta)
        return point

    def certificate(self, point: _Point) -> Certificate:
        """Return what is known about the solution."""
        bounded = self.problem.penalty > 0.0
        return Certificate(
            objective=point.objective,
            gradient_norm=point.gradient_norm,
            relative_gradient_norm=relative(point.gradient_norm, self.start_norm),
            gap_bound=point.gap if bounded else None,
            distance_bound=math.sqrt(2.0 * point.gap) if bounded else None,
            converged=self._done(self.problem, point, self.tol) and (bounded or self.settled),
            n_iterations=self.n_iterations,
            n_passes=self.n_passes,
        )

    def _prior(self) -> _Point:
        problem = self.problem
        theta = np.zeros((problem.n_outputs, problem.X.shape[1] + 1))
        if problem.fit_intercept:
            n_classes = max(2, problem.n_outputs)
            theta[:, -1] = prior_intercept(problem.y, problem.weights, n_classes)
        scores = np.empty((problem.n_outputs, len(problem.y)), dtype=problem.dtype)
        scores[:] = theta[:, -1:]
        self.n_passes += 0.5
        return problem.point(theta, scores)

    def _start(self, theta: Float64s) -> tuple[Float64s, bool]:
        """Return where to start on all rows, and whether the Hessian should couple the classes."""
        problem, coupled = self.problem, False
        easings = _easings(problem)
        if (rows := self._start_rows()) is not None:
            eased = replace(problem, weights=problem.weights * [*easings, 1.0][0])
            theta = self._rough_solution(eased.subset(rows), theta)
        for self._easing in easings:
            eased = replace(problem, weights=problem.weights * self._easing)
            history = _History(eased, self.rng, coupled=coupled)
            point = eased.point(theta, eased.scores(theta))
            self.n_passes += 1.0
            theta = self._descend(eased, point, PATH_TOL, history).theta
            coupled = history.coupled
        self._easing = 1.0
        return theta, coupled

    def _start_rows(self) -> NDArray[np.intp] | None:
        """Draw the rows of the rough solution; None if they would be too few to pay."""
        y = self.problem.y
        n_rows = int(len(y) * START_SHARE)
        if n_rows < START_MIN_ROWS:
            return None
        rows = np.sort(self.rng.choice(len(y), n_rows, replace=False))
        present = np.bincount(y[rows], self.problem.weights[rows], max(2, self.problem.n_outputs))
        return rows if present.all() else None

    def _rough_solution(self, sample: _Problem, theta: Float64s) -> Float64s:
        self._share = len(sample.y) / len(self.problem.y)
        point = sample.point(theta, sample.scores(theta))
        self.n_passes += self._share
        history = _History(sample, self.rng, rough=True)
        theta = self._descend(sample, point, START_TOL, history).theta
        self._share, self.n_iterations = 1.0, 0
        return theta

    def _measured(self, exact: _Problem, theta: Float64s) -> _Point:
        """Return the point in float64, its intercept at the best for its weights."""
        scores = linear_scores(exact.X, theta[:, :-1], scale=exact.scale, dtype=np.float64)
        if exact.fit_intercept:
            b = best_intercept(scores, exact.y, exact.weights, theta[:, -1])
            theta = np.column_stack([theta[:, :-1], b])
            scores += b[:, None]
        self.n_passes += 1.0
        return exact.point(theta, scores)

    def _done(self, problem: _Problem, point: _Point, tol: float) -> bool:
        if problem.penalty > 0.0:
            return point.gap <= tol * point.objective
        return point.gradient_norm <= tol * self.start_norm

    def _descend(self, problem: _Problem, point: _Point, tol: float, history: _History) -> _Point:
        """Take steps until `tol` is reached, or rounding errors or `max_iter` end them."""
        whole = problem.X is self.problem.X
        max_iter = self.max_iter if whole else START_MAX_ITER
        least, idle = math.inf, 0
        smallest_gain = float(np.finfo(problem.dtype).eps)
        while not self._done(problem, point, tol) and self.n_iterations < max_iter:
            direction = -history.times_gradient(point)
            slope = float(np.vdot(point.gradient, direction))
            if not slope < 0.0:
                break
            new = _step(problem, point, direction, slope)
            history.remember(point, new)
            gained = point.objective - new.objective > smallest_gain * abs(new.objective)
            idle = 0 if gained or new.gradient_norm < least else idle + 1
            least = min(least, new.gradient_norm)
            moved = squared_norm(new.theta - point.theta)
            self.settled = moved <= 1e-4 * squared_norm(new.theta)
            point = new
            self.n_iterations += 1
            self.n_passes += self._share
            if whole:
                self._report(point)
            if problem.penalty == 0.0:
                _refuse_separated(problem, point)
            if idle >= PATIENCE:
                break
        return point

    def _report(self, point: _Point) -> None:
        target = self.tol
        start_norm = self.start_norm * self._easing
        if self.problem.penalty > 0.0:
            target = relative(math.sqrt(2.0 * self.tol * point.objective), start_norm)
        norm = relative(point.gradient_norm, start_norm)
        at = NewtonProgress(self.n_iterations, point.objective, norm, target)
        self.progress.update("fit", *at.digits, at)


def _easings(problem: _Problem) -> list[float]:
    """Return what to multiply the weights with, in turn, before they are used as they are.

    At C = 1e4 the optimum is hard to reach from far away; from that of C = 100 it is not.
    """
    mean = float(problem.weights.mean())
    if problem.penalty == 0.0 or mean <= PATH_FROM:
        return []
    n_easier = math.ceil(math.log(mean / PATH_FROM, PATH_STEP))
    return [PATH_STEP**-k for k in range(n_easier, 0, -1)]


def _refuse_separated(problem: _Problem, point: _Point) -> None:
    """Raise if every row has its own class's probability above one half: scale up for ever."""
    if point.losses[problem.weights > 0].max() < math.log(2.0):
        msg = "no finite optimum: the classes are separated by a plane"
        raise SeparableDataError(msg)


def _step(problem: _Problem, point: _Point, direction: Float64s, slope: float) -> _Point:
    """Search along a direction for a point where the slope is at most half of what it was.

    f is convex along it, so its derivative tells the side of the minimum, and rounding errors
    in f, which end an Armijo search at a relative 1e-7, do not matter. Newton's method from zero
    steps, kept inside the bracket: the first trial is mostly the last.
    """
    change = problem.scores(direction)
    weights = problem.weights.astype(problem.dtype)
    linear = problem.penalty * float(np.vdot(point.theta[:, :-1], direction[:, :-1]))
    square = problem.penalty * squared_norm(direction[:, :-1])
    _, curvature = slope_and_curvature(point.residuals, change, problem.y, weights)
    low, high, here, size = 0.0, math.inf, slope, 0.0
    bend = curvature + square
    for _ in range(30):
        wanted = size - here / bend if bend > 0.0 else math.inf
        limit = 10.0 * size if size > 0.0 else 100.0
        size = min(wanted, limit) if math.isinf(high) else wanted
        if not low < size < high:
            size = 0.5 * (low + high)
        scores = point.scores + problem.dtype(size) * change
        losses, residuals = losses_and_residuals(scores, problem.y)
        here, curvature = slope_and_curvature(residuals, change, problem.y, weights)
        here += linear + size * square
        bend = curvature + square
        if abs(here) <= 0.5 * abs(slope):
            break
        low, high = (size, high) if here < 0.0 else (low, size)
    return problem.point_from(point.theta + size * direction, scores, losses, residuals)


# ------------------------------------------------------------------------- the metric of the steps


class _History:
    """The inverse Hessian as L-BFGS sees it: past steps on top of a subsampled inverse."""

    def __init__(
        self,
        problem: _Problem,
        rng: np.random.Generator,
        *,
        rough: bool = False,
        coupled: bool = False,
    ) -> None:
        self._problem, self._rng, self._rough = problem, rng, rough
        self.coupled = coupled
        self._share = HESSIAN_SHARE_START if rough else HESSIAN_SHARE
        self._refresh = HESSIAN_REFRESH_START if rough else HESSIAN_REFRESH
        self._doubled = 1
        self._drawn_at = math.inf  # the objective then; of the first draw, anything is below
        self._age = 0
        self._inverses: list[InverseHessian] = []
        self._steps: list[tuple[Float64s, Float64s, float]] = []

    def remember(self, old: _Point, new: _Point) -> None:
        step, change = new.theta - old.theta, new.gradient - old.gradient
        product = float(np.vdot(step, change))
        if product > 1e-12 * math.sqrt(squared_norm(step) * squared_norm(change)):
            self._steps = [*self._steps[1 - HISTORY :], (step, change, 1.0 / product)]

    def times_gradient(self, point: _Point) -> Float64s:
        """Return the inverse Hessian times the gradient, by the two loops of L-BFGS."""
        old = self._age >= HESSIAN_MAX_AGE * min(self._problem.n_outputs, 2)
        if old:
            self._doubled *= 2
            self.coupled = self._may_couple()
        if old or point.objective < self._refresh * self._drawn_at:
            self._inverses = []  # Not two at a time: a coupled one takes 115 MB.
            self._inverses = self._subsampled_inverses(point)
            self._drawn_at, self._age = point.objective, 0
        self._age += 1
        q = point.gradient.copy()
        shares = []
        for step, change, rho in reversed(self._steps):
            shares.append(rho * float(np.vdot(step, q)))
            q -= shares[-1] * change
        q = self._times_inverses(q)
        for (step, change, rho), share in zip(self._steps, reversed(shares), strict=True):
            q += (share - rho * float(np.vdot(change, q))) * step
        return q

    def _times_inverses(self, q: Float64s) -> Float64s:
        vectors = _centred(q)
        if len(self._inverses) == 1:
            return _centred(self._inverses[0].times(vectors))

        def times(one: slice) -> Float64s:
            product: Float64s = self._inverses[one.start].times(vectors[one])
            return product

        products: Float64s = np.concatenate(map_blocks(times, len(vectors), 1))
        return _centred(products)

    def _subsampled_inverses(self, point: _Point) -> list[InverseHessian]:
        """Return an inverse per class, or one for all classes."""
        absolute = np.abs(point.residuals).astype(np.float64)
        if self.coupled:
            return [self._coupled_inverse(absolute)]
        hessian_weights = absolute * (1.0 - absolute) * self._problem.weights
        if self._rough:  # of the mean of their Hessians
            hessian_weights = hessian_weights.mean(axis=0, keepdims=True)
        drawn = [self._drawn(h) for h in hessian_weights]
        return map_blocks(lambda one: self._inverse_from(*drawn[one.start]), len(drawn), 1)

    def _inverse_from(self, rows: NDArray[np.intp], roots: Floats) -> InverseHessian:
        penalty = self._problem.penalty
        if len(rows) < self._problem.X.shape[1] and penalty > 0.0:
            return FewRowsInverse.inverse(self._weighted(rows, roots), penalty)
        return DenseInverse(
            regularised_inverse(self._gram(rows, roots), penalty).astype(np.float32)
        )

    def _drawn(self, hessian_weights: Float64s) -> tuple[NDArray[np.intp], Floats]:
        """Return rows for a Hessian, and what to multiply them with before they are squared."""
        # Kish's effective sample size: how many rows the weight sits on.
        effective = hessian_weights.sum() ** 2 / max(squared_norm(hessian_weights), 1e-300)
        n_rows = self._doubled * min(self._share * len(hessian_weights), float(effective))
        n_features = self._problem.X.shape[1]
        most = math.sqrt(HESSIAN_MOST_WORK / n_features)
        if most < n_features:
            n_rows = min(n_rows, most)
        n_rows = max(HESSIAN_MIN_ROWS, int(n_rows))
        chance = inclusion_chances(hessian_weights, n_rows)
        rows = np.flatnonzero(self._rng.random(len(chance)) < chance)
        roots = np.sqrt(hessian_weights[rows] / chance[rows]) * self._problem.scale
        return rows, roots.astype(np.float32)

    def _weighted(self, rows: NDArray[np.intp], roots: Floats) -> NDArray[np.float32]:
        problem = self._problem
        weighted = np.empty((len(rows), problem.X.shape[1] + 1), dtype=np.float32)
        weighted[:, :-1] = problem.X[rows]
        weighted[:, -1] = 1.0 / problem.scale if problem.fit_intercept else 0.0
        weighted *= roots[:, None]
        return weighted

    def _gram(self, rows: NDArray[np.intp], roots: Floats) -> Float64s:
        n = self._problem.X.shape[1] + 1
        gram = np.zeros((n, n))
        for first in range(0, len(rows), HESSIAN_BLOCK):
            block = slice(first, first + HESSIAN_BLOCK)
            weighted = self._weighted(rows[block], roots[block])

            def add(columns: slice, weighted: NDArray[np.float32] = weighted) -> None:
                gram[:, columns] += weighted.T @ weighted[:, columns]

            map_blocks(add, n, HESSIAN_COLUMNS)
        return gram

    def _may_couple(self) -> bool:
        size = self._problem.n_outputs * (self._problem.X.shape[1] + 1)
        return self._problem.n_outputs > 1 and size <= COUPLED_MAX_PARAMETERS

    def _coupled_inverse(self, absolute_residuals: Float64s) -> CoupledInverse:
        """Return the inverse of the whole Hessian, which is a sum over pairs of classes.

        diag(p) - p p^T = sum over k < l of p_k p_l (e_k - e_l)(e_k - e_l)^T: rows are drawn for
        each pair by its own weights, and the sum stays positive definite.
        """
        problem = self._problem
        p = absolute_residuals
        true = problem.y, np.arange(p.shape[1])
        p[true] = 1.0 - p[true]
        n, k_all = problem.X.shape[1] + 1, range(problem.n_outputs)
        hessian = [[np.zeros((n, n), dtype=np.float32) for _ in range(k + 1)] for k in k_all]
        for k in k_all:
            for other in range(k):
                gram = self._gram(*self._drawn(p[k] * p[other] * problem.weights))
                hessian[k][other] -= gram
                hessian[k][k] += gram
                hessian[other][other] += gram
        return CoupledInverse.inverse(hessian, problem.penalty)
