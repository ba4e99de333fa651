"""Which ink is straight lines around all else, as of the cell of a form that a digit is cut out of."""

import numpy as np

from mnistcli.arrays import Places
from mnistcli.conforming.lines import STEEPEST, level_lines
from mnistcli.conforming.operations import Pieces, window_max
from mnistcli.conforming.types import Mask

# What else there may be of a piece of lines, as a share of its ink.
REST = 0.1
# Shorter pieces, as a share of the picture, are not looked at.
LEAST_LONG = 0.25
# One line alone leads through so much of the picture; down, beside ink that is so much lower, or it
# could be a 1.
ALONE, LOWER = 0.8, 0.8


def lines_around(pieces: Pieces, keep: Mask) -> Mask:
    """Tell which pieces are straight lines around all that is inside the picture, (n,).

    They lead from border to border; that lies on one side of a line, or in one angle of several.
    """
    n_borders = _n_borders(pieces)
    found = _lines_in(pieces, keep & (n_borders > 1))
    are_lines = pieces.among([*found])
    others = keep & ~are_lines
    if not (found and others.any()):
        return np.zeros_like(keep)
    is_lower = np.ptp(_box_of(pieces, others)[:2]) < LOWER * pieces.shape[0]
    inner = others & (n_borders == 0)
    top, bottom, left, right = _box_of(pieces, inner if inner.any() else others)
    for i, (is_across, is_down) in found.items():
        if not (is_across and is_down):  # several of one piece meet
            is_around = inner.any() and (is_across or is_lower)
        else:
            is_beside = pieces.top[i] < bottom and top < pieces.bottom[i]
            is_around = is_beside and pieces.left[i] < right and left < pieces.right[i]
        are_lines[i] = is_around and not pieces.pixels([i])[top:bottom, left:right].any()
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


def _lines_in(pieces: Pieces, may_be: Mask) -> dict[int, tuple[bool, bool]]:
    """Find the pieces that are nothing but lines, and whether these lead across, and whether down."""
    height, width = pieces.shape
    share = np.maximum(pieces.height / height, pieces.width / width)
    found = dict[int, tuple[bool, bool]]()
    for i in np.flatnonzero(may_be & (share > LEAST_LONG)).tolist():
        own = pieces.alone(i)
        across, down = level_lines(own), level_lines(own.T).T
        is_line = window_max(across | down, 1)  # the edges are uneven
        leads = bool(across.any()), bool(down.any())
        is_enough = all(leads) or (any(leads) and share[i] > ALONE and _lean(own) < STEEPEST)
        if is_enough and (own & ~is_line).sum() <= REST * own.sum():
            found[i] = leads
    return found


def _lean(own: Mask) -> float:
    """Measure how much a line leans, as a share of its length."""
    short, long = (own if own.shape[0] < own.shape[1] else own.T).nonzero()
    return float(abs(np.polyfit(long, short, 1)[0]))
