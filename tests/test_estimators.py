"""Our solver as scikit-learn knows estimators."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn import linear_model
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

import mnistcli
from mnistcli.features.copies import deformed
from mnistcli.model_selection.splits import training_samples
from mnistcli.settings import PRESETS, FeatureSpec, PresetSettings, SplitSpec, TrainingSettings


@parametrize_with_checks(
    [
        mnistcli.LogisticRegression(),
        mnistcli.LogisticRegression(C=0.1, class_weight="balanced", warm_start=True),
    ]
)
# The checks allow five iterations.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_all_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "check",
    [
        "check_parameters_default_constructible", "check_no_attributes_set_in_init",
        "check_do_not_raise_errors_in_init_or_set_params", "check_get_params_invariance",
        "check_set_params", "check_estimator_cloneable", "check_estimator_repr",
        "check_estimator_tags_renamed", "check_valid_tag_types", "check_mixin_order",
    ],
)  # fmt: skip
def test_checks_of_scikit_learn_that_need_no_table(check):
    getattr(estimator_checks, check)("Digits", mnistcli.Digits())


@pytest.fixture(scope="module")
def digits(mnist):
    return mnist.train.images[:400], mnist.train.labels[:400].astype(int)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 2.0}])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_it_finds_the_optimum_of_scikit_learns(iris, n_classes, class_weight, dtype):
    X, y = (part[: 30 + 50 * (n_classes - 1)] for part in iris)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    theirs = linear_model.LogisticRegression(class_weight=class_weight, tol=1e-12, max_iter=10_000)
    theirs.fit(X, y, weight)
    ours = mnistcli.LogisticRegression(class_weight=class_weight).fit(X.astype(dtype), y, weight)
    assert ours.certificate_.converged
    assert ours.coef_ == pytest.approx(theirs.coef_, abs=2e-4)
    assert ours.predict_proba(X) == pytest.approx(theirs.predict_proba(X), abs=2e-4)
    assert ours.predict_log_proba(X) == pytest.approx(
        theirs.predict_log_proba(X), rel=1e-3, abs=1e-3
    )
    assert (ours.predict(X) == theirs.predict(X)).all()


@pytest.mark.parametrize("largest", [10.0, 255.0, 1e5])
def test_features_may_be_as_large_as_they_come(digits, largest):
    pixels, y = digits[0].reshape(400, -1) * (largest / 255), digits[1] == 3
    theirs = linear_model.LogisticRegression(tol=1e-8, max_iter=10_000).fit(pixels, y)
    ours = mnistcli.LogisticRegression().fit(pixels, y)
    assert ours.certificate_.converged
    assert ours.predict_proba(pixels) == pytest.approx(theirs.predict_proba(pixels), abs=1e-5)


def test_numbers_of_float64_are_computed_with_as_they_are(iris):
    X, y = iris[0] + 1e4, iris[1]  # of which float32 keeps three decimals
    ours = mnistcli.LogisticRegression(tol=1e-12).fit(X, y)
    centred = linear_model.LogisticRegression(solver="newton-cholesky", tol=1e-12)
    assert ours.coef_ == pytest.approx(centred.fit(iris[0], y).coef_, abs=1e-5)


@pytest.mark.parametrize("names", [("yes", "no"), (True, False), (-1, 7), (2.0, 1.0)])
def test_classes_are_called_as_they_were(iris, names):
    X, y = iris
    y = np.array(names)[(y == 1).astype(int)]
    estimator = mnistcli.LogisticRegression().fit(X, y)
    assert estimator.classes_.tolist() == sorted(names)
    assert set(estimator.predict(X).tolist()) == set(names)
    assert estimator.score(X, y) > 0.7


@pytest.mark.parametrize("C", [1.0, math.inf])
def test_without_a_penalty_there_has_to_be_an_optimum(iris, C):
    X, y = iris
    penalty = "l2" if math.isinf(C) else None
    estimator = mnistcli.LogisticRegression(C, penalty=penalty)
    assert estimator.fit(X, y == 1).certificate_.gap_bound is None
    with pytest.raises(ValueError, match="no finite optimum"):
        estimator.fit(X, y == 0)


def test_a_warm_start_is_at_the_optimum_already(digits):
    rows, y = digits[0][:, ::2, ::2].reshape(400, -1) / 255, digits[1]
    estimator = mnistcli.LogisticRegression(0.1, warm_start=True)
    first = estimator.fit(rows, y).n_iter_
    assert estimator.fit(rows, y).n_iter_ < first
    assert estimator.fit(rows[:, :90], y).coef_.shape == (10, 90)


def test_what_stops_early_says_so(digits):
    estimator = mnistcli.LogisticRegression(max_iter=1)
    with pytest.warns(ConvergenceWarning, match="iterations: no step is exact enough: raise tol"):
        mnistcli.LogisticRegression().fit(load_iris().data + 1e5, load_iris().target)
    with pytest.warns(ConvergenceWarning, match="after 1 iterations: raise max_iter"):
        estimator.fit(digits[0].reshape(400, -1), digits[1])
    assert not estimator.certificate_.converged


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"C": 0}, "C = 0 makes no sense"),
        ({"C": -math.inf}, "C = -inf makes no sense"),
        ({"tol": math.nan}, "tol = nan makes no sense"),
        ({"max_iter": 2.5}, "max_iter = 2.5 makes no sense"),
        ({"penalty": "l1"}, "'l1' is no penalty"),
    ],
)
def test_parameters_that_make_no_sense_are_refused_in_fit(iris, setting, words):
    with pytest.raises(mnistcli.MnistCliError, match=words):
        mnistcli.LogisticRegression().set_params(**setting).fit(*iris)


def test_images_of_digits_become_answers(small_mnist, monkeypatch):
    """What it learns is what `train` does, given the images in the same order."""
    features = FeatureSpec("patches", sides=(5,), n_filters=4)
    monkeypatch.setitem(PRESETS, "better", PresetSettings(features, 1.0))
    settings = TrainingSettings(split=SplitSpec(limit=100), features=features)
    trained = mnistcli.train("digits", small_mnist, settings)
    samples = training_samples(small_mnist, trained.model.card.task, settings.split)
    names = np.array(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    )
    estimator = mnistcli.Digits().fit(samples.images, names[samples.y])
    order = np.argsort(names)
    assert estimator.coef_ == pytest.approx(trained.model.classifier.coef[order], abs=1e-5)
    images = small_mnist.test.images[:50]
    answers = names[mnistcli.predict(trained.model, images).classes]
    assert estimator.predict(images).tolist() == answers.tolist()
    assert estimator.predict(images.reshape(50, 784).astype(float)).tolist() == answers.tolist()
    again = pickle.loads(pickle.dumps(estimator))  # noqa: S301 - our own
    assert (again.predict_proba(images) == estimator.predict_proba(images)).all()
    assert not hasattr(clone(estimator), "coef_")


@pytest.mark.parametrize("kind", [bool, np.uint8, int, np.float32])
def test_images_of_ink_and_paper_alone_are_read_the_same(digits, kind):
    images, y = (part[:100] for part in digits)
    ours = mnistcli.Digits("fast", C=0.1).fit((images > 127).astype(kind), y)
    theirs = mnistcli.Digits("fast", C=0.1).fit(255 * (images > 127), y)
    assert ours.coef_ == pytest.approx(theirs.coef_, abs=1e-5)
    shares = ours.predict_proba((images / 255).astype(np.float32))
    assert shares == pytest.approx(ours.predict_proba(images), abs=1e-12)
    answers = mnistcli.predict("builtin", (images > 127).astype(kind)).answers.astype(int)
    assert (answers == y).mean() > 0.95


def test_columns_of_a_frame_are_those_of_the_fit_by_name(digits):
    images, y = (part[:100] for part in digits)
    frame = pd.DataFrame(images.reshape(100, 784)).add_prefix("pixel")
    estimator = mnistcli.Digits("fast", C=0.1).fit(frame, y)
    assert estimator.feature_names_in_.tolist() == [*frame]
    assert estimator.n_features_in_ == 784
    with pytest.raises(ValueError, match="feature names should match"):
        estimator.predict(frame[[*frame][::-1]])
    assert not hasattr(estimator.fit(images, y), "feature_names_in_")


def test_copies_and_weights_of_images_count(digits):
    images, y = (part[:60] for part in digits)
    once = mnistcli.Digits("fast", C=0.1).fit(np.repeat(images, 2, axis=0), np.repeat(y, 2))
    twice = mnistcli.Digits("fast", C=0.1).fit(images, y, sample_weight=[2] * 60)
    assert twice.coef_ == pytest.approx(once.coef_, abs=1e-5)


def test_deformed_copies_of_images_are_fitted_too(digits, monkeypatch):
    images, y = (part[:60] for part in digits)
    monkeypatch.setitem(PRESETS, "better", PresetSettings(FeatureSpec(n_copies=2), 0.3))
    ours = mnistcli.Digits().fit(images, y)
    copies = [deformed(images, np.arange(60), np.full(60, k), 0) for k in range(3)]
    theirs = mnistcli.Digits("fast", C=0.1).fit(np.concatenate(copies), np.tile(y, 3))
    assert ours.coef_ == pytest.approx(theirs.coef_, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda images: images.astype(int) - 1, "holds -1, expected 0 to 255"),
        (lambda images: 255 - images, "dark ink on light paper"),
        (lambda images: images[:, 1:], r"images are n x 28 x 28 or n x 784, not \(400, 27, 28\)"),
        (lambda images: images[0], r"not \(28, 28\)"),
        (lambda images: images[:0], "0 sample"),
        (lambda images: np.full(images.shape, np.nan), "NaN"),
    ],
)
def test_what_is_no_image_is_refused(digits, change, words):
    images, y = digits
    fitted = mnistcli.Digits("fast", C=0.01).fit(images, y)
    with pytest.raises((ValueError, mnistcli.MnistCliError), match=words):
        fitted.predict(change(images))
    with pytest.raises(NotFittedError):
        mnistcli.Digits().predict(images)
    with pytest.raises(mnistcli.MnistCliError, match="'good' is no preset"):
        mnistcli.Digits("good").fit(images, y)


def test_they_go_where_scikit_learns_go(digits):
    images, y = digits
    rows = images.reshape(400, -1)
    scaled = make_pipeline(MinMaxScaler(), mnistcli.LogisticRegression())
    search = GridSearchCV(scaled, {"logisticregression__C": [1e-6, 0.1]}, cv=2).fit(rows, y)
    assert search.best_params_ == {"logisticregression__C": 0.1}
    search = GridSearchCV(mnistcli.Digits("fast"), {"C": [1e-6, 0.1]}, cv=2).fit(images, y)
    assert search.best_params_ == {"C": 0.1}
    assert cross_val_score(make_pipeline(mnistcli.Digits("fast")), images, y, cv=2).min() > 0.7
