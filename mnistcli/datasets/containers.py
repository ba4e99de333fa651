"""The containers that digits come in: IDX, ARFF, npz and npy bytes to arrays, and nothing else.

Each reader takes a binary file and the name to blame in errors, trusts nothing the file says about
itself, never holds much more than what it returns, and raises `CorruptFileError` only. What the
operating system refuses (``OSError``) passes through: the caller knows the path.

- IDX: Y. LeCun's format, a magic number, big-endian dimensions, then the elements.
- npy, npz: NumPy's ``numpy.lib.format`` version 1.0, without Python objects. Read by hand, since
  ``np.load`` believes the header (a file of 78 bytes can make it ask for 32 GiB).
- ARFF: Weka's text format, dense rows only.
"""

from __future__ import annotations

import contextlib
import errno
import io
import math
import re
import struct
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

import numpy as np

from mnistcli.errors import CorruptFileError
from mnistcli.progress import SILENT

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from mnistcli.progress import Progress

Kind = Literal["idx", "npz", "npy", "arff", "html", "unknown"]

MAX_DECODED_BYTES = 1 << 30
_GZIP_MAGIC = b"\x1f\x8b"


# ---------------------------------------------------------------------------------------- gzip


def is_gzipped(file: BinaryIO) -> bool:
    """Say whether a seekable file is gzip data; its position stays."""
    return _peek(file, 2) == _GZIP_MAGIC


def gunzipped(file: BinaryIO) -> BinaryIO:
    """Return the file itself, or a reader of what is in it if it is gzip data."""
    if not is_gzipped(file):
        return file
    import gzip

    return cast("BinaryIO", gzip.GzipFile(fileobj=file, mode="rb"))


@contextlib.contextmanager
def damage_named(source: str) -> Iterator[None]:
    """Turn what zlib and gzip say of damaged data into a CorruptFileError about ``source``."""
    import gzip

    try:
        yield
    except EOFError:
        raise CorruptFileError(source, "the compressed data ends too early") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise CorruptFileError(source, f"the compressed data is damaged ({error})") from None


def kind_of(file: BinaryIO, source: str) -> Kind:
    """Tell what a seekable file holds from its first bytes, looking into gzip data.

    Raises
    ------
    CorruptFileError
        The file is gzip data and already its beginning is damaged.
    """
    start = file.tell()
    with damage_named(source):
        head = gunzipped(file).read(4096)
    file.seek(start)
    if head.startswith(b"PK\x03\x04"):
        return "npz"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head[:2] == b"\0\0" and head[2:3] in _IDX_DTYPES:
        return "idx"
    if looks_like_html(head):
        return "html"
    if re.search(rb"(?im)^(?:\xef\xbb\xbf)?[ \t]*@(?:relation|attribute)\b", head) or (
        head.lstrip().startswith(b"%")
    ):
        return "arff"
    return "unknown"


def looks_like_html(head: bytes) -> bool:
    """Say whether data begins like a web page, as error pages sent in place of data do."""
    return (
        head.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower().startswith((b"<!doctype html", b"<html"))
    )


def _peek(file: BinaryIO, n_bytes: int) -> bytes:
    start = file.tell()
    head = file.read(n_bytes)
    file.seek(start)
    return head


def _read_exactly(file: BinaryIO, n_bytes: int, source: str) -> NDArray[np.uint8]:
    """Read the rest of a file, which must be ``n_bytes`` long."""
    data = np.empty(n_bytes, dtype=np.uint8)
    view = data.data
    n_read = 0
    with damage_named(source):
        while n_read < n_bytes:
            # The protocol of binary files has no readinto, but all of ours do.
            n_more = cast("Any", file).readinto(view[n_read : n_read + (1 << 22)])
            if not n_more:
                raise CorruptFileError(
                    source, f"ends after {n_read:,} of {n_bytes:,} bytes of elements"
                )
            n_read += n_more
        if file.read(1):
            raise CorruptFileError(source, f"has bytes after its {n_bytes:,} bytes of elements")
    return data


