"""Models that look at other things than pixels, from the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

LIMIT = ("--limit", "400")


def accuracy(invoke, *arguments):
    done = invoke("train", "--task", "digits", *LIMIT, *arguments, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)["test"]["accuracy"]


def test_straightening_and_patches_each_make_fewer_mistakes(invoke):
    pixels = accuracy(invoke)
    straight = accuracy(invoke, "--features", "deskew")
    patches = accuracy(invoke, "--features", "patches")
    assert pixels + 0.02 < straight
    assert straight + 0.03 < patches
    assert patches > 0.93


def test_a_model_of_patches_is_kept_and_used_like_any_other(invoke, mnist, tmp_path):
    done = invoke("train", "--task", "3v8", *LIMIT, "--preset", "better", "--cv", "2", "--json")
    trained = json.loads(done.out)
    assert trained["settings"]["C"] != 1.0 or trained["fit"]["converged"]
    judged = json.loads(invoke("evaluate", "--json").out)
    assert judged["accuracy"] == trained["test"]["accuracy"]
    index = int(np.flatnonzero(mnist.test.labels == 3)[0])
    answer = invoke("predict", "--index", str(index), "-q").out
    digit = mnist.test.images[index]
    Image.fromarray(255 - np.kron(digit, np.ones((9, 9), np.uint8))).save(tmp_path / "three.png")
    assert invoke("predict", str(tmp_path / "three.png"), "-q").out == answer
    shown = json.loads(invoke("show", "--filters", "3v8", "--json").out)
    assert {(p["height"], p["width"]) for p in map(_size, shown["pictures"])} <= {
        (side, side) for side in range(3, 28, 2)
    }


def _size(picture):
    pixels = np.array(picture["pixels"])
    return {"height": pixels.shape[0], "width": pixels.shape[1]}


def test_what_only_pixels_have_is_refused_in_one_line(invoke):
    invoke("train", "--task", "3v8", *LIMIT, "--features", "patches", "-q")
    for arguments in (
        ("show", "--weights", "3v8"),
        ("predict", "--index", "7", "--explain"),
    ):
        done = invoke(*arguments)
        assert done.code == 2, arguments
        assert "patches" in done.err.splitlines()[0] or "pixels" in done.err.splitlines()[0]
    invoke("train", "--task", "3v8", *LIMIT, "-q")
    done = invoke("show", "--filters", "3v8")
    assert done.code == 2
    assert done.err.splitlines()[1].startswith("hint: ")


def test_straightened_pixels_are_explained_to_the_last_bit(invoke):
    invoke("train", "--task", "3v8", *LIMIT, "--features", "deskew", "-q")
    document = json.loads(invoke("predict", "--index", "61", "--explain", "--json").out)
    why = document["predictions"][0]["explanation"]
    assert sum(why["contributions"]) + why["intercept"] == pytest.approx(why["score"])
    p = document["predictions"][0]["probabilities"]
    log_odds = np.log(p[why["answer"]] / p[why["runner_up"]])
    assert why["score"] == pytest.approx(log_odds, abs=1e-9)


def test_another_c_uses_the_features_of_before(invoke, home):
    arguments = ("train", "--task", "3v8", *LIMIT, "--features", "patches", "-q")
    invoke(*arguments)
    (kept,) = (home / "features").glob("*.features")
    before = kept.stat().st_ino
    assert invoke(*arguments, "--C", "0.1").code == 0
    (kept,) = (home / "features").iterdir()
    assert kept.stat().st_ino == before  # a new file would have replaced it


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--preset", "best", "--features", "pixels"), "exclude each other"),
        (("--preset", "worst"), "worst"),
        (("--features", "strokes"), "strokes"),
    ],
)
def test_what_makes_no_sense_is_refused(invoke, arguments, said):
    done = invoke("train", "--task", "0v1", *arguments)
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize("option", ["-q", "--tsv", "--json", "--proba"])
def test_what_looks_at_no_pixels_is_not_explained_in_any_format(invoke, option):
    done = invoke("predict", "-i", "3", "-m", "builtin", "--explain", option)
    assert (done.code, done.out) == (2, "")
    assert "builtin does not look at pixels" in done.err
