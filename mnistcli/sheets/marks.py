"""Find the four marks of the page in a photograph, and the homography that they make."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnistcli.conforming.operations import box_mean, pieces_of, shrunk, window_max
from mnistcli.sheets.layout import LAYOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from mnistcli.conforming.types import Ink
    from mnistcli.pictures import Grey

    Floats = NDArray[np.float64]

# Marks are looked for with about so many pixels a side, and are no larger than this share of it.
_SIDE, _LARGEST_MARK = 1000, 0.1
_LEAST_AREA = 30
# How dark a mark is, between paper and black.
_DARK = 0.45
# Area over 12 times the root of the determinant of the covariance: 1 for every parallelogram, 0.54
# for one with the hole of ours, 1.05 for an ellipse, less for letters.
_SOLID, _HOLLOW = (0.9, 1.1), (0.35, 0.78)
# One axis over the other, squared, and areas over what the homography makes of them.
_LONGEST, _AREAS = 9.0, (0.5, 1.8)
_MOST_HOLLOW, _MOST_SOLID, _MOST_ANSWERS = 12, 24, 6


class _Blobs(NamedTuple):
    centres: Floats  # x, y
    areas: Floats


def darkness(grey: Ink, reach: int) -> Ink:
    """Return how much darker each pixel is than the paper around, from 0 to 1.

    Paper is what stays when everything dark and narrower than twice the reach is closed.
    """
    paper = -window_max(-window_max(box_mean(grey, 3), reach), reach)
    return (1 - grey / np.maximum(paper, 1)).astype(np.float32, copy=False)


def homographies(grey: Grey) -> Iterator[Floats]:
    """Yield matrices that take millimetres on the page to pixels, the likeliest first.

    Parameters
    ----------
    grey : ndarray of shape (height, width), uint8

    Yields
    ------
    ndarray of shape (3, 3), float64
    """
    k = max(1, round(max(grey.shape) / _SIDE))
    small = shrunk(grey, k)
    solid, hollow = _blobs(darkness(small, round(_LARGEST_MARK / 2 * max(small.shape))))
    share = 1 - (LAYOUT.hole / LAYOUT.mark) ** 2
    quads, areas = [], []
    for centre, area in zip(hollow.centres, hollow.areas, strict=True):
        like = np.abs(np.log(solid.areas * share / area))
        near = [i for i in np.argsort(like)[:_MOST_SOLID].tolist() if like[i] < np.log(4)]
        for three in combinations(near, 3):
            points = np.array([centre, *solid.centres[list(three)]])
            x, y = (points - points.mean(axis=0)).T
            order = np.argsort(np.arctan2(y, x))  # clockwise, as y goes down
            order = np.roll(order, -int(np.flatnonzero(order == 0)[0]))
            quads.append(points[order])
            areas.append(np.array([area / share, *solid.areas[list(three)]])[order])
    if not quads:
        return
    found, errors = _fitting(np.array(quads), np.array(areas))
    for i in np.argsort(errors)[:_MOST_ANSWERS]:
        yield np.diag([k, k, 1.0]) @ found[i]


def _fitting(quads: Floats, areas: Floats) -> tuple[Floats, Floats]:
    """Return the homographies under which the marks have the areas that they should have."""
    x, y = LAYOUT.marks.T
    ones, zeros = np.ones(4), np.zeros(4)
    systems = np.empty((len(quads), 8, 8))
    for rows, row, to in (
        (slice(None, None, 2), (x, y, ones, zeros, zeros, zeros), 0),
        (slice(1, None, 2), (zeros, zeros, zeros, x, y, ones), 1),
    ):
        systems[:, rows, :6] = np.stack(row, axis=1)
        systems[:, rows, 6] = -x * quads[:, :, to]
        systems[:, rows, 7] = -y * quads[:, :, to]
    regular = np.linalg.cond(systems) < 1e12
    systems, quads, areas = systems[regular], quads[regular], areas[regular]
    solved = np.linalg.solve(systems, quads.reshape(-1, 8, 1))[:, :, 0]
    found = np.concatenate([solved, np.ones((len(solved), 1))], axis=1).reshape(-1, 3, 3)
    depth = found[:, 2, :2] @ LAYOUT.marks.T + 1
    with np.errstate(all="ignore"):
        ratios = areas / (np.linalg.det(found)[:, None] / depth**3 * LAYOUT.mark**2)
        good = ((depth > 0) & (ratios > _AREAS[0]) & (ratios < _AREAS[1])).all(axis=1)
    return found[good], np.abs(np.log(ratios[good])).sum(axis=1)


def _blobs(ink: Ink) -> tuple[_Blobs, _Blobs]:
    """Find what may be the marks that are filled, and what may be the one with a hole."""
    dark = ink > _DARK
    pieces = pieces_of(dark)
    area = pieces.area.astype(np.float64)
    places = np.indices(ink.shape).astype(np.float64)
    y, x = places[0], places[1]
    cy, cx = pieces.sums(y) / area, pieces.sums(x) / area
    # A pixel is a square too, with a variance of its own.
    yy = pieces.sums(y * y) / area - cy * cy + 1 / 12
    xx = pieces.sums(x * x) / area - cx * cx + 1 / 12
    xy = pieces.sums(x * y) / area - cx * cy
    determinant = np.maximum(xx * yy - xy * xy, 1e-3)
    fill = area / (12 * np.sqrt(determinant))
    compact = (area >= _LEAST_AREA) & ((xx + yy) ** 2 < determinant * (_LONGEST + 2 + 1 / _LONGEST))
    # Nothing else is near a mark: of a checked cloth every square has neighbours.
    sums = np.pad(dark, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    reach = 0.75 * np.sqrt(12 * np.sqrt(determinant))
    (top, bottom), (left, right) = (
        ((c + 0.5 + np.array([[-1], [1]]) * reach).round().astype(int).clip(0, side))
        for c, side in zip((cy, cx), ink.shape, strict=True)
    )
    around = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    compact &= around < 1.1 * area
    hole = ink[cy.round().astype(int), cx.round().astype(int)] <= _DARK
    hollow = compact & hole & (fill > _HOLLOW[0]) & (fill < _HOLLOW[1])
    solid = compact & (fill > _SOLID[0]) & (fill < _SOLID[1])
    first = np.argsort(-area[hollow])[:_MOST_HOLLOW]
    centres = np.stack([cx, cy], axis=1) + 0.5
    return _Blobs(centres[solid], area[solid]), _Blobs(centres[hollow][first], area[hollow][first])
