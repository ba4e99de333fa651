"""Pixels as characters: half-blocks, braille, shades, ASCII.

Images are uint8 (height, width) for grey, 0 black, or float in [-1, 1] for signed values.
"""

from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from mnistcli.cli.terminal.bitmap import colours_of, lifted
from mnistcli.cli.terminal.layout import Block

Image = NDArray[Any]

_SHADES = " ░▒▓█"
_ASCII = " .:-=+*#%@"
# Signed values without colour need characters of their own.
_POSITIVE, _NEGATIVE = " .+#", " .-="

# The eight dots of a braille cell, in the order of their bits in Unicode.
_BRAILLE = 0x2800
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
# From this level on a pixel is a dot, by which thin strokes stay whole: on black, and on paper.
_DOT_LEVEL, _PAPER_LEVEL = 96, 160


def half_blocks(image: Image) -> Block:
    """Draw two pixels in a cell, the upper one in the character's colour."""
    rows = colours_of(image).tolist()
    below: list[list[tuple[int, ...]]] = rows[1::2]
    if len(rows) % 2:
        below.append([()] * image.shape[1])  # the page shows through
    lines = []
    for upper, lower in zip(rows[0::2], below, strict=True):
        runs = groupby((*a, *b) for a, b in zip(upper, lower, strict=True))
        # No style is kept for another console: rich styles remember their first one's escape codes.
        lines.append([Segment("▀" * len(list(same)), _two_colours(cell)) for cell, same in runs])
    return Block(image.shape[1], tuple(lines))


def _two_colours(rgb: tuple[int, ...]) -> Style:
    below = Color.from_rgb(*rgb[3:]) if len(rgb) > 3 else None
    return Style.from_color(Color.from_rgb(*rgb[:3]), below)


def shades(image: Image, *, large: bool, ascii_only: bool = False) -> Block:
    """Draw by the density of characters: one for two rows of pixels, or, large, two for a pixel."""
    levels = image / 255.0 if image.dtype == np.uint8 else image.astype(np.float64)
    if large:
        levels = np.repeat(levels, 2, axis=1)
    else:
        # A cell is about twice as high as wide.
        levels = _padded(levels, 2)
        levels = (levels[0::2] + levels[1::2]) / 2
    if image.dtype == np.uint8:
        return _characters(_from_ramp(levels, _ASCII if ascii_only else _SHADES))
    strength = lifted(np.abs(levels))
    signed = np.where(levels >= 0, _from_ramp(strength, _POSITIVE), _from_ramp(strength, _NEGATIVE))
    return _characters(signed)


def braille(image: Image, *, large: bool) -> Block:
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


def dotted(dots: NDArray[np.bool_]) -> Block:
    """Draw an array of dots in braille, two to a cell's width and four to its height."""
    dots = _padded(_padded(dots, 4), 2, axis=1)
    height, width = dots.shape
    bits = (dots.reshape(height // 4, 4, width // 2, 2) * _DOTS[None, :, None, :]).sum(axis=(1, 3))
    alphabet = np.array([" ", *(chr(_BRAILLE + i) for i in range(1, 256))])
    return _characters(alphabet[bits])


def _characters(characters: NDArray[np.str_]) -> Block:
    lines = tuple([Segment("".join(line))] for line in characters.tolist())
    return Block(characters.shape[1], lines)


def _from_ramp(levels: NDArray[np.float64], ramp: str) -> NDArray[np.str_]:
    # The first character is for (almost) nothing and the last for the top of the range.
    position = np.clip(np.round(levels * (len(ramp) - 1)), 0, len(ramp) - 1)
    characters: NDArray[np.str_] = np.array(list(ramp))[position.astype(np.int64)]
    return characters


def _padded(values: NDArray[Any], multiple: int, axis: int = 0) -> NDArray[Any]:
    """Add dark rows or columns until their number is a multiple."""
    missing = [(0, 0)] * values.ndim
    missing[axis] = (0, -values.shape[axis] % multiple)
    return np.pad(values, missing)
