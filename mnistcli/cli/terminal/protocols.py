"""Pictures as escape sequences: kitty's graphics protocol and sixel.

Both are drawn from the cell where the cursor stands, which afterwards stands there again.
"""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.segment import ControlType, Segment

from mnistcli.cli.terminal.bitmap import enlarged, png
from mnistcli.cli.terminal.capabilities import Method
from mnistcli.cli.terminal.layout import Block, Line

# kitty takes payloads in pieces of at most so many bytes of base64.
KITTY_CHUNK = 4096
# Levels of grey, or of each sign; a VT340 had 16 colours, terminals now have 256 or more.
SIXEL_LEVELS = 63

_INDEX, _SAVE, _RESTORE = "\x1bD", "\x1b7", "\x1b8"


def graphic(
    image: NDArray[Any], method: Method, cells: tuple[int, int], cell: tuple[int, int]
) -> Block:
    """Draw an image over ``cells`` (columns, lines) of ``cell`` pixels each."""
    columns, n_lines = cells
    size = columns * cell[0], n_lines * cell[1]
    if method == "kitty":
        sequence = kitty(png(enlarged(image, *size)), columns, n_lines)
    elif image.ndim == 3:
        colours = enlarged(image, *size).quantize(4 * SIXEL_LEVELS).convert("RGB")
        sequence = _SAVE + sixel(np.asarray(colours)) + _RESTORE
    else:
        top = 255.0 if image.dtype == np.uint8 else 1.0
        coarse = top * np.round(image / top * SIXEL_LEVELS) / SIXEL_LEVELS
        painted = enlarged(coarse.astype(image.dtype), *size)
        sequence = _SAVE + sixel(np.asarray(painted)) + _RESTORE
    # A picture at the foot of the screen is cut there; moving down and up again makes it scroll.
    room = f"{_INDEX * (n_lines - 1)}\x1b[{n_lines - 1}A" if n_lines > 1 else ""
    skip = _control(f"\x1b[{columns}C")
    first: Line = [_control(room + sequence), skip]
    return Block(columns, (first, *([skip] for _ in range(n_lines - 1))))


def _control(sequence: str) -> Segment:
    # rich writes control codes as they are and counts no width for them.
    return Segment(sequence, None, [(ControlType.CURSOR_FORWARD, 0)])


def kitty(png_bytes: bytes, columns: int, n_lines: int) -> str:
    """Write a PNG in kitty's graphics protocol, scaled to cells, without moving the cursor.

    https://sw.kovidgoyal.net/kitty/graphics-protocol/: a=T transmit and show, f=100 PNG, q=2 no
    answers, C=1 the cursor stays, m=1 more pieces follow.
    """
    payload = base64.standard_b64encode(png_bytes).decode("ascii")
    pieces = [payload[i : i + KITTY_CHUNK] for i in range(0, len(payload), KITTY_CHUNK)]
    keys = [f"a=T,f=100,q=2,C=1,c={columns},r={n_lines},"] + [""] * (len(pieces) - 1)
    more = [1] * (len(pieces) - 1) + [0]
    return "".join(
        f"\x1b_G{key}m={m};{piece}\x1b\\" for key, m, piece in zip(keys, more, pieces, strict=True)
    )


def sixel(rgb: NDArray[np.uint8]) -> str:
    """Write a picture of at most 256 colours in sixel (DEC VT330/VT340 manual, chapter 14).

    Six rows of pixels make a band; each colour of a band is written over all of its width, a
    character for six pixels below one another, runs as ``!length character``.
    """
    height, width = rgb.shape[:2]
    palette, indices = np.unique(rgb.reshape(-1, 3), axis=0, return_inverse=True)
    indices = np.pad(indices.reshape(height, width), ((0, -height % 6), (0, 0)), constant_values=-1)
    percent = np.round(palette / 255 * 100).astype(int)
    parts = [f'\x1bP0;1;0q"1;1;{width};{height}']
    parts += [f"#{i};2;{r};{g};{b}" for i, (r, g, b) in enumerate(percent.tolist())]
    weights = 1 << np.arange(6)[:, None]
    for band in indices.reshape(-1, 6, width):
        colours = np.unique(band)
        rows = (
            f"#{colour}{_run_lengths((weights * (band == colour)).sum(axis=0))}"
            for colour in colours[colours >= 0].tolist()
        )
        parts += ["$".join(rows), "-"]
    return "".join(parts[:-1]) + "\x1b\\"


def _run_lengths(bits: NDArray[np.int64]) -> str:
    starts = np.flatnonzero(np.diff(bits, prepend=-1))
    lengths = np.diff(starts, append=len(bits))
    runs = [(n, chr(63 + b)) for n, b in zip(lengths.tolist(), bits[starts].tolist(), strict=True)]
    if runs[-1][1] == "?":  # nothing at the end need not be said
        runs.pop()
    return "".join(f"!{n}{c}" if n > 3 else n * c for n, c in runs)
