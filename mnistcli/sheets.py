"""A page to write digits on, and the photograph of a page -> labelled images.

Every corner of the page has a black mark, and the one above on the left a hole. Four marks make a
homography, which undoes perspective; that the frames of the boxes are found then, near where they
should be, says that it is a page, and how its paper bends.
"""

import io
from collections.abc import Collection, Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np

from mnistcli.arrays import Bools, Bytes, Float64s
from mnistcli.conforming.operations import box_mean, pieces_of, quantile, shrink, span, window_max
from mnistcli.conforming.placing import conform
from mnistcli.conforming.types import Ink
from mnistcli.errors import BadImageError
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.pictures import Grey

_Edges = tuple[int, int, int, int]  # left, top, right, bottom

DOTS_PER_INCH = 300
INSTRUCTION = (
    "Write each digit in the box below it. Photograph the page with its four black corners."
)
# What a photograph is made smaller to before it is read, and pixels for a millimetre of the page.
PHOTOGRAPH_SIDE, SCALE = 2000, 6

# Marks are looked for with about so many pixels a side, are no larger than this share of it and no
# smaller than so many pixels, and so dark, between paper and black.
_SIDE, _LARGEST_MARK, _LEAST_AREA, _DARK = 1000, 0.1, 30, 0.45
# Area over 12 times the root of the determinant of the covariance: 1 for every parallelogram, 0.54
# for one with the hole of ours, 1.05 for an ellipse, less for letters.
_SOLID, _HOLLOW = (0.9, 1.1), (0.35, 0.78)
# Digits written large are hollow, and larger than a mark: 0, 6, 8 and 9 in twelve rows each.
_MOST_HOLLOW, _MOST_SOLID, _MOST_ANSWERS = 60, 24, 6

# Millimetres: how far a frame may be from its place, what is wider is shade and no ink, what is
# left away inside a frame, the least digit, and the largest speck.
_REACH, _WIDEST, _INSET, _LEAST_DIGIT, _SPECK = 4.0, 17.0, 0.8, 2.5, 0.7
# A fold: how dark it is at least, what it darkens beside it, and how slanting it may cross a page.
_FOLD, _FOLD_REACH, _FOLD_SLANT = 0.05, 1.5, 5.0
# What a frame's line is darker than what is around it, and the share of frames that must be found.
_LINE, _LEAST_FRAMES = 0.06, 0.5
# Ink is at least so dark, and so many times the noise of the paper; a stroke this share of the
# darkest. Paper has this quantile in a box, so that a fat digit does not count as paper.
_FAINTEST, _ABOVE_NOISE, _STROKE, _PAPER = 0.12, 4.0, 0.35, 0.4

_HINT = (
    "photograph the whole page from above, its four black corners included, in even light; "
    "mnistcli sheet writes one to print"
)


# Where everything lies, in millimetres on A4; the margins leave all of it on US letter.
N_ROWS, N_COLUMNS = 12, 10
WIDTH, HEIGHT, BOX, _MARK, _HOLE = 210.0, 297.0, 15.0, 8.0, 4.4
_GAPS = 3.0, 5.0  # between boxes side by side, and one above the other
_FREE = 0.4, 1.3  # of a gap, between the box before it and the digit that is printed there
# The centres of the marks, x and y, clockwise from the one with a hole.
_LEFT, _TOP = 20.5, 21.5
_RIGHT, _BOTTOM = WIDTH - _LEFT, HEIGHT - _TOP
MARKS = np.array([(_LEFT, _TOP), (_RIGHT, _TOP), (_RIGHT, _BOTTOM), (_LEFT, _BOTTOM)])


def box_at(row: int, column: int, scale: float) -> _Edges:
    """Return where to write, in so many dots for a millimetre."""
    left, top = 16.5 + (BOX + _GAPS[0]) * column, 32 + (BOX + _GAPS[1]) * row
    edges = left, top, left + BOX, top + BOX
    x, y, right, bottom = (round(scale * edge) for edge in edges)
    return x, y, right, bottom


