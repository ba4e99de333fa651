"""Where lines are: ruled across a page, of frames and tables, below digits, and through a box."""

from typing import NamedTuple, Self

import numpy as np

from mnistcli.arrays import Places
from mnistcli.conforming.grouping import SEVERAL, usual_height
from mnistcli.conforming.operations import Pieces, pieces_of, quantile, span, window_max
from mnistcli.conforming.types import DARK, Ink, Mask

# Lines lead through steps of so many pixels.
STEP = 8
# A stroke that crosses a line is so many times as long as that is thick, or so much darker.
CROSSING, DARKER = 2, 1.5
# A line ruled across a page is longer than one of these shares of it, than so many times the height
# of its digits, which is more than a share of it, too, and than so many times its own thickness.
RULED_LENGTHS, RULED, LEAST_RULED, SLENDER = (0.2, 0.4, 0.8), 2.5, 0.02, 20
# Smaller pictures cannot show it.
LEAST_STEPS = 5
# A digit is no wider for its height, and a 1 is higher for its width.
BAR = 3
# A line that digits stand on is longer than so many times their height; that of a frame than this
# share of its shorter side, of which the height of a digit is at least such a share.
UNDERLINE, FRAME_LENGTH, LEAST_FRAMED = 1.6, 0.85, 0.3
# What is left without it is a digit if it is so high, in heights of others, and narrower than so
# much of the line, which goes on so far to both sides of one: the foot of a 2 goes on to one.
LEAST_LEFT, WIDEST_LEFT, BOTH_SIDES = 0.7, 0.5, 0.5
# What parts the cells of a table is so many times as high as it is wide, and ends so near to lines,
# as a share of its height. It is no thicker than so many times lines, alone or among others, and one
# that digits touch than so many times the others.
RUNG, RUNG_GAP, RUNG_ALONE, AMONG_RUNGS, RUNG_WIDTHS = 6, 0.04, 1.8, 2.5, 1.4
# So many reach to the border of a picture that is cut out of a table.
MANY_RUNGS = 3
# A line through a box is longer than so many pixels, and than so many times its thickness. It leans
# by no more than such a share of its length.
SHORTEST, FLATTER, STEEPEST = 3 * STEP, 3, 0.08


class _Lines(NamedTuple):
    """A mask, and how long the lines are that lead through each of its steps."""

    mask: Mask
    across: Places
    down: Places

    @classmethod
    def of(cls, mask: Mask) -> Self:
        """Measure the lines of a mask in both directions."""
        near = window_max(mask, 1)  # a line may lie between two rows
        return cls(mask, _lengths(near), _lengths(near.T))

    def longer(self, across: float, down: float, *thickest: float) -> Mask:
        """Return the pixels of lines that are so long, but for those of strokes that cross one.

        They are no thicker than so much, those across than the first and those down than the last.
        """
        rows = _pixels(self.across >= across, self.mask)
        columns = _pixels(self.down >= down, self.mask.T)
        level = _uncrossed(rows, self.mask, thickest[0])
        upright = _uncrossed(columns, self.mask.T, thickest[-1]).T
        lines: Mask = level | upright
        if level.any() and upright.any():
            lines |= rows & columns.T
        return lines


def ruled_lines(ink: Ink, level: float, *, has_frames: bool) -> Mask | None:
    """Find lines across a page, of more ink than a level, much longer than its digits are high."""
    height, width = ink.shape
    side = max(height, width)
    if RULED_LENGTHS[0] * side < LEAST_STEPS * STEP:
        return None
    lines = _Lines.of(ink > level)
    longest = np.array([each.max(initial=0) for each in (lines.across, lines.down)])
    for share in RULED_LENGTHS:
        if not ((lines.across >= share * width).any() or (lines.down >= share * height).any()):
            return None
        thickest = longest.clip(max=share * side) / SLENDER
        found = lines.longer(share * width, share * height, *thickest)
        if not found.any():
            continue
        rest = pieces_of(lines.mask & ~found)
        is_digit = _may_be_digits(rest, ink)
        if is_digit.sum() < (SEVERAL if share < RULED_LENGTHS[-1] else 1):
            continue
        if (least := RULED * usual_height(rest, is_digit)) > share * side:
            continue
        if has_frames and not ((lines.across >= least).any() and (lines.down >= least).any()):
            return None  # boxes in a row, the lines between which are short
        # The stems of digits belong to their height.
        whole = pieces_of(lines.mask & ~_pixels(lines.across >= least, lines.mask))
        is_whole = _may_be_digits(whole, ink)
        upright = RULED * usual_height(whole, is_whole) if is_whole.any() else least
        found = lines.longer(least, max(least, upright), *thickest)
        if found.any():
            return found & (ink < DARKER * quantile(ink[found], 0.75))
    return None