def _in_shape(
    elements: NDArray[np.uint8], dtype: np.dtype[Any], shape: tuple[int, ...]
) -> NDArray[Any]:
    """Return raw bytes as elements of ``dtype``, in the byte order of this machine."""
    return elements.view(dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


# ----------------------------------------------------------------------------------------- IDX

_IDX_DTYPES: dict[bytes, np.dtype[Any]] = {
    b"\x08": np.dtype(np.uint8),
    b"\x0c": np.dtype(">i4"),
}
_IDX_MAX_DIMENSIONS = 4


def read_idx(
    file: BinaryIO, source: str, *, max_bytes: int = MAX_DECODED_BYTES
) -> NDArray[np.uint8] | NDArray[np.int32]:
    """Read an IDX file of bytes or of 32-bit integers, gzipped or not.

    Parameters
    ----------
    file : binary file
        Seekable, at the start of the data.
    source : str
        What to call it in errors.
    max_bytes : int
        Refuse to decode more than this; the limit for gzip bombs.

    Returns
    -------
    ndarray, uint8 or int32 (native byte order), C order
        With the dimensions that the file declares.

    Raises
    ------
    CorruptFileError
        Wrong magic number, too large, too short, too long, or damaged gzip data.
    """
    plain = gunzipped(file)
    with damage_named(source):
        magic = plain.read(4)
        dtype = _IDX_DTYPES.get(magic[2:3])
        n_dimensions = magic[3] if len(magic) == 4 else 0
        if magic[:2] != b"\0\0" or dtype is None or not 1 <= n_dimensions <= _IDX_MAX_DIMENSIONS:
            raise CorruptFileError(source, f"is not an IDX file (it begins with {magic!r})")
        header = plain.read(4 * n_dimensions)
    if len(header) != 4 * n_dimensions:
        raise CorruptFileError(source, "ends within its header")
    shape = struct.unpack(f">{n_dimensions}I", header)
    elements = _read_exactly(plain, _n_bytes(shape, dtype, max_bytes, source), source)
    return _in_shape(elements, dtype, shape)


def _n_bytes(shape: tuple[int, ...], dtype: np.dtype[Any], max_bytes: int, source: str) -> int:
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes > max_bytes:
        raise CorruptFileError(
            source, f"declares {n_bytes:,} bytes of elements, expected at most {max_bytes:,}"
        )
    return n_bytes


# --------------------------------------------------------------------------------- npy and npz

_NPY_MAGIC = b"\x93NUMPY\x01\x00"
_NPY_HEADER = re.compile(
    rb"\{'descr': '([|<>][uif][1248])', 'fortran_order': False, "
    rb"'shape': \(((?:\d{1,10}(?:, \d{1,10})*,?)?)\), ?\} *\n"
)
NPZ_MAX_MEMBERS = 64


def npy_header(shape: tuple[int, ...]) -> bytes:
    """Return what a .npy file of uint8 in C order has before its elements; 128 bytes here."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape!r}, }}"
    n_padded = -(-(len(_NPY_MAGIC) + 2 + len(text) + 1) // 64) * 64
    body = text.ljust(n_padded - len(_NPY_MAGIC) - 3) + "\n"
    return _NPY_MAGIC + struct.pack("<H", len(body)) + body.encode("ascii")


def read_npy(
    file: BinaryIO, source: str, *, max_bytes: int = MAX_DECODED_BYTES
) -> NDArray[np.generic]:
    """Read a .npy file of numbers in C order.

    Returns
    -------
    ndarray of integers or floats, native byte order

    Raises
    ------
    CorruptFileError
        Not such a file, too large, too short or too long.
    """
    with damage_named(source):
        prefix = file.read(10)
        length = int.from_bytes(prefix[8:10], "little")
        header = file.read(length)
    found = _NPY_HEADER.fullmatch(header)
    if len(prefix) != 10 or not prefix.startswith(_NPY_MAGIC) or found is None:
        raise CorruptFileError(source, "is not a .npy file of plain numbers in C order")
    shape = tuple(int(size) for size in found[2].decode("ascii").split(",") if size.strip())
    try:
        dtype = np.dtype(found[1].decode("ascii"))
    except TypeError:  # f1
        raise CorruptFileError(source, f"has elements of an unknown type {found[1]!r}") from None
    elements = _read_exactly(file, _n_bytes(shape, dtype, max_bytes, source), source)
    return _in_shape(elements, dtype, shape)


def npz_names(file: BinaryIO, source: str) -> tuple[str, ...]:
    """Name the arrays of an .npz file.

    Raises
    ------
    CorruptFileError
        Not a zip file, or one of more than `NPZ_MAX_MEMBERS` members.
    """
    with _opened_npz(file, source) as archive:
        names = archive.namelist()
    return tuple(name.removesuffix(".npy") for name in names if name.endswith(".npy"))


def read_npz(
    file: BinaryIO, source: str, max_bytes: Mapping[str, int]
) -> dict[str, NDArray[np.generic]]:
    """Read some arrays of an .npz file; Python objects in it are never looked at.

    Parameters
    ----------
    file : binary file
        Seekable.
    source : str
        What to call it in errors.
    max_bytes : mapping of str to int
        The arrays wanted, and the most bytes that the elements of each may take.

    Returns
    -------
    dict of str to ndarray of integers or floats, C order

    Raises
    ------
    CorruptFileError
        Not a zip file, an array is missing, larger than allowed, damaged or not numbers.
    """
    with _opened_npz(file, source) as archive:
        return {name: _read_member(archive, name, source, max_bytes[name]) for name in max_bytes}


@contextlib.contextmanager
def _opened_npz(file: BinaryIO, source: str) -> Iterator[zipfile.ZipFile]:
    import zipfile

    try:
        with damage_named(source), zipfile.ZipFile(file) as archive:
            if len(archive.namelist()) > NPZ_MAX_MEMBERS:
                raise CorruptFileError(source, f"has more than {NPZ_MAX_MEMBERS} arrays")
            yield archive
    # What zipfile raises on damaged files is not documented; this is what it has been seen to:
    # RuntimeError for encryption, OSError for a seek to where no file can have a byte.
    except (zipfile.BadZipFile, RuntimeError, ValueError, struct.error, OverflowError) as error:
        raise CorruptFileError(source, f"is a damaged .npz file ({error})") from None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise CorruptFileError(source, "is a damaged .npz file (an impossible offset)") from None


def _read_member(
    archive: zipfile.ZipFile, name: str, source: str, max_bytes: int
) -> NDArray[np.generic]:
    import zipfile

    try:
        member = archive.getinfo(f"{name}.npy")
    except KeyError:
        raise CorruptFileError(source, f"has no array {name!r}") from None
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise CorruptFileError(source, f"{name} is compressed in a way that NumPy does not use")
    with archive.open(member) as opened:
        return read_npy(cast("BinaryIO", opened), f"{source}: {name}", max_bytes=max_bytes)


# ---------------------------------------------------------------------------------------- ARFF

_ARFF_BLOCK_BYTES = 1 << 22
_ARFF_ATTRIBUTE = re.compile(rb"(?im)^[ \t]*@attribute[ \t]+(\"[^\"\n]*\"|'[^'\n]*'|[^\s]+)")
_ARFF_DATA = re.compile(rb"(?im)^[ \t]*@data[ \t]*\r?(?:\n|\Z)")
_ARFF_MAX_BYTES_PER_VALUE = 6


def read_arff(
    file: BinaryIO,
    source: str,
    *,
    n_rows: int,
    n_columns: int,
    progress: Progress = SILENT,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read a dense ARFF table of whole numbers from 0 to 255, class last, gzipped or not.

    The text is cut into blocks of whole lines and pandas reads one at a time, so that the memory
    needed is the table (1 byte a value) and one block.

    Parameters
    ----------
    file : binary file
        Seekable, at the start of the data.
    source : str
        What to call it in errors.
    n_rows, n_columns : int
        The size that the table must have, the class included.
    progress : Progress
        Is told the bytes of ``file`` that have been read.

    Returns
    -------
    values : ndarray of shape (n_rows, n_columns - 1), uint8
    classes : ndarray of shape (n_rows,), uint8
        May be quoted in the file, as scikit-learn writes them: ``'5'``.

    Raises
    ------
    CorruptFileError
        Names the row, counted from 1 after ``@data``, and the column.
    """
    start = file.tell()
    total = file.seek(0, 2) - start
    file.seek(start)
    values = np.empty((n_rows, n_columns - 1), dtype=np.uint8)
    classes = np.empty(n_rows, dtype=np.uint8)
    n_done = 0
    for block in _arff_data(file, source, n_rows, n_columns):
        rows = _parse_rows(block, source, n_done, n_columns)
        end = n_done + len(rows)
        if end > n_rows:
            raise CorruptFileError(source, f"has more than {n_rows:,} rows")
        values[n_done:end] = rows[:, :-1]
        classes[n_done:end] = rows[:, -1]
        n_done = end
        progress.update(source, file.tell() - start, total)
    if n_done != n_rows:
        raise CorruptFileError(source, f"has {n_done:,} rows, expected {n_rows:,}")
    return values, classes


def _arff_data(file: BinaryIO, source: str, n_rows: int, n_columns: int) -> Iterator[bytes]:
    """Check the header, then yield the data section in blocks of whole lines."""
    max_bytes = (n_rows + 1) * n_columns * _ARFF_MAX_BYTES_PER_VALUE + _ARFF_BLOCK_BYTES
    blocks = _line_blocks(file, source, max_bytes)
    first = next(blocks, b"")
    data = _ARFF_DATA.search(first)
    if data is None:
        raise CorruptFileError(source, "has no @data line")
    names = _ARFF_ATTRIBUTE.findall(first, 0, data.start())
    if len(names) != n_columns:
        raise CorruptFileError(source, f"has {len(names):,} attributes, expected {n_columns:,}")
    if names[-1].strip(b"'\"").lower() != b"class":
        raise CorruptFileError(source, f"its last attribute is {names[-1]!r}, expected 'class'")
    yield first[data.end() :]
    yield from blocks


def _line_blocks(file: BinaryIO, source: str, max_bytes: int) -> Iterator[bytes]:
    plain = gunzipped(file)
    rest = b""
    n_read = 0
    while True:
        with damage_named(source):
            chunk = plain.read(_ARFF_BLOCK_BYTES)
        if not chunk:
            break
        n_read += len(chunk)
        end = chunk.rfind(b"\n") + 1
        if not end:
            if len(rest) + len(chunk) > _ARFF_BLOCK_BYTES:
                raise CorruptFileError(source, "has a line that never ends")
            rest += chunk
            continue
        if n_read > max_bytes:
            raise CorruptFileError(source, f"has more than {max_bytes:,} bytes of text")
        yield rest + chunk[:end]
        rest = chunk[end:]
    if rest:
        yield rest


def _parse_rows(block: bytes, source: str, n_before: int, n_columns: int) -> NDArray[np.uint8]:
    """Parse whole lines of numbers, quoted or not; skip blank lines and comments."""
    import pandas as pd

    block = block.replace(b'"', b"'")
    if b"%" in block:
        lines = block.splitlines(keepends=True)
        block = b"".join(line for line in lines if not line.lstrip().startswith(b"%"))
    if not block.strip():
        return np.empty((0, n_columns), dtype=np.uint8)
    # Whatever else is in a row cannot be a number; pandas alone would take "True" for 1.
    if not block.translate(None, b"0123456789,.' \t\r\n"):
        with contextlib.suppress(ValueError, OverflowError):
            frame = pd.read_csv(
                io.BytesIO(block),
                header=None,
                dtype=np.uint8,
                na_filter=False,
                quotechar="'",
                skipinitialspace=True,
            )
            if frame.shape[1] == n_columns:
                return frame.to_numpy()
    raise _bad_row(block, source, n_before, n_columns)


def _bad_row(block: bytes, source: str, n_before: int, n_columns: int) -> CorruptFileError:
    """Find the first row that does not fit, slowly."""
    rows = [line for line in block.splitlines() if line.strip()]
    for number, line in enumerate(rows, start=n_before + 1):
        fields = line.split(b",")
        if len(fields) != n_columns:
            return CorruptFileError(
                source, f"row {number:,} has {len(fields):,} values, expected {n_columns:,}"
            )
        for column, field in enumerate(fields, start=1):
            value = field.strip().strip(b"'")
            if not (value.isdigit() and len(value) <= 3 and int(value) <= 255):
                shown = value[:20].decode("ascii", "replace")
                problem = f"{shown!r} is not a whole number from 0 to 255"
                return CorruptFileError(source, f"row {number:,}, column {column:,}: {problem}")
    return CorruptFileError(source, f"the rows after row {n_before:,} cannot be read")
