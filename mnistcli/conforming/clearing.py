"""Which ink is the digits': neither specks nor printed lines, bars, frames, or what reaches in."""

import numpy as np

from mnistcli.arrays import Places
from mnistcli.conforming.grouping import (
    DIGIT_HEIGHT,
    MAX_PIECES,
    SEVERAL,
    Group,
    grouped,
    usual_height,
)
from mnistcli.conforming.operations import (
    Pieces,
    box_mean,
    enlarged,
    largest_square,
    median,
    pieces_of,
    quantile,
    shrunk,
    window_max,
)
from mnistcli.conforming.types import FAINTEST_INK, Ink, Mask, NoDigitError

# Share of full ink that a piece must reach somewhere to be more than noise.
DARK = 0.4
# Share of the strongest piece from which another one is no speck; that touches no border where the
# others have such a share of all.
SPECK, LEAST_INNER = 0.02, 0.1
# Shares of full ink at which lines printed on paper are told from ink.
LINE_CUTS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6)
# The parts of a line that a digit interrupts are no more than this share of its length apart.
STEEPEST_LINE = 0.1
# Lines that do not span the page join what is apart at this share, or reach in to one digit.
STRONG = 0.3
# What is this faint, so far from strong ink in heights of a digit, and so much of it in areas of
# the strong ink, shines through the paper.
FAINT, FAINT_REACH, MOST_FAINT = 0.2, 1 / 12, 0.15
# A frame has a line in this share of its box along each side, over this share of its length, and
# fills no more of it; what is in it is longer than this share of its shorter side.
FRAME_BAND, FRAME_LENGTH, FRAME_FILL, LEAST_FRAMED = 0.08, 0.85, 0.85, 0.3
# A line that digits stand on is longer than so many times their height. What is left without it is
# a digit if it is so high, in heights of others, and narrower than so much of the line; both above
# and below lies hardly anything, unlike where digits touch each other.
UNDERLINE, STEP = 1.6, 8
LEAST_LEFT, WIDEST_LEFT, MOST_CROSSED = 0.7, 0.5, 0.4
# A line ruled across a page is longer than one of these shares of it, than so many times the height
# of its digits, which is more than a share of it, too, and than so many times its own thickness,
# and than the last of these times the height that hardly any ink of broad digits exceeds. A stroke
# that crosses it is so many times as long as it is thick, or so much darker.
RULED_LENGTHS, RULED, LEAST_RULED, SLENDER = (0.2, 0.4, 0.8), 2.5, 0.02, 20
CROSSING, DARKER, HIGHEST = 2, 1.5, 1.2
# Smaller pictures cannot show it. Where patches, shares of the page, are so full there is shadow or
# noise.
LEAST_STEPS, PATCH, FULL_PATCH = 5, 1 / 16, 0.9
# What fills so much of its box is a rectangle; no round digit does.
RECTANGLE = 0.96
# A 1 is longer for its width.
BAR = 3
# A line down most of the paper is thinner than the strokes on it, which are not that small: no 1.
MARGIN_LINE, LINE_LENGTH, LEAST_INSIDE = 0.4, 0.7, 0.15
# Printed words are lower than this share of the height that a tenth of the ink exceeds.
PRINT_HEIGHT = 0.55
# What parts the cells of a table is so many times as high as it is wide, and ends so near to lines,
# in its own heights.
RUNG, RUNG_GAP = 4, 0.1
# A binding is so many times as long as digits are high, or so many pieces whose sizes differ by such
# a share, in a line that leans no more, at distances that differ by such a share.
SPANNING, MANY, SAME, SLANTED, EVEN = 3, 12, 0.2, 0.05, 0.1
# Smaller ones cannot be told from digits.
MIN_FRAME = 24
# What is left of a box along the border that cut through it, in shares of the picture's side: so
# thick on average, and reaching in so far; in lengths of the digit it is longer. The corner of a
# box fills so little of its own.
SCRAP, SCRAP_REACH, SCRAP_LENGTH, CORNER_FILL = 0.1, 0.2, 1.2, 0.25
# A thumb at the border is so much thicker than strokes, of which so many are enough.
THICKER, ENOUGH_STROKES = 1.8, 40
# What touches the border, of a photograph or beside so many others, is a digit if it is as high.
AT_BORDER = (0.6, 1.5)


