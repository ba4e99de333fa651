"""Containers of many pictures to uint8 arrays.

Every reader takes a `Source`, from which bytes only ever come in order, and yields blocks of shape
(n, height, width), so that a pipe, a gzip stream and a file of 10 GB need the same little memory.
A header is believed as far as bytes follow it. Only `BadImageError` comes out.

- NPY: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, parsed here because
  ``np.load(allow_pickle=False)`` answers crafted files with MemoryError, OverflowError, IndexError,
  TypeError and TokenError, and overlooks bytes after the array.
- IDX: magic 0x00000803, three big-endian sizes, then one byte per pixel (LeCun's page on MNIST).
- CSV: 784 columns of pixels, or 785 with a label, as on Kaggle and OpenML.
"""

from __future__ import annotations

import ast
import itertools
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from mnistcli.errors import BadImageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    Block = NDArray[np.uint8]

SIDE = 28
N_PIXELS = SIDE * SIDE

# Pictures read at a time: 1,024 of 28x28 float64 are 6 MB.
BLOCK_PICTURES = 1024
BLOCK_BYTES = 8 << 20
MAX_PIXELS = 1 << 24
# A row of 785 numbers with 17 digits each is 18 KB.
MAX_LINE_BYTES = 1 << 16
MAX_NPY_HEADER_BYTES = 1 << 16

NPY_MAGIC = b"\x93NUMPY"
IDX_MAGIC = b"\x00\x00\x08"
NPY_DTYPE = re.compile(r"[|<>=]?(?:b1|[iu][1248]|f[248])")


class Source(Protocol):
    """Bytes in order, as from a pipe; fewer than asked for only at the end."""

    name: str

    def read(self, n_bytes: int) -> bytes:
        """Give the next bytes."""
        ...


# --- NPY and IDX --------------------------------------------------------------------------------


def npy_blocks(source: Source) -> Iterator[Block]:
    """Read an array (28, 28), (784,), (n, 28, 28), (n, 784), or one grey picture of any size.

    Axes of length 1 do not matter: (n, 28, 28, 1) and (n, 1, 28, 28) are welcome.
    """
    dtype, fortran_order, shape = _npy_header(source)
    n, height, width = _stack_shape(shape, source.name)
    if fortran_order and len(shape) > 1:
        if math.prod(shape) > MAX_PIXELS:
            raise BadImageError(
                source.name,
                "is in Fortran order and too large to be turned around",
                hint="save it with np.save(path, np.ascontiguousarray(array))",
            )
        data = np.frombuffer(_exactly(source, math.prod(shape) * dtype.itemsize), dtype)
        blocks: Iterable[NDArray[np.generic]] = [
            data.reshape(shape, order="F").reshape(n, height, width)
        ]
    else:
        blocks = _raw_blocks(source, dtype, n, height, width)
    return _as_bytes(blocks, source.name)


