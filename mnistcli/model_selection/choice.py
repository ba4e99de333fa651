"""Choose C: cross-validation along a path from strong penalties to weak ones."""

import math
from dataclasses import dataclass, replace

import numpy as np

from mnistcli.display import Displayed
from mnistcli.linear_model.certificate import Fit
from mnistcli.linear_model.classifier import classes_of, probabilities_of
from mnistcli.metrics.classification import log_loss
from mnistcli.model_selection.cross_validation import Fold, Folds
from mnistcli.settings import SolverSettings

# Two to a factor of ten; which of two neighbours is taken hardly changes a prediction.
GRID = tuple(float(f"{10**exponent:.2g}") for exponent in np.arange(-4.0, 4.5, 0.5))
# A path ends when the loss has risen this often in a row: it has one valley.
N_RISES = 2
# Far closer to the optimum than folds differ from one another.
SEARCH_TOL = 1e-7


@dataclass(frozen=True, slots=True)
class Candidate:
    """What cross-validation says of one C: means over the folds.

    The standard error is that of the mean log loss: the folds' standard deviation (ddof = 1) over
    the root of their number. Folds count as not converged whose solver stopped early.
    """

    C: float
    log_loss: float
    standard_error: float
    accuracy: float
    n_not_converged: int


@dataclass(frozen=True, slots=True, repr=False)
class ChoiceOfC(Displayed):
    """The C with the lowest mean log loss, and what it was chosen from.

    The log loss, not the accuracy, because it tells models apart where the accuracy is a plateau.

    C_1se is the smallest C whose loss is within one standard error of the best: the simplest model
    that is not noticeably worse (Breiman, Friedman, Olshen and Stone 1984). Candidates come with C
    rising, as far as the path was followed.
    """

    C: float
    C_1se: float
    n_folds: int
    candidates: tuple[Candidate, ...]


def search(folds: Folds, settings: SolverSettings) -> ChoiceOfC:
    """Search `GRID` by cross-validation, with all of `settings` but C; see `Folds.split`."""
    paths = folds.map(_path, settings, stage="search for C")
    candidates = tuple(_candidate(C, of_folds) for C, *of_folds in zip(GRID, *paths, strict=False))
    best = min(candidates, key=lambda candidate: candidate.log_loss)
    simplest = next(
        each for each in candidates if each.log_loss <= best.log_loss + best.standard_error
    )
    return ChoiceOfC(best.C, simplest.C, folds.spec.n_folds, candidates)


def _candidate(C: float, of_folds: list[tuple[float, float, bool]]) -> Candidate:
    losses, accuracies, converged = np.array(of_folds).T
    error = float(losses.std(ddof=1)) / math.sqrt(len(losses))
    n_not_converged = int((converged == 0).sum())
    return Candidate(C, float(losses.mean()), error, float(accuracies.mean()), n_not_converged)


def _path(fold: Fold, settings: SolverSettings) -> list[tuple[float, float, bool]]:
    """Return log loss, accuracy, converged along the grid; each fit starts from the one before."""
    design, task = fold.design, fold.task
    X_test, y_test = design.rows[fold.test], design.y[fold.test]
    path: list[tuple[float, float, bool]] = []
    result: Fit | None = None
    n_rises = 0
    for C in GRID:
        there = replace(settings, C=C)
        if settings.tol is None and settings.solver_for(task.n_classes_per_fit) == "newton":
            there = replace(there, tol=SEARCH_TOL)
        classifier, result = design.fit(task, there, fold.train, seed=fold.seed, warm_start=result)
        scores = classifier.decision_function(X_test)
        loss = log_loss(y_test, probabilities_of(scores))
        n_rises = n_rises + 1 if path and loss > path[-1][0] else 0
        accuracy = float((classes_of(scores) == y_test).mean())
        path.append((loss, accuracy, result.certificate.converged))
        if n_rises == N_RISES:
            break
    return path
