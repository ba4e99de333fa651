"""Which ink is the digits': neither specks nor printed lines, bars, frames, or what reaches in."""

from typing import NamedTuple, Self

import numpy as np

from mnistcli.conforming.cells import grids, lines_around
from mnistcli.conforming.frames import Frame, frames_of
from mnistcli.conforming.grouping import (
    DIGIT_HEIGHT,
    HALF_WIDTH,
    MAX_PIECES,
    SEVERAL,
    Group,
    group_pieces,
    usual_height,
)
from mnistcli.conforming.lines import (
    BAR,
    FRAME_LENGTH,
    LEAST_FRAMED,
    UNDERLINE,
    ruled_lines,
    rungs_between,
    touching_lines,
)
from mnistcli.conforming.operations import (
    Pieces,
    box_mean,
    largest_square,
    median,
    pieces_of,
    quantile,
    window_max,
)
from mnistcli.conforming.types import BLANK, DARK, FAINTEST_INK, Ink, Mask, NoDigitError

# What is said of ink that was left out.
FRAME_CUT_OFF, LINES_IGNORED, SPECKS_IGNORED = "frame cut off", "lines ignored", "specks ignored"
OUTER_IGNORED, DESK_IGNORED = "what reaches in ignored", "what is beside cards ignored"
FAINT_IGNORED = "faint ink ignored"
LEFT_OUT = FRAME_CUT_OFF, LINES_IGNORED, SPECKS_IGNORED, FAINT_IGNORED, OUTER_IGNORED, DESK_IGNORED
# Share of the strongest piece from which another one is no speck; that touches no border where the
# others have such a share of all.
SPECK, LEAST_INNER = 0.02, 0.1
# Strokes of smaller pictures are as thin as what noise is averaged over, and would be lost.
SMOOTHED = 64
# What is so many times as strong as noise is not averaged where strokes are so thin that of most no
# such share would be left: they would be too faint. Of others, fibres and dust are to be.
CLEAR, LEFT = 10, 0.6
# Shares of full ink at which lines printed on paper are told from ink.
LINE_CUTS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6)
# The parts of a line that a digit interrupts are no more than this share of its length apart, and
# are so much of it.
STEEPEST_LINE, LEAST_LINE = 0.1, 0.3
# What is no higher, in heights of a digit, is one that is broken where its ink is faint.
TOGETHER = 1.6
# Lines that do not span the page join what is apart at this share, or reach in to one digit.
STRONG = 0.3
# What is this faint, so far from strong ink in heights of a digit, and so much of it in areas of
# the strong ink, shines through the paper.
FAINT, FAINT_REACH, MOST_FAINT = 0.2, 1 / 12, 0.15
# What fills so much of its box is a rectangle; no round digit does.
RECTANGLE = 0.96
# A line down most of the paper is thinner than the strokes on it, which are not that small: no 1.
MARGIN_LINE, LINE_LENGTH, LEAST_INSIDE = 0.4, 0.7, 0.15
# What goes on where something ends differs in width by less than this share.
REST = 0.25
# What is left of an edge is so much thinner than strokes, or has so much softer edges.
EDGE = 0.25
# A binding is so many pieces whose sizes differ by such a share, as frames alike do, in a line that
# leans no more, at distances that differ by such a share.
MANY, SAME, SLANTED, EVEN = 12, 0.2, 0.05, 0.1
# What is left of a box along the border that cut through it, in shares of the picture's side: so
# thick on average, and reaching in so far; in lengths of the digit it is longer.
SCRAP, SCRAP_REACH, SCRAP_LENGTH = 0.1, 0.2, 1.2
# What touches the border, of a photograph or beside so many others, is a digit if it is as high, or
# beside a few if it is higher, up to so many times, and its strokes are not much thinner.
AT_BORDER, LARGER = (0.6, 1.5), 3
# A thumb at the border is so much thicker, for its length, than strokes, of which so many are enough:
# the second where it fills more than such a share of its shorter side.
THICKER, FULL, ENOUGH_STROKES = np.array([2.6, 1.8]), 0.7, 40