def groups_of(
    ink: Ink, noise: float, *, is_page: bool
) -> tuple[Ink, Pieces, list[Group], list[str]]:
    """Find the pieces of ink that are neither specks, lines nor frames, and group them.

    Returns the ink, too: without lines that touch digits.
    """
    pieces, keep, notes = inked(ink, noise)
    frames = _drop_frames(pieces, keep, ink)
    lines = _ruled_lines(ink, noise, has_frames=bool(frames)) if is_page else None
    least = _line_level(noise)
    if lines is None:
        lines, least = _touching_lines(pieces, keep, frames), 0.0
    if lines is not None:
        ink = np.where(lines, np.float32(0), ink)
        pieces, keep, _ = inked(ink, noise, least)
        _drop_rungs(pieces, keep, lines)
    if lines is not None or not keep[frames].all():
        notes.append("frame cut off" if frames else "lines ignored")
    _drop_bars(pieces, keep)
    _drop_scraps(pieces, keep)
    if noise > 0 or (keep & ~pieces.at_border).sum() >= SEVERAL:
        _drop_border(pieces, keep, ink)
    if is_page and keep.sum() < MAX_PIECES:
        _drop_binding(pieces, keep)
    groups, n_dropped = grouped(pieces, keep)
    if is_page:
        groups = _without_words(pieces, keep, groups)
    if n_dropped and not notes:
        notes.append("specks ignored")
    return ink, pieces, groups, notes


def inked(ink: Ink, noise: float, least: float = 0.0) -> tuple[Pieces, Mask, list[str]]:
    """Find pieces of ink, and which of them are more than specks."""
    seen = box_mean(ink, 3) if noise > FAINTEST_INK / 3 else ink
    floor = min(max(FAINTEST_INK, 3 * noise, least), LINE_CUTS[-2])
    first = _dark_pieces(seen, floor)
    n_high, is_inside = 0, False
    if noise > 0:
        pieces, keep, _ = _dark_pieces(seen, STRONG)
        n_high, strong = _count_high(pieces, keep), pieces.mask(keep)
        is_inside = n_high < SEVERAL and not (keep & pieces.at_border).any()
        reach = 1 + round(FAINT_REACH * usual_height(pieces, keep))
        faint = ~window_max(strong, reach) & (seen < FAINT)

    def are_lines(pieces: Pieces, keep: Mask, _: int) -> bool:
        reach_in = is_inside and bool((keep & pieces.at_border).any())
        if reach_in or _spans(pieces, keep) or (n_high and _count_high(pieces, keep) < n_high):
            return True
        return noise > 0 and bool((pieces.mask(keep) & faint).sum() > MOST_FAINT * strong.sum())

    if not are_lines(*first) or _spans(*_dark_pieces(seen, LINE_CUTS[-1])[:2]):
        # Nothing faint spans the picture, joins digits or reaches in, or the digit fills it.
        return *first[:2], ["specks ignored"] if first[2] else []
    cuts = [cut for cut in LINE_CUTS if cut > floor]
    while len(cuts) > 1 and are_lines(*_dark_pieces(seen, cuts[0])):
        cuts.pop(0)
    # Where lines just break up, pieces of them still cling to the digit.
    return *_dark_pieces(seen, cuts[1] if len(cuts) > 1 else cuts[0])[:2], ["lines ignored"]


def _count_high(pieces: Pieces, keep: Mask) -> int:
    return int((pieces.height[keep] >= DIGIT_HEIGHT * usual_height(pieces, keep)).sum())


def _spans(pieces: Pieces, keep: Mask) -> bool:
    """Return whether ink reaches two opposite borders, as ruled lines do."""
    height, width = pieces.shape
    if not (keep & pieces.at_border).any():
        return False
    keep = keep.copy()
    _drop_bars(pieces, keep)
    keep &= pieces.at_border
    keep &= ~_are_corners(pieces)
    for start, stop, low, high, length in (
        (pieces.top == 0, pieces.bottom == height, pieces.left, pieces.right, height),
        (pieces.left == 0, pieces.right == width, pieces.top, pieces.bottom, width),
    ):
        if (keep & start & stop).any():
            return True
        i, j = np.flatnonzero(keep & start), np.flatnonzero(keep & stop)
        apart = np.maximum(low[i, None], low[j]) - np.minimum(high[i, None], high[j])
        if (apart < STEEPEST_LINE * length).any():
            return True
    return False


