"""One objective, many solvers: choose one and fit.

Every solver minimises scikit-learn's objective

    r(W) + C * sum_i s_i * loss(x_i, y_i),   r(W) = (1 - a)/2 * ||W||_2^2 + a * ||W||_1

with a the share of L1 (0 for the L2 penalty), s_i the weight of a sample, x_i the pixels scaled to
[0, 1], and intercepts that are not penalised. Without a penalty r is 0 and C plays no part.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from mnistcli.errors import TrainingError
from mnistcli.linear_model.classifier import PIXEL_SCALE, LinearClassifier
from mnistcli.parallel import map_jobs
from mnistcli.progress import SILENT
from mnistcli.settings import SOLVERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistcli.linear_model.certificate import Fit
    from mnistcli.linear_model.objective import Float64s
    from mnistcli.progress import Progress
    from mnistcli.settings import SolverSettings
    from mnistcli.tasks import Task


def fit_classifier(
    X: NDArray[np.uint8],
    y: NDArray[np.int64],
    settings: SolverSettings,
    task: Task,
    *,
    seed: int = 0,
    n_jobs: int | None = 1,
    warm_start: Fit | None = None,
    progress: Progress = SILENT,
) -> tuple[LinearClassifier, Fit]:
    """Fit what a task asks for: one function for each class, or one for each pair of classes.

    Parameters
    ----------
    X, y, settings, seed, warm_start, progress
        See `fit`.
    task : Task
    n_jobs : int or None
        Processes for pairs; see `parallel.map_jobs`.
    """
    if not task.is_pairwise:
        result = fit(
            X,
            y,
            settings,
            n_classes=task.n_classes,
            seed=seed,
            warm_start=(warm_start.coef, warm_start.intercept) if warm_start else None,
            progress=progress,
        )
        return LinearClassifier(result.coef, result.intercept, task.class_names), result
    from mnistcli.linear_model.pairwise import PairwiseClassifier, joint_fit, pairs_of

    started = time.perf_counter()
    pairs = pairs_of(task.n_classes)
    fits = []
    for one in map_jobs(_fit_pair, [(X, y, pair, settings, seed) for pair in pairs], n_jobs):
        fits.append(one)
        progress.update("pairs", len(fits), len(pairs))
    result = joint_fit(fits, time.perf_counter() - started)
    return PairwiseClassifier(result.coef, result.intercept, task.class_names), result


def _fit_pair(
    X: NDArray[np.uint8],
    y: NDArray[np.int64],
    pair: tuple[int, int],
    settings: SolverSettings,
    seed: int,
) -> Fit:
    rows = np.flatnonzero((y == pair[0]) | (y == pair[1]))
    of_second = (y[rows] == pair[1]).astype(np.int64)
    return fit(X[rows], of_second, settings, n_classes=2, seed=seed)


def fit(
    X: NDArray[np.uint8],
    y: NDArray[np.int64],
    settings: SolverSettings,
    *,
    n_classes: int,
    seed: int = 0,
    warm_start: tuple[Float64s, Float64s] | None = None,
    progress: Progress = SILENT,
) -> Fit:
    """Fit a logistic regression.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), uint8
        Pixels; the model sees them divided by 255.
    y : ndarray of shape (n_samples,), int64
        Class indices.
    settings : SolverSettings
    n_classes : int
    seed : int
        Of solvers that draw random numbers.
    warm_start : (coef, intercept), optional
        Where our solver starts; the others make no use of it.
    progress : Progress, optional
        Updated by the solvers that can tell how far they are.

    Raises
    ------
    TrainingError
        A class has no samples, or there is no finite optimum: separable data, no penalty.
    """
    counts = np.bincount(y, minlength=n_classes)
    if (counts == 0).any():
        raise TrainingError("a class has no images to learn from", hint="use more images")
    sample_weight = None
    if settings.class_weight == "balanced":
        sample_weight = (len(y) / (n_classes * counts))[y]
    solver = settings.solver_for(n_classes)
    if solver != "newton":
        from mnistcli.linear_model.sklearn_solvers import fit_sklearn

        return fit_sklearn(
            X,
            y,
            settings,
            solver=solver,
            n_classes=n_classes,
            sample_weight=sample_weight,
            seed=seed,
        )
    from mnistcli.linear_model.newton import fit_newton
    from mnistcli.linear_model.separability import SeparableDataError

    try:
        return fit_newton(
            X,
            y,
            n_classes=n_classes,
            C=math.inf if settings.penalty == "none" else settings.C,
            scale=PIXEL_SCALE,
            sample_weight=sample_weight,
            seed=seed,
            warm_start=warm_start,
            tol=settings.tol or SOLVERS[solver].tol,
            max_iter=settings.max_iter or SOLVERS[solver].max_iter,
            progress=progress,
        )
    except SeparableDataError as error:
        raise no_finite_optimum(str(error)) from error


def no_finite_optimum(why: str) -> TrainingError:
    """Name a fit without a penalty whose weights would grow for ever."""
    return TrainingError(
        f"without a penalty there is no finite optimum: {why}",
        hint="keep a penalty and weaken it, for example --C 10000",
    )
