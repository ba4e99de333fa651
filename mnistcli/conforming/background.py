"""Grey levels -> ink: which is the paper, how evenly it is lit, and how strong the ink is."""

import numpy as np

from mnistcli.arrays import Places
from mnistcli.conforming.operations import (
    average,
    box_mean,
    median,
    pieces_of,
    quantile,
    rim_of,
    stretch,
    surface,
    window_max,
)
from mnistcli.conforming.types import BLANK, Box, Ink, Mask, NoDigitError
from mnistcli.pictures import Grey

DARK_INK = "dark ink on light paper"
INVERTED = "inverted"
EVENED = "shading evened out"

# Fewer grey levels than this between ink and paper is no drawing.
MIN_CONTRAST = 8
# Ink must stand this far above the noise of the paper, in standard deviations.
MIN_SIGNAL_TO_NOISE = 6.0
# No paper is as rough, in grey levels.
ROUGHEST = 24
# Share of the longer side of a picture that no stroke is wider than, and where it may have several
# digits; wider is shadow.
WIDEST_STROKE, WIDEST_OF_MANY = 0.28, 0.1
# No stroke is so many times as wide as strokes are on average.
STROKE_WIDTHS = 2.5
# Where there is noise, full ink is this quantile of the strokes, and not their strongest noise.
STROKE_LEVEL = 0.88
# It is at least this share of the strongest ink where the light is even.
LEAST_FULL = 0.7
# Paper is what is farther from all ink than a share of the longer side. What is farther than a
# share of the shorter one shows the light, where there is enough of it.
NEAR, FAR, LEAST_FAR = 0.04, 0.2, 200
# What has between these shares of corners, rim and area may as well be ink.
IN_DOUBT = 0.2, 0.6
# Light is even where paper differs by less than these shares of the contrast.
SLIGHTLY, UNEVEN = 0.04, 0.12
# Where it differs by more than this, one threshold takes shadows for ink.
STEEP = 0.35
# So does one from which the strongest pixels lie farther than this, in contrasts: ink is about as
# far as it is on average. They are this share of a photograph.
FARTHEST, STRONGEST = 2.5, 5e-4
# A shadow is not as dark as ink: so much of what is dark differs more from the paper, by a factor.
DARKEST, DEEPER = 0.02, 1.2
# A bold digit among thin ones loses more than such a share of full ink to what is wider than most
# strokes; most of what it loses is as dark as such a share.
BLOT, AS_DARK = 0.2, 0.6
# More pieces than this beside what is wide and reaches in are ink, however dark that is.
BESIDE = 3
# Ink is told from the paper in a square around it, so many times as wide as the widest stroke.
AROUND_STROKES = 1.2
# A surface is light that falls off where the picture varies so many times more than what it leaves:
# of the edge between two levels, wherever it lies, it leaves more.
FALLING_OFF = 4.5
# Shadows, which vary slowly, are looked at with so many pixels a side.
COARSE_SIDE = 96
# Side of the squares that JPEG compresses, in pixels.
JPEG_BLOCK = 8
# What may reach in from the border, as a part of each side; ink inside differs from the paper by such
# a share of what differs most.
REACHING_IN, INNER_CONTRAST = 8, 0.25


def find_ink(picture: Ink, widest: float = WIDEST_STROKE) -> tuple[Ink, float, list[str]]:
    """Turn grey levels into ink: find the paper, take its shading out.

    Returns the ink, the standard deviation of the paper in units of full ink, and the steps.
    """
    return _in_even_light(picture, widest) or _in_uneven_light(picture, widest)


