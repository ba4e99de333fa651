"""NPY and IDX: a header that says of what type and shape an array is, then its elements.

The header of NPY, the format of np.save, is a Python literal. It is parsed here because ``np.load`` believes the header (78 bytes can make it ask for 32 GiB), answers
crafted files with MemoryError, IndexError or TokenError, and overlooks bytes after the array.
https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

IDX is two zeros, a type, the number of dimensions and big-endian sizes. https://yann.lecun.com/exdb/mnist/
"""

import ast
import re
import struct
from pathlib import Path

import numpy as np

from mnistcli.containers.arrays import RawArray
from mnistcli.containers.reading import FormatError, Stream
from mnistcli.files import kind_of_path

MAX_HEADER_BYTES = 1 << 16
_MAGIC = b"\x93NUMPY"
_IDX_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_IDX_DIMENSIONS = 4
_DTYPE = re.compile(r"[|<>=]?(?:b1|[iu][1248]|f[248]|[SU]\d{1,3})")


def npy_header(shape: tuple[int, ...]) -> bytes:
    """Return what an NPY file of uint8 in C order has before its elements; mostly 128 bytes."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape!r}, }}"
    n_before = len(_MAGIC) + 4
    body = text.ljust(-(-(n_before + len(text) + 1) // 64) * 64 - n_before - 1) + "\n"
    return _MAGIC + b"\1\0" + struct.pack("<H", len(body)) + body.encode("ascii")


def open_npy(stream: Stream, prefix: str = "") -> RawArray:
    """Read the header of an array of numbers or of short strings; Python objects are refused.

    The prefix goes before what is wrong: "'labels' ".
    """
    start = stream.read(8)
    major = start[6] if len(start) == 8 and start.startswith(_MAGIC) else 0
    n_sized = 2 if major == 1 else 4
    size = stream.read(n_sized)
    if major not in (1, 2, 3) or len(size) < n_sized:
        raise FormatError(f"{prefix}is no NPY data of a known version")
    length = int.from_bytes(size, "little")
    if length > MAX_HEADER_BYTES:
        raise FormatError(f"{prefix}declares an NPY header of {length:,} bytes")
    try:
        header = ast.literal_eval(stream.read(length).decode("latin-1").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.keys() != {"descr", "fortran_order", "shape"}:
        raise FormatError(f"{prefix}has a damaged NPY header")
    descr, order, shape = header["descr"], header["fortran_order"], header["shape"]
    if isinstance(descr, str) and descr.endswith("O"):
        raise FormatError(
            f"{prefix}holds Python objects, which are not read: that could run code",
            hint="save numbers instead: array.astype(int)",
        )
    if not isinstance(descr, str) or not _DTYPE.fullmatch(descr):
        raise FormatError(f"{prefix}holds {descr!r}, expected numbers"[:200])
    if type(order) is not bool or not isinstance(shape, tuple):
        raise FormatError(f"{prefix}has a damaged NPY header")
    if not all(type(n) is int and 0 <= n < 1 << 40 for n in shape):
        raise FormatError(f"{prefix}has an impossible shape {shape!r}"[:200])
    return RawArray(stream, np.dtype(descr), shape, is_fortran=order, prefix=prefix)


def open_idx(stream: Stream) -> RawArray:
    """Read the header of an IDX file."""
    magic = stream.read(4)
    n_dimensions = magic[3] if len(magic) == 4 else 0
    code = _IDX_DTYPES.get(magic[2]) if magic[:2] == b"\0\0" and n_dimensions else None
    if code is None or n_dimensions > _MAX_IDX_DIMENSIONS:
        raise FormatError(f"is not an IDX file (it begins with {magic!r})")
    sizes = stream.read(4 * n_dimensions)
    if len(sizes) < 4 * n_dimensions:
        raise FormatError("ends within its IDX header: truncated")
    return RawArray(stream, np.dtype(code), struct.unpack(f">{n_dimensions}I", sizes))


def find_idx(folder: Path, name: str) -> Path | None:
    """Find an IDX file in a folder under the usual spellings of its name, gzipped or not."""
    for separator in "-.":
        spelling = re.sub(r"[.-](?=idx)", separator, name.removesuffix(".gz"))
        for path in (folder / f"{spelling}.gz", folder / spelling, folder / spelling / spelling):
            if kind_of_path(path) == "file":
                return path
    return None
