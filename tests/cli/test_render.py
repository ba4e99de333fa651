"""The ladder of ways to draw: each method against a file that was looked at, and who gets which."""

from __future__ import annotations

import base64
import io
import os
import pty
import re
import select
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.color import Color, ColorSystem
from rich.console import Console

from mnistcli.cli.terminal import capabilities
from mnistcli.cli.terminal.capabilities import choose_method
from mnistcli.cli.terminal.pictures import draw
from mnistcli.cli.terminal.protocols import kitty, sixel
from mnistcli.gallery import CaptionedImage

DRAWINGS = Path(__file__).parent / "drawings"
KITTY_OK = b"\x1b_Gi=31;OK\x1b\\"


def console(encoding="utf-8", **settings):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Console(file=file, width=80, height=50, _environ={}, **settings)


def drawn(tiles, method, color_system=None):
    page = io.StringIO()
    on = Console(
        file=page, width=80, height=50, force_terminal=color_system is not None,
        color_system=color_system, _environ={},
    )  # fmt: skip
    on.print(draw(tiles, on, method))
    return page.getvalue()


# --- what each method draws -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "method", "color_system"),
    [
        ("half-truecolor", "half", "truecolor"),
        ("half-256", "half", "256"),
        ("braille", "braille", None),
        ("shade", "shade", None),
        ("ascii", "ascii", None),
    ],
)
def test_a_rung_draws_what_was_looked_at(mnist, name, method, color_system):
    tiles = [
        CaptionedImage(mnist.test.images[0], "#0"),
        CaptionedImage(mnist.test.images[18], "#18"),
    ]
    expected = (DRAWINGS / f"{name}.txt").read_text("utf-8")
    assert drawn(tiles, method, color_system) == expected


@pytest.mark.parametrize("level", range(256))
def test_256_colours_have_a_grey_for_every_level(level):
    number = Color.from_rgb(level, level, level).downgrade(ColorSystem.EIGHT_BIT).number
    assert number in {16, 231, *range(232, 256)}
    shown = {16: 0, 231: 255}.get(number, 8 + 10 * (number - 232))
    assert abs(shown - level) <= 12


def test_sixel_of_a_small_picture():
    rgb = np.zeros((7, 5, 3), np.uint8)
    rgb[0, :] = 255
    rgb[6, 4] = 255
    assert sixel(rgb) == (
        '\x1bP0;1;0q"1;1;5;7#0;2;0;0;0#1;2;100;100;100'
        "#0!5}$#1!5@"  # five times rows 1 to 5; five times row 0
        "-#0!4@$#1!4?@\x1b\\"  # the seventh row
    )


def unsixel(sequence):
    """Decode sixel, as a terminal does."""
    header = re.match(r'\x1bP0;1;0q"1;1;(\d+);(\d+)', sequence)
    width, height = int(header[1]), int(header[2])
    page = np.full((height + 6, width, 3), -1)
    palette, colour, x, y = {}, 0, 0, 0
    tokens = r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)"
    for token in re.finditer(tokens, sequence[header.end() : -2]):
        if token[1]:
            palette[int(token[1])] = [round(int(token[k]) * 2.55) for k in (2, 3, 4)]
        elif token[5]:
            colour = int(token[5])
        elif token[9]:
            x = 0
        elif token[10]:
            x, y = 0, y + 6
        else:
            bits = ord(token[7] or token[8]) - 63
            run = int(token[6] or 1)
            for k in range(6):
                if bits >> k & 1:
                    page[y + k, x : x + run] = palette[colour]
            x += run
    assert (page[height:] == -1).all()
    return page[:height]


def test_sixel_decodes_to_the_digit(mnist):
    out = drawn([CaptionedImage(mnist.test.images[0])], "sixel", "truecolor")
    (sequence,) = re.findall(r"\x1b7(\x1bP.*?\x1b\\)\x1b8", out)
    picture = unsixel(sequence)
    assert picture.shape == (280, 280, 3)
    small = picture[5::10, 5::10]
    assert np.abs(small - mnist.test.images[0][:, :, None]).max() <= 4
    assert (np.repeat(np.repeat(small, 10, 0), 10, 1) == picture).all()


