"""What is drawn on cards: pieces of paper on a desk, or the tiles of a figure."""

from typing import NamedTuple

import numpy as np

from mnistcli.conforming.operations import (
    enlarge,
    fill_holes,
    has_square,
    median,
    pad,
    pieces_of,
    rim_of,
    window_max,
)
from mnistcli.conforming.types import Ink, Mask
from mnistcli.pictures import Grey

# A card has so many pixels a side, and such a share of the picture's. It is a rectangle, turned by a
# few degrees, in whose corners no more is missing than such a share of a square of its shorter side:
# nothing round is. Its edge is such a share of that side.
LEAST_CARD, SMALLEST, CORNERS, EDGE = 12, 0.04, 0.1, 0.05
TURNED = np.deg2rad(np.arange(-10, 11, 2))[:, None]
# What is drawn on one differs from it by so much, is so high, as a share of it, and holds no square
# of such a share of that side, as the hole of a 0 does.
DRAWN, LEAST_DRAWN, MOST_FILLED = 32, 0.25, 0.4
# As far around it as such a share of that side, so much is desk, and not another cell of a table, or
# beyond the border of the picture.
AROUND, DESK = 0.1, 0.7
# Cards and desk have such a share of a picture at least, looked at in every so many pixels, and differ
# by so much.
SHARE, EVERY, CONTRAST = 0.05, 4, 48
INK = 200  # so much darker than white paper, or lighter than black, is what is drawn


class _Card(NamedTuple):
    """Where a card lies, what of it is not at its edge, and the levels of its paper and its ink."""

    box: tuple[slice, slice]
    inside: Mask
    paper: float
    ink: float

    def strength(self, part: Grey | Ink, k: int = 1) -> Ink:
        """Return how strong the ink is in its part of a picture, 0 to 1, each pixel k x k of them."""
        inside = enlarge(self.inside, k, part.shape)
        strength = (part.astype(np.float32) - self.paper) / (self.ink - self.paper)
        return np.where(inside, strength, np.float32(0)).clip(0, 1)


def drawn_on_cards(grey: Grey, picture: Ink, k: int) -> Grey | None:
    """Return what is drawn on several cards, or on a dark one, on white paper, or on black as they are.

    ``picture`` is reduced k times. What is beside the cards is left out. Returns None where there
    are none.
    """
    sample = picture[::EVERY, ::EVERY].ravel()
    n_least = int(SHARE * len(sample))
    low, high = np.partition(sample, (n_least, -n_least - 1))[[n_least, -n_least - 1]]
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
        drawn[part] = np.rint(np.abs(paper - INK * card.strength(grey[part], k)))
    return drawn


def _cards(picture: Ink, alike: Mask) -> list[_Card]:
    """Find the cards on which something is drawn among pixels that are alike."""
    pieces = pieces_of(window_max(~window_max(~alike, 1), 1))  # without what is thin
    shorter = np.minimum(pieces.height, pieces.width)
    is_large = shorter >= max(LEAST_CARD, SMALLEST * max(alike.shape))
    is_large &= 2 * pieces.area > pieces.height * pieces.width
    cards = []
    for i in np.flatnonzero(is_large).tolist():
        box, reach = pieces.box(i), 2 + round(AROUND * shorter[i])
        around = alike[tuple(slice(max(0, each.start - reach), each.stop + reach) for each in box)]
        desk = np.count_nonzero(~around) - np.count_nonzero(~alike[box])
        n_around = 2 * reach * (pieces.height[i] + pieces.width[i] + 2 * reach)
        is_on_desk = desk > DESK * n_around
        if is_on_desk and _is_rectangle(filled := fill_holes(alike[box])):
            inside = ~window_max(~pad(filled), 1 + round(EDGE * shorter[i]))[1:-1, 1:-1]
            if inside.any() and (card := _card(picture, box, inside)) is not None:
                cards.append(card)
    return cards


def _card(picture: Ink, box: tuple[slice, slice], inside: Mask) -> _Card | None:
    """Return a card; None where nothing is drawn on it, or more than strokes."""
    levels = picture[box][inside]
    paper = median(levels)
    card = _Card(box, inside, paper, float(levels[np.abs(levels - paper).argmax()]))
    if abs(card.ink - paper) < DRAWN:
        return None
    drawn = card.strength(picture[box]) > 0.5
    is_high = pieces_of(drawn).height.max(initial=0) > LEAST_DRAWN * len(inside)
    is_stroke = not has_square(drawn, int(MOST_FILLED * min(inside.shape)) + 1)
    return card if is_high and is_stroke else None


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
