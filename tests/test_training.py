"""A training does what its settings say: seeds, copies, the choice of C, folds, processes."""

from __future__ import annotations

from dataclasses import replace

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import mnistcli
from mnistcli.evaluation import evaluate
from mnistcli.features import FeatureSpec
from mnistcli.features.cache import FeatureCache
from mnistcli.linear_model.solvers import fit_classifier
from mnistcli.model_selection import cross_validation as choice
from mnistcli.model_selection.cross_validation import Folds, cross_validate
from mnistcli.model_selection.design import design_matrix
from mnistcli.model_selection.splits import training_samples
from mnistcli.settings import FoldSpec, SolverSettings, SplitSpec, TrainingSettings
from mnistcli.tasks import parse_task
from tests.conftest import Recorder

TASK = parse_task("3v8")
SPLIT = SplitSpec(seed=3, limit=200)
PATCHES = FeatureSpec("patches", sides=(5,), n_filters=4)


@pytest.fixture(scope="module")
def samples(mnist):
    return training_samples(mnist, TASK, SPLIT)


def train(mnist, solver=None, **settings):
    solver = solver or SolverSettings()
    return mnistcli.train(TASK, mnist, TrainingSettings(solver, **{"split": SPLIT, **settings}))


@pytest.mark.parametrize("spec", [FeatureSpec(), FeatureSpec(n_copies=2)], ids=["plain", "copies"])
def test_an_image_and_its_copies_count_as_one(mnist, samples, spec):
    training = train(mnist, SolverSettings(C=0.3), features=spec)
    design = design_matrix(samples, spec, seed=3)
    theirs = LogisticRegression(C=0.3 / (1 + spec.n_copies), tol=1e-8, max_iter=5000)
    theirs.fit(design.rows[:] / 255, np.tile(samples.y, 1 + spec.n_copies))
    np.testing.assert_allclose(training.model.classifier.coef, theirs.coef_, atol=2e-4)
    card = training.model.card
    assert (card.n_train, card.settings.C) == (200, 0.3)
    right = theirs.predict(samples.images.reshape(200, -1) / 255) == samples.y
    assert card.metrics["train_accuracy"] == right.mean()


def test_what_is_learned_follows_the_seed(monkeypatch, mnist, samples):
    monkeypatch.setattr("mnistcli.features.likeness.N_PATCHES", 1000)
    learned = train(mnist, features=PATCHES).model.classifier.features.arrays()
    for name, array in PATCHES.features.learn(PATCHES, samples.images, 3).arrays().items():
        np.testing.assert_array_equal(learned[name], array)


def test_the_best_c_is_taken_not_the_simplest(mnist):
    settings = {"split": SplitSpec(limit=800), "folds": FoldSpec(3)}
    found = train(mnist, search=True, **settings)
    given = train(mnist, SolverSettings(C=found.choice.C), **settings)
    assert len({1.0, found.choice.C, found.choice.C_1se}) == 3
    assert found.model.card.settings.C == found.choice.C
    np.testing.assert_array_equal(found.model.classifier.coef, given.model.classifier.coef)
    assert found.cross_validation.confusion.tolist() == given.cross_validation.confusion.tolist()
    metrics = found.model.card.metrics
    assert (metrics["C_1se"], metrics["C_search_folds"]) == (found.choice.C_1se, 3)
    assert metrics["cv_accuracies"] == list(given.cross_validation.accuracies)


def test_folds_that_have_not_converged_are_counted(mnist):
    settings = SolverSettings(max_iter=1)
    assert train(mnist, settings, folds=FoldSpec(2, 2)).cross_validation.n_not_converged == 4


@pytest.mark.parametrize(("n_jobs", "is_shared"), [(1, False), (2, True), (None, True)])
@pytest.mark.parametrize(("task", "folds"), [("3v8", FoldSpec(3)), ("pairs", None)])
def test_work_is_shared_out_as_the_settings_say(monkeypatch, mnist, n_jobs, is_shared, task, folds):
    made = []
    parallel = joblib.Parallel
    monkeypatch.setattr(joblib, "Parallel", lambda n, **how: made.append(n) or parallel(n, **how))
    settings = TrainingSettings(split=SplitSpec(limit=100), folds=folds, n_jobs=n_jobs)
    with joblib.parallel_config("threading", n_jobs=2):
        mnistcli.train(task, mnist, settings)
    assert made == ([2] if is_shared else [])


