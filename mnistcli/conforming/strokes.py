"""How wide strokes and their edges are, in MNIST's pixels, and what to do where it is too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnistcli.conforming.operations import averaged, grown
from mnistcli.conforming.segmentation import half_level_edges
from mnistcli.conforming.types import BOX, Box

if TYPE_CHECKING:
    from mnistcli.conforming.types import Digit, Ink

# Widths are measured at four pixels for one of MNIST's.
FINE = 4 * BOX
# In MNIST 99 % of the stroke widths lie between 1.2 and 4.3, the median is 2.1. What lies outside
# these limits is brought to the target beside them.
HAIRLINE, HAIRLINE_TARGET = 1.15, 1.9
MARKER, MARKER_TARGET = 4.4, 3.2
# Share of the strongest ink at which a hairline counts as full.
HAIRLINE_LEVEL = 0.35


def with_readable_strokes(digit: Digit) -> Digit:
    """Widen a hairline that would vanish at 20 pixels, thin a marker that would fill the loops."""
    width = _stroke_width(digit)
    if HAIRLINE <= width <= MARKER:
        return digit
    hairline = width < HAIRLINE
    share = (HAIRLINE_TARGET if hairline else MARKER_TARGET) / BOX
    side = 8 * BOX  # fine enough for a radius in whole pixels
    ink = _fine(digit, side)
    # A line thinner than a pixel is grey, and unevenly so: any ink counts as full.
    ink = (ink / (HAIRLINE_LEVEL * ink.max())).clip(0, 1) if hairline else ink / ink.max()
    # Growing by r adds 2r to the strokes and to the box: solve (width + 2r) = share (side + 2r).
    radius = round((share * side - 8 * width) / (2 * (1 - share)))
    ink = np.pad(ink, abs(radius) + 1)
    ink = grown(ink, radius) if radius > 0 else -grown(-ink, -radius)
    pixel = side / BOX
    edges = [e for axis in (1, 0) for e in half_level_edges(ink.max(axis=axis), pixel)]
    step = "hairline widened" if hairline else "marker thinned"
    return digit._replace(ink=ink, box=Box(*edges), steps=(*digit.steps, step))


def _stroke_width(digit: Digit) -> float:
    """Estimate the mean width of strokes: twice the ink over its outline.

    A stroke of width w and length l has area w * l and, for w << l, an outline of 2 l; the total
    variation of an image is the length of its outline, soft edges included.
    """
    ink = _fine(digit, FINE)
    return float(2 * ink.sum() / _outline(ink)) * BOX / FINE


def edge_width(digit: Digit) -> float:
    """Estimate how wide the edges of strokes are.

    Over a linear edge of width w, ink (1 - ink) integrates to w / 6 for each unit of outline.
    """
    ink = _fine(digit, FINE)
    return float(6 * (ink * (1 - ink)).sum() / _outline(ink)) * BOX / FINE


def _outline(ink: Ink) -> float:
    """Measure the length of the outline of ink: its total variation."""
    ink = np.pad(ink, 1)
    down, across = np.diff(ink, axis=0)[:, :-1], np.diff(ink, axis=1)[:-1]
    return float(np.hypot(down, across).sum())


def _fine(digit: Digit, longest: int) -> Ink:
    """Resample a digit so that its longest side has so many pixels."""
    sides = (digit.box.height, digit.box.width)
    height, width = (max(1, round(side * longest / digit.box.longest)) for side in sides)
    return averaged(digit.ink, digit.box, height, width).clip(0, 1)