def _may_be_digits(pieces: Pieces, ink: Ink) -> Mask:
    """Tell which pieces may be digits, (n,)."""
    may_be: Mask = pieces.height > LEAST_RULED * max(ink.shape)
    return may_be & (pieces.width < BAR * pieces.height) & (pieces.peaks(ink) >= DARK)


def touching_lines(pieces: Pieces, keep: Mask, frames: list[int]) -> Mask | None:
    """Find the lines of frames, or below digits, that digits touch; None where there are none."""
    is_wide = keep & (pieces.width > UNDERLINE * pieces.height)
    is_wide &= 2 * pieces.area < pieces.height * pieces.width
    found, is_touched = np.zeros(pieces.shape, np.bool_), False
    for i in {*frames, *is_wide.nonzero()[0].tolist()}:
        own = pieces.alone(i)
        height, is_frame = float(len(own)), i in frames
        across, down = UNDERLINE * height, np.inf
        if is_frame:
            height = LEAST_FRAMED * min(own.shape)
            across = down = FRAME_LENGTH * min(own.shape)
        lines = _Lines.of(own).longer(across, down, across)
        rest = pieces_of(own & ~lines)
        if is_frame:  # one of its sides may be too crooked for a line
            rest = pieces_of(own & ~lines & ~rest.mask(are_sides(rest, own)))
        is_high = rest.height > LEAST_LEFT * height
        is_touching = bool(lines.any() and is_high.any())
        if is_touching and not is_frame:
            line = span(lines, 1)
            sides = rest.left[is_high] - line.start, line.stop - rest.right[is_high]
            is_foot = is_high.sum() == 1 and min(sides) <= BOTH_SIDES * height
            is_touching = not is_foot and rest.width.max() < WIDEST_LEFT * own.shape[1]
        if is_touching or is_frame:
            found[pieces.box(i)] |= lines
            is_touched |= is_touching
    return found if is_touched else None


def rungs_between(pieces: Pieces, keep: Mask, lines: Mask) -> Mask | None:
    """Find what leads straight from line to line, as between the cells of a table.

    All but one of them may be touched by digits; None where there is none, or nothing else.
    """
    height, width = pieces.shape
    reaching = keep & (pieces.height >= 2 * STEP) & (pieces.height < height)
    reaching &= (pieces.left > 0) & (pieces.right < width)
    for i in reaching.nonzero()[0].tolist():
        near = round(RUNG_GAP * pieces.height[i]) + 2
        columns = np.s_[max(0, pieces.left[i] - near) : pieces.right[i] + near]
        beside = np.logical_or.reduce(lines[:, columns], axis=1)
        beside[[0, -1]] = True  # what a picture is cut out of goes on there
        ends = pieces.top[i], pieces.bottom[i]
        reaching[i] = all(beside[max(0, at - near) : at + near].any() for at in ends)
    is_cut = reaching & pieces.at_border
    if not MANY_RUNGS <= is_cut.sum() <= 1 + (keep & ~reaching).sum():  # they are digits, rather
        reaching &= ~is_cut
    is_rung = reaching & (pieces.width * RUNG < pieces.height)
    # One alone may as well be a 1, which is thicker than lines.
    line_width = 2 * lines.sum() / max(1, (lines[1:] != lines[:-1]).sum())
    is_rung &= pieces.thickness < (AMONG_RUNGS if is_rung.sum() > 1 else RUNG_ALONE) * line_width
    if not 0 < is_rung.sum() < keep.sum():
        return None
    found = pieces.mask(is_rung)
    thickest = RUNG_WIDTHS * quantile(pieces.thickness[is_rung], 0.5)
    for i in (reaching & ~is_rung).nonzero()[0].tolist():
        own = pieces.alone(i)
        found[pieces.box(i)] |= _Lines.of(own).longer(np.inf, len(own), thickest)
    return found