def test_sixel_shows_signs():
    weights = np.array([[-1.0, 0.0], [0.5, 1.0]])
    (sequence,) = re.findall(
        r"\x1bP.*?\x1b\\", drawn([CaptionedImage(weights)], "sixel", "truecolor")
    )
    picture = unsixel(sequence)
    assert picture[0, 0, 2] > 200 > picture[0, 0, 0]
    assert picture[-1, -1, 0] > 200 > picture[-1, -1, 2]
    assert not picture[0, -1].any()


def unkitty(out):
    """Decode kitty's graphics protocol: the keys of each picture and the picture."""
    pictures, keys, payload = [], None, ""
    for control, data in re.findall(r"\x1b_G(.*?);(.*?)\x1b\\", out):
        assert len(data) <= 4096
        fields = dict(pair.split("=") for pair in control.split(","))
        keys = keys or fields
        payload += data
        if fields["m"] == "0":
            pictures.append((keys, Image.open(io.BytesIO(base64.b64decode(payload)))))
            keys, payload = None, ""
    assert keys is None
    return pictures


def test_kitty_gets_the_digits(mnist):
    tiles = [CaptionedImage(mnist.test.images[i], f"#{i}") for i in range(7)]
    out = drawn(tiles, "kitty", "truecolor")
    pictures = unkitty(out)
    assert len(pictures) == 7
    for tile, (keys, picture) in zip(tiles, pictures, strict=True):
        assert {k: keys[k] for k in "afqCcr"} == dict(
            zip("afqCcr", ["T", "100", "2", "1", "14", "7"], strict=True)
        )
        assert picture.size == (140, 140)
        assert (np.asarray(picture)[2::5, 2::5, 0] == tile.image).all()
    # What is no escape code fits the width: five in a row, and their captions.
    plain = re.sub(r"\x1b_G.*?\x1b\\|\x1bD|\x1b\[\d+[AC]", "", out)
    captions = [line.split() for line in plain.splitlines() if "#" in line]
    assert captions == [["#0", "#1", "#2", "#3", "#4"], ["#5", "#6"]]


def test_kitty_pieces_are_whole():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    ((_, picture),) = unkitty(kitty(buffer.getvalue(), 4, 2))
    assert (np.asarray(picture) == noise).all()


@pytest.mark.parametrize("method", ["half", "braille", "shade", "ascii"])
def test_a_narrow_terminal_gets_a_small_picture(mnist, method):
    page = io.StringIO()
    on = Console(file=page, width=20, height=50, _environ={})
    on.print(draw([CaptionedImage(mnist.test.images[0], "#0")], on, method))
    lines = page.getvalue().splitlines()
    assert max(map(len, lines)) == 20
    assert len(lines) == {"half": 10, "braille": 10, "shade": 10, "ascii": 10}[method] + 1


# --- who gets which -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "one", "many"),
    [
        ({}, "shade", "braille"),  # a pipe
        ({"encoding": "ascii"}, "ascii", "ascii"),
        ({"encoding": "latin-1", "force_terminal": True, "color_system": "256"}, "ascii", "ascii"),
        ({"force_terminal": True, "color_system": None}, "shade", "braille"),  # TERM=dumb
        ({"force_terminal": True, "color_system": "standard"}, "shade", "braille"),
        ({"force_terminal": True, "color_system": "truecolor", "no_color": True}, "shade", "braille"),
        ({"force_terminal": True, "color_system": "256"}, "half", "half"),
        ({"force_terminal": True, "color_system": "truecolor"}, "half", "half"),
    ],
    ids=str,
)  # fmt: skip
def test_auto(settings, one, many, monkeypatch):
    monkeypatch.setattr(capabilities, "graphics_of_terminal", lambda: None)
    on = console(**settings)
    assert (choose_method("auto", on, 1), choose_method("auto", on, 10)) == (one, many)
    for method in ("kitty", "sixel", "half", "braille", "shade", "ascii"):
        assert choose_method(method, on) == method


def test_the_linux_console_has_no_braille(monkeypatch):
    monkeypatch.setenv("TERM", "linux")
    assert choose_method("auto", console(), 10) == "shade"


