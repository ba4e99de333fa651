"""Where the digits of a picture are: on the sheet and inside the frame that it may show."""

import contextlib
import functools
import math
from typing import NamedTuple

import numpy as np

from mnistcli.arrays import Places
from mnistcli.conforming.background import (
    MIN_CONTRAST,
    WIDEST_OF_MANY,
    WIDEST_STROKE,
    find_ink,
    otsu_threshold,
)
from mnistcli.conforming.cards import drawn_on_cards
from mnistcli.conforming.clearing import (
    DESK_IGNORED,
    FRAME_CUT_OFF,
    RECTANGLE,
    find_pieces,
    groups_of,
)
from mnistcli.conforming.frames import MIN_FRAME
from mnistcli.conforming.grouping import Group, group_of, lines_of
from mnistcli.conforming.lines import FRAME_LENGTH
from mnistcli.conforming.operations import (
    Pieces,
    box_mean,
    enlarge,
    fill_holes,
    has_square,
    median,
    pad,
    pieces_of,
    quantile,
    rim_of,
    shrink,
    span,
    spread,
    window_max,
)
from mnistcli.conforming.strokes import half_level_box
from mnistcli.conforming.types import (
    BLANK,
    BOX,
    FAINTEST_INK,
    MIN_SIDE,
    SEVERAL_HINT,
    Box,
    Digit,
    Ink,
    Mask,
    NoDigitError,
)
from mnistcli.pictures import Grey

# Pictures are searched at this size, and large ones, in which a digit may be small, at the other.
SEARCH_SIDE, LARGE, LARGE_SIDE = 160, 640, 480
# A digit that is smaller than this is looked at again, where its picture has more pixels.
ENOUGH = 50
# Share of its longest side above which the largest square inside makes a shape a blot.
FILLED_SQUARE = 0.62
# One among digits is a digit if it is so high, for half of them.
FILLED_HEIGHT = np.array([0.75, 1.33])
# A sheet does not end in the picture where the table shows in corners only. That is darker than so
# much of the sheet, or that much lighter, and more than so much of the picture; paper at its edge
# is like all of it, but for this share of their difference; it has more than so much of the border;
# and the edge, where it is no steeper, is straight to so many pixels of 160, that of a sheet inside
# the picture for such a share, without a dent of such a share of its length; stairs have more edges
# so level.
TABLE_LEVEL, LEAST_TABLE, SOFTEST, LEAST_RIM = 0.6, 0.001, 0.5, 0.3
STEEP_EDGE, BENT, SMOOTH_SHARE, DENT, LEVEL_EDGE, MOST_LEVEL = 2, 2, 0.9, 0.05, 0.1, 2
# No digit of MNIST is wider for its height.
WIDEST_DIGIT = 2.5
# Only a 1 is so many times as high as wide, and a line more; of fewer pixels nothing can be told.
NARROW, LONGEST_ONE, LEAST_HIGH = 3, 40, 8
# Strokes that a column of one long stroke crosses, on average; digits have more.
ONE_STROKE = 1.1
CUT_OUT, ALL_INK = "sheet cut out", "so narrow that all is taken for the ink of a 1"
# A sheet of paper, turned by a few degrees, fills this share of its box, and most of it is empty.
SHEET_CORNERS, SHEET_EMPTY = 0.83, 0.92
# With any four corners it holds a square of so many pixels, and of this share of its length, and
# has so much of its box. Such a share of its edges is left out: a digit may reach near to them.
LEAST_SHEET, SHEET_SQUARE, SHEET_AREA, SHEET_EDGE = 40, 0.3, 0.4, 0.04
# Nor is what is in it the hole of a 0, which holds a square of more than this share of its length, and
# so much of it is no ink.
HOLE, SHEET_PAPER = 0.4, 0.75
# A line along the border of the picture is no wider than this share of it, and stands out so far.
RIM, RIM_CONTRAST = 0.06, 64


class Page(NamedTuple):
    """A picture, or a part of it, and the digits on it."""

    grey: Grey  # the part of the picture
    corner: tuple[int, int]  # where the part lies in the picture: its top and its left
    reduction: int  # each pixel of `picture` and `ink` is the mean of so many squared of `grey`
    picture: Ink
    ink: Ink
    pieces: Pieces
    lines: list[list[Group]]  # in reading order
    steps: tuple[str, ...]  # what was found and done


