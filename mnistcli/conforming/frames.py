"""Which ink is a frame around digits, touched by one or not, and which is the digit's."""

from typing import NamedTuple

import numpy as np

from mnistcli.conforming.lines import FRAME_LENGTH, LEAST_FRAMED, are_sides
from mnistcli.conforming.operations import (
    Pieces,
    fill_holes,
    median,
    pad,
    pieces_of,
    span,
    window_max,
)
from mnistcli.conforming.types import Mask

# Smaller ones cannot be told from digits.
MIN_FRAME = 24
# A frame has a line in this share of its box along each side, and fills no more of it.
FRAME_BAND, FRAME_FILL = 0.08, 0.85
# It fills no more of its box, alone or with a digit: it is not a sheet with dust on it.
MOST_FILLED = (1 / 2, 2 / 3)
# What is inside fills so much of its box, whose sides may lean, and so much where a digit touches it
# and is to be cut free; no round digit does. In a circle, which may be open, it is so much.
HOLLOW, UPRIGHT, CIRCLE = 0.85, 0.9, 0.55
# Wider lines, for the shorter side of a frame, are the table around a sheet.
WIDEST_LINE = 0.15
# What leads through so much of a frame both ways, this far on average from its diagonal, is a slash.
SLASHED, SLASH_WIDTH = 0.5, 0.1


class Frame(NamedTuple):
    """A frame, as a piece of ink."""

    piece: int
    contents: Mask  # which pieces it encloses
    digit: Mask | None  # in the box of the piece, what of it is a digit that touches the frame


def frames_of(pieces: Pieces, keep: Mask, *, is_page: bool) -> list[Frame]:
    """Find thin pieces that line all four sides of what is inside, which neither a 0 nor an 8 does.

    One that lines its own box is a frame even if it is open, or empty. Others are parts of tables
    on a page.
    """
    short = np.minimum(pieces.height, pieces.width)
    filled = pieces.area / (pieces.height * pieces.width)
    frames, is_alone = [], np.count_nonzero(keep) == 1
    for i in np.flatnonzero(keep & (filled < MOST_FILLED[1]) & (short >= MIN_FRAME)).tolist():
        own = pieces.alone(i)
        is_lined, digit = bool(filled[i] < MOST_FILLED[0]) and _is_lined(own), None
        inside = None if is_page else _inside(own, has_hole=pieces.has_hole[i], is_alone=is_alone)
        if inside is not None:
            digit = _digit(own, inside)
        elif is_lined:
            inside = pad(np.ones_like(own[1:-1, 1:-1]))
        else:
            continue
        rows, columns = span(inside, 0), span(inside, 1)
        top, left = pieces.top[i], pieces.left[i]
        contents: Mask = (
            (pieces.top >= top + rows.start)
            & (pieces.bottom <= top + rows.stop)
            & (pieces.left >= left + columns.start)
            & (pieces.right <= left + columns.stop)
        )
        high = keep & contents & (pieces.height > LEAST_FRAMED * (rows.stop - rows.start))
        is_slash = high.any() and _is_diagonal(pieces.mask(high, pieces.box(i)), inside)
        if is_lined or digit is not None or (high.any() and not is_slash):
            frames.append(Frame(i, contents, digit))
    return frames


def _inside(own: Mask, *, has_hole: bool, is_alone: bool) -> Mask | None:
    """Return what a frame encloses, be it touched by a digit; None where there is no frame.

    What is alone is no circle: it would be a 0.
    """
    inside = _filled(own) if has_hole else None
    if inside is None or 2 * np.count_nonzero(inside) < inside.size:
        lines = [side[0] | side[1] for side in (own, own[::-1], own.T, own.T[::-1])]
        is_long = [np.count_nonzero(line) / line.size >= FRAME_LENGTH for line in lines]
        if sum(is_long) >= 3:  # it may be open somewhere
            inside = _filled(own | ~pad(np.ones_like(own[1:-1, 1:-1])))
    if inside is None and not is_alone:
        circle = _between(own) & _between(own.T).T & ~own
        inside = circle if circle.mean() > CIRCLE else None
    if inside is None or _width(own, inside) > WIDEST_LINE * min(own.shape):
        return None
    return inside


def _filled(own: Mask) -> Mask | None:
    """Return the box of holes if it is filled by them and what is between them, or else None."""
    holes = fill_holes(own) & ~own
    if not holes.any():
        return None
    box = span(holes, 0), span(holes, 1)
    filled = _between(holes[box]) | _between(holes[box].T).T
    if filled.mean() < HOLLOW:
        return None
    inside = np.zeros_like(own)
    inside[box] = filled
    return inside


def _is_lined(own: Mask) -> bool:
    """Return whether there is a thin line along all four sides of a box."""
    for turn in range(4):
        side = np.rot90(own, turn)
        line = side[: 2 + round(FRAME_BAND * len(side))]
        if line.any(axis=0).mean() < FRAME_LENGTH or line.mean() > FRAME_FILL:
            return False
    return True


def _between(mask: Mask) -> Mask:
    """Fill each column from its first hit to its last."""
    between: Mask = np.logical_or.accumulate(mask) & np.logical_or.accumulate(mask[::-1])[::-1]
    return between


def _digit(own: Mask, inside: Mask) -> Mask | None:
    """Return what of a frame is a digit that touches it: it goes on inside, and may reach out."""
    inner = own & ~window_max(~inside, 1)  # lines may be uneven
    parts = pieces_of(inner)
    height, width = (int(inside.any(axis=axis).sum()) for axis in (1, 0))
    is_bar = (parts.width > FRAME_LENGTH * width) & (2 * parts.height < height)  # of an 8
    is_digit = ~is_bar & ~are_sides(parts, own) & (parts.height > LEAST_FRAMED * height)
    if inside.sum() < UPRIGHT * height * width or not is_digit.any():
        return None
    width = _width(own, inside)
    frame = window_max(inside, width) & ~inside
    outer = own & ~inside & ~frame
    inner = own & inside
    crossing = own & frame & window_max(inner, width + 1) & window_max(outer, width + 1)
    parts = pieces_of(inner | outer | crossing)
    digit = parts.mask(parts.sums(inner) > 0)
    return own & ~digit if _is_diagonal(digit & inside, inside) else digit  # a zero with a slash


def _is_diagonal(ink: Mask, inside: Mask) -> bool:
    """Return whether ink leads straight from corner to corner."""
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    y, x = ink[np.ix_(rows, columns)].nonzero()
    down, across = (y + 0.5) / len(rows), (x + 0.5) / len(columns)
    if min(np.ptp(down), np.ptp(across)) < SLASHED:
        return False
    return bool(min(abs(down - across).mean(), abs(down + across - 1).mean()) < SLASH_WIDTH)


def _width(own: Mask, inside: Mask) -> int:
    """Measure how wide the lines around what is inside are, the widest of four; lines may be uneven."""
    widths = []
    for turn in range(4):
        ink, below = np.rot90(own, turn), np.rot90(inside, turn)
        start, columns = below.argmax(axis=0), below.any(axis=0)
        rows = np.arange(len(ink))[:, None]
        end = np.where(~ink & (rows < start), rows, -1).max(axis=0)
        widths.append(median((start - end)[columns].astype(np.float32)))
    return int(max(widths))