def groups_of(
    ink: Ink, noise: float, *, is_page: bool
) -> tuple[Ink, Pieces, list[Group], list[str]]:
    """Find the pieces of ink that are neither specks, lines nor frames, and group them.

    Returns the ink, too: without lines that touch digits.
    """
    # What faint lines join is no piece of its own: they go first.
    pieces, keep, notes = find_pieces(ink, noise)
    if (are_grids := grids(pieces, keep)).any():
        ink = np.where(window_max(pieces.mask(are_grids), 1), np.float32(0), ink)
        pieces, keep, _ = find_pieces(ink, noise)
        notes.append(LINES_IGNORED)
    # A line in a frame is looked for among what is left inside.
    frames = frames_of(pieces, keep, is_page=is_page)
    if (fainter := _like_frames(pieces, frames) & ~keep).any():
        frames = frames_of(pieces, keep | fainter, is_page=is_page)
    lines = _drop_frames(pieces, keep, ink, frames) if frames else None
    numbers = [frame.piece for frame in frames]
    level = FAINT if noise > 0 else LINE_CUTS[0]
    if is_page:
        lines = ruled_lines(ink, level, has_frames=bool(frames))
    if lines is None:
        lines = touching_lines(pieces, keep, numbers)
    if lines is not None:
        # Without them digits are pieces anew, and what led from line to line is.
        ink = np.where(lines, np.float32(0), ink)
        pieces, keep, _ = find_pieces(ink, noise, level)
        if (rungs := rungs_between(pieces, keep, lines)) is not None:
            ink = np.where(rungs, np.float32(0), ink)
            pieces, keep = _dark_pieces(np.where(pieces.mask(keep), ink, np.float32(0)), 0.0)
    if lines is not None or not keep[numbers].all():
        notes.append(FRAME_CUT_OFF if frames else LINES_IGNORED)
    # A digit that touched a line is only now as high and as thick as it is.
    outer = keep & pieces.at_border
    _drop_others(pieces, keep, ink, is_photo=noise > 0, is_page=is_page)
    if (outer & ~keep).any():
        notes.append(OUTER_IGNORED)
    groups, n_dropped = group_pieces(pieces, keep)
    if n_dropped and not notes:
        notes.append(SPECKS_IGNORED)
    return ink, pieces, groups, notes


def _like_frames(pieces: Pieces, frames: list[Frame]) -> Mask:
    """Tell which pieces are about as high and as wide as one of some frames, (n,)."""
    alike = np.zeros(pieces.n, np.bool_)
    for i in (frame.piece for frame in frames):
        is_as_high = np.abs(pieces.height - pieces.height[i]) <= SAME * pieces.height[i]
        alike |= is_as_high & (np.abs(pieces.width - pieces.width[i]) <= SAME * pieces.width[i])
    return alike


def find_pieces(ink: Ink, noise: float, least: float = 0.0) -> tuple[Pieces, Mask, list[str]]:
    """Find pieces of ink that is no faint line, and which of them are more than specks."""
    is_rough = noise > FAINTEST_INK / 3 and max(ink.shape) > SMOOTHED
    seen = _smoothed(ink, noise) if is_rough else ink
    floor = min(max(FAINTEST_INK, 3 * noise, least), LINE_CUTS[-2])
    pieces, keep = _dark_pieces(seen, floor)
    strong = _Strong.of(seen, pieces, keep) if noise > 0 else None
    has_lines = _has_lines(pieces, keep, strong)
    if strong is not None and strong.n_digits >= SEVERAL:  # paper may shine through beside some
        shining = keep & (pieces.sums(strong.far) > MOST_FAINT * pieces.sums(strong.ink))
        seen = np.where(pieces.mask(shining) & (seen < FAINT), np.float32(0), seen)
        pieces, keep = _dark_pieces(seen, floor)
    if (
        not has_lines
        or _spans(*_dark_pieces(seen, LINE_CUTS[-1]))  # the digit itself, or no faint line
        or _is_one_ink(ink, pieces, keep)
        or _are_around(seen, pieces, keep, is_photo=noise > 0)
    ):
        return pieces, keep, _left_out(pieces, keep, seen)
    cuts = [cut for cut in LINE_CUTS if cut > floor]
    while len(cuts) > 1 and _has_lines(*_dark_pieces(seen, cuts[0]), strong):
        cuts.pop(0)
    # Where lines just break up, pieces of them still cling to the digit.
    return *_dark_pieces(seen, cuts[:2][-1]), [LINES_IGNORED]


