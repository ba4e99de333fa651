"""Robustness: how images are disturbed, and models judged on them; strength 0 is `evaluate`."""

from __future__ import annotations

from dataclasses import asdict, replace

import joblib
import numpy as np
import pytest
from scipy import ndimage

import mnistcli
from mnistcli.comparison import compare
from mnistcli.errors import UsageError
from mnistcli.features import FeatureSpec
from mnistcli.learning_curves import Variant, curve_points
from mnistcli.metrics.intervals import difference_interval
from mnistcli.ranges import DISTURBANCES
from mnistcli.robustness import disturb, disturbed_points
from mnistcli.settings import SolverSettings, SplitSpec, TrainingSettings
from mnistcli.tasks import parse_task
from tests.conftest import Recorder


def trained(mnist, C, **split):
    settings = TrainingSettings(SolverSettings(C=C), SplitSpec(limit=100, **split))
    return mnistcli.train("3v8", mnist, settings).model


@pytest.fixture(scope="module")
def models(mnist):
    return [replace(trained(mnist, C), ref=f"m@{C:g}") for C in (1.0, 1e-4)]


@pytest.fixture(scope="module")
def points(mnist, models):
    return list(disturbed_points(models, mnist, "noise", [0, 0.5]))


def test_strength_0_is_what_evaluate_says(mnist, models, points):
    for model, point in zip(models, points, strict=False):
        found = mnistcli.evaluate(model, mnist).evaluation
        assert (point.n_test, point.n_correct) == (found.n_samples, found.n_correct)
        assert point.log_loss == found.log_loss
        assert (point.accuracy_low, point.accuracy_high) == found.accuracy_interval


def test_all_models_see_the_same_disturbed_images(mnist, models, points):
    samples = mnistcli.evaluate(models[0], mnist).samples
    images = disturb(samples.images, samples.index, "noise", 0.5)
    right = [model.classifier.predict(images) == samples.y for model in models]
    first, second = points[2:]
    assert [first.n_correct, second.n_correct] == [each.sum() for each in right]
    alone = int((right[1] & ~right[0]).sum()), int((right[0] & ~right[1]).sum())
    assert second.difference == pytest.approx((alone[0] - alone[1]) / 1984)
    assert (second.difference_low, second.difference_high) == difference_interval(*alone, 1984)
    assert (first.difference, first.p_value) == (None, None)
    assert [point.model for point in points] == ["m@1", "m@0.0001"] * 2


def test_a_point_says_how_its_model_was_trained(mnist, models, points):
    variant = Variant(
        parse_task("3v8"), SplitSpec(limit=100), FeatureSpec(), SolverSettings(), "fast"
    )
    (trained,) = curve_points(mnist, [variant])
    shown = {"model": "m@1", "disturb": "noise", "strength": 0, "fit_seconds": 0}
    shown["peak_memory_bytes"] = 0
    found, expected = (asdict(replace(each, **shown)) for each in (points[0], trained))
    assert found == pytest.approx(expected)


def test_p_values_are_those_of_a_comparison(mnist, models, points):
    (test,) = compare(models, mnist).tests
    assert points[1].p_value == test.p_corrected


def test_jobs_give_the_same(mnist, models, points):
    with joblib.parallel_config("threading", n_jobs=2):
        found = disturbed_points(models, mnist, "noise", [0, 0.5], n_jobs=None)
        assert list(found) == points


def test_models_of_other_classes_and_no_dataset_s_test_images_are_refused(mnist, models):
    other = mnistcli.train("0v1", mnist, TrainingSettings(split=SplitSpec(limit=50))).model
    with pytest.raises(UsageError, match="only models of the same classes"):
        list(disturbed_points([models[0], other], mnist, "blur", [1]))


def test_training_images_of_another_model_are_left_out_and_that_is_said(mnist, models):
    told = Recorder()
    random = trained(mnist, 1.0, kind="random", seed=3)
    (first, _) = disturbed_points([models[0], random], mnist, "blur", [1], progress=told)
    assert first.n_test < 1984
    assert any("are left out" in note for note in told.notes)


