from __future__ import annotations

import gzip
import io
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from sklearn import metrics

import mnistcli
from mnistcli.cli.render.reports import confusion_table
from mnistcli.datasets.sources import BUNDLE

SCALARS = ("accuracy", "balanced_accuracy", "log_loss", "roc_auc", "average_precision")


@pytest.fixture
def model(invoke):
    assert invoke("train", "--task", "2vrest", "--limit", "1000", "-q").out == "2vrest@1\n"


def evaluation(invoke, *arguments):
    done = invoke("evaluate", *arguments, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_values_equal_scikit_learn(invoke, model, mnist):
    from mnistcli import load_model
    from mnistcli.linear_model.classifier import probabilities_of

    ours = evaluation(invoke)
    y = (mnist.test.labels == 2).astype(int)
    scores = load_model().classifier.decision_function(mnist.test.images)
    probabilities = probabilities_of(scores)
    theirs = {
        "accuracy": metrics.accuracy_score(y, scores > 0),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, scores > 0),
        "log_loss": metrics.log_loss(y, probabilities),
        "roc_auc": metrics.roc_auc_score(y, scores),
        "average_precision": metrics.average_precision_score(y, scores),
    }
    assert {name: ours[name] for name in SCALARS} == pytest.approx(theirs, abs=1e-12)
    assert ours["confusion"] == metrics.confusion_matrix(y, scores > 0).tolist()
    assert (ours["baseline_class"], ours["baseline_accuracy"]) == ("rest", 0.8968)
    assert ours["on"] == "mnist test"


def test_the_table_has_what_a_user_of_scikit_learn_looks_for(invoke, model):
    out = invoke("evaluate").out
    for word in (
        "Accuracy", "To beat", "89.68 %: always answering rest", "Balanced accuracy", "ROC AUC",
        "Average precision", "Log loss", "precision", "recall", "f1-score", "support", "macro avg",
        "weighted avg", "confusion matrix", "truth \\ answer",
    ):  # fmt: skip
        assert word in out


def test_mistakes_are_the_worst_first_and_drawn(invoke, model, mnist):
    document = evaluation(invoke, "--mistakes", "5")
    mistakes = document["mistakes"]
    assert len(mistakes) == 5
    assert [m["p_truth"] for m in mistakes] == sorted(m["p_truth"] for m in mistakes)
    for mistake in mistakes:
        assert (mnist.test.labels[mistake["index"]] == 2) == (mistake["truth"] == "2")
        assert mistake["truth"] != mistake["answer"]
    out = invoke("evaluate", "--mistakes", "5", "--render", "half").out
    for mistake in mistakes:
        assert f"#{mistake['index']}: {mistake['truth']} not {mistake['answer']}" in out
    assert "▀" in out


@pytest.fixture
def few(mnist):
    return mnist.test.images[:50], mnist.test.labels[:50]


def write_csv(path, images, labels):
    header = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    rows = np.column_stack([labels, images.reshape(len(images), -1)])
    np.savetxt(path, rows, fmt="%d", delimiter=",", header=header, comments="")


def test_own_files_in_every_container_give_the_same(invoke, model, few, tmp_path):
    images, labels = few
    write_csv(tmp_path / "few.csv", images, labels)
    np.savez_compressed(tmp_path / "few.npz", images=images, labels=labels)
    np.savez(tmp_path / "keras.npz", x_test=images, y_test=labels.astype(np.int64))
    (tmp_path / "few-images-idx3-ubyte").write_bytes(
        bytes([0, 0, 8, 3, 0, 0, 0, 50, 0, 0, 0, 28, 0, 0, 0, 28]) + images.tobytes()
    )
    (tmp_path / "few-labels-idx1-ubyte.gz").write_bytes(
        gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 50]) + labels.tobytes())
    )
    answers = [
        evaluation(invoke, "--data", str(tmp_path / name))
        for name in ("few.csv", "few.npz", "keras.npz", "few-images-idx3-ubyte")
    ]
    assert answers[0]["n_samples"] == 50
    for answer in answers[1:]:
        assert answer["confusion"] == answers[0]["confusion"]
        assert answer["log_loss"] == pytest.approx(answers[0]["log_loss"], abs=1e-12)


def test_the_published_pair_of_files_is_the_test_set(invoke, model, tmp_path):
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        shutil.copy(BUNDLE / name, tmp_path)
    own = evaluation(invoke, "--data", str(tmp_path / "t10k-images-idx3-ubyte.gz"))
    assert own["confusion"] == evaluation(invoke)["confusion"]


