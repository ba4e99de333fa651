"""The search for C against the same search with scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from mnistcli.model_selection.cross_validation import GRID, Folds, _path, search
from mnistcli.model_selection.design import design_matrix
from mnistcli.model_selection.splits import training_samples
from mnistcli.settings import FeatureSpec, FoldSpec, SolverSettings, SplitSpec
from mnistcli.tasks import parse_task


@pytest.mark.parametrize(("name", "n_copies"), [("3v8", 0), ("0v1v2", 0), ("3v8", 1)])
def test_losses_along_the_path_are_those_of_fits_from_scratch(mnist, name, n_copies):
    task = parse_task(name)
    samples = training_samples(mnist, task, SplitSpec(limit=300))
    design = design_matrix(samples, FeatureSpec(n_copies=n_copies), seed=0)
    ours = search(Folds(design, task, FoldSpec(3)), SolverSettings())
    rows, y = design.rows[:] / 255.0, design.y
    for candidate in ours.candidates:
        theirs = LogisticRegression(C=candidate.C / (1 + n_copies), max_iter=5000, tol=1e-8)
        losses, accuracies = [], []
        for train, test in StratifiedKFold(3).split(y, y):
            copies = np.concatenate([train + k * len(y) for k in range(1 + n_copies)])
            theirs.fit(rows[copies], y[copies % len(y)])
            losses.append(log_loss(y[test], theirs.predict_proba(rows[test])))
            accuracies.append(theirs.score(rows[test], y[test]))
        assert candidate.log_loss == pytest.approx(np.mean(losses), rel=1e-3)
        assert candidate.accuracy == pytest.approx(np.mean(accuracies), abs=1e-12)
        error = np.std(losses, ddof=1) / np.sqrt(3)
        assert candidate.standard_error == pytest.approx(error, rel=0.02)


def test_a_path_ends_when_the_loss_has_risen_twice_in_a_row(mnist):
    task = parse_task("3v8")
    samples = training_samples(mnist, task, SplitSpec(limit=300))
    for fold in Folds(design_matrix(samples, FeatureSpec(), seed=0), task, FoldSpec(3)).split():
        losses = np.array(_path(fold, SolverSettings()))[:, 0]
        rises = np.diff(losses) > 0
        assert (rises[1:] & rises[:-1]).tolist() == [False] * (len(losses) - 3) + [True]


def test_the_choice_is_the_best_and_the_simplest_within_one_standard_error(mnist):
    task = parse_task("4v9")
    samples = training_samples(mnist, task, SplitSpec(limit=1000))
    choice = search(
        Folds(design_matrix(samples, FeatureSpec(), seed=0), task, FoldSpec(5), seed=0),
        SolverSettings(),
    )
    losses = {each.C: each.log_loss for each in choice.candidates}
    best = min(losses, key=losses.get)
    assert best == choice.C
    limit = losses[best] + next(e.standard_error for e in choice.candidates if best == e.C)
    assert choice.C_1se == min(C for C, loss in losses.items() if loss <= limit)
    assert tuple(losses) == GRID[: len(losses)]
    # The path went past the valley, and not for ever.
    assert best < max(losses) < max(GRID)


def test_processes_change_nothing(mnist):
    task = parse_task("0v1")
    samples = training_samples(mnist, task, SplitSpec(limit=300))
    one, two = (
        search(
            Folds(
                design_matrix(samples, FeatureSpec(), seed=0), task, FoldSpec(3), seed=0, n_jobs=n
            ),
            SolverSettings(),
        )
        for n in (1, 2)
    )
    assert one == two


def test_penalties_without_warm_starts_are_searched_as_well(mnist):
    task = parse_task("0v1")
    samples = training_samples(mnist, task, SplitSpec(limit=200))
    settings = SolverSettings(penalty="l1", solver="liblinear")
    choice = search(
        Folds(design_matrix(samples, FeatureSpec(), seed=0), task, FoldSpec(2), seed=0), settings
    )
    assert choice.C in GRID