def test_the_interval_of_a_difference_covers(mnist):
    rng = np.random.default_rng(0)
    p = [0.9, 0.03, 0.05, 0.02]  # both, only the first, only the second, none
    draws = rng.multinomial(500, p, size=2000)
    hits = [
        low <= -0.02 <= high
        for _, a, b, _ in draws
        for low, high in [difference_interval(a, b, 500)]
    ]
    assert 0.94 < np.mean(hits) < 0.97
    low, high = difference_interval(0, 0, 100)
    assert low < 0 < high < 0.03
    assert difference_interval(1, 0, 1)[1] == 1.0


@pytest.fixture(scope="module")
def digits(test_images):
    return test_images[:100]


def of(images, kind, strength, *, index=None):
    index = np.arange(len(images)) if index is None else index
    return disturb(images, index, kind, strength)


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_strength_0_leaves_every_bit(digits, kind):
    assert of(digits, kind, 0) is digits


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_an_image_is_disturbed_alike_whatever_stands_beside_it(digits, kind):
    whole = of(digits, kind, 1.5)
    some = np.array([77, 5, 40])
    np.testing.assert_array_equal(of(digits[some], kind, 1.5, index=some), whole[some])
    assert (whole != digits).any(axis=(1, 2)).all()


@pytest.mark.parametrize("kind", ["noise", "shift"])
def test_draws_differ_from_image_to_image_and_strength_to_strength(digits, kind):
    same = np.repeat(digits[:1], 5, axis=0)
    assert len({each.tobytes() for each in of(same, kind, 2)}) == 5
    grey = np.full((1, 28, 28), 128, np.uint8)
    a, b = (of(grey, "noise", s).astype(float).ravel() - 128 for s in (0.02, 0.04))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.2


def test_noise_has_the_standard_deviation_that_was_asked_for():
    grey = np.full((50, 28, 28), 128, np.uint8)
    found = of(grey, "noise", 0.1).astype(float)
    assert found.std() == pytest.approx(25.5, rel=0.02)
    assert found.mean() == pytest.approx(128, abs=0.5)


def test_blur_is_a_gaussian_over_paper_without_end(digits):
    wide = np.pad(digits.astype(float), ((0, 0), (20, 20), (20, 20)))
    smooth = ndimage.gaussian_filter(wide, (0, 1.5, 1.5), truncate=10)[:, 20:-20, 20:-20]
    assert np.abs(of(digits, "blur", 1.5) - smooth).max() < 0.6


def test_a_quarter_of_a_turn_is_to_the_left_and_exact(digits):
    np.testing.assert_array_equal(of(digits, "rotate", 90), np.rot90(digits, axes=(1, 2)))
    np.testing.assert_array_equal(of(digits, "rotate", -90), np.rot90(digits, -1, axes=(1, 2)))


def test_images_move_by_so_much_in_all_directions():
    dot = np.zeros((200, 28, 28), np.uint8)
    dot[:, 13:15, 13:15] = 200
    found = of(dot, "shift", 5).astype(float)
    y, x = np.mgrid[:28, :28] - 13.5
    total = found.sum(axis=(1, 2))
    at = np.stack([(found * x).sum(axis=(1, 2)), (found * y).sum(axis=(1, 2))]) / total
    assert np.hypot(*at) == pytest.approx(5, abs=0.05)
    assert np.abs(at.mean(axis=1)).max() < 1


@pytest.mark.parametrize(("strength", "width"), [(1, 4), (0.5, 3), (2, 6), (-1, 0), (-0.5, 1)])
def test_strokes_grow_and_shrink_on_each_side(strength, width):
    line = np.zeros((1, 28, 28), np.uint8)
    line[:, :, 13:15] = 200
    row = of(line, "thickness", strength)[0, 14].astype(float)
    assert row.sum() / 200 == pytest.approx(width, abs=0.02)


@pytest.mark.parametrize(
    ("kind", "strength"),
    [
        ("noise", -1),
        ("blur", 29),
        ("rotate", float("nan")),
        ("shift", float("inf")),
        ("thickness", -15),
    ],
)
def test_what_makes_no_sense_is_refused(digits, kind, strength):
    with pytest.raises(UsageError, match=f"{kind} = .* makes no sense"):
        of(digits, kind, strength)


@pytest.mark.parametrize("kind", DISTURBANCES)
@pytest.mark.parametrize("end", [1, 2])
def test_every_strength_and_no_image_at_all_are_fine(digits, kind, end):
    assert of(digits[:2], kind, DISTURBANCES[kind][0][end]).dtype == np.uint8
    assert of(digits[:0], kind, 1).shape == (0, 28, 28)
