"""Digits in a terminal: pixels as characters or as escape sequences, and grids that fit its width.

Images are uint8 (height, width) for grey, 0 black, or (height, width, 3) for RGB, or float in
[-1, 1] for signed values. kitty's graphics protocol and sixel draw from the cell where the cursor
stands, which afterwards stands there again.

Pictures and words stand side by side in blocks of character cells: rich lays out text, but not what
is no text, a picture that covers cells without writing characters into them. So a line here is a
list of rich's segments, control codes among them, and a block knows its own width.
"""

import base64
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.color import Color
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.segment import ControlType, Segment
from rich.style import Style
from rich.text import Text

from mnistcli.arrays import Bools, Bytes, Float64s, Int64s
from mnistcli.cli.terminal import bitmap, capabilities
from mnistcli.cli.terminal.capabilities import Method, Render, choose_method
from mnistcli.cli.words import visible
from mnistcli.gallery import CaptionedImage, Gallery, fit_into

_GAP = 2
# A pipe has no right margin, but who reads what comes out of it mostly has one.
WIDTH_OF_A_PIPE = 80

_SHADES = " ░▒▓█"
_ASCII = " .:-=+*#%@"
# Signed values without colour need characters of their own.
_POSITIVE, _NEGATIVE = " .+#", " .-="

# The eight dots of a braille cell, in the order of their bits in Unicode.
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
# From this level on a pixel is a dot, by which thin strokes stay whole: on black, and on paper.
_DOT_LEVEL, _PAPER_LEVEL = 96, 160

# kitty takes payloads in pieces of at most so many bytes of base64.
KITTY_CHUNK = 4096

_INDEX, _SAVE, _RESTORE = "\x1bD", "\x1b7", "\x1b8"

Line = list[Segment]


