"""Draw the dataset ``europeans`` anew: ``python -m tests.builtin.europeans``.

Ones with a flag, some with a foot, and sevens with and without a bar, as they are written in Europe
and hardly ever in MNIST. A pen draws them on paper of 240 x 240 pixels; they become images as any
other picture does. Prints what ``datasets/catalog.json`` says of the files: another version of Pillow
may draw other bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import random

import numpy as np
from PIL import Image, ImageDraw

from mnistcli.conforming.placing import conform
from mnistcli.datasets.catalog import CATALOG
from mnistcli.datasets.sources import BUNDLE

Point = tuple[float, float]

N_ONES, N_SEVENS = 1200, 800
SIDE = 240
POINTS = [i / 12 for i in range(13)]  # of a curve


def curve(start: Point, end: Point, bend: float) -> list[Point]:
    """Return points from start to end, bent aside by half of so much of their distance."""
    (x0, y0), (x1, y1) = start, end
    x, y = (x0 + x1) / 2 - bend * (y1 - y0), (y0 + y1) / 2 + bend * (x1 - x0)
    return [
        ((1 - t) ** 2 * x0 + 2 * t * (1 - t) * x + t * t * x1,
         (1 - t) ** 2 * y0 + 2 * t * (1 - t) * y + t * t * y1)
        for t in POINTS
    ]  # fmt: skip


def one(rng: random.Random) -> list[list[Point]]:
    """Return the strokes of a one of height 1, its top at (0, 0)."""
    foot = rng.gauss(0, 0.03), 1.0
    length = rng.uniform(0.15, 0.9)
    angle = math.radians(rng.uniform(20, 70 - 35 * length))  # a long flag is a steep one
    flag = -length * math.sin(angle), length * math.cos(angle)
    strokes = [curve(flag, (0, 0), rng.gauss(0, 0.08)) + curve((0, 0), foot, rng.gauss(0, 0.03))]
    if length < 0.5 and rng.random() < 0.5:
        left = foot[0] - rng.uniform(0.1, 0.4), 1 + rng.gauss(0, 0.03)
        right = foot[0] + rng.uniform(0.1, 0.4), 1 + rng.gauss(0, 0.03)
        strokes.append(curve(left, right, rng.gauss(0, 0.03)))
    return strokes


def seven(rng: random.Random) -> list[list[Point]]:
    """Return the strokes of a seven of height 1, its right corner at (0, 0)."""
    width = rng.uniform(0.4, 0.75)
    left, foot = (-width, rng.gauss(0, 0.05)), (-width * rng.uniform(0.3, 1), 1.0)
    strokes = [curve(left, (0, 0), rng.gauss(0, 0.06)) + curve((0, 0), foot, rng.gauss(0.03, 0.06))]
    if rng.random() < 0.3:
        end = left[0] + rng.gauss(0, 0.03), left[1] + rng.uniform(0.05, 0.25)
        strokes[0] = curve(end, left, rng.gauss(0, 0.1)) + strokes[0]
    if rng.random() < 0.7:
        height = rng.uniform(0.4, 0.6)
        middle, slope = foot[0] * height, rng.gauss(0, 0.05)
        before, behind = rng.uniform(0.12, 0.35), rng.uniform(0.12, 0.35)
        strokes.append([(middle - before, height + slope), (middle + behind, height - slope)])
    return strokes


def written(strokes: list[list[Point]], rng: random.Random) -> Image.Image:
    """Write strokes on paper in dark ink, by a hand that leans and a pen that is thin or thick."""
    side = 2 * SIDE  # and then half as large: soft edges
    lean, narrow = rng.gauss(0.08, 0.15), rng.uniform(0.85, 1.15)
    height = side * rng.uniform(0.5, 0.75)
    pen = height * rng.uniform(0.05, 0.14)
    leaning = [[(narrow * x - lean * (y - 0.5), y) for x, y in stroke] for stroke in strokes]
    across = [x for stroke in leaning for x, _ in stroke]
    middle = (min(across) + max(across)) / 2
    paper = Image.new("L", (side, side), 255)
    draw = ImageDraw.Draw(paper)
    for stroke in leaning:
        points = [
            (side / 2 + height * (x - middle), side / 2 + height * (y - 0.5)) for x, y in stroke
        ]
        draw.line(points, fill=0, width=round(pen), joint="curve")
        for x, y in points:
            draw.ellipse([x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2], fill=0)
    return paper.resize((SIDE, SIDE), Image.Resampling.BOX)


def main() -> None:
    rng = random.Random(1)
    drawn = [(1, one(rng)) for _ in range(N_ONES)] + [(7, seven(rng)) for _ in range(N_SEVENS)]
    rng.shuffle(drawn)
    images = np.stack([conform(np.asarray(written(strokes, rng))).image for _, strokes in drawn])
    labels = np.array([digit for digit, _ in drawn], dtype=np.uint8)
    arrays = images, labels, images[:0], labels[:0]
    files = []
    for part, array in zip(CATALOG["europeans"].parts, arrays, strict=True):
        header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes()
        packed = gzip.compress(header + array.tobytes(), mtime=0)
        (BUNDLE / part.file.name).write_bytes(packed)
        known = {"name": part.file.name, "checksum": f"sha256:{hashlib.sha256(packed).hexdigest()}"}
        known |= {"n_bytes": len(packed), "payload_sha256": hashlib.sha256(array).hexdigest()}
        files.append(known)
    print(json.dumps(files, indent=2))


if __name__ == "__main__":
    main()