@pytest.mark.parametrize(
    ("method", "mark"),
    [
        ("kitty", "\x1b_Ga=T"),
        ("sixel", "\x1bP0;1;0q"),
        ("half", "\x1b[38;2;"),
        ("braille", "⣿"),
        ("shade", "▓"),
        ("ascii", "@"),
    ],
)
def test_what_is_asked_for_by_name_is_drawn_in_a_pipe(invoke, method, mark):
    assert mark in invoke("show", "7", "--render", method).out
    assert mark in invoke("show", "7", env={"MNISTCLI_RENDER": method}).out


def test_half_blocks_by_name_are_coloured_even_without_colour(invoke):
    out = invoke("show", "7", "--render", "half", env={"NO_COLOR": "1", "TERM": "dumb"}).out
    assert "\x1b[38;2;254;254;254" in out


def test_an_unknown_rung_is_a_usage_error(invoke):
    assert invoke("show", "7", "--render", "oil").code == 2
    assert invoke("show", "7", env={"MNISTCLI_RENDER": "oil"}).code == 2


# --- asking the terminal ------------------------------------------------------------------------


def on_a_terminal_that_answers(answer, arguments=("show", "7"), env=None, delay_s=0.0):
    """Run a command on a pseudo-terminal that answers the query; give the output and the waiting."""
    pid, master = pty.fork()
    if pid == 0:
        for name in ("CI", "SSH_CONNECTION", "NO_COLOR"):
            os.environ.pop(name, None)
        os.environ.update({"TERM": "xterm-256color", "COLUMNS": "80", **(env or {})})
        os.execv(sys.executable, [sys.executable, "-m", "mnistcli", *arguments])
    out, asked, waited = b"", None, None
    while select.select([master], [], [], 60)[0]:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        out += chunk
        if asked and waited is None:
            waited = time.monotonic() - asked
        if asked is None and capabilities.ATTRIBUTES_QUERY in out:
            asked = time.monotonic()
            time.sleep(delay_s)
            os.write(master, answer)
    os.waitpid(pid, 0)
    os.close(master)
    return out, waited


on_pty = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@on_pty
@pytest.mark.parametrize(
    ("answer", "mark"),
    [
        (KITTY_OK + b"\x1b[?62;4c", b"\x1b_Ga=T"),
        (b"\x1b[?62;4;22c", b"\x1bP0;1;0q"),
        (b"\x1b[?62;22c", "▀".encode()),
        (b"\x1b[?4c", "▀".encode()),  # a VT132, which has no sixel
        (b"\x1b_Gi=31;ENOTSUPPORTED\x1b\\\x1b[?1;2c", "▀".encode()),
    ],
    ids=["kitty", "sixel", "neither", "vt132", "refused"],
)
def test_a_terminal_is_believed(answer, mark):
    out, _ = on_a_terminal_that_answers(answer)
    assert out.count(capabilities.KITTY_QUERY + capabilities.ATTRIBUTES_QUERY) == 1
    assert mark in out
    assert b"test image 7, labelled 9" in out
    # what the terminal answered is not echoed into the picture
    assert b"[?" not in out.replace(capabilities.ATTRIBUTES_QUERY, b"")


@on_pty
def test_a_silent_terminal_is_not_waited_for():
    out, waited = on_a_terminal_that_answers(b"")
    assert "▀".encode() in out
    assert waited < 0.6  # 0.1 for the answer; the rest is drawing, on a busy machine


@on_pty
@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (("show", "7"), {"CI": "true"}),
        (("show", "7"), {"TERM": "dumb"}),
        (("show", "7"), {"TERM": "linux"}),
        (("show", "7"), {"NO_COLOR": "1"}),
        (("show", "7", "--render", "half"), {}),
        (("show", "7", "--json"), {}),
        (("models", "list"), {}),
    ],
    ids=str,
)
def test_who_is_not_asked(arguments, env):
    out, _ = on_a_terminal_that_answers(KITTY_OK + b"\x1b[?62c", arguments, env)
    assert b"\x1b_G" not in out
    assert b"\x1b[c" not in out


def test_a_pipe_is_not_asked(run):
    assert "\x1b" not in run("show", "7", env={"FORCE_COLOR": "", "TERM": "xterm-kitty"}).out


def test_streams_that_are_no_terminals_are_not_asked(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(capabilities, "_ask", lambda *_: pytest.fail("asked"))
    assert capabilities.graphics_of_terminal.__wrapped__() is None
