"""Pixels as pixels: colours, enlargements, and sheets of pictures with captions, as PNG."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistcli.gallery import CaptionedImage

if TYPE_CHECKING:
    from PIL import Image


# How positive and negative values look, in colour and in characters.
COLOUR_SIGNS, CHARACTER_SIGNS = ("red", "blue"), ("+ #", "- =")

_PAPER, _WORDS = (255, 255, 255), (40, 40, 40)
_MARGIN = 16
_CAPTION_SIZE = 14
_LINE_HEIGHT = 19
# What a sheet may measure; more pictures become smaller ones.
_SHEET_WIDTH = 1000


def vivid(images: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Bring signed images to one scale that ends at their 99th percentile.

    A few strong weights at the rim, where ink is rare, would leave all others black.
    """
    signed = [np.abs(image.ravel()) for image in images if image.dtype != np.uint8]
    sizes = np.concatenate(signed) if signed else np.zeros(1)
    top = float(np.quantile(sizes[sizes > 0], 0.99)) if sizes.any() else 1.0
    return [
        image if image.dtype == np.uint8 else np.clip(image / top, -1.0, 1.0) for image in images
    ]


def colours_of(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Return RGB of shape (height, width, 3): grey, or red above and blue below zero on black.

    What is RGB already stays as it is.
    """
    if image.ndim == 3:
        return image
    if image.dtype == np.uint8:
        return np.repeat(image[:, :, None], 3, axis=2).astype(np.uint8)
    strength = visible(np.abs(np.clip(image.astype(np.float64), -1, 1)))
    positive = np.stack([255 * strength, 70 * strength, 40 * strength], axis=2)
    negative = np.stack([50 * strength, 110 * strength, 255 * strength], axis=2)
    return np.where((image > 0)[:, :, None], positive, negative).astype(np.uint8)


def visible(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lift weak values, which would be black otherwise."""
    lifted: NDArray[np.float64] = sizes**0.7
    return lifted


def fitted(image: NDArray[Any], width: int) -> NDArray[Any]:
    """Shrink an image that is wider than so many pixels, signed or not."""
    from PIL import Image

    if image.shape[1] <= width:
        return image
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    picture = Image.fromarray(image if image.dtype == np.uint8 else image.astype(np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))


def enlarged(image: NDArray[Any], width: int, height: int) -> Image.Image:
    """Paint an image in so many pixels; where they are more than its own they stay squares."""
    from PIL import Image

    picture = Image.fromarray(colours_of(image))
    larger = width >= picture.width and height >= picture.height
    how = Image.Resampling.NEAREST if larger else Image.Resampling.BOX
    return picture.resize((width, height), how)


def png(picture: Image.Image) -> bytes:
    """Encode a picture."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def write_sheet(
    path: Path,
    pictures: Sequence[CaptionedImage],
    legend: str = "",
    *,
    n_columns: int | None = None,
) -> str:
    """Paint pictures into a PNG file, old or new but never half; return what was written.

    One in RGB is painted already.
    """
    from PIL import Image

    from mnistcli.files import write_atomically

    if not pictures:
        return f"no pictures: {path} was not written"
    if len(pictures) == 1 and pictures[0].image.ndim == 3:
        page = Image.fromarray(pictures[0].image)
    else:
        page = sheet(pictures, signed(legend, COLOUR_SIGNS), n_columns=n_columns)
    write_atomically(path, png(page))
    return f"wrote {path}, {page.width} x {page.height} pixels"


def signed(legend: str, signs: tuple[str, str]) -> str:
    """Put into a legend what its ``{plus}`` and ``{minus}`` look like."""
    return legend.replace("{plus}", signs[0]).replace("{minus}", signs[1])


def folded(caption: str, width: int) -> list[str]:
    """Break a caption into lines of so many letters, at its commas first."""
    if len(caption) <= width:
        return [caption] if caption else []
    return [line for part in caption.split(", ") for line in textwrap.wrap(part, max(1, width))]


def sheet(
    pictures: Sequence[CaptionedImage], legend: str = "", *, n_columns: int | None = None
) -> Image.Image:
    """Paint pictures in rows on white paper, captions below them and a legend at the foot."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(_CAPTION_SIZE)
    n = len(pictures)
    images = vivid([picture.image for picture in pictures])
    n_columns = n_columns or (n if n <= 4 else 5 if n <= 30 else 10 if n <= 200 else 25)
    # A whole number of pixels for each of a digit's 28, so that all are the same size.
    width = 28 * max(1, min(16, (_SHEET_WIDTH // n_columns - _MARGIN) // 28))
    heights = [max(1, round(width * image.shape[0] / image.shape[1])) for image in images]
    letter = font.getlength("abcdefghijklmnopqrstuvwxyz 0123456789") / 37
    captions = [folded(picture.caption, max(4, int(width / letter))) for picture in pictures]
    rows = [range(start, min(start + n_columns, n)) for start in range(0, n, n_columns)]
    row_heights = [max(heights[i] + _LINE_HEIGHT * len(captions[i]) for i in row) for row in rows]
    page_width = n_columns * (width + _MARGIN) + _MARGIN
    foot = textwrap.wrap(legend, int((page_width - 2 * _MARGIN) / letter))
    page_height = sum(row_heights) + _MARGIN * (len(rows) + 1) + _LINE_HEIGHT * len(foot)
    page = Image.new("RGB", (page_width, page_height + (_MARGIN // 2 if foot else 0)), _PAPER)
    pen = ImageDraw.Draw(page)
    y = _MARGIN
    for row, row_height in zip(rows, row_heights, strict=True):
        for column, i in enumerate(row):
            left = _MARGIN + column * (width + _MARGIN)
            page.paste(enlarged(images[i], width, heights[i]), (left, y))
            for k, line in enumerate(captions[i]):
                at = left + width / 2, y + heights[i] + 4 + k * _LINE_HEIGHT
                pen.text(at, line, _WORDS, font, anchor="ma")
        y += row_height + _MARGIN
    for k, line in enumerate(foot):
        pen.text((_MARGIN, y + k * _LINE_HEIGHT), line, _WORDS, font)
    return page
