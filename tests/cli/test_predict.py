from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image


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


def test_ten_thousand_images_in_one_file(invoke, mnist, tmp_path):
    np.save(tmp_path / "many.npy", mnist.test.images)
    done = invoke("predict", str(tmp_path / "many.npy"), "-q")
    got = np.array([int(line) for line in done.out.split()])
    assert len(got) == 10_000
    assert (got == mnist.test.labels).mean() > 0.88
    table = invoke("predict", str(tmp_path / "many.npy")).out.splitlines()
    assert len(table) == 10_001
    assert table[1].split()[:2] == [f"{tmp_path / 'many.npy'}[0]", "7"]


def test_show_draws_what_the_model_saw(invoke, mnist, tmp_path):
    (tmp_path / "seven.png").write_bytes(png(255 - mnist.test.images[0]))
    out = invoke("predict", str(tmp_path / "seven.png"), "--show").out
    first, second, *picture = out.splitlines()
    assert first.startswith(f"{tmp_path / 'seven.png'}: 7 (")
    assert "inverted" in second
    assert len([line for line in picture if line.strip()]) == 20
    assert set("".join(picture)) == set(" ░▒▓█")


def test_proba_adds_a_column_for_each_class(invoke):
    header, row = invoke("predict", "-i", "7", "--proba", "--tsv").out.splitlines()
    assert header.split("\t") == ["input", "answer", "probability", *"0123456789"]
    assert sum(float(p) for p in row.split("\t")[3:]) == pytest.approx(1)


def test_one_bad_file_is_reported_and_the_rest_go_on(invoke, mnist, tmp_path):
    (tmp_path / "good.png").write_bytes(png(mnist.test.images[0]))
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    paths = [str(tmp_path / name) for name in ("good.png", "bad.png", "none.png", "good.png")]
    done = invoke("predict", *paths, "-q")
    assert done.code == 7
    assert done.out == "7\n7\n"
    errors = done.err.splitlines()
    assert errors[0].startswith(f"error: {tmp_path / 'bad.png'}: ")
    assert any(
        line == f"error: {tmp_path / 'none.png'}: no such file or directory" for line in errors
    )
    assert errors[-1] == "error: 2 of 4 inputs failed, the others were answered"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (png(np.full((50, 50), 200, np.uint8)), "is blank"),
        (b"\x89PNG\r\n\x1a\n", ""),
        (b"<html>", "web page"),
    ],
    ids=["empty", "blank", "cut", "html"],
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
        (["-i", "7", "-m", "no"], 5),
    ],
)
def test_what_makes_no_sense(invoke, arguments, code):
    done = invoke("predict", *arguments)
    assert (done.code, done.out) == (code, "")
    assert done.err
