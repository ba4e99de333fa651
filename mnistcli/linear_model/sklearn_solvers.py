"""scikit-learn's LogisticRegression behind the same function as our own solver."""

from __future__ import annotations

import math
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistcli.linear_model.certificate import Fit, certify
from mnistcli.linear_model.classifier import PIXEL_SCALE
from mnistcli.settings import SOLVERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistcli.settings import SolverName, SolverSettings


def fit_sklearn(
    X: NDArray[np.uint8],
    y: NDArray[np.int64],
    settings: SolverSettings,
    *,
    solver: SolverName,
    n_classes: int,
    sample_weight: NDArray[np.float64] | None,
    seed: int,
) -> Fit:
    """Fit with one of scikit-learn's solvers; arguments as `solvers.fit`.

    A solver that stops at its iteration limit says so in the certificate, not in a warning.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    chosen = SOLVERS[solver]
    scaled: NDArray[Any] = X.astype(np.float32 if chosen.keeps_float32 else np.float64)
    scaled *= PIXEL_SCALE
    estimator = LogisticRegression(
        C=math.inf if settings.penalty == "none" else settings.C,
        l1_ratio=settings.l1_share,
        solver=solver,
        tol=settings.tol or chosen.tol,
        max_iter=settings.max_iter or chosen.max_iter,
        random_state=seed,
        intercept_scaling=chosen.intercept_scaling,
    )
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(scaled, y, sample_weight=sample_weight)
    fit_seconds = time.perf_counter() - started
    complaints = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
    n_iterations = int(np.max(estimator.n_iter_))
    coef = estimator.coef_.astype(np.float64)
    intercept = estimator.intercept_.astype(np.float64)
    certificate = certify(
        X,
        y,
        coef,
        intercept,
        n_classes=n_classes,
        C=settings.C,
        scale=PIXEL_SCALE,
        sample_weight=sample_weight,
        l1_ratio=settings.l1_share,
        penalised=settings.penalty != "none",
        converged=not complaints,
        n_iterations=n_iterations,
        n_passes=math.nan,
    )
    return Fit(coef=coef, intercept=intercept, certificate=certificate, fit_seconds=fit_seconds)
