"""Which pieces of ink make up a digit, which digits a line, and where to cut those that touch."""

from typing import NamedTuple, TypeVar

import numpy as np

from mnistcli.arrays import Places
from mnistcli.conforming.operations import Pieces, pieces_of, shrink, span, window_max
from mnistcli.conforming.types import Box, Ink, Mask, NoDigitError

# In heights of a usual digit: pieces closer than this belong together, and small ones
# to a digit this far away.
REACH, SMALL_REACH = 0.12, 0.25
# What is lower is no digit of its own: a bar, a dash, a point.
DIGIT_HEIGHT = 0.35
# Light and low beside another one, and no wider together than a share of the height: the other half
# of a 4, or the scanner's line beside a 1; this close among others, and alone in a picture. What is
# lower than LEAST_HALF of it is a smaller digit.
HALF_AREA, HALF_HEIGHT, HALF_BESIDE, HALF_WIDTH, HALF_REACH = 0.4, 0.8, 0.6, 1.3, (0.16, 0.27)
LEAST_HALF = 0.5
# One above the other, this close, and no higher together: a 5 and its bar. Two alone in a picture
# are a broken 1, or a 5, where they are not as wide, for their height, as two digits.
STACK_REACH, STACK_HEIGHT, STACKED_PAIR = 0.3, 1.35, (0.25, 0.6)
# Two pieces whose heights are so alike are two digits rather than the halves of a broken one.
ALIKE = 0.8
# The steepest line of digits, and by how much a digit reaches into the line above or below.
STEEPEST, OVERLAP = 0.25, 0.25
# So many make a page, on which digits are about as high as each other.
SEVERAL = 4
# Each is compared with each.
MAX_PIECES = 1200
# Not many digits that touch are wider for their height where one is above the other.
WIDEST_STACK = 0.85
# Ways are looked for with so many pixels from top to bottom; a step aside costs as much as so much
# ink.
WAY_HEIGHT, ASIDE = 48, 0.2
# Between them is at least so much ink, for a square of that height. They cost less than so much of
# it.
CUT_SPACING, STACK_SPACING, CUT_LEVEL = 0.025, 0.05, 0.7
# No more digits touch than so many ways part: a dash may be cut anywhere.
MOST_WAYS = 40


class Group(NamedTuple):
    """Pieces of ink that make up a digit: their box, in pixels of the page, and which they are."""

    top: int
    bottom: int
    left: int
    right: int
    area: int
    members: tuple[int, ...]

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.right - self.left

    def joined(self, other: "Group") -> "Group":
        """Return both together."""
        top, bottom = min(self.top, other.top), max(self.bottom, other.bottom)
        left, right = min(self.left, other.left), max(self.right, other.right)
        return Group(top, bottom, left, right, self.area + other.area, self.members + other.members)


_G = TypeVar("_G", Group, Box)


def usual_height(pieces: Pieces, keep: Mask) -> float:
    """Return the height that half of the ink reaches or exceeds."""
    order = np.argsort(pieces.height[keep])
    area = pieces.area[keep][order].cumsum()
    return float(pieces.height[keep][order][np.searchsorted(area, area[-1] / 2)])


def group_of(pieces: Pieces, members: Places) -> Group:
    """Return some pieces as a group."""
    top, bottom = int(pieces.top[members].min()), int(pieces.bottom[members].max())
    left, right = int(pieces.left[members].min()), int(pieces.right[members].max())
    area = int(pieces.area[members].sum())
    return Group(top, bottom, left, right, area, tuple(members.tolist()))