def _left_out(pieces: Pieces, keep: Mask, ink: Ink) -> list[str]:
    """Say what else there is: specks, and what is as high as a digit, but faint."""
    if keep.all():
        return []
    is_dark = pieces.peaks(ink) >= DARK
    is_high = pieces.height >= DIGIT_HEIGHT * usual_height(pieces, keep)
    notes = [SPECKS_IGNORED] if (is_dark & ~keep).any() else []
    return [*notes, FAINT_IGNORED] if (is_high & ~is_dark & ~pieces.at_border).any() else notes


def _smoothed(ink: Ink, noise: float) -> Ink:
    """Average noise over three pixels, and leave strokes that are no wider."""
    seen, clear = box_mean(ink, 3), ink > CLEAR * noise
    is_fine = clear.any() and median(seen[clear] / ink[clear]) < LEFT
    return np.where(clear, ink, seen) if is_fine else seen


def _are_around(ink: Ink, pieces: Pieces, keep: Mask, *, is_photo: bool) -> bool:
    """Return whether all lines are around the digit, and as dark as it may be."""
    inside = keep & ~lines_around(pieces, keep, is_page=True)
    if (inside == keep).all():
        return False
    ink = np.where(pieces.mask(inside), ink, np.float32(0))
    strong = _Strong.of(ink, pieces, inside) if is_photo else None
    return not _has_lines(pieces, inside, strong)


class _Strong(NamedTuple):
    """The strong ink of a photograph, by which lines are told that are fainter."""

    ink: Mask
    n_digits: int  # pieces as high as digits
    is_inside: bool  # they are a few, and none touches the border
    far: Mask  # faint ink that is no edge of it

    @classmethod
    def of(cls, ink: Ink, faint: Pieces, keep_faint: Mask) -> Self:
        """Find it, given what it is part of with all that is fainter."""
        pieces, keep = _dark_pieces(ink, STRONG)
        n_digits, strong = _count_digits(pieces, keep, faint, keep_faint), pieces.mask(keep)
        is_inside = n_digits < SEVERAL and not (keep & pieces.at_border).any()
        reach = 1 + round(FAINT_REACH * usual_height(pieces, keep))
        far = ~window_max(strong, reach) & (ink < FAINT)
        return cls(strong, n_digits, is_inside, far)


def _has_lines(pieces: Pieces, keep: Mask, strong: _Strong | None) -> bool:
    """Return whether pieces of ink hold faint lines too, by any of four signs."""
    if _spans(pieces, keep, LEAST_LINE):  # ruled from border to border
        return True
    if strong is None:
        return False
    if strong.is_inside and (keep & pieces.at_border).any():  # reaches in to a digit
        return True
    if (pieces.height[keep] >= DIGIT_HEIGHT * usual_height(pieces, keep)).sum() < strong.n_digits:
        return True  # joins digits
    shining = (pieces.mask(keep) & strong.far).sum()  # through the paper
    return bool(shining > MOST_FAINT * strong.ink.sum())


def _is_one_ink(ink: Ink, pieces: Pieces, keep: Mask) -> bool:
    """Return whether all ink is near the strongest, and too narrow to be a line that joins digits."""
    if pieces.width[keep].max() > HALF_WIDTH * pieces.height[keep].max():
        return False
    reach = 1 + round(FAINT_REACH * usual_height(pieces, keep))
    near = window_max(ink > LINE_CUTS[-1], reach)
    return not (pieces.mask(keep) & ~near).any()


