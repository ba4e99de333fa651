"""IDX: two zeros, a type, the number of dimensions, big-endian sizes, then the elements.

https://yann.lecun.com/exdb/mnist/
"""

import re
import struct
from pathlib import Path

import numpy as np

from mnistcli.containers.arrays import RawArray
from mnistcli.containers.reading import FormatError, Stream
from mnistcli.files import kind_of_path

_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_DIMENSIONS = 4


def open_idx(stream: Stream) -> RawArray:
    """Read the header of an IDX file."""
    magic = stream.read(4)
    n_dimensions = magic[3] if len(magic) == 4 else 0
    code = _DTYPES.get(magic[2]) if magic[:2] == b"\0\0" and n_dimensions else None
    if code is None or n_dimensions > _MAX_DIMENSIONS:
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
