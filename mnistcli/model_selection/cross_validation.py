"""Stratified k-fold cross-validation, one process for each fold where that is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistcli.errors import TrainingError
from mnistcli.linear_model.classifier import LinearClassifier
from mnistcli.linear_model.solvers import fit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from mnistcli.model_selection.splits import Samples
    from mnistcli.settings import SolverSettings


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """The accuracy on each fold of the model trained on the others.

    Attributes
    ----------
    accuracies : tuple of float
    mean, standard_deviation : float
        The standard deviation is numpy's default, over the folds and not an estimate for more.
    n_not_converged : int
        Folds whose solver stopped early.
    """

    accuracies: tuple[float, ...]
    mean: float
    standard_deviation: float
    n_not_converged: int


def cross_validate(
    samples: Samples,
    settings: SolverSettings,
    *,
    n_classes: int,
    n_folds: int,
    seed: int,
    n_jobs: int = 1,
    on_fold: Callable[[int, int], object] | None = None,
) -> CrossValidation:
    """Train on all folds but one and judge on that one, for each fold.

    The folds are scikit-learn's StratifiedKFold on the samples as they stand, which is
    ``cross_val_score(..., cv=n_folds)`` on the permuted training set.

    Parameters
    ----------
    samples : Samples
    settings : SolverSettings
    n_classes, n_folds, seed : int
    n_jobs : int, default=1
        Processes, by joblib, each with its share of the BLAS threads.
    on_fold : callable, optional
        Called with (folds done, folds).

    Raises
    ------
    TrainingError
        A class has fewer samples than there are folds.
    """
    from sklearn.model_selection import StratifiedKFold

    smallest = int(np.bincount(samples.y, minlength=n_classes).min())
    if n_folds > smallest:
        raise TrainingError(
            f"{n_folds} folds need {n_folds} images of every class, one has {smallest}",
            hint="use fewer folds or more images",
        )
    rows = samples.images.reshape(len(samples), -1)
    folds = list(StratifiedKFold(n_splits=n_folds).split(rows, samples.y))
    arguments = [(rows, samples.y, train, test, settings, n_classes, seed) for train, test in folds]
    outcomes = []
    for outcome in _run(arguments, n_jobs):
        outcomes.append(outcome)
        if on_fold is not None:
            on_fold(len(outcomes), n_folds)
    accuracies = tuple(accuracy for accuracy, _ in outcomes)
    return CrossValidation(
        accuracies=accuracies,
        mean=float(np.mean(accuracies)),
        standard_deviation=float(np.std(accuracies)),
        n_not_converged=sum(not converged for _, converged in outcomes),
    )


def _run(arguments: Sequence[tuple[Any, ...]], n_jobs: int) -> Iterator[tuple[float, bool]]:
    if n_jobs == 1:
        return (_judge_fold(*each) for each in arguments)
    import joblib

    tasks = (joblib.delayed(_judge_fold)(*each) for each in arguments)
    outcomes: Iterator[tuple[float, bool]] = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(
        tasks
    )
    return outcomes


def _judge_fold(
    rows: NDArray[np.uint8],
    y: NDArray[np.int64],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    settings: SolverSettings,
    n_classes: int,
    seed: int,
) -> tuple[float, bool]:
    """Give the accuracy on ``test`` after training on ``train``, and whether that converged."""
    result = fit(rows[train], y[train], settings, n_classes=n_classes, seed=seed)
    names = tuple(str(k) for k in range(n_classes))
    classifier = LinearClassifier(result.coef, result.intercept, names)
    accuracy = float((classifier.predict(rows[test]) == y[test]).mean())
    return accuracy, result.certificate.converged
