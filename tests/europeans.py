"""Ones with a flag and sevens with a bar, as they are written in Europe, drawn from strokes."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image, ImageDraw

STROKES = {
    1: [[(60, 110), (125, 45), (125, 205)]],
    7: [[(60, 50), (170, 50), (105, 205)], [(75, 125), (160, 120)]],
}


def drawn(digit: int, rng: random.Random) -> Image.Image:
    picture = Image.new("L", (240, 240), 255)
    pen = ImageDraw.Draw(picture)
    lean, width = rng.uniform(-0.25, 0.25), rng.randint(10, 20)
    for stroke in STROKES[digit]:
        points = []
        for x, y in stroke:
            x, y = x + rng.uniform(-14, 14), y + rng.uniform(-14, 14)  # noqa: PLW2901 - a shaky hand
            points.append((x - lean * (y - 120), y))
        pen.line(points, fill=0, width=width, joint="curve")
        for x, y in points:
            ends = [x - width / 2, y - width / 2, x + width / 2, y + width / 2]
            pen.ellipse(ends, fill=0)
    return picture


def draw_europeans(folder: Path, n_each: int = 30) -> Path:
    """Write ``1_00.png``, ``7_00.png``, ``1_01.png``, ..."""
    folder.mkdir(parents=True)
    rng = random.Random(0)
    for number in range(n_each):
        for digit in STROKES:
            drawn(digit, rng).save(folder / f"{digit}_{number:02}.png")
    return folder
