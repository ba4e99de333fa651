"""Arrays, frames and whatever somebody has at hand in Python, to train on and to judge on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import mnistcli
from mnistcli.containers.digits import NOT_TRANSPOSED
from mnistcli.datasets.given import open_dataset, to_judge
from mnistcli.errors import CorruptFileError, DataUnavailableError, UsageError
from mnistcli.mnist import DIGIT_WORDS


@pytest.fixture(scope="module")
def pair(mnist):
    return mnist.test.images[:60], mnist.test.labels[:60]


def frame_of(X, y, *, last=False):
    frame = pd.DataFrame(X.reshape(len(X), -1), columns=[f"pixel{i}" for i in range(784)])
    frame.insert(784 if last else 0, "label", y)
    return frame


FORMS = {
    "arrays": lambda X, y: (X, y),
    "rows": lambda X, y: (X.reshape(len(X), -1), y.astype(float)),
    "shares of 255": lambda X, y: ((X / 255).astype(np.float32), np.eye(10)[y]),
    "channels last": lambda X, y: (X[..., None], y[:, None]),
    "channels first, signed": lambda X, y: (X[:, None] / 127.5 - 1, y),
    "colours": lambda X, y: (np.repeat(X[..., None], 3, axis=-1), y),
    "text": lambda X, y: (X, y.astype(str)),
    "words": lambda X, y: (X, np.array(list(DIGIT_WORDS)[:10])[y]),
    "lists": lambda X, y: [X.reshape(len(X), -1).tolist(), y.tolist()],
    "pictures": lambda X, y: ([Image.fromarray(each) for each in X], list(y)),
    "frame and categories": lambda X, y: (
        frame_of(X, y).drop(columns="label"),
        pd.Series(y.astype(str), dtype="category"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_images_and_labels_in_any_form(form, pair):
    found = to_judge(FORMS[form](*pair))
    assert (found.images == pair[0]).all()
    assert (found.labels == pair[1]).all()


def test_a_path_opens_what_is_there(tmp_path, pair, monkeypatch):
    np.savez(tmp_path / "mine.npz", images=pair[0], labels=pair[1])
    dataset = mnistcli.open_dataset(tmp_path / "mine.npz")
    assert (dataset.name, len(dataset.train.labels), len(dataset.test.labels)) == ("mine", 48, 12)
    monkeypatch.chdir(tmp_path)
    assert mnistcli.open_dataset(Path()).name == tmp_path.name


def test_what_is_no_name_is_data(pair):
    assert mnistcli.open_dataset(pair).name == "arrays"
    with pytest.raises(UsageError, match="int is not images and their labels"):
        mnistcli.open_dataset(3)


def test_a_model_of_arrays_is_judged_on_what_is_given(pair):
    model = mnistcli.train("1v7", pair).model
    for judge in (
        mnistcli.evaluate,
        mnistcli.mistakes,
        lambda each: mnistcli.compare([each, each]),
    ):
        said = r"^(the model|model 1) was trained on arrays, which is not among the datasets"
        with pytest.raises(DataUnavailableError, match=said):
            judge(model)
    assert 0 < len(mnistcli.evaluate(model, pair).samples) < 60


def test_what_says_which_images_are_for_the_test(pair):
    X, y = pair
    given = (X[20:], y[20:]), (X[:20], y[:20])  # as Keras has it
    dataset = open_dataset(given)
    assert (len(dataset.train.labels), len(dataset.test.labels)) == (40, 20)
    assert (to_judge(given).images == dataset.test.images).all()


def test_a_fifth_of_every_digit_is_kept_for_the_test_by_seed(pair):
    one, same, other = (open_dataset(pair, seed=seed) for seed in (1, 1, 2))
    assert len(one.test.labels) == 12
    assert one.sha256 == same.sha256 != other.sha256
    assert np.ptp(np.bincount(one.train.labels) - 4 * np.bincount(one.test.labels)) < 8


def test_what_is_evaluated_is_what_is_predicted(pair):
    X, y = pair[0] // 2, pair[1]  # nothing of which is brought into MNIST's form
    predicted = mnistcli.predict("builtin", X).answers.astype(int)
    judged = mnistcli.evaluate("builtin", (X, y))
    assert judged.on == "the data"
    assert (judged.answers == predicted).all()
    assert judged.evaluation.accuracy == (predicted == y).mean()


def test_pictures_of_another_size_are_brought_into_the_form(pair):
    large = np.kron(pair[0], np.ones((1, 3, 3), np.uint8))
    assert mnistcli.evaluate("builtin", (large, pair[1])).evaluation.accuracy > 0.95
    digits = load_digits()
    assert to_judge((digits.images[:9], digits.target[:9])).labels.tolist() == [*range(9)]


def test_arrays_are_taken_as_they_lie_and_frames_by_the_names_of_their_columns(pair):
    X, y = pair
    lying = X.transpose(0, 2, 1)  # as EMNIST's do
    judged = to_judge((lying, y))
    assert (judged.images == lying).all()
    assert judged.notes == (NOT_TRANSPOSED,)
    frame = frame_of(X, y).drop(columns="label")
    shuffled = frame.iloc[:, np.random.default_rng(0).permutation(784)]
    assert (to_judge((shuffled, y)).images == X).all()
    answers = mnistcli.predict("builtin", X).answers
    assert (mnistcli.predict("builtin", shuffled).answers == answers).all()


def test_training_on_arrays(mnist, pair):
    X, y = mnist.train.images[:400], mnist.train.labels[:400]
    training = mnistcli.train("digits", ((X, y), pair))
    assert training.evaluation.accuracy > 0.7
    assert (training.model.card.dataset, training.model.card.n_train) == ("arrays", 400)
    assert mnistcli.train("0v1", (X, y)).evaluation.accuracy == 1.0
    assert len(mnistcli.compare([training.model, "builtin"], pair).judged[0].samples) == 60
    assert len(mnistcli.mistakes(training.model, pair, n=2)) == 2


def test_files_and_folders_by_their_paths(pair, tmp_path):
    path = tmp_path / "mine.csv"
    frame_of(*pair).to_csv(path, index=False)
    assert (to_judge(path).images == pair[0]).all()
    dataset = open_dataset(path)
    assert (dataset.name, len(dataset.test.labels)) == ("mine", 12)
    path.write_text(path.read_text() + path.read_text().splitlines()[7].replace(",", ",x", 1))
    with pytest.warns(
        UserWarning, match=r"^1 input left out; the first: .*mine\.csv row 61: column"
    ):
        assert len(open_dataset(path).test.labels) == 12
    with pytest.raises(DataUnavailableError, match="there is no file"):
        to_judge(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("given", "error", "problem"),
    [
        (
            lambda X, y: (frame_of(X, y).drop(columns="label")[::-1], pd.Series(y)),
            UsageError,
            "the same index, in two orders",
        ),
        (lambda X, _: X, UsageError, "ndarray is not images and their labels"),
        (lambda X, y: (X, y[:5]), CorruptFileError, "holds 5 labels"),
        (lambda X, y: (y, X), CorruptFileError, "expected one label for each image"),
        (lambda X, y: (X, y.astype(int) + 1), CorruptFileError, "its label is 10"),
        (lambda X, y: (X, np.where(y > 8, np.nan, y)), CorruptFileError, "its label is no number"),
        (lambda X, _: (X, None), UsageError, "labels are no numbers but NoneType"),
        (lambda X, y: (X, y, y), UsageError, "tuple is not images and their labels"),
        (lambda X, y: (255 - X, y), UsageError, "the images are dark ink on light paper"),
        (lambda X, y: ([X[0], X[0][:9]], y[:2]), UsageError, "images in one array are all of one"),
        (lambda X, y: zip(X, y, strict=True), UsageError, "zip is not images"),
        (lambda X, y: (X.astype(complex), y), UsageError, "images are no numbers but ndarray"),
        (lambda _, y: pd.DataFrame({"a": y}), UsageError, "DataFrame is not images"),
        (lambda *_: 7, UsageError, "int is not images"),
    ],
)
def test_what_is_no_labelled_digits_is_said_in_a_line(given, error, problem, pair):
    for take in (to_judge, open_dataset, lambda g: mnistcli.train("digits", g)):
        with pytest.raises(error, match=problem) as caught:
            take(given(*pair))
        assert "\n" not in str(caught.value)
