"""Cross-validation and the search for C against scikit-learn's, and what they add up."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, log_loss
from sklearn.model_selection import (
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)

from mnistcli.errors import TrainingError
from mnistcli.memory import Room
from mnistcli.model_selection.cross_validation import GRID, Folds, _path, cross_validate, search
from mnistcli.model_selection.design import design_matrix
from mnistcli.model_selection.splits import training_samples
from mnistcli.settings import FeatureSpec, FoldSpec, SolverSettings, SplitSpec
from mnistcli.tasks import parse_task


@pytest.fixture(scope="module")
def task():
    return parse_task("3v5")


@pytest.fixture(scope="module")
def samples(mnist, task):
    return training_samples(mnist, task, SplitSpec(seed=3, limit=600))


@pytest.fixture
def theirs():
    return LogisticRegression(max_iter=5000, tol=1e-10)


def rows_of(samples):
    return samples.images.reshape(len(samples), -1) / 255.0


def test_pooled_confusion_is_that_of_cross_val_predict(samples, task, theirs):
    ours = cross_validate(
        Folds(design_matrix(samples, FeatureSpec(), seed=0), task, FoldSpec(4), seed=0),
        SolverSettings(),
    )
    predicted = cross_val_predict(theirs, rows_of(samples), samples.y, cv=4)
    assert ours.confusion.tolist() == confusion_matrix(samples.y, predicted).tolist()
    assert np.trace(ours.confusion) / 600 == pytest.approx(ours.mean, abs=1e-12)
    assert ours.n_not_converged == 0


def test_what_folds_say_of_each_sample_is_that_of_cross_val_predict(samples, task, theirs):
    design = design_matrix(samples, FeatureSpec(), seed=0)
    ours = cross_validate(Folds(design, task, FoldSpec(4)), SolverSettings()).p_truth
    method = "predict_proba"
    p = cross_val_predict(theirs, rows_of(samples), samples.y, cv=4, method=method)
    assert np.abs(ours - p[np.arange(600), samples.y]).max() < 1e-4  # how far lbfgs goes
    assert ours.dtype == np.float32
    # Repeated, the mean of what each repeat says.
    twice = cross_validate(Folds(design, task, FoldSpec(3, 2), seed=7), SolverSettings()).p_truth
    total = np.zeros(600)
    splitter = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=7)
    for train, test in splitter.split(samples.y, samples.y):
        p = theirs.fit(rows_of(samples)[train], samples.y[train]).predict_proba(rows_of(samples))
        total[test] += p[test, samples.y[test]]
    assert np.abs(twice - total / 2).max() < 1e-4  # how far lbfgs goes


def test_repeated_folds_are_those_of_scikit_learn(samples, task, theirs):
    ours = cross_validate(
        Folds(design_matrix(samples, FeatureSpec(), seed=0), task, FoldSpec(3, 2), seed=7),
        SolverSettings(),
    )
    splitter = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=7)
    scores = cross_val_score(theirs, rows_of(samples), samples.y, cv=splitter)
    assert list(ours.accuracies) == pytest.approx(scores.tolist(), abs=1e-12)
    assert ours.confusion.sum() == 2 * 600
    assert (ours.n_folds, ours.n_repeats) == (3, 2)


def test_models_of_folds_see_the_copies_and_are_judged_without(samples, task, theirs):
    design = design_matrix(samples, FeatureSpec(n_copies=1), seed=0)
    ours = cross_validate(Folds(design, task, FoldSpec(3)), SolverSettings(C=0.2))
    rows, accuracies = design.rows[:] / 255.0, []
    theirs.set_params(C=0.1)
    for train, test in StratifiedKFold(3).split(samples.y, samples.y):
        theirs.fit(rows[[*train, *(train + 600)]], samples.y[[*train, *train]])
        accuracies.append(theirs.score(rows[test], samples.y[test]))
    assert list(ours.accuracies) == pytest.approx(accuracies, abs=1e-12)
    assert ours.standard_deviation == pytest.approx(np.std(accuracies), abs=1e-12)
    assert ours.confusion.sum() == 600


def room_of(folds, settings, train, test):
    return folds.design.room.memory_bytes


@pytest.mark.parametrize(("n_jobs", "expected"), [(1, 900), (2, 450), (8, 300)])
def test_folds_at_once_share_the_memory(samples, task, n_jobs, expected):
    design = design_matrix(samples, FeatureSpec(), seed=0, room=Room(900))
    folds = Folds(design, task, FoldSpec(3), n_jobs=n_jobs)
    assert list(folds.map(room_of, SolverSettings(), "folds")) == [expected] * 3


def test_more_folds_than_images_of_a_class_are_refused(mnist, task):
    few = training_samples(mnist, task, SplitSpec(limit=10))
    design = design_matrix(few, FeatureSpec(), seed=0)
    assert len(Folds(design, task, FoldSpec(5)).split()) == 5
    with pytest.raises(TrainingError, match="6 folds need 6 images of every class, one has 5"):
        cross_validate(Folds(design, task, FoldSpec(6)), SolverSettings())


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
    folds = Folds(design_matrix(samples, FeatureSpec(), seed=0), task, FoldSpec(3))
    for train, test in folds.split():
        losses = np.array(_path(folds, SolverSettings(), train, test))[:, 0]
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
