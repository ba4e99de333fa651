"""Where the digit is: neither specks nor lines, not two of them, and no filled shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnistcli.conforming.background import DARK_INK, MIN_CONTRAST, flattened, relit
from mnistcli.conforming.operations import (
    border,
    box_mean,
    components,
    extent,
    grown,
    largest_square,
    median,
    shrunk,
    span,
)
from mnistcli.conforming.types import (
    BOX,
    FAINTEST_INK,
    AllInkError,
    Box,
    Digit,
    FrameError,
    NoDigitError,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistcli.conforming.types import Ink, Mask
    from mnistcli.pictures import Grey

# Pictures larger than this are searched for the digit first, which is then cut out of the original
# and looked at again. Beyond 8 pixels for one of MNIST's nothing is gained.
SEARCH_SIDE = 480
WORK_SIDE = 224

# Share of full ink that a piece must reach somewhere to be more than noise.
DARK = 0.4
# Nothing can be read from fewer pixels than this.
MIN_SIDE = 4
# Shares of full ink at which lines printed on paper are told from ink.
LINE_CUTS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6)

# Pieces closer than this share of a digit belong together; digits are so long for their width.
REACH, USUAL_LENGTH = 0.12, 1.4
# Share of the tallest group of strokes from which another one is a digit of its own.
DIGIT_HEIGHT = 0.6
# Light and low beside another one, and no wider together than this share of the height: the other
# half of a 4, or the scanner's line beside a 1.
HALF_AREA, HALF_HEIGHT, HALF_WIDTH = 0.4, 0.8, 1.3
# One above the other, and as wide together as this share of the height: a 5 and its bar. Narrower
# still is a broken 1; between the two are two digits.
STACK_WIDTH, BROKEN_LINE_WIDTH = 0.6, 0.25

# Share of its longest side above which the largest square inside makes a shape a blot.
FILLED_SQUARE = 0.62
# A frame has a line in this share of its box along each side, over this share of its length, and
# fills no more of it; what is in it is longer than this share of its shorter side.
FRAME_BAND, FRAME_LENGTH, FRAME_FILL, LEAST_FRAMED = 0.08, 0.85, 0.85, 0.3
# A line along the border of the picture is no wider than this share of it, and stands out so far.
RIM, RIM_CONTRAST = 0.06, 64
# Smaller ones cannot be told from digits.
MIN_FRAME = 32
# A sheet of paper, turned by a few degrees, fills this share of its box, and most of it is empty.
SHEET_CORNERS, SHEET_EMPTY = 0.83, 0.92


def find_digit(grey: Grey) -> Digit:
    """Find the one digit in a picture.

    Raises
    ------
    NoDigitError
        The picture is blank, is all ink, or holds several digits.
    """
    try:
        return _zoomed_in(grey)
    except AllInkError as error:
        return _on_sheet(grey, error)


def _zoomed_in(grey: Grey) -> Digit:
    """Find the digit at a useful scale, inside its frame if it has one."""
    inside = _without_rim(grey)
    try:
        digit = _unframed(grey if inside is None else inside)
        if inside is None:
            return digit
    except FrameError as error:
        digit = _unframed(_cut_out(grey if inside is None else inside, error, 0))
    return digit._replace(steps=("frame cut off", *digit.steps))


def _unframed(grey: Grey) -> Digit:
    """Find the digit at a useful scale: as large as one needs and no larger."""
    if min(grey.shape) < MIN_SIDE or np.ptp(grey) < MIN_CONTRAST:
        raise NoDigitError("is blank: no ink")
    if max(grey.shape) > WORK_SIDE:
        reduction = _reduction(grey, SEARCH_SIDE)
        if min(grey.shape) < MIN_SIDE * reduction:
            raise NoDigitError("is a strip, too narrow for a digit")
        grey = _cut_out(grey, _digit_in(grey, reduction), 0.25)
    return _digit_in(grey, _reduction(grey, WORK_SIDE))


def _reduction(grey: Grey, longest: int) -> int:
    """Return how many pixels must become one for no side to be longer."""
    return int(-(-max(grey.shape) // longest))


def _on_sheet(grey: Grey, error: AllInkError) -> Digit:
    """Look for the digit on a filled shape, taken for a sheet of paper."""
    sheet = _cut_out(grey, error, -0.08)
    try:
        digit = _zoomed_in(sheet)
    except NoDigitError:
        raise error from None
    return digit._replace(steps=("sheet cut out", *digit.steps))


def _cut_out(grey: Grey, found: Digit | AllInkError | FrameError, share: float) -> Grey:
    """Cut what was found, and a margin of a share of it, out of a picture."""
    k, box = found.reduction, found.box
    margin = share * box.longest
    top, left = (max(0, int(k * (edge - margin))) for edge in (box.top, box.left))
    bottom, right = (int(np.ceil(k * (edge + margin))) for edge in (box.bottom, box.right))
    return grey[top:bottom, left:right]


def _digit_in(grey: Grey, reduction: int) -> Digit:
    """Separate one digit from its paper."""
    picture = shrunk(grey, reduction)
    ink, noise, steps = flattened(picture)
    try:
        mask, notes = _digit_mask(ink, noise)
    except FrameError as error:
        raise FrameError(error.box, reduction) from None
    steps += notes
    rows, columns = span(mask, 0), span(mask, 1)
    longest = max(rows.stop - rows.start, columns.stop - columns.start)
    if longest < MIN_SIDE:
        raise NoDigitError("is blank but for a speck")
    if _is_filled_shape(mask, ink, longest):
        raise AllInkError(Box(rows.start, rows.stop, columns.start, columns.stop), reduction)
    pixel = longest / BOX
    zone = grown(mask, max(1, round(pixel)))
    if noise > 0:
        ink = relit(picture, ink, zone, dark=DARK_INK in steps)
    strokes = np.where(mask, ink, np.float32(0))
    if strokes.max() <= FAINTEST_INK:
        raise NoDigitError("is blank: nothing on it stands out from the paper")
    edges = [edge for axis in (1, 0) for edge in half_level_edges(strokes.max(axis=axis), pixel)]
    return Digit(np.where(zone, ink, np.float32(0)), Box(*edges), reduction, noise, tuple(steps))


def _is_filled_shape(mask: Mask, ink: Ink, longest: int) -> bool:
    """Return whether this is a blot, or a sheet of paper with a digit on it, and no strokes.

    In MNIST no stroke holds a square of more than 0.56 of the digit's longest side. A fat 0 or 8
    does once its holes are filled, but it is round, and a sheet fills the corners of its box.
    """
    rows, columns = span(mask, 0), span(mask, 1)
    mask, ink = np.pad(mask[rows, columns], 1), np.pad(ink[rows, columns], 1)
    if largest_square(mask & (ink > 0.5)) > FILLED_SQUARE * longest:
        return True
    labels, n = components(~mask)
    outside = np.zeros(n + 1, np.bool_)
    outside[labels[border(mask.shape)]] = True
    filled = mask | ~outside[labels]
    area = (mask.shape[0] - 2) * (mask.shape[1] - 2)
    is_sheet = (
        filled.sum() > SHEET_CORNERS * area
        and (mask & (ink > 0.2)).sum() > SHEET_EMPTY * filled.sum()
    )
    return bool(is_sheet and largest_square(filled) > FILLED_SQUARE * longest)


# --- which pixels -------------------------------------------------------------------------------


def _digit_mask(ink: Ink, noise: float) -> tuple[Mask, list[str]]:
    """Select the pixels of the digit: neither specks nor lines nor what is at the border."""
    seen = box_mean(ink, 3) if noise > FAINTEST_INK / 3 else ink
    floor = min(max(FAINTEST_INK, 3 * noise), LINE_CUTS[-2])
    cuts = [floor, *(cut for cut in LINE_CUTS if cut > floor)]
    parts = [_digit_parts(seen, floor, noise)]
    while _spans(parts[-1][0]) and len(parts) < len(cuts):
        parts.append(_digit_parts(seen, cuts[len(parts)], noise))
    if _spans(parts[-1][0]):
        # Not lines: the digit itself fills the picture.
        parts = parts[:1]
    elif 1 < len(parts) < len(cuts):
        # Where lines just break up, pieces of them still cling to the digit.
        parts.append(_digit_parts(seen, cuts[len(parts)], noise))
    mask, n_specks = parts[-1]
    if len(parts) > 1:
        return mask, ["lines ignored"]
    return mask, ["specks ignored"] if n_specks else []


def _spans(mask: Mask) -> bool:
    """Return whether ink reaches two opposite borders, as ruled lines do."""
    return bool((mask[0].any() and mask[-1].any()) or (mask[:, 0].any() and mask[:, -1].any()))


def _digit_parts(ink: Ink, cut: float, noise: float) -> tuple[Mask, int]:
    """Pick the connected pieces that make up one digit, and count the specks left out."""
    labels, n = components(ink > cut)
    inked = labels > 0
    piece, strength = labels[inked], ink[inked]
    mass = np.bincount(piece, strength, n + 1)
    peak = np.zeros(n + 1, np.float32)
    np.maximum.at(peak, piece, strength)
    # A piece counts when it is dark somewhere and not tiny.
    keep = (mass >= 0.02 * mass.max()) & (peak >= DARK)
    if not keep.any():
        raise NoDigitError("is blank: nothing on it stands out from the paper")
    if noise > 0:
        inner = keep.copy()
        inner[labels[border(ink.shape)]] = False
        if mass[inner].sum() > 0.1 * mass[keep].sum():
            keep = inner
    if inside := _inside_of_frame(labels, keep):
        raise FrameError(inside, 1)
    mask: Mask = keep[labels]
    if (n_digits := _count_digits(mask)) > 1:
        hint = "read them all with predict --number, or cut it into pictures of one digit each"
        raise NoDigitError(f"holds {n_digits} digits", hint)
    return mask, int(((peak >= DARK) & ~keep).sum())


# --- frames -------------------------------------------------------------------------------------


def _without_rim(grey: Grey) -> Grey | None:
    """Cut off a line along all four sides of a picture, whose level would pass for paper."""
    if min(grey.shape) < MIN_FRAME:
        return None
    deepest = max(2, round(RIM * min(grey.shape)))
    (line, at_border), (paper, inside) = (_rim_level(grey, depth) for depth in (0, deepest))
    if min(at_border, inside) < FRAME_LENGTH or abs(line - paper) < RIM_CONTRAST:
        return None
    depth = deepest
    while abs(_rim_level(grey, depth - 1)[0] - paper) < RIM_CONTRAST / 2:
        depth -= 1
    return grey[depth:-depth, depth:-depth]


def _rim_level(grey: Grey, depth: int) -> tuple[float, float]:
    """Return the level of the pixels at a depth from the border, and the share that has it."""
    at = grey[depth : len(grey) - depth, depth : grey.shape[1] - depth]
    ring = np.concatenate([at[0], at[-1], at[:, 0], at[:, -1]]).astype(np.float32)
    level = median(ring)
    return level, float(np.mean(np.abs(ring - level) < RIM_CONTRAST / 2))


def _inside_of_frame(labels: NDArray[np.intp], keep: Mask) -> Box | None:
    """Return the inside of the smallest piece that is a frame around ink.

    A frame is thin, and lines all four sides of its box, which neither a 0 nor an 8 does.
    """
    inner: list[Box] = []
    mask: Mask = keep[labels]
    free = keep.copy()
    free[labels[border(labels.shape)]] = False  # lines of the paper
    for piece in np.flatnonzero(free):
        frame = labels == piece
        rows, columns = span(frame, 0), span(frame, 1)
        frame, inked = frame[rows, columns], mask[rows, columns]
        short = min(frame.shape)
        if short < MIN_FRAME:
            continue
        top, left, bottom, right = (_line_depth(np.rot90(frame, turn)) for turn in (0, 3, 2, 1))
        if not (top and left and bottom and right):
            continue
        inked = inked[top:-bottom, left:-right]
        if inked.any() and max(extent(inked, 0), extent(inked, 1)) > LEAST_FRAMED * short:
            down = rows.start + top, rows.stop - bottom
            inner.append(Box(*down, columns.start + left, columns.stop - right))
    return min(inner, key=lambda box: box.height * box.width, default=None)


def _line_depth(frame: Mask) -> int:
    """Return how far a thin line along the top reaches down; 0 where there is none."""
    band = max(2, round(FRAME_BAND * len(frame)))
    line = frame[:band]
    lined = line.any(axis=0)
    if lined.mean() < FRAME_LENGTH or line.mean() > FRAME_FILL:
        return 0
    depths = np.sort((band - line[::-1].argmax(axis=0))[lined])
    return min(band, int(depths[int(0.9 * len(depths))]) + 1)


# --- how many digits ----------------------------------------------------------------------------


class _Group(NamedTuple):
    """Pieces of ink so close that they belong together."""

    rows: slice
    columns: slice
    area: int

    @property
    def height(self) -> int:
        return int(self.rows.stop - self.rows.start)

    @property
    def width(self) -> int:
        return int(self.columns.stop - self.columns.start)


def _count_digits(mask: Mask) -> int:
    """Count groups of strokes that lie apart from each other and are about as tall."""
    height, width = extent(mask, 0), extent(mask, 1)
    short, long = sorted((height, width))
    # Two digits together are twice as long as one, the halves of a broken 1 are not.
    side = long if short < BROKEN_LINE_WIDTH * long else min(long, USUAL_LENGTH * short)
    labels, n = components(grown(mask, max(1, round(REACH / 2 * side))))
    if n == 1:
        return 1
    groups = [_group(mask & (labels == i)) for i in range(1, n + 1)]
    tallest = max(group.height for group in groups)
    large = [group for group in groups if group.height > DIGIT_HEIGHT * tallest]
    if len(large) == 2 and _are_halves(large[0], large[1], height, width):
        return 1
    return len(large)


def _group(mask: Mask) -> _Group:
    return _Group(span(mask, 0), span(mask, 1), int(mask.sum()))


def _are_halves(a: _Group, b: _Group, height: int, width: int) -> bool:
    """Return whether two groups are pieces of one digit whose strokes are broken."""
    shared = min(a.columns.stop, b.columns.stop) - max(a.columns.start, b.columns.start)
    if shared > min(a.width, b.width) / 2:
        return width > STACK_WIDTH * height or width < BROKEN_LINE_WIDTH * height
    light, heavy = sorted((a, b), key=lambda group: group.area)
    return (
        light.area < HALF_AREA * heavy.area
        and light.height < HALF_HEIGHT * heavy.height
        and width < HALF_WIDTH * height
    )


# --- where its edges are ------------------------------------------------------------------------


def half_level_edges(profile: Ink, pixel: float) -> tuple[float, float]:
    """Find both ends of the ink along one axis, to a fraction of a pixel.

    The edge of a stroke, blurred or not, is where it has half the level that it has a little
    further in; one of MNIST's pixels is far enough, and a faint first row counts as in MNIST.

    Parameters
    ----------
    profile : ndarray of shape (n,), float32
        The strongest ink of each row or column.
    pixel : float
        The size of one of MNIST's pixels.
    """
    n = len(profile)
    first = _half_level_start(profile, pixel)
    last = n - _half_level_start(profile[::-1], pixel)
    return first, last


def _half_level_start(profile: Ink, pixel: float) -> float:
    start = int((profile > FAINTEST_INK).argmax())
    level = float(profile[start : start + max(1, round(pixel))].max()) / 2
    i = start + int((profile[start:] >= level).argmax())
    before = float(profile[i - 1]) if i else 0.0
    # Levels sit at pixel centres: the crossing lies between centre i - 1/2 and centre i + 1/2.
    return i - 0.5 + (level - before) / (float(profile[i]) - before)
