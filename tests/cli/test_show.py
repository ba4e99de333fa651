from __future__ import annotations

import hashlib
import json
import re

import numpy as np
import pytest
from PIL import Image

from mnistcli.features.copies import deformed


def test_show_by_index_and_by_digit(invoke, mnist):
    assert "  test image 7, labelled 9\n" in invoke("show", "7").out
    pictures = json.loads(invoke("show", "--digit", "3", "--count", "4", "--json").out)["pictures"]
    assert len(pictures) == 4
    assert pictures[0]["pixels"] == mnist.test.images[pictures[0]["index"]].tolist()
    on_train = json.loads(invoke("show", "0", "--on", "train", "--json").out)["pictures"][0]
    assert on_train["label"] == 5


def test_the_part_is_named(invoke):
    assert "train image 0, labelled 5" in invoke("show", "0", "--on", "train").out


def test_a_part_without_images_is_told(invoke, tmp_path, test_images):
    path = tmp_path / "mine.png"
    Image.fromarray(test_images[3]).save(path)
    invoke("predict", str(path), "-m", "builtin", "--truth", "0", "--keep", "mine")
    of_3, counts = ("--digit", "3", "--on", "train"), "; mnistcli download --list counts them\n"
    for arguments, problem in (
        (("--dataset", "mine"), f"no test images\nhint: try --on train{counts}"),
        (("--dataset", "mine", *of_3), f"no train images of 3\nhint: try --on test{counts}"),
        (("--mean", "--dataset", "mine"), f"no test images\nhint: try --on train{counts}"),
        (("--mean", "--dataset", "mine", *of_3), "no train images of 3\n"),
        (("--mean", "--dataset", "mine", "--task", "3v8", "--on", "train"), "images of 3\n"),
        (("--mean", "--dataset", "mine", "--task", "0v8", "--on", "train"), "images of 8\n"),
        (("0", "--dataset", "mine"), "there is no test image 0\nhint: there are no test images"),
    ):
        done = invoke("show", *arguments)
        assert (done.code, done.out) == (2, "")
        assert problem in done.err
    means = json.loads(invoke("show", "--mean", "--dataset", "mine", "--on", "train", "--json").out)
    assert [(each["digit"], each["n_images"]) for each in means["pictures"]] == [(0, 1)]
    done = invoke("evaluate", "builtin", "--data", str(tmp_path))
    assert f"{tmp_path} holds no labelled digits" in done.err


@pytest.mark.parametrize("index", ["10000", "9" * 5000, "0" * 5000 + "10000"])
def test_an_index_too_high_is_one_line(invoke, index):
    done = invoke("show", index)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(
        r"error: there is no test image .{1,30}\nhint: they go from 0 to 9999\n", done.err
    )
    assert "test image 7," in invoke("show", "0" * 5000 + "7").out


def test_a_width_of_0_is_not_known(invoke):
    expected = invoke("show", "7").out
    assert invoke("show", "7", env={"COLUMNS": "0"}).out == expected
    assert invoke("doctor", env={"COLUMNS": "0"}).out.count("\n") > 10


def test_random_digits_follow_the_seed(invoke):
    def picked(seed):
        document = json.loads(invoke("show", "--count", "5", "--seed", seed, "--json").out)
        return [p["index"] for p in document["pictures"]]

    assert picked("1") == picked("1") != picked("2")


def test_means_are_of_one_digit_or_of_all(invoke):
    (picture,) = json.loads(invoke("show", "--mean", "--digit", "4", "--json").out)["pictures"]
    assert picture["caption"] == "mean 4 (982)"
    assert len(json.loads(invoke("show", "--mean", "--json").out)["pictures"]) == 10
    out = invoke("show", "--mean", "--task", "2vrest", "--render", "shade").out
    assert out.splitlines()[-1] == "+ #: more ink in 2; - =: in rest"


def test_weights_are_drawn_with_their_sign(invoke):
    invoke("train", "--task", "0v1", "--limit", "200")
    out = invoke("show", "--weights", "0v1").out
    assert "for 1, against 0" in out
    assert "speaks for it" in out
    assert {"#", "="} <= set(out)


def test_mistakes_of_a_model(invoke, mnist):
    invoke("train", "--task", "digits", "--limit", "300")
    document = json.loads(invoke("show", "--mistakes", "digits", "--count", "4", "--json").out)
    worst = json.loads(invoke("evaluate", "digits", "--mistakes", "4", "--json").out)["mistakes"]
    pictures = document["pictures"]
    assert [{k: p[k] for k in worst[0]} for p in pictures] == worst
    assert pictures[0]["pixels"] == mnist.test.images[worst[0]["index"]].tolist()
    out = invoke("show", "--mistakes", "digits", "--count", "4").out
    for mistake in worst:
        assert f"#{mistake['index']}: {mistake['truth']} not {mistake['answer']}" in out
    assert "the worst 4 of" in out
    on_train = invoke("show", "--mistakes", "digits", "--on", "train").out
    assert "on mnist train" in on_train


