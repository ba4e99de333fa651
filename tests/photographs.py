"""Pages filled with MNIST's digits, and what a telephone makes of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from mnistcli import sheets
from mnistcli.sheets import sheet_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]

DOTS = 6.0  # of the pages here, for each millimetre


class Filled(NamedTuple):
    page: Grey
    written: dict[tuple[int, int], Grey]


def empty_page() -> Grey:
    page = Image.open(io.BytesIO(sheet_file(".png"))).convert("L")
    size = round(DOTS * sheets.WIDTH), round(DOTS * sheets.HEIGHT)
    return np.array(page.resize(size, Image.Resampling.BOX))


def filled(rng, images, labels, *, n_empty=10, ink=(10, 110), size=(6.5, 12.5)) -> Filled:
    """Write a digit into every box but a few, each as large as it likes and where it likes."""
    page, written = empty_page(), {}
    every = list(np.ndindex(sheets.N_ROWS, sheets.N_COLUMNS))
    empty = rng.choice(len(every), n_empty, replace=False)
    for i, (row, column) in enumerate(every):
        if i in empty:
            continue
        digit = images[rng.choice(np.flatnonzero(labels == column))]
        written[row, column] = digit
        side = round(DOTS * rng.uniform(*size) * 28 / 20)
        large = np.asarray(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC))
        large = large[np.ix_(large.max(axis=1) > 20, large.max(axis=0) > 20)] / 255
        left, top, *_ = sheets.box_at(row, column, DOTS)
        room = [DOTS * (sheets.BOX - 2.4) - n for n in large.shape]
        top, left = (
            round(edge + 1.2 * DOTS + rng.uniform(0, max(0, free)))
            for edge, free in zip((top, left), room, strict=True)
        )
        part = page[top : top + large.shape[0], left : left + large.shape[1]]
        level = rng.uniform(*ink)
        part[:] = np.minimum(part, 255 - (255 - level) * large)
    return Filled(page, written)


def folded(page, at, axis, *, slant=1.5, dark=0.3, wide=0.3) -> Grey:
    """Fold a page across, at so many millimetres: the paper is darker there, and beside it."""
    along, across = (np.indices(page.shape) + 0.5)[:: 1 if axis else -1] / DOTS
    beside = across - at - slant * (along / along.max() - 0.5)
    light = 1 - dark * np.exp(-((beside / wide) ** 2))
    light *= np.where(beside > 0, 1 - 0.1 * np.exp(-np.abs(beside) / 20), 1)
    return (page * light).astype(np.uint8)


def table(rng, height, width, kind) -> NDArray[np.float64]:
    """A surface for the page to lie on: wood, a checked cloth, or one colour with noise."""
    y, x = np.mgrid[:height, :width] / width
    if kind == "cloth":
        turn = rng.uniform(0, 1.5)
        u, v = (
            (np.cos(turn) * x - np.sin(turn) * y) * 25,
            (np.sin(turn) * x + np.cos(turn) * y) * 25,
        )
        return np.where((u.astype(int) + v.astype(int)) % 2, 225.0, 40.0)
    if kind == "wood":
        rings = np.sin(60 * (y + 0.1 * np.sin(3 * x + rng.uniform(0, 6)) + 0.02 * np.sin(31 * x)))
        return 110 + 35 * rings + rng.normal(0, 8, (height, width))
    return np.full((height, width), rng.uniform(20, 235)) + rng.normal(0, 6, (height, width))


def photographed(
    rng,
    page,
    *,
    shape=(2000, 1500),
    turn=None,
    tilt=0.12,
    bend=1.5,
    kind="wood",
    shade=0.4,
    blur=0.8,
    noise=4.0,
    quality=80,
    fills=(0.75, 0.92),
) -> bytes:
    """Photograph a page: turned by any angle, in perspective, bent, shaded, blurred; as JPEG."""
    height, width = shape
    turn = rng.uniform(0, 2 * np.pi) if turn is None else turn
    middle = np.array([sheets.WIDTH / 2, sheets.HEIGHT / 2])
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * middle
    rotated = corners @ np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
    rotated += rng.uniform(-tilt, tilt, (4, 2)) * sheets.WIDTH / 2
    low, high = rotated.min(axis=0), rotated.max(axis=0)
    scale = rng.uniform(*fills) * min(width / (high - low)[0], height / (high - low)[1])
    spare = np.array([width, height]) - scale * (high - low)
    to = (rotated - low) * scale + spare * rng.uniform(0.1, 0.9, 2)
    page = np.asarray(
        Image.fromarray(page).filter(ImageFilter.GaussianBlur(float(0.4 * DOTS / scale)))
    )
    back = _homography(to, corners + middle)
    y, x = (np.indices(shape) + 0.5).astype(np.float32)
    u, v, w = (row[0] * x + row[1] * y + row[2] for row in back.tolist())
    u, v = u / w, v / w
    # Paper that bulges: what is seen of a place lies a little beside it, least at the corners.
    bulge = np.sin(np.pi * (v / sheets.HEIGHT).clip(0, 1)) * bend
    u, v = u + bulge * np.sin(np.pi * (u / sheets.WIDTH).clip(0, 1)) * 0.7, v + bulge
    on_page = (u > 0) & (v > 0) & (u < sheets.WIDTH) & (v < sheets.HEIGHT)
    i, j = (
        (DOTS * v - 0.5).clip(0, page.shape[0] - 1.01),
        (DOTS * u - 0.5).clip(0, page.shape[1] - 1.01),
    )
    r, c = i.astype(int), j.astype(int)
    f, g = i - r, j - c
    paper = (1 - f) * ((1 - g) * page[r, c] + g * page[r, c + 1]) + f * (
        (1 - g) * page[r + 1, c] + g * page[r + 1, c + 1]
    )
    picture = np.where(on_page, 20 + 210 / 255 * paper, table(rng, height, width, kind))
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * (x / width - 0.5) + np.sin(angle) * (y / height - 0.5)
    light = 1 - shade / 2 * (1 + slope)
    light *= np.where(slope > rng.uniform(-0.3, 0.3), 1 - shade / 2, 1)  # the edge of a shadow
    image = Image.fromarray((picture * light).clip(0, 255).astype(np.uint8))
    image = np.asarray(image.filter(ImageFilter.GaussianBlur(blur))) + rng.normal(0, noise, shape)
    buffer = io.BytesIO()
    Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _homography(start, end) -> NDArray[np.float64]:
    rows = []
    for (x, y), (u, v) in zip(start, end, strict=True):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
    return np.append(np.linalg.solve(rows, end.ravel()), 1).reshape(3, 3)
