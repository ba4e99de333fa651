"""Where to cut ink that may be several digits: along the ways from top to bottom with least ink."""

import numpy as np

from mnistcli.arrays import Places
from mnistcli.conforming.grouping import Group, gap, group_of
from mnistcli.conforming.operations import Pieces, shrunk
from mnistcli.conforming.types import Ink, Mask

# No two digits that touch are narrower for their height.
LEAST_PAIR = 0.8
# Ways are looked for with so many pixels from top to bottom; a step aside costs as much as so much ink.
WAY_HEIGHT, ASIDE = 48, 0.4
# They are so far apart, cut no more ink than so much of the height, and are no more than so many
# for a width that is the height.
CUT_SPACING, CUT_LEVEL, CUTS_PER_SQUARE = 0.15, 0.45, 4


def strokes_of(pieces: Pieces, group: Group) -> list[tuple[Mask, float]]:
    """Take a group that may be several touching digits apart, from left to right.

    What is apart, and what can be cut along a way with little ink, may be a digit or a part of one.
    Returns the parts, and how much ink, as a share of its height, was cut to the left of each.
    """
    if group.width < LEAST_PAIR * group.height:
        return [(pieces.mask(pieces.among(group.members)), 0.0)]
    parts: list[Group] = []
    for i in sorted(group.members, key=lambda i: pieces.left[i] + pieces.right[i]):
        piece = group_of(pieces, np.array([i]))
        before = [each for each in parts if -2 * gap(each, piece)[0] > min(each.width, piece.width)]
        parts = [each for each in parts if each not in before]
        for each in before:
            piece = each.joined(piece)
        parts.append(piece)
    masks = [pieces.mask(pieces.among(part.members)) for part in parts]
    return [cut for mask, part in zip(masks, parts, strict=True) for cut in _cut(mask, part)]


def _cut(mask: Mask, part: Group) -> list[tuple[Mask, float]]:
    """Cut a piece of ink along the ways with the least of it, each the best one nearby."""
    inside = mask[part.top : part.bottom, part.left : part.right]
    k = -(-part.height // WAY_HEIGHT)
    ink = shrunk(inside.astype(np.uint8), k)
    ways, costs = _ways(ink)
    height, width = ink.shape
    near = max(1, round(CUT_SPACING * height))
    chosen: list[int] = []
    order = np.argsort(costs[near : width - near], kind="stable") + near
    for at in order.tolist():
        if costs[at] > CUT_LEVEL * height or len(chosen) >= CUTS_PER_SQUARE * width / height:
            break
        if all(abs(at - other) >= near for other in chosen):
            chosen.append(at)
    parts: list[tuple[Mask, float]] = []
    columns = np.arange(part.width)
    # The last one is the right side.
    ways = np.column_stack([ways, np.full(height, width)])
    left, cut = np.zeros((part.height, 1), np.intp), 0.0
    for at in [*sorted(chosen), width]:
        right = np.repeat(ways[:, at] * k, k)[: part.height, None]
        segment = inside & (columns >= left) & (columns < right)
        if segment.any():
            whole = np.zeros_like(mask)
            whole[part.top : part.bottom, part.left : part.right] = segment
            parts.append((whole, cut))
        left, cut = right, float(costs[min(at, width - 1)]) / height
    return parts


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
        cost = np.zeros(width, np.float32)
        for y in rows:
            wide = np.concatenate([[np.inf], cost, [np.inf]]).astype(np.float32)
            options = np.stack([wide[1:-1], wide[:-2] + ASIDE, wide[2:] + ASIDE])
            best = options.argmin(axis=0)
            steps.append(np.array([0, -1, 1])[best])
            cost = options.min(axis=0) + ink[y]
        costs += cost
        at = np.arange(width)
        for y, step in zip(reversed(rows), reversed(steps), strict=True):
            ways[y] = at
            at = at + step[at]
    return ways, costs - ink[middle]
