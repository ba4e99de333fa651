from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mnistcli
from mnistcli.datasets.store import DatasetStore
from tests.europeans import draw_europeans


@pytest.fixture(scope="module")
def trained(tmp_path_factory, store):
    """One ten-class model for the tests of this module."""
    from mnistcli import TrainingSettings, train
    from mnistcli.registry.store import ModelRegistry

    folder = tmp_path_factory.mktemp("models")
    registry = ModelRegistry(folder)
    from mnistcli.settings import SplitSpec

    settings = TrainingSettings(split=SplitSpec(limit=3000))
    registry.save(train("digits", store.open("mnist"), settings).model, "digits")
    return folder


@pytest.fixture(autouse=True)
def model(trained, home):
    (home / "models").symlink_to(trained)


def answers(invoke, *arguments, stdin=b""):
    done = invoke("predict", *arguments, "--json", stdin=stdin)
    assert done.code == 0, done.err
    return json.loads(done.out)["predictions"]


def png(grey):
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG")
    return buffer.getvalue()


def test_index_answers_with_what_the_model_says_of_that_image(invoke, mnist):
    from mnistcli import load_model, predict

    expected = predict(load_model(), mnist.test.images[[7, 0]])
    got = answers(invoke, "--index", "7", "-i", "0")
    assert [p["answer"] for p in got] == [expected.class_names[k] for k in expected.classes]
    assert list(got[0]["probabilities"].values()) == expected.probabilities[0].tolist()
    assert got[0]["input"] == "mnist test 7"
    assert got[0]["notes"] == ["labelled 9"]


def test_a_digit_in_any_container_gets_one_answer(invoke, mnist, tmp_path):
    seven = mnist.test.images[0]
    (tmp_path / "seven.png").write_bytes(png(seven))
    (tmp_path / "inverted.png").write_bytes(png(255 - seven))
    large = Image.fromarray(255 - seven).resize((280, 280), Image.Resampling.BICUBIC)
    (tmp_path / "large.png").write_bytes(png(np.asarray(large)))
    np.save(tmp_path / "seven.npy", seven)
    np.savetxt(tmp_path / "seven.csv", seven.reshape(1, -1), fmt="%d", delimiter=",")
    names = ["seven.png", "inverted.png", "large.png", "seven.npy", "seven.csv"]
    got = answers(invoke, *(str(tmp_path / name) for name in names))
    assert [p["answer"] for p in got] == ["7"] * 5
    assert got[0]["notes"] == []
    assert got[0]["probability"] == got[1]["probability"] == got[3]["probability"]
    assert "inverted" in " ".join(got[2]["notes"])


def test_standard_input_is_a_picture(invoke, mnist):
    assert answers(invoke, "-", stdin=png(mnist.test.images[0]))[0]["answer"] == "7"
    assert invoke("predict", "-", "-q", stdin=png(mnist.test.images[0])).out == "7\n"


def test_a_bad_row_of_a_table_takes_no_answer_from_the_others(invoke, mnist, tmp_path):
    rows = [",".join(map(str, image.ravel())) for image in mnist.test.images[:4]]
    rows[2] = rows[2][:50]
    (tmp_path / "four.csv").write_text("\n".join(rows))
    done = invoke("predict", str(tmp_path / "four.csv"), "-q")
    assert done.code == 7
    assert [line == "!" for line in done.out.splitlines()] == [False, False, True, False]
    assert "four.csv row 3: has " in done.err


def test_of_many_bad_rows_the_first_of_each_kind_are_named(invoke, mnist, tmp_path):
    rows = [",".join(map(str, image.ravel())) for image in mnist.test.images[:61]]
    rows[1:31] = ["0,1"] * 30
    rows[31:] = [f"x{i}{row[row.index(',') :]}" for i, row in enumerate(rows[31:])]
    (tmp_path / "bad.csv").write_text("\n".join(rows))
    done = invoke("predict", str(tmp_path / "bad.csv"), "-q")
    *told, more, _ = [line for line in done.err.splitlines() if not line.startswith("hint: ")]
    assert [int(line.split(" row ")[1].split(":")[0]) for line in told] == [
        *range(2, 22),
        *range(32, 52),
    ]
    assert more == "warning: and 20 more like these: see --json"
    assert (done.code, len(done.out.splitlines())) == (7, 61)
    for flag in ("--json", "--jsonl"):
        assert invoke("predict", str(tmp_path / "bad.csv"), flag).err.count("row ") == 60


