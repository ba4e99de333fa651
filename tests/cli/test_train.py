from __future__ import annotations

import json
import re

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report
from sklearn.model_selection import cross_val_score

from mnistcli.cli.topics import read_topic
from tests.europeans import draw_europeans


def test_the_main_job(run, home):
    done = run("train", "--task", "0v1")
    assert done.code == 0, done.err
    assert done.err == ""
    path = home / "models" / "0v1" / "1.safetensors"
    assert path.is_file()
    lines = [line.rstrip() for line in done.out.splitlines()]
    # What varies from machine to machine is how long it took and the last digits of the optimum.
    solver = next(line for line in lines if line.startswith("Solver"))
    assert re.fullmatch(r"Solver    newton: converged, \d+ iterations? in \d\.\d\d s", solver)
    optimum = next(line for line in lines if line.startswith("Optimum"))
    assert optimum.startswith("Optimum   objective 23.2399, gradient ")
    assert [line for line in lines if line not in (solver, optimum)] == [
        "Task      0v1: 0 or 1; 1 is the positive class",
        "Data      mnist, standard split: 12,665 training and 2,115 test images",
        "Model     logistic regression on pixels / 255, L2 penalty, C = 1",
        "Training  100.00 % right",
        "Test      99.95 % right: 2,114 of 2,115  99.73 to 99.99 %",
        "To beat   53.66 %: always answering 1",
        "",
        "on the test images",
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
        f"Saved 0v1@1 in {path}",
        "Next  mnistcli evaluate 0v1@1",
    ]


def test_project_a_is_covered(invoke, mnist):
    """Keep 0 and 1 of all 70,000, scale, split, train, report."""
    done = invoke("train", "--task", "0v1", "--split", "random", "--test-size", "0.25", "--json")
    ours = json.loads(done.out)
    assert (ours["n_train"], ours["n_test"]) == (11_085, 3_695)
    assert ours["test"]["accuracy"] > 0.998
    # evaluate judges on the very images that were kept for the test
    again = json.loads(invoke("evaluate", "--json").out)
    assert again["n_samples"] == 3_695
    assert again["accuracy"] == ours["test"]["accuracy"]
    assert again["confusion"] == ours["test"]["confusion"]
    trained_on = json.loads(invoke("evaluate", "--on", "train", "--json").out)
    assert trained_on["n_samples"] == 11_085
    assert trained_on["accuracy"] == ours["train_accuracy"]


def test_project_b_is_covered_and_its_folds_are_those_of_scikit_learn(invoke, mnist):
    """Permute the training set, tell 2 from not 2, cross-validate."""
    done = invoke(
        "train", "--task", "2vrest", "--cv", "3", "--limit", "1500", "--seed", "5",
        "--solver", "lbfgs", "--tol", "1e-9", "--json",
    )  # fmt: skip
    ours = json.loads(done.out)
    from mnistcli.model_selection.splits import training_samples
    from mnistcli.settings import SplitSpec
    from mnistcli.tasks import parse_task

    samples = training_samples(mnist, parse_task("2vrest"), SplitSpec(seed=5, limit=1500))
    rows = samples.images.reshape(1500, -1) / 255.0
    theirs = cross_val_score(LogisticRegression(max_iter=3000, tol=1e-9), rows, samples.y, cv=3)
    assert ours["cross_validation"]["accuracies"] == pytest.approx(theirs.tolist(), abs=0.003)
    assert ours["cross_validation"]["mean"] == pytest.approx(
        np.mean(ours["cross_validation"]["accuracies"])
    )


