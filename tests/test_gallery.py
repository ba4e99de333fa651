"""What there is to look at: which images, means and weights, and what is said under each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import mnistcli
from mnistcli import gallery
from mnistcli.errors import BadImageError, UsageError
from mnistcli.features.copies import deformed
from mnistcli.settings import SolverSettings, SplitSpec, TrainingSettings
from mnistcli.tasks import parse_task


def trained(mnist, task, ref="", C=1.0):
    settings = TrainingSettings(SolverSettings(C=C), SplitSpec(limit=300))
    return replace(mnistcli.train(task, mnist, settings).model, ref=ref)


def facts(pictures, name):
    return [each.facts[name] for each in pictures]


def test_digits_are_those_of_the_indices_each_with_its_copies(mnist):
    pictures = gallery.digits_at(mnist.train, [7, 0], "train", n_copies=2, seed=5)
    assert [(each.facts["index"], each.facts["copy"]) for each in pictures] == [
        (i, k) for i in (7, 0) for k in range(3)
    ]
    copy = deformed(mnist.train.images[7:8], np.array([7]), np.array([2]), 5)
    assert np.array_equal(pictures[2].image, copy[0])
    assert np.array_equal(pictures[3].image, mnist.train.images[0])
    assert pictures[3].caption == "train image 0, labelled 5"
    for wrong in (-1, 60_000):
        with pytest.raises(UsageError, match=f"there is no train image {wrong}"):
            gallery.digits_at(mnist.train, [wrong], "train")


def test_some_digits_are_the_first_or_follow_the_seed(mnist):
    expected = np.flatnonzero(np.isin(mnist.test.labels, [3, 5]))[:4].tolist()
    assert facts(gallery.some_digits(mnist.test, 4, [3, 5], "test", None), "index") == expected
    one, again, other = (
        facts(gallery.some_digits(mnist.test, 4, [3], "test", seed), "index") for seed in (1, 1, 2)
    )
    assert one == again != other
    assert set(mnist.test.labels[one].tolist()) == {3}


def test_means_are_of_all_images_of_a_digit(mnist):
    pictures = gallery.mean_digits(mnist.test, range(10), "test")
    assert facts(pictures, "digit") == [*range(10)]
    for digit, each in enumerate(pictures):
        mean = mnist.test.images[mnist.test.labels == digit].mean(axis=0)
        assert np.abs(each.image - mean).max() <= 0.5
        assert each.facts["n_images"] == (mnist.test.labels == digit).sum()


@pytest.mark.parametrize(
    ("task", "names"),
    [("4v9", ["4", "9"]), ("2vrest", ["rest", "2"]), ("0v1v2", ["0", "1", "2"])],
)
def test_means_of_classes_and_the_difference_of_two(mnist, task, names):
    pictures = gallery.mean_classes(mnist.test, parse_task(task), "test")
    means = pictures[: len(names)]
    assert facts(means, "class") == names
    for name, each in zip(names, means, strict=True):
        is_in = mnist.test.labels != 2 if name == "rest" else mnist.test.labels == int(name)
        assert np.abs(each.image - mnist.test.images[is_in].mean(axis=0)).max() <= 0.5
        assert each.facts["n_images"] == is_in.sum()
    assert len(pictures) == 3
    if len(names) == 2:
        less, more = (each.image / 255 for each in means)
        assert np.allclose(pictures[2].image, more - less)
        assert pictures[2].caption == f"{names[1]} less {names[0]}"
        assert pictures.legend == f"{{plus}}: more ink in {names[1]}; {{minus}}: in {names[0]}"


@pytest.mark.parametrize(
    ("task", "captions"),
    [("0v1", ["for 1, against 0"]), ("0v1v2", ["for 0", "for 1", "for 2"])],
)
def test_weights_of_a_model_are_on_one_scale(mnist, task, captions):
    model = trained(mnist, task)
    pictures = gallery.weight_images(model)
    coef = model.classifier.coef.reshape(-1, 28, 28)
    assert np.allclose([each.image for each in pictures], coef / np.abs(coef).max())
    assert [each.caption for each in pictures] == captions
    assert pictures.n_columns is None


def test_weights_of_several_models_are_side_by_side_on_one_scale(mnist):
    models = [trained(mnist, "digits", f"digits@{i}", C) for i, C in ((1, 1.0), (2, 100.0))]
    pictures = gallery.weight_images(*models)
    names = [(each.facts["model"], each.facts["class"]) for each in pictures]
    assert names == [(f"digits@{version}", str(k)) for k in range(10) for version in (1, 2)]
    coef = np.stack([model.classifier.coef for model in models], axis=1)
    assert set(facts(pictures, "largest_weight")) == {np.abs(coef).max()}
    drawn = np.array([each.image for each in pictures])
    assert np.allclose(drawn, coef.reshape(-1, 28, 28) / np.abs(coef).max())
    assert pictures.n_columns == 4
    of_other_classes = gallery.weight_images(trained(mnist, "3v8", "3v8@1"), models[0])
    assert facts(of_other_classes, "model") == ["3v8@1"] + 10 * ["digits@1"]
    of_pairs = gallery.weight_images(models[0], trained(mnist, "pairs", "pairs@1"))
    assert facts(of_pairs, "model") == 10 * ["digits@1"] + 45 * ["pairs@1"]


def test_a_model_without_patches_has_no_filters_and_one_of_patches_no_pixels(mnist):
    with pytest.raises(UsageError, match=r"^the model has no filters: it looks at pixels"):
        gallery.filter_images(trained(mnist, "0v1"))
    with pytest.raises(UsageError, match=r"looks at 1,728 features, not at pixels"):
        gallery.weight_images(mnistcli.load_model("builtin"))
    filters = gallery.filter_images(mnistcli.load_model("builtin"))
    assert all(np.abs(each.image).max() == pytest.approx(1) for each in filters)


def test_pictures_of_files_fit_a_terminal_and_small_ones_stay_as_they_are(tmp_path):
    small = np.random.default_rng(0).integers(0, 256, (20, 9), np.uint8)
    for name, image in (("small", small), ("large", np.kron(small, np.ones((10, 10), np.uint8)))):
        Image.fromarray(image).save(tmp_path / f"{name}.png")
    (as_it_is,) = gallery.pictures_in(tmp_path / "small.png")
    assert np.array_equal(as_it_is.image, small)
    (reduced,) = gallery.pictures_in(tmp_path / "large.png")
    assert reduced.image.shape == (56, 25)
    assert reduced.caption == f"{tmp_path / 'large.png'}: 90 x 200"
    assert (reduced.facts["height"], reduced.facts["width"]) == (200, 90)
    with pytest.raises(BadImageError, match="not a picture"):
        next(gallery.pictures_in(BadImageError("x", "not a picture")))


def test_a_digit_is_one_letter():
    assert gallery.parse_digit("7") == 7
    for wrong in ("", "10", "x", "²"):
        with pytest.raises(UsageError, match="is not a digit"):
            gallery.parse_digit(wrong)
