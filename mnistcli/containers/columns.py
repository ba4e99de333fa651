"""What the columns of a table are: its pixels in their order, and its labels.

Their names tell, or how many there are and what values they hold.
"""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistcli.arrays import Float32s, Float64s, Places
from mnistcli.containers.names import ANSWERS, says_labels, words_in
from mnistcli.containers.reading import FormatError
from mnistcli.display import counted
from mnistcli.mnist import IMAGE_SIDE, N_PIXELS

HINT = "expected a line of 784 pixels for each digit, or a label and 784 (or 64, 256, 400 or 1,024)"
OF_SHAPE = (
    "where each is of H rows of W pixels, in Python: X = numpy.array(open(FILE).read().replace(',', ' ').split(), float); "
    "numpy.savez('digits.npz', images=X.reshape(-1, H, W), labels=numpy.loadtxt(LABELS))"
)
# Beside MNIST's 28 x 28: scikit-learn's digits and optdigits, USPS and Semeion, MNIST's
# digits without their margin, and what is padded.
SIDES = (IMAGE_SIDE, 8, 16, 20, 32)
N_CODES = 62  # of digits and letters, as EMNIST counts them
MAX_INK_IN_CORNER = 0.1  # of the pictures have ink in their first pixel, or the last
# How many pixels there are in rows of so many columns: with no label, one, or one-hot. Labels of
# other squares are in a file beside them, as those of OpenCV's tutorial, of 10 x 10.
_WIDTHS = {side**2: side**2 for side in range(10, 33)}
_WIDTHS |= {side**2 + n: side**2 for n in (0, 1, 10) for side in SIDES}
# With one label or ten, and more than letters that a digit is drawn with.
UNSEPARATED = {n for n, n_pixels in _WIDTHS.items() if n > n_pixels > 64}


class Layout(NamedTuple):
    """Which columns of a table are what."""

    n_columns: int
    pixels: Places  # in their order; one more where values have to tell, see `told_by`
    labels: tuple[int, ...] = ()  # one, the ten of one-hot labels, or none
    names: tuple[str, ...] = ()  # of the columns, if there is a header
    without_labels: str = ""  # why there are none
    either: Places | None = None  # pixels and labels, where all ends were 0 so far

    def column(self, index: int) -> str:
        """Name a column in a message."""
        return f"column {self.names[index] if self.names else index + 1}"

    def told_by(self, rows: NDArray[Any], faults: Iterable[int] = ()) -> "Layout":
        """Return which column at either end holds labels, where values of faultless rows have to tell.

        Rows that are sorted may tell it late: raises FormatError where the first was taken before,
        and it is the last.
        """
        columns = self.pixels if self.either is None else self.either
        n = len(columns) - math.isqrt(len(columns)) ** 2
        if not n:
            return self
        good = np.delete(rows, list(faults), axis=0)[:, columns]
        if n == 1:
            is_first = not len(good) or side_of_labels(good.astype(np.float32)) == 0
        else:  # one-hot, first where the last ten are not
            is_first = bool(np.isnan(from_one_hot(good[:, -n:])).any())
            is_first &= not np.isnan(from_one_hot(good[:, :n])).any()
        if not is_first and self.labels:
            raise _at_either_end(len(columns))
        pixels, labels = (columns[n:], columns[:n]) if is_first else (columns[:-n], columns[-n:])
        either = None if n > 1 or good[:, [0, -1]].any() else columns
        return self._replace(pixels=pixels, labels=tuple(labels.tolist()), either=either)