def _dark_pieces(ink: Ink, cut: float) -> tuple[Pieces, Mask, int]:
    """Find connected pieces of ink, which of them count, and the number of specks left out."""
    pieces = pieces_of(ink > cut)
    if pieces.n:
        mass, peak = pieces.sums(ink), pieces.peaks(ink)
        # A piece counts when it is dark somewhere and not tiny, beside what does not reach in.
        inner = mass[~pieces.at_border]
        most = (inner if inner.sum() > LEAST_INNER * mass.sum() else mass).max()
        keep = (mass >= SPECK * most) & (peak >= DARK)
    if not pieces.n or not keep.any():
        raise NoDigitError("is blank: nothing on it stands out from the paper")
    return pieces, keep, int(((peak >= DARK) & ~keep).sum())


def _drop_bars(pieces: Pieces, keep: Mask) -> None:
    """Drop lines below digits, buttons, and a window's title and margin lines, along a border or across."""
    if pieces.n == 1:
        return
    height, width = pieces.shape
    is_flat = pieces.width > BAR * pieces.height
    if (keep & ~is_flat).any():
        usual = usual_height(pieces, keep & ~is_flat)
        is_low = pieces.height < DIGIT_HEIGHT * usual
        keep &= ~(is_flat & is_low & (pieces.width > UNDERLINE * usual))
    short, long = np.sort([pieces.height, pieces.width], axis=0)
    is_button = (pieces.area > RECTANGLE * short * long) & (long < BAR * short)
    keep &= ~(is_button & (long < long[keep & ~is_button].max(initial=0)))
    edge = 1 + width // 64  # a window may have an outline
    left, right = pieces.left < edge, pieces.right > width - edge
    top, bottom = pieces.top < edge, pieces.bottom > height - edge
    at_edge = left | right | top | bottom
    inner = keep & ~at_edge & (long > LEAST_INSIDE * min(height, width))
    if inner.any():
        thickness = pieces.area / (pieces.height + pieces.width)
        is_bar = (pieces.height > LINE_LENGTH * height) & (
            thickness < MARGIN_LINE * thickness[inner].min()
        )
        if long[inner].max() > LEAST_FRAMED * min(height, width):
            is_low = 2 * pieces.height < height
            is_bar |= at_edge & is_low & (pieces.width > FRAME_LENGTH * width)
        keep[is_bar] = False


def _drop_scraps(pieces: Pieces, keep: Mask) -> None:
    """Drop what is left along the border of a box that a digit was cut out of.

    In a picture that is cut at the ink of several digits, one of them is at the opposite border.
    """
    height, width = pieces.shape
    across = pieces.area < SCRAP * width * pieces.height, pieces.width < SCRAP_REACH * width
    down = pieces.area < SCRAP * height * pieces.width, pieces.height < SCRAP_REACH * height
    sides = (
        (pieces.left == 0, *across, pieces.right < width),
        (pieces.right == width, *across, pieces.left > 0),
        (pieces.top == 0, *down, pieces.bottom < height),
        (pieces.bottom == height, *down, pieces.top > 0),
    )
    scraps = [keep & at & is_thin & is_short for at, is_thin, is_short, _ in sides]
    inner = keep & ~np.logical_or.reduce(scraps)
    is_corner = inner & (pieces.area < CORNER_FILL * pieces.height * pieces.width)
    is_corner &= inner.sum() > 1
    if is_corner.any():
        is_corner &= _are_corners(pieces)
        inner &= ~is_corner
    thickness = pieces.area / (pieces.height + pieces.width)
    long = np.maximum(pieces.height, pieces.width)
    inner &= long > LEAST_INSIDE * min(height, width)
    if not inner.any() or inner.sum() >= SEVERAL:
        return
    keep[is_corner] = False
    is_thinner = thickness < MARGIN_LINE * thickness[inner].min()
    is_longer = long > SCRAP_LENGTH * long[inner].max()
    for scrap, (*_, is_apart) in zip(scraps, sides, strict=True):
        keep[scrap & (is_thinner | (is_longer & is_apart[inner].all()))] = False


def _drop_border(pieces: Pieces, keep: Mask, ink: Ink) -> None:
    """Drop what reaches in from the border of a photograph, unless it is a digit like the others."""
    outer = keep & pieces.at_border
    inner = keep & ~outer
    if inner.any():
        keep &= ~_are_corners(pieces)
        outer &= keep
    mass = pieces.sums(ink)
    if not outer.any() or mass[inner].sum() < 0.1 * mass[keep].sum():
        return
    usual = usual_height(pieces, inner)
    is_digit = (pieces.height > AT_BORDER[0] * usual) & (pieces.height < AT_BORDER[1] * usual)
    # A row of digits may be as high as its picture.
    is_inside = (pieces.left > 0) & (pieces.right < pieces.shape[1])
    is_wide = pieces.width > LEAST_FRAMED * pieces.height
    is_digit |= (pieces.height > FRAME_LENGTH * pieces.shape[0]) & (is_inside | is_wide)
    keep[outer & ~is_digit] = False
    if (outer & is_digit).any():
        usual = np.median(_thicknesses(pieces, np.flatnonzero(inner)[:ENOUGH_STROKES]))
        places = np.flatnonzero(outer & is_digit)
        keep[places] = _thicknesses(pieces, places) < THICKER * usual


