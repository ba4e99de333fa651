"""Stratified folds of the training set: how well models do there, and which C does best."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mnistcli.arrays import Float32s, Float64s, Int64s, Places
from mnistcli.display import Displayed
from mnistcli.errors import TrainingError
from mnistcli.linear_model.certificate import Fit
from mnistcli.linear_model.classifier import classes_of, p_of, probabilities_of
from mnistcli.metrics.classification import confusion_matrix, log_loss
from mnistcli.model_selection.design import DesignMatrix
from mnistcli.parallel import map_jobs, n_at_once
from mnistcli.progress import SILENT, Progress
from mnistcli.settings import FoldSpec, SolverSettings
from mnistcli.tasks import Task

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

# Two to a factor of ten; which of two neighbours is taken hardly changes a prediction.
GRID = tuple(float(f"{10**exponent:.2g}") for exponent in np.arange(-4.0, 4.5, 0.5))
# A path ends when the loss has risen this often in a row: it has one valley.
N_RISES = 2
# Far closer to the optimum than folds differ from one another.
SEARCH_TOL = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """A plan of folds of the training set; nothing else is looked at.

    The seed is that of the solvers, and of the shuffles of repeated folds. For the number of jobs
    see `parallel.map_jobs`.
    """

    design: DesignMatrix
    task: Task
    spec: FoldSpec
    seed: int = 0
    n_jobs: int | None = None
    progress: Progress = SILENT

    def split(self) -> list[tuple[Places, Places]]:
        """Return which samples to train and to judge on, fold by fold; raise TrainingError where a class has fewer than there are folds.

        Once, the folds are those of scikit-learn's StratifiedKFold on the samples as they stand,
        which is ``cross_val_score(..., cv=n_folds)`` on the permuted training set; repeated, those
        of its RepeatedStratifiedKFold.
        """
        from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedKFold

        y, k, n_repeats = self.design.y, self.spec.n_folds, self.spec.n_repeats
        smallest = int(np.bincount(y, minlength=self.task.n_classes).min())
        if k > smallest:
            problem = f"{k} folds need {k} images of every class, one has {smallest}"
            raise TrainingError(problem, hint="use fewer folds or more images")
        repeated = partial(RepeatedStratifiedKFold, n_repeats=n_repeats, random_state=self.seed)
        splitter = (repeated if n_repeats > 1 else StratifiedKFold)(n_splits=k)
        return list(splitter.split(np.empty((len(y), 0)), y))

    def map(self, judge: Callable[..., T], settings: SolverSettings, stage: str) -> Iterator[T]:
        """Yield ``judge(folds, settings, train, test)`` for each fold of `split`, in order."""
        sides = self.split()
        room = self.design.room.shared(n_at_once(self.n_jobs, len(sides)))
        folds = replace(self, design=replace(self.design, room=room), progress=SILENT)
        calls = [(folds, settings, *each) for each in sides]
        for n_done, result in enumerate(map_jobs(judge, calls, self.n_jobs), start=1):
            yield result
            self.progress.update(stage, n_done, len(calls))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CrossValidation(Displayed):
    """The accuracy on each fold, repeat by repeat, of the model trained on the others."""

    n_folds: int
    n_repeats: int
    accuracies: tuple[float, ...]
    mean: float
    standard_deviation: float  # over the folds, and not an estimate for more (ddof = 0)
    n_not_converged: int
    confusion: Int64s  # each sample judged by a model that had not seen it
    p_truth: Float32s  # and how probable its class was, (n_samples,), mean over repeats

    def to_frame(self) -> "pd.DataFrame":
        """Return a table: the accuracy on each fold of each repeat, both counted from 1."""
        import pandas as pd

        repeats, folds = range(1, self.n_repeats + 1), range(1, self.n_folds + 1)
        index = pd.MultiIndex.from_product([repeats, folds], names=["repeat", "fold"])
        return pd.DataFrame({"accuracy": self.accuracies}, index)


def cross_validate(folds: Folds, settings: SolverSettings) -> CrossValidation:
    """Train on all folds but one and judge on that one, for each fold; see `Folds.split`."""
    judged = folds.map(_judge_fold, settings, "folds")
    samples, beliefs, matrices, converged = zip(*judged, strict=True)
    accuracies = tuple(int(np.trace(each)) / int(each.sum()) for each in matrices)
    p_truth = np.zeros(len(folds.design))
    np.add.at(p_truth, np.concatenate(samples), np.concatenate(beliefs) / folds.spec.n_repeats)
    return CrossValidation(
        n_folds=folds.spec.n_folds,
        n_repeats=folds.spec.n_repeats,
        accuracies=accuracies,
        mean=float(np.mean(accuracies)),
        standard_deviation=float(np.std(accuracies)),
        n_not_converged=converged.count(False),
        confusion=np.sum(matrices, axis=0),
        p_truth=np.minimum(p_truth, 1.0).astype(np.float32),
    )


def _judge_fold(
    folds: Folds, settings: SolverSettings, train: Places, test: Places
) -> tuple[Places, Float64s, Int64s, bool]:
    """Return the samples of a fold, `CrossValidation.p_truth` and confusion, whether it converged."""
    design, task = folds.design, folds.task
    classifier, result = design.fit(task, settings, train, seed=folds.seed)
    scores, y = classifier.decision_function(design.rows[test]), design.y[test]
    p_truth = p_of(y, probabilities_of(scores))
    confusion = confusion_matrix(y, classes_of(scores), task.n_classes)
    return test, p_truth, confusion, result.certificate.converged


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
    paths = folds.map(_path, settings, "search for C")
    candidates = []
    for C, *of_folds in zip(GRID, *paths, strict=False):
        losses, accuracies, converged = np.array(of_folds).T
        error = float(losses.std(ddof=1)) / math.sqrt(len(losses))
        found = float(losses.mean()), error, float(accuracies.mean()), int((converged == 0).sum())
        candidates.append(Candidate(C, *found))
    best = min(candidates, key=lambda candidate: candidate.log_loss)
    most = best.log_loss + best.standard_error
    simplest = next(each for each in candidates if each.log_loss <= most)
    return ChoiceOfC(best.C, simplest.C, folds.spec.n_folds, tuple(candidates))


def _path(
    folds: Folds, settings: SolverSettings, train: Places, test: Places
) -> list[tuple[float, float, bool]]:
    """Return log loss, accuracy, converged along the grid; each fit starts from the one before."""
    design, task = folds.design, folds.task
    X_test, y_test = design.rows[test], design.y[test]
    path: list[tuple[float, float, bool]] = []
    result: Fit | None = None
    n_rises = 0
    for C in GRID:
        there = replace(settings, C=C)
        if settings.tol is None and settings.solver_for(task.n_classes_per_fit) == "newton":
            there = replace(there, tol=SEARCH_TOL)
        classifier, result = design.fit(task, there, train, seed=folds.seed, warm_start=result)
        scores = classifier.decision_function(X_test)
        loss = log_loss(y_test, probabilities_of(scores))
        n_rises = n_rises + 1 if path and loss > path[-1][0] else 0
        accuracy = float((classes_of(scores) == y_test).mean())
        path.append((loss, accuracy, result.certificate.converged))
        if n_rises == N_RISES:
            break
    return path
