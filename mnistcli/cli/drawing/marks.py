"""What a drawing is made of, in dots of 1/150 inch to the right of and below its corner.

A colour is a role, "ink" or "series-1": what it looks like says the theme of a file, or the style
sheet of a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MM_PER_DOT = 25.4 / 150
LETTER = 16.0

Points = list[tuple[float, float]]
Theme = dict[str, str]

# The series have Okabe and Ito's colours, which the colour-blind tell apart; in grey marks do it.
N_SERIES = 6
_ROLES = ("paper", "ink", "quiet", "line", "faint", "right", "wrong", "on-strong",
          *(f"series-{i}" for i in range(N_SERIES)))  # fmt: skip
_ON_WHITE = """#ffffff #1c1c1e #5c5f66 #dadad4 #9aa7b8 #1a5499 #d9442f #ffffff
               #0072b2 #d55e00 #009e73 #cc79a7 #5c5f66 #e69f00"""
_ON_BLACK = """#141416 #ececee #a2a5ad #36363c #55606f #7ab2f5 #e0604a #101012
               #56b4e9 #e8823a #2fc79a #e3a3c5 #a2a5ad #f0e442"""
LIGHT: Theme = dict(zip(_ROLES, _ON_WHITE.split(), strict=True))
DARK: Theme = dict(zip(_ROLES, _ON_BLACK.split(), strict=True))
# The corners of a disc, a square, a triangle and a diamond, by how much of the way to the next they
# are turned, and how far they are from the middle.
_SYMBOLS = ((24, 0.0, 5.5), (4, 0.5, 6.6), (3, 0.0, 7.4), (4, 0.0, 7.2))


@dataclass(frozen=True, slots=True)
class Path:
    """A line, or without a width an area; so much is its colour, the rest paper."""

    points: Points
    role: str
    width: float = 0.0
    strength: float = 1.0
    title: str = ""  # where a mouse rests


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text, whose foot is at a point."""

    points: Points
    text: str
    role: str = "ink"
    size: float = LETTER
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Pixels, signed or not, between two corners."""

    points: Points
    image: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """Marks, those that come later over the others."""

    width: float
    height: float
    marks: Sequence[Path | Words | Picture]
    title: str = ""


def symbol(x: float, y: float, number: int) -> Path:
    """Return the mark of a series."""
    n, turn, radius = _SYMBOLS[number % len(_SYMBOLS)]
    angles = 2 * np.pi * (np.arange(n) + turn) / n
    corners = np.stack([x + radius * np.sin(angles), y - radius * np.cos(angles)], axis=1)
    return Path([(x, y) for x, y in corners.tolist()], series_role(number))


def series_role(number: int) -> str:
    """Return what a series is coloured as."""
    return f"series-{number % N_SERIES}"


def together(
    drawings: Sequence[Drawing], gap: float, *, across: bool, margin: float = 0.0
) -> Drawing:
    """Put drawings side by side, or one below the other, with a margin around all."""
    marks: list[Path | Words | Picture] = []
    right = down = margin
    for each in drawings:
        marks += (
            replace(mark, points=[(x + right, y + down) for x, y in mark.points])
            for mark in each.marks
        )
        right += (each.width + gap) * across
        down += (each.height + gap) * (not across)
    width = right - gap if across else margin + max(each.width for each in drawings)
    height = margin + max(each.height for each in drawings) if across else down - gap
    title = "; ".join(each.title for each in drawings if each.title)
    return Drawing(width + margin, height + margin, marks, title)