def _thicknesses(pieces: Pieces, places: Places) -> Places:
    """Return the sides of the largest squares that fit in some pieces, in pixels."""
    return np.array([largest_square(_alone(pieces, i)) for i in places.tolist()])


def _drop_rungs(pieces: Pieces, keep: Mask, lines: Mask) -> None:
    """Drop what leads straight from one line to the next, several times, as between cells of a table."""
    rungs = []
    for i in np.flatnonzero(keep & (pieces.width * RUNG < pieces.height)):
        reach = 2 + round(RUNG_GAP * pieces.height[i])
        near = lines[:, max(0, pieces.left[i] - reach) : pieces.right[i] + reach]
        above = near[max(0, pieces.top[i] - reach) : pieces.top[i] + 1].any(axis=0).mean()
        below = near[pieces.bottom[i] - 1 : pieces.bottom[i] + reach].any(axis=0).mean()
        if min(above, below) >= 0.5:
            rungs.append(i)
    if SEVERAL <= len(rungs) < keep.sum():
        keep[rungs] = False


def _drop_binding(pieces: Pieces, keep: Mask) -> None:
    """Drop spirals, holes and perforations: from border to border, or many alike in a row."""
    inner = keep & ~pieces.at_border
    if inner.sum() >= SEVERAL:
        longest = SPANNING * pieces.height[inner].max()
        is_across = (
            (pieces.left == 0) & (pieces.right == pieces.shape[1]) & (pieces.width > longest)
        )
        is_down = (pieces.top == 0) & (pieces.bottom == pieces.shape[0]) & (pieces.height > longest)
        keep &= ~(is_across | is_down)
    sizes = np.stack([pieces.height, pieces.width, pieces.area])
    places = np.array([pieces.left + pieces.right, pieces.top + pieces.bottom]) / 2
    for (along, beside), size in ((places, pieces.height), (places[::-1], pieces.width)):
        for i in np.flatnonzero(keep):
            if not keep[i]:  # found to be of another's row
                continue
            is_alike = (np.abs(sizes - sizes[:, [i]]) <= 1 + SAME * sizes[:, [i]]).all(axis=0)
            is_in_line = np.abs(beside - beside[i]) < 1 + SLANTED * np.abs(along - along[i])
            row = np.flatnonzero(keep & is_alike & is_in_line)
            steps = np.diff(np.sort(along[row]))
            if len(row) >= MANY and median(np.abs(np.diff(steps))) < 1 + EVEN * median(steps):
                slope, start = np.polyfit(along[row], beside[row], 1)
                is_near = np.abs(beside - start - slope * along) < size[i] / 2
                if (keep & ~is_near).any():
                    keep &= ~is_near


def _without_words(pieces: Pieces, keep: Mask, groups: list[Group]) -> list[Group]:
    """Leave out printed words: many pieces close to each other, none of which is as high as digits."""
    low = pieces.height < PRINT_HEIGHT * usual_height(pieces, keep, 0.9)
    found = [
        each for each in groups if len(each.members) < SEVERAL or not low[list(each.members)].all()
    ]
    return found or groups


def _are_corners(pieces: Pieces) -> Mask:
    """Tell what lies beyond the corners of a sheet, (n,): it lines two borders that meet."""
    height, width = pieces.shape
    at_top, at_left = pieces.top == 0, pieces.left == 0
    corners: Mask = (at_top != (pieces.bottom == height)) & (at_left != (pieces.right == width))
    for i in np.flatnonzero(corners):
        own = pieces.mask(np.arange(pieces.n) == i)
        own = own[pieces.top[i] : pieces.bottom[i], pieces.left[i] : pieces.right[i]]
        own = own[:: 1 if at_top[i] else -1, :: 1 if at_left[i] else -1]
        down, across = (int(FRAME_LENGTH * side) for side in own.shape)
        corners[i] = own[0, across:].any() and own[down:, 0].any()
    return corners


