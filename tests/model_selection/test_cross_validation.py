"""Cross-validation against scikit-learn's, and what it adds up."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import (
    RepeatedStratifiedKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)

from mnistcli.errors import TrainingError
from mnistcli.model_selection.cross_validation import Folds, cross_validate
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


def room_of(fold, settings):
    return fold.design.room.memory_bytes


@pytest.mark.parametrize(("n_jobs", "expected"), [(1, 900), (2, 450), (8, 300)])
def test_folds_at_once_share_the_memory(samples, task, n_jobs, expected):
    design = design_matrix(samples, FeatureSpec(), seed=0, memory_bytes=900)
    folds = Folds(design, task, FoldSpec(3), n_jobs=n_jobs)
    assert list(folds.map(room_of, SolverSettings(), "folds")) == [expected] * 3


def test_more_folds_than_images_of_a_class_are_refused(mnist, task):
    few = training_samples(mnist, task, SplitSpec(limit=10))
    design = design_matrix(few, FeatureSpec(), seed=0)
    assert len(Folds(design, task, FoldSpec(5)).split()) == 5
    with pytest.raises(TrainingError, match="6 folds need 6 images of every class, one has 5"):
        cross_validate(Folds(design, task, FoldSpec(6)), SolverSettings())
