"""What a model is asked and answers, from Python."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import mnistcli
from mnistcli.errors import BadImageError, UsageError
from mnistcli.prediction import (
    Reader,
    doubts_about,
    explain,
    predict,
    unfold,
)
from mnistcli.settings import SplitSpec, TrainingSettings


@pytest.fixture(scope="module", params=["3v8", "digits", "pairs"])
def model(request, mnist):
    settings = TrainingSettings(split=SplitSpec(limit=500))
    return mnistcli.train(request.param, mnist, settings).model


def test_the_answer_is_the_most_probable_class(model, mnist):
    images = mnist.test.images[:50]
    predictions = predict(model, images)
    assert len(predictions) == 50
    assert np.array_equal(predictions.classes, predictions.probabilities.argmax(axis=1))
    assert predictions.probabilities.sum(axis=1) == pytest.approx(np.ones(50))
    names, probabilities = zip(*predictions, strict=True)
    assert list(names) == [model.card.class_names[k] for k in predictions.classes]
    assert probabilities == tuple(predictions.probabilities.max(axis=1).tolist())
    assert np.array_equal(
        predict(model, images.reshape(50, 784)).probabilities, predictions.probabilities
    )
    assert predict(model, images[7]).classes.tolist() == predictions.classes[7:8].tolist()


@pytest.mark.parametrize(
    "other",
    [
        lambda x: x / 255, lambda x: (x / 255).astype("f4"), np.int64, lambda x: x[..., None],
        lambda x: pd.DataFrame(x.reshape(-1, 784)).astype("Int64"), lambda x: pd.Series(list(x)),
    ],
)  # fmt: skip
def test_an_array_is_read_as_a_file_is(model, mnist, other):
    images = mnist.test.images[:20]
    assert predict(model, other(images)).classes.tolist() == predict(model, images).classes.tolist()
    assert explain(model, images[0] / 255).answer == explain(model, images[0]).answer
    assert mnistcli.conform(images[0] / 255).image.tolist() == images[0].tolist()


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (-np.ones((1, 784)), "the picture holds -1, expected 0 to 255 or 0 to 1"),
        (np.full((28, 28), 256), "holds 256"),
        (np.full((28, 28), np.nan), "holds nan"),
        (np.tile(2.0 * np.eye(28), (12, 1, 1)), "the array holds no value above 2, expected ink"),
        (np.tile(2.0 * np.eye(28), (12, 1)).reshape(12, 784), "the array holds no value above 2"),
        (np.zeros((5, 28, 28, 3), np.uint8), r"not \(5, 28, 28, 3\)"),
        ([[1, 2]], r"not \(1, 2\)"),
        ("seven.png", "pictures are grey numbers"),
        (np.ma.masked_array(np.zeros((28, 28)), np.eye(28)), "pictures are masked"),
        ([np.zeros((28, 28)), np.zeros((9, 9))], "pictures in one array are all of one size"),
    ],
)
def test_what_is_no_image_is_refused(model, images, words):
    for ask in (predict, explain):
        with pytest.raises(UsageError, match=words):
            ask(model, images)


@pytest.mark.parametrize(
    "picture", ["seven.png", np.zeros((9, 9, 3), np.uint8), [1, 2], np.zeros((0, 7))]
)
def test_what_is_no_picture_is_refused(picture):
    for ask in (mnistcli.conform, lambda x: mnistcli.read_numbers(None, x)):
        with pytest.raises(UsageError, match="pictures are grey numbers"):
            ask(picture)


def test_what_is_taken_as_it_is_has_light_ink(model, mnist):
    for ask in (predict, explain):
        with pytest.raises(UsageError, match="dark ink on light paper") as caught:
            ask(model, 255 - mnist.test.images[0])
        assert caught.value.hint == "turn them: 255 - X"


def test_hints_lead_from_a_file_to_an_answer(model, mnist, tmp_path):
    file = tmp_path / "seven.png"
    Image.fromarray(255 - mnist.test.images[0]).resize((280, 280)).save(file)
    with pytest.raises(UsageError) as caught:
        predict(model, file)
    assert 'Image.open(file).convert("L")' in caught.value.hint
    picture = Image.open(file).convert("L")
    with pytest.raises(UsageError) as caught:
        predict(model, picture)
    assert "mnistcli.conform(picture).image" in caught.value.hint
    assert predict(model, mnistcli.conform(picture).image).answers[0] in model.card.class_names


def test_an_explanation_adds_up_to_the_odds_of_the_two(model, mnist):
    for image in mnist.test.images[np.isin(mnist.test.labels, [3, 8])][:20]:
        why = explain(model, image)
        best, *_, second = np.argsort(predict(model, image).probabilities[0])[::-1][[0, 1]]
        names = model.card.class_names
        assert (why.answer, why.runner_up) == (names[best], names[second])
        assert why.contributions.sum() + why.intercept == pytest.approx(why.score)
        assert why.score == pytest.approx(np.log(why.p_answer / why.p_runner_up), rel=1e-6)
        assert not why.contributions[image == 0].any()
        p = predict(model, image).probabilities[0]
        if model.card.task.name == "pairs":
            assert why.is_of_pair
            assert why.p_answer + why.p_runner_up == pytest.approx(1)
        else:
            assert (why.p_answer, why.p_runner_up) == pytest.approx((p[best], p[second]))


def test_an_explanation_against_a_class_of_one_s_own(model, mnist):
    image = mnist.test.images[18]
    names, p = model.card.class_names, predict(model, image).probabilities[0]
    usual = explain(model, image)
    for name, share in zip(names, p, strict=True):
        why = explain(model, image, against=name)
        assert why.answer == usual.answer
        assert why.runner_up == (usual.runner_up if name == usual.answer else name)
        assert why.contributions.sum() + why.intercept == pytest.approx(why.score)
        assert why.score == pytest.approx(np.log(why.p_answer / why.p_runner_up), rel=1e-6)
        if name != usual.answer and not why.is_of_pair:
            assert why.p_runner_up == pytest.approx(share)
    with pytest.raises(UsageError, match="'x' is no class of"):
        explain(model, image, against="x")
    with pytest.raises(UsageError, match="of one image, not of 3"):
        explain(model, mnist.test.images[:3])


def test_abstaining_is_below_and_not_at_the_bar(model, mnist):
    (certain,) = Reader(model).indices(mnist, [0])
    for bar, answer in ((certain.probability, certain.best), (certain.probability + 1e-9, "?")):
        (got,) = Reader(model, abstain_below=bar).indices(mnist, [0])
        assert (got.answer, got.best) == (answer, certain.best)


@pytest.mark.parametrize("index", [-1, 10_000])
def test_an_index_that_is_none(model, mnist, index):
    with pytest.raises(UsageError, match="there is no test image"):
        Reader(model).indices(mnist, [0, index])


def test_files_come_in_their_order_errors_among_them(model, mnist, tmp_path):
    np.save(tmp_path / "x.npy", mnist.test.images[:3])
    first = BadImageError("scans", "is a folder without pictures")
    got = list(Reader(model).files([first, tmp_path / "x.npy", tmp_path / "no.png"]))
    assert list(Reader(model).files([])) == []
    assert got[0] is first
    assert [each.source for each in got[1:4]] == [f"{tmp_path / 'x.npy'}[{i}]" for i in range(3)]
    expected = predict(model, mnist.test.images[:3])
    rows = [digit.probabilities for each in got[1:4] for digit in each.digits]
    assert np.array_equal(rows, expected.probabilities)
    assert (got[4].source, got[4].problem) == (
        str(tmp_path / "no.png"),
        "no such file or directory",
    )


def test_pictures_come_with_their_answers_only_where_they_are_asked_for(model, mnist, tmp_path):
    large = Image.fromarray(255 - mnist.test.images[3]).resize((90, 90))
    large.save(tmp_path / "x.png")
    np.save(tmp_path / "x.npy", mnist.test.images[:1])
    files = [tmp_path / "x.png", tmp_path / "x.npy"]
    drawn, image = Reader(model).files(files)
    assert np.array_equal(drawn.original, large)
    assert image.original is image.digits[0].image
    without = list(Reader(model, originals=False).files(files))
    assert all(each.original is each.digits[0].image for each in without)
    assert [(each.answer, each.notes, each.digits[0].typicality) for each in without] == [
        (each.answer, each.notes, each.digits[0].typicality) for each in (drawn, image)
    ]


def test_one_digit_is_a_number_of_one_line_of_one_digit(mnist, tmp_path):
    model = mnistcli.load_model("builtin")
    large = Image.fromarray(255 - mnist.test.images[3]).resize((112, 112))
    large.save(tmp_path / "x.png")
    files = [tmp_path / "x.png"]
    (one,), (number,) = Reader(model).files(files), Reader(model).files(files, numbers=True)
    (digit,), (same,) = *one.lines, *number.lines
    assert digit.answer == same.answer == one.answer == number.answer == "0"
    assert one.box_of(digit) == (0, 112, 0, 112)
    assert one.probability == digit.probability
    top, bottom, left, right = number.box_of(same)
    assert 0 < top < bottom < 112
    assert 0 < left < right < 112


def test_one_picture_is_read_as_its_file_is(model, mnist, tmp_path):
    large = Image.fromarray(255 - mnist.test.images[3]).resize((90, 90))
    large.save(tmp_path / "x.png")
    got = Reader(model).picture(np.asarray(large))
    (expected,) = Reader(model).files([tmp_path / "x.png"])
    assert np.array_equal(got.digits[0].image, expected.digits[0].image)
    assert (got.answer, got.probability, got.notes) == (
        expected.answer, expected.probability, expected.notes,
    )  # fmt: skip
    with pytest.raises(BadImageError, match="drawing: is blank"):
        Reader(model).picture(np.zeros((50, 50), np.uint8))


def test_a_folder_unfolds_into_its_regular_pictures_by_name(tmp_path):
    for name in ("b.png", "a.PNG", "c.jpg", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "below.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    too_long = tmp_path / ("x" * 300)
    empty = tmp_path / "below.png"
    *named, problem, long = unfold(["-", tmp_path, empty, too_long])
    assert named[0] == "-"
    assert [path.name for path in named[1:]] == ["a.PNG", "b.png", "c.jpg"]
    assert problem.source == str(empty)
    assert problem.problem == "is a folder without pictures"
    assert long == too_long


def test_images_come_with_a_channel_or_without(model, test_images):
    wanted = predict(model, test_images[:2]).probabilities
    for images in (test_images[:2, None], test_images[:2, ..., None] / 255):
        assert np.allclose(predict(model, images).probabilities, wanted)
    for image in (test_images[0][..., None], test_images[0][None]):
        assert np.allclose(predict(model, image).probabilities, wanted[:1])
    for wrong in ("seven.png", []):
        with pytest.raises(UsageError):
            predict(model, wrong)


def test_labels_are_doubted_where_most_are_read_otherwise_and_not_of_a_few(mnist):
    images, labels = mnist.test.images[:500], mnist.test.labels[:500]
    assert doubts_about(images, labels) == ""
    wrong = (labels + 1) % 10
    assert doubts_about(images, wrong).endswith("of 167 images as they are labelled")  # every third
    for n in (0, 1, 9):
        assert doubts_about(images[:n], wrong[:n]) == ""


@pytest.mark.parametrize(
    ("n", "n_right", "is_doubted"), [(20, 10, False), (20, 9, True), (10, 0, True)]
)
def test_labels_are_doubted_from_ten_of_which_less_than_half_are_read_so(
    mnist, n, n_right, is_doubted
):
    images, labels = mnist.train.images[:n], mnist.train.labels[:n].copy()
    labels[n_right:] = (labels[n_right:] + 1) % 10
    told = f"builtin reads {n_right} of {n} images as they are labelled"
    assert doubts_about(images, labels) == (told if is_doubted else "")
