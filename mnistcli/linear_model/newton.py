"""L2-regularised logistic regression: L-BFGS, preconditioned by a subsampled Hessian. NumPy only.

The function that is minimised is that of `objective`, without L1. A fit takes these steps:

1. Columns that vary are copied as float32 (`_working_rows`).
2. Rough solution (`_rough_solution`): an eighth of the rows, where a pass costs an eighth, is
   solved to noise.
3. Continuation (`_path_of_factors`): the way to a weak penalty leads over stronger ones, each solved
   roughly from the one before (Friedman, Hastie and Tibshirani, J. Stat. Softw. 2010, section 2.5,
   "pathwise").
4. Descent (`_descend`): L-BFGS steps with line search (`lbfgs`). The initial matrix is not a
   multiple of the identity but the inverse of a Hessian from a few thousand rows
   (`preconditioner`). They converge like conjugate gradients preconditioned with it (Hsia, Chiang
   and Lin, ACML 2018), but the product with the data that a Hessian-vector product would cost is a
   gradient at a better point, and no inner loop has to guess how accurate to be. Where few rows have
   nearly all of the curvature, as near the optimum of features that tell classes well apart, a step
   leads to the optimum of these and of a linear function in place of the others: a pass over few
   costs little.
5. Certificate (`certificate`): the answer is measured in float64, its intercept moved to the best
   for its weights; where float32 was too coarse for the tolerance, the last steps are taken in
   float64.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from mnistcli.arrays import Float64s, Floats, Labels, Places, Rows
from mnistcli.linear_model import objective
from mnistcli.linear_model.certificate import Certificate, Fit, relative
from mnistcli.linear_model.lbfgs import LBFGS, search_along
from mnistcli.linear_model.pace import NewtonProgress, Pace, expected_seconds
from mnistcli.linear_model.preconditioner import Preconditioner
from mnistcli.linear_model.problem import (
    Block,
    LocalBlocks,
    Point,
    Problem,
    blocks_of,
    centred,
    curvatures,
)
from mnistcli.parallel import one_blas_thread
from mnistcli.progress import SILENT, Progress
from mnistcli.settings import SOLVERS

ROUGH_SHARE = 1 / 8  # Share of the rows in the rough solution,
ROUGH_MIN_ROWS = 500  # which is left out where they would be fewer than these;
ROUGH_MAX_ROWS = 120_000  # rows in it at most,
ROUGH_MAX_VALUES = 256 * 1024**2  # and values in these, which are held as they are.
ROUGH_TOL = 1.0  # How roughly they are solved: the rest is noise of the sample.
ROUGH_MAX_ITER = 50  # Steps on them at most.
PATH_FROM = 10.0  # Above this mean weight (C) the way leads over stronger penalties,
PATH_STEP = 100.0  # each so many times stronger than the next,
PATH_TOL = 0.1  # and solved as roughly as this.
ROWS_OF_SIZE = 1000  # Rows, at most, that tell how large features are.
MAX_COPY_BYTES = 512 * 1024**2  # Larger rows of bytes are converted anew in every pass.
# A step may lead to the optimum on few rows, see `_Minimiser._optimum_on_few`.
BENDING = 0.97  # The share of the curvature that they have together.
FEW_SHARE, FEW_LEAST = 1 / 4, 1 / 16  # The shares of all rows that they are at most, and at least.
FEW_VALUES = 2**25  # The values of all rows, at least: fewer are read in no time.
FEW_TOL = 1e-2  # The share of the gap that may be left on them.
FEW_GAIN = 1 / 2  # After a step that gains less than this share of what it could at most
FEW_WAIT = 5  # come so many on all rows.
PATIENCE = 10  # Steps without progress after which rounding errors are taken to have won.
SETTLED = 1e-4  # Without a penalty: a last step so short (squared, relative) is an arrival.
TIGHTER = (1.0, 0.5, 0.25)  # Shares of the tolerance that float64 steps try, in turn.


@one_blas_thread
def fit_newton(
    X: Rows,
    y: Labels,
    *,
    n_classes: int,
    C: float = 1.0,
    scale: float = 1.0,
    sample_weight: Floats | None = None,
    tol: float = SOLVERS["newton"].tol,
    max_iter: int = SOLVERS["newton"].max_iter,
    seed: int = 0,
    warm_start: tuple[Float64s, Float64s] | None = None,
    progress: Progress = SILENT,
    runner: Callable[[list[Block]], Any] = LocalBlocks,
) -> Fit:
    """Fit a logistic regression and prove how close to the optimum it is.

    X, of shape (n_samples, n_features) in uint8, float32 or float64, is finite, is not modified and
    may be memory-mapped or made when it is read; features are ``X * scale``. Where X is float64,
    all is computed in it. y, of shape (n_samples,), are class indices 0 .. n_classes - 1, each of
    which must occur, sample weights, of that shape too, finite and >= 0. C > 0 is the inverse
    strength of the penalty; ``math.inf`` means none.

    The fit has converged when ``gap_bound <= tol * objective``, so that the objective is proven to
    be within `tol`, relatively, of the optimum. Without a penalty no such bound exists, and the
    gradient norm relative to the prior model takes its place. `max_iter` steps are taken on all
    rows at most: ten digits take about 40 at C = 1, 80 at C = 100 and 250 at C = 1e4. The seed
    chooses the rows of the Hessian: the same seed, data and machine give the same fit. A warm start
    is coef and intercept as in `Fit`; progress is a `NewtonProgress` after every step. `runner` is
    given the rows in blocks and runs what a step asks of each: in threads here, or elsewhere.

    Raises SeparableDataError where without a penalty the optimum is at infinity, ValueError where a
    class has no rows or X is not finite.
    """
    started = time.perf_counter()
    weights = objective.loss_weights(C, len(y), sample_weight)
    totals = objective.class_weights(y, weights, n_classes)
    empty = np.flatnonzero(totals == 0)
    if n_classes < 2 or len(empty):
        named = ", ".join(map(str, empty))
        raise ValueError(f"no rows of class {named}: more than one class must occur")
    rows, kept = _working_rows(X)
    problem = Problem(
        rows,
        y,
        weights,
        runner(blocks_of(rows, y, weights)),
        n_outputs=1 if n_classes == 2 else n_classes,
        penalty=0.0 if math.isinf(C) else 1.0,
        scale=scale,
        dtype=np.float64 if rows.dtype == np.float64 else np.float32,
    )
    if problem.penalty == 0.0:
        problem.refuse_separating_feature(kept, n_classes)

    def coef_at(theta: Float64s) -> Float64s:
        """Return the weights of all features, of which some were kept."""
        coef = np.zeros((len(theta), X.shape[1]))
        coef[:, kept] = theta[:, :-1]
        return coef

    rng = np.random.default_rng(seed)
    minimiser = _Minimiser(problem, totals, rng, tol, max_iter, progress, coef_at)
    start = None
    if warm_start is not None:
        start = centred(np.column_stack([warm_start[0][:, kept], warm_start[1]]).astype(np.float64))
    point = minimiser.run(start)
    coef, intercept = coef_at(point.theta), point.theta[:, -1].copy()
    return Fit(coef, intercept, minimiser.certificate(point), time.perf_counter() - started)


def _working_rows(X: Rows) -> tuple[Rows, Places]:
    """Return the columns that vary as C-contiguous floats, and which they are.

    A constant column's weight is zero at the optimum: the intercept says the same for nothing.
    Bytes of which a copy would be too large stay what they are, with all columns.
    """
    n_rows, n_features = X.shape
    X = np.asarray(X) if isinstance(X, np.ndarray) else X  # slices of a mapped file are slow
    if X.dtype == np.uint8 and 4 * n_rows * n_features > MAX_COPY_BYTES:
        return X, np.arange(n_features)
    X = X[:]
    low, high = X.min(axis=0), X.max(axis=0)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError("X holds values that are not finite")
    kept = np.flatnonzero(low != high)
    dtype: type[np.floating[Any]] = np.float64 if X.dtype == np.float64 else np.float32
    if X.dtype == dtype and X.flags.c_contiguous and len(kept) == n_features:
        return np.asarray(X, dtype=dtype), kept
    return X.take(kept, axis=1).astype(dtype, copy=False), kept


@dataclass(slots=True, eq=False)
class _Minimiser:
    """Goes from the prior model to a certificate; counts iterations and passes on the way."""

    problem: Problem
    class_weights: Float64s  # (n_classes,)
    rng: np.random.Generator
    tol: float
    max_iter: int
    progress: Progress
    coef_at: Callable[[Float64s], Float64s]
    n_iterations: int = 0
    n_passes: float = 0.0
    start_norm: float = 0.0
    is_settled: bool = False
    pace: Pace = field(default_factory=Pace)

    def run(self, start: Float64s | None) -> Point:
        """Return the solution, measured in float64 with the intercept at its best."""
        problem = self.problem
        if self.progress is not SILENT:  # it takes a twentieth of a small fit
            self.pace = Pace(expected_seconds(problem.X, len(problem.y), problem.n_outputs))
        prior = np.zeros((problem.n_outputs, problem.X.shape[1] + 1))
        prior[:, -1] = objective.prior_intercept(self.class_weights)
        self.n_passes += 0.5
        self.start_norm = problem.point(prior).gradient_norm
        if start is None:
            path = self._path_of_factors()
            start = self._rough_solution(prior, factor=[*path, 1.0][0])
            for factor in path:  # the continuation
                start = self._solve(replace(problem, factor=factor), start, PATH_TOL)[0].theta
        point, lbfgs = self._solve(problem, start, self.tol)
        exact = replace(problem, dtype=np.float64)
        point = self._measure(exact, point)
        # Moved to its best, the intercept may push the other gradient over the tolerance again.
        for share in TIGHTER:
            if self._is_done(exact, point, self.tol):
                break
            point = self._measure(exact, self._descend(exact, point, share * self.tol, lbfgs))
        return point

    def certificate(self, point: Point) -> Certificate:
        """Return what is known about the solution; see `certificate.Certificate` for the proof."""
        bounded = self.problem.penalty > 0.0
        return Certificate(
            objective=point.objective,
            gradient_norm=point.gradient_norm,
            relative_gradient_norm=relative(point.gradient_norm, self.start_norm),
            gap_bound=point.gap if bounded else None,
            distance_bound=math.sqrt(2.0 * point.gap) if bounded else None,
            converged=self._is_done(self.problem, point, self.tol) and (bounded or self.is_settled),
            n_iterations=self.n_iterations,
            n_passes=self.n_passes,
        )

    def _rough_solution(self, theta: Float64s, factor: float) -> Float64s:
        """Return the solution on some of the rows, or where these would be too few, the start."""
        X, y = self.problem.X, self.problem.y
        most = min(ROUGH_MAX_ROWS, ROUGH_MAX_VALUES // max(1, X.shape[1]))
        n_rows = min(int(len(y) * ROUGH_SHARE), most)
        if n_rows < ROUGH_MIN_ROWS:
            return theta
        sample = self.problem.subset(np.sort(self.rng.choice(len(y), n_rows, replace=False)))
        if not objective.class_weights(sample.y, sample.weights, len(self.class_weights)).all():
            return theta
        # Where they are fewer than `ROUGH_SHARE`, they weigh as much as that many would.
        more = len(y) * ROUGH_SHARE // n_rows
        sample = replace(sample, factor=more * factor)
        theta = self._solve(sample, theta, ROUGH_TOL, is_rough=True)[0].theta
        self.n_iterations = 0
        return theta

    def _path_of_factors(self) -> list[float]:
        """Return the rising factors of the losses' weights that come before the weights themselves.

        At C = 1e4 the optimum is hard to reach from far away; from that of C = 100 it is not. C = 1
        is as much for features of 0 to 100 instead of 1.
        """
        X, y = self.problem.X, self.problem.y
        few = X[np.arange(0, len(y), -(-len(y) // ROWS_OF_SIZE))].astype(np.float64)
        variance = self.problem.scale**2 * float(few.var(axis=0).sum()) / max(1, few.shape[1])
        mean = float(self.class_weights.sum()) / len(y) * max(1.0, variance)
        if self.problem.penalty == 0.0 or mean <= PATH_FROM:
            return []
        n_stronger = math.ceil(math.log(mean / PATH_FROM, PATH_STEP))
        return [PATH_STEP**-k for k in range(n_stronger, 0, -1)]

    def _solve(
        self, problem: Problem, theta: Float64s, tol: float, *, is_rough: bool = False
    ) -> tuple[Point, LBFGS]:
        """Descend from parameters; return where that led, and what was learned on the way."""
        lbfgs = LBFGS(Preconditioner(self.rng, tol, is_rough=is_rough))
        self.n_passes += self._share(problem)
        return self._descend(problem, problem.point(theta), tol, lbfgs), lbfgs

    def _descend(self, problem: Problem, point: Point, tol: float, lbfgs: LBFGS) -> Point:
        """Take steps until `tol` is reached, or rounding errors or `max_iter` end them."""
        is_whole = self._share(problem) == 1.0
        max_iter = self.max_iter if is_whole else ROUGH_MAX_ITER
        few_from: float = 0 if is_whole else math.inf
        # Steps since one that rounding errors cannot account for, and the least gradient.
        n_idle, least_norm, eps = 0, math.inf, float(np.finfo(problem.dtype).eps)
        while self.n_iterations < max_iter and n_idle < PATIENCE:
            if self._is_done(problem, point, tol):
                break
            may_be_few = self.n_iterations >= few_from
            model = self._optimum_on_few(problem, point, tol, lbfgs) if may_be_few else None
            direction = model.theta - point.theta if model else lbfgs.direction(problem, point)
            slope = float(np.vdot(point.gradient, direction))
            if not slope < 0.0:  # rounding errors leave no direction of descent
                break
            new = search_along(problem, point, direction, slope)
            if model:
                # A linear function in place of a convex one is below it: so is its least value.
                to_gain = point.objective - model.objective
                if point.objective - new.objective < FEW_GAIN * to_gain:
                    few_from = self.n_iterations + FEW_WAIT
            lbfgs.remember(point, new)
            self._count_step(problem, point, new)
            has_gained = point.objective - new.objective > eps * abs(new.objective)
            n_idle = 0 if has_gained or new.gradient_norm < least_norm else n_idle + 1
            point, least_norm = new, min(least_norm, new.gradient_norm)
        return point

    def _count_step(self, problem: Problem, old: Point, new: Point) -> None:
        """Count a step and tell of it; raise SeparableDataError where there is no optimum to reach."""
        moved = objective.squared_norm(new.theta - old.theta)
        self.is_settled = moved <= SETTLED * objective.squared_norm(new.theta)
        self.n_iterations += 1
        self.n_passes += self._share(problem)
        if problem.is_real:
            self._report(problem, new)
        if problem.penalty == 0.0:
            problem.refuse_separated(new)

    def _optimum_on_few(
        self, problem: Problem, point: Point, tol: float, lbfgs: LBFGS
    ) -> Point | None:
        """Return the optimum of `Problem.of_few` on the rows that bend; None where these are not few.

        The steps that lead there count as one together.
        """
        rows = self._rows_that_bend(problem, point)
        if rows is None:
            return None
        n_iterations, self.n_iterations = self.n_iterations, 0
        few, start = problem.of_few(point, rows)
        self.n_passes += self._share(few)
        goal = max(tol / 2, FEW_TOL * point.gap / point.objective)
        optimum = self._descend(few, start, goal, lbfgs)
        self.n_iterations = n_iterations
        return optimum

    def _rows_that_bend(self, problem: Problem, point: Point) -> Places | None:
        """Return the rows that have nearly all of the curvature, if these are few."""
        n_rows, n_features = problem.X.shape
        most = int(FEW_SHARE * n_rows)
        is_large = n_rows * n_features >= FEW_VALUES and problem.n_outputs > 1
        if problem.penalty == 0.0 or not is_large or most > ROUGH_MAX_ROWS:
            return None
        each = np.concatenate(problem.blocks.map(curvatures, problem.at(point)))
        order = np.argsort(-each)
        n_few = np.searchsorted(np.cumsum(each[order]), BENDING * each.sum())
        few = order[: max(n_few, int(FEW_LEAST * n_rows))]
        return np.sort(few) if n_few < most and few.size * n_features < ROUGH_MAX_VALUES else None

    def _share(self, problem: Problem) -> float:
        """Return which share of the rows a pass reads."""
        return len(problem.y) / len(self.problem.y)

    def _measure(self, exact: Problem, point: Point) -> Point:
        self.n_passes += 1.0
        return exact.with_best_intercept(point.theta)

    def _is_done(self, problem: Problem, point: Point, tol: float) -> bool:
        if problem.penalty > 0.0:
            return point.gap <= tol * point.objective
        return point.gradient_norm <= tol * self.start_norm

    def _report(self, problem: Problem, point: Point) -> None:
        target, share = self.tol, self._share(problem)
        start_norm = self.start_norm * problem.factor * share
        if problem.penalty > 0.0:
            target = relative(math.sqrt(2.0 * self.tol * point.objective), start_norm)
        norm, coef = relative(point.gradient_norm, start_norm), partial(self.coef_at, point.theta)
        at = NewtonProgress(self.n_iterations, point.objective, norm, target, share, 0.0, coef)
        at = self.pace.with_time_left(at)
        self.progress.update("fit", *at.digits, at)