def layout_of_rows(names: tuple[str, ...] | None, rows: list[bytes]) -> Layout:
    """Tell what columns are by the names in a header, if there is one, and by some rows."""
    cells = [row.rstrip(b",").split(b",") for row in rows]
    widths = [*map(len, cells)]
    if names is not None:
        n_named = max((i for i, name in enumerate(names, 1) if name), default=0)
        named = names[:n_named]
        n_unnamed = max(widths, key=widths.count, default=0) - n_named
        if n_unnamed > 0 and n_named < len(names):
            named += ("",) * n_unnamed
        elif n_unnamed == 1:
            named = ("", *named)  # as R writes the names of rows, without one of their own
        return layout_of(named)
    usual = max(_WIDTHS, key=widths.count)
    if usual not in widths:
        hint = OF_SHAPE if {*widths} == {widths[0]} and widths[0] >= min(SIDES) else HINT
        raise FormatError(f"has {counted(widths[0], 'column')} in its first line", hint=hint)
    for end in (0, -1) if usual == _WIDTHS[usual] + 1 else ():
        n_words = sum(re.search(rb"[a-zA-Z]{2}", row[end]) is not None for row in cells)
        if 2 * n_words > len(cells):  # labels in a language that is not known, say
            return Layout(usual, np.delete(np.arange(usual), end), (end % usual,))
    without = f"has no labels: its {usual:,} columns are all pixels" * (usual == _WIDTHS[usual])
    return Layout(usual, np.arange(usual), without_labels=without)


def layout_of(names: tuple[str, ...]) -> Layout:
    """Tell what columns are by their names; raise FormatError where those do not tell the pixels."""
    order = pixel_order(names)
    if order is None:
        n = _WIDTHS.get(len(names), N_PIXELS)
        if len(names) < n:
            raise FormatError(f"has {counted(len(names), 'column')} in its first line", hint=HINT)
        shown = ", ".join(repr(name[:20]) for name in names[:3])
        problem = f"has a header that does not tell the order of {n:,} pixels ({shown}, ...)"
        raise FormatError(problem, hint=f"call the columns label, pixel0, ..., pixel{n - 1}")
    if math.isqrt(len(order)) ** 2 < len(order):
        return Layout(len(names), order, names=names)
    others = sorted(set(range(len(names))) - set(order.tolist()))
    labels = labels_among(names, others)
    if len(labels) in (1, 10):
        return Layout(len(names), order, labels, names)
    shown = ", ".join(repr(names[i][:20]) for i in labels or others)
    reason = f"has no labels: its {len(order):,} columns are all pixels"
    if labels:
        reason = f"has several columns that may be its labels: {shown}"
    elif shown:
        reason = f"has no labels: no column is called 'label' ({shown} beside the pixels)"
    return Layout(len(names), order, (), names, reason)


def labels_among(names: Sequence[str], others: Sequence[int]) -> tuple[int, ...]:
    """Find the columns that are called as labels are, or the ten of label_0 to label_9.

    Where there are no others these may have any name: d0 to d9.
    """
    if named := tuple(i for i in others if says_labels(names[i])):
        digits = tuple(i for i in named if not {"id", "name"} & {*words_in(names[i])})
        return digits or named
    found: dict[str, dict[str, int]] = {}
    for i in others:
        if match := re.fullmatch(r"(.*?)[ _.-]*([0-9])", names[i].strip().lower()):
            found.setdefault(match[1], {})[match[2]] = i
    for name, columns in found.items():
        may_be = not name or says_labels(name) or len(others) == 10
        if len(columns) == 10 and may_be and not ANSWERS & {*words_in(name)}:
            return tuple(columns[digit] for digit in sorted(columns))
    return ()


