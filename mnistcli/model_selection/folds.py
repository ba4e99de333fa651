"""Stratified folds of the training set, repeated if wanted, and what is done on each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from mnistcli.errors import TrainingError
from mnistcli.parallel import map_jobs
from mnistcli.progress import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from mnistcli.model_selection.design import DesignMatrix
    from mnistcli.progress import Progress
    from mnistcli.settings import FoldSpec, SolverSettings
    from mnistcli.tasks import Task

    Rows = tuple[NDArray[np.uint8], NDArray[np.int64]]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """A fold to judge on, and the samples outside it to train on.

    Attributes
    ----------
    design : DesignMatrix
    task : Task
    seed : int
    train, test : ndarray of shape (n,), intp
        Positions of samples.
    """

    design: DesignMatrix
    task: Task
    seed: int
    train: NDArray[np.intp]
    test: NDArray[np.intp]

    def training_rows(self) -> Rows:
        """Return X and y to train on, with the copies."""
        return self.design.with_copies(self.train)

    def test_rows(self) -> Rows:
        """Return X and y to judge on, without the copies."""
        return self.design.without_copies(self.test)


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """A plan of folds.

    Attributes
    ----------
    design : DesignMatrix
        Of the training set; nothing else is looked at.
    task : Task
    spec : FoldSpec
    seed : int
        Of the solvers, and of the shuffles of repeated folds.
    n_jobs : int or None
        See `parallel.map_jobs`.
    progress : Progress
    """

    design: DesignMatrix
    task: Task
    spec: FoldSpec
    seed: int = 0
    n_jobs: int | None = None
    progress: Progress = SILENT

    def split(self) -> list[Fold]:
        """Divide the samples.

        Once, the folds are those of scikit-learn's StratifiedKFold on the samples as they stand,
        which is ``cross_val_score(..., cv=n_folds)`` on the permuted training set; repeated, those
        of its RepeatedStratifiedKFold.

        Raises
        ------
        TrainingError
            A class has fewer samples than there are folds.
        """
        from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedKFold

        y, k, n_repeats = self.design.y, self.spec.n_folds, self.spec.n_repeats
        smallest = int(np.bincount(y, minlength=self.task.n_classes).min())
        if k > smallest:
            raise TrainingError(
                f"{k} folds need {k} images of every class, one has {smallest}",
                hint="use fewer folds or more images",
            )
        splitter: Any = StratifiedKFold(n_splits=k)
        if n_repeats > 1:
            splitter = RepeatedStratifiedKFold(
                n_splits=k, n_repeats=n_repeats, random_state=self.seed
            )
        return [
            Fold(self.design, self.task, self.seed, train, test)
            for train, test in splitter.split(np.empty((len(y), 0)), y)
        ]

    def map(
        self,
        judge: Callable[[Fold, SolverSettings], T],
        settings: SolverSettings,
        *,
        stage: str = "folds",
    ) -> Iterator[T]:
        """Yield ``judge(fold, settings)`` for each fold of `split`, in order."""
        calls = [(fold, settings) for fold in self.split()]
        for n_done, result in enumerate(map_jobs(judge, calls, self.n_jobs), start=1):
            yield result
            self.progress.update(stage, n_done, len(calls))