def _count_digits(pieces: Pieces, keep: Mask, faint: Pieces, keep_faint: Mask) -> int:
    """Count pieces as high as digits; those that faint ink joins into no more than one are that one."""
    usual = usual_height(pieces, keep)
    runs = np.unique(pieces.piece, return_index=True)[1]
    runs = runs[keep & (pieces.height >= DIGIT_HEIGHT * usual)]
    first = np.zeros(pieces.shape, np.float32)  # a pixel of each
    first[pieces.row[runs], pieces.start[runs]] = 1
    is_one = keep_faint & ~faint.at_border & (faint.height < TOGETHER * usual)
    is_one &= faint.width < HALF_WIDTH * faint.height
    return len(runs) - int((faint.sums(first)[is_one] - 1).clip(0).sum())


def _spans(pieces: Pieces, keep: Mask, least: float = 0.0) -> bool:
    """Return whether ink reaches two opposite borders, as ruled lines do; so much of the way is ink."""
    height, width = pieces.shape
    if not (keep & pieces.at_border).any():  # mostly, and soon told
        return False
    keep = keep.copy()
    _drop_bars(pieces, keep)
    top, bottom, left, right = pieces.top, pieces.bottom, pieces.left, pieces.right
    for start, stop, low, high, along, length in (
        (top == 0, bottom == height, left, right, pieces.height, height),
        (left == 0, right == width, top, bottom, pieces.width, width),
    ):
        i, j = np.flatnonzero(keep & start), np.flatnonzero(keep & stop)
        apart = np.maximum(low[i, None], low[j]) - np.minimum(high[i, None], high[j])
        is_long = along[i, None] + along[j] > least * length
        if ((apart < STEEPEST_LINE * length) & is_long).any():
            return True
    return False


def _dark_pieces(ink: Ink, cut: float) -> tuple[Pieces, Mask]:
    """Find connected pieces of ink, and which of them are dark somewhere and no specks."""
    pieces = pieces_of(ink > cut)
    mass, is_dark = pieces.sums(ink), pieces.peaks(ink) >= DARK
    inner = mass[~pieces.at_border]  # beside what does not reach in
    most = (inner if inner.sum() > LEAST_INNER * mass.sum() else mass).max(initial=0)
    keep = (mass >= SPECK * most) & is_dark
    if not keep.any():
        raise NoDigitError(BLANK)
    return pieces, keep


def _drop_others(pieces: Pieces, keep: Mask, ink: Ink, *, is_photo: bool, is_page: bool) -> None:
    """Drop what is no digit's, kind by kind.

    Where no reason is given a step may come anywhere: no picture tried was cleared otherwise.
    """
    if np.count_nonzero(keep) == 1:  # something is only told from what it stands beside
        return
    # First: small blocks would count as digits beside what is at the border, or in rows as holes.
    _drop_bars(pieces, keep)
    keep &= ~lines_around(pieces, keep, is_page=is_page)
    _drop_scraps(pieces, keep)
    if is_photo or (keep & ~pieces.at_border).sum() >= SEVERAL:
        _drop_border(pieces, keep, ink)
    if is_page and keep.sum() < MAX_PIECES:
        _drop_binding(pieces, keep)
        if is_photo:  # last: beside a thumb or a table, strokes would be as thin as an edge
            _drop_edges(pieces, keep, ink)


def _drop_bars(pieces: Pieces, keep: Mask) -> None:
    """Drop lines below digits, buttons, and margin lines."""
    height, width = pieces.shape
    is_flat = pieces.width > BAR * pieces.height
    if (keep & ~is_flat).any():
        usual = usual_height(pieces, keep & ~is_flat)
        is_low = pieces.height < DIGIT_HEIGHT * usual
        keep &= ~(is_flat & is_low & (pieces.width > UNDERLINE * usual))
    short, long = np.sort([pieces.height, pieces.width], axis=0)
    is_button = (pieces.area > RECTANGLE * short * long) & (long < BAR * short)
    keep &= ~(is_button & (long < long[keep & ~is_button].max(initial=0)))
    inner = keep & ~pieces.at_border & (long > LEAST_INSIDE * min(height, width))
    if inner.any():
        is_thin = pieces.thickness < MARGIN_LINE * pieces.thickness[inner].min()
        keep &= ~(is_thin & (pieces.height > LINE_LENGTH * height))