def _drop_frames(pieces: Pieces, keep: Mask, ink: Ink) -> list[int]:
    """Keep what is inside frames, where anything is, and no speck there; return all frames.

    A frame is thin, and lines all four sides of its box, which neither a 0 nor an 8 does.
    """
    if pieces.n == 1:
        return []
    framed = np.zeros_like(keep)
    frames = list[int]()
    short, long = np.sort([pieces.height, pieces.width], axis=0)
    mass, is_dark = pieces.sums(ink), pieces.peaks(ink) >= DARK
    is_thin = 2 * pieces.area < pieces.height * pieces.width  # not a sheet with dust on it
    edges = np.stack([pieces.top, -pieces.bottom, pieces.left, -pieces.right])  # more is inside
    for i in np.flatnonzero(keep & is_thin & (short >= MIN_FRAME)).tolist():
        if not _is_frame(pieces, i):
            continue
        frames.append(i)
        within = is_dark & (edges > edges[:, [i]]).all(axis=0)
        inside = within & (mass > SPECK * mass[within].max(initial=0))
        if (keep & inside & (long > LEAST_FRAMED * short[i])).any() or inside.sum() >= SEVERAL:
            framed |= inside
    if framed.any():
        keep[:] = framed
        keep[frames] = False
    return frames


def _is_frame(pieces: Pieces, i: int) -> bool:
    frame = _alone(pieces, i)
    for turn in range(4):
        side = np.rot90(frame, turn)
        line = side[: 2 + round(FRAME_BAND * len(side))]
        if line.any(axis=0).mean() < FRAME_LENGTH or line.mean() > FRAME_FILL:
            return False
    return True


def _alone(pieces: Pieces, i: int) -> Mask:
    """Return the pixels of one piece in its box."""
    own = pieces.mask(np.arange(pieces.n) == i)
    return own[pieces.top[i] : pieces.bottom[i], pieces.left[i] : pieces.right[i]]


def _touching_lines(pieces: Pieces, keep: Mask, frames: list[int]) -> Mask | None:
    """Find the lines of frames, or below digits, that digits touch; None where there are none."""
    is_wide = keep & (pieces.width > UNDERLINE * pieces.height)
    is_wide &= 2 * pieces.area < pieces.height * pieces.width
    if not frames and not is_wide.any():
        return None
    found, is_touched = np.zeros(pieces.shape, np.bool_), False
    others = keep & ~pieces.among(frames)
    for i in {*frames, *is_wide.nonzero()[0].tolist()}:
        own = _alone(pieces, i)
        height, is_frame = float(len(own)), i in frames
        length = UNDERLINE * height
        if is_frame:
            short = min(own.shape)
            height = usual_height(pieces, others) if others.any() else LEAST_FRAMED * short
            length = min(FRAME_LENGTH * short, 2 * height)
        near = window_max(own, 1)  # a line may lie between two rows
        down = (_line_lengths(near.T) >= length) & is_frame
        lines = _ruling(own, _line_lengths(near) >= length, down, length)
        rest = pieces_of(own & ~lines)
        is_touching = bool(lines.any() and (rest.height > LEAST_LEFT * height).any())
        is_touching &= is_frame or _lies_on_one_side(rest, lines)
        if is_touching or is_frame:
            found[pieces.top[i] : pieces.bottom[i], pieces.left[i] : pieces.right[i]] |= lines
            is_touched |= is_touching
    return found if is_touched else None


def _lies_on_one_side(rest: Pieces, lines: Mask) -> bool:
    """Return whether what is left of a piece is narrower than its lines, and above or below them."""
    left = rest.mask(np.ones(rest.n, np.bool_))
    below = lines.cumsum(axis=0) > 0
    n_crossed = np.count_nonzero((left & below).any(axis=0) & (left & ~below).any(axis=0))
    is_narrow = rest.width.max(initial=0) < WIDEST_LEFT * lines.shape[1]
    return bool(is_narrow and n_crossed < MOST_CROSSED * lines.any(axis=0).sum())