def test_solvers_that_draw_random_numbers_follow_the_seed(mnist, samples):
    unfinished = SolverSettings(solver="sag", max_iter=3)
    design = design_matrix(samples, FeatureSpec(), seed=3)
    ours = train(mnist, unfinished).fit.coef
    three, zero = (
        fit_classifier(*design.with_copies(), unfinished, TASK, seed=seed)[1].coef
        for seed in (3, 0)
    )
    np.testing.assert_array_equal(ours, three)
    assert np.abs(three - zero).max() > 1e-3


def test_folds_are_shuffled_by_the_seed(mnist, samples):
    spec = FoldSpec(2, 2)
    ours = train(mnist, folds=spec).cross_validation
    design = design_matrix(samples, FeatureSpec(), seed=3)
    three, zero = (
        cross_validate(Folds(design, TASK, spec, seed), SolverSettings()) for seed in (3, 0)
    )
    assert ours.accuracies == three.accuracies != zero.accuracies


def test_progress_is_told_of_every_stage(monkeypatch, mnist):
    monkeypatch.setattr(choice, "GRID", (0.1, 1.0))
    told = Recorder()
    spec = FeatureSpec("deskew", n_copies=1)
    settings = TrainingSettings(
        split=SplitSpec(limit=60), features=spec, folds=FoldSpec(2), search=True
    )
    mnistcli.train("3v8", mnist, settings, progress=told)
    assert [each[:3] for each in told.updates if each[0] != "fit"] == [
        ("features", 120, 120),
        ("search for C", 1, 2), ("search for C", 2, 2), ("folds", 1, 2), ("folds", 2, 2),
    ]  # fmt: skip
    *_, (_, digits, wanted, last) = told.updates
    assert digits == wanted == -np.log10(last.tol)
    assert f" s to go, iteration {last.iteration}: gradient " in str(last)


def test_other_data_of_the_same_name_do_not_get_the_split_of_the_model(mnist):
    model = train(mnist, split=SplitSpec("random", test_size=0.1, limit=200)).model
    assert len(evaluate(model, mnist).samples) == model.card.n_test == 1397
    of_task = np.isin(mnist.test.labels, (3, 8)).sum()
    assert len(evaluate(model, replace(mnist, sha256="ab" * 32)).samples) == of_task == 1984


@pytest.mark.parametrize("task", ["3v8", "pairs"])
def test_the_same_model_comes_out_wherever_rows_live(mnist, tmp_path, monkeypatch, task):
    """Read in every pass, without a copy of them all."""
    monkeypatch.setattr("mnistcli.linear_model.newton.MAX_COPY_BYTES", 1000)
    monkeypatch.setattr("mnistcli.model_selection.design._SHARE_OF_ROWS", 0.001)
    split, spec = SplitSpec(limit=150), FeatureSpec("deskew", n_copies=1)
    found = {}
    for memory, disk in ((10**9, None), (10**8, None), (10**8, 0)):
        settings = TrainingSettings(
            SolverSettings(C=0.01),
            split,
            features=spec,
            folds=FoldSpec(2),
            memory_bytes=memory,
            disk_bytes=disk,
        )
        cache = FeatureCache(tmp_path / f"{memory} {disk}")
        training = mnistcli.train(task, mnist, settings, cache=cache)
        found[training.rows_kept] = training
    (plain, *others), names = found.values(), list(found)
    assert names == ["memory", "file", "nowhere"]
    for other in others:
        assert other.model.classifier.coef.tobytes() == plain.model.classifier.coef.tobytes()
        assert other.model.card.metrics == plain.model.card.metrics
        assert other.cross_validation.accuracies == plain.cross_validation.accuracies
    assert plain.model.card.versions["copies"] == "2"