def level_lines(own: Mask) -> Mask:
    """Find thin lines from side to side of a box, and what crosses them; it may cut them off."""
    height, width = own.shape
    beyond = round(STEEPEST * width)
    near = np.pad(window_max(own, 1), ((beyond, beyond), (0, 0)), constant_values=True)
    lengths = _lengths(near)[beyond : beyond + height]
    lines = _pixels((lengths >= FRAME_LENGTH * width) & (lengths > SHORTEST), own)
    bare = _uncrossed(lines, own, width / FLATTER)
    return lines if 2 * bare.sum() > lines.sum() else np.zeros_like(own)


def are_sides(parts: Pieces, own: Mask) -> Mask:
    """Tell which parts of a frame are what is seen of it from outside, all along, (n,)."""
    seen = np.zeros_like(own)
    for turn in range(4):
        side = np.rot90(own, turn)
        behind = np.logical_or.accumulate(side) & ~side  # below the first ink
        seen |= np.rot90(side & ~np.logical_or.accumulate(behind), -turn)
    return np.asarray(parts.sums(seen) >= FRAME_LENGTH * parts.area)


def _uncrossed(lines: Mask, mask: Mask, thickest: float) -> Mask:
    """Leave out of lines from left to right what goes on above or below them; they may be no thicker."""
    n_runs = int((lines[1:] & ~lines[:-1]).sum() + lines[0].sum())
    thickness = float(lines.sum()) / max(n_runs, 1)
    length = min(int(CROSSING * thickness), len(mask)) + 1
    if thickness > thickest:
        return np.zeros_like(lines)
    return lines & ~_long_runs(mask.T, length).T


def _long_runs(mask: Mask, length: int) -> Mask:
    """Return the pixels of runs from left to right that are at least so long."""
    before = np.pad(mask.cumsum(axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    starts = before[:, length:] - before[:, :-length] == length
    change = np.zeros(before.shape, np.int8)
    change[:, : starts.shape[1]] += starts
    change[:, length:] -= starts
    runs: Mask = change.cumsum(axis=1, dtype=np.int8)[:, :-1] > 0
    return runs


def _pixels(steps: Mask, mask: Mask) -> Mask:
    """Return the pixels of a mask in some steps of lines, and in those that they end in."""
    wide = steps.copy()
    wide[:, 1:] |= steps[:, :-1]
    wide[:, :-1] |= steps[:, 1:]
    return mask & wide.repeat(STEP, axis=1)[:, : mask.shape[1]]


def _lengths(near: Mask) -> Places:
    """Measure the lines from left to right that lead through steps of `STEP` pixels.

    From step to step they go up or down by a pixel at most, so they may be slanted and bent.
    """
    whole = np.pad(near, ((0, 0), (0, -near.shape[1] % STEP)), "edge")
    steps = np.logical_and.reduce([whole[:, i::STEP] for i in range(STEP)])
    return STEP * (_n_steps(steps) + _n_steps(steps[:, ::-1])[:, ::-1] - 1)


def _n_steps(steps: Mask) -> Places:
    """Count the steps from the left up to each, from one to a neighbour above, beside or below it."""
    n = np.zeros((steps.shape[1], len(steps) + 2), np.intp)
    for i, here in enumerate(steps.T):
        before = n[i - 1]
        longest = np.maximum(before[1:-1], np.maximum(before[:-2], before[2:]))
        n[i, 1:-1] = here * (longest + 1)
    return n[:, 1:-1].T