def test_suspects_lead_to_a_training_without_them(invoke, tmp_path):
    train = ["train", "--task", "3v8", "--limit", "300"]
    assert invoke(*train, "--cv", "3").code == 0
    done = invoke("show", "--suspects", "3v8", "--on", "train", "--count", "3", "--json")
    pictures = json.loads(done.out)["pictures"]
    assert all(each["is_out_of_fold"] and each["part"] == "train" for each in pictures)
    assert done.err.startswith("warning: a model of pixels suspects what it cannot tell")
    quiet = invoke("show", "--suspects", "3v8", "--count", "3", "-q").out
    assert quiet.split() == [str(each["index"]) for each in pictures]
    truth, rather = pictures[0]["truth"], pictures[0]["rather"]
    assert pictures[0]["caption"] == f"train #{quiet.split()[0]}: {truth}, rather {rather} (<1%)"
    both = json.loads(invoke("show", "--suspects", "3v8", "--json").out)["pictures"]
    assert {each["part"] for each in both} == {"train", "test"}
    out = invoke("show", "--suspects", "3v8", "--on", "train", "--count", "3").out
    assert f"#{quiet.split()[0]}:" in out
    assert "believes least, as part #index" in out
    (tmp_path / "bad.txt").write_text(quiet, "utf-8-sig")  # as an editor on Windows writes it
    done = invoke(*train, "--without", str(tmp_path / "bad.txt"), "--json")
    left_out = json.loads(done.out)["split"]["without"]
    assert left_out == sorted(int(index) for index in quiet.split())
    text = "".join(f"{index}\n" for index in left_out)
    said = f"without 3 images by their indices, sha256 {hashlib.sha256(text.encode()).hexdigest()}"
    assert said in invoke("models", "info").out
    (tmp_path / "bad.txt").unlink()  # the card knows them
    assert "bit for bit" in invoke("models", "reproduce").out
    assert "3 left out" in invoke("compare", "3v8@1", "3v8@2").out
    shown = invoke("show", "--suspects", "builtin", "--on", "test", "--count", "2")
    assert "13 labels were clearly wrong and 4 probably" in shown.err


def test_mistakes_of_one_cell(invoke):
    invoke("train", "--task", "digits", "--limit", "300")
    judged = json.loads(invoke("evaluate", "--mistakes", "5000", "--json").out)
    confusion = judged["confusion"]
    for truth, answer, n in (
        ("4", "9", confusion[4][9]),
        ("4", None, sum(confusion[4]) - confusion[4][4]),
        (None, "9", sum(row[9] for row in confusion) - confusion[9][9]),
    ):
        asked = {"truth": truth, "answer": answer}
        words = [word for key, k in asked.items() if k for word in (f"--{key}", k)]
        show = ["show", "--mistakes", "digits", *words, "--count"]
        pictures = json.loads(invoke(*show, "5000", "--json").out)["pictures"]
        assert [each["index"] for each in pictures] == [
            each["index"]
            for each in judged["mistakes"]
            if all(k in (None, each[key]) for key, k in asked.items())
        ]
        assert len(pictures) == n
        legend = invoke(*show, "3").out.splitlines()[-1]
        taken = f"{truth or 'another class'} taken for {answer or 'another'}"
        assert f"the worst 3 of {n} mistakes of digits@1 on mnist test, {taken}, as" in legend
    right = ["show", "--mistakes", "digits", "--truth", "1", "--answer", "1", "--count", "1"]
    out = invoke(*right).out
    assert f"the least sure 1 of {confusion[1][1]:,} right answers of digits@1" in out
    assert re.search(r"#\d+: 1 \(\d+%\)", out)
    assert out.endswith("1 taken for 1, as #index: answer (how sure it was)\n")


def test_where_there_are_no_mistakes_rows_have_their_header(invoke):
    invoke("train", "--task", "0v1", "--limit", "300")
    show = ("show", "--mistakes", "0v1", "--on", "train", "--tsv", "--count", "1")
    nothing = invoke(*show, "--truth", "1", "--answer", "0").out
    assert nothing == invoke(*show, "--truth", "1", "--answer", "1").out.splitlines(True)[0]


