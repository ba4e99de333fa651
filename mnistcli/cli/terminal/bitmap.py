"""Pixels as pixels: colours, enlargements, PNG."""

import io
import textwrap
from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnistcli.arrays import Bytes, Float64s

if TYPE_CHECKING:
    from PIL import Image


# How positive and negative values look, in colour and in characters.
COLOUR_SIGNS, CHARACTER_SIGNS = ("red", "blue"), ("+ #", "- =")


def to_scale(images: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Bring signed images to one scale that ends at their 99th percentile.

    A few strong weights at the rim, where ink is rare, would leave all others black.
    """
    signed = [np.abs(image.ravel()) for image in images if image.dtype != np.uint8]
    sizes = np.concatenate(signed) if signed else np.zeros(1)
    top = float(np.quantile(sizes[sizes > 0], 0.99)) if sizes.any() else 1.0
    return [each if each.dtype == np.uint8 else np.clip(each / top, -1.0, 1.0) for each in images]


def colours_of(image: NDArray[Any]) -> Bytes:
    """Return RGB of shape (height, width, 3): grey, or red above and blue below zero on black.

    What is RGB already stays as it is.
    """
    if image.ndim == 3:
        return image
    if image.dtype == np.uint8:
        return np.repeat(image[:, :, None], 3, axis=2).astype(np.uint8)
    strength = lifted(np.abs(np.clip(image.astype(np.float64), -1, 1)))
    positive = np.stack([255 * strength, 70 * strength, 40 * strength], axis=2)
    negative = np.stack([50 * strength, 110 * strength, 255 * strength], axis=2)
    return np.where((image > 0)[:, :, None], positive, negative).astype(np.uint8)


def lifted(sizes: Float64s) -> Float64s:
    """Lift weak values, which would be black otherwise."""
    return np.asarray(sizes**0.7)


def enlarged(image: NDArray[Any], width: int, height: int) -> "Image.Image":
    """Paint an image in so many pixels; where they are more than its own they stay squares."""
    from PIL import Image

    picture = Image.fromarray(colours_of(image))
    larger = width >= picture.width and height >= picture.height
    how = Image.Resampling.NEAREST if larger else Image.Resampling.BOX
    return picture.resize((width, height), how)


def crisp(image: NDArray[Any]) -> "Image.Image":
    """Paint a small image large, since many programs blur what they enlarge."""
    k = max(1, 112 // image.shape[1])
    return enlarged(image, k * image.shape[1], k * image.shape[0])


def png(picture: "Image.Image", *, dpi: float | None = None) -> bytes:
    """Encode a picture, and how many dots for an inch it is meant to have."""
    buffer = io.BytesIO()
    # The last percents of a large file take seconds.
    is_small = picture.width * picture.height < 1_000_000
    picture.save(buffer, "PNG", optimize=is_small, dpi=dpi and (dpi, dpi))
    return buffer.getvalue()


def data_url(picture: "Image.Image") -> str:
    """Return the address of a picture that a page holds itself."""
    return f"data:image/png;base64,{b64encode(png(picture)).decode()}"


def fill_in(legend: str, signs: tuple[str, str]) -> str:
    """Put into a legend what its ``{plus}`` and ``{minus}`` look like."""
    return legend.replace("{plus}", signs[0]).replace("{minus}", signs[1])


def fold(caption: str, width: int) -> list[str]:
    """Break a caption into lines of so many letters, at its commas first."""
    if len(caption) <= width:
        return [caption] if caption else []
    return [line for part in caption.split(", ") for line in textwrap.wrap(part, max(1, width))]