def _drop_scraps(pieces: Pieces, keep: Mask) -> None:
    """Drop what is left along the border of a box that a digit was cut out of.

    In a picture that is cut at the ink of several digits, one of them is at the opposite border.
    """
    height, width = pieces.shape
    across = pieces.area < SCRAP * width * pieces.height, pieces.width < SCRAP_REACH * width
    down = pieces.area < SCRAP * height * pieces.width, pieces.height < SCRAP_REACH * height
    sides = (
        (pieces.left == 0, *across, pieces.right < width),
        (pieces.right == width, *across, pieces.left > 0),
        (pieces.top == 0, *down, pieces.bottom < height),
        (pieces.bottom == height, *down, pieces.top > 0),
    )
    scraps = [keep & at & is_thin & is_short for at, is_thin, is_short, _ in sides]
    inner = keep & ~np.logical_or.reduce(scraps)
    long = np.maximum(pieces.height, pieces.width)
    inner &= long > LEAST_INSIDE * min(height, width)
    if not inner.any() or inner.sum() >= SEVERAL:
        return
    is_thinner = pieces.thickness < MARGIN_LINE * pieces.thickness[inner].min()
    is_longer = long > SCRAP_LENGTH * long[inner].max()
    for scrap, (*_, is_apart) in zip(scraps, sides, strict=True):
        keep[scrap & (is_thinner | (is_longer & is_apart[inner].all()))] = False


def _drop_border(pieces: Pieces, keep: Mask, ink: Ink) -> None:
    """Drop what reaches in from the border of a photograph, unless it is a digit like the others."""
    outer = keep & pieces.at_border
    inner = keep & ~outer
    if inner.any():
        keep &= ~_are_corners(pieces)
        outer &= keep
    mass = pieces.sums(ink)
    if not outer.any() or mass[inner].sum() < LEAST_INNER * mass[keep].sum():
        return
    is_digit, is_larger = _digits_at_border(pieces, inner)
    dropped = outer & ~is_digit
    keep[dropped] = False
    _drop_rest(pieces, keep, dropped)
    inner &= keep
    if inner.any() and (outer & is_digit).any():
        _drop_thumbs(pieces, keep, inner, outer & is_digit, is_larger)


def _digits_at_border(pieces: Pieces, inner: Mask) -> tuple[Mask, Mask]:
    """Tell what may be a digit at the border by its size beside those inside, and what is larger."""
    usual = usual_height(pieces, inner)
    is_digit = (pieces.height > AT_BORDER[0] * usual) & (pieces.height < AT_BORDER[1] * usual)
    # A row of digits may be as high as its picture.
    is_inside = (pieces.left > 0) & (pieces.right < pieces.shape[1])
    is_wide = pieces.width > LEAST_FRAMED * pieces.height
    is_digit |= (pieces.height > FRAME_LENGTH * pieces.shape[0]) & (is_inside | is_wide)
    is_few = inner.sum() < SEVERAL  # of more it is known how large they are
    is_larger = is_few & ~is_digit & (pieces.height > usual)
    is_larger &= np.maximum(pieces.height, pieces.width) < LARGER * usual
    is_larger &= (pieces.top > 0) | (pieces.bottom < pieces.shape[0])
    return is_digit | is_larger, is_larger


def _drop_thumbs(pieces: Pieces, keep: Mask, inner: Mask, at_border: Mask, is_larger: Mask) -> None:
    """Drop what is too thick at the border for a digit beside those inside, or too thin for its size."""
    strokes, places = np.flatnonzero(inner)[:ENOUGH_STROKES], np.flatnonzero(at_border)
    widths, usual_widths = (
        np.array([largest_square(pieces.alone(i)) for i in each.tolist()])
        for each in (places, strokes)
    )
    ratios = widths / np.median(usual_widths)
    is_full = widths > FULL * np.minimum(pieces.height, pieces.width)[places]
    is_few = inner.sum() < SEVERAL
    larger = (pieces.height[places] / usual_height(pieces, inner)).clip(1) if is_few else 1
    is_thumb = ratios >= THICKER[is_full.astype(int)] * larger
    is_hair = is_larger[places] & (ratios < 1 / THICKER[1])
    keep[places[is_thumb | is_hair]] = False