def test_weights_of_several_models_are_drawn_side_by_side(invoke, tmp_path):
    for c in ("1", "100"):
        invoke("train", "--task", "digits", "--limit", "300", "--C", c)
    words = ["show", "--weights", "digits@1", "--weights", "digits@2"]
    wide = invoke(*words, env={"COLUMNS": "140"}).out.splitlines()
    row = "digits@1: for 0 digits@2: for 0 digits@1: for 1 digits@2: for 1"
    assert any(" ".join(line.split()) == row for line in wide)
    invoke(*words, "--output", str(tmp_path / "w.png"))
    with Image.open(tmp_path / "w.png") as page:
        assert page.height < 2 * page.width


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--truth", "4"], "--truth goes with --mistakes"),
        (["--task", "4v9"], "--task goes with --mean"),
        (["--mean", "--task", "4v9", "--digit", "4"], "--digit and --task exclude each other"),
        (["--mean", "--count", "4"], "--count and --mean exclude each other"),
        (["--weights", "0v1", "--count", "4"], "--count and --weights exclude each other"),
        (["--mean", "--task", "4v"], "'4v' is not a task"),
        (["--mistakes", "builtin", "--truth", "x"], "'x' is no class of digits"),
        (["--weights", "builtin", "--weights", "builtin"], "builtin looks at 1,728 features"),
    ],
)
def test_what_cannot_be_shown(invoke, arguments, message):
    done = invoke("show", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {message}")


@pytest.mark.parametrize(
    ("arguments", "n_columns", "n_rows"),
    [(["0"], 1, 1), (["--count", "12"], 5, 3), (["--mean"], 5, 2)],
    ids=["one", "twelve", "means"],
)
def test_pictures_go_into_a_file(invoke, mnist, tmp_path, arguments, n_columns, n_rows):
    path = tmp_path / "new" / "sheet.png"
    done = invoke("show", *arguments, "--output", str(path))
    assert (done.code, done.out) == (0, "")
    with Image.open(path) as page:
        page.load()
    assert done.err == f"wrote {path}, {page.width} x {page.height} pixels\n"
    assert page.format == "PNG"
    grey = np.asarray(page.convert("L"))
    scale = 2 * min(16, (1000 // n_columns - 16) // 28)
    first = grey[32 : 32 + 28 * scale, 32 : 32 + 28 * scale]
    if arguments[0] != "--mean":
        pixels = first[scale // 2 :: scale, scale // 2 :: scale]
        assert (pixels == mnist.test.images[0]).all()
    # black pictures in rows on white paper, and words below them
    dark_columns = (grey[32 + scale] < 10).sum()
    assert dark_columns == 28 * scale * n_columns
    caption = grey[32 + 28 * scale + 4 : 32 + 28 * scale + 40, 32 : 32 + 28 * scale]
    assert caption.min() < 100
    assert page.height > n_rows * 28 * scale


def test_a_picture_file_and_json_are_both_written(invoke, tmp_path):
    done = invoke("show", "7", "--json", "-o", str(tmp_path / "x.png"))
    assert json.loads(done.out)["pictures"][0]["label"] == 9
    assert (tmp_path / "x.png").is_file()


def test_other_kinds_of_files_are_refused_before_any_work(invoke, tmp_path):
    for name in ("x.jpg", "x", "x.png.txt"):
        done = invoke("show", "7", "--output", str(tmp_path / name))
        assert (done.code, done.out) == (2, "")
        assert "end the name in .svg, .png or .pdf" in done.err
    assert not list(tmp_path.glob("x*"))


def test_own_pictures(invoke, tmp_path):
    Image.new("L", (200, 100), 255).save(tmp_path / "white.png")
    out = invoke("show", str(tmp_path / "white.png")).out
    assert "white.png: 200 x 100" in out
    assert invoke("show", str(tmp_path)).out == out
    assert max(map(len, out.splitlines())) <= 100


def test_count_is_of_what_is_named_too(invoke, tmp_path):
    np.save(tmp_path / "three.npy", np.zeros((3, 28, 28), np.uint8))
    for named in ([str(tmp_path / "three.npy")], ["7", "8", "9"]):
        for count, n in (("2", 2), ("3", 3), ("9", 3)):
            assert len(invoke("show", *named, "--count", count, "-q").out.splitlines()) == n
        assert len(invoke("show", *named, "-q").out.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["10000"], 2),
        (["--digit", "12"], 2),
        (["--digit", "x"], 2),
        (["7", "--digit", "3"], 2),
        (["7", "x.png"], 2),
        (["x.png"], 6),
        (["/"], 6),
        ([""], 2),
        (["--weights", "none"], 5),
        (["--count", "0"], 2),
        (["--mistakes", "none"], 5),
        (["--mistakes", "0v1", "--mean"], 2),
        (["--dataset", "kmnist"], 3),
    ],
)
def test_what_makes_no_sense(invoke, arguments, code):
    done = invoke("show", *arguments)
    assert (done.code, done.out) == (code, "")
    assert done.err


def test_copies_are_drawn_beside_their_image(invoke, mnist):
    done = invoke("show", "7", "0", "--on", "train", "--copies", "2", "--seed", "5", "--json")
    pictures = json.loads(done.out)["pictures"]
    assert [(each["index"], each["copy"]) for each in pictures] == [
        (i, k) for i in (7, 0) for k in range(3)
    ]
    copy = deformed(mnist.train.images[7:8], np.array([7]), np.array([2]), 5)
    assert pictures[2]["pixels"] == copy[0].tolist()
    assert re.search(r" test image 7 +copy 1\n", invoke("show", "7", "--copies", "1").out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("7", "--copies", "-1"), "--copies takes a whole number, 0 to 1,024"),
        (("7", "--copies", "1025"), "--copies takes a whole number, 0 to 1,024"),
        (("--digit", "3", "--copies", "2"), "--copies goes with indices"),
        (("7", "--copies", "2", "--seed", "4294967296"), "--seed takes a whole number"),
    ],
)
def test_copies_that_there_are_none_of_are_refused(invoke, arguments, words):
    done = invoke("show", *arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
