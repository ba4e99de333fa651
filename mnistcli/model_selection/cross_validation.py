"""Stratified k-fold cross-validation, repeated if wanted, one process for each fold if wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from mnistcli.errors import TrainingError
from mnistcli.linear_model.solvers import fit_classifier
from mnistcli.metrics.classification import confusion_matrix
from mnistcli.parallel import map_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from mnistcli.model_selection.rows import TrainingRows
    from mnistcli.settings import FoldSpec, SolverSettings
    from mnistcli.tasks import Task

T = TypeVar("T")
Fold = tuple["NDArray[np.intp]", "NDArray[np.intp]"]


@dataclass(frozen=True, slots=True, eq=False)
class CrossValidation:
    """The accuracy on each fold of the model trained on the others.

    Attributes
    ----------
    n_folds, n_repeats : int
    accuracies : tuple of float
        Of the ``n_folds * n_repeats`` folds, repeat by repeat.
    mean, standard_deviation : float
        The standard deviation is numpy's default, over the folds and not an estimate for more.
    n_not_converged : int
        Folds whose solver stopped early.
    confusion : ndarray of shape (n_classes, n_classes), int64
        Samples of class i predicted as class j by the model that had not seen them: every
        sample counts once for each repeat.
    """

    n_folds: int
    n_repeats: int
    accuracies: tuple[float, ...]
    mean: float
    standard_deviation: float
    n_not_converged: int
    confusion: NDArray[np.int64]


def cross_validate(
    rows: TrainingRows,
    settings: SolverSettings,
    folds: FoldSpec,
    *,
    task: Task,
    seed: int,
    n_jobs: int = 1,
    on_fold: Callable[[int, int], object] | None = None,
) -> CrossValidation:
    """Train on all folds but one and judge on that one, for each fold.

    Parameters
    ----------
    rows : TrainingRows
        Models are trained with the copies and judged without.
    settings : SolverSettings
    folds : FoldSpec
    task : Task
    seed : int
        Of the solvers, and of the shuffles of repeated folds.
    n_jobs : int, default=1
        See `parallel.map_jobs`.
    on_fold : callable, optional
        Called with (folds done, folds).

    Raises
    ------
    TrainingError
        A class has fewer samples than there are folds.
    """
    judged = over_folds(
        _judge_fold, rows, settings, folds, task=task, seed=seed, n_jobs=n_jobs, on_fold=on_fold
    )
    confusion = np.zeros((task.n_classes, task.n_classes), dtype=np.int64)
    accuracies, n_not_converged = [], 0
    for of_fold, converged in judged:
        confusion += of_fold
        accuracies.append(int(np.trace(of_fold)) / int(of_fold.sum()))
        n_not_converged += not converged
    return CrossValidation(
        n_folds=folds.n_folds,
        n_repeats=folds.n_repeats,
        accuracies=tuple(accuracies),
        mean=float(np.mean(accuracies)),
        standard_deviation=float(np.std(accuracies)),
        n_not_converged=n_not_converged,
        confusion=confusion,
    )


def over_folds(
    judge: Callable[..., T],
    rows: TrainingRows,
    settings: SolverSettings,
    folds: FoldSpec,
    *,
    task: Task,
    seed: int,
    n_jobs: int = 1,
    on_fold: Callable[[int, int], object] | None = None,
) -> Iterator[T]:
    """Give ``judge(rows, train, test, settings, task, seed)`` for each fold, in their order.

    Parameters and errors are those of `cross_validate`.
    """
    arguments = [
        (rows, train, test, settings, task, seed)
        for train, test in stratified_folds(rows.y, folds, n_classes=task.n_classes, seed=seed)
    ]
    for n_done, result in enumerate(map_jobs(judge, arguments, n_jobs), start=1):
        yield result
        if on_fold is not None:
            on_fold(n_done, len(arguments))


def stratified_folds(
    y: NDArray[np.int64], spec: FoldSpec, *, n_classes: int, seed: int
) -> list[Fold]:
    """Divide samples into folds; give the positions (training, test) for each.

    Once, they are scikit-learn's StratifiedKFold on the samples as they stand, which is
    ``cross_val_score(..., cv=n_folds)`` on the permuted training set; repeated, its
    RepeatedStratifiedKFold.

    Raises
    ------
    TrainingError
        A class has fewer samples than there are folds.
    """
    from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedKFold

    k, smallest = spec.n_folds, int(np.bincount(y, minlength=n_classes).min())
    if k > smallest:
        raise TrainingError(
            f"{k} folds need {k} images of every class, one has {smallest}",
            hint="use fewer folds or more images",
        )
    splitter: Any = StratifiedKFold(n_splits=k)
    if spec.n_repeats > 1:
        splitter = RepeatedStratifiedKFold(n_splits=k, n_repeats=spec.n_repeats, random_state=seed)
    return list(splitter.split(np.empty((len(y), 0)), y))


def _judge_fold(
    rows: TrainingRows,
    train: NDArray[np.intp],
    test: NDArray[np.intp],
    settings: SolverSettings,
    task: Task,
    seed: int,
) -> tuple[NDArray[np.int64], bool]:
    """Train on ``train``; give the confusion matrix of ``test``, and whether that converged."""
    classifier, result = fit_classifier(
        *rows.with_copies(train), rows.per_copy(settings), task, seed=seed
    )
    X, y = rows.without_copies(test)
    confusion = confusion_matrix(y, classifier.predict(X), task.n_classes)
    return confusion, result.certificate.converged
