from __future__ import annotations

import gzip
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from rich.style import Style
from sklearn import metrics

import mnistcli
from mnistcli.cli.content.numbers import decimal, span
from mnistcli.cli.content.parts import HeatMap
from mnistcli.cli.terminal.console import heat_table
from mnistcli.datasets.sources import BUNDLE
from mnistcli.metrics.curves import corner_for

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


def test_a_bad_cell_is_named_by_row_and_column(invoke, model, few, tmp_path):
    path = tmp_path / "bad.csv"
    write_csv(path, *few)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], f"1,x{lines[3][3:]}", *lines[4:]]))
    done = invoke("evaluate", "--data", str(path))
    assert (done.code, done.out) == (4, "")
    assert f"{path} row 3: column pixel0 holds 'x', expected a number from 0 to 255" in done.err


@pytest.mark.parametrize("data", ["-", "/dev/stdin"])
def test_a_pipe_is_read_as_a_file_is(run, invoke, model, few, tmp_path, data):
    write_csv(tmp_path / "few.csv", *few)
    content = (tmp_path / "few.csv").read_bytes()
    piped = run("evaluate", "--data", data, "-q", stdin=content)
    assert piped.out == invoke("evaluate", "--data", str(tmp_path / "few.csv"), "-q").out
    if data == "-":
        archive = shutil.make_archive(str(tmp_path / "few"), "zip", tmp_path, "few.csv")
        packed = run("evaluate", "--data", "-", "-q", stdin=Path(archive).read_bytes())
        assert packed.out == piped.out


def test_what_was_done_and_what_takes_no_part_is_told(invoke, few, tmp_path):
    images, labels = few
    invoke("train", "--task", "0v1", "--limit", "100")
    np.savez(tmp_path / "dark.npz", images=255 - images, labels=labels)
    done = invoke("evaluate", "--data", str(tmp_path / "dark.npz"), "--json")
    n = int((labels <= 1).sum())
    assert json.loads(done.out)["n_samples"] == n
    assert "50 of 50 images were brought into MNIST's form: dark ink on light paper" in done.err
    assert f"{50 - n} of 50 images show no digit of the task: left out" in done.err
    raw = invoke("evaluate", "--data", str(tmp_path / "dark.npz"), "--json", "--raw")
    assert json.loads(raw.out)["accuracy"] < json.loads(done.out)["accuracy"]


