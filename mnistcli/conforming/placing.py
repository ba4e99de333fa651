"""Any picture of one digit -> the 28x28 a model was trained on, and what was done to it.

MNIST's own recipe (Bottou et al. 1994; Yadav and Bottou 2019, arXiv:1905.10498): the ink is scaled
to fit a 20x20 box, aspect kept, grey levels coming from area averaging, and is pasted into 28x28 so
that its centre of mass falls on pixel (14, 14). Measured on all 70,000 images: the longest side of
the ink is 20 pixels (16 times 19), the centre of mass rounds to 14 on both axes (but for one 13.48
and one 13.49), and the brightest pixel is 254 or 255.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mnistcli.conforming.background import DARK_INK, INVERTED
from mnistcli.conforming.grouping import Group, halves_of, strokes_of
from mnistcli.conforming.operations import area_weights, span, stretch
from mnistcli.conforming.segmentation import Page, digit_of, find_page, one_digit, surroundings
from mnistcli.conforming.strokes import with_readable_strokes
from mnistcli.conforming.types import (
    BLANK,
    BOX,
    CENTRE,
    MIN_SIDE,
    Box,
    Digit,
    Ink,
    Mask,
    NoDigitError,
)
from mnistcli.display import Displayed
from mnistcli.errors import BadImageError
from mnistcli.mnist import IMAGE_SHAPE, IMAGE_SIDE
from mnistcli.pictures import Grey, grey_levels

# Positions of the shorter side on the pixel grid, in MNIST's pixels.
PHASES = np.array([0.0, 0.125, -0.125, 0.25, -0.25, 0.375, -0.375, 0.5])
# Of those that are as sharp, the first.
TIE_BREAK = 1.001 ** -np.arange(len(PHASES))
# No digit among several is wider for its height.
WIDEST_PART = 1.7
# A picture that is smaller than MNIST's box, as scikit-learn's are of 8 x 8, gets so many a side.
ENOUGH_PIXELS = 32
# One that small, with the margin that it may get, is one digit: two would have six pixels each.
TINY, MARGIN = 12, 2
# Pictures of several digits are looked at with so many pixels a side.
LINES_SIDE = 1000

# Edges wider than this, in MNIST's pixels, are blurred: drawings have 0.3, photographs 0.5, MNIST
# itself 0.9, and MNIST enlarged smoothly 1.3 (Lanczos) to 1.7 (bilinear). Averaging blurs them once
# more; the gain that makes up for it best grows by this much per pixel.
SHARP_EDGE, SHARPENING = 0.95, 0.85


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Conformed(Displayed):
    """A picture as the model sees it: light ink on black, as in MNIST."""

    image: Grey
    steps: tuple[str, ...]  # found and done, in words; empty where it came back bit-identical


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PlacedDigit(Conformed):
    """One of the digits of a picture, as the model sees it."""

    box: Box  # top, bottom, left, right, in pixels of the picture


class Strokes(NamedTuple):
    """Strokes of a picture that stand together: one digit, or several that touch."""

    page: Page
    group: Group

    def digits(self, *, in_parts: bool, in_two: bool = False) -> dict[tuple[int, int], PlacedDigit]:
        """Return all of the strokes as one digit, or all digits that they may be, two at most or more.

        For these they are cut into more parts than they have digits. There is the digit that the
        parts from one number up to another would make.
        """
        pieces = self.page.pieces
        parts = strokes_of(pieces, self.group) if in_parts else [pieces.pixels(self.group.members)]
        edges = [span(part, 1) for part in parts]
        widest = WIDEST_PART * self.group.height
        placed = {}
        for start, stop in itertools.combinations(range(len(parts) + 1), 2):
            is_whole = stop - start == len(parts)
            if in_two and 0 < start < stop < len(parts):
                continue
            if is_whole or edges[stop - 1].stop - edges[start].start < widest:
                found = self._place(np.logical_or.reduce(parts[start:stop]))
                if found and (is_whole or found.box.width < WIDEST_PART * found.box.height):
                    placed[start, stop] = found
        return placed

    def stacks(self) -> list[dict[tuple[int, int], PlacedDigit]]:
        """Return the ways in which the strokes may be two digits, the first above the second."""
        ways = halves_of(self.page.pieces, self.group)
        placed = [(self._place(above), self._place(below)) for above, below in ways]
        return [{(0, 1): above, (1, 2): below} for above, below in placed if above and below]

    def _place(self, strokes: Mask) -> PlacedDigit | None:
        try:
            digit, box = digit_of(self.page, strokes)
            found = _place(digit)
        except NoDigitError:  # a cut leaves hardly anything
            return None
        return PlacedDigit(found.image, found.steps, box)


def find_strokes(grey: Grey, source: str, side: int = LINES_SIDE) -> list[list[Strokes]]:
    """Find the digits of a picture, line by line, those that touch together."""
    try:
        page = find_page(grey, side)
    except NoDigitError as error:
        raise BadImageError(source, str(error), hint=error.hint) from None
    return [[Strokes(*surroundings(page, group)) for group in line] for line in page.lines]


def conform(grey: "ArrayLike", *, source: str = "image") -> Conformed:
    """Bring a picture of one digit into the form of MNIST.

    The picture, called ``source`` in errors, has any size, dark on light or light on dark, and
    values from 0 to 255 or 0 to 1. Raises BadImageError where it is blank, is all ink, or holds
    several digits, UsageError for what is no grey picture.
    """
    grey = grey_levels(grey, is_one=True)
    if grey.shape == IMAGE_SHAPE:
        if is_mnist_like(grey[None])[0]:
            return Conformed(grey, ())
        if is_mnist_like(~grey[None])[0]:
            return Conformed(~grey, (DARK_INK, INVERTED))
    is_tiny = max(grey.shape) <= TINY
    if is_small := min(grey.shape) > MIN_SIDE and max(grey.shape) < BOX:
        k = -(-ENOUGH_PIXELS // max(grey.shape))
        larger = stretch(grey.astype(np.float32), *(k * n for n in grey.shape))
        grey = np.rint(larger).astype(np.uint8)
    try:
        return _place(one_digit(find_page(grey, has_room=not is_small), is_tiny=is_tiny))
    except NoDigitError as error:
        raise BadImageError(source, str(error), hint=error.hint) from None


def conform_all(
    greys: Grey, sources: Sequence[str], *, raw: bool = False, paper: int | None = None
) -> Iterator[Conformed | BadImageError]:
    """Bring pictures of one size into the form of MNIST, or say which are none; see `conform`.

    ``raw`` takes 28 x 28 pixels as they are, and nothing else. A margin of ``paper``, a level, tells
    ink that reaches the border from lines and from paper.
    """
    height, width = greys.shape[1:]
    is_like = np.full(len(greys), raw)
    if raw and (height, width) != IMAGE_SHAPE:
        problem = f"has {width} x {height} pixels, and --raw takes 28 x 28"
        yield from (BadImageError(source, problem, hint="leave --raw away") for source in sources)
        return
    if paper is not None:
        greys = np.pad(greys, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)), constant_values=paper)
    elif not raw and (height, width) == IMAGE_SHAPE:
        is_like = is_mnist_like(greys)  # at once: a thousand images cost as much as one
    for grey, source, like in zip(greys, sources, is_like.tolist(), strict=True):
        try:
            yield Conformed(grey, ()) if like else conform(grey, source=source)
        except BadImageError as error:
            yield error


def is_mnist_like(images: Grey) -> Mask:
    """Return which images, (n, 28, 28), need nothing done; none of MNIST's 70,000 does."""
    like = images.max(axis=(1, 2)) >= 254
    longest = np.zeros(len(images), np.intp)
    for axis in (2, 1):
        profile = images.sum(axis=axis, dtype=np.int64)
        inked = profile > 0
        extent = IMAGE_SIDE - inked[:, ::-1].argmax(axis=1) - inked.argmax(axis=1)
        longest = np.maximum(longest, extent)
        centre = profile @ np.arange(IMAGE_SIDE) / np.maximum(profile.sum(axis=1), 1)
        like &= (centre > CENTRE - 0.53) & (centre < CENTRE + 0.5)
    fits: Mask = like & (longest >= BOX - 1) & (longest <= BOX)
    return fits


