"""Any picture of one digit -> the 28x28 a model was trained on, and what was done to it.

MNIST's own recipe (Bottou et al. 1994; Yadav and Bottou 2019, arXiv:1905.10498): the ink is scaled
to fit a 20x20 box, aspect kept, grey levels coming from area averaging, and is pasted into 28x28 so
that its centre of mass falls on pixel (14, 14). Measured on all 70,000 images: the longest side of
the ink is 20 pixels (16 times 19), the centre of mass rounds to 14 on both axes (but for one 13.48
and one 13.49), and the brightest pixel is 254 or 255.

Inside this module *ink* is a float32 array in which 0 is paper and 1 is a stroke. It may be a
little negative where the paper is noisy: area averaging then cancels noise instead of adding it up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from mnistcli.errors import BadImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]
    Ink = NDArray[np.float32]
    Mask = NDArray[np.bool_]

_T = TypeVar("_T", np.bool_, np.float32)

FIELD = 28
BOX = 20
CENTRE = 14

# Pictures larger than this are searched for the digit first, which is then cut out of the original
# and looked at again. Beyond 8 pixels for one of MNIST's nothing is gained.
SEARCH_SIDE = 480
WORK_SIDE = 224

# Nothing can be read from fewer pixels than this.
MIN_SIDE = 4
# Fewer grey levels than this between ink and paper is no drawing.
MIN_CONTRAST = 8
# Ink must stand this far above the noise of the paper, in standard deviations.
MIN_SIGNAL_TO_NOISE = 6.0
# Share of full ink below which a pixel counts as paper: resampling rings up to about that.
FAINTEST_INK = 0.05

# Positions of the shorter side on the pixel grid, in MNIST's pixels.
PHASES = (0.0, 0.125, -0.125, 0.25, -0.25, 0.375, -0.375, 0.5)

# Share of the tallest group of strokes from which another one is a digit of its own.
DIGIT_HEIGHT = 0.6
# Share of its longest side above which the largest square inside makes a shape a blot.
FILLED_SQUARE = 0.62
# A sheet of paper, turned by a few degrees, fills this share of its box, and most of it is empty.
SHEET_CORNERS, SHEET_EMPTY = 0.83, 0.92
# Share of the longer side of a picture that no stroke is wider than; wider is shadow.
WIDEST_STROKE = 0.28
# Share of the strongest ink at which a hairline counts as full.
HAIRLINE_LEVEL = 0.35
# Shares of full ink at which lines printed on paper are told from ink.
LINE_CUTS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6)

# Edges wider than this, in MNIST's pixels, are blurred: drawings have 0.3, photographs 0.5, MNIST
# itself 0.9, and MNIST enlarged smoothly 1.3 (Lanczos) to 1.7 (bilinear), which blurs it twice when
# it is averaged down again. The gain that restores MNIST best grows by this much per pixel.
SHARP_EDGE, SHARPENING = 0.95, 0.85
# Stroke widths are measured at four pixels for one of MNIST's.
FINE = 4 * BOX
# Stroke widths in MNIST's pixels, measured as `_stroke_width` does: in MNIST 99 % lie between 1.2
# and 4.3, the median is 2.1. What lies outside these limits is brought to the target beside them.
HAIRLINE, HAIRLINE_TARGET = 1.15, 1.9
MARKER, MARKER_TARGET = 4.4, 3.2

DARK_INK = "dark ink on light paper: inverted"


@dataclass(frozen=True, slots=True, eq=False)
class Conformed:
    """A picture as the model sees it.

    Attributes
    ----------
    image : ndarray of shape (28, 28), uint8
        Light ink on black, as in MNIST.
    steps : tuple of str
        What was found and done, in plain words; empty when the input came back bit-identical.
    """

    image: Grey
    steps: tuple[str, ...]


class _Box(NamedTuple):
    """A rectangle in pixels; edges, not centres, so that a whole picture is (0, h, 0, w)."""

    top: float
    bottom: float
    left: float
    right: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def longest(self) -> float:
        return max(self.height, self.width)


class _Digit(NamedTuple):
    """A digit found in a picture: ink, 0 outside the digit's surroundings, and where it lies."""

    ink: Ink
    box: _Box
    steps: tuple[str, ...]


