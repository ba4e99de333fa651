"""Choose C: cross-validation along a path from strong penalties to weak ones."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mnistcli.linear_model.classifier import classes_of, probabilities_of
from mnistcli.linear_model.solvers import fit_classifier
from mnistcli.metrics.classification import log_loss
from mnistcli.model_selection.cross_validation import over_folds

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mnistcli.linear_model.objective import Fit
    from mnistcli.model_selection.rows import TrainingRows
    from mnistcli.settings import FoldSpec, SolverSettings
    from mnistcli.tasks import Task

# Two to a factor of ten; which of two neighbours is taken hardly changes a prediction.
GRID = tuple(float(f"{10**exponent:.2g}") for exponent in np.arange(-4.0, 4.5, 0.5))
# A path ends when the loss has risen this often in a row: it has one valley.
N_RISES = 2
# Far closer to the optimum than folds differ from one another.
SEARCH_TOL = 1e-7


@dataclass(frozen=True, slots=True)
class Candidate:
    """What cross-validation says of one C.

    Attributes
    ----------
    C : float
    log_loss : float
        The mean over the folds.
    standard_error : float
        Of that mean: the folds' standard deviation (ddof = 1) over the root of their number.
    accuracy : float
        The mean over the folds.
    """

    C: float
    log_loss: float
    standard_error: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class ChoiceOfC:
    """The C with the lowest mean log loss, and what it was chosen from.

    The log loss, not the accuracy, because it tells models apart where the accuracy is a plateau.

    Attributes
    ----------
    C : float
        The choice.
    C_1se : float
        The smallest C whose loss is within one standard error of the best: the simplest model
        that is not noticeably worse (Breiman, Friedman, Olshen and Stone 1984).
    n_folds : int
    candidates : tuple of Candidate
        With C rising, as far as the path was followed.
    """

    C: float
    C_1se: float
    n_folds: int
    candidates: tuple[Candidate, ...]


def search(
    rows: TrainingRows,
    settings: SolverSettings,
    folds: FoldSpec,
    *,
    task: Task,
    seed: int,
    n_jobs: int = 1,
    on_fold: Callable[[int, int], object] | None = None,
) -> ChoiceOfC:
    """Search `GRID` by stratified cross-validation.

    Parameters
    ----------
    rows : TrainingRows
        Of the training set; nothing else is looked at.
    settings : SolverSettings
        All but C.
    folds : FoldSpec
    task, seed, n_jobs, on_fold
        See `cross_validation.cross_validate`.

    Raises
    ------
    TrainingError
        A class has fewer samples than there are folds.
    """
    paths = over_folds(
        _path, rows, settings, folds, task=task, seed=seed, n_jobs=n_jobs, on_fold=on_fold
    )
    candidates = tuple(_candidate(C, of_folds) for C, *of_folds in zip(GRID, *paths, strict=False))
    best = min(candidates, key=lambda candidate: candidate.log_loss)
    simplest = next(
        each for each in candidates if each.log_loss <= best.log_loss + best.standard_error
    )
    return ChoiceOfC(best.C, simplest.C, folds.n_folds, candidates)


def _candidate(C: float, of_folds: list[tuple[float, float]]) -> Candidate:
    losses, accuracies = np.array(of_folds).T
    error = float(losses.std(ddof=1)) / math.sqrt(len(losses))
    return Candidate(C, float(losses.mean()), error, float(accuracies.mean()))


def _path(
    rows: TrainingRows,
    train: NDArray[np.intp],
    test: NDArray[np.intp],
    settings: SolverSettings,
    task: Task,
    seed: int,
) -> list[tuple[float, float]]:
    """Follow the grid for one fold, each fit from the one before; give losses and accuracies."""
    X_train, y_train = rows.with_copies(train)
    X_test, y_test = rows.without_copies(test)
    path: list[tuple[float, float]] = []
    result: Fit | None = None
    n_rises = 0
    for C in GRID:
        there = rows.per_copy(replace(settings, C=C))
        if settings.tol is None and settings.solver_for(task.n_classes) == "newton":
            there = replace(there, tol=SEARCH_TOL)
        classifier, result = fit_classifier(
            X_train, y_train, there, task, seed=seed, warm_start=result
        )
        scores = classifier.decision_function(X_test)
        loss = log_loss(y_test, probabilities_of(scores))
        n_rises = n_rises + 1 if path and loss > path[-1][0] else 0
        path.append((loss, float((classes_of(scores) == y_test).mean())))
        if n_rises == N_RISES:
            break
    return path
