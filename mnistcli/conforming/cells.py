"""Which ink is straight lines around all else, as of the cell of a form that a digit is cut out of."""

from typing import NamedTuple

import numpy as np

from mnistcli.arrays import Places
from mnistcli.conforming.grouping import usual_height
from mnistcli.conforming.lines import BAR, FRAME_LENGTH, LEAST_FRAMED
from mnistcli.conforming.operations import Pieces, pad, pieces_of, window_max
from mnistcli.conforming.types import Mask

# A line leans by no more than such a share of its length, which is so many times its thickness, and
# it is seen if the box has room for such a share of it: the border may cut it off.
STEEPEST, SLENDER, LEAST_SEEN = 0.08, 3, 1 / 4
# What else there may be of a piece of lines, as a share of its ink.
REST = 0.1
# Shorter pieces, as a share of the picture, are not looked at.
LEAST_LONG = 0.25
# One line alone leads through so much of the picture; down, beside ink that is so much lower, or it
# could be a 1.
ALONE, LOWER = 0.8, 0.8
# A grid fills no more of its box, and is so many times as wide as what is in it is high; lines down
# from it are so alike in height, and their distances differ by no more than such a share.
MOST_FILLED, WIDER, ALIKE, EVEN = 0.4, 2, 0.75, 0.1


class _LineCounts(NamedTuple):
    """How many straight lines lead across the box of a piece of ink, and how many down."""

    n_across: int
    n_down: int

    @property
    def is_one(self) -> bool:
        """Whether it is a line alone; several of one piece meet."""
        return self.n_across + self.n_down == 1


def lines_around(pieces: Pieces, keep: Mask, *, is_page: bool) -> Mask:
    """Tell which pieces are straight lines around all that is inside the picture, (n,).

    That lies on one side of a line, or in one angle of several. They lead from border to border;
    where this is no page they may be an upright corner of a box, too.
    """
    n_borders = _n_borders(pieces)
    found = _lines_in(pieces, keep, n_borders, is_page=is_page)
    are_lines = pieces.among([*found])
    others = keep & ~are_lines
    if not (found and others.any()):
        return np.zeros_like(keep)
    is_lower = np.ptp(_box_of(pieces, others)[:2]) < LOWER * pieces.shape[0]
    inner = others & (n_borders == 0)
    top, bottom, left, right = _box_of(pieces, inner if inner.any() else others)
    for i, lines in found.items():
        if lines.is_one:
            is_around = inner.any() and (lines.n_across == 1 or is_lower)
        else:
            is_beside = pieces.top[i] < bottom and top < pieces.bottom[i]
            is_around = is_beside and pieces.left[i] < right and left < pieces.right[i]
        apart = 1
        if n_borders[i] < 2:  # parts of the digits of a display are near to each other
            apart += int(pieces.area[i] / (pieces.width[i] + pieces.height[i]))
        room = np.s_[max(0, top - apart) : bottom + apart, max(0, left - apart) : right + apart]
        are_lines[i] = is_around and not pieces.pixels([i])[room].any()
    return are_lines


def _n_borders(pieces: Pieces) -> Places:
    """Count the borders of the picture that each piece reaches, but for a pixel, (n,).

    Where a sheet is cut out the outermost pixels are painted over.
    """
    height, width = pieces.shape
    n_borders: Places = (pieces.top <= 1).astype(np.intp) + (pieces.left <= 1)
    return n_borders + (pieces.bottom >= height - 1) + (pieces.right >= width - 1)


def _box_of(pieces: Pieces, members: Mask) -> tuple[int, int, int, int]:
    """Return the top, bottom, left and right of some pieces together."""
    top, left = pieces.top[members].min(), pieces.left[members].min()
    return int(top), int(pieces.bottom[members].max()), int(left), int(pieces.right[members].max())


def _lines_in(
    pieces: Pieces, keep: Mask, n_borders: Places, *, is_page: bool
) -> dict[int, _LineCounts]:
    """Find the pieces that are nothing but lines from border to border, or corners; see `lines_around`."""
    height, width = pieces.shape
    share = np.maximum(pieces.height / height, pieces.width / width)
    found = dict[int, _LineCounts]()
    for i in np.flatnonzero(
        keep & (share > LEAST_LONG) & ((n_borders > 1) | (not is_page))
    ).tolist():
        own, leads_through = pieces.alone(i), bool(n_borders[i] > 1)
        steepest = STEEPEST if leads_through else 0.0
        (across, n_across), (down, n_down) = (_level_lines(a, steepest) for a in (own, own.T))
        lines = _LineCounts(n_across, n_down)
        is_rest = own & ~window_max(across | down.T, int(leads_through))  # the edges are uneven
        if leads_through:
            are_lines = n_across * n_down > 0 or (lines.is_one and share[i] > ALONE)
        else:
            are_lines = lines == (1, 1)
        if are_lines and is_rest.sum() <= REST * own.sum():
            found[i] = lines
    return found


def grids(pieces: Pieces, keep: Mask) -> Mask:
    """Tell which pieces are the lines of a table or a comb with ink in it, which touches none, (n,)."""
    are_grids = np.zeros_like(keep)
    if np.count_nonzero(keep) < 2:  # of most drawings
        return are_grids
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
    across, n_across = _level_lines(own, STEEPEST)
    parts = pieces_of(own & ~window_max(across, 1))
    if n_across == 0 or parts.n < 3:
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
    # What fits best may lean more, and is none then.
    for lean in sorted(range(-2 * most, 2 * most + 1), key=abs):
        # Rows that lean start above or below the box, which has room for so much ink of each.
        starts = np.rint(lean * np.linspace(-0.5, 0.5, width)).astype(np.intp) - most
        ink = np.bincount(y - starts[x], minlength=n_rows)
        room = np.bincount(-starts, minlength=n_rows)
        room -= np.bincount(height - starts, minlength=n_rows)
        is_inked = ink > FRAME_LENGTH * room.cumsum().clip(LEAST_SEEN * width)
        n_inked = ink[window_max(is_inked[None], 1)[0]].sum()  # edges are uneven
        if n_inked > most_ink:
            most_ink, start, is_line = n_inked, starts, is_inked & (abs(lean) <= most)
    edges = np.flatnonzero(np.diff(pad(is_line[None])[1].view(np.int8))).reshape(-1, 2)
    is_thin = SLENDER * (edges[:, 1] - edges[:, 0]) < width
    for first, last in edges[~is_thin].tolist():
        is_line[first:last] = False
    return own & is_line[np.arange(height)[:, None] - start], int(is_thin.sum())