def find_page(grey: Grey, side: int = 0, *, has_room: bool = True) -> Page:
    """Find the digits of a picture, on the sheet and inside the frame that it may show.

    ``side`` is how many pixels a side to look at, 0 for as many as one digit needs. A picture that
    was smaller before it was enlarged has no room for a sheet or a frame. Raises NoDigitError where
    it is blank or is all ink.
    """
    try:
        return _find_page(grey, side, has_room=has_room)
    except NoDigitError:
        if not _is_cropped_one(grey):
            raise
    margin = max(MIN_SIDE, len(grey) // 4)
    stroke = np.pad(np.zeros_like(grey), margin, constant_values=255)
    page = _find_page(stroke, side, (-margin, -margin))
    return page._replace(steps=(ALL_INK,))


def _is_cropped_one(grey: Grey) -> bool:
    """Return whether a picture in which nothing stands out can only be the stroke of a 1.

    Nobody brings paper of two pixels' width; where it is wider, what is dark is ink.
    """
    height, width = grey.shape
    is_ink = width < MIN_SIDE or median(grey.astype(np.float32)) < 128
    return max(LEAST_HIGH, NARROW * width) <= height <= LONGEST_ONE * width and is_ink


def _find_page(
    grey: Grey, side: int, corner: tuple[int, int] = (0, 0), *, has_room: bool = True
) -> Page:
    """Find the digits of a picture, whose corner lies there in a larger one; see `find_page`."""
    depth = _rim_depth(grey) if has_room else 0
    grey = grey[depth : len(grey) - depth, depth : grey.shape[1] - depth]
    corner, steps = (corner[0] + depth, corner[1] + depth), (FRAME_CUT_OFF,) * (depth > 0)
    k = _reduction(grey, side)
    picture = shrink(grey, k)
    if has_room and (cleared := _without_table(grey, picture, k)) is not None:
        grey, picture, steps = cleared, shrink(cleared, k), (*steps, CUT_OUT)
    ink, noise, found = find_ink(picture, WIDEST_OF_MANY if side else WIDEST_STROKE)
    ink, pieces, groups, notes = groups_of(ink, noise, is_page=side > 0)
    first, *others = groups
    are_strokes = not others and not notes and 2 * first.area < first.height * first.width
    if has_room and not are_strokes and (drawn := drawn_on_cards(grey, picture, k)) is not None:
        page = _find_page(drawn, side, corner, has_room=False)
        return page._replace(steps=(*steps, DESK_IGNORED, *page.steps))
    if max(first.height, first.width) < MIN_SIDE:
        raise NoDigitError("is blank but for a speck")
    steps = (*([FRAME_CUT_OFF] if FRAME_CUT_OFF in notes else steps), *found, *notes)
    steps = tuple(dict.fromkeys(steps))
    lines = lines_of(_strokes_among(groups, pieces, ink))
    page = Page(grey, corner, k, picture, ink, pieces, lines, steps)
    return _on_its_sheet(page, groups, side)


def _reduction(grey: Grey, side: int) -> int:
    """Return how many pixels a side are made one; raise NoDigitError where they show no digit then."""
    if int(grey.max()) - int(grey.min()) < MIN_CONTRAST:
        raise NoDigitError("is blank: no ink")
    longest = max(grey.shape)
    k: int = -(-longest // (side or (SEARCH_SIDE if longest <= LARGE else LARGE_SIDE)))
    if min(grey.shape) < MIN_SIDE * k:
        raise NoDigitError("is a strip, too narrow for a digit", "leave a margin around a 1")
    return k


def _strokes_among(groups: list[Group], pieces: Pieces, ink: Ink) -> list[Group]:
    """Leave out filled shapes, but for a fat 0 or 8 whose holes are filled: as high as other digits."""
    shapes = [each for each in groups if _is_filled_shape(pieces, each, ink)]
    strokes = [each for each in groups if each not in shapes]
    if strokes and shapes:
        low, high = np.median([each.height for each in strokes]) * FILLED_HEIGHT
        strokes += [each for each in shapes if _is_round(pieces, each) and low < each.height < high]
    return strokes


def _on_its_sheet(page: Page, groups: list[Group], side: int) -> Page:
    """Look for digits on the one sheet that a page may show, or is; else return it as it is."""
    strokes = [group for line in page.lines for group in line]
    is_sheet = len(strokes) == 1 and _is_solid(page.pieces, strokes[0])  # or a 0 with corners
    if not strokes or (is_sheet and not side):
        largest = max(groups, key=lambda each: each.area)
        if (n := sum(2 * each.area > largest.area for each in groups)) > 1:
            hint = "make a picture of each" if side else SEVERAL_HINT
            raise NoDigitError(f"holds {n} sheets", hint)
    if not strokes:
        return _on_sheet(page, largest, side)
    if is_sheet:
        with contextlib.suppress(NoDigitError):
            sheet = _on_sheet(page, strokes[0], side)
            inner = [group for line in sheet.lines for group in line]
            if not all(_holds_square(_alone(sheet.pieces, each), HOLE) for each in inner):
                return sheet  # and no hole
    return page


def _without_table(grey: Grey, picture: Ink, k: int) -> Grey | None:
    """Paint over what a sheet lies on, where it shows in the corners of a picture; None where not.

    ``picture`` is reduced k times.
    """
    rim = rim_of(picture)
    k *= -(-max(picture.shape) // SEARCH_SIDE)
    if rim.min() > TABLE_LEVEL * rim.max() or min(grey.shape) < MIN_FRAME * k:
        return None
    small = shrink(grey, k)
    threshold, *_ = otsu_threshold(np.bincount(small.astype(np.intp).ravel(), minlength=256))
    for is_dark in (True, False):
        alike = (small <= threshold) == is_dark
        pieces = pieces_of(alike)
        in_corner = ((pieces.row == 0) | (pieces.row == len(small) - 1)) & (
            (pieces.start == 0) | (pieces.stop == small.shape[1])
        )
        table = pieces.pixels(pieces.piece[in_corner])
        if LEAST_TABLE < table.mean() < 0.5 and _ends_in_a_sheet(small, table):
            # At the border a table may be thinner than a pixel.
            table = window_max(table, 1) | ~pad(np.ones_like(table[1:-1, 1:-1]))
            paper = ~window_max(table | alike, 1)
            if not paper.any():
                return None
            painted = enlarge(spread(small, paper).astype(np.uint8), k, grey.shape)
            cleared = np.where(enlarge(table, k, grey.shape), painted, grey)
            return cleared if np.ptp(cleared) >= MIN_CONTRAST else None
    return None


def _ends_in_a_sheet(picture: Ink, table: Mask) -> bool:
    """Return whether a table differs from a sheet with ink, and ends at straight edges."""
    sheet = ~table
    if rim_of(sheet).mean() < LEAST_RIM or not all(
        _is_even(np.rot90(table, turn)) for turn in range(4)
    ):
        return False
    near_table, near_sheet = window_max(table, 3), window_max(sheet, 3)
    inner, outer = near_table & ~window_max(table, 1), table & near_sheet
    ink = np.abs(picture - box_mean(picture, 5))[~near_table]
    if ink.max(initial=0) < 2 * MIN_CONTRAST or not inner.any():
        return False
    paper = median(picture[inner])
    low, high = sorted((paper, median(picture[outer])))
    is_soft = abs(paper - median(picture[sheet])) > SOFTEST * (high - low)
    return low < TABLE_LEVEL * high and not is_soft


def _is_even(table: Mask) -> bool:
    """Return whether what lies along the upper border ends at straight lines, and has no dents."""
    from_below = (~table[::-1]).argmax(axis=0)
    n_between = table.sum(axis=0) - _depth(table) - from_below
    return bool(n_between.max() <= BENT) and _is_straight(table)


def _depth(table: Mask) -> Places:
    """Measure what lies along the upper border, in each column."""
    return np.where(table.all(axis=0), len(table), (~table).argmax(axis=0))


def _is_straight(table: Mask, share: float = 1.0) -> bool:
    """Return whether what lies along the upper border ends, for such a share, at straight lines."""
    depth = _depth(table)
    parts = np.diff(depth > 0) | (np.abs(np.diff(depth)) > STEEP_EDGE)
    n_level = 0
    for run in np.split(np.arange(len(depth)), np.flatnonzero(parts) + 1):
        if depth[run[0]] > 0 and len(run) > 2:
            slope, start = np.polyfit(run, depth[run], 1)
            n_level += int(abs(slope) < LEVEL_EDGE)
            bent = quantile(np.abs(depth[run] - start - slope * run), share)
            if bent > max(1, BENT / SEARCH_SIDE * len(depth)) or n_level > MOST_LEVEL:
                return False
    return True


def _is_dented(outside: Mask) -> bool:
    """Return whether what lies along the upper border reaches into a shape, as beside a 9's tail."""
    depth, n = _depth(outside), len(outside[0]) // 8
    chord = (depth[: -2 * n] + depth[2 * n :]) / 2
    return bool((depth[n:-n] > chord + DENT * len(depth)).any())


def _on_sheet(page: Page, sheet: Group, side: int) -> Page:
    """Look for digits on a filled shape, taken for a sheet; what is around it becomes paper."""
    grey, k, corner = page.grey, page.reduction, page.corner
    inside = pad(fill_holes(page.pieces.pixels(sheet.members)))
    inside = ~window_max(~inside, 2)[1:-1, 1:-1]
    if inside.any():
        paper = np.uint8(median(page.picture[inside]))
        grey = np.where(enlarge(inside, k, grey.shape), grey, paper)
    margin = max(1, SHEET_EDGE * min(sheet.height, sheet.width))  # less, so that this ends
    top, left = (int(k * (edge + margin)) for edge in (sheet.top, sheet.left))
    bottom, right = (int(np.ceil(k * (edge - margin))) for edge in (sheet.bottom, sheet.right))
    try:
        page = _find_page(grey[top:bottom, left:right], side, (corner[0] + top, corner[1] + left))
    except NoDigitError:
        raise NoDigitError("is all ink: one filled shape, no strokes") from None
    return page._replace(steps=(CUT_OUT, *page.steps))


def one_digit(page: Page, *, is_tiny: bool = False) -> Digit:
    """Return the one digit of a page, looked at again if it is small.

    Raises NoDigitError where there are several. A tiny picture has room for the strokes of one.
    """
    groups = [group for line in page.lines for group in line]
    n = sum(
        max(1, round(each.width / each.height / 0.9)) if _are_touching(page, each) else 1
        for each in groups
    )
    if n > 1 and not is_tiny:
        raise NoDigitError(f"holds {n} digits", SEVERAL_HINT)
    group = functools.reduce(Group.joined, groups)
    longest = max(group.height, group.width)
    if page.reduction > 1 and (longest < ENOUGH or max(page.grey.shape) > LARGE):
        page, group = _closer(page, group)
    return digit_of(page, page.pieces.pixels(group.members))[0]


def _are_touching(page: Page, group: Group) -> bool:
    """Tell several digits that touch from one, and from a stroke from left to right."""
    if group.width <= WIDEST_DIGIT * group.height:
        return False
    mask = page.pieces.pixels(group.members)
    n_crossed = mask[0].sum() + (mask[1:] & ~mask[:-1]).sum()
    return bool(n_crossed > ONE_STROKE * group.width)


def surroundings(page: Page, group: Group) -> tuple[Page, Group]:
    """Return the part of a page that a digit is cut out of: of hundreds, each needs its own only."""
    margin = 2 * max(1, round(max(group.height, group.width) / BOX))
    rows, columns = _around(group, margin, page.ink.shape)
    pieces = pieces_of(page.pieces.pixels(group.members, (rows, columns)))
    k, (top, left) = page.reduction, page.corner
    corner = top + k * rows.start, left + k * columns.start
    page = page._replace(corner=corner, ink=page.ink[rows, columns], pieces=pieces)
    return page, group_of(pieces, np.arange(pieces.n))


def _around(group: Group, margin: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    rows = slice(max(0, group.top - margin), min(shape[0], group.bottom + margin))
    return rows, slice(max(0, group.left - margin), min(shape[1], group.right + margin))


def digit_of(page: Page, strokes: Mask) -> tuple[Digit, Box]:
    """Cut strokes out of their page; return where they lay, too."""
    down, across = span(strokes, 0), span(strokes, 1)
    pixel = max(down.stop - down.start, across.stop - across.start) / BOX
    reach = max(1, round(pixel))
    # All that follows happens in the surroundings.
    top, left = max(0, down.start - 2 * reach), max(0, across.start - 2 * reach)
    near = np.s_[top : down.stop + 2 * reach, left : across.stop + 2 * reach]
    zone = window_max(strokes[near], reach)
    ink = page.ink[near]
    inked = np.where(strokes[near], ink, np.float32(0))
    if inked.max() <= FAINTEST_INK:
        raise NoDigitError(BLANK)
    ink = np.where(zone, ink, np.float32(0))
    box = half_level_box(inked, pixel)
    found = box.moved(1, top, left).moved(page.reduction, *page.corner)
    return Digit(ink, box, page.steps), found


def _closer(page: Page, group: Group) -> tuple[Page, Group]:
    """Look at a digit with as many pixels as it needs, and as there are."""
    k = page.reduction
    margin = 0.25 * max(group.height, group.width)
    top, left = (max(0, int(k * (edge - margin))) for edge in (group.top, group.left))
    bottom, right = (int(np.ceil(k * (edge + margin))) for edge in (group.bottom, group.right))
    grey = page.grey[top:bottom, left:right]
    reduction = -(-max(grey.shape) // SEARCH_SIDE)
    picture = shrink(grey, reduction)
    ink, noise, steps = find_ink(picture)
    at = zip(picture.shape, (top, left), page.ink.shape, strict=True)
    before = np.ix_(
        *(((np.arange(n) * reduction + start) // k).clip(0, end - 1) for n, start, end in at)
    )
    ink[page.ink[before] == 0] = 0  # lines that the digit touches were taken off
    pieces, keep, _ = find_pieces(ink, noise)
    # The same strokes as before, and not what else the margin holds.
    known = window_max(page.pieces.pixels(group.members), 1)
    keep &= pieces.sums(known[before]) > 0.5 * pieces.area
    if not keep.any():
        return page, group
    group = group_of(pieces, np.flatnonzero(keep))
    first = [note for note in page.steps if "cut" in note]
    last = [note for note in page.steps if "ignored" in note]
    corner = page.corner[0] + top, page.corner[1] + left
    found = tuple(dict.fromkeys([*first, *steps, *last]))
    return Page(grey, corner, reduction, picture, ink, pieces, [[group]], found), group


def _is_filled_shape(pieces: Pieces, group: Group, ink: Ink) -> bool:
    """Return whether this is a blot, or a sheet of paper with a digit on it, and no strokes.

    In MNIST no stroke holds a square of more than 0.56 of the digit's longest side. A fat 0 or 8
    does once its holes are filled, but it is round, and a sheet fills the corners of its box.
    """
    longest, whole = max(group.height, group.width), group.height * group.width
    if group.area < min(FILLED_SQUARE**2 * longest**2, SHEET_EMPTY * SHEET_CORNERS * whole):
        return False
    mask, ink = _alone(pieces, group), ink[_around(group, 0, pieces.shape)]
    if _holds_square(mask, FILLED_SQUARE):
        return True
    filled = fill_holes(mask)
    is_sheet = filled.sum() > SHEET_CORNERS * whole
    is_sheet &= (mask & (ink > 0.2)).sum() > SHEET_EMPTY * filled.sum()
    return bool(is_sheet) and _holds_square(filled, FILLED_SQUARE)


def _holds_square(mask: Mask, share: float) -> bool:
    """Return whether there is a square of ink larger than a share of a mask's longer side."""
    return has_square(mask, int(share * max(mask.shape)) + 1)


def _is_round(pieces: Pieces, group: Group) -> bool:
    """Return whether a blot away from the border is round, and no wider than high."""
    is_inside = not pieces.at_border[[*group.members]].any()
    is_round = group.area < SHEET_CORNERS * group.height * group.width
    return is_inside and is_round and group.width <= group.height


def _alone(pieces: Pieces, group: Group) -> Mask:
    return pieces.pixels(group.members, _around(group, 0, pieces.shape))


def _is_solid(pieces: Pieces, group: Group) -> bool:
    """Return whether a shape, its holes filled, has four straight sides, and is hardly hollow."""
    if group.area < SHEET_AREA * group.height * group.width:
        return False
    filled = _alone(pieces, group)
    if pieces.has_hole[[*group.members]].any():
        filled = fill_holes(filled)
    if group.area < SHEET_PAPER * filled.sum() or not has_square(filled, LEAST_SHEET):
        return False
    if filled.sum() > RECTANGLE * group.height * group.width:
        return True  # however long, and its edges rough
    if not has_square(filled, math.ceil(SHEET_SQUARE * max(filled.shape))):
        return False
    k = -(-max(group.height, group.width) // SEARCH_SIDE)
    outside = shrink(filled.astype(np.uint8), k) < 0.5  # closer, no edge is straight
    sides = [np.rot90(outside, turn) for turn in range(4)]
    return all(_is_straight(side, SMOOTH_SHARE) and not _is_dented(side) for side in sides)


def _rim_depth(grey: Grey) -> int:
    """Measure a line along all four sides of a picture, whose level would pass for paper."""
    if min(grey.shape) < MIN_FRAME:
        return 0
    deepest = max(2, round(RIM * min(grey.shape)))
    rings = [_ring(grey, depth) for depth in (0, deepest)]
    line, paper = map(median, rings)
    shares = (np.mean(np.abs(each - median(each)) < RIM_CONTRAST / 2) for each in rings)
    if abs(line - paper) < RIM_CONTRAST or min(shares) < FRAME_LENGTH:
        return 0
    depth: int = deepest
    while abs(median(_ring(grey, depth - 1)) - paper) < RIM_CONTRAST / 2:
        depth -= 1
    return depth


def _ring(grey: Grey, depth: int) -> Ink:
    """Return the pixels at a depth from the border."""
    return rim_of(grey[depth : len(grey) - depth, depth : grey.shape[1] - depth]).astype(np.float32)