def test_report_is_that_of_scikit_learn(invoke, mnist):
    invoke("train", "--task", "3v5", "--limit", "1000")
    ours = json.loads(invoke("evaluate", "--json").out)
    from mnistcli import load_model, predict
    from mnistcli.model_selection.splits import samples_of
    from mnistcli.tasks import parse_task

    samples = samples_of(mnist.test, parse_task("3v5"))
    answers = predict(load_model("3v5"), samples.images).classes
    theirs = classification_report(samples.y, answers, target_names=["3", "5"], output_dict=True)
    for row in (*ours["classes"], ours["macro_avg"], ours["weighted_avg"]):
        assert row["precision"] == pytest.approx(theirs[row["name"]]["precision"], abs=1e-12)
        assert row["f1_score"] == pytest.approx(theirs[row["name"]]["f1-score"], abs=1e-12)
    assert ours["accuracy"] == pytest.approx(theirs["accuracy"], abs=1e-12)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--penalty", "l1"], "L1 penalty, C = 1"),
        (["--penalty", "l1", "--solver", "saga", "--tol", "0.1"], "L1 penalty, C = 1"),
        (
            ["--penalty", "elasticnet", "--l1-ratio", "0.5", "--tol", "0.1"],
            "elastic net (L1 share 0.5), C = 1",
        ),
        (["--class-weight", "balanced"], "L2 penalty, C = 1, balanced class weights"),
        (["--solver", "liblinear"], "L2 penalty, C = 1"),
        (["--solver", "newton-cholesky"], "L2 penalty, C = 1"),
        (["--solver", "newton-cg"], "L2 penalty, C = 1"),
        (["--solver", "sag", "--tol", "0.1"], "L2 penalty, C = 1"),
        (["--C", "0.001"], "L2 penalty, C = 0.001"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_penalties_and_solvers(invoke, options, words):
    done = invoke("train", "--task", "4v9", "--limit", "600", *options)
    assert done.code == 0, done.err
    assert f"Model     logistic regression on pixels / 255, {words}\n" in done.out
    assert ": converged, " in done.out


@pytest.mark.parametrize("solver", ["lbfgs", "newton", "liblinear", "newton-cg", "newton-cholesky"])
def test_solvers_agree_on_the_optimum(invoke, solver):
    done = invoke(
        "train", "--task", "4v9", "--limit", "800", "--C", "0.1",
        "--solver", solver, "--tol", "1e-9", "--max-iter", "10000", "--no-save", "--json",
    )  # fmt: skip
    assert json.loads(done.out)["fit"]["objective"] == pytest.approx(14.1232627, rel=1e-6)


@pytest.mark.parametrize("form", ["-q", "--json", "--tsv", None])
def test_a_solver_that_did_not_converge_says_so_whoever_listens(invoke, form):
    flags = [form] if form else []
    base = ["train", "--task", "0v1", "--limit", "300", "--solver", "lbfgs"]
    done = invoke(*base, "--max-iter", "3", "--cv", "2", "--C", "auto", *flags)
    assert done.code == 0
    for said in (
        "warning: lbfgs: did NOT converge in 3 iterations in ",
        "warning: 2 of 2 fits of the folds did NOT converge; raise --max-iter\n",
        " fits of the search for C did NOT converge\n",
    ):
        assert said in done.err
    if form is None:
        assert "Solver    lbfgs: did NOT converge in 3 iterations" in done.out
    card = json.loads(invoke("models", "info", "--json").out)["card"]
    assert card["certificate"]["converged"] is False
    assert invoke(*base, "--max-iter", "1000", "--cv", "2", *flags).err == ""


def test_pairs_converged_only_if_every_pair_did(invoke):
    base = ["train", "--task", "pairs", "--limit", "300", "--jobs", "1", "--no-save", "-q"]
    assert invoke(*base).err == ""
    # 8 steps are enough for some of the 45 pairs, not for all.
    assert "newton: did NOT converge" in invoke(*base, "--max-iter", "8").err


def test_pairs_have_two_classes_for_each_fit_of_a_search_too(invoke, monkeypatch):
    monkeypatch.setattr("mnistcli.model_selection.cross_validation.GRID", (1.0,))
    base = ["train", "--task", "pairs", "--limit", "300", "--jobs", "1", "--no-save"]
    done = invoke(*base, "--solver", "liblinear", "--C", "auto", "--cv", "2")
    assert (done.code, done.err) == (0, "")
    assert "Solver    liblinear: converged" in done.out


def test_the_search_and_the_folds_are_told_row_by_row(invoke):
    command = ["train", "--task", "3v8", "--limit", "300", "--C", "auto", "--cv", "2", "--no-save"]
    choice = json.loads(invoke(*command, "--json").out)["search"]
    assert choice["C_1se"] < choice["C"]
    rows = [line.split() for line in invoke(*command, env={"COLUMNS": "80"}).out.splitlines()]
    best = next(row for row in rows if row[-1:] == ["best"])
    simplest = next(row for row in rows if row[-3:] == ["one", "standard", "error"])
    for row, C in ((best, choice["C"]), (simplest, choice["C_1se"])):
        (candidate,) = (each for each in choice["candidates"] if each["C"] == C)
        assert row[:3] == [
            f"{C:g}",
            f"{candidate['log_loss']:.5f}",
            f"{100 * candidate['accuracy']:.2f}",
        ]
    stopped = invoke(*command[:5], "--cv", "2", "--max-iter", "1", "--no-save")
    assert "; 2 of the fits did NOT converge" in stopped.out


@pytest.mark.parametrize("solver", ["auto", "lbfgs"])
def test_separable_images_without_a_penalty_are_refused(invoke, home, solver):
    done = invoke(
        "train", "--task", "0v1", "--penalty", "none", "--limit", "500", "--solver", solver
    )
    assert done.code == 2
    assert done.err.startswith("error: without a penalty there is no finite optimum: ")
    assert "hint: keep a penalty" in done.err
    assert not list(home.rglob("*.safetensors"))


def test_the_seed_decides_and_nothing_else(invoke):
    def objective(seed):
        done = invoke("train", "--task", "3v8", "--limit", "400", "--seed", seed, "--json")
        return json.loads(done.out)["fit"]["objective"]

    assert objective("1") == objective("1")
    # Another subset, not the noise of a solver.
    assert objective("1") != pytest.approx(objective("2"), rel=1e-3)


def test_repeats_are_shuffled_anew(invoke):
    done = invoke(
        "train", "--task", "3v5", "--limit", "200", "--cv", "2", "--repeats", "3", "--json"
    )
    folds = json.loads(done.out)["cross_validation"]
    assert (folds["n_folds"], folds["n_repeats"], len(folds["accuracies"])) == (2, 3, 6)
    assert len(set(folds["accuracies"])) > 2
    assert sum(map(sum, folds["confusion"])) == 3 * 200


def test_quiet_prints_the_model_and_nothing_else(invoke):
    assert invoke("train", "--task", "0v1", "--limit", "100", "-q").out == "0v1@1\n"
    assert (
        invoke("train", "--task", "0v1", "--limit", "100", "-q", "--name", "mine").out == "mine@1\n"
    )


def test_no_save_leaves_no_trace(invoke, home):
    named = invoke("train", "0v1", "--no-save", "--name", "mine")
    assert (named.code, named.out) == (2, "")
    assert named.err.startswith("error: --no-save and --name exclude each other\n")
    done = invoke("train", "--task", "0v1", "--limit", "100", "--no-save")
    assert done.out.endswith("Not saved.\n")
    assert sorted(path.name for path in home.iterdir()) == ["datasets"]


def test_tsv_is_a_header_and_a_row(invoke):
    header, row, end = invoke("train", "--task", "0v1", "--limit", "100", "--tsv").out.split("\n")
    assert end == ""
    assert header.split("\t") == [
        "model", "task", "penalty", "C", "solver", "converged", "objective", "fit_seconds",
        "train_accuracy", "cv_accuracy", "test_accuracy", "test_accuracy_low", "test_accuracy_high",
        "test_log_loss", "dataset", "n_train", "seed", "split", "preset", "features", "class_weight",
        "gap_bound", "peak_memory_bytes", "n_copies", "weights", "l1_ratio", "tol", "max_iter", "limit",
        "n_without",
    ]  # fmt: skip
    assert row.startswith("0v1@1\t0v1\tl2\t1.0\tnewton\ttrue\t")
    assert "\tmnist\t100\t0\tstandard\tfast\tpixels\t\t" in row
    assert 10**7 < int(row.split("\t")[22]) < 10**10
    assert row.split("\t")[23:] == ["0", "", "", "", "", "100", "0"]


def test_what_is_printed_says_what_was_trained(invoke):
    how = "3v8", "--limit", "50", "--copies", "2", "--features", "deskew", "--no-save"
    weighed = *how, "--dataset", "mnist+europeans", "--weight", "europeans=9"
    row = invoke("train", *weighed, "--tsv").out.splitlines()[1].split("\t")
    assert row[18:20] + row[23:] == ["", "deskew", "2", "europeans=9", "", "", "", "50", "0"]
    document = json.loads(invoke("train", *how, "--json").out)
    assert (document["preset"], document["features"]["kind"]) == (None, "deskew")
    assert document["features"]["n_copies"] == 2


def test_help_of_presets_has_the_figures_of_help_features(invoke, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    help_text = " ".join(invoke("train", "--help").out.split())
    rows = re.findall(
        r"--preset (be\w+)` .*?\| \**([\d.]+ %)\**.*?, (\d+ s) \|", read_topic("features")
    )
    rows = rows[:2]  # the first table, of all ten digits
    assert [name for name, *_ in rows] == ["better", "best"]
    for _, errors, took in rows:
        assert f"({errors}, {took})" in help_text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "0v"], "'0v' is not a task: a group is empty"),
        (["--task", "0v1", "--C", "0"], "C = 0 makes no sense"),
        (["--task", "0v1", "--C", "nan"], "--C nan is no number"),
        (["--task", "0v1", "--C", "1e38"], "hint: --C takes 1e-10 to 1e+10"),
        (["--task", "0v1", "--max-iter", "9" * 19], "hint: --max-iter takes a whole number, 1 to"),
        (["--task", "0v1", "--seed", "4294967296", "--solver", "saga"], "seed = 4294967296 makes"),
        (["--task", "0v1", "--tol", "-1"], "tol = -1 makes no sense"),
        (["--task", "0v1", "--seed", "-1"], "seed = -1 makes no sense"),
        (["--task", "0v1", "--cv", "1"], "hint: --cv takes a whole number, 2 to"),
        (
            ["--task", "0v1", "--cv", "100", "--limit", "50"],
            "100 folds need 100 images of every class",
        ),
        (["--task", "0v1", "--limit", "1"], "1 of 12,665 images leave a class without any"),
        (["--task", "0v1", "--limit", "0"], "limit = 0 makes no sense"),
        (["--task", "0v1", "--test-size", "0.5"], "--test-size goes with --split random"),
        (
            ["--task", "0v1", "--split", "random", "--test-size", "1"],
            "hint: --test-size takes above 0 and below 1",
        ),
        (
            ["--task", "0v1", "--l1-ratio", "0.5"],
            "an L1 ratio and the penalty elasticnet go together",
        ),
        (["--task", "0v1", "--penalty", "l1", "--solver", "lbfgs"], "the solver lbfgs does not do"),
        (["--task", "0v1v2", "--solver", "liblinear"], "the solver liblinear does 2 classes"),
        (["--task", "0v1", "--jobs", "0"], "0 jobs make no sense\n"),
        (["--task", "0v1", "--memory", "2"], "--memory takes 100MB to 1000TB\n"),
        (["--task", "0v1", "--disk", "2000TB"], "--disk takes 0 to 1000TB\n"),
        (["--task", "0v1", "--name", "../x"], "'../x' is not a model name"),
        (["--task", "0v1", "--json", "-q"], "--json and --quiet exclude each other"),
        (["--task", "0v1", "--dataset", "cifar"], "cifar"),
        (["--task", "0v1", "--weight", "mine"], "invalid value for '--weight': mine\n"),
        (["--task", "0v1", "--weight", "mine=x"], "invalid value for '--weight': mine=x\n"),
        (["--task", "0v1", "--weight", "mine=2"], "mnist has no part 'mine' to weigh"),
        (["--task", "0v1", "--weight", "mnist=0"], "the weight of mnist = 0 makes no sense"),
        (["--task", "0v1", "--weight", "mnist=0"], "--weight takes NAME=NUMBER, 1e-06 to 1e+06"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_is_a_usage_error(invoke, home, arguments, message):
    done = invoke("train", *arguments)
    assert done.code == 2
    assert done.out == ""
    assert message in done.err
    assert not (home / "models").exists() or not list((home / "models").rglob("*.safetensors"))


def test_a_limit_above_all_there_are_is_told(invoke):
    note = "the limit is above all there are: 12,665 training images\n"
    assert invoke("train", "0v1", "--limit", "12666").err.count(note) == 1
    assert note not in invoke("train", "0v1", "--limit", "12665").err


def test_own_digits_beside_mnist_and_what_they_weigh(invoke, tmp_path):
    draw_europeans(tmp_path / "drawings", 5)
    invoke("download", "--source", str(tmp_path / "drawings"), "--as", "mine")
    arguments = ("1v7", "--dataset", "mnist+mine", "--limit", "300", "--weight", "mine=5")
    document = json.loads(invoke("train", *arguments, "--json").out)
    assert document["dataset"] == "mnist+mine"
    assert list(document["dataset_parts"]) == ["mnist", "mine"]
    assert document["weights"] == {"mine": 5.0}
    assert "C = 1, mine weighs 5" in invoke("train", *arguments).out
    assert "sha256 " + document["dataset_parts"]["mine"] in invoke("models", "info").out
    assert invoke("models", "reproduce").code == 0
    invoke("train", *arguments[:-2], "-q")
    assert "mine weighs 5" in invoke("compare", "1v7@2", "1v7@3").out
    assert json.loads(invoke("evaluate", "--dataset", "mine", "--json").out)["n_samples"] == 2
    invoke("download", "--remove", "mine", "--yes")
    done = invoke("evaluate")
    assert (done.code, "mnist+mine: there is no dataset 'mine'" in done.err) == (3, True)


def test_parallel_folds_are_the_same_folds(invoke):
    def folds(jobs):
        done = invoke(
            "train", "--task", "3v5", "--limit", "300", "--cv", "3", "--jobs", jobs, "--json"
        )
        return json.loads(done.out)["cross_validation"]

    assert folds("2") == folds("1")


def test_a_training_is_told_how_much_it_may_take(invoke):
    options = ("--task", "3v8", "--copies", "1", "--no-save")
    done = invoke("train", *options, "--memory", "0.1 GB", "--limit", "100", "--json")
    assert json.loads(done.out)["rows_kept"] == "memory"
    done = invoke("train", *options, "--preset", "fast", "--memory", "100M", "--disk", "20MiB")
    assert "logistic regression on pixels / 255, 1 deformed copy of each image, " in done.out


@pytest.mark.parametrize(
    ("option", "size", "words"),
    [
        ("--memory", "lots", "error: 'lots' is no size\nhint: for example 2GB, 500M or 1.5 GiB\n"),
        ("--memory", "nan", "is no size"),
        ("--memory", "1e999", "is no size"),
        ("--memory", "1.2.3GB", "is no size"),
        ("--memory", "9" * 5000, "is no size"),
        ("--memory", "99MB", "--memory takes 100MB to 1000TB\n"),
        ("--disk", "-1", "error: '-1' is no size"),
        ("--disk", "5 YB", "is no size"),
        ("--copies", "1025", "--copies takes a whole number, 0 to 1,024"),
        ("--copies", "-1", "--copies takes a whole number, 0 to 1,024"),
    ],
)
def test_sizes_that_make_no_sense_are_refused_before_any_work(invoke, option, size, words):
    done = invoke("train", "3v8", option, size)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
