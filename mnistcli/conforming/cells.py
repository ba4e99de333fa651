"""Which ink is straight lines around all else, as of the cell of a form that a digit is cut out of."""

import numpy as np

from mnistcli.conforming.grouping import usual_height
from mnistcli.conforming.lines import BAR, FRAME_LENGTH, LEAST_FRAMED
from mnistcli.conforming.operations import Pieces, pad, pieces_of, window_max
from mnistcli.conforming.types import Mask

# A line leans by no more than such a share of its length, which is so many times its thickness.
STEEPEST, SLENDER = 0.08, 3
# What else there may be of lines that meet, as a share of their ink.
REST = 0.1
# A grid fills no more of its box, and is so many times as wide as what is in it is high; lines down
# from it are so alike in height, and their distances differ by such a share.
MOST_FILLED, WIDER, ALIKE, EVEN = 0.4, 2, 0.75, 0.1
# Shorter pieces, as a share of the picture, are not looked at.
LEAST_LONG = 0.25
# One line alone goes through so much of the picture, and all else, which is away from the border, is
# so much lower: it could be a 1.
ALONE, LOWER = 0.8, 0.8


def lines_around(pieces: Pieces, keep: Mask, *, is_page: bool) -> Mask:
    """Tell which pieces are straight lines, with all else on one side or in one angle of them, (n,).

    They lead from border to border or, but for a page, are the upright corner of a box.
    """
    height, width = pieces.shape
    # Where a sheet is cut out the outermost pixels are painted over.
    n_borders = (pieces.top <= 1).astype(np.intp) + (pieces.left <= 1)
    n_borders += (pieces.bottom >= height - 1).astype(np.intp) + (pieces.right >= width - 1)
    share = np.maximum(pieces.height / height, pieces.width / width)
    is_seen, found = n_borders > 1 if is_page else keep, dict[int, tuple[int, int]]()
    for i in np.flatnonzero(keep & is_seen & (share > LEAST_LONG)).tolist():
        own, steepest = pieces.alone(i), STEEPEST if n_borders[i] > 1 else 0.0
        (level, n_level), (upright, n_upright) = (_level_lines(a, steepest) for a in (own, own.T))
        if steepest:  # lines that meet, or one alone
            are_lines = n_level * n_upright > 0 or (n_level + n_upright == 1 and share[i] > ALONE)
        else:
            are_lines = n_level == n_upright == 1
        is_rest = own & ~window_max(level | upright.T, int(steepest > 0))  # where edges are uneven
        if are_lines and is_rest.sum() <= REST * own.sum():
            found[i] = n_level, n_upright
    lines = pieces.among([*found])
    others = keep & ~lines
    inner = others & (n_borders == 0)
    if not (found and others.any()):
        return np.zeros_like(keep)
    is_lower = np.ptp([pieces.top[others].min(), pieces.bottom[others].max()]) < LOWER * height
    others = inner if inner.any() else others
    top, bottom = pieces.top[others].min(), pieces.bottom[others].max()
    left, right = pieces.left[others].min(), pieces.right[others].max()
    for i, (n_level, n_upright) in found.items():
        apart = 1
        if n_borders[i] < 2:  # parts of the digits of a display are near to each other
            apart += int(pieces.area[i] / (pieces.width[i] + pieces.height[i]))
        room = np.s_[max(0, top - apart) : bottom + apart, max(0, left - apart) : right + apart]
        if n_level + n_upright == 1:
            lines[i] = inner.any() and (n_level or is_lower)
        else:
            lines[i] = pieces.top[i] < bottom and top < pieces.bottom[i]
            lines[i] &= pieces.left[i] < right and left < pieces.right[i]
        lines[i] &= not pieces.pixels([i])[room].any()
    return lines


def grids(pieces: Pieces, keep: Mask) -> Mask:
    """Tell which pieces are the lines of a table or a comb with ink in it, which touches none, (n,)."""
    are_grids = np.zeros_like(keep)
    is_hollow = pieces.area < MOST_FILLED * pieces.height * pieces.width
    for i in np.flatnonzero(keep & is_hollow).tolist():
        inside = keep & (pieces.left > pieces.left[i]) & (pieces.right < pieces.right[i])
        inside &= (pieces.top < pieces.bottom[i]) & (pieces.bottom > pieces.top[i])
        if inside.any() and pieces.width[i] > WIDER * usual_height(pieces, inside):
            are_grids[i] = _is_grid(pieces.alone(i))
    return are_grids


def _is_grid(own: Mask) -> bool:
    """Return whether ink is lines across, and three or more from them, as high and as far apart.

    Digits that stand on a line are neither.
    """
    level, n_level = _level_lines(own, STEEPEST)
    parts = pieces_of(own & ~window_max(level, 1))
    if n_level == 0 or parts.n < 3:
        return False
    high = parts.height.max()
    is_upright = (SLENDER * parts.width <= parts.height) & (parts.height > ALIKE * high)
    steps = np.diff(np.sort(parts.left[is_upright] + parts.right[is_upright]))
    if len(steps) < 2 or (parts.height[~is_upright] > LEAST_FRAMED * high).any():
        return False
    usual = np.median(steps)
    return bool((np.abs(steps - usual) < EVEN * usual).all())


def _level_lines(own: Mask, steepest: float) -> tuple[Mask, int]:
    """Find thin straight lines from side to side of a box, which lean alike, and count them."""
    height, width = own.shape
    if BAR * width < height:
        return np.zeros_like(own), 0
    most = round(steepest * width)
    n_rows = height + 2 * most + 1
    y, x = own.nonzero()
    start, is_line, most_ink = np.zeros(width, np.intp), np.zeros(n_rows, np.bool_), 0
    for lean in sorted(range(-2 * most, 2 * most + 1), key=abs):  # what leans more is seen to
        # Rows that lean start beyond the box, and have room in it for so much ink.
        starts = np.rint(lean * np.linspace(-0.5, 0.5, width)).astype(np.intp) - most
        ink = np.bincount(y - starts[x], minlength=n_rows)
        room = np.bincount(-starts, minlength=n_rows)
        room -= np.bincount(height - starts, minlength=n_rows)
        is_inked = ink > FRAME_LENGTH * room.cumsum().clip(width / 4)
        n_inked = ink[window_max(is_inked[None], 1)[0]].sum()  # edges are uneven
        if n_inked > most_ink:
            most_ink, start, is_line = n_inked, starts, is_inked & (abs(lean) <= most)
    edges = np.flatnonzero(np.diff(pad(is_line[None])[1].view(np.int8))).reshape(-1, 2)
    is_thin = SLENDER * (edges[:, 1] - edges[:, 0]) < width
    for first, last in edges[~is_thin].tolist():
        is_line[first:last] = False
    return own & is_line[np.arange(height)[:, None] - start], int(is_thin.sum())