def group_pieces(pieces: Pieces, keep: Mask) -> tuple[list[Group], int]:
    """Join pieces that are close or lie as the parts of a digit do; count those that are none."""
    n = int(keep.sum())
    if n == 1:
        return [group_of(pieces, np.flatnonzero(keep))], 0
    if n > MAX_PIECES:
        raise NoDigitError(f"holds {n:,} pieces of ink, too many to be digits", "cut it into pages")
    usual = usual_height(pieces, keep)
    close = _join_close(pieces, keep, max(1, round(REACH / 2 * usual)))
    groups, heights = close, pieces.height[keep]
    # So many pieces that high are digits, however close.
    n_high = max(len(close), (heights > DIGIT_HEIGHT * usual).sum() // 2)
    if n_high >= SEVERAL or (n == 2 and heights.min() > ALIKE * heights.max()):
        groups = []
        for each in close:
            is_wide = n == 2 and each.width > HALF_WIDTH * each.height
            if is_wide or each.height > STACK_HEIGHT * usual:  # close, in one line or two
                groups += [group_of(pieces, np.array([i])) for i in each.members]
            else:
                groups.append(each)
    small = [each for each in groups if each.height < DIGIT_HEIGHT * usual]
    large = _join_parts([each for each in groups if each.height >= DIGIT_HEIGHT * usual], usual)
    n_dropped = 0
    for each in sorted(small, key=lambda group: -group.area):
        far = [gap(each, other) for other in large]
        nearest = int(np.argmin([max(gap) for gap in far]))
        across, down = far[nearest]
        both = large[nearest].joined(each)
        is_wide = both.width > HALF_WIDTH * max(large[nearest].height, large[nearest].width)
        if max(across, down) < SMALL_REACH * usual and across <= 0 and not is_wide:
            large[nearest] = both
        else:
            n_dropped += 1
    return large, n_dropped


def gap(a: _G, b: _G) -> tuple[float, float]:
    """Return how far apart two groups are across and down; negative where they overlap."""
    across = max(a.left, b.left) - min(a.right, b.right)
    return across, max(a.top, b.top) - min(a.bottom, b.bottom)


def _join_close(pieces: Pieces, keep: Mask, reach: int) -> list[Group]:
    near = pieces_of(window_max(pieces.mask(keep), reach))
    first = np.unique(pieces.piece, return_index=True)[1]  # a run of each piece
    row, column = pieces.row[first], pieces.start[first]
    # Which run of `near` each of these lies in.
    width = pieces.shape[1]
    at = np.searchsorted(near.row * width + near.start, row * width + column, side="right") - 1
    of = near.piece[at]
    return [group_of(pieces, np.flatnonzero(keep & (of == i))) for i in range(near.n)]


def _join_parts(groups: list[Group], usual: float) -> list[Group]:
    """Join groups of pieces that are one digit whose strokes are broken."""
    groups = sorted(groups, key=lambda group: group.area)
    edges = np.array([group[:4] for group in groups])  # top, bottom, left and right
    reach = max(STACK_REACH, *HALF_REACH) * usual
    done: list[Group] = []
    for k in range(len(groups)):
        is_pair = len(done) + len(groups) - k == 2
        # Of thousands only those are worth a look that are close.
        here, later = edges[k], edges[k + 1 :]
        apart = np.maximum(here[::2], later[:, ::2]) - np.minimum(here[1::2], later[:, 1::2])
        for i in ((apart < reach).all(axis=1) | is_pair).nonzero()[0] + k + 1:
            if _are_parts(groups[k], groups[i], usual, is_pair=is_pair):
                groups[i] = groups[k].joined(groups[i])
                edges[i] = groups[i][:4]
                break
        else:
            done.append(groups[k])
    return done


def _are_parts(light: Group, heavy: Group, usual: float, *, is_pair: bool) -> bool:
    across, down = gap(light, heavy)
    both = light.joined(heavy)
    if both.width > HALF_WIDTH * both.height:  # a toolbar, and what is drawn below it
        return False
    if -2 * across >= min(light.width, heavy.width):
        narrow, wide = STACKED_PAIR
        if is_pair and not narrow * both.height <= both.width <= wide * both.height:
            return True
        highest = max(usual, heavy.height, light.height)
        return down < STACK_REACH * usual and both.height <= STACK_HEIGHT * highest
    return (
        across < HALF_REACH[is_pair] * usual
        and light.area < HALF_AREA * heavy.area
        and LEAST_HALF * heavy.height < light.height < HALF_HEIGHT * heavy.height
        and -down > light.height * HALF_BESIDE
    )


def lines_of(groups: list[_G]) -> list[list[_G]]:
    """Sort digits into lines, which may all be slanted alike, and each from left to right."""
    slopes = np.linspace(-STEEPEST, STEEPEST, 41).tolist() if len(groups) > 2 else [0.0]
    best, least = list[list[_G]](), np.inf
    for slope in sorted(slopes, key=abs):
        lines, covered = _level_lines(groups, slope)
        if covered < least * 0.98:
            best, least = lines, covered
    lines = list[list[_G]]()
    for line in (sorted(line, key=lambda group: group.left + group.right) for line in best):
        if lines and _goes_on(lines[-1], line):
            lines[-1] += line
        elif lines and _goes_on(line, lines[-1]):
            lines[-1] = line + lines[-1]
        else:
            lines.append(line)
    return lines


def _goes_on(line: list[_G], rest: list[_G]) -> bool:
    """Return whether a line goes on, a step further up or down, where another one begins."""
    is_left = max(each.right for each in line) < min(each.left for each in rest)
    across, down = gap(line[-1], rest[0])
    return is_left and down < 0 and across < min(line[-1].height, rest[0].height)


def _level_lines(groups: list[_G], slope: float) -> tuple[list[list[_G]], float]:
    """Sort digits into the lines that they cover at a slope; return how high these are together."""
    spans = []
    for each in groups:
        drop = slope * (each.left + each.right) / 2
        inset = OVERLAP * each.height
        spans.append((each.top - drop + inset, each.bottom - drop - inset))
    lines: list[list[_G]] = []
    covered, last = 0.0, -np.inf
    for i in sorted(range(len(groups)), key=lambda i: spans[i][0]):
        top, bottom = spans[i]
        if top >= last:
            lines.append([])
            covered, last = covered + bottom - top, bottom
        else:
            covered, last = covered + max(0.0, bottom - last), max(last, bottom)
        lines[-1].append(groups[i])
    return lines, covered


# --- what touches ---------------------------------------------------------------------------------


def strokes_of(pieces: Pieces, group: Group) -> list[Mask]:
    """Take a group that may be several touching digits apart, from left to right.

    What is apart, and what can be cut along a way with little ink, may be a digit or a part of one.
    """
    parts: list[Group] = []
    for i in sorted(group.members, key=lambda i: pieces.left[i] + pieces.right[i]):
        piece = group_of(pieces, np.array([i]))
        before = [each for each in parts if -2 * gap(each, piece)[0] > min(each.width, piece.width)]
        parts = [each for each in parts if each not in before]
        for each in before:
            piece = each.joined(piece)
        parts.append(piece)
    least = group.height // 2  # a flat stroke beside the rest is no row of low digits
    return [
        cut
        for part in parts
        for cut in _cut(pieces.pixels(part.members), max(part.height, least), CUT_SPACING)
    ]


def halves_of(pieces: Pieces, group: Group) -> list[tuple[Mask, Mask]]:
    """Cut a group that may be two touching digits, one above the other, in all likely ways."""
    if group.width > WIDEST_STACK * group.height:
        return []
    mask = pieces.pixels(group.members).T
    parts = [part.T for part in _cut(mask, max(group.width, group.height // 2), STACK_SPACING)]
    union = np.logical_or.reduce
    return [(union(parts[:i]), union(parts[i:])) for i in range(1, len(parts))]


def _cut(mask: Mask, size: int, spacing: float) -> list[Mask]:
    """Cut ink, from left to right, along the ways with the least of it, each the best one nearby.

    The size is how many pixels high a digit may be.
    """
    rows, columns = span(mask, 0), span(mask, 1)
    inside = mask[rows, columns]
    k = -(-size // WAY_HEIGHT)
    size = -(-size // k)
    ink = shrink(inside.astype(np.uint8), k)
    ways, costs = _ways(ink)
    before = np.take_along_axis(ink.cumsum(axis=1) - ink, ways, axis=1).sum(axis=0).tolist()
    chosen, taken = list[int](), [0.0, float(ink.sum())]
    for at in np.argsort(costs, kind="stable").tolist():
        if costs[at] > CUT_LEVEL * size or len(chosen) == MOST_WAYS:
            break
        if min([abs(before[at] - each) for each in taken]) >= spacing * size**2:
            chosen.append(at)
            taken.append(before[at])
    edges = (ways[:, chosen] * k).repeat(k, axis=0)[: len(inside)]
    number = np.zeros(mask.shape, np.intp)
    number[rows, columns] = (edges[:, None] <= np.arange(inside.shape[1])[:, None]).sum(axis=2)
    return [mask & (number == i) for i in np.unique(number[mask])]


def _ways(ink: Ink) -> tuple[Places, Ink]:
    """Find the way from top to bottom with least ink through each pixel of the middle row.

    Returns its column in each row, (height, width), and what it costs. From row to row a way may go
    a pixel aside.
    """
    height, width = ink.shape
    middle = height // 2
    ways = np.empty((height, width), np.intp)
    costs = np.zeros(width, np.float32)
    for rows in (range(middle + 1), range(height - 1, middle - 1, -1)):
        steps = []
        cost, asides = np.zeros(width, np.float32), np.array([0, -1, 1])
        options = np.full((3, width), np.inf, np.float32)
        for y in rows:
            options[0], options[1, 1:], options[2, :-1] = cost, cost[:-1] + ASIDE, cost[1:] + ASIDE
            steps.append(asides[options.argmin(axis=0)])
            cost = options.min(axis=0) + ink[y]
        costs += cost
        at = np.arange(width)
        for y, step in zip(reversed(rows), reversed(steps), strict=True):
            ways[y] = at
            at = at + step[at]
    return ways, costs - ink[middle]