def _place(digit: Digit) -> Conformed:
    is_scaled = abs(digit.box.longest - BOX) > 0.5
    steps = ("scaled to 20 pixels", "centred") if is_scaled else ("centred",)
    digit, edge_width = with_readable_strokes(digit)
    small = _scale_to_box(digit, edge_width)
    if not small.any():  # as in `with_readable_strokes`, at this size
        raise NoDigitError(BLANK)
    grey = np.rint(255 / small.max() * small).astype(np.uint8)
    return Conformed(_centre(grey), (*digit.steps, *steps))


def _scale_to_box(digit: Digit, edge_width: float) -> Ink:
    """Average a digit down to 20x20, so that its longest side fills the box.

    How the shorter side falls on the pixel grid is free. Of a few ways the sharpest is taken: it
    has the strongest strokes, and it finds the grid again on which an enlarged picture was drawn.
    """
    box, ink = digit.box, digit.ink
    # A digit of 20 pixels keeps the pixels that it has.
    is_scaled = abs(box.longest - BOX) > 0.5
    gain = np.float32(SHARPENING * max(0.0, edge_width - SHARP_EDGE) if is_scaled else 0)
    pixel, half = box.longest / BOX, box.longest / 2
    y, x = (box.top + box.bottom) / 2, (box.left + box.right) / 2
    is_tall = box.height >= box.width
    if not is_tall:
        ink, y, x = ink.T, x, y
    room = half - min(box.height, box.width) / 2
    shifts = np.minimum(np.maximum(pixel * PHASES, -room), room)
    rows = area_weights(ink.shape[0], y - half, box.longest, BOX) @ ink
    columns = area_weights(ink.shape[1], x - half + shifts, box.longest, BOX)
    small = rows @ columns.swapaxes(1, 2)
    if gain:
        p = np.zeros((len(PHASES), BOX + 2, BOX + 2), np.float32)
        p[:, 1:-1, 1:-1] = small
        near = (p[:, :-2, 1:-1] + p[:, 2:, 1:-1] + p[:, 1:-1, :-2] + p[:, 1:-1, 2:]) / 4
        small += gain * (small - near)
    small = small.clip(0, 1)
    best: Ink = small[np.argmax((small * small).sum(axis=(1, 2)) * TIE_BREAK)]
    return best if is_tall else best.T


def _centre(small: Grey) -> Grey:
    """Paste into 28x28 so that the centre of mass rounds to (14, 14)."""
    image = np.zeros(IMAGE_SHAPE, np.uint8)
    small = small[span(small > 0, 0), span(small > 0, 1)]
    offsets = []
    for axis, side in enumerate(small.shape):
        profile = small.sum(axis=1 - axis, dtype=np.int64)
        centre = float(profile @ np.arange(side)) / float(profile.sum())
        offsets.append(min(max(math.ceil(CENTRE - 0.5 - centre), 0), IMAGE_SIDE - side))
    top, left = offsets
    image[top : top + small.shape[0], left : left + small.shape[1]] = small
    return image