def change_csv(path, line, column, text):
    lines = path.read_text().splitlines()
    cells = lines[line - 1].split(",")
    cells[column] = text
    lines[line - 1] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x", "line 3, column pixel9: 'x' is not a whole number from 0 to 255"),
        ("", "line 3, column pixel9: '' is not a whole number from 0 to 255"),
        ("256", "line 3, column pixel9: '256' is not a whole number from 0 to 255"),
        ("-1", "line 3, column pixel9: '-1' is not a whole number from 0 to 255"),
        ("1e400", "line 3, column pixel9: "),
        ("0.5", "line 3, column pixel9: "),
        ("5,5", "is no CSV file: "),
        ("²", "line 3, column pixel9: '²' is not"),
        ("9" * 5000, "line 3, column pixel9: "),
    ],
)
def test_a_bad_cell_is_named_by_line_and_column(invoke, model, few, tmp_path, text, problem):
    path = tmp_path / "bad.csv"
    write_csv(path, *few)
    change_csv(path, 3, 10, text)
    done = invoke("evaluate", "--data", str(path))
    assert done.code == 4
    assert problem in done.err


@pytest.mark.parametrize(
    ("content", "code", "problem"),
    [
        (b"", 4, "is no CSV file"),
        (",".join(["label", *(f"pixel{i}" for i in range(784))]).encode(), 4, "header and no rows"),
        (b"label,pixel0\n1,2\n", 4, "its 2 columns are not label,pixel0,...,pixel783"),
        (b"<!doctype html><p>404", 4, "is html, not labelled digits"),
        (b"PK\x03\x04nonsense", 4, "npz"),
        (b"\x00\x00\x08\x03\x00", 4, "ends within its header"),
        (b"\x1f\x8bnonsense", 4, "compressed data"),
        (b"\xff\xfe\x00", 4, "is no CSV file"),
        (None, 3, "there is no file"),
    ],
    ids=range(9),
)
def test_files_of_another_kind_are_refused(invoke, model, tmp_path, content, code, problem):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    done = invoke("evaluate", "--data", str(path))
    assert done.code == code
    assert problem in done.err
    assert done.err.count("\n") <= 2


def test_a_file_without_the_digits_of_the_task_is_named(invoke, mnist, tmp_path):
    invoke("train", "--task", "0v1", "--limit", "100")
    sevens = mnist.test.labels == 7
    np.savez(tmp_path / "x.npz", images=mnist.test.images[sevens], labels=mnist.test.labels[sevens])
    done = invoke("evaluate", "--data", str(tmp_path / "x.npz"))
    assert done.code == 3
    assert "has no image for the task 0v1" in done.err


def test_quiet_prints_the_accuracy_and_tsv_all_numbers(invoke, model):
    accuracy = evaluation(invoke)["accuracy"]
    assert invoke("evaluate", "-q").out == f"{accuracy!r}\n"
    lines = [line.split("\t") for line in invoke("evaluate", "--tsv").out.splitlines()]
    assert lines[0] == ["metric", "class", "value"]
    assert ["accuracy", "", repr(accuracy)] in lines
    assert ["support", "2", "1032"] in lines


def test_a_model_file_can_be_evaluated_where_it_lies(invoke, model, home, tmp_path):
    shutil.copy(home / "models" / "2vrest" / "1.safetensors", tmp_path / "copy.safetensors")
    there = evaluation(invoke, str(tmp_path / "copy.safetensors"))
    assert there["confusion"] == evaluation(invoke)["confusion"]


def test_options_that_contradict_each_other(invoke, model):
    done = invoke("evaluate", "--data", "x.csv", "--on", "train")
    assert (done.code, done.out) == (2, "")


def test_mistakes_go_into_a_file(invoke, model, tmp_path):
    done = invoke("evaluate", "--mistakes", "3", "--output", str(tmp_path / "x.png"))
    assert done.code == 0
    assert "confusion matrix" in done.out
    assert "mistakes of" not in done.out
    assert "wrote" in done.err
    with Image.open(tmp_path / "x.png") as page:
        assert page.width > 900
    assert invoke("evaluate", "--output", str(tmp_path / "y.png")).code == 2


def test_the_confusion_matrix_is_a_heat_map_where_there_are_colours(model, mnist):
    judged = mnistcli.evaluate(mnistcli.load_model(), mnist)

    def matrix(**settings):
        page = Console(file=io.StringIO(), width=80, height=50, _environ={}, **settings)
        page.print(confusion_table(judged.evaluation, ("rest", "2"), page))
        return page.file.getvalue()

    plain = matrix()
    coloured = matrix(force_terminal=True, color_system="truecolor")
    assert "\x1b" not in plain
    without_codes = re.sub(r"\x1b\[[0-9;]*m", "", coloured).replace("\xa0", " ")
    assert [line.split() for line in without_codes.splitlines()] == [
        line.split() for line in plain.splitlines()
    ]
    counts = judged.evaluation.confusion
    assert [line.split() for line in plain.splitlines()[-3:-1]] == [
        ["rest", *map(str, counts[0])],
        ["2", *map(str, counts[1])],
    ]
    # every shaded number has a colour of its own that stands out
    shaded = re.findall(r"\x1b\[(?:1;)?38;2;(\d+);\d+;\d+;48;2;(\d+);(\d+);(\d+)m", coloured)
    assert len(shaded) >= 3
    for ink, *paper in shaded:
        light = np.dot([0.299, 0.587, 0.114], [int(level) for level in paper])
        assert abs(int(ink) - light) > 100
