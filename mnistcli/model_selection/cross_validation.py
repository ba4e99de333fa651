"""Cross-validation: how well models do on samples that they have not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnistcli.linear_model.solvers import fit_classifier
from mnistcli.metrics.classification import confusion_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistcli.model_selection.folds import Fold, Folds
    from mnistcli.settings import SolverSettings


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


def cross_validate(folds: Folds, settings: SolverSettings) -> CrossValidation:
    """Train on all folds but one and judge on that one, for each fold.

    Raises
    ------
    TrainingError
        A class has fewer samples than there are folds.
    """
    n_classes = folds.task.n_classes
    confusion = np.zeros((n_classes, n_classes), dtype=np.int64)
    accuracies, n_not_converged = [], 0
    for of_fold, converged in folds.map(_judge_fold, settings):
        confusion += of_fold
        accuracies.append(int(np.trace(of_fold)) / int(of_fold.sum()))
        n_not_converged += not converged
    return CrossValidation(
        n_folds=folds.spec.n_folds,
        n_repeats=folds.spec.n_repeats,
        accuracies=tuple(accuracies),
        mean=float(np.mean(accuracies)),
        standard_deviation=float(np.std(accuracies)),
        n_not_converged=n_not_converged,
        confusion=confusion,
    )


def _judge_fold(fold: Fold, settings: SolverSettings) -> tuple[NDArray[np.int64], bool]:
    """Return the confusion matrix of a fold, and whether its fit converged."""
    classifier, result = fit_classifier(
        *fold.training_rows(), fold.design.per_copy(settings), fold.task, seed=fold.seed
    )
    X, y = fold.test_rows()
    confusion = confusion_matrix(y, classifier.predict(X), fold.task.n_classes)
    return confusion, result.certificate.converged