def sheet_file(suffix: str) -> bytes:
    """Draw the page as a file: ".pdf" or ".png", in black and white."""
    from PIL import Image, ImageDraw, ImageFont

    scale = DOTS_PER_INCH / 25.4
    page = Image.new("L", (round(WIDTH * scale), round(HEIGHT * scale)), 255)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(3.7 * scale)
    squares = [*((_MARK, 0, at) for at in MARKS), (_HOLE, 255, MARKS[0])]
    for side, ink, at in squares:
        pen.rectangle([*scale * (at - side / 2), *scale * (at + side / 2)], fill=ink)
    pen.text((page.width / 2, MARKS[0, 1] * scale), INSTRUCTION, 0, font, "mm")
    for row, column in np.ndindex(N_ROWS, N_COLUMNS):
        left, top, right, bottom = box_at(row, column, scale)
        pen.rectangle((left, top, right, bottom), outline=0, width=2)
        pen.text(((left + right) / 2, top - 0.9 * scale), str(column), 0, font, "ms")
    file, dpi = io.BytesIO(), (DOTS_PER_INCH, DOTS_PER_INCH)
    # Letters have grey edges; two levels make a file of a tenth of the size.
    page = page.point([0] * 128 + [255] * 128, "1")
    page.save(file, suffix.removeprefix(".").upper(), dpi=dpi, resolution=DOTS_PER_INCH)
    return file.getvalue()


class SheetRead(NamedTuple):
    """What was written on a page."""

    images: Grey  # of shape (n, 28, 28)
    labels: Bytes
    boxes: tuple[tuple[int, int], ...]  # the row and the column of each, from 0
    names: tuple[str, ...]  # "page.jpg row 1, digit 0"
    empties: tuple[tuple[int, int], ...]  # where nothing was written
    failures: tuple[tuple[str, str], ...]  # what cannot be read, and why
    page: Grey  # upright, flat and evenly lit
    frames: dict[tuple[int, int], _Edges]  # where each box lies in it


def read_sheet(grey: Grey, *, source: str = "image") -> SheetRead:
    """Read the photograph of a page: turned, in perspective, bent, shaded.

    Raises BadImageError where the page is not found in it, or not all of it.
    """
    ink, frames = _flattened(grey, source)
    insides = _insides(ink, frames)
    smooth = [box_mean(inside, 3) for inside in insides]
    levels = [quantile(each, _PAPER) for each in smooth]
    noise = [1.4826 * quantile(np.abs(each - quantile(each, 0.5)), 0.5) for each in smooth]
    # In the usual box: one that is full of ink says nothing of the paper.
    paper = float(np.median(levels)) + _FAINTEST, float(np.median(noise))
    images, boxes, names, empties, failures = [], [], [], [], []
    for (row, column), inside in zip(frames, insides, strict=True):
        digit = _digit_in(inside, *paper)
        where = f"{source} row {row + 1}, digit {column}"
        if digit is None:
            empties.append((row, column))
            continue
        try:
            images.append(conform(digit, source=where).image)
            boxes.append((row, column))
            names.append(where)
        except BadImageError as error:
            failures.append((where, error.problem))
    digits = np.array(images, np.uint8).reshape(-1, *IMAGE_SHAPE)
    labels = np.array([column for _, column in boxes], np.uint8)
    page = (255 - 255 * np.where(ink < _FAINTEST, 0, ink)).clip(0, 255).astype(np.uint8)
    of_boxes = tuple(boxes), tuple(names), tuple(empties), tuple(failures)
    return SheetRead(digits, labels, *of_boxes, page, frames)


def picture_of(read: SheetRead, doubted: Collection[int] = ()) -> Bytes:
    """Draw what was taken for what: the page, and in its boxes what was read, with its label.

    The indices of ``doubted`` images tell which of them to mark as such.
    """
    from PIL import Image, ImageDraw, ImageFont

    page = Image.fromarray(read.page).convert("RGB")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(4 * SCALE)
    taken, uncertain, failed = (0, 140, 60), (230, 140, 0), (224, 48, 36)
    for at in read.frames.keys() - set(read.empties):
        pen.rectangle(read.frames[at], outline=failed, width=4)
    for i, (image, label, at) in enumerate(zip(read.images, read.labels, read.boxes, strict=True)):
        colour = uncertain if i in doubted else taken
        left, top, right, bottom = read.frames[at]
        page.paste(Image.fromarray(image).resize((right - left, bottom - top)), (left, top))
        pen.rectangle(read.frames[at], outline=colour, width=4)
        pen.text((right, top - 4), str(label), colour, font, "rs")
    return np.asarray(page)


