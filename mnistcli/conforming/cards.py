"""What is drawn on cards: pieces of paper on a desk, or the tiles of a figure."""

from typing import NamedTuple, Self

import numpy as np

from mnistcli.conforming.operations import (
    enlarge,
    fill_holes,
    median,
    pad,
    pieces_of,
    quantile,
    rim_of,
    span,
    window_max,
)
from mnistcli.conforming.types import Ink, Mask
from mnistcli.pictures import Grey

# A card has such a share of the picture's longer side. It is a rectangle, turned by a few degrees, in
# whose corners no more is missing than such a share of a square of its shorter side: nothing round is.
# Its edge is such a share of that side.
SMALLEST, CORNERS, EDGE = 0.04, 0.1, 0.05
TURNED = np.deg2rad(np.arange(-20, 21, 2))[:, None]
# What is drawn on one differs from it by so much, in such a share of its pixels, and is so high, as a
# share of it. So much of their boxes have holes of thick digits, which are less than so many times as
# far from the sides as from what is above and below.
DRAWN, EXTREME, LEAST_DRAWN, SOLID, EVEN = 32, 0.002, 0.05, 0.8, 2
# As far around it as such a share of that side, so much is desk, and not another cell of a table, or
# beyond the border of the picture.
AROUND, DESK = 0.1, 0.7
# What is lower than such a share of what is drawn on cards is no digit beside them.
BESIDE = 0.35
# Cards and desk have such a share of a picture at least, looked at in every so many pixels to save
# time, and differ by so much.
SHARE, EVERY, CONTRAST = 0.05, 4, 48


class _Card(NamedTuple):
    """Where a card lies, what of it is not at its edge, and the levels of its paper and its ink."""

    box: tuple[slice, slice]
    inside: Mask
    paper: float
    ink: float

    @classmethod
    def of(cls, picture: Ink, box: tuple[slice, slice], inside: Mask) -> Self | None:
        """Return the card in a box; None where nothing is drawn on it."""
        levels = picture[box][inside]
        paper = median(levels)
        extremes = (quantile(levels, share) for share in (EXTREME, 1 - EXTREME))
        ink = max(extremes, key=lambda level: abs(level - paper))
        return cls(box, inside, paper, ink) if abs(ink - paper) >= DRAWN else None

    def strength(self, part: Grey | Ink, k: int = 1) -> Ink:
        """Return how strong the ink is in its part of a picture, 0 to 1, each pixel k x k of them."""
        inside = enlarge(self.inside, k, part.shape)
        strength = (part.astype(np.float32) - self.paper) / (self.ink - self.paper)
        return np.where(inside, strength, np.float32(0)).clip(0, 1)

    def height(self, picture: Ink) -> int:
        """Return how high the highest is that is drawn on it; 0 for what are no strokes."""
        drawn = self.strength(picture[self.box]) > 0.5
        (height, width), pieces = drawn.shape, pieces_of(drawn)
        highest = int(pieces.height.max(initial=0))
        if highest <= LEAST_DRAWN * height:
            return 0
        down, across = span(drawn, 0), span(drawn, 1)
        is_solid = pieces.area.sum() > SOLID * (pieces.height * pieces.width).sum()
        above, beside = (min(s.start, n - s.stop) for s, n in ((down, height), (across, width)))
        return 0 if is_solid and beside < EVEN * above else highest  # the holes of a 0 or an 8


def drawn_on_cards(grey: Grey, picture: Ink, k: int) -> Grey | None:
    """Return what is drawn on several cards, or on a dark one, on white paper, or on black as they are.

    ``picture`` is reduced k times. What is beside the cards is left out. Returns None where there
    are none.
    """
    sample = picture[::EVERY, ::EVERY]
    low, high = quantile(sample, SHARE), quantile(sample, 1 - SHARE)
    if high - low < CONTRAST:
        return None
    is_light = picture > (low + high) / 2
    is_dark = bool(rim_of(is_light).mean() > 0.5)  # the cards, where the desk is light
    cards = _cards(picture, is_light ^ is_dark)
    if len(cards) < 2 and not (cards and is_dark):
        return None
    paper = 0 if is_dark else 255
    drawn = np.full_like(grey, paper)
    for card in cards:
        part = tuple(slice(k * each.start, k * each.stop) for each in card.box)
        drawn[part] = np.rint(np.abs(paper - 255 * card.strength(grey[part], k)))
    return drawn


def _cards(picture: Ink, alike: Mask) -> list[_Card]:
    """Find the cards on which something is drawn among pixels that are alike.

    There are none where something beside them may be a digit, too: titles are lower.
    """
    pieces = pieces_of(window_max(~window_max(~alike, 1), 1))  # without what is thin
    shorter = np.minimum(pieces.height, pieces.width)
    is_large = shorter >= SMALLEST * max(alike.shape)
    is_large &= 2 * pieces.area > pieces.height * pieces.width
    cards, highest, rest = [], 0, alike.copy()
    for i in np.flatnonzero(is_large).tolist():
        box, reach = pieces.box(i), 2 + round(AROUND * shorter[i])
        near = tuple(slice(max(0, each.start - reach), each.stop + reach) for each in box)
        desk = np.count_nonzero(~alike[near]) - np.count_nonzero(~alike[box])
        n_around = 2 * reach * (pieces.height[i] + pieces.width[i] + 2 * reach)
        if desk > DESK * n_around and _is_rectangle(filled := fill_holes(alike[box])):
            inside = ~window_max(~pad(filled), 1 + round(EDGE * shorter[i]))[1:-1, 1:-1]
            card = _Card.of(picture, box, inside) if inside.any() else None
            if card and (height := card.height(picture)):
                cards.append(card)
                highest = max(highest, height)
                rest[near] = False
    if not cards:
        return cards
    beside = pieces_of(rest)
    is_high = beside.height > BESIDE * highest
    return [] if (is_high & ~beside.at_border).any() else cards


def _is_rectangle(filled: Mask) -> bool:
    """Return whether a shape is a rectangle that is turned by a few degrees at most."""
    rows = np.flatnonzero(filled.any(axis=1))
    left = filled[rows].argmax(axis=1)
    right = filled.shape[1] - filled[rows, ::-1].argmax(axis=1)
    x, y = np.concatenate([left, left, right, right]), np.tile(np.append(rows, rows + 1), 2)
    across = np.ptp(x * np.cos(TURNED) + y * np.sin(TURNED), axis=1)
    down = np.ptp(y * np.cos(TURNED) - x * np.sin(TURNED), axis=1)
    n_missing = (across * down).min() - np.count_nonzero(filled)
    return bool(n_missing < CORNERS * min(filled.shape) ** 2)