class _NoDigitError(Exception):
    """Nothing to conform; `conform` adds which picture it was."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


class _AllInkError(_NoDigitError):
    """One filled shape; perhaps a sheet of paper on a table."""

    def __init__(self, box: _Box) -> None:
        super().__init__("is all ink: one filled shape, no strokes")
        self.box = box


def conform(grey: Grey, *, source: str = "image") -> Conformed:
    """Bring a picture of one digit into the form of MNIST.

    Parameters
    ----------
    grey : ndarray of shape (height, width), uint8
        Any size, dark on light or light on dark.
    source : str
        How to name the picture in an error.

    Returns
    -------
    Conformed

    Raises
    ------
    BadImageError
        The picture is blank, is all ink, or holds several digits.
    """
    if grey.shape == (FIELD, FIELD):
        if is_mnist_like(grey[None])[0]:
            return Conformed(grey, ())
        if is_mnist_like(~grey[None])[0]:
            return Conformed(~grey, (DARK_INK,))
    try:
        return _conform(grey)
    except _NoDigitError as error:
        raise BadImageError(source, str(error), hint=error.hint) from None


def is_mnist_like(images: Grey) -> Mask:
    """Say which images need nothing done; none of MNIST's 70,000 does.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), uint8

    Returns
    -------
    ndarray of shape (n,), bool
    """
    like = images.max(axis=(1, 2)) >= 254
    longest = np.zeros(len(images), np.intp)
    for axis in (2, 1):
        profile = images.sum(axis=axis, dtype=np.int64)
        inked = profile > 0
        extent = FIELD - inked[:, ::-1].argmax(axis=1) - inked.argmax(axis=1)
        longest = np.maximum(longest, extent)
        centre = profile @ np.arange(FIELD) / np.maximum(profile.sum(axis=1), 1)
        like &= (centre > CENTRE - 0.53) & (centre < CENTRE + 0.5)
    fits: Mask = like & (longest >= BOX - 1) & (longest <= BOX)
    return fits


def _conform(grey: Grey) -> Conformed:
    """Conform what is not MNIST-like yet; see `conform`."""
    try:
        digit = _zoomed_in(grey)
    except _AllInkError as error:
        digit = _on_sheet(grey, error)
    placing = _placing(grey, digit)
    digit = _with_readable_strokes(digit)
    return Conformed(_centred(_scaled_to_box(digit)), (*digit.steps, placing))


def _placing(grey: Grey, digit: _Digit) -> str:
    """Say in words how the digit comes to its size and place."""
    if grey.shape != (FIELD, FIELD) or abs(digit.box.longest - BOX) > 0.5:
        return "scaled to 20 pixels and centred"
    mass = digit.ink.clip(0)
    down, right = (
        round(CENTRE - float(mass.sum(axis=1 - axis) @ np.arange(FIELD) / mass.sum()))
        for axis in (0, 1)
    )
    return f"shifted by {down}, {right}" if down or right else "grey levels stretched"


def _zoomed_in(grey: Grey) -> _Digit:
    """Find the digit at a useful scale: as large as one needs and no larger."""
    if min(grey.shape) < MIN_SIDE or np.ptp(grey) < MIN_CONTRAST:
        raise _NoDigitError("is blank: no ink")
    if max(grey.shape) <= WORK_SIDE:
        return _find_digit(grey.astype(np.float32))
    box = _find_digit(_shrunk(grey, SEARCH_SIDE)).box
    return _find_digit(_shrunk(_cut_out(grey, box, 0.25), WORK_SIDE))


def _on_sheet(grey: Grey, error: _AllInkError) -> _Digit:
    """Take a filled shape for a sheet of paper and look for the digit on it."""
    sheet = _cut_out(grey, error.box, -0.08)
    try:
        digit = _zoomed_in(sheet)
    except _NoDigitError:
        raise error from None
    return digit._replace(steps=("cut out of its surroundings", *digit.steps))


# --- where the digit is -------------------------------------------------------------------------


def _find_digit(picture: Ink) -> _Digit:
    """Separate one digit from its paper.

    Parameters
    ----------
    picture : ndarray of shape (height, width), float32, 0..255
    """
    ink, noise, steps = _flattened(picture)
    mask, notes = _digit_mask(ink, noise)
    steps += notes
    rows, columns = _span(mask, 0), _span(mask, 1)
    longest = max(len(rows), len(columns))
    if longest < MIN_SIDE:
        raise _NoDigitError("is blank but for a speck")
    if _is_filled_shape(mask, longest):
        box = _Box(rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)
        raise _AllInkError(box)
    pixel = longest / BOX
    zone = _grown(mask, max(1, round(pixel)))
    ink = np.where(zone, ink, np.float32(0))
    profiles = np.where(mask, ink, 0).max(axis=1), np.where(mask, ink, 0).max(axis=0)
    box = _Box(*(edge for p in profiles for edge in _half_level_edges(p, pixel)))
    return _Digit(ink, box, tuple(steps))


def _is_filled_shape(mask: Mask, longest: int) -> bool:
    """Tell a blot, or a sheet of paper with a digit on it, from strokes.

    In MNIST no stroke holds a square of more than 0.56 of the digit's longest side. A fat 0 or 8
    does once its holes are filled, but it is round, and a sheet fills the corners of its box.
    """
    if _largest_square(mask) > FILLED_SQUARE * longest:
        return True
    labels, n = _components(~mask)
    outside = np.zeros(n + 1, np.bool_)
    outside[labels[_ring(mask.shape, 1)]] = True
    filled = mask | ~outside[labels]
    area = len(_span(mask, 0)) * len(_span(mask, 1))
    is_sheet = filled.sum() > SHEET_CORNERS * area and mask.sum() > SHEET_EMPTY * filled.sum()
    return bool(is_sheet and _largest_square(filled) > FILLED_SQUARE * longest)


def _flattened(picture: Ink) -> tuple[Ink, float, list[str]]:
    """Turn grey levels into ink: polarity from the border, shading of the paper taken out.

    Returns
    -------
    ink : ndarray of shape (height, width), float32
    noise : float
        Standard deviation of the paper, in units of full ink.
    steps : list of str
    """
    ring = _ring(picture.shape)
    level = np.median(picture[ring])
    plain = bool(np.mean(np.abs(picture[ring] - level) <= 2) > 0.8)
    dark = _is_dark_on_light(picture - level if plain else _without_trend(picture))
    ink = level - picture if dark else picture - level
    steps = [DARK_INK] if dark else []
    if not plain:
        shade = _wide_part(ink)
        shade += np.median(ink - shade)
        ink -= shade
        if dark:
            # A shadow dims ink and paper alike.
            light = level - shade
            usual = np.median(light)
            ink *= usual / np.maximum(light, usual / 4)
        if np.ptp(shade) > 3 * MIN_CONTRAST:
            steps.append("shading of the paper evened out")
    noise = _noise(ink)
    full = _full_ink(ink, noise)
    unevenness = 1.4826 * float(np.median(np.abs(ink)))
    if unevenness < full / 4:
        # Otherwise most of the picture is "ink", a sheet of paper on a table.
        noise = unevenness
    return ink / np.float32(full), noise / full, steps


def _is_dark_on_light(deviation: Ink) -> bool:
    """Say whether the strokes are darker than the paper.

    Ink is little and deviates far, paper is much and deviates little: the third power listens to
    the former. At the edge of a shadow both signs are as strong and cancel.
    """
    return float((deviation.astype(np.float64) ** 3).sum()) < 0


def _without_trend(picture: Ink) -> Ink:
    """Subtract the mean of a wide surrounding from a coarse version of a picture."""
    coarse = _coarse(picture)
    return coarse - _box_mean(coarse, max(3, max(coarse.shape) // 3) | 1)


def _noise(ink: Ink) -> float:
    """Estimate the standard deviation of the noise from neighbours, which share their shading."""
    return 1.05 * float(np.median(np.abs(np.diff(ink, axis=1))))


def _full_ink(ink: Ink, noise: float) -> float:
    """Find the level of a stroke, in grey levels above the paper."""
    cut = max(5 * noise, 0.1 * float(ink.max()))
    for _ in range(8):
        above = ink > cut
        if above.all() or not above.any():
            break
        cut = float(ink[above].mean() + ink[~above].mean()) / 2
    strokes = ink[ink > cut]
    full = float(np.percentile(strokes, 99 if noise == 0 else 88)) if strokes.size else 0.0
    if full < MIN_CONTRAST or full < MIN_SIGNAL_TO_NOISE * noise:
        raise _NoDigitError("is blank: nothing on it stands out from the paper")
    return full


def _digit_mask(ink: Ink, noise: float) -> tuple[Mask, list[str]]:
    """Say which pixels belong to the digit: neither specks nor lines nor what is at the border."""
    seen = _box_mean(ink, 3) if noise > FAINTEST_INK / 3 else ink
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
        return mask, ["lines on the paper ignored"]
    return mask, ["specks ignored"] if n_specks else []


def _spans(mask: Mask) -> bool:
    """Say whether ink reaches two opposite borders, as ruled lines do."""
    return bool((mask[0].any() and mask[-1].any()) or (mask[:, 0].any() and mask[:, -1].any()))


def _digit_parts(ink: Ink, cut: float, noise: float) -> tuple[Mask, int]:
    """Pick the connected pieces that make up one digit, and count the specks left out."""
    labels, n = _components(ink > cut)
    if n == 0:
        raise _NoDigitError("is blank: nothing on it stands out from the paper")
    where = labels.ravel()
    mass = np.bincount(where, np.maximum(ink, 0).ravel(), n + 1)
    mass[0] = 0
    peak = np.zeros(n + 1, np.float32)
    np.maximum.at(peak, where, ink.ravel())
    # A piece counts when it is dark somewhere and not tiny.
    keep = (mass >= 0.02 * mass.max()) & (peak >= 0.4)
    if noise > 0:
        touching = np.unique(labels[_ring(ink.shape, 1)])
        inner = keep.copy()
        inner[touching] = False
        if mass[inner].sum() > 0.1 * mass[keep].sum():
            keep = inner
    return _one_digit(keep[labels]), int(n - keep[1:].sum())


def _one_digit(mask: Mask) -> Mask:
    """Return the pieces unless they form groups, apart from each other and about as tall."""
    rows, columns = _span(mask, 0), _span(mask, 1)
    reach = max(1, round(0.06 * max(len(rows), len(columns))))
    labels, n = _components(_grown(mask, reach))
    if n == 1:
        return mask
    heights = [len(_span(mask & (labels == i), 0)) for i in range(1, n + 1)]
    n_digits = sum(height > DIGIT_HEIGHT * max(heights) for height in heights)
    if n_digits > 1:
        raise _NoDigitError(f"holds {n_digits} digits", "cut it into pictures of one digit each")
    return mask


# --- from ink to 28x28 --------------------------------------------------------------------------


def _scaled_to_box(digit: _Digit) -> Grey:
    """Average a digit down to 20x20, so that its longest side fills the box.

    How the shorter side falls on the pixel grid is free. Of a few ways the sharpest is taken: it
    has the strongest strokes, and it finds the grid again on which an enlarged picture was drawn.
    """
    box = digit.box
    pixel, half = box.longest / BOX, box.longest / 2
    y, x = (box.top + box.bottom) / 2, (box.left + box.right) / 2
    # A digit of 20 pixels keeps the pixels that it has.
    is_scaled = abs(box.longest - BOX) > 0.5
    gain = SHARPENING * max(0.0, _edge_width(digit) - SHARP_EDGE) if is_scaled else 0.0
    room = half - min(box.height, box.width) / 2
    best = np.zeros((BOX, BOX), np.float32)
    for phase in PHASES:
        shift = min(phase * pixel, room) if phase > 0 else max(phase * pixel, -room)
        dy, dx = (0.0, shift) if box.height >= box.width else (shift, 0.0)
        square = _Box(y + dy - half, y + dy + half, x + dx - half, x + dx + half)
        small = _averaged(digit.ink, square, BOX, BOX)
        small = (small + gain * (small - _neighbours(small))).clip(0, 1)
        if (small**2).sum() > 1.001 * (best**2).sum():
            best = small
    grey: Grey = np.rint(255 / best.max() * best).astype(np.uint8)
    return grey


def _centred(small: Grey) -> Grey:
    """Paste into 28x28 so that the centre of mass rounds to (14, 14)."""
    image = np.zeros((FIELD, FIELD), np.uint8)
    small = small[np.ix_(_span(small > 0, 0), _span(small > 0, 1))]
    offsets = []
    for axis, side in enumerate(small.shape):
        profile = small.sum(axis=1 - axis, dtype=np.int64)
        centre = float(profile @ np.arange(side)) / float(profile.sum())
        offsets.append(int(np.clip(np.ceil(CENTRE - 0.5 - centre), 0, FIELD - side)))
    top, left = offsets
    image[top : top + small.shape[0], left : left + small.shape[1]] = small
    return image


def _with_readable_strokes(digit: _Digit) -> _Digit:
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
    ink = _grown(ink, radius) if radius > 0 else -_grown(-ink, -radius)
    pixel = side / BOX
    edges = [e for axis in (1, 0) for e in _half_level_edges(ink.max(axis=axis), pixel)]
    step = "hairline strokes widened" if hairline else "marker strokes thinned"
    return _Digit(ink, _Box(*edges), (*digit.steps, step))


def _stroke_width(digit: _Digit) -> float:
    """Estimate the mean width of strokes, in MNIST's pixels: twice the ink over its outline.

    A stroke of width w and length l has area w * l and, for w << l, an outline of 2 l; the total
    variation of an image is the length of its outline, soft edges included.
    """
    ink = _fine(digit, FINE)
    return float(2 * ink.sum() / _outline(ink)) * BOX / FINE


def _edge_width(digit: _Digit) -> float:
    """Estimate how wide the edges of strokes are, in MNIST's pixels.

    Over a linear edge of width w, ink (1 - ink) integrates to w / 6 for each unit of outline.
    """
    ink = _fine(digit, FINE)
    return float(6 * (ink * (1 - ink)).sum() / _outline(ink)) * BOX / FINE


def _outline(ink: Ink) -> float:
    """Measure the length of the outline of ink: its total variation."""
    ink = np.pad(ink, 1)
    down, across = np.diff(ink, axis=0)[:, :-1], np.diff(ink, axis=1)[:-1]
    return float(np.hypot(down, across).sum())


def _fine(digit: _Digit, longest: int) -> Ink:
    """Resample a digit so that its longest side has so many pixels."""
    sides = (digit.box.height, digit.box.width)
    height, width = (max(1, round(side * longest / digit.box.longest)) for side in sides)
    return _averaged(digit.ink, digit.box, height, width).clip(0, 1)


def _half_level_edges(profile: Ink, pixel: float) -> tuple[float, float]:
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


def _neighbours(a: Ink) -> Ink:
    """Take the mean of the four neighbours of each pixel."""
    p = np.pad(a, 1)
    total = p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:]
    return (total / 4).astype(np.float32, copy=False)


# --- array tools --------------------------------------------------------------------------------


def _shrunk(grey: Grey, longest: int) -> Ink:
    """Average blocks of pixels until no side is longer than `longest`; float32, 0..255."""
    k = -(-max(grey.shape) // longest)
    if k == 1:
        return grey.astype(np.float32)
    height, width = (-(-side // k) for side in grey.shape)
    missing = [(0, height * k - grey.shape[0]), (0, width * k - grey.shape[1])]
    padded = np.pad(grey, missing, "edge")
    shrunk: Ink = padded.reshape(height, k, width, k).mean(axis=(1, 3), dtype=np.float32)
    return shrunk


def _cut_out(grey: Grey, box: _Box, share: float) -> Grey:
    """Cut a box, given in pixels of `_shrunk`, and a margin of a share of it out of a picture."""
    k = -(-max(grey.shape) // SEARCH_SIDE)
    margin = share * box.longest
    top, left = (max(0, int(k * (edge - margin))) for edge in (box.top, box.left))
    bottom, right = (int(np.ceil(k * (edge + margin))) for edge in (box.bottom, box.right))
    return grey[top:bottom, left:right]


def _span(mask: Mask, axis: int) -> NDArray[np.intp]:
    """Give the indices along an axis from the first to the last hit; at least one there must be."""
    hit = np.flatnonzero(mask.any(axis=1 - axis))
    return np.arange(hit[0], hit[-1] + 1)


def _ring(shape: tuple[int, ...], thickness: int = 0) -> Mask:
    """Select the border of a picture, 2 % of its longest side wide unless told."""
    t = thickness or max(1, max(shape) // 50)
    ring = np.ones(shape, np.bool_)
    ring[t:-t, t:-t] = False
    return ring


def _wide_part(ink: Ink) -> Ink:
    """Take what is wider than any stroke: a morphological opening."""
    coarse = _coarse(ink)
    window = max(3, round(WIDEST_STROKE * max(coarse.shape))) | 1
    opened = _window_max(-_window_max(-coarse, window), window)
    opened = _box_mean(opened, 3)
    rows, columns = (_linear(n, m) for n, m in zip(ink.shape, coarse.shape, strict=True))
    return (rows @ opened @ columns.T).astype(np.float32, copy=False)


def _coarse(picture: Ink) -> Ink:
    """Average to at most 128 pixels a side, which is plenty for shadows."""
    k = -(-max(picture.shape) // 128)
    height, width = (-(-side // k) for side in picture.shape)
    return _averaged(picture, _Box(0, picture.shape[0], 0, picture.shape[1]), height, width)


def _window_max(a: Ink, window: int) -> Ink:
    """Maximum over a square window of odd side."""
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (window // 2, window // 2)
        a = np.lib.stride_tricks.sliding_window_view(np.pad(a, pad, "edge"), window, axis).max(-1)
    return a


def _box_mean(a: Ink, window: int) -> Ink:
    """Mean over a square window of odd side."""
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (window // 2, window // 2)
        a = np.lib.stride_tricks.sliding_window_view(np.pad(a, pad, "edge"), window, axis).mean(-1)
    return a


def _averaged(ink: Ink, box: _Box, height: int, width: int) -> Ink:
    """Resample a box to height x width by exact area averaging."""
    rows = _area_weights(ink.shape[0], box.top, box.bottom, height)
    columns = _area_weights(ink.shape[1], box.left, box.right, width)
    return (rows @ ink @ columns.T).astype(np.float32, copy=False)


def _area_weights(n: int, start: float, stop: float, n_out: int) -> Ink:
    """Weights of shape (n_out, n): the share of each input pixel in each output pixel."""
    edges = np.linspace(start, stop, n_out + 1)
    pixels = np.arange(n)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights: Ink = (overlap.clip(0) * (n_out / (stop - start))).astype(np.float32)
    return weights


def _linear(n_out: int, n: int) -> Ink:
    """Weights of shape (n_out, n) that interpolate linearly between pixel centres."""
    at = ((np.arange(n_out) + 0.5) * n / n_out - 0.5).clip(0, n - 1)
    return (1 - np.abs(at[:, None] - np.arange(n))).clip(0).astype(np.float32)


def _grown(a: NDArray[_T], radius: int) -> NDArray[_T]:
    """Take the maximum over an octagon, made of crosses and squares in turn; also for masks."""
    a = a.copy()
    for i in range(radius):
        source = np.pad(a, 1, "edge")
        height, width = a.shape
        for dy in (0, 1, 2):
            for dx in (0, 1, 2):
                if i % 2 == 0 and dy != 1 and dx != 1:
                    continue
                np.maximum(a, source[dy : dy + height, dx : dx + width], out=a)
    return a


def _largest_square(mask: Mask) -> int:
    """Side of the largest square that is all ink."""
    total = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int64)
    total[1:, 1:] = mask.cumsum(axis=0, dtype=np.int64).cumsum(axis=1)
    low, high = 0, min(mask.shape)
    while low < high:
        k = (low + high + 1) // 2
        inside = total[k:, k:] - total[:-k, k:] - total[k:, :-k] + total[:-k, :-k]
        low, high = (k, high) if (inside == k * k).any() else (low, k - 1)
    return low


def _components(mask: Mask) -> tuple[NDArray[np.intp], int]:
    """Give numbers to the 8-connected pieces of a mask from 1; 0 is background.

    Runs of each row are nodes, touching runs of neighbouring rows are edges; every node takes the
    smallest number it can see until nothing changes.
    """
    height, width = mask.shape
    flat = np.zeros((height, width + 2), np.int8)
    flat[:, 1:-1] = mask
    steps = np.diff(flat.ravel())
    starts, stops = (steps == 1).nonzero()[0], (steps == -1).nonzero()[0]
    # In flat coordinates the row above is width + 2 earlier; a run touches another when it starts
    # no later than one past the other's end, and ends no earlier than one before its start.
    row = width + 2
    low = np.searchsorted(stops, starts - row, side="left")
    high = np.searchsorted(starts, stops - row, side="right")
    counts = np.maximum(high - low, 0)
    below = np.repeat(np.arange(len(starts)), counts)
    above = (
        np.arange(counts.sum())
        - np.repeat(counts.cumsum() - counts, counts)
        + np.repeat(low, counts)
    )
    names = np.arange(len(starts))
    while True:
        smaller = np.minimum(names[below], names[above])
        before = names.copy()
        np.minimum.at(names, names[below], smaller)
        np.minimum.at(names, names[above], smaller)
        names = names[names]
        if (names == before).all():
            break
    roots, numbers = np.unique(names, return_inverse=True)
    change = np.zeros(flat.size, np.intp)
    change[starts + 1] = numbers + 1
    change[stops + 1] -= numbers + 1
    return change.cumsum().reshape(height, width + 2)[:, 1:-1], len(roots)
