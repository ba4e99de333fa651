"""A training does what its settings say, and comes out again from its card."""

from __future__ import annotations

from dataclasses import replace

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import mnistcli
from mnistcli.cli.views.models import reproduction_answer
from mnistcli.datasets.dataset import LabelledImages
from mnistcli.errors import DataUnavailableError, TrainingError
from mnistcli.evaluation import evaluate
from mnistcli.features.kinds import learn_features, restore_features
from mnistcli.linear_model.solvers import fit_classifier
from mnistcli.model_selection import cross_validation as choice
from mnistcli.model_selection import splits
from mnistcli.model_selection.cross_validation import Folds, cross_validate
from mnistcli.model_selection.design import design_matrix
from mnistcli.model_selection.splits import training_samples
from mnistcli.registry.model_file import Model
from mnistcli.settings import FeatureSpec, FoldSpec, SolverSettings, SplitSpec, TrainingSettings
from mnistcli.tasks import parse_task
from mnistcli.training import reproduce
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


def test_without_test_images_nothing_is_learned(monkeypatch, mnist):
    learned = replace(mnist, test=LabelledImages(mnist.test.images[:0], mnist.test.labels[:0]))
    monkeypatch.setattr(splits, "training_samples", None)
    with pytest.raises(TrainingError, match="mnist has no test images of 3v8") as caught:
        train(learned)
    assert caught.value.hint == "split it anew: --split random"


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
    learned = train(mnist, features=PATCHES).model.classifier.features.arrays
    for name, array in learn_features(PATCHES, samples.images, 3).arrays.items():
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


@pytest.mark.parametrize("asked", [{"folds": FoldSpec(2)}, {"search": True}, {}], ids=str)
def test_images_that_folds_learn_and_judge_are_counted(mnist, asked):
    part = LabelledImages(mnist.train.images[:90], mnist.train.labels[:90])
    twice = [np.concatenate([each, each[:40]]) for each in (part.images, part.labels)]
    recorder = Recorder()
    for train in (LabelledImages(*twice), part):
        data = replace(mnist, train=train)
        settings = TrainingSettings(**asked)
        mnistcli.train("even-odd", data, settings, progress=recorder)
    note = "80 of 130 training images are the same as others: folds learn some of those that they judge"
    assert recorder.notes == [note] * bool(asked)


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
        cache = f"{tmp_path}/{memory} {disk}"
        training = mnistcli.train(task, mnist, settings, cache=cache)
        found[training.rows_kept] = training
    (plain, *others), names = found.values(), list(found)
    assert names == ["memory", "file", "nowhere"]
    for other in others:
        assert other.model.classifier.coef.tobytes() == plain.model.classifier.coef.tobytes()
        assert other.model.card.metrics == plain.model.card.metrics
        assert other.cross_validation.accuracies == plain.cross_validation.accuracies
    assert plain.model.card.versions["copies"] == "2"


@pytest.fixture(scope="module")
def model(mnist):
    settings = TrainingSettings(
        SolverSettings(C=0.5, class_weight="balanced"),
        SplitSpec(kind="random", test_size=0.3, seed=5, limit=600),
    )
    return replace(mnistcli.train("3v5", mnist, settings).model, ref="3v5@1")


def changed(model, **changes):
    return replace(model, card=replace(model.card, **changes))


def moved(model, by):
    classifier = model.classifier
    coef = classifier.coef.copy()
    coef[0, 400] += by
    return Model(replace(classifier, coef=coef), model.card, model.ref)


def test_the_same_comes_out_bit_for_bit(model, mnist):
    result = reproduce(model, mnist)
    assert result.is_identical
    assert result.is_reproduced
    assert (result.largest_difference, result.distance, result.n_different) == (0.0, 0.0, 0)
    assert result.n_test == model.card.n_test
    assert result.again.card.split == model.card.split
    assert result.again.card.settings == model.card.settings


def test_a_small_difference_is_measured(model, mnist):
    other = moved(model, 1e-7)
    result = reproduce(other, mnist)
    assert not result.is_identical
    assert result.is_reproduced
    largest = max(np.abs(model.classifier.coef).max(), np.abs(model.classifier.intercept).max())
    assert result.largest_difference == pytest.approx(1e-7 / largest, rel=1e-6)
    assert result.distance == pytest.approx(1e-7, rel=1e-6)
    assert result.distance_bound == pytest.approx(2 * model.card.certificate["distance_bound"])
    assert result.distance < result.distance_bound


def test_a_difference_in_the_intercept_counts_too(model, mnist):
    intercept = model.classifier.intercept + 0.25
    other = Model(replace(model.classifier, intercept=intercept), model.card, model.ref)
    result = reproduce(other, mnist)
    assert result.distance == 0.0
    assert result.largest_difference > 0.01


def test_other_answers_are_counted(model, mnist):
    other = moved(model, 3.0)
    result = reproduce(other, mnist)
    images = mnistcli.evaluate(model, mnist).samples.images
    differ = model.classifier.predict(images) != other.classifier.predict(images)
    assert result.n_different == differ.sum() > 0
    assert not result.is_reproduced


def test_changed_versions_are_named(model, mnist):
    versions = {**model.card.versions, "numpy": "1.0"}
    shown = reproduction_answer(reproduce(changed(model, versions=versions), mnist)).document
    assert shown["version_changes"] == [{"name": "numpy", "then": "1.0", "now": np.__version__}]


def test_what_took_part_once_is_no_changed_version(model, mnist):
    versions = {**model.card.versions, "of folds alone": "1.0"}
    versions.pop("python")
    shown = reproduction_answer(reproduce(changed(model, versions=versions), mnist)).document
    assert shown["version_changes"] == []


def test_without_a_proof_there_is_no_bound(model, mnist):
    certificate = {**model.card.certificate, "distance_bound": None}
    assert reproduce(changed(model, certificate=certificate), mnist).distance_bound is None


def test_other_data_are_an_error(model, mnist):
    other = replace(mnist, sha256="ab" * 32)
    with pytest.raises(DataUnavailableError, match=r"3v5@1 was trained on other data .* abababab"):
        reproduce(model, other)


def test_all_pairs_come_out_again(mnist):
    settings = TrainingSettings(split=SplitSpec(limit=300))
    result = reproduce(mnistcli.train("pairs", mnist, settings).model, mnist)
    assert result.is_identical
    assert result.n_test == 10_000


def test_learned_features_come_out_again(small_mnist):
    features = FeatureSpec("patches", sides=(5,), n_filters=4, n_copies=1)
    settings = TrainingSettings(split=SplitSpec(limit=300), features=features)
    model = mnistcli.train("3v8", small_mnist, settings).model
    result = reproduce(model, small_mnist)
    assert result.is_identical
    assert result.again.card.features == model.card.features
    arrays = model.classifier.features.arrays
    factors = arrays["factors"] * np.float32(1.5)
    other = restore_features(model.card.feature_spec, arrays | {"factors": factors})
    assert not reproduce(
        replace(model, classifier=replace(model.classifier, features=other)), small_mnist
    ).is_identical