def _npy_header(source: Source) -> tuple[np.dtype[np.generic], bool, tuple[int, ...]]:
    prefix = _exactly(source, 8)
    major = prefix[6]
    if major not in (1, 2, 3):
        raise BadImageError(source.name, f"is an NPY file of unknown version {major}")
    length = int.from_bytes(_exactly(source, 2 if major == 1 else 4), "little")
    if length > MAX_NPY_HEADER_BYTES:
        raise BadImageError(source.name, f"declares an NPY header of {length:,} bytes")
    try:
        header = ast.literal_eval(_exactly(source, length).decode("latin-1").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.keys() != {"descr", "fortran_order", "shape"}:
        raise BadImageError(source.name, "has a damaged NPY header")
    descr, order, shape = header["descr"], header["fortran_order"], header["shape"]
    if not isinstance(descr, str) or not NPY_DTYPE.fullmatch(descr):
        raise BadImageError(source.name, f"holds {descr!r}, expected numbers"[:200])
    if type(order) is not bool or not isinstance(shape, tuple):
        raise BadImageError(source.name, "has a damaged NPY header")
    if not all(type(size) is int and 0 <= size < 1 << 40 for size in shape):
        raise BadImageError(source.name, f"has an impossible shape {shape!r}"[:200])
    return np.dtype(descr), order, shape


def _stack_shape(shape: tuple[int, ...], name: str) -> tuple[int, int, int]:
    """See an array as n pictures of height x width."""
    sizes = tuple(size for size in shape if size != 1)
    if sizes in {(N_PIXELS,), (SIDE, SIDE)}:
        # The shape as given tells (1, 28, 28) from (28, 28), which are the same bytes anyway.
        return 1, SIDE, SIDE
    if sizes[1:] in {(N_PIXELS,), (SIDE, SIDE)}:
        return sizes[0], SIDE, SIDE
    if len(sizes) == 2 and math.prod(sizes) <= MAX_PIXELS and min(sizes) > 0:
        return 1, *sizes
    raise BadImageError(
        name, f"has shape {shape}", hint="expected (n, 28, 28), (n, 784), (28, 28) or (784,)"
    )


def idx_blocks(source: Source) -> Iterator[Block]:
    """Read an IDX file of images."""
    n_dimensions = _exactly(source, 4)[3]
    if n_dimensions == 1:
        raise BadImageError(source.name, "is an IDX file of labels, not of images")
    if n_dimensions != 3:
        raise BadImageError(source.name, f"is an IDX file of {n_dimensions} dimensions, expected 3")
    sizes = np.frombuffer(_exactly(source, 12), ">u4")
    n, height, width = (int(size) for size in sizes)
    if not 0 < height * width <= MAX_PIXELS:
        raise BadImageError(source.name, f"declares images of {height} x {width} pixels")
    blocks = _raw_blocks(source, np.dtype(np.uint8), n, height, width)
    return _as_bytes(blocks, source.name)


def _raw_blocks(
    source: Source, dtype: np.dtype[np.generic], n: int, height: int, width: int
) -> Iterator[NDArray[np.generic]]:
    """Read n pictures a block at a time, and make sure that nothing follows."""
    n_bytes = height * width * dtype.itemsize
    per_block = max(1, min(BLOCK_PICTURES, BLOCK_BYTES // n_bytes))
    for start in range(0, n, per_block):
        n_here = min(per_block, n - start)
        data = np.frombuffer(_exactly(source, n_here * n_bytes), dtype)
        yield data.reshape(n_here, height, width)
    if source.read(1):
        raise BadImageError(source.name, "goes on after its last picture")


def _exactly(source: Source, n_bytes: int) -> bytes:
    data = source.read(n_bytes)
    if len(data) < n_bytes:
        raise BadImageError(source.name, "ends too early: truncated")
    return data


def _as_bytes(blocks: Iterable[NDArray[np.generic]], name: str) -> Iterator[Block]:
    """Bring values to 0..255: bytes stay, what never exceeds 1 is taken as a share of 255."""
    unit: bool | None = None
    n_before = 0
    for block in blocks:
        values: NDArray[Any] = block.astype(np.uint8) if block.dtype == np.bool_ else block
        low, high = values.min(initial=0), values.max(initial=0)
        if not (low >= 0 and high <= 255):
            i = int((~((values >= 0) & (values <= 255))).reshape(len(values), -1).any(1).argmax())
            value = next(v for v in values[i].flat if not 0 <= v <= 255)
            raise BadImageError(
                f"{name}[{n_before + i}]", f"holds {value:g}, expected 0 to 255 or 0 to 1"
            )
        if unit is None and high > 0:
            unit = bool(high <= 1)
        if unit and high > 1:
            raise BadImageError(name, f"holds {high:g} after pictures that stay within 0 and 1")
        n_before += len(values)
        yield _scaled(values, unit=bool(unit))


def _scaled(values: NDArray[Any], *, unit: bool) -> Block:
    if values.dtype == np.uint8 and not unit:
        return values
    scaled: Block = np.rint(values.astype(np.float32) * (255 if unit else 1)).astype(np.uint8)
    return scaled


# --- CSV ----------------------------------------------------------------------------------------


class _Layout(NamedTuple):
    """What the first line of a table says about the others."""

    delimiter: str | None  # None: any blanks
    n_columns: int
    label: int | None  # index of the column that is no pixel
    has_header: bool

    def fields(self, line: str) -> list[str]:
        """Split a line."""
        return [field.strip(' "') for field in line.split(self.delimiter)]


def csv_blocks(source: Source) -> Iterator[tuple[int, Block]]:
    """Read a table of pixels, a block at a time, each with the number of its first row, from 1.

    784 columns, or 785 with a label: the first column, or the last if a header says so. Values are
    0 to 255, or 0 to 1 throughout. Commas, semicolons, tabs or blanks separate them.
    """
    lines = _lines(source)
    first = next(lines, None)
    if first is None:
        raise BadImageError(source.name, "is empty")
    layout = _layout_of(first[1], source.name)
    if not layout.has_header:
        lines = itertools.chain([first], lines)
    unit: bool | None = None
    row = 1
    while block := list(itertools.islice(lines, BLOCK_PICTURES)):
        values = _pixels(block, layout, row, source.name)
        high = values.max()
        if unit is None and high > 0:
            unit = bool(high <= 1)
        if unit and high > 1:
            raise BadImageError(
                f"{source.name} row {row + int(values.max(axis=1).argmax())}",
                f"holds {high:g} after rows that stay within 0 and 1",
            )
        yield row, _scaled(values.reshape(-1, SIDE, SIDE), unit=bool(unit))
        row += len(block)
    if row == 1:
        raise BadImageError(source.name, "has a header and no rows")


def _layout_of(line: str, name: str) -> _Layout:
    delimiter = next((d for d in (",", ";", "\t") if d in line), None)
    fields = _Layout(delimiter, 0, None, has_header=False).fields(line)
    n_columns = len(fields)
    if n_columns not in (N_PIXELS, N_PIXELS + 1):
        raise BadImageError(
            name,
            f"has {n_columns} columns",
            hint="expected 784 pixels in a row, or a label and 784 pixels",
        )
    has_header = any(re.search("[A-Za-z]", field) for field in fields)
    if n_columns == N_PIXELS:
        return _Layout(delimiter, n_columns, None, has_header)
    label_is_last = has_header and fields[-1].lower() in {"label", "class", "y", "target"}
    return _Layout(delimiter, n_columns, -1 if label_is_last else 0, has_header)


def _pixels(
    block: list[tuple[int, str]], layout: _Layout, row: int, name: str
) -> NDArray[np.float32]:
    """Parse rows to values of shape (n, 784), 0 to 255."""
    try:
        values = np.loadtxt(
            [line for _, line in block],
            np.float32,
            comments=None,
            delimiter=layout.delimiter,
            quotechar='"',
            ndmin=2,
        )
    except (ValueError, OverflowError):
        values = None
    if values is None or values.shape != (len(block), layout.n_columns):
        raise _first_fault(block, layout, row, name)
    pixels = values if layout.label is None else np.delete(values, layout.label, axis=1)
    within = (pixels >= 0) & (pixels <= 255)
    if not within.all():
        raise _first_fault(block, layout, row, name)
    return pixels


def _first_fault(
    block: list[tuple[int, str]], layout: _Layout, row: int, name: str
) -> BadImageError:
    """Find what is wrong with a block of rows, the slow way."""
    for i, (line_number, line) in enumerate(block):
        where = f"{name} row {row + i}"
        fields = layout.fields(line)
        if len(fields) != layout.n_columns:
            problem = f"has {len(fields)} columns, expected {layout.n_columns} (line {line_number})"
            return BadImageError(where, problem)
        is_label = None if layout.label is None else layout.label % layout.n_columns
        for j, field in enumerate(fields):
            try:
                good = 0 <= float(field) <= 255 or j == is_label
            except ValueError:
                good = False
            if not good:
                problem = f"column {j + 1} (line {line_number}) holds {field[:20]!r}"
                return BadImageError(where, f"{problem}, expected a number from 0 to 255")
    return BadImageError(f"{name} row {row}", "is not a row of numbers")


def _lines(source: Source) -> Iterator[tuple[int, str]]:
    """Give the lines that are not blank, with their numbers from 1."""
    rest = b""
    number = 0
    while True:
        chunk = source.read(1 << 20)
        parts = (rest + chunk).split(b"\n")
        rest = parts.pop() if chunk else b""
        for part in parts:
            number += 1
            if len(part) > MAX_LINE_BYTES:
                raise _too_long(source.name, number)
            if text := _ascii(part, number, source.name):
                yield number, text
        if len(rest) > MAX_LINE_BYTES:
            raise _too_long(source.name, number + 1)
        if not chunk:
            return


def _too_long(name: str, number: int) -> BadImageError:
    return BadImageError(name, f"line {number} is longer than {MAX_LINE_BYTES:,} bytes")


def _ascii(line: bytes, number: int, name: str) -> str:
    if number == 1:
        line = line.removeprefix(b"\xef\xbb\xbf")
    if not line.isascii() or b"\0" in line:
        raise BadImageError(name, f"line {number} is not plain ASCII text")
    return line.decode("ascii").strip()


def is_table(first_line: str) -> bool:
    """Say whether text is a table of numbers rather than a drawing."""
    return "," in first_line or ";" in first_line or len(first_line.split()) > SIDE