def test_ten_thousand_images_in_one_file(invoke, mnist, tmp_path):
    np.save(tmp_path / "many.npy", mnist.test.images)
    done = invoke("predict", str(tmp_path / "many.npy"), "-q")
    got = np.array([int(line) for line in done.out.split()])
    assert len(got) == 10_000
    assert (got == mnist.test.labels).mean() > 0.88
    table = invoke("predict", str(tmp_path / "many.npy")).out.splitlines()
    assert len(table) == 10_001
    assert table[1].split()[:2] == [f"{tmp_path / 'many.npy'}[0]", "7"]


def test_show_puts_the_picture_beside_what_the_model_saw(invoke, mnist, tmp_path):
    paper = np.full((200, 400), 250, np.uint8)
    large = Image.fromarray(255 - mnist.test.images[0]).resize((140, 140))
    paper[30:170, 200:340] = np.asarray(large)
    (tmp_path / "seven.png").write_bytes(png(paper))
    out = invoke("predict", str(tmp_path / "seven.png"), "--show").out
    first, second, *drawing, captions, end = out.splitlines()
    assert first.startswith(f"{tmp_path / 'seven.png'}: 7 (")
    assert "inverted" in second
    assert captions.split("  ")[0] == ""
    assert captions.split() == ["the", "picture", "what", "the", "model", "saw"]
    assert end == ""
    assert max(map(len, out.splitlines()[1:])) <= 80
    # paper is light on the left, black on the right; the left picture is half as high as wide
    assert drawing[0][:28] == "⣿" * 28
    assert drawing[0][30:58].strip() == ""
    assert drawing[8][:28].strip() == ""
    bars = [line[60:].split() for line in drawing[1:11]]
    assert [bar[0] for bar in bars] == list("0123456789")
    assert max(bars, key=lambda bar: float(bar[-2]))[0] == "7"
    assert "█" in bars[7][1]


def test_show_draws_a_digit_of_mnist_once(invoke, mnist, tmp_path):
    (tmp_path / "seven.png").write_bytes(png(mnist.test.images[0]))
    out = invoke("predict", str(tmp_path / "seven.png"), "--show").out
    assert "what the model saw" in out
    assert "the picture" not in out


@pytest.mark.parametrize("task", ["digits", "3v5"])
def test_an_explanation_adds_up(invoke, mnist, home, task):
    if task != "digits":
        (home / "models").unlink()  # not into the folder that tests share
        assert invoke("train", "--task", task, "--limit", "500", "-q").code == 0
    from mnistcli import load_model

    model = load_model()
    indices = np.flatnonzero(np.isin(mnist.test.labels, [3, 5]))[:20]
    flags = [word for i in indices for word in ("-i", str(i))]
    for index, got in zip(indices, answers(invoke, *flags, "--explain"), strict=True):
        why, p = got["explanation"], got["probabilities"]
        contributions = np.array(why["contributions"])
        assert contributions.shape == (784,)
        assert why["answer"] == got["answer"] == max(p, key=p.get)
        assert why["runner_up"] == sorted(p, key=p.get)[-2]
        assert contributions.sum() + why["intercept"] == pytest.approx(why["score"], abs=1e-9)
        assert why["score"] == pytest.approx(
            np.log(p[why["answer"]] / p[why["runner_up"]]), abs=1e-6
        )
        assert not contributions[mnist.test.images[index].ravel() == 0].any()
        if task == "3v5":
            score = model.classifier.decision_function(mnist.test.images[[index]])[0]
            assert why["score"] == pytest.approx(abs(score))


def test_an_explanation_against_a_class(invoke, tmp_path):
    (got,) = answers(invoke, "-i", "7", "--explain", "--against", "4")
    assert got["explanation"]["runner_up"] == "4"
    assert "why 9, not 4" in invoke("predict", "-i", "7", "--explain", "--against", "4").out
    for words, message in (
        (["--against", "4"], "--against goes with --explain"),
        (["--explain", "--against", "four"], "'four' is no class of digits"),
    ):
        done = invoke("predict", "-i", "7", *words)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"error: {message}")


