"""Any container of many digits -> their pixels from 0 to 255, and their labels where it has them.

One rule for the values, whoever asks: what never exceeds 1 is a share of 255, also from -1 on where
that is paper, and what 16 bits hold a share of 65,535. Whether ink is light or dark is not decided
here.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistcli.arrays import Bytes, Float64s
from mnistcli.containers import csv, npy_idx
from mnistcli.containers.columns import Layout, from_one_hot
from mnistcli.containers.compressed import unpacked
from mnistcli.containers.names import OfPart, Part, listed
from mnistcli.containers.npy_idx import Npz, open_idx, open_npy
from mnistcli.containers.reading import FormatError, Stream, check_not_foreign, kind_of
from mnistcli.mnist import IMAGE_SHAPE, N_PIXELS

N_CLASSES = 10
# Interpolation and rounding exceed a range by less.
SLACK = 1e-3
MAX_FAINT = 7  # of 255, which ink of many pictures exceeds: else it has a scale of its own
# Of fewer pictures most may be wider than tall: of MNIST's fives a third are.
MIN_TURNED = 12
# Pictures smaller than MNIST's box are cropped to the ink. Most of a picture is paper: which level
# that is, they tell where so many agree.
SMALL, ALIKE = 20, 0.9
# Of values from -1 to 1, as USPS has them, so many at least are -1.
MIN_PAPER = 0.25
HINT = (
    "expected a CSV or ARFF table of label,pixel0,...,pixel783, an npz file with images and labels,"
    " or the images of a pair of IDX files"
)

TRANSPOSED = "transposed, because most were wider than tall"
NOT_TRANSPOSED = "most are wider than tall, as where rows and columns are exchanged"


class Block(NamedTuple):
    """Some of the digits in a file, in their order."""

    images: Bytes  # (n, height, width), black where there is a fault
    labels: Float64s | None  # as they stand, see `label_faults`; NaN for no number
    where: tuple[str, ...]  # to go behind the name of the file: " row 3", "[2]"
    faults: dict[int, FormatError]  # of which of them, counted from 0
    without_labels: str = ""  # why; empty if they are in an IDX file of their own
    note: str = ""  # what of the file this is, if there is more
    parts: Sequence[OfPart] = ()  # of each, where the file says it
    paper: int | None = None  # its level around all, where they are cropped to the ink
    steps: Sequence[tuple[str, ...]] = ()  # of each without a fault, what was done to it


def read_digits(
    stream: Stream, part: Part | None = "test", *, transposes: bool = True
) -> Iterator[Block]:
    """Read all the digits in a stream, a block at a time.

    Of an npz file those of one part, or where that is None those for training and then for the
    test.

    Raises FormatError where it is no container, damaged, or may be read in two ways.
    """
    stream = unpacked(stream)
    head = stream.head()
    kind = kind_of(head)
    if kind in ("text", "unknown"):
        check_not_foreign(stream, HINT)
    if kind in ("text", "arff"):
        read = csv.open_arff if kind == "arff" else csv.open_csv
        blocks = _of_table(read(stream))
    elif kind == "npy":
        blocks = _of_array(open_npy(stream), None, "has no labels: it is one array of pictures")
    elif kind == "zip":
        blocks = _of_npz(Npz(stream), part)
    elif kind == "idx":
        raw = open_idx(stream)
        if len(raw.shape) < 2:
            raise FormatError("is an IDX file of labels, not of images")
        blocks = _of_array(raw, None, "")
    else:
        raise FormatError(f"is no kind of data that is read here (it begins with {head[:8]!r})"
                          if head else "is empty", hint=HINT)  # fmt: skip
    n, is_turned, paper = 0, False, None  # which the first of them decide
    for block in blocks:
        images, note = block.images, block.note
        if not n:
            is_turned, paper = _is_transposed(images), _paper_of(images)
        n += len(images)
        if is_turned:
            told = TRANSPOSED if transposes else NOT_TRANSPOSED
            images = images.transpose(0, 2, 1) if transposes else images
            note = f"{note}; {told}".removeprefix("; ")
        yield block._replace(images=images, note=note, paper=paper)
    if not n:
        raise FormatError("holds no pictures")


def _of_table(table: csv.Table) -> Iterator[Block]:
    """Read rows, of which a layout, or the first values, say which columns are labels."""
    layout, scale, n = table.layout, Scale(), 0
    side = math.isqrt(len(layout.pixels))
    for values, faults, parts in table.rows():
        layout = layout.told_by(values, faults)
        where = tuple(f" row {n + i + 1}" for i in range(len(values)))
        names = [layout.column(column) for column in layout.pixels.tolist()]
        shaped = values[:, layout.pixels].reshape(-1, side, side)
        images = scale.to_bytes(shaped, faults, where, names)
        del shaped  # memory that the next rows take
        for i in (i for i, of in enumerate(parts) if of is None and i not in faults):
            faults[i] = FormatError("is neither for training nor for the test", where=where[i])
        labels = values[:, layout.labels[0]].astype(np.float64) if layout.labels else None
        if len(layout.labels) > 1:
            labels = from_one_hot(values[:, layout.labels])
        said = [of or "train" for of in parts]
        yield Block(images, labels, where, faults, layout.without_labels, parts=said)
        n += len(values)


def _is_transposed(images: Bytes) -> bool:
    """Tell whether many pictures were written column by column, as EMNIST has them.

    Most are wider than tall then: of MNIST's zeros, a quarter are.
    """
    n, height, width = images.shape
    if n < MIN_TURNED or height != width:
        return False
    ink = images > 127
    ink ^= bool(2 * np.count_nonzero(ink) > ink.size)
    across, down = (
        width - lines.argmax(axis=1) - lines[:, ::-1].argmax(axis=1)
        for lines in map(np.asarray, (ink.any(axis=1), ink.any(axis=2)))
    )
    return bool((across > down).mean() > 2 / 3)


def _paper_of(images: Bytes) -> int | None:
    """Return the level of paper of many small pictures, None where they are large or differ."""
    if len(images) < MIN_TURNED or max(images.shape[1:]) >= SMALL:
        return None
    light = images > 127
    share = (light.mean(axis=(1, 2)) > 0.5).mean()
    # Thick ink fills most of a picture, but not its corners.
    corners = light[:, [0, 0, -1, -1], [0, -1, 0, -1]].mean()
    is_sure = abs(share - 0.5) > ALIKE - 0.5 and (share > 0.5) == (corners > 0.5)
    return 255 * int(share > 0.5) if is_sure else None


def _of_npz(npz: Npz, part: Part | None) -> Iterator[Block]:
    pairs: dict[tuple[str, str | None], tuple[str, str]] = {}
    for each in [part] if part else ["train", "val", "test"]:
        images, labels, note = npz.pair(each)
        pairs[images, labels] = each, note
    for (images, named), (each, odd) in pairs.items():
        values, without, note = None, f"has no labels beside {images!r}", ""
        parts: Iterator[OfPart] = itertools.repeat("test" if each == "test" else "train")
        if named is not None:
            raw = npz.open(named)
            values, without = labels_of(raw.whole(), raw.prefix), ""
        if len(pairs) == 1:
            table, said = npz.parts(0 if values is None else len(values))
            parts, others = iter(said), {*npz.names} - {images, named, table}
            note = odd or f"{images!r} was read, of {listed(npz.names)}" * bool(others)
        for block in _of_array(npz.open(images), values, without, note):
            yield block._replace(parts=[*itertools.islice(parts, len(block.where))])


def _of_array(
    raw: npy_idx.RawArray, labels: Float64s | None, without: str, note: str = ""
) -> Iterator[Block]:
    """Read pictures of any shape, whose labels stand beside them or in a 785th column."""
    scale, n, layout = Scale(), 0, Layout(N_PIXELS + 1, np.arange(N_PIXELS + 1))
    for values in npy_idx.pictures_in(raw, 0 if labels is None else len(labels)):
        pictures, end = values, n + len(values)
        here = None if labels is None else labels[n:end]
        if values.ndim == 2:
            if labels is not None:
                raise FormatError("has labels in a column of its images, and labels beside them")
            layout = layout.told_by(values)
            pictures = values[:, layout.pixels].reshape(-1, *IMAGE_SHAPE)
            here = values[:, layout.labels[0]].astype(np.float64)
        if labels is not None and end > len(labels):
            break
        where = tuple(f"[{i}]" for i in range(n, end))
        faults: dict[int, FormatError] = {}
        images = scale.to_bytes(pictures, faults, where)
        if n == 0 and len(faults) == len(images) > 1:
            problem = f"{raw.prefix}{faults[0].problem}, in every picture"
            raise FormatError(problem, hint=faults[0].hint)
        yield Block(images, here, where, faults, without, note)
        n = end
    if labels is not None and n != len(labels):
        raise FormatError(f"holds {len(labels):,} labels for images of shape {raw.shape}")


class Scale:
    """Brings values to 0..255 by a rule that the first values above 0 decide."""

    def __init__(self) -> None:
        self._full: float | None = None
        self._is_signed = False

    def to_bytes(
        self,
        values: NDArray[Any],
        faults: dict[int, FormatError],
        where: Sequence[str] = ("",),
        columns: Sequence[str] = (),
    ) -> Bytes:
        """Scale values of shape (n, ...), to 0 where something is wrong.

        If that is not among the faults, it is added to them: with which, where that is, and in
        which of its columns if they have names.
        """
        if values.dtype == np.bool_:
            values = values.view(np.uint8)
        if values.dtype == np.uint8 and self._full == 255:
            return values
        flat = values.reshape(len(values), -1)
        if self._full is None and values.dtype.kind == "f":
            is_within = not ((flat < -1) | (flat > 1)).any() and (flat > 0).any()
            self._is_signed = bool(is_within and (flat == -1).mean() > MIN_PAPER)
        if self._is_signed:
            flat = (flat + 1) / 2
            values = flat.reshape(values.shape)
        limit = self._full or (65535 if values.dtype == np.dtype("u2") else 255)
        slack = SLACK if values.dtype.kind == "f" else 0
        low, high = flat.min(axis=1, initial=0), flat.max(axis=1, initial=0)
        usable = high[(low >= -slack) & (high <= limit + slack)]  # a NaN is not
        if self._full is None and (top := usable.max(initial=0)) > 0:
            is_8x8 = values.shape[1:] == (8, 8) and top <= 16  # as scikit-learn has them
            limit = self._full = 1 if top < 2 else 16 if is_8x8 else 255 if top < 256 else 65535
            if len(values) >= MIN_TURNED and 1 < top <= MAX_FAINT < limit:
                problem = f"holds no value above {top:g}, expected ink up to 255 or 1"
                raise FormatError(problem, hint=f"multiply all by {255 / top:g}")
        good = (low >= -slack) & (high <= limit + slack)
        factor = 255 / (self._full or 255)
        with np.errstate(invalid="ignore", over="ignore"):
            if values.dtype.kind == "f" or factor != 1:
                values = np.rint(values.astype(np.float32) * np.float32(factor))
            scaled = values.astype(np.uint8)
        for i in np.flatnonzero(~good).tolist():
            scaled[i] = 0
            if i not in faults:
                j = int((~((flat[i] >= -slack) & (flat[i] <= limit + slack))).argmax())
                column = f"{columns[j]} " if columns else ""
                faults[i] = _fault(column, flat[i, j], limit, where[i])
        return scaled


def _fault(column: str, value: Any, limit: float, where: str) -> FormatError:
    hint = "divide pixels of 16 bits by 257" if 65535 >= value > limit == 255 else ""
    if value < 0:
        hint = "give pixels as they were before they were standardised, 0 to 255 or 0 to 1"
        if value.dtype == np.int8:
            hint = "array.view('uint8') for bytes that wrapped round, array + 128 for shifted ones"
    other = " or 0 to 1" if limit > 16 else ", as the other values"
    problem = f"{column}holds {value:g}, expected 0 to {limit:.0f}{other}"
    return FormatError(problem, where=where, hint=hint)


def read_labels(stream: Stream) -> Float64s:
    """Read labels that have a file of their own: IDX, NPY, npz of one, or a table, see `csv.read_labels`.

    Of QMNIST's table, eight whole numbers a row, they are the classes.
    """
    stream = unpacked(stream)
    kind = kind_of(stream.head())
    if kind == "npy":
        return labels_of(open_npy(stream).whole())
    if kind == "zip" and len(names := (npz := Npz(stream)).names) == 1:
        return labels_of(npz.open(names[0]).whole())
    if kind == "text":
        return labels_of(csv.read_labels(stream))
    if kind != "idx":
        raise FormatError("is no file of labels")
    values = open_idx(stream).whole()
    if values.ndim == 2 and values.shape[1] == 8 and values.dtype.kind == "i":
        return values[:, 0].astype(np.float64)
    return labels_of(values)


def labels_of(values: NDArray[Any], prefix: str = "") -> Float64s:
    """Read labels: numbers, as text or in words, or one-hot rows of ten; else raise FormatError."""
    if values.dtype.kind in "SU":
        numbers = [csv.label_of(text.strip()) for text in npy_idx.texts_in(values, prefix)]
        values = np.array(numbers).reshape(values.shape)
    for rows in (values, values.T) if values.ndim == 2 else ():
        if rows.shape[1] == N_CLASSES and not np.isnan(digits := from_one_hot(rows)).any():
            values = digits
            break
    if values.size != max(values.shape, default=1):
        problem = f"{prefix}has shape {values.shape}, expected one label for each image"
        raise FormatError(problem, hint="or ten columns of 0 and 1, of which one is 1")
    return values.astype(np.float64).ravel()


def label_faults(labels: Float64s, where: Sequence[str] = ()) -> Iterator[tuple[int, FormatError]]:
    """Yield which labels are no digits from 0 to 9, and what is wrong with them.

    Raises FormatError where they go from 1 to 10 or beyond, as those do that count a zero as ten,
    or letters: none of them is right then.
    """
    is_shifted = N_CLASSES in labels and not (labels < 1).any()
    hint = "labels begin with 1: write 0 where 10 stands for zero, or take 1 from all" * is_shifted
    good = (labels >= 0) & (labels < N_CLASSES) & (labels == np.floor(labels))
    for i in np.flatnonzero(~good).tolist():
        shown = "no number" if np.isnan(labels[i]) else f"{labels[i]:g}"
        problem = f"its label is {shown}, expected a digit from 0 to 9"
        fault = FormatError(problem, where=where[i] if where else f"[{i}]", hint=hint)
        if is_shifted:
            raise fault
        yield i, fault