def _drop_rest(pieces: Pieces, keep: Mask, dropped: Mask) -> None:
    """Drop what goes on where something as wide ends, as the spiral of a notebook may."""
    for start, stop, low, high in (
        (pieces.top, pieces.bottom, pieces.left, pieces.right),
        (pieces.left, pieces.right, pieces.top, pieces.bottom),
    ):
        width = high - low
        for i in np.flatnonzero(dropped & (stop - start > BAR * width)):
            is_alike = np.abs(width - width[i]) < REST * width[i]
            is_alike &= np.abs(low + high - low[i] - high[i]) < width[i]
            gap = np.maximum(start - stop[i], start[i] - stop)
            others = keep & ~(is_alike & (gap < width[i]))
            if others.any():  # a 1 may be broken, or a line lead to it
                keep[:] = others


def _drop_edges(pieces: Pieces, keep: Mask, ink: Ink) -> None:
    """Drop what is left of the edges of sheets and shadows: much thinner than strokes, or softer."""
    smooth = box_mean(ink, 3)
    down, across = (np.abs(smooth - np.roll(smooth, 1, axis)) for axis in (0, 1))
    for each in (pieces.thickness, pieces.peaks(np.maximum(down, across))):
        keep &= each > EDGE * quantile(each[keep], 0.75)


def _drop_binding(pieces: Pieces, keep: Mask) -> None:
    """Drop spirals, holes and perforations: many alike in a row."""
    sizes = np.stack([pieces.height, pieces.width, pieces.area])
    places = np.array([pieces.left + pieces.right, pieces.top + pieces.bottom]) / 2
    for (along, beside), size in ((places, pieces.height), (places[::-1], pieces.width)):
        for i in np.flatnonzero(keep):
            if not keep[i]:  # found to be of another's row
                continue
            is_alike = (np.abs(sizes - sizes[:, [i]]) <= 1 + SAME * sizes[:, [i]]).all(axis=0)
            is_in_line = np.abs(beside - beside[i]) < 1 + SLANTED * np.abs(along - along[i])
            row = np.flatnonzero(keep & is_alike & is_in_line)
            steps = np.diff(np.sort(along[row]))
            if len(row) >= MANY and median(np.abs(np.diff(steps))) < 1 + EVEN * median(steps):
                slope, start = np.polyfit(along[row], beside[row], 1)
                is_near = np.abs(beside - start - slope * along) < size[i] / 2
                if (keep & ~is_near).any():
                    keep &= ~is_near


def _are_corners(pieces: Pieces) -> Mask:
    """Tell what lies beyond the corners of a sheet, (n,): it lines two borders that meet."""
    height, width = pieces.shape
    at_top, at_left = pieces.top == 0, pieces.left == 0
    corners: Mask = (at_top != (pieces.bottom == height)) & (at_left != (pieces.right == width))
    for i in np.flatnonzero(corners).tolist():
        own = pieces.alone(i)[:: 1 if at_top[i] else -1, :: 1 if at_left[i] else -1]
        down, across = (int(FRAME_LENGTH * side) for side in own.shape)
        corners[i] = own[0, across:].any() and own[down:, 0].any()
    return corners


def _drop_frames(pieces: Pieces, keep: Mask, ink: Ink, frames: list[Frame]) -> Mask | None:
    """Keep what is inside frames, or else what stands beside them.

    Returns all but the digits, and but what else is inside, where one touches its frame.
    """
    is_frame = pieces.among([frame.piece for frame in frames])
    is_dark, framed = pieces.peaks(ink) >= DARK, np.zeros_like(keep)
    digits = np.zeros(pieces.shape, np.bool_)
    for frame in frames:
        inside = is_dark & ~is_frame & frame.contents
        if (keep & inside).any():
            framed |= inside
        if frame.digit is not None:
            digits[pieces.box(frame.piece)] |= frame.digit
    if digits.any():
        return pieces.mask(~framed) & ~digits
    short, long = np.sort([pieces.height, pieces.width], axis=0)
    if framed.any():
        keep[:] = framed
    elif (keep & ~is_frame & (long > LEAST_FRAMED * short[is_frame].max())).any():
        keep[is_frame] = False
    return None