def test_an_explanation_is_drawn_with_its_sum(invoke):
    out = invoke("predict", "-i", "7", "--explain").out
    why = answers(invoke, "-i", "7", "--explain")[0]["explanation"]
    assert f"why {why['answer']}, not {why['runner_up']}" in out
    assert f"ink that speaks for {why['answer']} rather than {why['runner_up']}" in out
    intercept, score = why["intercept"], why["score"]
    signed = f"{'-' if intercept < 0 else '+'} intercept {abs(intercept):.2f}"
    assert f"pixels {score - intercept:.2f} {signed} = {score:.2f} = log(" in out
    odds = re.search(r"= log\((\S+) % / (\S+) %\)", out)
    assert math.log(float(odds[1]) / float(odds[2])) == pytest.approx(score, abs=0.005)
    assert {"+", "#", "-", "="} <= set(out)


@pytest.mark.parametrize(
    ("bar", "said"), [("0", r"9 \(\d\d\.\d\d %\)"), ("1", r"\? \(best guess 9 at \d\d\.\d\d %\)")]
)
def test_the_headline_has_a_guess_only_where_there_is_no_answer(invoke, bar, said):
    first = invoke("predict", "-i", "7", "--show", "--abstain-below", bar).out.splitlines()[0]
    assert re.fullmatch(f"mnist test 7: {said}", first)


def test_the_best_class_is_the_bold_one(invoke):
    out = invoke("predict", "-i", "7", "--show", "--render", "half").out
    assert re.findall(r"\x1b\[1m *(\d) ", out) == [answers(invoke, "-i", "7")[0]["best"]]


@pytest.mark.parametrize("is_of_pair", [True, False])
def test_the_legend_names_whose_probabilities_they_are(is_of_pair):
    from mnistcli.cli.views.predict import legend_of
    from mnistcli.prediction import Explanation

    why = Explanation("7", "4", np.zeros((28, 28)), -0.5, 1.5, 0.75, 0.25, is_of_pair)
    _, odds, *whose = legend_of(why).splitlines()
    assert odds == "pixels 2.00 - intercept 0.50 = 1.50 = log(75.00 % / 25.00 %)"
    assert whose == (["by the model of 7 and 4 alone"] if is_of_pair else [])


