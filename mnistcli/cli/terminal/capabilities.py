"""What the terminal says it can draw.

Asked at most once in a process, only when a picture is about to be drawn, and only a terminal that
is there and awake: an answer that comes late is typed into the user's shell.
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

if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    import fcntl
    import struct
    import termios
    import tty
except ImportError:  # Windows
    termios = None  # type: ignore[assignment]

PATIENCE_S = 0.1
# Terminals that give no size in pixels draw sixels as a VT340 did, in cells of 10 x 20.
CELL = (10, 20)

# May I send a picture of one pixel? And: what are you? Every terminal answers the second question
# (device attributes), and so nobody waits long for the first.
QUERY = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c"
_KITTY_SAYS_OK = b"\x1b_Gi=31;OK\x1b\\"
_ATTRIBUTES = re.compile(rb"\x1b\[\?([0-9;]*)c")
_SIXEL = b"4"


@functools.cache
def graphics_of_terminal() -> Literal["kitty", "sixel"] | None:
    """Say which kind of graphics the terminal of this process can draw.

    tmux and screen answer for themselves: they do not pass kitty's question on, and name sixel
    only where they draw it.
    """
    if not _may_be_asked():
        return None
    answer = _ask(sys.stdin.fileno(), sys.stdout.fileno())
    if _KITTY_SAYS_OK in answer:
        return "kitty"
    attributes = _ATTRIBUTES.search(answer)
    if attributes and _SIXEL in attributes[1].split(b";")[1:]:
        return "sixel"
    return None


def _may_be_asked() -> bool:
    if termios is None or os.environ.get("CI"):
        return False
    if os.environ.get("TERM", "dumb") in ("dumb", "linux", ""):
        return False
    # A round trip may take longer than our patience.
    if os.environ.get("SSH_CONNECTION"):
        return False
    try:
        in_foreground = os.tcgetpgrp(sys.stdout.fileno()) == os.getpgrp()
        return sys.stdin.isatty() and sys.stdout.isatty() and in_foreground
    except (OSError, ValueError, AttributeError):  # no terminal, a closed stream, no stream
        return False


def _ask(stdin: int, stdout: int) -> bytes:
    """Send the query and collect what comes back, until the last answer or for `PATIENCE_S`."""
    with contextlib.suppress(OSError, termios.error), _unechoed(stdin):
        if select.select([stdin], [], [], 0)[0]:
            return b""  # somebody types ahead; that is for the shell
        os.write(stdout, QUERY)
        answer = b""
        deadline = time.monotonic() + PATIENCE_S
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([stdin], [], [], left)[0]:
                break
            answer += os.read(stdin, 1024)
            if _ATTRIBUTES.search(answer):
                break
        return answer
    return b""


@contextlib.contextmanager
def _unechoed(terminal: int) -> Iterator[None]:
    """Let a terminal's answers come unechoed and without an end of line."""
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal, termios.TCSANOW)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)


def cell_size() -> tuple[int, int]:
    """Give the width and the height of a character cell in pixels."""
    if termios is not None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            raw = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8))
            rows, columns, width, height = struct.unpack("HHHH", raw)
            if rows and columns and width >= columns and height >= rows:
                return width // columns, height // rows
    return CELL