@pytest.mark.parametrize(
    ("content", "code", "problem"),
    [
        (b"", 4, "is empty"),
        (
            f"label,{','.join(f'pixel{i}' for i in range(784))}\na{',0,255' * 392}\n".encode(),
            4,
            "row 1: its label is no number",
        ),
        (b"label,pixel0\n1,2\n", 4, "has 2 columns in its first line"),
        (b"<!doctype html><p>404", 4, "is a web page"),
        (b"\x1f\x8bnonsense", 4, "is damaged gzip data"),
        (b"\xff\xfd\x00", 4, "is no kind of data that is read here"),
        (None, 3, "hint: a dataset goes by its name: --dataset "),
    ],
    ids=range(7),
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
    assert "has no image for the task 0v1\nhint: choose another model" in done.err


def test_quiet_prints_the_accuracy_and_tsv_all_numbers(invoke, model, mnist):
    accuracy = evaluation(invoke)["accuracy"]
    assert invoke("evaluate", "-q").out == f"{accuracy!r}\n"
    lines = [line.split("\t") for line in invoke("evaluate", "--tsv").out.splitlines()]
    assert lines[0] == ["metric", "class", "value", "low", "high"]
    low, high = evaluation(invoke)["accuracy_interval"]
    assert ["accuracy", "", repr(accuracy), repr(low), repr(high)] in lines
    assert ["support", "2", "1032", "", ""] in lines
    document = evaluation(invoke, "--mistakes", "2")
    for name in ("precision", "recall", "f1_score"):
        for row in (*document["classes"], document["macro_avg"], document["weighted_avg"]):
            values = (row[name], *row[f"{name}_interval"])
            assert [name, row["name"], *map(repr, values)] in lines
    assert not any(line[0] == "mistake" for line in lines)
    found = [
        line.split("\t") for line in invoke("evaluate", "--mistakes", "2", "--tsv").out.splitlines()
    ]
    assert found == lines + [
        ["mistake", each["truth"], str(each["index"]), "", ""] for each in document["mistakes"]
    ]


def test_the_table_has_each_number_in_its_place(invoke, model):
    """Precision, recall and f1-score of each class and average, each with its own interval."""
    document = evaluation(invoke)
    lines = [line.split() for line in invoke("evaluate").out.splitlines()]
    for row in (*document["classes"], document["macro_avg"], document["weighted_avg"]):
        cells = [*row["name"].split()]
        for name in ("precision", "recall", "f1_score"):
            cells += [decimal(row[name]), span(row[f"{name}_interval"])]
        assert [*cells, str(row["support"])] in lines
    accuracy = decimal(document["accuracy"]), span(document["accuracy_interval"])
    assert ["accuracy", *accuracy, "10000"] in lines


def test_mistakes_are_null_unless_asked_for(invoke, model):
    assert evaluation(invoke)["mistakes"] is None
    assert len(evaluation(invoke, "--mistakes", "1")["mistakes"]) == 1


def test_how_many_mistakes_are_shown_is_said(invoke, model, mnist, tmp_path):
    n = 10_000 - evaluation(invoke)["n_correct"]
    out = invoke("evaluate", "--mistakes", "2", "--render", "ascii").out
    assert f"the worst 2 of {n:,} mistakes of 2vrest@1 on mnist test" in out
    worst = evaluation(invoke, "--mistakes", "2")["mistakes"]
    for n in (1, 2):
        places = [each["index"] for each in worst[:n]]
        path = tmp_path / f"{n}.npz"
        np.savez(path, images=mnist.test.images[places], labels=mnist.test.labels[places])
        out = invoke("evaluate", "--mistakes", "9", "--data", str(path), "--render", "ascii").out
        assert ("the only mistake of" if n == 1 else "all 2 mistakes of") in out
        assert "#0: " in out


def test_what_is_not_known_is_a_dash_with_its_reason(invoke, model, mnist, tmp_path):
    ones = mnist.test.labels == 1
    path = tmp_path / "ones.npz"
    np.savez(path, images=mnist.test.images[ones], labels=mnist.test.labels[ones])
    lines = [
        " ".join(line.split()) for line in invoke("evaluate", "--data", str(path)).out.splitlines()
    ]
    assert "ROC AUC - no images of 2" in lines
    assert "Average precision - no images of 2" in lines
    assert "2 - - - 0" in lines
    document = evaluation(invoke, "--data", str(path))
    assert document["classes"][1] == {
        "name": "2", "precision": None, "recall": None, "f1_score": None, "support": 0,
        "precision_interval": [None, None], "recall_interval": [None, None],
        "f1_score_interval": [None, None],
    }  # fmt: skip
    assert document["roc_auc"] is None
    assert document["roc_auc_interval"] == [None, None]
    row = next(
        r
        for r in invoke("evaluate", "--data", str(path), "--tsv").out.splitlines()
        if r.startswith("recall\t2")
    )
    assert row == "recall\t2\t\t\t"


def test_what_to_know_of_own_data_is_told_in_quiet_mode_too(invoke, few, tmp_path):
    invoke("train", "--task", "0v1", "--limit", "100", "-q")
    np.savez(tmp_path / "few.npz", images=few[0], labels=few[1])
    n = int((few[1] > 1).sum())
    note = f"{n} of 50 images show no digit of the task: left out"
    for arguments in (["evaluate"], ["compare", "0v1", "0v1"]):
        done = invoke(*arguments, "--data", str(tmp_path / "few.npz"), "-q")
        assert (done.code, done.err) == (0, f"warning: {note}\n")
    assert evaluation(invoke, "--data", str(tmp_path / "few.npz"))["notes"] == [note]


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


CONFUSION = np.array([[980, 0, 1, 5, 14], [35, 960, 5, 0, 0], [0, 0, 1000, 0, 0],
                      [100, 0, 0, 460, 440], [0, 0, 0, 0, 0]])  # fmt: skip


def drawn_matrix(color_system):
    # A style remembers the codes of the first console that it was on.
    Style.parse.cache_clear()
    Style._add.cache_clear()
    page = Console(
        file=io.StringIO(), width=80, height=50, force_terminal=color_system is not None,
        color_system=color_system, _environ={},
    )  # fmt: skip
    page.print(heat_table(HeatMap.of_confusion(CONFUSION, "abcde"), page))
    return page.file.getvalue()


def luminance(colour):
    levels = np.array(colour) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    light, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_numbers_of_a_confusion_matrix_are_the_same_in_any_colours():
    plain = drawn_matrix(None)
    assert "\x1b" not in plain
    rows = [line.split() for line in plain.splitlines()[-5:]]
    assert [[0 if cell == "." else int(cell) for cell in row[1:]] for row in rows] == (
        CONFUSION.tolist()
    )
    for colours in ("standard", "256", "truecolor"):
        without_codes = re.sub(r"\x1b\[[0-9;]*m", "", drawn_matrix(colours)).replace("\xa0", " ")
        assert [line.split() for line in without_codes.splitlines()] == [
            line.split() for line in plain.splitlines()
        ]


def test_a_heat_map_can_be_read_on_white_and_on_black_and_shades_by_size():
    cells = re.findall(
        r"\x1b\[(?:1;)?38;2;(\d+;\d+;\d+);48;2;(\d+;\d+;\d+)m *(\d+)", drawn_matrix("truecolor")
    )
    papers = {}
    for ink, paper, count in cells:
        papers[count] = [int(level) for level in paper.split(";")]
        assert contrast([int(level) for level in ink.split(";")], papers[count]) >= 4.5
        assert contrast(papers[count], (255, 255, 255)) > 4.3
        assert contrast(papers[count], (0, 0, 0)) > 4
    redness = [papers[count][0] - papers[count][2] for count in ("5", "14", "35", "100")]
    assert redness == sorted(set(redness))
    assert all(papers[n][2] > papers[n][0] for n in ("960", "980", "1000"))  # blue
    assert "1" not in papers  # one of a thousand
    assert papers["460"][2] < 200 < papers["980"][2]  # 46 % of its row, 99 % of its column


def test_sixteen_colours_tell_three_sizes_of_mistakes():
    text = drawn_matrix("standard")
    styles = {count: code for code, count in re.findall(r"\x1b\[([0-9;]*)m *(\d+)", text)}
    assert styles["980"] == styles["1000"] == "1;97;44"  # white on blue
    assert styles["100"] == "1;97;41"  # white on red
    assert styles["14"] == styles["35"] == "31"
    assert styles["1"] == "0"  # plain, after the cell before it


# --- thresholds, calibration, curves, gates -----------------------------------------------------


def test_a_threshold_decides_everything_in_the_report(invoke, model, mnist):
    from mnistcli import load_model
    from mnistcli.linear_model.classifier import probabilities_of

    y = (mnist.test.labels == 2).astype(int)
    p = probabilities_of(load_model().classifier.decision_function(mnist.test.images))[:, 1]
    document = evaluation(invoke, "--threshold", "0.03", "--mistakes", "3")
    assert document["confusion"] == metrics.confusion_matrix(y, p >= 0.03).tolist()
    assert document["accuracy"] == metrics.accuracy_score(y, p >= 0.03)
    assert document["threshold"]["value"] == 0.03
    without = evaluation(invoke)
    assert without["threshold"] is None
    assert {name: document[name] for name in ("roc_auc", "log_loss", "brier", "ece")} == {
        name: without[name] for name in ("roc_auc", "log_loss", "brier", "ece")
    }
    everything = evaluation(invoke, "--threshold", "0.03", "--mistakes", "10000")["mistakes"]
    assert {mistake["index"] for mistake in everything} == {*np.flatnonzero((p >= 0.03) != y)}
    for mistake in everything:
        assert (mistake["answer"] == "2") == (p[mistake["index"]] >= 0.03)
    assert invoke("evaluate", "--threshold", "0.03").out.startswith(
        "Threshold          2 from a probability of 0.03 on\n"
    )
    assert invoke("evaluate", "--threshold", "0.99999999").out.startswith(
        "Threshold          2 from a probability of 0.99999999 on\n"
    )


def test_a_threshold_is_chosen_on_the_training_images_and_says_so(invoke, model, mnist):
    document = evaluation(invoke, "--threshold-for", "recall=0.97")
    chosen = document["threshold"]
    assert chosen["chosen_on"] == "mnist train"
    assert chosen["recall"] >= 0.97
    assert document["n_samples"] == 10_000
    again = evaluation(invoke, "--on", "train", "--threshold", str(chosen["value"]))
    assert again["threshold"]["chosen_on"] is None
    assert again["classes"][1]["recall"] == chosen["recall"]
    assert again["classes"][1]["precision"] == chosen["precision"]
    out = invoke("evaluate", "--threshold-for", "recall=0.97").out
    said = f"chosen on mnist train for recall=0.97 (precision {chosen['precision']:.4f})"
    assert out.splitlines()[1].split(maxsplit=1) == [*said.split(maxsplit=1)]
    assert "the images judged here" not in out
    out = invoke("evaluate", "--threshold-for", "precision=99%").out
    recall = evaluation(invoke, "--threshold-for", "precision=0.99")["threshold"]["recall"]
    assert f"for precision=0.99 (recall {recall:.4f})" in out
    out = invoke("evaluate", "--threshold-for", "recall=0.97", "--on", "train").out
    assert "the images judged here" in out


def test_a_threshold_for_ones_own_file_is_chosen_on_the_training_images(
    invoke, model, few, tmp_path
):
    np.savez(tmp_path / "few.npz", images=few[0], labels=few[1])
    document = evaluation(
        invoke, "--threshold-for", "recall=0.97", "--data", str(tmp_path / "few.npz")
    )
    assert document["n_samples"] == 50
    assert (
        document["threshold"] == evaluation(invoke, "--threshold-for", "recall=0.97")["threshold"]
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--threshold", "1.5"], "the threshold 1.5 is not between 0 and 1"),
        (["--threshold", "nan"], "--threshold nan is no number"),
        (
            ["--threshold", "0.5", "--threshold-for", "recall=1"],
            "--threshold and --threshold-for exclude",
        ),
        (["--threshold-for", "f1=0.9"], "'f1=0.9' is nothing to choose a threshold for"),
        (["--fail-under", "acc=0.9"], "'acc' is no metric here"),
        (["--fail-under", "accuracy=99"], "hint: for example accuracy=0.99 or 99%"),
        (["--fail-under", "accuracy"], "'accuracy' is no bar: accuracy goes from 0 to 1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_thresholds_and_gates_that_make_no_sense(invoke, model, options, message):
    done = invoke("evaluate", *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_a_threshold_is_for_two_classes(invoke):
    invoke("train", "--task", "0v1v2", "--limit", "300", "-q")
    for options in (["--threshold", "0.3"], ["--threshold-for", "recall=0.9"]):
        done = invoke("evaluate", *options)
        assert (done.code, done.out) == (2, "")
        assert "a threshold is for two classes, 0v1v2@1 tells 3 apart" in done.err


def test_a_target_out_of_reach_is_an_error(invoke, model):
    good = mnistcli.load_model()
    liar = replace(
        good.classifier, coef=-good.classifier.coef, intercept=-good.classifier.intercept
    )
    mnistcli.save_model(replace(good, classifier=liar))
    done = invoke("evaluate", "--threshold-for", "precision=1")
    assert (done.code, done.out) == (2, "")
    assert "error: no threshold reaches precision=1 on mnist train" in done.err
    assert "hint: the highest precision there is 0." in done.err


def test_calibration_is_a_table_and_in_json(invoke, model):
    assert evaluation(invoke)["calibration"] is None
    document = evaluation(invoke, "--calibration")
    assert sum(each["n_samples"] for each in document["calibration"]) == 10_000
    gaps = [
        each["n_samples"] * abs(each["share"] - each["mean_probability"])
        for each in document["calibration"]
    ]
    assert sum(gaps) / 10_000 == pytest.approx(document["ece"], abs=1e-12)
    out = invoke("evaluate", "--calibration").out
    for words in (
        "Brier score",
        "Calibration error",
        "probability of 2",
        "90 to 100 %",
        "share that is 2",
    ):
        assert words in out
    assert "Brier score" not in invoke("evaluate").out
    assert "reliability\t0.9 to 1.0\t" in invoke("evaluate", "--calibration", "--tsv").out
    shown = invoke("evaluate", "builtin", "--calibration").out.partition("\ncalibration\n")[2]
    assert "share of right answers" in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("columns", ["60", "80", "120"])
def test_curves_fit_the_terminal(invoke, model, columns):
    env = {"COLUMNS": columns}
    before = len(invoke("evaluate", env=env).out.splitlines())
    drawn = invoke("evaluate", "--curves", env=env).out.splitlines()[before:]
    assert max(map(len, drawn)) <= int(columns)
    text = "\n".join(drawn)
    assert re.search("[\u2801-\u28ff]", text)
    for words in (
        "ROC of 2: area 0.9",
        "false positive rate",
        "precision of 2: average 0.",
        "recall",
    ):
        assert words in text


def test_curves_are_drawn_where_they_bend(invoke):
    invoke("train", "--task", "3v8", "--limit", "1000", "-q")
    (curves,) = evaluation(invoke, "--curves")["curves"]
    roc, precision_recall = curves["roc"], curves["precision_recall"]
    lines = invoke("evaluate", "--curves", env={"COLUMNS": "120"}).out.rstrip().splitlines()
    ticks = lines[-2].replace(" %", "").split()
    away = np.maximum(roc["false_positive_rate"], 1 - np.array(roc["true_positive_rate"])).min()
    corner = corner_for(4 * away)
    assert corner < 1
    assert (ticks[0], ticks[5]) == ("0", f"{100 * corner:.4g}")
    lost = np.minimum(precision_recall["precision"], precision_recall["recall"]).max()
    corner = corner_for(4 * (1 - lost))
    assert corner < 1
    assert (ticks[6], ticks[-1]) == (f"{100 - 100 * corner:.4g}", "100")


def test_curves_are_ascii_where_nothing_else_can_be_shown(run, model):
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    out = run("evaluate", "--curves", env=env).out
    assert out.isascii()
    assert "****" in out
    rules = [line.strip() for line in out.splitlines() if set(line.strip()) == {"-"}]
    assert len(rules) == 2  # of the report and of the matrix, and no frames
    assert "+-" not in out.partition("confusion matrix")[0]


def test_curves_of_several_classes_are_all_in_json_and_the_worst_is_drawn(invoke):
    invoke("train", "--task", "3v5v8", "--limit", "600", "-q")
    curves = evaluation(invoke, "--curves")["curves"]
    assert [each["name"] for each in curves] == ["3", "5", "8"]
    worst = min(curves, key=lambda each: each["roc_auc"])["name"]
    out = invoke("evaluate", "--curves").out
    assert f"ROC of {worst}: area" in out
    assert "against the rest: of the 3 classes" in out
    lines = out.splitlines()
    for name in ("ROC AUC", "Average precision", "Log loss"):
        line = next(line for line in lines if line.startswith(name))
        assert (", each class against the rest" in line) == (name != "Log loss")


def test_curves_that_there_are_none_of_are_told(invoke, model, mnist, tmp_path):
    of_ones = np.flatnonzero(mnist.test.labels == 1)[:20]
    np.savez(tmp_path / "ones.npz", images=mnist.test.images[of_ones], labels=[1] * 20)
    command = ("evaluate", "--data", str(tmp_path / "ones.npz"), "--curves")
    none = "no curves: all images, or none, are of the class"
    assert none in invoke(*command).out
    done = invoke(*command, "-o", str(tmp_path / "curves.svg"))
    assert (done.code, done.err) == (3, f"error: {none}\n")
    assert not (tmp_path / "curves.svg").exists()


def test_gates_let_pass_or_exit_with_8_after_the_report(invoke, model):
    passed = invoke("evaluate", "--fail-under", "accuracy=0.9", "--fail-under", "log_loss=0.5")
    assert (passed.code, passed.err) == (0, "")
    failed = invoke(
        "evaluate", "--fail-under", "accuracy=0.999", "--fail-under", "roc_auc=0.5",
        "--fail-under", "log_loss=0.02",
    )  # fmt: skip
    assert failed.code == 8
    assert failed.out == passed.out
    values = evaluation(invoke)
    assert failed.err == (
        f"error: 2vrest@1 failed: accuracy {values['accuracy']:.4g} is below 0.999; "
        f"log_loss {values['log_loss']:.4g} is above 0.02\n"
    )
    as_json = invoke("evaluate", "--fail-under", "ece=0", "--json")
    assert (as_json.code, json.loads(as_json.out)["model"]) == (8, "2vrest@1")
    assert json.loads(as_json.err)["error"]["code"] == "quality_gate"


def test_the_whole_report_of_a_real_model(invoke):
    """Looked at once; says what 80 columns hold."""
    invoke("train", "--task", "0v1", "-q")
    out = invoke("evaluate", env={"COLUMNS": "80"}).out
    assert [line.rstrip() for line in out.splitlines() if "Log loss" not in line] == [
        "Accuracy           99.95 %: 2,114 of 2,115 right  99.73 to 99.99 %",
        "To beat            53.66 %: always answering 1",
        "Balanced accuracy  0.9995",
        "ROC AUC            0.999999  0.999996 to 1.000000",
        "Average precision  0.999999",
        "",
        "0v1@1 on mnist test",
        "",
        "               precision   95 %  recall      95 %  f1-score    95 %  support",
        " ───────────────────────────────────────────────────────────────────────────",
        "            0  1.0000 .996-1.00  0.9990 .994-1.00  0.9995 .998-1.00      980",
        "            1  0.9991 .995-1.00  1.0000 .996-1.00  0.9996 .998-1.00     1135",
        "",
        "     accuracy                                      0.9995 .997-1.00     2115",
        "    macro avg  0.9996 .998-1.00  0.9995 .998-1.00  0.9995 .998-1.00     2115",
        " weighted avg  0.9995 .998-1.00  0.9995 .998-1.00  0.9995 .998-1.00     2115",
        "",
        "0v1@1 tells 0 from 1 and is right on 2,114 of 2,115 images of mnist test:",
        "99.95 % (95 % interval 99.73 to 99.99 %). Always answering 1 would be right on",
        "53.66 %.",
        "",
        "confusion matrix",
        "",
        "  truth \\ answer     0     1",
        " ────────────────────────────",
        "               0   979     1",
        "               1     .  1135",
    ]