class Block(NamedTuple):
    """A rectangle of cells; every line fills the width.

    Printed as it is, it is drawn at the left margin.
    """

    width: int
    lines: tuple[Line, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Yield the lines to rich."""
        for line in self.lines:
            yield from line
            yield Segment.line()


def texts(
    lines: Sequence[str], *, style: str = "", width: int | None = None, centred: bool = False
) -> Block:
    """Make a block of plain text; what is wider than ``width`` is cut."""
    lines = [visible(line) for line in lines]
    if width is None:
        width = max(map(cell_len, lines), default=0)
    parsed = Style.parse(style) if style else None
    fitted = [Text(line, overflow="ellipsis") for line in lines]
    for each in fitted:
        each.align("center" if centred else "left", width)
    return Block(width, tuple([Segment(each.plain, parsed)] for each in fitted))


def beside(blocks: Sequence[Block], gap: int) -> Block:
    """Put blocks side by side, their tops in one line."""
    lines: list[Line] = [[] for _ in range(max(len(block.lines) for block in blocks))]
    for i, block in enumerate(blocks):
        for y, line in enumerate(lines):
            if i:
                line.append(Segment(" " * gap))
            line.extend(block.lines[y] if y < len(block.lines) else [Segment(" " * block.width)])
    return Block(sum(block.width for block in blocks) + gap * (len(blocks) - 1), tuple(lines))


def stacked(blocks: Sequence[Block]) -> Block:
    """Put blocks one below the other."""
    width = max(block.width for block in blocks)
    lines: list[Line] = []
    for block in blocks:
        spare = width - block.width
        lines += ([*line, Segment(" " * spare)] if spare else line for line in block.lines)
    return Block(width, tuple(lines))


def draw(
    pictures: Sequence[CaptionedImage],
    console: Console,
    render: Render = "auto",
    n_columns: int | None = None,
    *,
    in_row: bool = False,
    side: int | None = None,
) -> Block:
    """Draw pictures side by side, as many in a row as the console is wide, or ``n_columns`` at most.

    A single one is drawn large where characters are coarse. With ``in_row`` each is 28 cells wide,
    or ``side``, and they stand closer.
    """
    n, method = len(pictures), choose_method(render, console, len(pictures))
    # Shades and letters of a row would be 56 wide.
    is_large = method not in ("shade", "ascii") if in_row else n == 1
    usable = usable_width(console)
    widest = min(usable, side or usable)
    images = bitmap.to_scale([picture.image for picture in pictures])
    blocks = [draw_image(image, method, large=is_large, width=widest) for image in images]
    captions = [picture.caption for picture in pictures]
    narrowest = 1 if in_row else min(14, usable)  # for captions: "#1234: 9 not 4"
    width = max([narrowest, *(block.width for block in blocks)])
    n_fitting = max(1, (usable + _GAP) // (width + _GAP))
    n_columns = min(n_fitting, n_columns or n_fitting)
    rows: list[Block] = []
    for start in range(0, n, n_columns):
        row = slice(start, start + n_columns)
        rows += [] if in_row or not start else [texts([""])]
        rows.append(_row(blocks[row], captions[row], width, widest=console.width))
    return stacked(rows) if rows else texts([])


def draw_gallery(gallery: Gallery, console: Console, render: Render) -> RenderableType:
    """Draw pictures, and their legend below."""
    drawing = draw(gallery, console, render, gallery.n_columns)
    method = choose_method(render, console, len(gallery))
    legend = Text(visible(bitmap.fill_in(gallery.legend, signs_of(method))))
    return Group(drawing, Text(), legend) if gallery.legend else drawing


def signs_of(method: Method) -> tuple[str, str]:
    """Return what positive and negative values look like."""
    return bitmap.CHARACTER_SIGNS if method in capabilities.COLOURLESS else bitmap.COLOUR_SIGNS


def usable_width(console: Console) -> int:
    """Return the width that pictures may take."""
    return console.width if console.width < 1000 else WIDTH_OF_A_PIPE


def draw_image(image: NDArray[Any], method: Method, *, large: bool = False, width: int) -> Block:
    """Draw one image, large if that fits the width."""
    columns = image.shape[1]
    if method in capabilities.GRAPHICS:
        # Pixels are free here, cells are not: a grid holds as many pictures as one of braille.
        columns = min(28 if large else 14, width)
        cell = capabilities.cell_size()
        n_lines = max(1, round(columns * cell[0] * image.shape[0] / image.shape[1] / cell[1]))
        return graphic(image, method, (columns, n_lines), cell)
    image = fit_into(image, 2 * width if method == "braille" and not large else width, len(image))
    if method == "half":
        return half_blocks(image)
    if method == "braille":
        return braille(image, large=large)
    large = large and 2 * columns <= width
    return shades(image, large=large, ascii_only=method == "ascii")


def _row(pictures: Sequence[Block], captions: Sequence[str], width: int, *, widest: int) -> Block:
    top, columns = max(len(block.lines) for block in pictures), []
    for block, caption in zip(pictures, captions, strict=True):
        left = texts([""] * len(block.lines), width=(width - block.width) // 2)
        if len(captions) == 1 and len(caption) > width:  # one alone disturbs nobody if it is long
            said = texts(bitmap.fold(visible(caption), widest))
        else:
            below = [*[""] * (top - len(block.lines)), *bitmap.fold(visible(caption), width)]
            said = texts(below, width=width, centred=True)
        columns.append(stacked([beside([left, block], 0), Block(width, ()), said]))
    return beside(columns, _GAP)


def half_blocks(image: NDArray[Any]) -> Block:
    """Draw two pixels in a cell, the upper one in the character's colour."""
    rows = bitmap.colours_of(image).tolist()
    below: list[list[tuple[int, ...]]] = rows[1::2]
    if len(rows) % 2:
        below.append([()] * image.shape[1])  # the page shows through
    lines = []
    for upper, lower in zip(rows[0::2], below, strict=True):
        runs = groupby((*a, *b) for a, b in zip(upper, lower, strict=True))
        # No style is kept for another console: rich styles remember their first one's escape codes.
        line = []
        for cell, same in runs:
            paper = Color.from_rgb(*cell[3:]) if len(cell) > 3 else None
            style = Style.from_color(Color.from_rgb(*cell[:3]), paper)
            line.append(Segment("▀" * len(list(same)), style))
        lines.append(line)
    return Block(image.shape[1], tuple(lines))


def shades(image: NDArray[Any], *, large: bool, ascii_only: bool = False) -> Block:
    """Draw by the density of characters: one for two rows of pixels, or, large, two for a pixel."""
    levels = image / 255.0 if image.dtype == np.uint8 else image.astype(np.float64)
    if large:
        levels = np.repeat(levels, 2, axis=1)
    else:
        # A cell is about twice as high as wide.
        levels = np.pad(levels, [(0, len(levels) % 2), (0, 0)])
        levels = (levels[0::2] + levels[1::2]) / 2
    if image.dtype == np.uint8:
        return _characters(_from_ramp(levels, _ASCII if ascii_only else _SHADES))
    strength = bitmap.lifted(np.abs(levels))
    signed = np.where(levels >= 0, _from_ramp(strength, _POSITIVE), _from_ramp(strength, _NEGATIVE))
    return _characters(signed)


def braille(image: NDArray[Any], *, large: bool) -> Block:
    """Draw eight dots in a cell: one for a pixel, or, large, four.

    Strokes are cut at one level, which is crisp; what is mostly grey is dithered.
    """
    from PIL import Image

    if image.dtype != np.uint8:  # a dot has no sign
        return shades(image, large=False)
    picture = Image.fromarray(image)
    if large:
        picture = picture.resize((2 * picture.width, 2 * picture.height), Image.Resampling.BICUBIC)
    if (image > 200).sum() < 0.25 * (image > 24).sum():
        dots = np.asarray(picture.convert("1"))
    else:
        dots = np.asarray(picture) >= (_PAPER_LEVEL if np.median(image) > 128 else _DOT_LEVEL)
    return dotted(dots)


def dotted(dots: Bools) -> Block:
    """Draw an array of dots in braille, two to a cell's width and four to its height."""
    dots = np.pad(dots, [(0, -dots.shape[0] % 4), (0, -dots.shape[1] % 2)])
    height, width = dots.shape
    bits = (dots.reshape(height // 4, 4, width // 2, 2) * _DOTS[None, :, None, :]).sum(axis=(1, 3))
    return _characters(np.array([" ", *map(chr, range(0x2801, 0x2900))])[bits])


def _characters(characters: NDArray[np.str_]) -> Block:
    lines = tuple([Segment("".join(line))] for line in characters.tolist())
    return Block(characters.shape[1], lines)


def _from_ramp(levels: Float64s, ramp: str) -> NDArray[np.str_]:
    # The first character is for (almost) nothing and the last for the top of the range.
    position = np.clip(np.round(levels * (len(ramp) - 1)), 0, len(ramp) - 1)
    characters: NDArray[np.str_] = np.array(list(ramp))[position.astype(np.int64)]
    return characters


def graphic(
    image: NDArray[Any], method: Method, cells: tuple[int, int], cell: tuple[int, int]
) -> Block:
    """Draw an image over ``cells`` (columns, lines) of ``cell`` pixels each."""
    columns, n_lines = cells
    painted = bitmap.enlarged(image, columns * cell[0], n_lines * cell[1])
    if method == "kitty":
        sequence = kitty(bitmap.png(painted), columns, n_lines)
    else:
        colours = np.asarray(painted.quantize(256).convert("RGB"))
        sequence = f"{_SAVE}{sixel(colours)}{_RESTORE}"
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
    keys, sent = f"a=T,f=100,q=2,C=1,c={columns},r={n_lines},", ""
    for start in range(0, len(payload), KITTY_CHUNK):
        piece, is_last = payload[start : start + KITTY_CHUNK], start + KITTY_CHUNK >= len(payload)
        sent += f"\x1b_G{'' if start else keys}m={0 if is_last else 1};{piece}\x1b\\"
    return sent


def sixel(rgb: Bytes) -> str:
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


def _run_lengths(bits: Int64s) -> str:
    starts = np.flatnonzero(np.diff(bits, prepend=-1))
    lengths = np.diff(starts, append=len(bits))
    runs = [(n, chr(63 + b)) for n, b in zip(lengths.tolist(), bits[starts].tolist(), strict=True)]
    if runs[-1][1] == "?":  # nothing at the end need not be said
        runs.pop()
    return "".join(f"!{n}{c}" if n > 3 else n * c for n, c in runs)
