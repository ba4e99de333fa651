"""The canvas, driven by textual's own pilot: no terminal is needed."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import select
import sys
import time
from functools import partial

import numpy as np
import pytest
from PIL import Image

from mnistcli import TrainingSettings, train
from mnistcli.cli.content.numbers import percent
from mnistcli.cli.views.draw import SIDE, Canvas, DrawingApp, with_stroke
from mnistcli.datasets.store import DatasetStore
from mnistcli.prediction import Reader
from mnistcli.settings import SplitSpec

# A seven: along the top, then down and to the left; (x, y) in cells of the canvas.
SEVEN = [(12, 5), (27, 5), (22, 11), (19, 16)]
LEGEND = "draw for"


@pytest.fixture(scope="module")
def model(mnist):
    settings = TrainingSettings(split=SplitSpec(limit=3000))
    return train("digits", mnist, settings).model


def play(model, script, *, size=(80, 24), save_to=None, keep=None, **how):
    """Run the canvas, let a script act on it and give the app."""
    app = DrawingApp(model, save_to, keep, **how)

    async def run():
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await script(app, pilot)

    asyncio.run(run())
    return app


async def drag(pilot, points):
    """Draw with the mouse; the canvas has a border of one cell."""
    spots = [(x + 1, y + 1) for x, y in points]
    await pilot.mouse_down(Canvas, offset=spots[0])
    for spot in spots[1:]:
        await pilot.hover(Canvas, offset=spot)
    await pilot.mouse_up(Canvas, offset=spots[-1])
    await pilot.pause(0.2)


def ink_at(app, x, y):
    """The ink in the middle of a pixel of the canvas."""
    side = app.query_one(Canvas).side
    return app.canvas.ink[int((y + 0.5) * SIDE / side), int((x + 0.5) * SIDE / side)]


def panel_of(app):
    """The lines beside the canvas: the answer, two of notes, the bars, 14 of the picture."""
    return app.query_one("#panel").content.lines


def text_of(app, lines):
    return " ".join("".join(s.text for s in line) for line in panel_of(app)[lines]).strip()


ANSWER, NOTES, BARS, SEEN = slice(1), slice(1, 3), slice(3, -14), slice(-14, None)


def cells_of(app):
    return [
        [s.style.color.triplet[0] for s in line for _ in s.text if s.style]
        for line in panel_of(app)[SEEN]
    ]


def bars_of(app):
    """The lines of the bars, without what they are made of."""
    lines = ("".join(s.text for s in line) for line in panel_of(app)[BARS])
    return [re.sub("[█▏▎▍▌▋▊▉ ]+", " ", line).strip() for line in lines]


def test_a_drawn_seven_is_a_seven(model):
    async def script(app, pilot):
        assert text_of(app, ANSWER).startswith(LEGEND)
        await drag(pilot, SEVEN)
        expected = Reader(model).picture(app.canvas.grey)
        assert (app.prediction.answer, app.prediction.probability) == ("7", expected.probability)
        assert text_of(app, ANSWER).startswith("7 (")
        shares = expected.digits[0].probabilities
        for k in range(5):
            both = [f"{i} {percent(shares[i])}" for i in (k, k + 5)]
            assert bars_of(app)[1 + k] == " ".join(both)
        assert "█" in text_of(app, BARS)
        # what the model saw is on the screen
        assert cells_of(app) == expected.digits[0].image[::2].tolist()
        # and so is the stroke, where it was drawn
        assert ink_at(app, 20, 2 * 5) == 1.0
        assert ink_at(app, 12, 2 * 5 + 8) == 0.0

    play(model, script)


def test_a_click_far_from_the_pen_is_a_dot(model):
    async def script(app, pilot):
        await pilot.mouse_down(Canvas, offset=(6, 6))
        await pilot.mouse_up(Canvas, offset=(6, 6))
        canvas = app.query_one(Canvas)
        canvas.pen = (40, 40)  # a terminal that tells no moves
        await pilot.mouse_down(Canvas, offset=(6, 6))
        await pilot.mouse_up(Canvas, offset=(6, 6))
        assert ink_at(app, 5, 10) == 1.0
        assert not ink_at(app, 20, 22)

    play(model, script)


def test_probabilities_move_while_one_draws(model):
    async def script(app, pilot):
        seen = []
        for end in range(1, len(SEVEN)):
            await drag(pilot, SEVEN[end - 1 : end + 1])
            seen.append(app.prediction.digits[0].probabilities.tolist())
        assert seen[0] != seen[1] != seen[2]

    play(model, script)


def test_another_button_erases_and_c_clears(model):
    async def script(app, pilot):
        await drag(pilot, SEVEN)
        before = app.canvas.ink.sum()
        for x in range(12, 24):
            await pilot.click(Canvas, offset=(x + 1, 6), button=3)
        assert not any(ink_at(app, x, 2 * 5) for x in range(12, 24))
        assert 0 < app.canvas.ink.sum() < 0.9 * before
        await pilot.press("c")
        await pilot.pause(0.2)
        assert not app.canvas.ink.any()
        assert app.prediction is None
        assert text_of(app, ANSWER).startswith(LEGEND)

    play(model, script)


def test_the_keyboard_draws(model):
    async def script(app, pilot):
        await pilot.press("left", "left")
        assert not app.canvas.ink.any()  # the pen is up
        await pilot.press("space", *["right"] * 8, *["down"] * 12, "space", *["left"] * 5)
        await pilot.pause(0.2)
        canvas = app.query_one(Canvas)
        x, y = canvas.side // 2 - 2, canvas.side // 4  # where it began
        assert all(ink_at(app, x + i, y) == 1.0 for i in range(9))
        assert all(ink_at(app, x + 8, y + i) == 1.0 for i in range(13))
        assert not any(ink_at(app, i, y + 12) for i in range(x + 6))
        assert app.prediction.answer == "7"
        canvas.pen = (1, 1)
        await pilot.press("up", "up", "left", "left")
        assert canvas.pen == (0, 0)

    play(model, script)


def test_what_is_no_digit_is_said(model):
    async def script(app, pilot):
        for x in (4, 20, 36):
            await drag(pilot, [(x, 3), (x, 16)])
        assert app.prediction is None
        assert text_of(app, ANSWER) == "?"
        assert "digits" in text_of(app, NOTES)
        assert "%" not in text_of(app, slice(None)), "what was not answered has no probabilities"

    play(model, script)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 15)], ids=str)
def test_everything_fits(model, size):
    async def script(app, pilot):
        await drag(pilot, SEVEN[:2])
        if size != (60, 15):
            for selector in ("#canvas", "#panel"):
                region = app.query_one(selector).region
                assert region.right <= size[0], selector
                assert region.bottom <= size[1] - 1, selector
        (leave,) = (each for each in app.query("FooterKey") if each.description == "quit")
        assert leave.region.right <= size[0], "how to leave is told wherever one is"

    play(model, script, size=size)


def test_in_low_terminals_every_probability_is_told(model):
    async def script(app, pilot):
        await drag(pilot, SEVEN[:2])
        top = app.query_one("#panel").region.y
        shown = text_of(app, slice(3, 14 - top))  # what tells the keys has the last line
        assert re.findall(r"(\d) [^%]*%", shown) == list("0516273849")

    play(model, script, size=(80, 15))


def test_two_classes_have_two_bars(mnist):
    model = train("2vrest", mnist, TrainingSettings(split=SplitSpec(limit=300))).model

    async def script(app, pilot):
        await drag(pilot, SEVEN)
        assert [line.split()[0] for line in bars_of(app) if line] == ["rest", "2"]

    play(model, script)


def test_saving(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    async def script(app, pilot):
        await drag(pilot, SEVEN)
        await pilot.press("s", "s")

    app = play(model, script)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["digit-1.png", "digit-2.png"]
    with Image.open(tmp_path / "digit-1.png") as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (2 * SIDE, 2 * SIDE)
    assert (pixels[::2, ::2] == app.canvas.grey).all()
    assert app.told == ["saved digit-1.png", "saved digit-2.png"]
    assert Reader(model).picture(pixels).answer == "7"
    play(model, script, save_to=tmp_path / "mine.png")
    assert (tmp_path / "mine.png").is_file()
    assert len(list(tmp_path.glob("*.png"))) == 3


def test_a_folder_that_cannot_be_written_is_said_and_survived(model, tmp_path):
    (tmp_path / "file").write_bytes(b"")

    async def script(app, pilot):
        await drag(pilot, SEVEN)
        await pilot.press("s")
        await pilot.pause()
        assert any("cannot" in note.message for note in app._notifications)

    play(model, script, save_to=tmp_path / "file" / "x.png")


def test_a_stroke_is_round_and_soft():
    middle = np.array([80.0, 80.0])
    dot = with_stroke(np.zeros((SIDE, SIDE), np.float32), middle, middle)
    assert (dot == dot.T).all()
    assert dot[80, 80] == 1.0
    assert ((dot > 0) & (dot < 1)).any()
    assert np.hypot(*(np.argwhere(dot > 0) - 80).T).max() <= 6.9
    assert with_stroke(dot, middle, middle, erase=True)[80, 80] == 0


def test_strokes_and_clearing_can_be_undone(model):
    async def script(app, pilot):
        await pilot.press("u")  # there is nothing to undo
        await drag(pilot, SEVEN[:2])
        line = app.canvas.ink
        await drag(pilot, SEVEN[1:])
        seven = app.canvas.ink
        await pilot.press("c", "u")
        assert app.canvas.ink is seven
        await pilot.press("ctrl+z")
        assert app.canvas.ink is line
        await pilot.press("u", "u")
        assert not app.canvas.ink.any()

    play(model, script)


def test_the_eraser_is_a_pen_too(model):
    async def script(app, pilot):
        canvas = app.query_one(Canvas)
        await drag(pilot, SEVEN)
        await pilot.press("e")
        assert canvas.border_subtitle == "eraser"
        await drag(pilot, [(12, 5), (20, 5)])
        assert not ink_at(app, 16, 10)
        assert ink_at(app, 26, 10) == 1.0
        await pilot.press("e", *["right"] * 6, "space")  # draws again, from where the mouse was
        assert canvas.border_subtitle == ""
        assert canvas.pen == (26, 10)
        assert ink_at(app, 26, 10) == 1.0

    play(model, script)


@pytest.mark.parametrize("is_light", [False, True])
def test_the_pen_is_seen_from_the_start_on_either_paper(model, is_light):
    async def script(app, pilot):
        canvas = app.query_one(Canvas)
        x, y = canvas.pen
        pen = canvas.render_line(y // 2).crop(x, x + 1)._segments[0]
        assert (pen.text, tuple(pen.style.color.triplet)) == ("▀", (0, 160, 160))
        for is_now_light in (is_light, not is_light):
            paper = canvas.render_line(0)._segments[0].style.color.triplet
            assert tuple(paper) == ((255,) * 3 if is_now_light else (0,) * 3)
            assert app.current_theme.dark is not is_now_light
            await pilot.press("t")

    play(model, script, is_light=is_light)


def test_the_canvas_fills_the_terminal_and_follows_it(model):
    async def script(app, pilot):
        canvas = app.query_one(Canvas)
        assert canvas.side == canvas.region.width - 2 == 42
        assert canvas.region.height == 23  # all but the footer
        await drag(pilot, SEVEN)
        drawn = app.canvas.ink
        await pilot.resize_terminal(160, 50)
        await pilot.pause()
        assert (canvas.side, canvas.region.height) == (94, 49)
        assert app.canvas.ink is drawn
        await pilot.resize_terminal(20, 5)
        await pilot.pause()
        assert canvas.side == 16
        assert max(canvas.pen) < 16

    play(model, script)


def test_without_a_terminal(invoke):
    done = invoke("draw")
    assert (done.code, done.out) == (2, "")
    assert "draw needs a terminal" in done.err
    assert invoke("draw", "--output", "x.jpg").code == 2


def on_a_terminal(command, keys, quiet_s=2.0):
    """Run Python on a pseudo-terminal, type keys once it has drawn, give the exit code and output."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update({"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"})
        os.execv(sys.executable, [sys.executable, *command])
    out, typed, deadline = b"", False, time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([master], [], [], quiet_s)[0]:
            if not typed:
                os.write(master, keys)
                typed = True
            continue
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        out += chunk
    _, status = os.waitpid(pid, 0)
    os.close(master)
    return os.waitstatus_to_exitcode(status), out.decode(errors="replace")


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("key", [b"q", b"\x03"], ids=["q", "Ctrl-C"])
def test_the_command_opens_before_any_training_and_quits(key):
    code, out = on_a_terminal(["-m", "mnistcli", "draw"], key)
    assert code == 0
    assert "there is no model of yours: builtin answers" in out
    assert "draw for builtin" in out


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_missing_textual_is_said_kindly():
    code = (
        "import sys; sys.modules['textual'] = None\n"
        "from mnistcli.cli.app import app\n"
        "app(['draw'], prog_name='mnistcli')"
    )
    exit_code, out = on_a_terminal(["-c", code], b"")
    assert exit_code == 2
    assert out.splitlines() == [
        "error: draw needs textual, which is not installed",
        "hint: pip install 'mnistcli[draw]'",
    ]


def test_no_other_command_imports_textual(home):
    import subprocess

    code = "import sys; from mnistcli.cli.app import app\ntry: app(['show', '7'])\nexcept SystemExit: pass\nassert 'textual' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_digit_s_key_keeps_the_drawing_as_that_digit(model, tmp_path):
    own, kept = DatasetStore(tmp_path / "datasets"), []

    async def script(app, pilot):
        await pilot.press("7")  # nothing is drawn yet
        assert own.own_names() == ()
        await drag(pilot, SEVEN)
        kept.append(app.prediction.digits[0].image)
        await pilot.press("7")
        await pilot.pause(0.2)
        assert not app.canvas.ink.any()
        await drag(pilot, SEVEN[1:])
        kept.append(app.prediction.digits[0].image)
        await pilot.press("1")
        await pilot.pause(0.2)

    app = play(model, script, keep=partial(own.keep, "mine"))
    assert [each.partition(" in ")[0] for each in app.told] == [
        "kept 1 picture as a 7",
        "kept 1 picture as a 1",
    ]
    train = own.open("mine").train
    assert train.labels.tolist() == [7, 1]
    np.testing.assert_array_equal(train.images, kept)
