"""CSV, ARFF and other tables of text -> blocks of numbers, and which columns are pixels and labels.

Whole numbers are parsed with NumPy alone, as fast as by pandas and without its import. A row that is
wrong is told, and the others are read.
"""

import contextlib
import csv
import itertools
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from mnistcli.arrays import Float32s, Places
from mnistcli.containers.npy_idx import BLOCK_PICTURES, LABELS
from mnistcli.containers.reading import FormatError, Stream
from mnistcli.mnist import IMAGE_SIDE, N_PIXELS

Rows = tuple[Float32s, dict[int, FormatError]]

# A row of 785 numbers with 17 digits each is 18 KB.
MAX_LINE_BYTES = 1 << 16
# Blank lines and comments one after another.
MAX_EMPTY_BYTES = 64 << 20
BLOCK_BYTES = 1 << 20

HINT = "expected 784 pixels in a row, or a label and 784 pixels (or 64, 256 or 1,024)"
# Beside MNIST's 28 x 28: scikit-learn's digits and optdigits, USPS and Semeion, and what is padded.
SIDES = (IMAGE_SIDE, 8, 16, 32)
# How many pixels there are in rows of so many columns: with no label, one, or one-hot.
_WIDTHS = {N_PIXELS: N_PIXELS} | {side**2 + n: side**2 for n in (1, 10) for side in SIDES}
# https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/
_ARFF_ATTRIBUTE = re.compile(rb"(?i)[ \t]*@attribute[ \t]+(\"[^\"]*\"|'[^']*'|[^\s]+)")
_ARFF_DATA = re.compile(rb"(?i)[ \t]*@data[ \t]*(?:%.*)?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_NO_NAME = re.compile(r"[+-]?(?:nan|na|n/a|null|none|inf|infinity|\?|)", re.IGNORECASE)
_QUOTED = re.compile(rb'"([^"]*)"')
_SPARSE = re.compile(
    rb"\s*(?:#[^\r\n]*[\r\n]\s*)*[+-]?[\d.]+[ \t]+(?:qid:\d+[ \t]+)?\d{1,5}:[\d.+-]"
)
# What a separator of thousands never looks like.
_DECIMAL = re.compile(rb"(?<![\d.,])0+[.,]|(?<!\d)[.,]|[.,]\d{0,2}(?!\d)|[.,]\d{4}")
_SEPARATOR = re.compile(rb'"?sep=.?"?', re.IGNORECASE)
DIGIT_WORDS = "zero one two three four five six seven eight nine".split()  # noqa: SIM905
_WORDS = {word: i for i, word in enumerate(DIGIT_WORDS)} | {"true": 1, "false": 0}
_WORDS |= {f"b{i}": i for i in range(10)}  # of b'7', whose quotes have gone
_WORD = re.compile(rb"(?<![^,])[A-Za-z]\w*(?![^,])")
_IN_DIGITS = {word.encode(): b"%d" % i for word, i in _WORDS.items()}


class Layout(NamedTuple):
    """Which columns of a table are what."""

    n_columns: int
    pixels: Places  # in their order; one more where values have to tell, see `side_of_labels`
    labels: tuple[int, ...] = ()  # one, the ten of one-hot labels, or none
    names: tuple[str, ...] = ()  # of the columns, if there is a header
    without_labels: str = ""  # why there are none

    def column(self, index: int) -> str:
        """Name a column in a message."""
        return f"column {self.names[index] if self.names else index + 1}"


class Table(NamedTuple):
    """A table of which the header was read, and not the rows."""

    layout: Layout
    blocks: Iterator[list[bytes]]

    def rows(self) -> Iterator[Rows]:
        """Read the rows, about a megabyte of them at a time, and what is wrong with which of them.

        NaN stands for what is no number, and in columns that are neither pixels nor labels.
        """
        n_before = 0
        for lines in self.blocks:
            # A megabyte of short lines, all of them wrong, would take a gigabyte at once.
            for start in range(0, len(lines), BLOCK_PICTURES):
                rows = _parse(lines[start : start + BLOCK_PICTURES], self.layout, n_before + 1)
                n_before += len(rows[0])
                yield rows
        if not n_before:
            raise FormatError("has a header and no rows" if self.layout.names else "is empty")


def open_csv(stream: Stream) -> Table:
    """Read the first line of a table, which may have a title above it, and tell what its columns are."""
    blocks = _lines_of(stream)
    first = next(blocks, [])
    first[:1] = [line.lstrip(b"\xef\xbb\xbf") for line in first[:1]]
    told = [i for i, line in enumerate(first) if _is_told(line)]
    titles = itertools.takewhile(lambda i: re.search(rb"[^\W\d_eE]", first[i]), told[:20])
    start = next((i for i in titles if _order_of(_cells(first[i])) is not None), [*told, 0][0])
    head = first[start] if told else b""
    delimiter = _delimiter_of(head)
    kept = _cleaned(itertools.chain([first[start:]], blocks), delimiter, b"#")
    line, *rest = next((lines for lines in kept if lines), [b""])
    if not line:
        raise FormatError("is empty")
    names = _header_of(line, head, delimiter)
    rows = rest if names is not None else [line, *rest]
    widths = [row.rstrip(b",").count(b",") + 1 for row in rows[:100]]
    layout = _unnamed_layout(widths) if names is None else _named_layout(names, widths)
    return Table(layout, itertools.chain([rows], kept))


def _unnamed_layout(widths: list[int]) -> Layout:
    """Tell what the columns are by how many most rows have."""
    usual = max(_WIDTHS, key=widths.count)
    if usual not in widths:
        raise FormatError(f"has {_columns(widths[0])} in its first line", hint=HINT)
    n_pixels, columns = _WIDTHS[usual], np.arange(usual)
    if usual > n_pixels + 1:
        return Layout(usual, columns[:n_pixels], tuple(range(n_pixels, usual)))
    without = "has no labels: its 784 columns are all pixels" * (usual == n_pixels)
    return Layout(usual, columns, without_labels=without)


def _named_layout(names: tuple[str, ...], widths: list[int]) -> Layout:
    """Tell what the columns are by their names; of those that most rows have, some have none."""
    named = names
    while named and not named[-1]:
        named = named[:-1]
    n_unnamed = max(widths, key=widths.count, default=0) - len(named)
    if n_unnamed > 0 and len(named) < len(names):
        named += ("",) * n_unnamed
    elif n_unnamed == 1:
        named = ("", *named)  # as R writes the names of rows, without one of their own
    return layout_of(named)


def open_arff(stream: Stream) -> Table:
    """Read the header of an ARFF file, Weka's table, which names the columns."""
    blocks = _lines_of(stream)
    first = next(blocks, [])
    data = next((i for i, line in enumerate(first) if _ARFF_DATA.fullmatch(line)), None)
    if data is None:
        raise FormatError("has no @data line in its first megabyte")
    attributes = filter(None, map(_ARFF_ATTRIBUTE.match, first[:data]))
    names = (match[1].decode("utf-8", "replace").strip("'\"") for match in attributes)
    layout, rest = layout_of(tuple(names)), first[data + 1 :]
    rows = _cleaned(itertools.chain([rest], blocks), b",", b"%")
    if any(line.startswith(b"{") for line in rest):  # {153 3, 154 18, 784 7}
        form = bytes.maketrans(b" ", b":")
        pairs = ([line.translate(form, b"{}") for line in lines] for lines in rows)
        rows = _dense(pairs, layout.n_columns, 0, 0)
    return Table(layout, rows)


def is_sparse(head: bytes) -> bool:
    """Tell LIBSVM's rows from a table: "7 153:3 154:18"."""
    return _SPARSE.match(head) is not None


def open_sparse(stream: Stream) -> Table:
    """Read the first block of LIBSVM's or SVMlight's text, and tell what its columns are.

    Nothing in it says whether they count from 1, as is usual, or from 0 as scikit-learn writes them.
    Where neither the first nor the last is there, the centre of MNIST's digits tells: at 14 of 0 to
    27, it would be at 13.
    """
    blocks = _cleaned(_lines_of(stream), b" ", b"#")
    first = next(blocks)
    columns = np.array(re.findall(rb",(\d{1,5}):", b"\n".join(first)), dtype=np.int64)
    top = columns.max(initial=1)
    side = next((side for side in sorted(SIDES) if top <= side**2), IMAGE_SIDE)
    n_pixels = side**2
    is_off = side == IMAGE_SIDE and top < n_pixels and ((columns - 1) % side).mean() < 13.5
    shift = int(is_off or not columns.all())
    layout = Layout(n_pixels + 1, np.arange(1, n_pixels + 1), (0,))
    return Table(layout, _dense(itertools.chain([first], blocks), n_pixels + 1, shift, 1))


def _dense(
    blocks: Iterator[list[bytes]], n_columns: int, shift: int, first: int
) -> Iterator[list[bytes]]:
    """Write all cells of rows that name their columns, from ``first`` on; a word alone is a label."""
    for lines in blocks:
        for start in range(0, len(lines), BLOCK_PICTURES):
            rows = []
            for line in lines[start : start + BLOCK_PICTURES]:
                cells = [b"0"] * n_columns
                for word in line.partition(b"#")[0].split(b","):
                    place, colon, value = word.partition(b":")
                    column = int(place) + shift if place.isdigit() and len(place) < 6 else -1
                    if not colon:
                        cells[0] = word or cells[0]
                    elif first <= column < n_columns:
                        cells[column] = value
                    elif place != b"qid":
                        cells[first] = word  # which is told
                rows.append(b",".join(cells))
            yield rows


def _is_told(line: bytes) -> bool:
    """Return whether a line is more than a comment, empty cells, or Excel's sep=."""
    line = line.strip()
    return bool(line.strip(b",;|")) and line[:1] != b"#" and not _SEPARATOR.fullmatch(line)


def _cells(line: bytes, delimiter: bytes = b"") -> tuple[str, ...]:
    text = line.decode("utf-8", "replace").replace("\0", "\ufffd").strip()
    delimiter = delimiter or _delimiter_of(line)
    cells = text.split()
    if delimiter != b" ":
        cells = next(csv.reader([text], delimiter=delimiter.decode(), skipinitialspace=True), [])
    return tuple(cell.strip(" '\"\ufeff") for cell in cells)


def _delimiter_of(line: bytes) -> bytes:
    """Tell what separates the cells of a line."""
    # Where something else does, a comma is a decimal point.
    for delimiter in (b";", b"\t", b"|"):
        if line.count(delimiter) >= N_PIXELS - 1:
            return delimiter
    delimiter = max((b",", b";", b"\t", b"|"), key=line.count)
    return delimiter if delimiter in line else b" "


def cells_of(stream: Stream) -> Iterator[tuple[str, ...]]:
    """Read the cells of a table of words, line by line; nothing of what is none."""
    with contextlib.suppress(FormatError):
        lines = (line for block in _lines_of(stream) for line in block if _is_told(line))
        head = next(lines, b"")
        delimiter = _delimiter_of(head)
        yield from (_cells(line, delimiter) for line in itertools.chain([head], lines))


def is_table(head: bytes) -> bool:
    """Tell a table of numbers from a drawing in letters, by its first lines."""
    lines = head.replace(b"\r", b"\n").split(b"\n")
    return any(
        b"," in line
        or _SEPARATOR.fullmatch(line)
        or max(len(line.split()), *map(line.count, (b";", b"|"))) > IMAGE_SIDE
        for line in [line for line in lines if line.strip()][:8]
    )


def layout_of(names: tuple[str, ...]) -> Layout:
    """Tell what columns are by their names; raise FormatError where those do not tell the pixels."""
    order = _order_of(names)
    if order is None:
        if len(names) < N_PIXELS:
            raise FormatError(f"has {_columns(len(names))} in its first line", hint=HINT)
        shown = ", ".join(repr(name[:20]) for name in names[:3])
        problem = f"has a header that does not tell the order of 784 pixels ({shown}, ...)"
        raise FormatError(problem, hint="call the columns label, pixel0, pixel1, ..., pixel783")
    if math.isqrt(len(order)) ** 2 < len(order):
        return Layout(len(names), order, names=names)
    others = sorted(set(range(len(names))) - set(order.tolist()))
    labels = [i for i in others if names[i].strip().lower() in LABELS]
    if len(labels) == 1:
        return Layout(len(names), order, (labels[0],), names)
    if not labels and (one_hot := _one_hot_of(names, others)):
        return Layout(len(names), order, one_hot, names)
    shown = ", ".join(repr(names[i][:20]) for i in labels or others)
    reason = "has no labels: its 784 columns are all pixels"
    if labels:
        reason = f"has several columns that may be its labels: {shown}"
    elif shown:
        reason = f"has no labels: no column is called 'label' ({shown} beside the pixels)"
    return Layout(len(names), order, (), names, reason)


def _one_hot_of(names: tuple[str, ...], others: list[int]) -> tuple[int, ...]:
    """Find ten columns called label_0 to label_9, or the like."""
    found: dict[str, dict[str, int]] = {}
    for i in others:
        if match := re.fullmatch(r"(.*?)[ _.-]*([0-9])", names[i].strip().lower()):
            found.setdefault(match[1], {})[match[2]] = i
    for name, columns in found.items():
        if len(columns) == len(DIGIT_WORDS) and name in LABELS | {""}:
            return tuple(columns[digit] for digit in sorted(columns))
    return ()


def _columns(n: int) -> str:
    return "1 column" if n == 1 else f"{n:,} columns"


def _order_of(names: tuple[str, ...]) -> Places | None:
    """Find the columns of 784 pixels, in their order, by the numbers in their names.

    pixel0 to pixel783, pixel1 to pixel784, 0 to 783, and by row and column 1x1 to 28x28, p0000 to
    p2727. As many as 785 numbers in a row say nothing but the order of the columns.
    """
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


def side_of_labels(values: Float32s) -> int:
    """Tell whether labels are in the first column of 785, or as many, or in the last: 0 or -1.

    A label is a whole number from 0 to 9. A column that is the same throughout as the one beside
    it is paper rather than labels; where both ends are 0 the first is the label, as is usual.
    Raises FormatError where neither can be, or both.
    """
    n, pixels = values.shape[1], f"pixel0,...,pixel{values.shape[1] - 2}"
    ends, inner = values[:, [0, -1]], values[:, 1:-1]
    could = ((ends >= 0) & (ends <= 9) & (ends == np.floor(ends))).all(axis=0)
    if could.all() and not ends.any():
        return 0
    varies = (ends != ends[:1]).any(axis=0)
    could &= varies | (ends != inner[:, [0, -1]]).any(axis=0)
    if could.all() and inner.min() >= 0 and inner.max() <= 1 and (ends > 1).any():
        could = (ends > 1).any(axis=0)  # no shares of ink
    if could.all() and varies.any():
        could = varies
    if could.all():
        problem = f"may have its labels in the first of its {n:,} columns or in the last"
        hint = f"add a header: label,{pixels} or {pixels},label"
        raise FormatError(problem, hint=hint)
    if not could.any():
        raise FormatError(
            f"has {n:,} columns, of which neither the first nor the last holds labels from 0 to 9",
            hint=f"expected label,{pixels}; labels are digits, 0 and not 10 for zero",
        )
    return 0 if could[0] else -1


def _lines_of(stream: Stream) -> Iterator[list[bytes]]:
    """Read lines that are not blank, a block of them at a time, whatever they end in."""
    rest, n_before, is_end = b"", 0, False
    while not is_end:
        chunk = stream.read(BLOCK_BYTES)
        is_end = len(chunk) < BLOCK_BYTES
        data = rest + chunk
        # A carriage return at the end may be half of a line's end.
        held = b"\r" if data.endswith(b"\r") and not is_end else b""
        data = data[: len(data) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = data.split(b"\n")
        if is_end:
            lines.append(rest)
        told = [*filter(bytes.strip, lines)]  # quick, where there are millions of empty ones
        if max(map(len, [*told, rest])) > MAX_LINE_BYTES:
            is_long = [len(line) > MAX_LINE_BYTES for line in [*lines, rest]]
            number = f"{n_before + 1 + is_long.index(True):,}"
            raise FormatError(f"line {number} is longer than {MAX_LINE_BYTES:,} bytes", hint=HINT)
        n_before += len(lines)
        rest += held
        if lines:
            yield told


def _cleaned(
    blocks: Iterator[list[bytes]], delimiter: bytes, comment: bytes
) -> Iterator[list[bytes]]:
    """Bring lines to one form, see `_clean`, and leave comments and those of empty cells out."""
    n_empty = 0
    for lines in blocks:
        told = (line for line in lines if not line.lstrip().startswith(comment))
        clean = [each for line in told if (each := _clean(line, delimiter)).strip(b",")]
        n_empty = 0 if clean else n_empty + BLOCK_BYTES
        if n_empty > MAX_EMPTY_BYTES:
            raise FormatError(f"has more than {MAX_EMPTY_BYTES >> 20} MiB of empty lines")
        yield clean


def _clean(line: bytes, delimiter: bytes) -> bytes:
    """Put commas between the cells of a line, take quotes and brackets away, and blanks around them."""
    if b'"' in line and line.count(delimiter) != line.count(b'"' + delimiter + b'"'):
        point = b"." * bool(_DECIMAL.search(b";".join(_QUOTED.findall(line))))
        line = _QUOTED.sub(lambda cell: cell[1].replace(delimiter, point), line)
    line = line.translate(None, b"\"'[]")
    if delimiter == b" ":
        return b",".join(line.replace(b",", b".").split())
    if delimiter != b",":
        is_whole = b"," not in line and b"." not in line
        thousands = b"" if is_whole or _DECIMAL.search(line) else b".,"
        line = line.translate(bytes.maketrans(b"," + delimiter, b".,"), thousands)
    line = line.replace(b", ", b",")  # quick
    if b" " in line or b"\t" in line:
        line = b",".join(cell.strip(b" \t") for cell in line.split(b","))
    if line.translate(None, b"0123456789,.+-eE"):  # in rows of numbers they are read at once
        line = _WORD.sub(lambda word: _IN_DIGITS.get(word[0].lower(), word[0]), line)
    return line


def _header_of(line: bytes, raw: bytes, delimiter: bytes) -> tuple[str, ...] | None:
    cells = line.decode("ascii", "replace").split(",")
    words = [cell for cell in cells if not _NUMBER.fullmatch(cell) and not _NO_NAME.fullmatch(cell)]
    if not words and not (len(cells) >= min(SIDES) ** 2 and 2 * len(set(cells)) > len(cells)
                          and _order_of(tuple(cells)) is not None):  # fmt: skip
        return None
    names = _cells(raw, delimiter)
    # One odd cell in a row of numbers is a mistake in it, unless the numbers are names as well.
    is_header = 2 * len(words) > len(cells) or _order_of(names) is not None
    return names if is_header or len(cells) < N_PIXELS else None


def _parse(lines: list[bytes], layout: Layout, first: int) -> Rows:
    """Parse lines of cells all at once, or where that fails one by one."""
    tidy = [line.rstrip(b",") for line in lines] if lines[0].endswith(b",") else lines
    whole = _whole_numbers(b"\n".join(tidy) + b"\n", layout.n_columns)
    if whole is not None:
        return whole, {}
    values, faults = np.full((len(lines), layout.n_columns), np.nan, np.float32), {}
    is_pixel = frozenset(layout.pixels.tolist())
    with np.errstate(over="ignore"):
        for i, line in enumerate(lines):
            try:
                values[i] = _row(line, layout, is_pixel)
            except FormatError as error:
                error.where = f" row {first + i}"
                faults[i] = error.with_traceback(None)  # whose frames would keep the lines
    return values, faults


def _whole_numbers(block: bytes, n_columns: int) -> Float32s | None:
    """Parse numbers of one to three digits, all cells at once; None where there is anything else."""
    if block.translate(None, b"0123456789,\n"):
        return None
    data = np.frombuffer(b"00" + block, np.uint8)
    ends = np.flatnonzero(data < ord("0"))
    n_digits = np.diff(ends, prepend=1) - 1
    n_rows = block.count(b"\n")
    is_table = len(ends) == n_rows * n_columns > 0
    is_table = is_table and (data[ends[n_columns - 1 :: n_columns]] == ord("\n")).all()
    if not is_table or n_digits.min() < 1 or n_digits.max() > 3:
        return None
    digits = (data - ord("0")).astype(np.float32)
    numbers = digits[ends - 1]
    numbers += 10 * digits[ends - 2] * (n_digits > 1)
    numbers += 100 * digits[ends - 3] * (n_digits > 2)
    return numbers.reshape(n_rows, n_columns)


def _row(line: bytes, layout: Layout, is_pixel: frozenset[int]) -> list[float]:
    cells = line.split(b",")
    while len(cells) > layout.n_columns and not cells[-1]:
        cells.pop()
    if len(cells) != layout.n_columns:
        raise FormatError(f"has {_columns(len(cells))}, expected {layout.n_columns:,}")
    if not line.translate(None, b"0123456789,.+-eE"):
        with contextlib.suppress(ValueError):
            return list(map(float, cells))
    values = []
    for i, text in enumerate(line.decode("ascii", "replace").split(",")[: len(cells)]):
        value = number_of(text)
        if np.isnan(value) and i in is_pixel:
            problem = f"{layout.column(i)} holds {text[:20]!r}, expected a number from 0 to 255"
            raise FormatError(problem)
        values.append(value)
    return values


def number_of(text: str) -> float:
    """Return a number that is written in digits or is one of the words of labels; NaN for what is none."""
    if text.isdecimal() or _NUMBER.fullmatch(text):  # the quick way first
        return float(text)
    return _WORDS.get(text.lower(), np.nan)
