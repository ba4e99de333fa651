"""What is unlike the training images of a model, on real digits and on what is none."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw
from threadpoolctl import threadpool_info, threadpool_limits

import mnistcli
from mnistcli.errors import BadImageError, CorruptFileError
from mnistcli.features import FeatureSpec
from mnistcli.features.counterexamples import every_sign, pieced_together, side_by_side, signs
from mnistcli.features.typicality import (
    UNLIKE_BELOW,
    Seen,
    _separating,
    is_unlike,
    learn_typicality,
    oddness_of,
    sample_slice,
    strangeness_of,
    stroke_directions,
)
from mnistcli.registry.model_file import encode_model, read_model
from mnistcli.settings import SplitSpec, TrainingSettings
from tests.registry.test_model_file import make_model

# Corners of strokes on a canvas of 100 x 100; what is in one list is drawn in one go.
LETTERS = {
    "K": [[(30, 15), (30, 85)], [(72, 15), (32, 52), (74, 85)]],
    "W": [[(12, 20), (32, 82), (50, 35), (68, 82), (88, 20)]],
    "A": [[(20, 85), (50, 15), (80, 85)], [(30, 60), (70, 60)]],
    "x": [[(20, 20), (80, 80)], [(80, 20), (20, 80)]],
    "tick": [[(15, 55), (40, 82), (88, 15)]],
    "star": [[(50, 10), (74, 85), (12, 38), (88, 38), (26, 85), (50, 10)]],
    "zigzag": [[(10, 60), (25, 35), (40, 60), (55, 35), (70, 60), (88, 35)]],
    "house": [[(20, 85), (20, 45), (50, 15), (80, 45), (80, 85), (20, 85), (80, 45), (20, 45)]],
}


def drawn(strokes, width=9):
    picture = Image.new("L", (100, 100), 255)
    pen = ImageDraw.Draw(picture)
    for points in strokes:
        pen.line(points, fill=0, width=width, joint="curve")
    return np.asarray(picture)


def scribble(seed):
    rng = np.random.default_rng(seed)
    return drawn([[tuple(point) for point in rng.uniform(12, 88, (14, 2)).tolist()]], width=4)


NO_DIGITS = {**{name: drawn(each) for name, each in LETTERS.items()}, "scribble": scribble(0)}


def seen(pictures):
    return np.stack([mnistcli.conform(each).image for each in pictures])


@pytest.fixture(scope="module")
def builtin():
    return mnistcli.load_model("builtin")


@pytest.fixture(scope="module")
def zeros_and_ones(mnist):
    return mnistcli.train("0v1", mnist).model


def unlike(model, images):
    return (mnistcli.predict(model, images).typicality < UNLIKE_BELOW).mean()


@pytest.mark.parametrize("width", [5, 9, 13])
def test_letters_ticks_and_scribbles_are_unlike_digits(builtin, width):
    pictures = [*(drawn(strokes, width) for strokes in LETTERS.values()), *map(scribble, range(8))]
    found = []
    for each in pictures:
        with contextlib.suppress(BadImageError):  # a house of thick walls is a sheet with triangles
            found.append(mnistcli.conform(each).image)
    n_unlike = len(pictures) - len(found) + unlike(builtin, np.stack(found)) * len(found)
    assert n_unlike >= 0.8 * len(pictures)


def test_digits_are_not(builtin, mnist):
    assert unlike(builtin, mnist.test.images[:2000]) <= 0.01
    large = [
        np.asarray(Image.fromarray(each).resize((140, 140))) for each in mnist.test.images[:30]
    ]
    assert (
        unlike(builtin, seen([np.pad(255 - each, 20, constant_values=255) for each in large]))
        < 0.02
    )


def test_digits_of_an_older_collection_are_not(builtin):
    from sklearn.datasets import load_digits

    small = np.round(load_digits().images[:50] * (255 / 16)).astype(np.uint8)
    large = [np.asarray(Image.fromarray(255 - each).resize((160, 160), 3)) for each in small]
    assert unlike(builtin, seen([np.pad(each, 30, constant_values=255) for each in large])) < 0.02


def test_a_seven_is_unlike_zeros_and_ones(zeros_and_ones, mnist):
    images, labels = mnist.test.images[:3000], mnist.test.labels[:3000]
    shares = {k: unlike(zeros_and_ones, images[labels == k]) for k in range(10)}
    assert max(shares[0], shares[1]) < 0.03
    assert shares[7] > 0.9
    assert np.mean([shares[k] for k in range(2, 10)]) > 0.85


def test_it_is_the_share_of_training_images_that_are_as_unlike(zeros_and_ones, mnist):
    zero_or_one = mnist.train.images[np.isin(mnist.train.labels, [0, 1])][5::12]
    shares = mnistcli.predict(zeros_and_ones, zero_or_one).typicality
    assert ((shares >= 0) & (shares <= 1)).all()
    for share in (0.1, 0.2, 0.5):
        assert (shares <= share).mean() == pytest.approx(share, abs=0.08)


@pytest.mark.parametrize("task", ["digits", "pairs", "2vrest"])
def test_every_kind_of_model_keeps_it_and_a_file_gives_it_back(mnist, tmp_path, task):
    model = mnistcli.train(task, mnist, TrainingSettings(split=SplitSpec(limit=400))).model
    assert model.card.n_prototypes == len(model.typicality.means) > 0
    path = tmp_path / "model.safetensors"
    path.write_bytes(encode_model(model))
    loaded = read_model(path)
    for name, array in model.typicality.arrays().items():
        assert np.array_equal(loaded.typicality.arrays()[name], array)
    images = mnist.test.images[:50]
    kept, again = (mnistcli.predict(each, images).typicality for each in (model, loaded))
    assert np.array_equal(kept, again)
    one_by_one = [mnistcli.predict(model, each).typicality[0] for each in images]
    assert kept == pytest.approx(one_by_one)


def test_pixels_tell_digits_from_what_is_pieced_together_of_them(mnist):
    model = mnistcli.train("digits", mnist, TrainingSettings(split=SplitSpec(limit=6000))).model
    others = mnist.train.images[-1000:]
    known, odd = (
        oddness_of(Seen(stroke_directions(images), images, images), model.typicality.oddness)
        for images in (others, pieced_together(others))
    )
    assert (odd[:, None] > known).mean() > 0.8  # the area under the curve


def test_patches_tell_more_than_strokes(small_mnist):
    settings = TrainingSettings(
        features=FeatureSpec("patches", sides=(5,), n_filters=4), split=SplitSpec(limit=600)
    )
    model = mnistcli.train("3v8", small_mnist, settings).model
    assert model.typicality.oddness.shape == (model.classifier.n_features,)
    assert unlike(model, seen(NO_DIGITS.values())) > 0.5


def test_two_digits_that_touch_look_like_two(builtin, mnist):
    two = side_by_side(mnist.test.images[:800])
    assert two.shape == (400, 28, 28)
    assert (builtin.look_at(two)[2][:, 0] > 0).mean() > 0.8
    stacked = side_by_side(mnist.test.images[:800].swapaxes(1, 2)).swapaxes(1, 2)
    assert (builtin.look_at(stacked)[2][:, 1] > 0).mean() > 0.6
    _, _, one = builtin.look_at(mnist.test.images[:4000])
    assert ((one > 0).mean(axis=0) < 0.003).all()
    assert np.allclose(one.mean(axis=0), (-5.7, -5.3), atol=0.1)
    assert np.allclose(one.std(axis=0), 1.15, atol=0.1)


def test_letters_and_signs_are_unlike_digits_by_what_they_are_answered(builtin, mnist):
    written = signs(1500)  # so many are drawn otherwise than those that it was shown
    assert unlike(builtin, written) > 0.7
    images = mnist.test.images[:2000]
    weights = builtin.typicality.strangeness
    strange, digits = (
        strangeness_of(Seen(each, rows, builtin.classifier.decision_function(each)), weights)
        for each in (written, images)
        for rows in [builtin.classifier.raw_features(each)]
    )
    assert weights.shape == (10, 1729)
    assert abs(digits.mean()) < 0.25
    assert digits.std() == pytest.approx(1, abs=0.15)
    assert (strange[:, None] > digits).mean() > 0.98  # the area under the curve


def test_signs_with_gaps_and_brackets_are_unlike_digits(builtin):
    # A quarter of all signs: dots, brackets, currencies and circles with a line through them.
    written = signs(1500)
    is_late = np.arange(1500) % len(every_sign()) >= 53
    assert unlike(builtin, written[is_late]) > 0.6


def test_how_many_odd_ones_there_are_is_no_matter():
    rng = np.random.default_rng(0)
    rows, odd = rng.normal(0, 255, (200, 5)), rng.normal(200, 255, (40, 5)) * (1, 1, 1, 3, 3)
    once, thrice = (
        _separating(rows, each, 5, share=0.4) for each in (odd, np.concatenate([odd] * 3))
    )
    assert once == pytest.approx(thrice, rel=1e-3)
    # Fisher's linear discriminant: within the odd ones differences count 0.4.
    within = np.cov(rows.T, bias=True) + 0.4 * np.cov(odd.T, bias=True)
    expected = np.linalg.solve(within, odd.mean(axis=0) - rows.mean(axis=0))
    assert once / once[0] == pytest.approx(expected / expected[0], rel=1e-3)


def test_what_is_answered_alike_is_told_apart_for_two_classes_too(small_mnist):
    spec = FeatureSpec("patches", sides=(5,), n_filters=4)
    settings = TrainingSettings(features=spec, split=SplitSpec(limit=600))
    model = mnistcli.train("0v1", small_mnist, settings).model
    assert model.typicality.strangeness.shape == (2, model.classifier.n_features + 1)
    assert model.typicality.strangeness.any(axis=1).all()
    assert unlike(model, signs(300)) > 0.4


def test_models_that_know_no_pairs_look_for_none(builtin, zeros_and_ones, mnist):
    assert builtin.card.knows_pairs
    assert not zeros_and_ones.card.knows_pairs
    assert np.isnan(zeros_and_ones.look_at(mnist.test.images[:20])[2]).all()


def test_models_without_it_say_nothing(mnist):
    model = make_model()
    assert mnistcli.predict(model, mnist.test.images[:3]).typicality is None
    assert not is_unlike(math.nan)
    assert mnistcli.predict(model, mnist.test.images[:0]).typicality is None
    few = TrainingSettings(split=SplitSpec(limit=90))
    assert mnistcli.train("0v1", mnist, few).model.typicality is None


def test_abstaining_by_a_model_without_it_is_told(invoke, tmp_path):
    path = tmp_path / "old.safetensors"
    path.write_bytes(encode_model(make_model()))
    done = invoke("predict", "-i", "7", "-m", str(path), "--abstain-unlike")
    assert done.err == f"{path} keeps nothing to tell what is unlike: train it again\n"
    found = json.loads(invoke("predict", "-i", "7", "-m", str(path), "--json").out)
    assert found["predictions"][0]["typicality"] is None


def test_what_makes_no_sense_is_no_model(zeros_and_ones, tmp_path):
    path = tmp_path / "model.safetensors"
    good = zeros_and_ones.typicality
    for bad in (
        replace(good, spreads=np.zeros_like(good.spreads)),
        replace(good, levels=-good.levels),
    ):
        path.write_bytes(encode_model(replace(zeros_and_ones, typicality=bad)))
        with pytest.raises(CorruptFileError, match="no images are as the model says"):
            read_model(path)


def test_odd_images_have_a_typicality_too(zeros_and_ones, builtin):
    odd = np.zeros((3, 28, 28), np.uint8)
    odd[1] = 255
    odd[2, 5, 5] = 1
    for model in (zeros_and_ones, builtin):
        shares = mnistcli.predict(model, odd).typicality
        assert np.isfinite(shares).all()
        assert (shares < UNLIKE_BELOW).all()


def test_images_that_are_all_alike_can_be_learned():
    alike = np.zeros((150, 28, 28), np.uint8)
    alike[:, 8:20, 12:16] = 255
    rows = alike.reshape(150, -1)
    found = learn_typicality(
        alike, rows, lambda X: np.zeros(len(X)), lambda a: a.reshape(len(a), -1)
    )
    shares, _ = found.of(alike, rows, np.zeros(150))
    assert shares.min() > UNLIKE_BELOW
    other = np.rot90(alike, axes=(1, 2))[:1]
    assert found.of(other, other.reshape(1, -1), np.zeros(1))[0][0] < UNLIKE_BELOW


def test_blas_has_one_thread_while_it_is_learned(monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    images = np.random.default_rng(0).integers(0, 256, (150, 28, 28), dtype=np.uint8)
    seen = set()

    def scores(rows):
        seen.update(each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas")
        return np.zeros(len(rows))

    with threadpool_limits(2, user_api="blas"):
        learn_typicality(images, images.reshape(150, -1), scores, None)
    assert seen == {1}


def test_strokes_have_their_directions():
    bar = np.zeros((2, 28, 28), np.uint8)
    bar[0, 6:22, 12:16] = 255
    bar[1, 12:16, 6:22] = 255
    upright, lying = stroke_directions(bar).reshape(2, 8, -1).sum(axis=2)
    assert set(np.argsort(upright)[-2:]) == {0, 4}  # ink begins to the left and to the right
    assert set(np.argsort(lying)[-2:]) == {2, 6}


def test_few_images_are_all_looked_at():
    assert sample_slice(500, is_learned=False) == slice(None, None, 1)
    assert sample_slice(60_000, is_learned=False) == slice(None, None, 24)
    assert sample_slice(60_000, is_learned=True) == slice(None, None, 3)


@pytest.fixture
def pictures(tmp_path, mnist):
    """Two digits and a letter."""
    paths = [tmp_path / f"{name}.png" for name in ("seven", "a", "one")]
    digits = [np.pad(255 - mnist.test.images[i], 6, constant_values=255) for i in (0, 2)]
    for path, grey in zip(paths, (digits[0], NO_DIGITS["A"], digits[1]), strict=True):
        Image.fromarray(grey).save(path)
    return [str(path) for path in paths]


def test_predict_tells_what_is_unlike(invoke, pictures):
    done = invoke("predict", "-m", "builtin", *pictures)
    assert done.err == "1 of 3 unlike all training images of builtin\n"
    rows = [line for line in done.out.splitlines() if ".png" in line]
    assert ["unlike all training images" in row for row in rows] == [False, True, False]
    answers = json.loads(invoke("predict", "-m", "builtin", *pictures, "--json").out)["predictions"]
    shares = [each["typicality"] for each in answers]
    assert [share < UNLIKE_BELOW for share in shares] == [False, True, False]
    assert answers[1]["answer"] == answers[1]["best"] != "?"


def test_abstaining_from_what_is_unlike(invoke, pictures):
    arguments = ("predict", "-m", "builtin", *pictures, "--abstain-unlike")
    assert invoke(*arguments, "-q").out == "7\n?\n1\n"
    done = invoke(*arguments)
    assert done.err.endswith("1 of 3 unlike: answered ?\n")
    done = invoke(*arguments, "--abstain-below", "1", "-q")
    assert (done.out, done.err) == ("?\n?\n?\n", "")
    assert (
        "3 of 3 below 1 or unlike: answered ?\n" in invoke(*arguments, "--abstain-below", "1").err
    )


def test_a_digit_of_a_number_that_is_unlike(invoke, mnist, tmp_path):
    digits = [np.asarray(Image.fromarray(each).resize((84, 84))) for each in mnist.test.images[:3]]
    letter = 255 - np.asarray(Image.fromarray(NO_DIGITS["K"]).resize((70, 84)))
    row = np.hstack([digits[0], letter, digits[1], digits[2]])
    path = tmp_path / "row.png"
    Image.fromarray(255 - np.pad(row, 30)).save(path)
    arguments = ("predict", str(path), "--number", "-m", "builtin")
    (found,) = json.loads(invoke(*arguments, "--json").out)["predictions"]
    shares = [digit["typicality"] for digit in found["digits"]]
    assert [share < UNLIKE_BELOW for share in shares] == [False, True, False, False]
    assert found["notes"] == ["1 of 4 unlike all training images"]
    assert invoke(*arguments, "--abstain-unlike", "-q").out == "7?21\n"
    assert "1 of 1 with digits unlike" in invoke(*arguments).err


def test_what_may_be_several_digits_is_refused_or_abstained_from(invoke, tmp_path):
    path = tmp_path / "W.png"
    Image.fromarray(NO_DIGITS["W"]).save(path)
    done = invoke("predict", "-m", "builtin", str(path))
    assert done.code == 6
    assert "holds 2 digits that touch, or none" in done.err
    assert invoke("predict", "-m", "builtin", str(path), "--abstain-unlike", "-q").out == "?\n"
