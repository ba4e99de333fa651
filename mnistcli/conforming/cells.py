"""Which ink is straight lines around all else, as of the cell of a form that a digit is cut out of."""

import numpy as np

from mnistcli.arrays import Places
from mnistcli.conforming.grouping import usual_height
from mnistcli.conforming.lines import (
    FLATTER,
    FRAME_LENGTH,
    LEAST_FRAMED,
    RUNG_WIDTHS,
    STEEPEST,
    Lines,
    level_lines,
)
from mnistcli.conforming.operations import Pieces, pieces_of, quantile, window_max
from mnistcli.conforming.types import Mask

# What else there may be of a piece of lines, as a share of its ink.
REST = 0.1
# Lines are longer than such a share of the picture, and one alone than such a one; that leads down
# beside ink that is so much lower, or it could be a 1.
LEAST_LONG, ALONE, LOWER = 0.25, 0.8, 0.8
# A grid fills no more of its box, and is so many times as wide as what is in it is high; lines down
# from it are so alike in height, no farther from where they may be than such a share of a step, and
# where digits touch it they span so much of it: those that stand on a line may be 1s.
MOST_FILLED, WIDER, ALIKE, EVEN, SPANNED = 0.4, 2, 0.75, 0.07, 0.8


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


def _box_of(pieces: Pieces, members: Mask) -> tuple[int, int, int, int]:
    """Return the top, bottom, left and right of some pieces together."""
    top, left = pieces.top[members].min(), pieces.left[members].min()
    return int(top), int(pieces.bottom[members].max()), int(left), int(pieces.right[members].max())


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
        lean = (1 - own.mean()) * min(own.shape) / max(own.shape)
        is_enough = all(leads) or (any(leads) and share[i] > ALONE and lean < STEEPEST)
        if is_enough and (own & ~is_line).sum() <= REST * own.sum():
            found[i] = leads
    return found


def _upright_corner(own: Mask) -> Mask:
    """Return the lines of a corner, along one of the upper and the lower side, and of the others."""
    across, down = (own.mean(axis=axis) > FRAME_LENGTH for axis in (1, 0))
    is_corner = across[0] != across[-1] and down[0] != down[-1]
    is_thin = FLATTER * across.mean() < 1 and FLATTER * down.mean() < 1
    return across[:, None] | down if is_corner and is_thin else np.zeros_like(own)


def grids(pieces: Pieces, keep: Mask) -> Mask | None:
    """Find the lines of tables and combs with ink in them, which may touch some; None where none are."""
    if np.count_nonzero(keep) < 2:  # of most drawings
        return None
    found = np.zeros(pieces.shape, np.bool_)
    is_hollow = pieces.area < MOST_FILLED * pieces.height * pieces.width
    for i in np.flatnonzero(keep & is_hollow).tolist():
        inside = keep & (pieces.left > pieces.left[i]) & (pieces.right < pieces.right[i])
        inside &= (pieces.top < pieces.bottom[i]) & (pieces.bottom > pieces.top[i])
        if inside.any() and pieces.width[i] > WIDER * usual_height(pieces, inside):
            found[pieces.box(i)] |= _grid(pieces.alone(i))
    return found if found.any() else None


def _grid(own: Mask) -> Mask:
    """Return the lines of a piece of ink: those across, and three or more from them, evenly apart.

    These are as high as each other; where digits touch some, others lead down from the ends. Digits
    that stand on a line are neither.
    """
    across = level_lines(own)
    found = own & window_max(across, 1)
    parts = pieces_of(own & ~found)
    is_rung = FLATTER * parts.width <= parts.height
    high = parts.height[is_rung].max(initial=0)
    is_rung &= parts.height > ALIKE * high
    is_other = ~is_rung & (parts.height > LEAST_FRAMED * high)
    places = np.sort(parts.left[is_rung] + parts.right[is_rung]) / 2
    least = SPANNED * own.shape[1] if is_other.any() else 0
    steps = np.diff(places)[np.diff(places) > high / 2]  # two may be above each other
    if not across.any() or len(steps) < 2 or np.ptp(places) < least:
        return np.zeros_like(own)
    n_steps = np.rint(np.ptp(places) / steps.min())
    step = np.ptp(places) / n_steps
    columns = np.arange(own.shape[1]) + 0.5 - places[0]
    off = np.abs(columns - step * np.rint(columns / step))
    if 2 * len(places) <= n_steps + 1 or off[places.astype(np.intp)].max() > EVEN * step:
        return np.zeros_like(own)
    thickest = RUNG_WIDTHS * quantile(parts.thickness[is_rung], 0.5)
    is_near = off < thickest + STEEPEST * high
    for i in is_other.nonzero()[0].tolist():
        rungs = Lines.of(parts.alone(i)).longer(np.inf, ALIKE * high, thickest)
        found[parts.box(i)] |= rungs & is_near[parts.left[i] : parts.right[i]]
    return found | parts.mask(~is_other)
