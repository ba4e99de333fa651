"""How wide strokes and their edges are, in MNIST's pixels, and what to do where it is too much."""

import numpy as np

from mnistcli.conforming.operations import average, pad, window_max
from mnistcli.conforming.types import BLANK, BOX, FAINTEST_INK, Box, Digit, Ink, NoDigitError
from mnistcli.features.geometry import grown

# Widths are measured at four pixels for one of MNIST's.
FINE = 4 * BOX
# In MNIST 99 % of the stroke widths lie between 1.2 and 4.3, the median is 2.1. What lies outside
# these limits is brought to the target beside them; wider strokes of crude drawings close loops.
HAIRLINE, HAIRLINE_TARGET = 1.15, 1.65
MARKER, MARKER_TARGET = 4.4, 3.2
# Share of the strongest ink at which a hairline counts as full.
HAIRLINE_LEVEL = 0.35


def with_readable_strokes(digit: Digit) -> tuple[Digit, float]:
    """Widen a hairline that would vanish at 20 pixels, thin a marker that would fill the loops.

    Returns the digit, and how wide the edges of its strokes are. Raises NoDigitError where what is
    lighter than paper outweighs them.
    """
    width, edge_width = _widths(digit)
    if HAIRLINE <= width <= MARKER:
        return digit, edge_width
    hairline = width < HAIRLINE
    share = (HAIRLINE_TARGET if hairline else MARKER_TARGET) / BOX
    side = 8 * BOX  # fine enough for a radius in whole pixels
    ink = _fine(digit, side)
    # A line thinner than a pixel is grey, and unevenly so: any ink counts as full.
    ink = (ink / (HAIRLINE_LEVEL * ink.max())).clip(0, 1) if hairline else ink / ink.max()
    # Growing by r adds 2r to the strokes and to the box: solve (width + 2r) = share (side + 2r).
    radius = round((share * side - 8 * width) / (2 * (1 - share)))
    ink = np.pad(ink, abs(radius) + 1)
    ink = _grow(ink, radius) if radius > 0 else -_grow(-ink, -radius)
    step = "hairline widened" if hairline else "marker thinned"
    box = half_level_box(ink, side / BOX)
    digit = digit._replace(ink=ink, box=box, steps=(*digit.steps, step))
    return digit, _widths(digit)[1]


def _grow(ink: Ink, radius: int) -> Ink:
    """Return the maximum over an octagon: over a square, and then over what crosses add."""
    square = round(0.6 * radius)
    ink = window_max(ink, square)
    for _ in range(radius - square):
        ink = grown(ink)
    return ink


def _widths(digit: Digit) -> tuple[float, float]:
    """Estimate the mean width of strokes, and that of their edges.

    A stroke of width w and length l has area w * l and, for w << l, an outline of 2 l; the total
    variation of an image is the length of its outline, soft edges included. Over a linear edge of
    width w, ink (1 - ink) integrates to w / 6 for each unit of outline.
    """
    ink = _fine(digit, FINE)
    p = pad(ink)
    down = (p[1:] - p[:-1])[:, :-1]
    across = (p[:, 1:] - p[:, :-1])[:-1]
    outline = float(np.sqrt(down * down + across * across).sum()) * FINE / BOX
    if not outline:
        raise NoDigitError(BLANK)
    return float(2 * ink.sum()) / outline, float(6 * (ink * (1 - ink)).sum()) / outline


def _fine(digit: Digit, longest: int) -> Ink:
    """Resample a digit so that its longest side has so many pixels."""
    sides = (digit.box.height, digit.box.width)
    height, width = (max(1, round(side * longest / digit.box.longest)) for side in sides)
    return average(digit.ink, digit.box, height, width).clip(0, 1)


def half_level_box(strokes: Ink, pixel: float) -> Box:
    """Find where ink begins and ends, to a fraction of a pixel.

    The edge of a stroke, blurred or not, is where it has half the level that it has a little
    further in; one of MNIST's pixels, of the size given, is far enough, and a faint first row
    counts as in MNIST.
    """
    edges = []
    for profile in (strokes.max(axis=1), strokes.max(axis=0)):
        last = _half_level_start(profile[::-1], pixel)
        edges += [_half_level_start(profile, pixel), len(profile) - last]
    return Box(*edges)


def _half_level_start(profile: Ink, pixel: float) -> float:
    start = int((profile > FAINTEST_INK).argmax())
    level = float(profile[start : start + max(1, round(pixel))].max()) / 2
    i = start + int((profile[start:] >= level).argmax())
    before = float(profile[i - 1]) if i else 0.0
    # Levels sit at pixel centres: the crossing lies between centre i - 1/2 and centre i + 1/2.
    return i - 0.5 + (level - before) / (float(profile[i]) - before)
