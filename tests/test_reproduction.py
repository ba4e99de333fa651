"""A model comes out again from its card, and one that does not is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import mnistcli
from mnistcli.errors import DataUnavailableError
from mnistcli.registry.model_file import Model
from mnistcli.settings import FeatureSpec, SolverSettings, SplitSpec, TrainingSettings
from mnistcli.training import reproduce


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
    assert result.version_changes == {}
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
    changes = reproduce(changed(model, versions=versions), mnist).version_changes
    assert changes == {"numpy": ("1.0", np.__version__)}


def test_what_took_part_once_is_no_changed_version(model, mnist):
    versions = {**model.card.versions, "of folds alone": "1.0"}
    versions.pop("python")
    assert reproduce(changed(model, versions=versions), mnist).version_changes == {}


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


def test_learned_features_come_out_again(mnist):
    features = FeatureSpec("patches", sides=(5,), n_filters=4, n_copies=1)
    settings = TrainingSettings(split=SplitSpec(limit=300), features=features)
    model = mnistcli.train("3v8", mnist, settings).model
    result = reproduce(model, mnist)
    assert result.is_identical
    assert result.again.card.features == model.card.features
    arrays = model.classifier.features.arrays()
    other = replace(model.classifier.features, factors=arrays["factors"] * np.float32(1.5))
    assert not reproduce(
        replace(model, classifier=replace(model.classifier, features=other)), mnist
    ).is_identical
