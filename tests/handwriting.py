"""Strokes as somebody might draw them on a canvas of 160 x 160 pixels."""

from __future__ import annotations

import numpy as np

SIDE = 160

# In a box from (-1, -1) to (1, 1): the corners of each stroke, which are rounded off.
DIGITS = {
    0: [[(0.1, -1), (-0.6, -0.5), (-0.6, 0.5), (0, 1), (0.6, 0.5), (0.6, -0.5), (0, -1)]],
    1: [[(-0.3, -0.5), (0.1, -1), (0.1, 1)]],
    2: [[(-0.6, -0.6), (0, -1), (0.6, -0.5), (-0.6, 1), (0.7, 1)]],
    3: [[(-0.6, -0.8), (0.1, -1), (0.5, -0.5), (-0.1, 0), (0.6, 0.5), (0, 1), (-0.6, 0.8)]],
    4: [[(-0.1, -1), (-0.6, 0.2), (0.7, 0.2)], [(0.4, -0.4), (0.3, 1)]],
    5: [[(-0.4, -0.9), (-0.5, -0.1), (0.3, -0.1), (0.6, 0.5), (0, 1), (-0.6, 0.8)],
        [(-0.3, -1), (0.6, -1)]],
    6: [[(0.4, -1), (-0.4, -0.2), (-0.6, 0.6), (0, 1), (0.5, 0.5), (0, 0), (-0.5, 0.5)]],
    7: [[(-0.6, -1), (0.6, -1), (-0.2, 1)], [(-0.3, 0), (0.5, 0)]],
    8: [[(0.5, -0.7), (0, -1), (-0.5, -0.5), (0.5, 0.5), (0, 1), (-0.5, 0.5), (0.5, -0.6)]],
    9: [[(0.5, -0.5), (0, -0.1), (-0.5, -0.5), (0, -1), (0.5, -0.6), (0.3, 1)]],
}  # fmt: skip


def strokes_of(digit: int, rng: np.random.Generator) -> list[list[list[float]]]:
    """Draw a digit anew: its strokes, each a list of points [x, y]."""
    slant, turn = rng.normal(0, 0.2), rng.normal(0, 0.1)
    height = rng.uniform(12, 68)
    width = height * rng.uniform(0.6, 1.2)
    centre = [rng.uniform(height, SIDE - height) if height < 75 else 80 for _ in range(2)]
    across = np.array([[width, -slant * height], [width * turn, height]])
    strokes = []
    for corners in DIGITS[digit]:
        points = np.array(corners) + rng.normal(0, 0.07, (len(corners), 2))
        at = np.linspace(0, len(points) - 1, 12 * len(points))
        line = np.stack([np.interp(at, range(len(points)), each) for each in points.T])
        line = np.stack(
            [np.convolve(np.pad(each, 4, "edge"), np.ones(9) / 9, "valid") for each in line]
        )
        strokes.append((across @ line + np.array(centre)[:, None]).T.round(2).tolist())
    return strokes