def test_pictures_of_predictions_go_into_a_file(invoke, tmp_path):
    path = tmp_path / "why.png"
    done = invoke("predict", "-i", "7", "-i", "0", "--explain", "--output", str(path))
    assert done.code == 0
    assert [line.split()[:4] for line in done.out.splitlines()[3:5]] == [
        ["mnist", "test", "7", "9"],
        ["mnist", "test", "0", "7"],
    ]
    with Image.open(path) as page:
        pixels = np.asarray(page.convert("RGB")).astype(int)
    assert done.err == f"wrote {path}, {pixels.shape[1]} x {pixels.shape[0]} pixels\n"
    right = pixels[:, pixels.shape[1] // 2 :]
    assert ((right[..., 0] - right[..., 2]) > 100).any()  # yellow
    assert ((right[..., 2] - right[..., 0]) > 100).any()  # blue


def test_a_file_of_pictures_takes_nothing_from_the_document(invoke, tmp_path):
    done = invoke("predict", "-i", "7", "--explain", "--json", "-o", str(tmp_path / "x.png"))
    assert done.code == 0
    assert "explanation" in json.loads(done.out)["predictions"][0]
    assert (tmp_path / "x.png").is_file()


def test_abstaining(invoke, mnist, tmp_path):
    np.save(tmp_path / "many.npy", mnist.test.images[:200])
    every = answers(invoke, str(tmp_path / "many.npy"))
    cautious = answers(invoke, str(tmp_path / "many.npy"), "--abstain-below", "0.9")
    assert 0 < sum(p["answer"] == "?" for p in cautious) < 100
    for before, after in zip(every, cautious, strict=True):
        expected = before["best"] if before["probability"] >= 0.9 else "?"
        assert after == before | {"answer": expected}
    done = invoke("predict", str(tmp_path / "many.npy"), "--abstain-below", "0.9")
    n = sum(p["answer"] == "?" for p in cautious)
    assert done.err.endswith(f"{n} of 200 below 0.9: answered ?\n")
    assert done.out.count("best guess") == n
    assert invoke("predict", "-i", "7", "--abstain-below", "1", "-q").out == "?\n"
    assert invoke("predict", "-i", "7", "--abstain-below", "1.5").code == 2


def test_a_heredoc_is_a_digit(home, trained):
    script = f"""{sys.executable} -m mnistcli predict - --show <<'END'
    .........
    ...####..
    ..#....#.
    .......#.
    .....##..
    .......#.
    ..#....#.
    ...####..
    .........
END
"""
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0
    assert done.stderr == b""
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("-: 3 (")
    assert lines[1].startswith("a drawing in letters")


@pytest.fixture
def folder(mnist, tmp_path):
    """Ten pictures in a folder, and things beside them that are none."""
    folder = tmp_path / "scans"
    (folder / "below").mkdir(parents=True)
    for i in range(10):
        suffix = ("png", "PNG", "pgm", "gif", "bmp")[i % 5]
        Image.fromarray(mnist.test.images[i]).save(folder / f"{9 - i}.{suffix}")
        Image.fromarray(mnist.test.images[i]).save(folder / "below" / f"{i}.png")
    (folder / "labels.csv").write_text("7,2,1\n")
    (folder / "README").write_text("digits\n")
    return folder


def test_a_folder_is_the_pictures_in_it(invoke, mnist, folder):
    got = answers(invoke, str(folder))
    names = sorted(path.name for path in folder.iterdir() if path.suffix not in ("", ".csv"))
    assert [p["input"] for p in got] == [str(folder / name) for name in names]
    one_by_one = answers(invoke, *(str(folder / name) for name in names))
    assert got == one_by_one
    done = invoke("predict", str(folder))
    assert f"{folder}: 1 folder below it not searched" in done.err
    assert "searched" not in invoke("predict", str(folder / "below")).err


def test_what_looks_like_a_picture_in_a_folder_is_named_where_it_cannot_be_read(
    invoke, folder, tmp_path
):
    digit = Image.fromarray(np.full((28, 28), 255, np.uint8))
    names = ["a.avif", "b.ico", "c.JP2", "d.tga", "e.svg", "f.NEF"]
    for name in names:
        if name not in ("a.avif", "e.svg", "f.NEF"):
            digit.save(folder / name)
    digit.save(folder / "f.NEF", "TIFF", tiffinfo={254: 1})  # its preview
    (folder / "a.avif").write_bytes(b"\0\0\0\x1cftypavif\0\0\0\0" + bytes(40))
    (folder / "e.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>\n')
    done = invoke("predict", str(folder), "-q")
    assert (done.code, done.out.count("!")) == (7, 6)
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")][:6]
    assert [Path(line.split(": ")[1]).name for line in errors] == names
    known = ": is (no picture of a known kind|a camera raw file|a damaged AVIF picture|a web page, an SVG or other XML|blank)"
    assert all(re.search(known, line) for line in errors)
    for digit in "37":
        shutil.copytree(folder, tmp_path / "own" / digit)
    done = invoke("download", "--source", str(tmp_path / "own"), "--as", "mine")
    assert all(f"7/{name}" in done.err for name in names)


def test_an_empty_folder_is_a_bad_input(invoke, tmp_path, folder):
    (tmp_path / "empty").mkdir()
    done = invoke("predict", str(tmp_path / "empty"))
    assert (done.code, done.out) == (6, "")
    assert "is a folder without pictures" in done.err
    assert "hint: name its tables, or what is in folders below it" in done.err
    done = invoke("predict", str(tmp_path / "empty"), str(folder), "-q")
    assert done.code == 7
    first, *others = done.out.splitlines()
    assert (first, len(others)) == ("!", 10)
    assert done.err.splitlines()[-1] == "error: 1 of 11 inputs failed, the others were answered"


@pytest.mark.parametrize("flags", [(), ("--number",)])
def test_a_film_whose_first_picture_is_blank_says_which_was_looked_at(invoke, tmp_path, flags):
    frames = [Image.new("L", (40, 40), level) for level in (255, 250)]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    done = invoke("predict", str(tmp_path / "film.gif"), *flags)
    assert (done.code, "film.gif: frame 1 of 2 is blank" in done.err) == (6, True), done.err


def test_a_list_of_names(invoke, folder, tmp_path):
    paths = [*sorted((folder / "below").iterdir(), reverse=True), tmp_path / "no\nsuch.png"]
    listed = b"\0".join(str(path).encode() for path in paths)
    (tmp_path / "list").write_bytes(listed)
    for arguments, stdin in ((("-",), listed + b"\0"), ((str(tmp_path / "list"),), b"")):
        done = invoke("predict", "--files0", *arguments, "--jsonl", stdin=stdin)
        assert done.code == 7
        got = [json.loads(line) for line in done.out.splitlines()]
        assert [p["input"] for p in got] == [str(path) for path in paths]
        assert [p.get("error") for p in got] == [None] * 10 + ["no such file or directory"]
        first, last = done.err.splitlines()
        assert json.loads(first)["error"]["code"] == "bad_image"
        assert json.loads(last)["error"]["exit_code"] == 7
    assert invoke("predict", "--files0", "-", "-q", stdin=b"").code == 0
    done = invoke("predict", "--files0", "-", "-q", stdin=b"a.png\nb.png\n")
    assert (done.code, done.err.count("find -print0"), done.err.count("NUL")) == (2, 1, 1)
    assert invoke("predict", "--files0", str(tmp_path / "none"), "-q").code == 2
    done = invoke("predict", "--files0", "-", stdin=b"x" * 100_000)
    assert (done.code, done.out) == (2, "")
    assert "find -print0" in done.err


@pytest.mark.parametrize("flag", ["--jsonl", "--tsv", "-q"])
def test_answers_come_while_there_are_still_inputs_to_come(folder, trained, flag):
    paths = sorted((folder / "below").iterdir())
    with subprocess.Popen(
        [sys.executable, "-m", "mnistcli", "predict", "--files0", "-", flag],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        too_late = threading.Timer(30, process.kill)
        too_late.start()
        for i, path in enumerate(paths[:4]):
            process.stdin.write(f"{path}\0".encode())
            process.stdin.flush()
            if i == 0 and flag == "--tsv":
                assert process.stdout.readline() == b"input\tanswer\tprobability\terror\n"
            assert process.stdout.readline()
        process.stdin.close()
        assert process.stdout.read() == b""
        too_late.cancel()
    assert process.returncode == 0


@pytest.mark.parametrize("flags", [["--jsonl"], ["--number", "--tsv"]], ids=" ".join)
def test_answers_do_not_depend_on_the_number_of_cores(folder, trained, run, flags):
    pictures = sorted((folder / "below").iterdir())
    (folder / "below" / "005b.png").write_bytes(b"nonsense")
    (folder / "below" / "006b.png").write_bytes((pictures[0]).read_bytes()[:100])
    arguments = ["predict", str(folder / "below"), "missing.png", *flags, *map(str, pictures)]
    on_one, on_many = (run(*arguments, env={"OMP_NUM_THREADS": n}) for n in ("1", "8"))
    assert on_one == on_many
    assert (on_one.code, on_one.err.count("b.png")) == (7, 2)


def on_a_terminal(arguments, *, stdout_too):
    """Run a command whose stderr is a terminal; give its exit code and what it wrote there."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "mnistcli", *arguments],
        stdout=theirs if stdout_too else subprocess.DEVNULL,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "100"},
    ) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # how Linux says that nobody writes any more
            while chunk := os.read(ours, 65536):
                said += chunk
        os.close(ours)
    return process.returncode, said


@pytest.fixture(scope="module")
def many(mnist, tmp_path_factory):
    """Pictures that take longer than one waits without a bar, two of them bad."""
    folder = tmp_path_factory.mktemp("many")
    for i in range(150):
        large = Image.fromarray(255 - mnist.test.images[400 + i]).resize((1200, 1200))
        large.save(folder / f"{i:03}.png", compress_level=1)
    for i in (100, 120):
        (folder / f"{i}.png").write_bytes(b"nonsense")
    return folder


def test_many_inputs_have_a_bar_that_errors_do_not_tear(many, trained):
    code, said = on_a_terminal(["predict", str(many), "--jsonl"], stdout_too=False)
    assert code == 7
    assert b"/150" in said
    # an error stands at the start of a line of its own: the bar was wiped away before
    for line in re.findall(rb'(?:^|\n)([^\n]*)\{"schema": "mnistcli.error"', said):
        assert re.fullmatch(rb"(\r|\x1b\[[0-9?]*[A-Za-z])*", line)
    assert said.count(b'"error": {"code"') == 3


def test_the_bar_is_gone_before_the_table_comes(many, trained):
    code, said = on_a_terminal(["predict", str(many)], stdout_too=True)
    assert code == 7
    bar, table = said.split(b"probability", 1)
    assert b"/150" in bar
    assert b"\x1b[2K" in bar
    assert b"\x1b[2K" not in table
    assert b"149.png" in table


def test_memory_does_not_grow_with_the_inputs(folder, trained, tmp_path):
    code = (
        "import sys, resource\n"
        "from mnistcli.cli.app import app\n"
        "try: app(['predict', '--files0', sys.argv[1], '--jsonl'], prog_name='mnistcli')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )

    def peak_kib(n):
        paths = sorted((folder / "below").iterdir())
        (tmp_path / "list").write_bytes(b"\0".join(str(paths[i % 10]).encode() for i in range(n)))
        ended = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "list")], capture_output=True, check=True
        )
        assert ended.stdout.count(b"\n") == n
        return int(ended.stderr)

    # 5,000 predictions are 5 MB of pixels alone, 784 numbers each
    assert peak_kib(5000) - peak_kib(100) < 3000


def test_proba_adds_a_column_for_each_class(invoke):
    header, row = invoke("predict", "-i", "7", "--proba", "--tsv").out.splitlines()
    assert header.split("\t") == ["input", "answer", "probability", *"0123456789", "error"]
    assert sum(float(p) for p in row.split("\t")[3:-1]) == pytest.approx(1)


@pytest.fixture
def mixed(mnist, tmp_path):
    """A good picture, a bad one, none and a good one again."""
    (tmp_path / "good.png").write_bytes(png(mnist.test.images[0]))
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    return [str(tmp_path / name) for name in ("bad.png", "good.png", "none.png", "good.png")]


@pytest.mark.parametrize("format_", [[], ["--tsv"], ["--json"], ["--jsonl"], ["-q"], ["--show"]])
def test_every_input_has_its_line_in_its_place(invoke, mixed, format_):
    done = invoke("predict", *mixed, *format_)
    assert done.code == 7
    missing = "no such file or directory"
    if format_ == ["-q"]:
        assert done.out == "!\n7\n!\n7\n"
    elif "--json" in format_ or "--jsonl" in format_:
        lines = done.out.splitlines() if "--jsonl" in format_ else [done.out]
        got = [json.loads(line) for line in lines]
        got = got if "--jsonl" in format_ else got[0]["predictions"]
        assert [p["input"] for p in got] == mixed
        assert [p["answer"] for p in got] == [None, "7", None, "7"]
        assert ["error" in p for p in got] == [True, False, True, False]
        assert (got[2]["error"], got[2]["notes"]) == (missing, [])
        assert got[2]["best"] is got[2]["probability"] is got[2]["probabilities"] is None
    elif format_ == ["--tsv"]:
        header, *rows = (line.split("\t") for line in done.out.splitlines())
        assert header == ["input", "answer", "probability", "error"]
        assert [row[0] for row in rows] == mixed
        assert [row[1] for row in rows] == ["!", "7", "!", "7"]
        assert rows[2][2:] == ["", missing]
        assert rows[1][3] == ""
    elif format_ == ["--show"]:
        assert re.findall(r"^(?:/.*/)(\w+\.png): (.)", done.out, re.MULTILINE) == [
            ("bad.png", "!"), ("good.png", "7"), ("none.png", "!"), ("good.png", "7"),
        ]  # fmt: skip
        assert f"{mixed[2]}: ! ({missing})" in done.out
    else:
        rows = done.out.strip().splitlines()[-4:]
        assert [tuple(row.split()[:2]) for row in rows] == [*zip(mixed, "!7!7", strict=True)]
        assert rows[2].endswith(missing)
    assert done.err.splitlines()[-1].endswith("2 of 4 inputs failed, the others were answered") or (
        json.loads(done.err.splitlines()[-1])["error"]["exit_code"] == 7
    )


def test_a_long_name_is_not_all_of_the_error(invoke, tmp_path):
    (tmp_path / "list").write_bytes(b"x" * 60_000 + b"\0")
    done = invoke("predict", "--files0", str(tmp_path / "list"), "-q")
    assert done.code == 6
    assert len(done.err) < 1100
    assert done.err.endswith("xxx: file name too long\n")


def test_all_inputs_may_fail(invoke, mixed):
    done = invoke("predict", mixed[0], mixed[2], "-q")
    assert (done.code, done.out) == (7, "!\n!\n")
    assert done.err.splitlines()[-1] == "error: all 2 inputs failed"


def test_a_sheet_has_the_pictures_that_could_be_read(invoke, mixed, tmp_path):
    done = invoke("predict", *mixed, "--output", str(tmp_path / "sheet.png"), "-q")
    assert (done.code, done.out) == (7, "!\n7\n!\n7\n")
    with Image.open(tmp_path / "sheet.png") as page:
        assert page.width > 2 * page.height // 3


@pytest.mark.parametrize("arguments", [[""], ["x.png", ""], ["--files0", ""]])
def test_an_empty_name_is_not_the_current_folder(invoke, folder, monkeypatch, arguments):
    monkeypatch.chdir(folder)
    done = invoke("predict", *arguments, "-q")
    assert (done.code, done.out) == (2, "")
    assert "is empty" in done.err


@pytest.mark.parametrize("listed", [b"\0", b"\0\0", b"\0x.png\0"])
def test_a_list_with_an_empty_name_is_none(invoke, listed):
    done = invoke("predict", "--files0", "-", "-q", stdin=listed)
    assert (done.code, done.out) == (2, "")


def test_a_named_pipe_in_a_folder_is_no_picture(invoke, folder):
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    (folder / "link.png").symlink_to(folder / "none.png")
    done = invoke("predict", str(folder), "-q")
    assert done.code == 7
    assert (len(done.out.splitlines()), done.out.count("!")) == (11, 1)
    assert f"error: {folder / 'link.png'}: no such file or directory\n" in done.err


def test_names_that_are_not_utf8_stay_apart(run, mnist, tmp_path):
    names = [b"bad\xff.png", b"bad\xfe.png"]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(png(mnist.test.images[0]))
    done = run("predict", *map(os.fsdecode, names), "--json")
    got = [p["input"] for p in json.loads(done.out)["predictions"]]
    assert got == [r"bad\xff.png", r"bad\xfe.png"]


def test_abstaining_counts_in_folders_too(invoke, folder):
    done = invoke("predict", str(folder), "--abstain-below", "1")
    assert [line.split()[1] for line in done.out.strip().splitlines()[-10:]] == ["?"] * 10
    assert "10 of 10 below 1: answered ?" in done.err
    done = invoke("predict", str(folder), "--abstain-below", "1", "-q")
    assert (done.out, done.err) == ("?\n" * 10, "")


@pytest.mark.parametrize("arguments", [["-"], ["--files0", "-"]])
def test_who_waits_for_a_terminal_says_so(trained, arguments):
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "mnistcli", "predict", *arguments],
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        os.close(theirs)
        too_late = threading.Timer(30, process.kill)
        too_late.start()
        assert b"standard input" in process.stderr.readline()
        os.write(ours, b"\x04")
        process.communicate()
        too_late.cancel()
    os.close(ours)
    assert process.returncode == (0 if "--files0" in arguments else 6)  # one Ctrl-D ends it


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (png(np.full((50, 50), 200, np.uint8)), "is blank"),
        (b"\x89PNG\r\n\x1a\n", ""),
        (b"<html>", "web page"),
        (b"##.##\n", "is no drawing of a digit: 5 x 1 letters"),
    ],
    ids=["empty", "blank", "cut", "html", "line"],
)
def test_a_bad_picture_is_one_line_and_exit_6(invoke, tmp_path, content, problem):
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    done = invoke("predict", str(path))
    assert (done.code, done.out) == (6, "")
    assert done.err.startswith(f"error: {path}: ")
    assert problem in done.err


def test_raw_takes_pixels_as_they_are(invoke, mnist, tmp_path):
    shifted = np.roll(mnist.test.images[0], 4, axis=1)
    np.save(tmp_path / "x.npy", shifted)
    from mnistcli import load_model, predict

    expected = predict(load_model(), shifted).probabilities[0].tolist()
    raw = answers(invoke, str(tmp_path / "x.npy"), "--raw")[0]
    assert list(raw["probabilities"].values()) == expected
    assert list(answers(invoke, str(tmp_path / "x.npy"))[0]["probabilities"].values()) != expected
    (tmp_path / "large.png").write_bytes(png(np.zeros((30, 20), np.uint8)))
    np.save(tmp_path / "many.npy", np.ones((5, 20, 20)))
    done = invoke("predict", str(tmp_path / "many.npy"), "x.png", "--raw")
    assert done.err.splitlines()[1] == "hint: leave --raw away"
    assert (done.err.count("--raw takes 28 x 28"), done.err.count("hint: ")) == (5, 2)
    done = invoke("predict", str(tmp_path / "large.png"), "--raw")
    assert done.code == 6
    assert "has 20 x 30 pixels, and --raw takes 28 x 28" in done.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["-i", "10000"], 2),
        (["-i", "-1"], 2),
        (["x.png", "-i", "7"], 2),
        (["x.png", "--files0", "list"], 2),
        (["-i", "7", "--json", "--jsonl"], 2),
        (["-i", "7", "--output", "x.gif"], 2),
        (["-i", "7", "-m", "no"], 5),
    ],
)
def test_what_makes_no_sense(invoke, arguments, code):
    done = invoke("predict", *arguments)
    assert (done.code, done.out) == (code, "")
    assert done.err


def test_a_picture_that_was_read_wrong_is_kept_under_its_right_label(invoke, tmp_path, home):
    folder = draw_europeans(tmp_path / "drawings", 2)
    (folder / "7_bad.png").write_bytes(b"nonsense")
    seven = str(folder / "7_00.png")
    plain = invoke("predict", seven, "-m", "builtin", "--json")
    done = invoke("predict", seven, "-m", "builtin", "--json", "--truth", "7", "--keep", "mine")
    assert (done.code, done.out) == (0, plain.out)
    assert "kept 1 picture as a 7 in mine, which has 1 image now" in done.err
    named = str(folder), str(folder / "7_01.png")  # the second of them twice
    done = invoke("predict", *named, "-m", "builtin", "-q", "--truth", "7", "--keep", "mine")
    assert (done.code, len(done.out.splitlines())) == (7, 6)
    data = DatasetStore(home / "datasets").open("mine")
    assert data.train.labels.tolist() == [7] * 4  # the first is there already
    grey = np.asarray(Image.open(seven))
    np.testing.assert_array_equal(data.train.images[0], mnistcli.conform(grey).image)
    invoke("train", "1v7", "--limit", "100", "-q")
    done = invoke("evaluate", "--dataset", "mine")
    assert (done.code, "mine has no test images\nhint: all of it is for" in done.err) == (3, True)
    assert invoke("evaluate", "--dataset", "mine", "--on", "train").code == 0
    done = invoke("download", "--source", str(folder), "--as", "mine", "--replace")
    assert (done.code, "mnistcli download --remove mine" in done.err) == (2, True)
    assert len(DatasetStore(home / "datasets").open("mine").train.labels) == 4
    bad = invoke("predict", str(folder / "7_bad.png"), "--truth", "7", "--keep", "other")
    assert (bad.code, (home / "own" / "other").exists()) == (6, False)


def test_pictures_with_labels_of_their_own_are_not_kept_under_another(invoke, tmp_path, home):
    drawn = draw_europeans(tmp_path / "drawings", 1)
    labelled = tmp_path / "labelled.npz"
    np.savez(labelled, images=np.eye(28, dtype=np.uint8)[None] * 255, labels=[1])
    named = str(labelled), str(drawn / "7_00.png")
    done = invoke("predict", *named, "-m", "builtin", "-q", "--truth", "7", "--keep", "mine")
    assert (done.code, done.out.splitlines()[0]) == (7, "!")
    assert "has labels of its own\nhint: mnistcli download --source" in done.err
    assert DatasetStore(home / "datasets").open("mine").train.labels.tolist() == [7]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x.png", "--keep", "mine"), "--keep goes with --truth"),
        (("x.png", "--truth", "7"), "--truth goes with --keep"),
        (("x.png", "--truth", "17", "--keep", "mine"), "'17' is not a digit"),
        (
            ("x.png", "--truth", "7", "--keep", "mnist"),
            "the name 'mnist' is taken\nhint: choose another, such as mine",
        ),
        (("x.png", "--truth", "7", "--keep", "../mine"), "is not a name of a dataset"),
        (
            ("--index", "7", "--truth", "7", "--keep", "mine"),
            "--keep and --index exclude each other",
        ),
        (("x.png", "--number", "--truth", "7", "--keep", "mine"), "--keep and --number exclude"),
    ],
)
def test_what_cannot_be_kept(invoke, arguments, message):
    done = invoke("predict", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
