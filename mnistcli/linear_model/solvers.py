"""One objective, many solvers: choose one and fit.

Every solver minimises the objective of `objective` in scikit-learn's parametrisation, with the
pixels scaled to [0, 1] and intercepts that are not penalised.
"""

import math
import time
import warnings
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistcli.arrays import Bytes, Float64s, Labels, Rows, SomeRows
from mnistcli.errors import TrainingError
from mnistcli.linear_model.certificate import Fit, certify, joint_fit
from mnistcli.linear_model.classifier import PIXEL_SCALE, LinearClassifier, pairs_of
from mnistcli.linear_model.newton import fit_newton
from mnistcli.linear_model.problem import SeparableDataError, blocks_within
from mnistcli.memory import Room, machine_bytes
from mnistcli.parallel import elsewhere, map_jobs, n_at_once
from mnistcli.progress import SILENT, Progress
from mnistcli.settings import SOLVERS, SolverSettings
from mnistcli.tasks import Task


def fit_classifier(
    X: Rows,
    y: Labels,
    settings: SolverSettings,
    task: Task,
    *,
    seed: int = 0,
    n_jobs: int | None = 1,
    sample_weight: Float64s | None = None,
    warm_start: Fit | None = None,
    room: Room | None = None,
    progress: Progress = SILENT,
) -> tuple[LinearClassifier, Fit]:
    """Fit what a task asks for: one function for each class, or one for each pair of classes.

    X, of shape (n_samples, n_features), are bytes of pixels or other features, which the model sees
    divided by 255; y are class indices. The seed is that of solvers that draw random numbers, the
    processes those for pairs (see `parallel.map_jobs`). What a sample weighs is multiplied by what
    its class does. Our solver begins at ``warm_start``, and keeps what it knows of many rows where
    there is room.

    Raises TrainingError where a class has no samples, memory is too small for a solver that needs
    all rows at once, or there is no finite optimum: separable data, no penalty.
    """
    room, asked = room or Room(), (X, y, sample_weight, settings, seed)
    if not task.is_pairwise:
        result = _fit(*asked, room, task.n_classes, warm_start, progress)
    else:
        started = time.perf_counter()
        fits: list[Fit] = []
        pairs = pairs_of(task.n_classes)
        room = room.shared(n_at_once(n_jobs, len(pairs)))
        for one in map_jobs(_fit, [(*asked, room, pair) for pair in pairs], n_jobs):
            fits.append(one)
            progress.update("pairs", len(fits), len(pairs))
        result = joint_fit(fits, time.perf_counter() - started)
    names, is_pairwise = task.class_names, task.is_pairwise
    return LinearClassifier(result.coef, result.intercept, names, is_pairwise=is_pairwise), result


def _fit(
    X: Rows,
    y: Labels,
    sample_weight: Float64s | None,
    settings: SolverSettings,
    seed: int,
    room: Room,
    classes: int | tuple[int, int],
    warm_start: Fit | None = None,
    progress: Progress = SILENT,
) -> Fit:
    """Fit so many classes, or two of them alone."""
    n_classes = classes if isinstance(classes, int) else 2
    if not isinstance(classes, int):
        rows = np.flatnonzero((y == classes[0]) | (y == classes[1]))
        X, y = SomeRows(X, rows), (y[rows] == classes[1]).astype(np.uint8)
        sample_weight = None if sample_weight is None else sample_weight[rows]
    counts = np.bincount(y, minlength=n_classes)
    if (counts == 0).any():
        raise TrainingError("a class has no images to learn from", hint="use more images")
    if settings.class_weight == "balanced":
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        of_class = np.bincount(y, weight, minlength=n_classes)
        sample_weight = weight * (weight.sum() / (n_classes * of_class))[y]
    name = settings.solver_for(n_classes)
    minimised: dict[str, Any] = {
        "n_classes": n_classes,
        "C": settings.C_or_inf,
        "scale": PIXEL_SCALE,
        "sample_weight": sample_weight,
    }
    if name != "newton":
        n_bytes = 8 * math.prod(X.shape)
        if n_bytes > machine_bytes():
            problem = f"the solver {name} needs all rows at once: {n_bytes / 1e9:.0f} GB of memory"
            raise TrainingError(problem, hint="--solver newton reads them in blocks")
        return _fit_sklearn(X[:], y, replace(settings, solver=name), seed, minimised)
    n_outputs = 1 if n_classes == 2 else n_classes
    here = partial(blocks_within, room, n_outputs, progress)
    try:
        return fit_newton(
            X,
            y,
            **minimised,
            tol=settings.tol or SOLVERS[name].tol,
            max_iter=settings.max_iter or SOLVERS[name].max_iter,
            seed=seed,
            warm_start=(warm_start.coef, warm_start.intercept) if warm_start else None,
            progress=progress,
            runner=cluster.blocks if (cluster := elsewhere.get()) else here,
        )
    except SeparableDataError as error:
        raise no_finite_optimum(str(error)) from error


def _fit_sklearn(
    X: Bytes, y: Labels, settings: SolverSettings, seed: int, minimised: dict[str, Any]
) -> Fit:
    """Fit with one of scikit-learn's; that it stopped early is in the certificate, not a warning."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    solver = SOLVERS[settings.solver]
    scaled: NDArray[Any] = X.astype(np.float32 if solver.keeps_float32 else np.float64)
    scaled *= PIXEL_SCALE
    estimator = LogisticRegression(
        C=settings.C_or_inf,
        l1_ratio=settings.l1_share,
        solver=settings.solver,
        tol=settings.tol or solver.tol,
        max_iter=settings.max_iter or solver.max_iter,
        random_state=seed,
        intercept_scaling=solver.intercept_scaling,
    )
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(scaled, y, sample_weight=minimised["sample_weight"])
    fit_seconds = time.perf_counter() - started
    coef, intercept = (a.astype(np.float64) for a in (estimator.coef_, estimator.intercept_))
    certificate = certify(
        X,
        y,
        coef,
        intercept,
        **minimised,
        l1_ratio=settings.l1_share,
        converged=not any(issubclass(each.category, ConvergenceWarning) for each in caught),
        n_iterations=int(np.max(estimator.n_iter_)),
        n_passes=math.nan,
    )
    return Fit(coef, intercept, certificate, fit_seconds)


def no_finite_optimum(why: str) -> TrainingError:
    """Name a fit whose weights would grow for ever; why is in the words of `SeparableDataError`."""
    hint = "keep a penalty and weaken it, for example --C 10000"
    return TrainingError(f"without a penalty there is {why}", hint=hint)