def _insides(ink: Ink, frames: dict[tuple[int, int], _Edges]) -> list[Ink]:
    """Return what is inside of each frame, without the folds of the paper."""
    left_of, above, side = round(_GAPS[0] * SCALE), round(_GAPS[1] * SCALE), round(BOX * SCALE)
    height, width = above + side, left_of + side
    page = np.empty((N_ROWS * height, N_COLUMNS * width), np.float32)
    cells = page.reshape(N_ROWS, height, N_COLUMNS, width).swapaxes(1, 2)
    for (row, column), (left, top, right, bottom) in frames.items():
        cells[row, column] = ink[top - above : bottom, left - left_of : right]
    _unfold(page, width, left_of)
    _unfold(page.T, height, above)
    inset = round(_INSET * SCALE)
    inside = np.s_[above + inset : height - inset, left_of + inset : width - inset]
    return [cells[at][inside] for at in frames]


def _unfold(page: Ink, pitch: int, gap: int) -> None:
    """Take off, in place, dark lines that cross cells and the gaps before them from side to side.

    There is nothing between the boxes that could do so but a fold.
    """
    height, width = page.shape
    reach, slant = round(_FOLD_REACH * SCALE), round(_FOLD_SLANT * SCALE)
    free = slice(round(_FREE[0] * SCALE), round(_FREE[1] * SCALE))
    smooth = box_mean(page, 3).reshape(height, -1, pitch)
    gaps = np.median(smooth[:, :, free], axis=2).T
    gaps -= np.median(gaps, axis=1, keepdims=True)
    n = len(gaps)
    at, slopes = (np.arange(n) + gap / pitch / 2) / n - 0.5, np.arange(-slant, slant + 1)
    rows = np.arange(height) + np.rint(slopes[:, None] * at).astype(int)[:, :, None]
    near, columns = np.arange(-reach, reach + 1), np.arange(width)
    cells = columns // pitch
    while True:
        lines = gaps[np.arange(n)[:, None], rows.clip(0, height - 1)]
        strengths = np.partition(lines, n // 5, axis=1)[:, n // 5]
        best, start = np.unravel_index(strengths.argmax(), strengths.shape)
        if strengths[best, start] < _FOLD:
            return
        places = (rows[best, :, start, None] + near).clip(0, height - 1)
        levels = np.take_along_axis(gaps, places, axis=1).clip(0, 0.8)
        np.put_along_axis(gaps, places, 0.0, axis=1)
        level = (levels[cells] + levels[np.minimum(cells + 1, n - 1)]) / 2
        course = np.rint(start + slopes[best] * (columns / width - 0.5)).astype(int)
        line = (course[:, None] + near).clip(0, height - 1), columns[:, None]
        page[line] = 1 - (1 - page[line]) / (1 - level)


def _digit_in(ink: Ink, highest: float, noise: float) -> Grey | None:
    """Return what is written in a box as dark on white, None where nothing is."""
    ink = ink - np.float32(min(quantile(ink, _PAPER), highest))
    smooth = box_mean(ink, 3)
    peak = float(smooth.max())
    if peak < max(_FAINTEST, _ABOVE_NOISE * noise):
        return None
    pieces = pieces_of(smooth > max(_STROKE * peak, 0.6 * _ABOVE_NOISE * noise))
    short, long = (f(pieces.height, pieces.width) / SCALE for f in (np.minimum, np.maximum))
    # At the rim what is thin is a line of the frame, and what is short belongs to a neighbour.
    is_rest = pieces.at_border & ((short <= _SPECK) | (long <= _LEAST_DIGIT))
    kept = pieces.mask((long > _SPECK) & ~is_rest)
    if not kept.any():
        return None
    rows, columns = span(kept, 0), span(kept, 1)
    if max(rows.stop - rows.start, columns.stop - columns.start) < _LEAST_DIGIT * SCALE:
        return None
    # The soft edges of its strokes belong to a digit.
    near = box_mean(kept.astype(np.float32), SCALE | 1) > 0
    levels = np.where(near, 255 * (1 - ink / peak), 255).clip(0, 255).astype(np.uint8)
    return np.pad(levels, max(ink.shape) // 4, constant_values=255)


def _flattened(grey: Grey, source: str) -> tuple[Ink, dict[tuple[int, int], _Edges]]:
    """Undo the perspective; return the ink of the page and where its boxes are."""
    from PIL import Image

    photograph = Image.fromarray(grey)
    size = round(WIDTH * SCALE), round(HEIGHT * SCALE)
    middle, found = np.array([WIDTH / 2, HEIGHT / 2, 1]), None
    for matrix in _homographies(grey):
        if found:
            x, y, depth = np.linalg.solve(found[0], matrix @ middle)
            if 0 < x / depth < WIDTH and 0 < y / depth < HEIGHT:
                continue  # the same page, by other marks
        # From pixels of the page, not millimetres.
        numbers = (matrix / matrix[2, 2] / np.array([SCALE, SCALE, 1])).ravel()[:8].tolist()
        how = Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BICUBIC
        page = np.asarray(photograph.transform(size, *how), np.float32)
        ink = _darkness(page, round(_WIDEST * SCALE / 2))
        if frames := _frames(ink):
            if found:
                raise BadImageError(source, "shows two pages", hint="photograph each page alone")
            found = matrix, ink, frames
    if not found:
        raise BadImageError(source, "its four corner marks are not found", hint=_HINT)
    return found[1:]


def _darkness(grey: Ink, reach: int) -> Ink:
    """Return how much darker than the paper each pixel is, from 0 to 1.

    Paper is what stays when everything dark and narrower than twice the reach is closed.
    """
    paper = -window_max(-window_max(box_mean(grey, 3), reach), reach)
    return (1 - grey / np.maximum(paper, 1)).astype(np.float32, copy=False)


def _frames(ink: Ink) -> dict[tuple[int, int], _Edges]:
    """Find the frame of every box near to where it should be; none where too few are seen."""
    shape, smooth = (N_ROWS, N_COLUMNS), box_mean(ink, 3)
    places = [box_at(row, column, SCALE) for row, column in np.ndindex(shape)]
    shifts = np.array([_shift(smooth, *place) for place in places]).reshape(*shape, 2)
    seen = np.isfinite(shifts).all(axis=2)
    frames: dict[tuple[int, int], _Edges] = {}
    if seen.mean() < _LEAST_FRAMES:
        return frames
    for row, column in np.ndindex(shape):
        # What its neighbours say protects against a stroke that was taken for a line.
        near = slice(max(0, row - 1), row + 2), slice(max(0, column - 1), column + 2)
        known = shifts[near][seen[near]]
        dx, dy = np.median(known, axis=0).round().astype(int).tolist() if len(known) else (0, 0)
        left, top, right, bottom = places[row * N_COLUMNS + column]
        frames[row, column] = (left + dx, top + dy, right + dx, bottom + dy)
    return frames


def _shift(ink: Ink, left: int, top: int, right: int, bottom: int) -> list[float]:
    """Return how far right and down a frame is from its place; NaN where it is not seen."""
    reach, side, shifts = round(_REACH * SCALE), right - left, []
    inner = side // 6
    for piece in (
        ink[top + inner : bottom - inner, left - reach : right + reach + 1],
        ink[top - reach : bottom + reach + 1, left + inner : right - inner].T,
    ):
        # A line is dark nearly all along, a stroke is not.
        profile = np.partition(piece, len(piece) // 4, axis=0)[len(piece) // 4]
        # Both sides of the frame: each alone may be the line of a neighbour.
        both = np.minimum(profile[: 2 * reach + 1], profile[side:])
        best = int((both - 0.001 * np.abs(np.arange(-reach, reach + 1))).argmax())
        is_seen = both[best] - np.median(both) > _LINE
        shifts.append(float(best - reach) if is_seen else np.nan)
    return shifts


def _homographies(grey: Grey) -> Iterator[Float64s]:
    """Yield matrices that take millimetres on the page to pixels, the likeliest first."""
    k = max(1, round(max(grey.shape) / _SIDE))
    small = shrink(grey, k)
    points, areas, is_hollow = _blobs(_darkness(small, round(_LARGEST_MARK / 2 * max(small.shape))))
    solid, hollow = np.flatnonzero(~is_hollow), np.flatnonzero(is_hollow)
    fours = []
    for first in hollow[np.argsort(-areas[hollow])[:_MOST_HOLLOW]].tolist():
        unlike = np.abs(np.log(areas[solid] / areas[first]))
        near = solid[np.argsort(unlike)[: min(_MOST_SOLID, int((unlike < np.log(4)).sum()))]]
        fours += [(first, *three) for three in combinations(near.tolist(), 3)]
    if not fours:
        return
    four = np.array(fours)
    x, y = np.moveaxis(points[four] - points[four].mean(axis=1, keepdims=True), 2, 0)
    turn = np.arctan2(y, x)  # clockwise, as y goes down
    order = np.argsort((turn - turn[:, :1]) % (2 * np.pi), axis=1)
    four = np.take_along_axis(four, order, axis=1)
    corners = np.concatenate([points[four], np.ones((len(four), 4, 1))], axis=2).swapaxes(1, 2)
    is_triangle = np.linalg.det(corners[:, :, :3]) > 1
    four, corners = four[is_triangle], corners[is_triangle]
    page = np.concatenate([MARKS.T, np.ones((1, 4))])
    found = _basis(corners) @ np.linalg.inv(_basis(page))
    # The area of a mark says how near it is, which must be as near as the homography has it.
    with np.errstate(all="ignore"):
        found /= found[:, 2:, 2:]
        depth = found[:, 2] @ page
        ratios = areas[four] * depth**3 / (np.linalg.det(found)[:, None] * _MARK**2)
        good = ((depth > 0) & (ratios > 0)).all(axis=1)
        errors = np.abs(np.log(ratios[good])).sum(axis=1)
    for i in np.argsort(errors)[:_MOST_ANSWERS]:
        yield np.diag([k, k, 1.0]) @ found[good][i]


def _basis(corners: Float64s) -> Float64s:
    """Return what takes (1, 0, 0), (0, 1, 0), (0, 0, 1) and (1, 1, 1) to four corners."""
    three, fourth = corners[..., :3], corners[..., 3:]
    return np.asarray(three * np.linalg.solve(three, fourth).swapaxes(-1, -2))


def _blobs(ink: Ink) -> tuple[Float64s, Float64s, Bools]:
    """Find what may be marks: where, how large with their hole, and whether they have one."""
    dark = ink > _DARK
    pieces = pieces_of(dark)
    places = np.indices(ink.shape).astype(np.float64)
    y, x, area = places[0], places[1], pieces.area.astype(np.float64)
    cy, cx = pieces.sums(y) / area, pieces.sums(x) / area
    # A pixel is a square too, with a variance of its own.
    yy = pieces.sums(y * y) / area - cy * cy + 1 / 12
    xx = pieces.sums(x * x) / area - cx * cx + 1 / 12
    xy = pieces.sums(x * y) / area - cx * cy
    determinant = np.maximum(xx * yy - xy * xy, 1e-3)
    size = 12 * np.sqrt(determinant)
    # Nothing else is near a mark: of a checked cloth every square has neighbours.
    sums = np.pad(dark, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    (top, bottom), (left, right) = (
        (c + 0.5 + np.array([[-0.75], [0.75]]) * np.sqrt(size)).round().astype(int).clip(0, n)
        for c, n in zip((cy, cx), ink.shape, strict=True)
    )
    around = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    is_mark = (area >= _LEAST_AREA) & (around < 1.1 * area)
    is_open = ink[cy.round().astype(int), cx.round().astype(int)] <= _DARK
    is_hollow = is_open & (area > _HOLLOW[0] * size) & (area < _HOLLOW[1] * size)
    is_mark &= is_hollow | ((area > _SOLID[0] * size) & (area < _SOLID[1] * size))
    whole = np.where(is_hollow, area / (1 - (_HOLE / _MARK) ** 2), area)
    return np.stack([cx, cy], axis=1)[is_mark] + 0.5, whole[is_mark], is_hollow[is_mark]
