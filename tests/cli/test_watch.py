"""``train --watch``: a fit as pictures, on a terminal and in a film."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from mnistcli import load_model
from mnistcli.cli.drawing import LIGHT, paint
from mnistcli.cli.layout import sheet_drawing
from mnistcli.gallery import CaptionedImage, Gallery


@pytest.mark.parametrize(("task", "n_pictures"), [("0v1", 1), ("digits", 10)])
def test_a_film_ends_with_the_weights_of_the_model(invoke, tmp_path, task, n_pictures):
    film = tmp_path / "new" / "fit.APNG"
    done = invoke("train", task, "--limit", "1000", "--watch", str(film), "-q")
    assert (done.code, done.out, done.err) == (0, f"{task}@1\n", "")
    model = load_model()
    coef = model.classifier.coef.reshape(-1, 28, 28)
    assert len(coef) == n_pictures
    names = [f"for {name}" for name, _ in model.classifier.output_names()]
    pictures = [CaptionedImage(*each) for each in zip(coef, names, strict=True)]
    page = paint(sheet_drawing(Gallery(pictures)), LIGHT)
    n_rows = page.height - 16  # what a legend would be below
    with Image.open(film) as frames:
        assert 15 < frames.n_frames <= 60
        first = np.asarray(frames.convert("RGB"))
        frames.seek(frames.n_frames - 1)
        last = np.asarray(frames.convert("RGB"))
    shown = np.asarray(page)[:n_rows]
    # the intercept is moved once more, and rounding moves no weight by more than a level
    assert np.abs(last[:n_rows].astype(int) - shown).max() <= 2
    assert (first[:n_rows] != shown).any()
    blue = (last[n_rows:] == (0, 114, 178)).all(axis=2)  # the curve
    assert blue.sum() > 3 * (first[n_rows:] == (0, 114, 178)).all(axis=2).sum() > 0


def test_a_film_is_a_gif_too(invoke, tmp_path):
    done = invoke("train", "0v1", "--limit", "300", "--watch", str(tmp_path / "a.gif"), "--no-save")
    assert (done.code, done.err) == (0, f"wrote {tmp_path / 'a.gif'}\n")
    with Image.open(tmp_path / "a.gif") as film:
        assert (film.format, film.is_animated, film.info["loop"]) == ("GIF", True, 0)


def on_a_terminal(*arguments, lines="24", term="xterm-256color"):
    """What a training draws on a terminal that shows stderr."""
    master, slave = pty.openpty()
    env = {**os.environ, "TERM": term, "COLUMNS": "80", "LINES": lines, "CI": "1"}
    words = [sys.executable, "-m", "mnistcli", "train", *arguments]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=slave, env=env) as process:
        os.close(slave)
        drawn = b""
        while True:
            try:
                drawn += os.read(master, 65536)
            except OSError:  # it has ended
                break
        out = process.stdout.read().decode()
    os.close(master)
    assert process.returncode == 0
    return out, drawn.decode()


def test_each_step_is_drawn_over_the_last(invoke):
    out, drawn = on_a_terminal("--watch", "0v1v2", "--limit", "3000", "-q")
    assert out == "0v1v2@1\n"
    first, *others = re.split(r"\x1b\[(\d+)A", drawn)
    ups, frames = others[0::2], others[1::2]
    assert len(set(ups)) == 1
    assert first.count("\n") == int(ups[0]) < 24
    for frame in (first, *frames):
        assert frame.count("\n") == int(ups[0])
        assert "▀" in frame
        for name in ("for 0", "for 1", "for 2", "gradient"):
            assert name in frame
    n_iterations = load_model().card.certificate["n_iterations"]
    assert f"iteration {n_iterations}: gradient " in frames[-1]


@pytest.mark.parametrize("how", [{"lines": "6"}, {"term": "dumb"}], ids=str)
def test_where_nothing_can_be_drawn_nothing_is(how):
    out, drawn = on_a_terminal("0v1", "--watch", "--limit", "200", "-q", **how)
    assert (out, drawn) == ("0v1@1\n", "")


def test_without_a_terminal_there_is_the_film(invoke):
    for words in (["--watch", "0v1"], ["0v1", "--watch"]):
        done = invoke("train", *words, "--limit", "200", "--no-save", "--json")
        assert done.code == 0
        assert done.err == (
            "there is no terminal to watch on; --watch FILE.gif keeps what there is to see\n"
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["0v1", "--watch", "fit.mp4"], "cannot keep a film in fit.mp4"),
        (["0v1", "--watch=fit"], "cannot keep a film in fit"),
        (["0v1", "--watch", "/dev/null/fit.gif"], "cannot make the folder /dev/null"),
        (["pairs", "--watch"], "--watch follows one fit, pairs has 45"),
        (["0v1", "--watch", "--preset", "better"], "--watch draws a weight for each pixel"),
        (["0v1", "--watch", "--penalty", "l1"], "--watch follows newton, liblinear tells nothing"),
    ],
)
def test_what_cannot_be_watched_is_one_line_before_any_work(invoke, arguments, message):
    done = invoke("train", *arguments)
    assert (done.code, done.out) == (3 if "/dev/null/fit.gif" in arguments else 2, "")
    assert done.err.startswith(f"error: {message}")
