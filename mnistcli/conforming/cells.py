"""Which ink is straight lines around all else, as of the cell of a form that a digit is cut out of."""

import numpy as np

from mnistcli.arrays import Places
from mnistcli.conforming.grouping import group_of, usual_height
from mnistcli.conforming.lines import FLATTER, FRAME_LENGTH, LEAST_FRAMED, STEEPEST, level_lines
from mnistcli.conforming.operations import Pieces, pieces_of, window_max
from mnistcli.conforming.types import Mask

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
    is_lower = group_of(pieces, np.flatnonzero(others)).height < LOWER * pieces.shape[0]
    inner = others & (n_borders == 0)
    within = np.flatnonzero(inner if inner.any() else others)
    top, bottom, left, right, *_ = group_of(pieces, within)
    for i, leads in found.items():
        if not all(leads):  # several of one piece meet
            is_around = inner.any() and (leads[0] or is_lower)
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


def _lines_in(
    pieces: Pieces, keep: Mask, n_borders: Places, *, is_page: bool
) -> dict[int, tuple[bool, bool]]:
    """Find the pieces that are nothing but lines from border to border, or corners; see `lines_around`.

    Returns whether they lead across, and whether down.
    """
    height, width = pieces.shape
    share = np.maximum(pieces.height / height, pieces.width / width)
    found = dict[int, tuple[bool, bool]]()
    may_be_lines = keep & (share > LEAST_LONG) & ((n_borders > 1) | (not is_page))
    for i in np.flatnonzero(may_be_lines).tolist():
        own = pieces.alone(i)
        if n_borders[i] > 1:
            across, down = level_lines(own), level_lines(own.T).T
            is_line = window_max(across | down, 1)  # the edges are uneven
            leads = bool(across.any()), bool(down.any())
        else:
            is_line = _upright_corner(own)
            leads = (bool(is_line.any()),) * 2
        is_enough = all(leads) or (any(leads) and share[i] > ALONE and _lean(own) < STEEPEST)
        if is_enough and (own & ~is_line).sum() <= REST * own.sum():
            found[i] = leads
    return found


def _lean(own: Mask) -> float:
    """Measure how much a line leans, as a share of its length."""
    short, long = (own if own.shape[0] < own.shape[1] else own.T).nonzero()
    return float(abs(np.polyfit(long, short, 1)[0]))


def _upright_corner(own: Mask) -> Mask:
    """Return the lines of a corner, along one of the upper and the lower side, and of the others."""
    across, down = (own.mean(axis=axis) > FRAME_LENGTH for axis in (1, 0))
    is_corner = across[0] != across[-1] and down[0] != down[-1]
    is_thin = FLATTER * across.mean() < 1 and FLATTER * down.mean() < 1
    return across[:, None] | down if is_corner and is_thin else np.zeros_like(own)


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
    across = level_lines(own)
    parts = pieces_of(own & ~window_max(across, 1))
    if not across.any() or parts.n < 3:
        return False
    high = parts.height.max()
    is_upright = (FLATTER * parts.width <= parts.height) & (parts.height > ALIKE * high)
    steps = np.diff(np.sort(parts.left[is_upright] + parts.right[is_upright]))
    if len(steps) < 2 or (parts.height[~is_upright] > LEAST_FRAMED * high).any():
        return False
    usual = np.median(steps)
    return bool((np.abs(steps - usual) < EVEN * usual).all())
