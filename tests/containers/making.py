"""Files of digits as people have them."""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
import zipfile

import numpy as np

from mnistcli.containers.digits import read_digits
from mnistcli.containers.reading import Stream

KAGGLE = ["label", *(f"pixel{i}" for i in range(784))]


def npy(array, **options) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), **options)
    return file.getvalue()


def raw_npy(header: str, payload: bytes = b"") -> bytes:
    body = header.encode("latin-1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(body)) + body + payload


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def idx(array) -> bytes:
    code, dtype = (0x08, ">u1") if array.dtype == np.uint8 else (0x0C, ">i4")
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(dtype).tobytes()


def table(columns, names=(), *, separator=",", end="\n") -> bytes:
    """A text of columns, each a list of cells; numbers are written as Python writes them."""
    rows = [list(map(str, row)) for row in zip(*columns, strict=True)]
    lines = [list(names), *rows] if names else rows
    return (end.join(separator.join(line) for line in lines) + end).encode()


def zipped(data: bytes) -> bytes:
    """Without the time of day, which would make the names of tests differ between processes."""
    return gzip.compress(data, mtime=0)


def zip_of(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return file.getvalue()


class Pipe(io.BytesIO):
    """Bytes that can be read once, forward."""

    def seekable(self):
        return False

    def seek(self, *_):
        raise AssertionError


def digits_in(data: bytes, part="test", file=io.BytesIO):
    """All the images, labels and faults in a file."""
    with contextlib.ExitStack() as stack:
        stream = stack.enter_context(Stream(file(data)))
        blocks = list(read_digits(stream, part))
    labels = [block.labels for block in blocks if block.labels is not None]
    faults = [str(fault) for block in blocks for fault in block.faults.values()]
    images = np.concatenate([block.images for block in blocks])
    return images, np.concatenate(labels) if labels else None, faults


def mutate(draw, original: bytes, st) -> bytes:
    """Overwrite, cut, insert or repeat some bytes."""
    damaged = bytearray(original)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, min(len(damaged), 600)))
        end = draw(st.integers(start, min(len(damaged), start + 40)))
        damaged[start:end] = draw(st.binary(max_size=8))
    return bytes(damaged)
