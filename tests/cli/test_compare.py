from __future__ import annotations

import csv
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from scipy.stats import binomtest

import mnistcli
from mnistcli.metrics.intervals import difference_interval, holm


@pytest.fixture
def three(invoke):
    """Models of one task with different settings, trained as in a shell loop."""
    refs = []
    for c in ("0.001", "0.1", "10"):
        done = invoke("train", "--task", "3v8", "--limit", "400", "--C", c, "-q")
        refs.append(done.out.strip())
    return refs


def comparison(invoke, *arguments):
    done = invoke("compare", *arguments, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_models_are_sorted_and_differences_are_to_the_best(invoke, three):
    for by, larger_is_better in (("accuracy", True), ("log_loss", False)):
        document = comparison(invoke, *three, "--by", by)
        values = [model["evaluation"][by] for model in document["models"]]
        assert values == sorted(values, reverse=larger_is_better)
        assert [model["difference"] for model in document["models"]] == pytest.approx(
            [value - values[0] for value in values]
        )
        assert document["best"] == document["models"][0]["model"]
        assert invoke("compare", *three, "--by", by, "-q").out == f"{document['best']}\n"
    assert document["n_samples"] == 1984
    assert document["n_left_out"] == 0
    words = {model["model"]: model["differs_in"] for model in document["models"]}
    assert words == {"3v8@1": ["C = 0.001"], "3v8@2": ["C = 0.1"], "3v8@3": ["C = 10"]}


def test_a_dataset_that_has_grown_sets_models_apart(invoke, mnist, tmp_path):
    words = []
    for n in (60, 80):
        arrays = {"X": mnist.test.images[:n], "y": mnist.test.labels[:n]}
        np.savez(tmp_path / "own.npz", **arrays)
        download = "download", "--source", str(tmp_path / "own.npz"), "--as", "own", "--replace"
        assert invoke(*download, "-q").code == 0
        assert invoke("train", "even-odd", "--dataset", "own", "-q").code == 0
        words.append(f"own {mnistcli.open_dataset('own').sha256[:7]}, {round(0.8 * n)} images")
    models = comparison(invoke, "even-odd@1", "even-odd@2", "--dataset", "mnist")["models"]
    assert sorted(str(model["differs_in"]) for model in models) == sorted(str([w]) for w in words)


def test_p_values_are_those_of_scipy_corrected_after_holm(invoke, three, mnist):
    document = comparison(invoke, *three)
    images = np.isin(mnist.test.labels, (3, 8))
    y = (mnist.test.labels[images] == 8).astype(int)
    is_right = {
        ref: mnistcli.predict(mnistcli.load_model(ref), mnist.test.images[images]).classes == y
        for ref in three
    }
    assert len(document["pairs"]) == 3
    p_values = []
    for pair in document["pairs"]:
        a, b = is_right[pair["first"]], is_right[pair["second"]]
        counts = (a & b).sum(), (a & ~b).sum(), (~a & b).sum(), (~a & ~b).sum()
        assert counts == (
            pair["n_both_right"], pair["n_only_first"], pair["n_only_second"],
            pair["n_both_wrong"],
        )  # fmt: skip
        theirs = binomtest(int(counts[1]), int(counts[1] + counts[2]), 0.5).pvalue
        assert pair["p_value"] == pytest.approx(theirs, rel=1e-9)
        p_values.append(theirs)
    corrected = [pair["p_corrected"] for pair in document["pairs"]]
    in_order = sorted(zip(p_values, corrected, strict=True))
    stepped = np.maximum.accumulate([(3 - i) * p for i, (p, _) in enumerate(in_order)])
    assert [q for _, q in in_order] == pytest.approx(np.minimum(stepped, 1).tolist())


def test_disagreements_are_drawn_with_every_answer(invoke, three, mnist):
    document = comparison(invoke, *three, "--disagreements", "4")
    shown = document["disagreements"]
    assert len(shown) == 4 < document["n_disagreements"]
    spreads = [np.ptp(list(each["p_truth"].values())) for each in shown]
    assert spreads == sorted(spreads, reverse=True)
    out = invoke("compare", *three, "--disagreements", "4").out
    for each in shown:
        assert str(mnist.test.labels[each["index"]]) == each["truth"]
        assert len(set(each["answers"].values())) > 1
        assert f"#{each['index']}: {each['truth']}" in out
        assert f"({'/'.join(each['answers'].values())})" in out
    refs = "/".join(model["model"] for model in document["models"])
    assert f"the sharpest 4 of {document['n_disagreements']} disagreements" in out
    assert f"as #index: truth ({refs})" in out


@pytest.mark.parametrize("columns", ["1", "20", "40"])
def test_where_the_terminal_is_narrow_no_number_is_cut_and_no_name_lost(invoke, three, columns):
    wide = invoke("compare", *three[:2]).out.splitlines()
    narrow = invoke("compare", *three[:2], env={"COLUMNS": columns}).out
    cells = [cell for line in wide[6:8] for cell in re.split(r" {2,}| (?=\.9)", line.strip())]
    assert len(cells) > 12
    for cell in cells:
        if not cell.endswith(" ms"):
            assert cell in narrow
    for ref in three[:2]:
        assert re.search(rf"^ {ref} .*\.9\d\d-\.9\d\d", narrow, re.MULTILINE)
    listed = invoke("models", "list", env={"COLUMNS": columns}).out
    assert re.search(r"^ builtin .* 99.53 %", listed, re.MULTILINE)


def test_the_table_of_two_models(invoke, three):
    document = comparison(invoke, *three[:2])
    best, other = (model["model"] for model in document["models"])
    (pair,) = document["pairs"]
    out = invoke("compare", *three[:2], env={"COLUMNS": "80"}).out
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[:4] == [
        f"Best          {best}, by accuracy",
        "Images        1,984 of mnist test",
        f"Disagreement  on {document['n_disagreements']} of them",
        "",
    ]
    assert re.fullmatch(r" model +differs in +accuracy +95 % +difference +alone +p-value", lines[4])
    assert lines[6].split()[0] == best
    assert lines[7].split()[0] == other
    assert f"{pair['n_only_second']} : {pair['n_only_first']}" in lines[7]
    assert "Holm" not in out
    costs = next(line for line in lines if "predict" in line)
    assert costs.split() == ["model", "fit", "predict", "size"]
    wide = invoke("compare", *three[:2]).out.splitlines()
    assert re.search(r"p-value +fit +predict +size$", wide[4].rstrip())
    assert wide[-1].startswith(f"On 1,984 images of mnist test {best} is right on ")
    low, high = difference_interval(pair["n_only_first"], pair["n_only_second"], 1984)
    assert f"(95 % interval {low:+.4f} to {high:+.4f}), McNemar's exact test, p" in wide[-1]
    for model in document["models"]:
        card = mnistcli.load_model(model["model"]).card
        assert model["fit_seconds"] == card.fit_seconds
        assert model["predict_seconds"] > 0
        path = invoke("models", "path", model["model"]).out.strip()
        assert model["n_bytes"] == Path(path).stat().st_size
    assert max(map(len, lines)) <= 80


def test_tsv_is_a_row_for_each_model(invoke, three):
    lines = [line.split("\t") for line in invoke("compare", *three, "--tsv").out.splitlines()]
    assert lines[0][:3] == ["model", "task", "n_samples"]
    assert lines[0][-11:-7] == ["n_only_it", "n_only_best", "p_value", "p_corrected"]
    assert lines[0][-7:-4] == ["fit_seconds", "predict_seconds", "n_bytes"]
    assert sorted(line[0] for line in lines[1:]) == three
    assert lines[1][-11:-7] == lines[2][-4:] == ["", "", "", ""]
    pairs = comparison(invoke, *three)["pairs"][:2]  # those with the best
    for line, pair in zip(lines[2:], pairs, strict=True):
        assert line[0] == pair["second"]
        assert line[-11:-7] == [
            str(pair["n_only_second"]), str(pair["n_only_first"]), repr(pair["p_value"]),
            repr(pair["p_corrected"]),
        ]  # fmt: skip


def test_a_shell_loop_reads_naturally(tmp_path):
    mnistcli_ = f"{sys.executable} -m mnistcli"
    line = (
        f"for c in 0.01 1; do {mnistcli_} train -t 3v8 --limit 200 --C $c -q; done"
        f" | xargs {mnistcli_} compare"
    )
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert re.search(rb"3v8@[12], by accuracy", done.stdout)


def test_what_one_was_trained_on_is_no_test_for_the_other(invoke, mnist):
    """Two random splits: only what both kept for the test is judged."""
    from mnistcli.model_selection.splits import test_samples
    from mnistcli.settings import SplitSpec
    from mnistcli.tasks import parse_task

    for seed in ("1", "2"):
        options = ["--split", "random", "--test-size", "0.4", "--limit", "300", "--seed", seed]
        invoke("train", "--task", "3v8", *options, "-q")
    invoke("train", "--task", "3v8", "--limit", "300", "-q")
    task = parse_task("3v8")
    kept = [
        set(test_samples(mnist, task, SplitSpec("random", 0.4, seed)).index.tolist())
        for seed in (1, 2)
    ]
    document = comparison(invoke, "3v8@1", "3v8@2", "--disagreements", "1")
    assert document["n_samples"] == len(kept[0] & kept[1])
    assert document["n_left_out"] == len(kept[0] ^ kept[1])
    assert document["disagreements"][0]["index"] in kept[0] & kept[1]
    out = invoke("compare", "3v8@1", "3v8@2").out
    assert f"{len(kept[0] ^ kept[1]):,}, because some of the models were trained on them" in out
    # and with a model of the standard split, whose test images come after the 60,000
    is_test = {i for i in kept[0] & kept[1] if i >= 60_000}
    assert comparison(invoke, "3v8@3", "3v8@1", "3v8@2")["n_samples"] == len(is_test)
    # the same split is the same test
    assert comparison(invoke, "3v8@1", "3v8@1")["n_left_out"] == 0


def test_nothing_left_is_an_error(invoke):
    for seed in range(6):
        options = ["--split", "random", "--test-size", "0.005", "--limit", "100"]
        invoke("train", "--task", "3v8", *options, "--seed", str(seed), "-q")
    done = invoke("compare", *(f"3v8@{i}" for i in range(1, 7)))
    assert (done.code, done.out) == (3, "")
    assert "every test image of mnist is one that some of the models was trained on" in done.err


def test_ways_to_train_over_random_splits(invoke):
    """Each model on the test images of its own split, and a test over the splits."""
    values = {}
    for c in ("0.001", "0.1", "10"):
        for seed in range(3):
            split = ["--split", "random", "--seed", str(seed), "--limit", "200"]
            done = invoke("train", "3v8", "--C", c, *split, "--json")
            trained = json.loads(done.out)
            values.setdefault(c, {})[trained["model"]] = trained["test"]["accuracy"]
    refs = [ref for of_way in values.values() for ref in of_way]
    document = comparison(invoke, *refs)
    assert {each["model"]: each["evaluation"]["accuracy"] for each in document["models"]} == {
        ref: value for of_way in values.values() for ref, value in of_way.items()
    }
    assert document["pairs"] == []
    found = {frozenset((*t["first"], *t["second"])): t for t in document["over_seeds"]}
    assert len(found) == 3
    p_values = []
    for one, other in itertools.combinations(values.values(), 2):
        test = found[frozenset((*one, *other))]
        sign = 1 if test["first"] == [*one] else -1
        d = sign * (np.array([*one.values()]) - np.array([*other.values()]))
        assert test["difference"] == pytest.approx(d.mean())
        assert (test["n_train"], test["n_test"], test["is_corrected"]) == (200, 2793, True)
        # scikit-learn's example of comparing models by grid search writes it so
        error = np.std(d, ddof=1) * np.sqrt(1 / 3 + 2793 / 200)
        p_values.append(2 * scipy.stats.t.sf(abs(d.mean() / error), 2))
        assert test["p_value"] == pytest.approx(p_values[-1])
        assert test["interval"] == pytest.approx(
            scipy.stats.t.interval(0.95, 2, loc=d.mean(), scale=error)
        )
    assert sorted(t["p_corrected"] for t in found.values()) == pytest.approx(sorted(holm(p_values)))
    out = invoke("compare", *refs).out
    assert "Over 3 seeds, with 200 training and 2,793 test images each, the accuracy of C = " in out
    assert "alone: images" not in out
    rows = [*csv.DictReader(invoke("compare", *refs, "--format", "csv").out.splitlines())]
    assert {row["p_value"] for row in rows} == {""}, "which is McNemar's"
    papers = {of: invoke("compare", *refs, "--format", of).out for of in ("markdown", "latex")}
    for row in rows:
        pair = [ways for ways in found if {row["model"], document["best"]} <= ways]
        its_own = [ref for ref in values.values() if {row["model"], document["best"]} <= {*ref}]
        over = [row[f"over_seeds{end}"] for end in ("", "_low", "_high", "_p_corrected")]
        if its_own:
            assert over == [""] * 4
            continue
        test = found[pair[0]]
        sign = 1 if row["model"] in test["first"] else -1
        assert float(over[0]) == sign * test["difference"]
        assert [*map(float, over[1:3])] == sorted(sign * end for end in test["interval"])
        assert over[3] == repr(test["p_corrected"])
        assert all(f"{test['p_corrected']:.4g}" in paper for paper in papers.values())


def test_ways_to_train_over_seeds_on_the_same_images(invoke):
    for c in ("0.01", "1"):
        for seed in ("0", "1"):
            invoke("train", "3v8", "--C", c, "--seed", seed, "--limit", "200", "-q")
    refs = [f"3v8@{i}" for i in (1, 2, 3, 4)]
    document = comparison(invoke, *refs)
    assert document["n_samples"] == 1984
    assert len(document["pairs"]) == 6
    (test,) = document["over_seeds"]
    assert (len(test["first"]), test["n_test"], test["is_corrected"]) == (2, 1984, False)
    of = {each["model"]: each["evaluation"]["accuracy"] for each in document["models"]}
    found = scipy.stats.ttest_rel(*([of[ref] for ref in test[way]] for way in ("first", "second")))
    assert test["p_value"] == pytest.approx(found.pvalue)
    assert ", paired t-test, p = " in invoke("compare", *refs).out
    alone = comparison(invoke, "3v8@1", "3v8@2", "3v8@3")  # one of the ways has one seed
    assert alone["over_seeds"] == []


def test_a_table_for_a_paper_has_intervals_and_no_more_columns_than_the_terminal_s(invoke, three):
    heading, _, best, *others = invoke("compare", *three, "--format", "markdown").out.splitlines()
    assert heading == "| model | differs in | accuracy | difference | p corrected |"
    number = r"-?[\d.e-]+"
    accuracy = difference = rf"{number} \\\[{number}, {number}\\\]"
    assert re.fullmatch(rf"\| 3v8@\d \| C = [\d.]+ \| {accuracy} \|  \|  \|", best)
    for other in others:
        row = rf"\| 3v8@\d \| C = [\d.]+ \| {accuracy} \| {difference} \| {number} \|"
        assert re.fullmatch(row, other)
    by = invoke("compare", *three, "--by", "log_loss", "--format", "latex").out.splitlines()
    assert "model & differs in & accuracy & log loss & difference \\\\" in by


def test_ones_own_images_are_as_good(invoke, three, mnist, tmp_path):
    images = np.isin(mnist.test.labels, (3, 8))
    path = tmp_path / "own.npz"
    np.savez(path, images=mnist.test.images[images], labels=mnist.test.labels[images])
    own = comparison(invoke, *three, "--data", str(path), "--disagreements", "3")
    theirs = comparison(invoke, *three, "--disagreements", "3")
    assert own["pairs"] == theirs["pairs"]
    # counted in the file here, in the test set there
    places = np.flatnonzero(images)
    assert [places[each.pop("index")] for each in own["disagreements"]] == [
        each.pop("index") for each in theirs["disagreements"]
    ]
    assert own["disagreements"] == theirs["disagreements"]
    assert own["on"] == str(path)


def test_ten_classes_by_pairs_and_at_once_can_be_compared(invoke):
    invoke("train", "--task", "digits", "--limit", "500", "-q")
    invoke("train", "--task", "pairs", "--limit", "500", "--jobs", "1", "-q")
    document = comparison(invoke, "digits", "pairs")
    assert sorted(model["differs_in"][0] for model in document["models"]) == ["digits", "pairs"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "a comparison takes two models or more"),
        (["3v8@1"], 2, "a comparison takes two models or more"),
        (["3v8@1", "nothing"], 5, "there is no model 'nothing'"),
        (["3v8@1", "3v8@2", "--by", "beauty"], 2, "'beauty' is no metric here"),
        (
            ["3v8@1", "3v8@2", "--data", "x", "--dataset", "mnist"],
            2,
            "--data and --dataset exclude each other",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_compared(invoke, three, arguments, code, message):
    done = invoke("compare", *arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_models_of_different_tasks_cannot_be_compared(invoke, three):
    invoke("train", "--task", "0v1", "--limit", "100", "-q")
    done = invoke("compare", "3v8", "0v1")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: 3v8@3 does 3v8 and 0v1@1 0v1: only models of the same classes can be compared\n"
        "hint: train another for 3v8: mnistcli train --task 3v8\n"
    )
