"""What the terminal can draw, and which of six ways to draw is the best of those.

    kitty     the picture itself, as PNG               terminals with kitty's graphics protocol
    sixel     the picture itself, as DEC drew it       xterm, foot, mlterm, Windows Terminal, ...
    half      two pixels a cell, each in its colour    256 colours or more
    braille   eight dots a cell                        no colour needed; small, so for grids
    shade     five shades, two cells a pixel           no colour needed; large, so for one picture
    ascii     ten letters                              where the encoding has nothing else

Half-blocks without colour would be solid bars, so they are never chosen there.

A terminal is asked for graphics at most once in a process, only when a picture is about to be
drawn, and only if it is there and awake: an answer that comes late is typed into the user's shell.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import select
import sys
import time
from typing import TYPE_CHECKING, Literal

try:
    import fcntl
    import struct
    import termios
    import tty
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from rich.console import Console

Method = Literal["kitty", "sixel", "half", "braille", "shade", "ascii"]
Render = Literal["auto", Method]

GRAPHICS: tuple[Method, ...] = ("kitty", "sixel")
# Without colour a sign takes characters of its own.
COLOURLESS: tuple[Method, ...] = ("braille", "shade", "ascii")

# How long an answer is waited for. A round trip over SSH may take longer than one on this machine,
# and a terminal that is silent altogether is rare.
PATIENCE_S, SSH_PATIENCE_S = 0.1, 0.5
# Terminals that give no size in pixels draw sixels as a VT340 did, in cells of 10 x 20.
CELL = (10, 20)

# May I send a picture of one pixel? And: what are you? Every terminal answers the second question
# (device attributes), and so nobody waits long for the first.
KITTY_QUERY = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
ATTRIBUTES_QUERY = b"\x1b[c"
_BACKGROUND_QUERY = b"\x1b]11;?\x1b\\"
_BACKGROUND = re.compile(rb"\]11;rgb:(..)[^/]*/(..)[^/]*/(..)")
_ATTRIBUTES = re.compile(rb"\x1b\[\?([0-9;]*)c")


def choose_method(render: Render, console: Console, n_pictures: int = 1) -> Method:
    """Choose how to draw so many pictures on a console; what was asked for by name is done."""
    if render != "auto":
        return render
    # How many colours there are is no matter here: xterm says 16, and draws sixels in 256.
    asks = console.is_terminal and not console.no_color
    if asks and (graphics := graphics_of_terminal()):
        return graphics
    if not console.encoding.lower().startswith("utf"):
        return "ascii"
    # Sixteen colours have four greys, and a theme decides which.
    if console.no_color or console.color_system not in ("256", "truecolor"):
        # The Linux console has shades in its font and no braille.
        is_large = n_pictures == 1 or os.environ.get("TERM") == "linux"
        return "shade" if is_large else "braille"
    return "half"


@functools.cache
def graphics_of_terminal() -> Literal["kitty", "sixel"] | None:
    """Return which kind of graphics the terminal of this process says it can draw.

    tmux and screen answer for themselves: they do not pass kitty's question on, and name sixel
    only where they draw it.
    """
    # tmux and screen take the start of kitty's question for a title.
    term = os.environ.get("TERM", "")
    is_multiplexed = os.environ.get("TMUX") or term.startswith(("tmux", "screen"))
    answer = _ask(ATTRIBUTES_QUERY if is_multiplexed else KITTY_QUERY + ATTRIBUTES_QUERY)
    if b"\x1b_Gi=31;OK\x1b\\" in answer:
        return "kitty"
    attributes = _ATTRIBUTES.search(answer)
    if attributes and b"4" in attributes[1].split(b";")[1:]:
        return "sixel"
    return None


def has_light_background() -> bool:
    """Return whether the terminal of this process says that its paper is light (xterm's OSC 11)."""
    found = _BACKGROUND.search(_ask(_BACKGROUND_QUERY + ATTRIBUTES_QUERY))
    return found is not None and sum(int(level, 16) for level in found.groups()) > 3 * 128


def _ask(query: bytes) -> bytes:
    """Send a query and collect what comes back, until the last answer or out of patience.

    Nothing comes from what is no terminal, not awake, or known to answer nothing.
    """
    is_deaf = os.environ.get("TERM", "dumb") in ("dumb", "linux", "")
    is_written_down = os.environ.get("CI") or os.environ.get("JPY_PARENT_PID")  # a cell's ! command
    if termios is None or is_deaf or is_written_down:
        return b""
    patience_s = SSH_PATIENCE_S if os.environ.get("SSH_CONNECTION") else PATIENCE_S
    # AttributeError and ValueError: there is no stream, or a closed one.
    with contextlib.suppress(OSError, ValueError, AttributeError, termios.error):
        stdin, stdout = sys.stdin.fileno(), sys.stdout.fileno()
        in_foreground = os.tcgetpgrp(stdout) == os.getpgrp()
        if not (in_foreground and os.isatty(stdin) and os.isatty(stdout)):
            return b""
        before = termios.tcgetattr(stdin)
        try:
            tty.setcbreak(stdin, termios.TCSANOW)  # answers come unechoed, without an end of line
            if select.select([stdin], [], [], 0)[0]:
                return b""  # somebody types ahead; that is for the shell
            os.write(stdout, query)
            answer, deadline = b"", time.monotonic() + patience_s
            while not _ATTRIBUTES.search(answer) and (left := deadline - time.monotonic()) > 0:
                if select.select([stdin], [], [], left)[0]:
                    answer += os.read(stdin, 1024)
            return answer
        finally:
            termios.tcsetattr(stdin, termios.TCSANOW, before)
    return b""


def cell_size() -> tuple[int, int]:
    """Return the width and the height of a character cell in pixels."""
    if termios is not None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            raw = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
            rows, columns, width, height = struct.unpack("HHHH", raw)
            if rows and columns and width >= columns and height >= rows:
                return width // columns, height // rows
    return CELL