def _ruled_lines(ink: Ink, noise: float, *, has_frames: bool) -> Mask | None:
    """Find lines across a page that are much longer than its digits are high; None where there are none."""
    side = max(ink.shape)
    if RULED_LENGTHS[0] * side < LEAST_STEPS * STEP:
        return None
    mask = ink > _line_level(noise)
    near = window_max(mask, 1)
    k = int(side * PATCH)
    near &= ~enlarged(shrunk(near.astype(np.uint8), k) > FULL_PATCH, k, near.shape)
    across, down = _line_lengths(near), _line_lengths(near.T)
    for share in RULED_LENGTHS:
        length = share * side
        height, width = (share * each for each in ink.shape)
        if across.max() < width and down.max() < height:
            return None
        lines = _ruling(mask, across >= width, down >= height, length / SLENDER)
        if not lines.any():
            continue
        rest = pieces_of(mask & ~lines)
        is_digit = (rest.height > LEAST_RULED * side) & (rest.width < BAR * rest.height)
        is_digit &= rest.peaks(ink) >= DARK
        if is_digit.sum() < (SEVERAL if share < RULED_LENGTHS[-1] else 1):
            continue
        least = RULED * usual_height(rest, is_digit)
        is_broad = is_digit & (rest.width * RUNG > rest.height)
        if is_broad.any():
            least = max(least, HIGHEST * usual_height(rest, is_broad, 0.8))
        if least <= length:
            if has_frames and not ((across >= least).any() and (down >= least).any()):
                return None  # boxes in a row, the lines between which are short
            lines = _ruling(mask, across >= least, down >= least, length / SLENDER)
            if not lines.any():
                continue
            lines &= ink < DARKER * quantile(ink[lines], 0.75)
            return lines | (window_max(lines, 1) & ~mask)
    return None


def _ruling(mask: Mask, across: Mask, down: Mask, thickest: float) -> Mask:
    """Return the pixels of lines in both directions, but for those of strokes that cross one."""
    rows, columns = _pixels(_with_ends(across), mask), _pixels(_with_ends(down), mask.T)
    thin = _uncrossed(rows, mask, thickest), _uncrossed(columns, mask.T, thickest).T
    lines: Mask = thin[0] | thin[1]
    if thin[0].any() and thin[1].any():
        lines |= rows & columns.T
    return lines


def _uncrossed(lines: Mask, mask: Mask, thickest: float) -> Mask:
    """Leave out of lines from left to right what goes on above or below them; they may be no thicker."""
    n_runs = int((lines[1:] & ~lines[:-1]).sum() + lines[0].sum())
    thickness = float(lines.sum()) / max(n_runs, 1)
    length = int(CROSSING * thickness) + 1
    if thickness > thickest or length > len(mask):
        return np.zeros_like(lines)
    return lines & ~_long_runs(mask.T, length).T


def _long_runs(mask: Mask, length: int) -> Mask:
    """Return the pixels of runs from left to right that are at least so long."""
    before = np.pad(mask.cumsum(axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    starts = before[:, length:] - before[:, :-length] == length
    change = np.zeros(before.shape, np.int8)
    change[:, : starts.shape[1]] += starts
    change[:, length:] -= starts
    runs: Mask = change.cumsum(axis=1, dtype=np.int8)[:, :-1] > 0
    return runs


def _line_level(noise: float) -> float:
    """Return the share of full ink above which lines are looked for."""
    return FAINT if noise > 0 else LINE_CUTS[0]


def _line_lengths(near: Mask) -> Places:
    """Measure the lines from left to right that lead through steps of `STEP` pixels.

    From step to step they go up or down by a pixel at most, so they may be slanted and bent.
    """
    whole = near[:, : near.shape[1] // STEP * STEP]
    steps = np.logical_and.reduce([whole[:, i::STEP] for i in range(STEP)])
    return STEP * (_n_steps(steps) + _n_steps(steps[:, ::-1])[:, ::-1] - 1)


def _pixels(steps: Mask, mask: Mask) -> Mask:
    """Return the pixels of a mask in some steps of lines."""
    found = np.zeros_like(mask)
    found[:, : steps.shape[1] * STEP] = steps.repeat(STEP, axis=1)
    return found & mask


def _with_ends(steps: Mask) -> Mask:
    """Add the steps that lines end in."""
    wide = steps.copy()
    wide[:, 1:] |= steps[:, :-1]
    wide[:, :-1] |= steps[:, 1:]
    return wide


def _n_steps(steps: Mask) -> Places:
    """Count the steps from the left up to each, from one to a neighbour above, beside or below it."""
    n = np.zeros((steps.shape[1], len(steps) + 2), np.intp)
    for i, here in enumerate(steps.T):
        before = n[i - 1]
        longest = np.maximum(before[1:-1], np.maximum(before[:-2], before[2:]))
        n[i, 1:-1] = here * (longest + 1)
    return n[:, 1:-1].T
