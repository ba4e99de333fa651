"""The photograph of a page -> labelled images, and a picture of what was taken for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnistcli.conforming.operations import box_mean, pieces_of, quantile, span
from mnistcli.conforming.placing import conform
from mnistcli.errors import BadImageError
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.sheets.layout import LAYOUT, Rectangle
from mnistcli.sheets.marks import darkness, homographies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistcli.conforming.types import Ink
    from mnistcli.pictures import Grey

# What a photograph of a page is made smaller to, at most, before it is read.
PHOTOGRAPH_SIDE = 2000
# Pixels for each millimetre of the page that is looked at.
SCALE = 6
# Paper bends: the frame of a box is looked for so far, in millimetres, from where it should be.
_REACH = 4.0
# What a frame's line is darker than its surroundings, and which share of frames must be found.
_LINE, _LEAST_FRAMES = 0.06, 0.5
# Wider than so many millimetres is shade and no ink.
_WIDEST = 17.0
# So far within its frame a box is looked at, in millimetres.
_INSET = 0.8
# Ink is at least so dark, and so many times the noise of the paper; a stroke this share of the
# darkest. Digits are so many millimetres long, and specks at most so many.
_FAINTEST, _ABOVE_NOISE, _STROKE = 0.12, 4.0, 0.35
# The level of the paper in a box: this quantile, so that a fat digit does not count as paper.
_PAPER = 0.4
_LEAST_DIGIT, _SPECK = 2.5, 0.7

_HINT = (
    "photograph the whole page from above, its four black corners included, in even light; "
    "mnistcli sheet writes one to print"
)


@dataclass(frozen=True, slots=True, eq=False)
class SheetRead:
    """What was written on a page.

    Attributes
    ----------
    images : ndarray of shape (n, 28, 28), uint8
    labels : ndarray of shape (n,), uint8
    boxes : ndarray of shape (n, 2)
        The row and the column of each image, from 0.
    empties : tuple of (row, column)
        Where nothing was written.
    failures : tuple of (source, reason)
        What is written and cannot be read.
    page : ndarray of shape (height, width), uint8
        The page, upright, flat and evenly lit.
    frames : dict
        Where the box of a row and a column lies in it: left, top, right, bottom.
    """

    images: Grey
    labels: NDArray[np.uint8]
    boxes: NDArray[np.intp]
    empties: tuple[tuple[int, int], ...]
    failures: tuple[tuple[str, str], ...]
    page: Grey
    frames: dict[tuple[int, int], tuple[int, int, int, int]]


def read_sheet(grey: Grey, *, source: str = "image") -> SheetRead:
    """Read the photograph of a page: turned, in perspective, shaded.

    Parameters
    ----------
    grey : ndarray of shape (height, width), uint8
    source : str
        How to name the picture in an error.

    Raises
    ------
    BadImageError
        The page is not found in it, or not all of it.
    """
    page, ink, frames = _flattened(grey, source)
    inset = round(_INSET * SCALE)
    insides = {
        at: ink[top + inset : bottom - inset, left + inset : right - inset]
        for at, (left, top, right, bottom) in frames.items()
    }
    paper = _paper_of(list(insides.values()))
    images, labels, boxes, empties, failures = [], [], [], [], []
    for (row, column), inside in insides.items():
        digit = _digit_in(inside, *paper)
        if digit is None:
            empties.append((row, column))
            continue
        where = f"{source} row {row + 1}, digit {column}"
        try:
            images.append(conform(digit, source=where).image)
        except BadImageError as error:
            failures.append((where, error.problem))
            continue
        labels.append(column)
        boxes.append((row, column))
    return SheetRead(
        np.array(images, np.uint8).reshape(-1, *IMAGE_SHAPE),
        np.array(labels, np.uint8),
        np.array(boxes, np.intp).reshape(-1, 2),
        tuple(empties),
        tuple(failures),
        page,
        frames,
    )


def _flattened(
    grey: Grey, source: str
) -> tuple[Grey, Ink, dict[tuple[int, int], tuple[int, int, int, int]]]:
    """Undo the perspective; return the page, its ink and where its boxes are."""
    from PIL import Image

    photograph = Image.fromarray(grey)
    size = round(LAYOUT.width * SCALE), round(LAYOUT.height * SCALE)
    for matrix in homographies(grey):
        # From pixels of the page, not millimetres.
        scaled = matrix @ np.diag([1 / SCALE, 1 / SCALE, 1])
        numbers = (scaled / scaled[2, 2]).ravel()[:8].tolist()
        how = Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BICUBIC
        page = np.asarray(photograph.transform(size, *how))
        ink = darkness(page.astype(np.float32), round(_WIDEST * SCALE / 2))
        frames = _frames(ink)
        if frames is not None:
            return (255 - 255 * ink).clip(0, 255).astype(np.uint8), ink, frames
    raise BadImageError(source, "its four corner marks are not found", hint=_HINT)


def _frames(ink: Ink) -> dict[tuple[int, int], tuple[int, int, int, int]] | None:
    """Find the frame of every box near to where it should be; None where there are too few."""
    shape = LAYOUT.n_rows, LAYOUT.n_columns
    shifts = np.full((*shape, 2), np.nan)
    smooth = box_mean(ink, 3)
    for at in np.ndindex(shape):
        shifts[at] = _shift(smooth, LAYOUT.box_at(*at))
    if np.isfinite(shifts).all(axis=2).mean() < _LEAST_FRAMES:
        return None
    frames = {}
    for row, column in np.ndindex(shape):
        # What its neighbours say protects against a stroke that was taken for a line.
        near = shifts[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].reshape(-1, 2)
        x, y = np.nan_to_num(np.nanmedian(near, axis=0))
        box = LAYOUT.box_at(row, column)
        left, top, right, bottom = (round(SCALE * edge) for edge in box)
        dx, dy = round(x), round(y)
        frames[row, column] = (left + dx, top + dy, right + dx, bottom + dy)
    return frames


def _shift(ink: Ink, box: Rectangle) -> tuple[float, float]:
    """Return how far, in pixels, the frame of a box is from its place; NaN where it is not seen."""
    left, top, right, bottom = (round(SCALE * edge) for edge in box)
    reach, side = round(_REACH * SCALE), right - left
    inner = side // 6
    shifts = []
    for piece in (
        ink[top + inner : bottom - inner, left - reach : right + reach + 1],
        ink[top - reach : bottom + reach + 1, left + inner : right - inner].T,
    ):
        # A line is dark nearly all along, a stroke is not.
        profile = np.partition(piece, len(piece) // 4, axis=0)[len(piece) // 4]
        # Both sides of the frame: each alone may be the line of a neighbour.
        both = np.minimum(profile[: 2 * reach + 1], profile[side:])
        likely = both - 0.001 * np.abs(np.arange(-reach, reach + 1))
        best = int(likely.argmax())
        seen = both[best] - np.median(both) > _LINE
        shifts.append(float(best - reach) if seen else np.nan)
    return shifts[0], shifts[1]


def _paper_of(insides: list[Ink]) -> tuple[float, float]:
    """Return the highest level that paper has, and its standard deviation, in the usual box."""
    smooth = [box_mean(ink, 3) for ink in insides]
    noise = np.median([1.4826 * np.median(np.abs(each - np.median(each))) for each in smooth])
    return float(np.median([quantile(each, _PAPER) for each in smooth])) + _FAINTEST, float(noise)


def _digit_in(ink: Ink, highest: float, noise: float) -> Grey | None:
    """Return what is written in a box as dark on white, None where nothing is."""
    ink = ink - np.float32(min(quantile(ink, _PAPER), highest))
    smooth = box_mean(ink, 3)
    peak = float(smooth.max())
    if peak < max(_FAINTEST, _ABOVE_NOISE * noise):
        return None
    pieces = pieces_of(smooth > max(_STROKE * peak, 0.6 * _ABOVE_NOISE * noise))
    short, long = (f(pieces.height, pieces.width) / SCALE for f in (np.minimum, np.maximum))
    # At the rim what is thin is a line of the frame, and what is short belongs to a neighbour.
    is_rest = pieces.at_border & ((short <= _SPECK) | (long <= _LEAST_DIGIT))
    kept = pieces.mask((long > _SPECK) & ~is_rest)
    if not kept.any():
        return None
    rows, columns = span(kept, 0), span(kept, 1)
    if max(rows.stop - rows.start, columns.stop - columns.start) < _LEAST_DIGIT * SCALE:
        return None
    # The soft edges of its strokes belong to a digit.
    near = box_mean(kept.astype(np.float32), SCALE | 1) > 0
    levels = np.where(near, 255 * (1 - ink / peak), 255).clip(0, 255).astype(np.uint8)
    return np.pad(levels, max(ink.shape) // 4, constant_values=255)


def picture_of(read: SheetRead) -> NDArray[np.uint8]:
    """Draw what was taken for what: the page, and in its boxes what was read, with its label."""
    from PIL import Image, ImageDraw, ImageFont

    # Noise of the paper would make a large file.
    clean = np.where(read.page > 255 * (1 - _FAINTEST), 255, read.page)
    page = Image.fromarray(clean.astype(np.uint8)).convert("RGB")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(4 * SCALE)
    taken, left_out = (0, 140, 60), (224, 48, 36)
    failed = set(read.frames) - set(read.empties)
    for image, label, box in zip(read.images, read.labels, read.boxes, strict=True):
        left, top, right, bottom = read.frames[box[0], box[1]]
        failed.discard((box[0], box[1]))
        page.paste(Image.fromarray(image).resize((right - left, bottom - top)), (left, top))
        pen.rectangle((left, top, right, bottom), outline=taken, width=3)
        pen.text((right, top - 4), str(label), taken, font, "rs")
    for at in failed:
        pen.rectangle(read.frames[at], outline=left_out, width=4)
    return np.asarray(page)
