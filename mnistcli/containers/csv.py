"""CSV, ARFF and other tables of text -> blocks of numbers; what is in which column, `columns` tells.

Whole numbers are parsed with NumPy alone, as fast as by pandas and without its import. A row that
is wrong is told, and the others are read.
"""

import contextlib
import csv
import itertools
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistcli.arrays import Float32s
from mnistcli.containers import columns
from mnistcli.containers.columns import HINT, SIDES, Layout, layout_of, pixel_order
from mnistcli.containers.names import OfPart, number_in, part_in, parts_of, says_labels
from mnistcli.containers.npy_idx import BLOCK_PICTURES
from mnistcli.containers.reading import FormatError, Stream
from mnistcli.display import counted
from mnistcli.mnist import DIGIT_WORDS, IMAGE_SIDE, N_PIXELS

# A row of 785 numbers with 17 digits each is 18 KB.
MAX_LINE_BYTES = 1 << 16
BLOCK_BYTES = 1 << 20
# https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/
_ARFF_ATTRIBUTE = re.compile(rb"(?i)[ \t]*@attribute[ \t]+(\"[^\"]*\"|'[^']*'|[^\s]+)")
_ARFF_DATA = re.compile(rb"(?i)[ \t]*@data[ \t]*(?:%.*)?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_NO_NAME = re.compile(r"[+-]?(?:nan|na|n/a|null|none|inf|infinity|\?|)", re.IGNORECASE)
_QUOTED = re.compile(rb'"([^"]*)"')
# What a separator of thousands never looks like.
_DECIMAL = re.compile(rb"(?<![\d.,])0+[.,]|(?<!\d)[.,]|[.,]\d{0,2}(?!\d)|[.,]\d{4}")
_SEPARATOR = re.compile(rb'"?sep=.?"?', re.IGNORECASE)
_WORDS = DIGIT_WORDS | {"true": 1, "false": 0}
_WORDS |= {f"b{i}": i for i in range(10)}  # of b'7', whose quotes have gone
_WORD = re.compile(rb"(?<![^,])[A-Za-z][\w\x80-\xff]*(?![^,])")


class Table(NamedTuple):
    """A table of which the header was read, and not the rows."""

    layout: Layout
    blocks: Iterator[list[bytes]]

    def rows(self) -> Iterator[tuple[Float32s, dict[int, FormatError], list[OfPart | None]]]:
        """Read the rows, a thousand or a megabyte at a time, and what is wrong with which of them.

        NaN stands for what is no number, and in columns that are neither pixels nor labels. Where
        one of those says of which part each row is, it comes last.
        """
        known = {*self.layout.pixels.tolist(), *self.layout.labels}
        others = [i for i in range(len(self.layout.names)) if i not in known]
        n_before, column = 0, -1
        for lines in self.blocks:
            if column < 0 and others:
                column = self._column_of_parts(lines, others)
            rows, parts = [line.split(b",") for line in lines if column >= 0], []
            for cells in rows:
                cell = _text(b"".join(cells[column : column + 1]))
                parts.append(part_in(cell, self.layout.names[column]))
                cells[column : column + 1] = [b"0" for _ in cells[column : column + 1]]
            numbers = [b",".join(cells) for cells in rows] or lines  # which are read faster
            yield *_parse(numbers, self.layout, n_before + 1), parts
            n_before += len(lines)
        if not n_before:
            raise FormatError("has a header and no rows" if self.layout.names else "is empty")

    def _column_of_parts(self, lines: list[bytes], others: list[int]) -> int:
        """Tell which of other columns says parts; keep those that may, being empty so far."""
        rows = [_text(line).split(",") for line in lines]
        cells = {i: {row[i] for row in rows if len(row) > i} for i in others}
        said = [i for i in others if parts_of([*cells[i]], self.layout.names[i])]
        others[:] = [i for i in others if not any(cells[i])]
        return said[0] if said else -1


def open_csv(stream: Stream) -> Table:
    """Read the first line of a table, which may have a title above it, and tell what its columns are."""
    blocks = _lines_of(stream)
    lines = next(blocks, [])
    lines[:1] = [line.lstrip(b"\xef\xbb\xbf") for line in lines[:1]]
    start = _start_of(lines)
    head = b"".join(lines[start : start + 1])
    delimiter = _delimiter_of(head)
    cleaned = _cleaned(itertools.chain([lines[start:]], blocks), delimiter, b"#")
    if not (lines := next(cleaned, [])):
        raise FormatError("is empty")
    names = _names_in(lines[0], head, delimiter)
    rows = lines[names is not None :]
    blocks = filter(None, itertools.chain([rows], cleaned))
    return Table(columns.layout_of_rows(names, rows[:100]), blocks)


def _start_of(lines: list[bytes]) -> int:
    """Return where a table starts: at the names of its pixels below a title, or the first line told."""
    told = [i for i, line in enumerate(lines) if _is_told(line)]
    titles = itertools.takewhile(lambda i: re.search(rb"[^\W\d_eE]", lines[i]), told[:20])
    named = (i for i in titles if pixel_order(_cells(lines[i])) is not None)
    return next(named, told[0] if told else len(lines))


def _names_in(line: bytes, raw: bytes, delimiter: bytes) -> tuple[str, ...] | None:
    """Return the names of columns if a cleaned line, which was raw before, has them."""
    cells = line.decode("ascii", "replace").split(",")
    words = [cell for cell in cells if not _NUMBER.fullmatch(cell) and not _NO_NAME.fullmatch(cell)]
    if not words and not (len(cells) >= min(SIDES) ** 2 and 2 * len(set(cells)) > len(cells)
                          and pixel_order(tuple(cells)) is not None):  # fmt: skip
        return None
    names = _cells(raw, delimiter)
    # One odd cell in a row of numbers is a mistake in it, unless the numbers are names as well.
    is_header = 2 * len(words) > len(cells) or pixel_order(names) is not None
    return names if is_header or len(cells) < N_PIXELS else None


def open_arff(stream: Stream) -> Table:
    """Read the header of an ARFF file, Weka's table, which names the columns."""
    blocks = _lines_of(stream)
    first = next(blocks, [])
    data = next((i for i, line in enumerate(first) if _ARFF_DATA.fullmatch(line)), None)
    if data is None:
        raise FormatError("has no @data line in its first megabyte")
    attributes = filter(None, map(_ARFF_ATTRIBUTE.match, first[:data]))
    names = (_text(match[1]).strip("'\"") for match in attributes)
    if any(line.startswith(b"{") for line in first[data + 1 : data + 100]):
        hint = "in Weka: the filter SparseToNonSparse writes its zeros out"
        raise FormatError("is a sparse ARFF file, which leaves out zeros", hint=hint)
    rows = itertools.chain([first[data + 1 :]], blocks)
    return Table(layout_of(tuple(names)), _cleaned(rows, b",", b"%"))


def _is_told(line: bytes) -> bool:
    """Return whether a line is more than a comment, empty cells, or Excel's sep=."""
    line = line.strip()
    return bool(line.strip(b",;|")) and line[:1] != b"#" and not _SEPARATOR.fullmatch(line)


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")  # as Excel writes CSV on Windows


def _cells(line: bytes, delimiter: bytes = b"") -> tuple[str, ...]:
    text = _text(line).replace("\0", "\ufffd").strip()
    delimiter = delimiter or _delimiter_of(line)
    cells = text.split()
    if delimiter != b" ":
        cells = next(csv.reader([text], delimiter=delimiter.decode(), skipinitialspace=True), [])
    return tuple(cell.strip(" ='\"\ufeff") for cell in cells)


def _delimiter_of(line: bytes) -> bytes:
    """Tell what separates the cells of a line."""
    delimiter = max((b";", b"\t", b"|"), key=line.count)
    if line.count(delimiter) < min(SIDES) ** 2 - 1:  # else a comma is a decimal point
        delimiter = max((b",", delimiter), key=line.count)
    return delimiter if delimiter in line else b" "


def cells_of(stream: Stream) -> Iterator[tuple[str, ...]]:
    """Read the cells of a table of words, line by line; nothing of what is none."""
    with contextlib.suppress(FormatError):
        lines = (line for block in _lines_of(stream) for line in block if _is_told(line))
        head = next(lines, b"")
        delimiter = _delimiter_of(head)
        yield from (_cells(line, delimiter) for line in itertools.chain([head], lines))


def read_labels(stream: Stream) -> NDArray[np.str_]:
    """Read a table of labels alone, one a row: its only column, that of their name, or all of ten.

    A column that counts the rows may stand before them.
    """
    lines = cells_of(stream)
    rows = [*itertools.islice(lines, 1)]
    if rows and len(rows[0]) < min(SIDES) ** 2:  # else of pixels, of which there may be many
        rows += lines
    if len({*map(len, rows)}) != 1 or not 0 < len(rows[0]) < min(SIDES) ** 2:
        raise FormatError("is no file of labels")
    has_titles = any(np.isnan(number_of(title)) for title in rows[0])
    cells = np.array(rows[has_titles:], dtype=str).reshape(-1, len(rows[0]))
    named = [*map(says_labels, rows[0])]
    counted = [[*map(str, range(first, first + len(cells)))] for first in (0, 1)]
    if len(named) == 2 and cells[:, 0].tolist() in counted:
        named = [False, True]
    return cells[:, named] if sum(named) == 1 else cells


def is_table(head: bytes) -> bool:
    """Tell a table of numbers from a drawing in letters, by its first lines."""
    lines = head.replace(b"\r", b"\n").split(b"\n")
    return any(
        b"," in line
        or re.search(rb"[0-9]\t", line)
        or _is_unseparated(line)
        or _SEPARATOR.fullmatch(line)
        or max(len(line.split()), *map(line.count, (b";", b"|"))) > IMAGE_SIDE
        for line in [line for line in lines if line.strip()][:8]
    )


def _is_unseparated(line: bytes) -> bool:
    """Return whether a line is of pixels and a label, each a digit, with nothing between them."""
    return len(line := line.strip()) in columns.UNSEPARATED and line.isdigit()


def _lines_of(stream: Stream) -> Iterator[list[bytes]]:
    """Read lines that are not blank, a block of them at a time, whatever they end in."""
    rest, n_before, is_end = b"", 0, False
    while not is_end:
        chunk = stream.read(BLOCK_BYTES)
        is_end = len(chunk) < BLOCK_BYTES
        if chunk.endswith(b"\r"):  # which may be half of a line's end
            chunk += stream.read(1)
        text = rest + chunk
        text = text.rstrip(b"\x1a\r\n") if is_end else text  # DOS ends a text with Ctrl-Z
        *lines, rest = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if is_end:
            lines.append(rest)
        told = [*filter(bytes.strip, lines)]  # quick, where there are millions of empty ones
        if max(map(len, [*told, rest])) > MAX_LINE_BYTES:
            is_long = [len(line) > MAX_LINE_BYTES for line in [*lines, rest]]
            number = f"{n_before + 1 + is_long.index(True):,}"
            raise FormatError(f"line {number} is longer than {MAX_LINE_BYTES:,} bytes", hint=HINT)
        n_before += len(lines)
        if lines:
            yield told


def _cleaned(
    blocks: Iterator[list[bytes]], delimiter: bytes, comment: bytes
) -> Iterator[list[bytes]]:
    """Bring lines to one form, see `_clean`; leave comments, empty cells and Markdown's rules out."""
    for lines in blocks:
        told = (line for line in lines if not line.lstrip().startswith(comment))
        clean = [each for line in told if (each := _clean(line, delimiter)).strip(b",-:")]
        # A megabyte of short lines, all of them wrong, would take a gigabyte at once.
        yield from (clean[i : i + BLOCK_PICTURES] for i in range(0, len(clean), BLOCK_PICTURES))


def _clean(line: bytes, delimiter: bytes) -> bytes:
    """Put commas between the cells of a line, take quotes, Excel's ="3" and brackets away, and blanks."""
    if b'"' in line:
        line = line.replace(b'="', b'"')
        if line.count(delimiter) != line.count(b'"' + delimiter + b'"'):
            point = b"." * bool(_DECIMAL.search(b";".join(_QUOTED.findall(line))))
            line = _QUOTED.sub(lambda cell: cell[1].replace(delimiter, point), line)
    line = line.translate(None, b"\"'[]")
    if delimiter == b" ":
        if _is_unseparated(line):
            return ",".join(line.decode().strip()).encode()
        return b",".join(line.replace(b",", b".").split())
    if delimiter != b",":
        is_whole = b"," not in line and b"." not in line
        thousands = b"" if is_whole or _DECIMAL.search(line) else b".,"
        line = line.translate(bytes.maketrans(b"," + delimiter, b".,"), thousands)
    line = line.replace(b", ", b",")  # quick
    if b" " in line or b"\t" in line:
        line = b",".join(cell.strip(b" \t") for cell in line.split(b","))
    if line.translate(None, b"0123456789,.+-eE"):  # in rows of numbers they are read at once
        line = _WORD.sub(lambda word: _in_digits(word[0]), line)
    return line


def _parse(
    lines: list[bytes], layout: Layout, first: int
) -> tuple[Float32s, dict[int, FormatError]]:
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
        raise FormatError(f"has {counted(len(cells), 'column')}, expected {layout.n_columns:,}")
    if not line.translate(None, b"0123456789,.+-eE"):
        with contextlib.suppress(ValueError):
            return list(map(float, cells))
    values = []
    for i, text in enumerate(_text(line).split(",")[: len(cells)]):
        value = number_of(text)
        if i in is_pixel and (np.isnan(value) or not text.isascii()):
            problem = f"{layout.column(i)} holds {text[:20]!r}, expected a number from 0 to 255"
            raise FormatError(problem)
        values.append(value)
    return values


def number_of(text: str) -> float:
    """Return a number that is written in digits or is one of the words of labels; NaN for what is none."""
    if text.isdecimal() or _NUMBER.fullmatch(text):  # the quick way first
        return float(text)
    return _WORDS.get(text.lower(), np.nan)


def label_of(text: str) -> float:
    """Return the same of a label, which may say what it is: digit_3, Class 3; a pixel may not."""
    number, said = number_of(text), number_in(text)
    return said if np.isnan(number) and 0 <= said <= 9 else number


@lru_cache(1 << 10)
def _in_digits(word: bytes) -> bytes:
    number = label_of(_text(word))
    return word if np.isnan(number) else b"%d" % number