def pixel_order(names: tuple[str, ...]) -> Places | None:
    """Find the columns of 784 pixels, in their order, by the numbers in their names.

    pixel0 to pixel783, pixel1 to pixel784, 0 to 783, and by row and column 1x1 to 28x28, p0000 to
    p2727. As many as 785 numbers in a row say nothing but the order of the columns, nor do 784 and
    one of them again, as pandas.concat calls labels.
    """
    numbered = [i for i, name in enumerate(names) if name.isdecimal() and len(name) < 5]
    n = len(said := {int(names[i]) for i in numbered})
    if _WIDTHS.get(n) == n == len(numbered) - 1 == max(said) - min(said) + 1:
        return np.array(numbered)
    groups: dict[tuple[str, ...], dict[tuple[int, ...], int]] = {}
    for i, name in enumerate(names):
        parts = re.split(r"(\d{1,4})", name.strip().lower())
        groups.setdefault(tuple(parts[::2]), {})[tuple(map(int, parts[1::2]))] = i
    for words, columns in groups.items():
        side = math.isqrt(len(columns))
        n_pixels = side * side
        if side not in SIDES or len(columns) > n_pixels + 1:
            continue
        keys = sorted(columns)
        order = np.array([columns[key] for key in keys])
        numbers = np.array(keys)
        which = np.flatnonzero(np.ptp(numbers, axis=0))  # the others are a unit
        numbers = numbers[:, which]
        if len(which) == 1:
            if np.ptp(numbers) == len(keys) - 1 and (numbers[0] < 2 or len(keys) == n_pixels):
                return order
            numbers = np.hstack(np.divmod(numbers, 100))
        if np.ptp(numbers, axis=0).tolist() == [side - 1] * 2 and len(keys) == n_pixels:
            before = [words[i].strip("_-. ") for i in which]
            is_column = before[0].endswith(("x", "col", "column", "c"))
            if is_column and before[1:] not in ([], ["x"]):
                order = order.reshape(side, -1).T.ravel()  # x0y0: the column comes first
            return order
    return None


def from_one_hot(values: NDArray[Any]) -> Float64s:
    """Read labels from ten columns of 0, or -1, and 1; NaN for what is none."""
    low = min(0, values.min(initial=0))
    is_one_hot = ((values == low) | (values == 1)).all(axis=1)
    is_one_hot &= (values == 1).sum(axis=1) == 1
    return np.where(is_one_hot, values.argmax(axis=1), np.nan)


def side_of_labels(values: Float32s) -> int:
    """Tell whether labels are in the first column of 785, or as many, or in the last: 0 or -1.

    A label is a whole number from 0 to 9. A column that is the same throughout as the one beside
    it is paper rather than labels, and so may be one of mostly 0 where the other end counts to 10,
    has letters, or -1 for none; where both ends are 0 the first is the label, as is usual.
    Raises FormatError where neither can be, or both.
    """
    n = values.shape[1]
    ends, inner = values[:, [0, -1]], values[:, 1:-1]
    codes = ((ends >= -1) & (ends < N_CODES) & (ends == np.floor(ends))).all(axis=0)
    could = codes & ((ends >= 0) & (ends <= 9)).all(axis=0)
    if could.all() and not ends.any():
        return 0
    varies = (ends != ends[:1]).any(axis=0)
    could &= varies | (ends != inner[:, [0, -1]]).any(axis=0)
    beyond = codes & (ends > 1).any(axis=0)
    if inner.min() >= 0 and 0 < inner.max() <= 1 and beyond.any():
        could = beyond  # no shares of ink, be it 1 to 10
    if could.all() and varies.any():
        could = varies
    is_paper = could & ((ends != 0).mean(axis=0) < MAX_INK_IN_CORNER)
    if could.all() or (is_paper.any() and (codes & varies & ~could).any()):
        raise _at_either_end(n)
    if not could.any():
        raise FormatError(
            f"has {n:,} columns, of which neither the first nor the last holds labels from 0 to 9",
            hint=f"expected label,{_pixels(n)}; labels are digits, 0 and not 10 for zero",
        )
    return 0 if could[0] else -1


def _at_either_end(n: int) -> FormatError:
    problem = f"may have its labels in the first of its {n:,} columns or in the last"
    return FormatError(problem, hint=f"add a header: label,{_pixels(n)} or {_pixels(n)},label")


def _pixels(n: int) -> str:
    return f"pixel0,...,pixel{n - 2}"
