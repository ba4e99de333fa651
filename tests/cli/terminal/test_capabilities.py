"""Which way to draw a terminal gets, and how it is asked."""

from __future__ import annotations

import os
import pty
import select
import sys
import time

import pytest

from mnistcli.cli.terminal import capabilities
from mnistcli.cli.terminal.capabilities import choose_method

KITTY_OK = b"\x1b_Gi=31;OK\x1b\\"


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
def test_auto(settings, one, many, monkeypatch, console):
    monkeypatch.setattr(capabilities, "graphics_of_terminal", lambda: None)
    on = console(**settings)
    assert (choose_method("auto", on, 1), choose_method("auto", on, 10)) == (one, many)
    for method in ("kitty", "sixel", "half", "braille", "shade", "ascii"):
        assert choose_method(method, on) == method


def test_the_linux_console_has_no_braille(monkeypatch, console):
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


def on_a_terminal_that_answers(
    answer, arguments=("show", "7"), env=None, delay_s=0.0, patience_s=(60.0, 60.0)
):
    """Run a command on a pseudo-terminal that answers the query; give the output.

    So patient because a busy machine does not answer within a tenth of a second.
    """
    code = (
        "from mnistcli.__main__ import main\n"
        "from mnistcli.cli.terminal import capabilities\n"
        f"capabilities.PATIENCE_S, capabilities.SSH_PATIENCE_S = {patience_s}\n"
        "main()"
    )
    pid, master = pty.fork()
    if pid == 0:
        for name in ("CI", "JPY_PARENT_PID", "SSH_CONNECTION", "NO_COLOR"):
            os.environ.pop(name, None)
        os.environ.update({"TERM": "xterm-256color", "COLUMNS": "80", **(env or {})})
        os.execv(sys.executable, [sys.executable, "-c", code, *arguments])
    out, is_asked = b"", False
    while select.select([master], [], [])[0]:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        out += chunk
        if not is_asked and capabilities.ATTRIBUTES_QUERY in out:
            is_asked = True
            time.sleep(delay_s)
            os.write(master, answer)
    os.waitpid(pid, 0)
    os.close(master)
    return out


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
    out = on_a_terminal_that_answers(answer)
    assert out.count(capabilities.KITTY_QUERY + capabilities.ATTRIBUTES_QUERY) == 1
    assert mark in out
    assert b"test image 7, labelled 9" in out
    # what the terminal answered is not echoed into the picture
    assert b"[?" not in out.replace(capabilities.ATTRIBUTES_QUERY, b"")


@on_pty
@pytest.mark.parametrize(
    "env",
    [{"TERM": "xterm"}, {"TERM": "vt340"}, {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}],
    ids=str,
)
def test_graphics_need_no_colours_and_pass_ssh(env):
    out = on_a_terminal_that_answers(b"\x1b[?62;4;22c", env=env)
    assert b"\x1bP0;1;0q" in out


@on_pty
@pytest.mark.parametrize("env", [{"TMUX": "socket,1,0"}, {"TERM": "tmux-256color"}, {"TERM": "screen"}])  # fmt: skip
def test_a_multiplexer_is_not_sent_what_it_takes_for_a_title(env):
    out = on_a_terminal_that_answers(b"\x1b[?62;4;22c", env=env)
    assert b"\x1b_" not in out
    assert b"\x1bP0;1;0q" in out


@on_pty
def test_an_answer_over_ssh_may_take_longer():
    env = {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}
    out = on_a_terminal_that_answers(
        b"\x1b[?62;4;22c", env=env, delay_s=0.25, patience_s=(0.1, 60.0)
    )
    assert b"\x1bP0;1;0q" in out


@on_pty
@pytest.mark.parametrize("term", ["xterm", "xterm-256color"])
def test_doctor_names_the_way_that_pictures_are_drawn(term):
    out = on_a_terminal_that_answers(b"\x1b[?62;4;22c", ("doctor",), {"TERM": term})
    assert b"sixel: sixel for one picture, sixel for several" in out


@on_pty
def test_a_width_of_0_is_not_known():
    out = on_a_terminal_that_answers(b"\x1b[?62;22c", env={"COLUMNS": "0", "LINES": "0"})
    assert out.count("▀".encode()) == 28 * 14


@on_pty
def test_a_silent_terminal_is_not_waited_for():
    assert capabilities.PATIENCE_S <= 0.1
    out = on_a_terminal_that_answers(b"", patience_s=(capabilities.PATIENCE_S, 60.0))
    assert "▀".encode() in out


@on_pty
@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (("show", "7"), {"CI": "true"}),
        (("show", "7"), {"JPY_PARENT_PID": "7"}),  # a cell of a notebook: !mnistcli show 7
        (("show", "7"), {"TERM": "dumb"}),
        (("show", "7"), {"TERM": "linux"}),
        (("show", "7"), {"NO_COLOR": "1"}),
        (("doctor",), {"NO_COLOR": "1"}),
        (("show", "7", "--render", "half"), {}),
        (("show", "7", "--json"), {}),
        (("models", "list"), {}),
    ],
    ids=str,
)
def test_who_is_not_asked(arguments, env):
    out = on_a_terminal_that_answers(KITTY_OK + b"\x1b[?62c", arguments, env)
    assert b"\x1b_G" not in out
    assert b"\x1b[c" not in out


def test_a_pipe_is_not_asked(run):
    assert "\x1b" not in run("show", "7", env={"FORCE_COLOR": "", "TERM": "xterm-kitty"}).out


def test_streams_that_are_no_terminals_are_not_asked(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(capabilities.tty, "setcbreak", lambda *_: pytest.fail("asked"))
    assert capabilities.graphics_of_terminal.__wrapped__() is None
