"""Which of seven ways to draw: the best one that the terminal shows.

    kitty     the picture itself, as PNG               terminals with kitty's graphics protocol
    sixel     the picture itself, as DEC drew it       xterm, foot, mlterm, Windows Terminal, ...
    half      two pixels a cell, each in its colour    256 colours or more
    braille   eight dots a cell                        no colour needed; small, so for grids
    shade     five shades, two cells a pixel           no colour needed; large, so for one picture
    ascii     ten letters                              where the encoding has nothing else

Half-blocks without colour would be solid bars, so they are never chosen there.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from rich.console import Console

Rung = Literal["kitty", "sixel", "half", "braille", "shade", "ascii"]
Render = Literal["auto", "kitty", "sixel", "half", "braille", "shade", "ascii"]

GRAPHICS: tuple[Rung, ...] = ("kitty", "sixel")
# Without colour a sign takes characters of its own.
COLOURLESS: tuple[Rung, ...] = ("braille", "shade", "ascii")
# These are escape codes: who asks for them by name wants them in a pipe too, as `less -R` does.
NEED_ESCAPES: tuple[Render, ...] = ("kitty", "sixel", "half")

assert set(get_args(Render)) == {"auto", *get_args(Rung)}  # noqa: S101 - one list, typed twice


def choose_rung(render: Render, console: Console, n_pictures: int = 1) -> Rung:
    """Choose how to draw so many pictures on a console; what was asked for by name is done."""
    if render != "auto":
        return render
    if not console.encoding.lower().startswith("utf"):
        return "ascii"
    # Sixteen colours have four greys, and a theme decides which.
    if console.no_color or console.color_system not in ("256", "truecolor"):
        # The Linux console has shades in its font and no braille.
        is_large = n_pictures == 1 or os.environ.get("TERM") == "linux"
        return "shade" if is_large else "braille"
    from mnistcli.cli.terminal.capabilities import graphics_of_terminal

    return graphics_of_terminal() or "half"