def otsu_threshold(histogram: Places) -> tuple[int, float, float]:
    """Return the level that parts a histogram best (Otsu 1979), and the mean on either side."""
    n, total = histogram.cumsum(), (histogram * np.arange(len(histogram))).cumsum()
    inner = (n > 0) & (n < n[-1])
    if not inner.any():
        level = int(histogram.argmax())
        return level, float(level), float(level)
    between = np.full(len(n), -1.0)
    expected = total[-1] * (n[inner] / n[-1])
    between[inner] = (expected - total[inner]) ** 2 / (n[inner] * (n[-1] - n[inner]).astype(float))
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    t = int(best[len(best) // 2])  # the middle of a gap in which all are as good
    low = float(total[t] / n[t])
    return t, low, float((total[-1] - total[t]) / (n[-1] - n[t])) if n[-1] > n[t] else low


def _in_even_light(picture: Ink, widest: float) -> tuple[Ink, float, list[str]] | None:
    """Take one level of paper for the whole picture; None where paper far from ink is not alike."""
    levels = picture.astype(np.uint8)
    histogram = _counts(levels)
    t, low, high = otsu_threshold(histogram)
    noise = _noise(picture)
    if high - low < MIN_SIGNAL_TO_NOISE * noise:
        noise = _noise_among_edges(picture)
    least = max(MIN_CONTRAST, MIN_SIGNAL_TO_NOISE * noise)
    if high - low < least:
        return None
    light = levels > t
    dark = _is_paper(light)
    if dark and _has_shadow(picture, light, widest):
        return None
    darkest, lightest = _levels(histogram, STRONGEST, 1 - STRONGEST)
    if max(high - darkest, lightest - low) > FARTHEST * (high - low):
        return None
    strokes, steps = light != dark, list[str]()
    # In a strip a share of the longer side would leave no paper, and so would one on a full page.
    share = widest / WIDEST_STROKE if max(strokes.shape) > COARSE_SIDE else 1.0
    near = max(1, round(share * NEAR * min(max(strokes.shape), 2 * min(strokes.shape))))
    paper = ~window_max(strokes, near)
    counts = _counts(levels[paper])
    contrast = high - low
    if _spread(counts) > SLIGHTLY * contrast + 3.3 * noise:
        if not dark and _without_falling_light(picture) is not picture:
            return None  # its middle is no ink
        far = ~window_max(strokes, max(1, round(share * FAR * min(strokes.shape))))
        if share < 1 and np.count_nonzero(far) < LEAST_FAR:
            far = paper
        if _spread(_counts(levels[far])) > SLIGHTLY * contrast + 3.3 * noise:
            shade = surface(picture, paper)
            picture = picture - shade + np.float32(median(shade))
            levels = picture.clip(0, 255).astype(np.uint8)
            if np.ptp(shade) > STEEP * contrast:
                return None
            if np.ptp(shade) > 3 * MIN_CONTRAST:
                steps = [EVENED]
            histogram, counts = _counts(levels), _counts(levels[paper])
    # From here on as if the ink were light.
    if dark:
        histogram, counts, t = histogram[::-1], counts[::-1], 254 - t
    if counts.sum() > 0.02 * levels.size:
        first, last, level = _levels(counts, 0.03, 0.4, 0.5 if noise > 0.02 * contrast else 0.2)
        if noise > 0:  # that of neighbours does not tell how rough the paper is
            clear = ~window_max(strokes, 3 * near)  # of edges, however soft
            smooth = box_mean(picture, 2 * near + 1)[clear].clip(0, 255).astype(np.uint8)
            if _spread(_counts(smooth)) > UNEVEN * contrast + 3.3 * noise:
                return None  # it is not rough but shaded
            below, above = _levels(counts, 0.16, 0.84)
            noise = max(noise, (above - below) / 2)
    else:  # cropped to the ink
        (level,) = _levels(histogram[: t + 1], 0.1)
        first = last = level
    usual, strongest = (t + 1 + each - level for each in _levels(histogram[t + 1 :], 0.8, 0.99))
    # Where there is noise there may be more lines on the paper than ink.
    contrast = max(usual, int(LEAST_FULL * strongest)) if noise > 0 else strongest
    if last - first > UNEVEN * contrast + 1.7 * noise or contrast < least:
        return None
    ink = (255 - level - picture if dark else picture - level) / np.float32(contrast)
    return ink, noise / contrast, ([DARK_INK, INVERTED] if dark else []) + steps


def _has_shadow(picture: Ink, light: Mask, widest: float) -> bool:
    """Return whether something is wider than strokes and not as dark as ink, or beside other ink."""
    k = -(-max(light.shape) // COARSE_SIDE)
    small, light = picture[::k, ::k], light[::k, ::k]
    reach = _reach(small, widest)
    wide = ~window_max(light, reach)
    wide[:reach] = wide[-reach:] = wide[:, :reach] = wide[:, -reach:] = False
    if not wide.any() or not light.any():  # of a pattern every k-th pixel may be dark
        return False
    pieces = pieces_of(~light)
    is_block = pieces.peaks(wide.astype(np.float32)) > 0
    if (is_block & pieces.at_border).any() and (~is_block & (pieces.height > 1)).sum() > BESIDE:
        return True
    paper = median(small[light])
    ink = paper - quantile(small[~light], DARKEST)
    return ink > DEEPER * (paper - median(small[wide]))


def _reach(picture: Ink, widest: float) -> int:
    """Return half the width of the widest stroke, a share of the picture, in pixels."""
    longest: int = max(picture.shape)
    return max(1, round(widest * longest) // 2)


def _counts(levels: Grey) -> Places:
    return np.bincount(levels.ravel(), minlength=256)


def _spread(counts: Places) -> int:
    """Return the range of grey levels but for the darkest and the lightest; 0 for hardly any."""
    low, high = _levels(counts, 0.05, 0.95)
    return high - low if counts.sum() >= LEAST_FAR else 0


def _levels(counts: Places, *shares: float) -> list[int]:
    """Return quantiles of a histogram."""
    cumulated = counts.cumsum()
    levels: list[int] = cumulated.searchsorted(np.array(shares) * cumulated[-1]).tolist()
    return levels


def _is_paper(light: Mask) -> bool:
    """Return whether what is light is paper: it has the corners, the rim, and most of the area."""
    k = max(1, min(light.shape) // 16)
    corners = [light[y, x] for y in (np.s_[:k], np.s_[-k:]) for x in (np.s_[:k], np.s_[-k:])]
    rim = [light[0], light[-1], light[:, 0], light[:, -1]]
    parts = [(0.1, each) for each in corners] + [(0.0875, each) for each in rim] + [(0.25, light)]
    share: float = sum(weight * np.count_nonzero(part) / part.size for weight, part in parts)
    if IN_DOUBT[0] < share < IN_DOUBT[1]:  # ink hangs together, and parts what is around it
        n_light, n_dark = pieces_of(light).n, pieces_of(~light).n
        if n_light != n_dark:
            return n_light > n_dark
    return share > 0.45


def _in_uneven_light(picture: Ink, widest: float) -> tuple[Ink, float, list[str]]:
    """Take out of a picture what is wider than any stroke."""
    rim = rim_of(picture)
    level = np.float32(median(rim))
    plain = bool(np.mean(np.abs(rim - level) <= 2) > 0.8)
    deviation = picture - level
    if not plain:
        evened = _without_falling_light(picture)
        around = max(3, round(AROUND_STROKES * widest * max(picture.shape))) | 1
        deviation = evened - box_mean(evened, around)
        # What reaches in is no ink, where there is other.
        top, left = (side // REACHING_IN for side in deviation.shape)
        inner = deviation[top : len(deviation) - top, left : deviation.shape[1] - left]
        if np.abs(inner).max() > INNER_CONTRAST * np.abs(deviation).max():
            deviation = inner
    deviation = deviation.ravel()
    # Ink is little and deviates far, paper is much and deviates little: the third power listens to
    # the former. At the edge of a shadow both signs are as strong and cancel.
    dark = float((deviation * deviation) @ deviation) < 0
    flat = ink = level - picture if dark else picture - level
    steps = [DARK_INK, INVERTED] if dark else []
    if not plain:
        ink, shade = _without_shade(flat, widest, level if dark else None)
        # What the corners of a hard shadow leave is narrower than a digit, and wider than its
        # strokes.
        full = _full_ink(ink, _noise(ink))
        widest_here = STROKE_WIDTHS * _stroke_width(ink, full) / max(ink.shape)
        if widest_here < widest / 2:
            thin, closer = _without_shade(flat, widest_here, level if dark else None)
            is_bold = _is_bold(ink, closer - shade, full)
            ink, shade = np.where(is_bold, ink, thin), np.where(is_bold, shade, closer)
        if np.ptp(shade) > 3 * MIN_CONTRAST:
            steps.append(EVENED)
    noise = _noise(ink)
    full = _full_ink(ink, noise)
    unevenness = 1.4826 * median(np.abs(ink))
    if unevenness < full / 4:
        # Otherwise most of the picture is "ink", a sheet of paper on a table.
        noise = unevenness
    return ink / np.float32(full), noise / full, steps


def _without_falling_light(picture: Ink) -> Ink:
    """Take out light that falls off: it differs more than ink does; of less, ink would be a part."""
    evened = picture - surface(picture, np.ones(picture.shape, np.bool_))
    return evened if FALLING_OFF * evened.var() < picture.var() else picture


def _without_shade(ink: Ink, widest: float, paper: np.float32 | None) -> tuple[Ink, Ink]:
    """Take out of ink what is wider than a share of the picture: a morphological opening.

    Where the ink is dark, on paper of a level, a shadow dims both alike. Returns the shade, too.
    """
    k = -(-max(ink.shape) // COARSE_SIDE)
    coarse = (-(-side // k) for side in ink.shape)
    small = average(ink, Box(0, ink.shape[0], 0, ink.shape[1]), *coarse)
    reach = _reach(small, widest)
    # Paper that darkens towards the border goes on: windows that no stroke fills may stick out.
    beyond = 2 * reach
    outer = _opened(np.pad(small, beyond, "edge"), beyond)[beyond:-beyond, beyond:-beyond]
    opened = np.maximum(_opened(small, reach), outer)
    shade = stretch(box_mean(opened, 3), *ink.shape)
    shade += np.float32(median(ink - shade))
    ink = ink - shade
    if paper is not None:
        light = paper - shade
        usual = max(median(light), 1.0)
        ink *= (usual / np.maximum(light, usual / 4)).astype(np.float32)
    return ink, shade


def _opened(ink: Ink, reach: int) -> Ink:
    """Take out what is narrower than a square window that reaches so far to every side."""
    return window_max(-window_max(-ink, reach), reach)


def _is_bold(ink: Ink, shade: Ink, full: float) -> Mask:
    """Tell what passes for shade beside thinner strokes, and is as dark as they are."""
    pieces = pieces_of(shade > BLOT * full)
    n_dark = pieces.sums((ink > AS_DARK * full).astype(np.float32))
    return pieces.mask(~pieces.at_border & (2 * n_dark > pieces.area))


def _stroke_width(ink: Ink, full: float) -> float:
    """Estimate the mean width of strokes in pixels: their area, halved outlines across and down."""
    strokes = box_mean(ink, 3) > full / 2
    outline = sum(np.count_nonzero(each[1:] != each[:-1]) for each in (strokes, strokes.T))
    # An outline in any direction crosses pixels 4 / pi times as often as it is long.
    return 8 / np.pi * np.count_nonzero(strokes) / max(outline, 1)


def _noise(ink: Ink) -> float:
    """Estimate the standard deviation of the noise from neighbours, which share their shading.

    In a photograph that is compressed a lot, direct ones may be alike.
    """
    for far in (1, JPEG_BLOCK):
        one, other = ink[:, far:], ink[:, :-far]
        if ink.shape[1] > 8 * far and 2 * np.count_nonzero(one != other) >= one.size - 1:
            return 1.05 * median(np.abs(one - other))
    return 0.0


def _noise_among_edges(picture: Ink) -> float:
    """Estimate the standard deviation of the noise from second differences, which soft edges lack.

    Where a picture is cropped to its ink, most neighbours lie on edges (Immerkaer, Fast noise
    variance estimation, 1996).
    """
    return 0.247 * median(np.abs(np.diff(np.diff(picture, 2, axis=0), 2, axis=1)))


def _full_ink(ink: Ink, noise: float) -> float:
    """Find the level of a stroke, in grey levels above the paper."""
    cut = max(5 * noise, 0.1 * float(ink.max()))
    for _ in range(8):
        above = ink > cut
        if above.all() or not above.any():
            break
        cut = float(ink[above].mean() + ink[~above].mean()) / 2
    strokes = ink[ink > cut]
    full = quantile(strokes, 0.99 if noise == 0 else STROKE_LEVEL) if strokes.size else 0.0
    if noise > 0:  # there may be more lines on the paper than ink
        full = max(full, LEAST_FULL * quantile(ink, 1 - STRONGEST))
    if full < max(MIN_CONTRAST, MIN_SIGNAL_TO_NOISE * noise):
        if noise > ROUGHEST:
            hint = "cut it into pictures of one digit each, see mnistcli help own-digits"
            raise NoDigitError("is noise, or full of small marks: there is no paper", hint)
        raise NoDigitError(BLANK)
    return full
