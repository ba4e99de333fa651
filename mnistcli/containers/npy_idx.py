"""NPY and IDX: a header that says of what type and shape an array is, then its elements.

npz, the format of np.savez, is a zip archive of NPY files, whose names say which of them are what.
Which pictures are in an array, its shape says.

The header of NPY, the format of np.save, is a Python literal. It is parsed here because ``np.load``
believes the header (78 bytes can make it ask for 32 GiB), answers crafted files with MemoryError,
IndexError or TokenError, and overlooks bytes after the array.
https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

IDX is two zeros, a type, the number of dimensions and big-endian sizes.
https://yann.lecun.com/exdb/mnist/
"""

import ast
import contextlib
import math
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from mnistcli import mnist
from mnistcli.arrays import Bytes
from mnistcli.containers.compressed import Archive
from mnistcli.containers.names import OfPart, listed, names_meaning, parts_of
from mnistcli.containers.reading import SAVEZ, FormatError, Stream
from mnistcli.files import kind_of_path
from mnistcli.mnist import IMAGE_SHAPE, N_PIXELS

# Pictures read at a time: 1,024 of 28x28 float64 are 6 MB.
BLOCK_PICTURES = 1024
BLOCK_BYTES = 8 << 20
MAX_PIXELS = 1 << 24
# What is not in the order of its pictures has to be in memory as a whole.
MAX_WHOLE_BYTES = 256 << 20
# The longer side of a single picture in an array is at most so many times the shorter.
MAX_ASPECT = 8
# Rows of so many may be pictures of 8 x 8, as scikit-learn's digits are, 16 x 16 or 32 x 32.
SQUARES = frozenset({64, 256, 1024})
GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow has it
MAX_HEADER_BYTES = 1 << 16
_MAGIC = b"\x93NUMPY"
_IDX_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_DTYPE = re.compile(r"[|<>=]?(?:b1|[iu][1248]|f[248]|[SU]\d{1,3})")


class RawArray(NamedTuple):
    """An array of which the header was read, and not the elements."""

    stream: Stream
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    is_fortran: bool = False
    prefix: str = ""

    def whole(self, max_bytes: int = MAX_WHOLE_BYTES) -> NDArray[Any]:
        """Read all of it; what follows it is refused."""
        n_bytes = math.prod(self.shape) * self.dtype.itemsize
        if n_bytes > max_bytes:
            problem = f"has {n_bytes:,} bytes of elements, expected at most {max_bytes:,}"
            raise FormatError(self.prefix + problem)
        elements = self._take(n_bytes).view(self.dtype)
        self._check_end()
        return elements.reshape(self.shape, order="F" if self.is_fortran else "C")

    def blocks(self) -> Iterator[NDArray[Any]]:
        """Read it a few of its rows (pictures) at a time; what follows it is refused."""
        n, *sizes = self.shape
        n_bytes = max(1, math.prod(sizes) * self.dtype.itemsize)
        per_block = max(1, min(BLOCK_PICTURES, BLOCK_BYTES // n_bytes))
        if self.is_fortran and len(self.shape) > 1:
            whole = self.whole()
            yield from (whole[i : i + per_block] for i in range(0, n, per_block))
            return
        for start in range(0, n, per_block):
            n_here = min(per_block, n - start)
            yield self._take(n_here * n_bytes).view(self.dtype).reshape(n_here, *sizes)
        self._check_end()

    def _take(self, n_bytes: int) -> Bytes:
        taken = np.empty(n_bytes, np.uint8)
        at = 0
        while at < n_bytes:
            part = self.stream.read(min(n_bytes - at, BLOCK_BYTES))
            if not part:
                raise FormatError(f"{self.prefix}ends too early: truncated")
            taken[at : at + len(part)] = np.frombuffer(part, np.uint8)
            at += len(part)
        return taken

    def _check_end(self) -> None:
        if self.stream.read(1):
            raise FormatError(f"{self.prefix}goes on after its last element")


def texts_in(values: NDArray[Any], prefix: str = "") -> list[str]:
    """Return values as text; raise FormatError where they are no ASCII, or no characters."""
    try:
        return cast("list[str]", values.astype("U").ravel().tolist())
    except (ValueError, SystemError):
        raise FormatError(f"{prefix}holds text that cannot be read") from None


def npy_header(shape: tuple[int, ...]) -> bytes:
    """Return the 128 bytes that an NPY file of uint8 in C order, of any store, has before its elements."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape!r}, }}".ljust(117) + "\n"
    return _MAGIC + b"\1\0" + struct.pack("<H", len(text)) + text.encode("ascii")


def open_npy(stream: Stream, prefix: str = "") -> RawArray:
    """Read the header of an array of numbers or of short strings; Python objects are refused.

    The prefix goes before what is wrong: "'labels' ".
    """
    magic, major, _ = stream.read(6), stream.read(1), stream.read(1)
    length, header = int.from_bytes(stream.read(2 if major == b"\1" else 4), "little"), None
    if magic == _MAGIC and major in (b"\1", b"\2", b"\3") and length <= MAX_HEADER_BYTES:
        with contextlib.suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            header = ast.literal_eval(stream.read(length).decode("latin-1").strip())
    match header:
        case {"descr": descr, "fortran_order": bool(order), "shape": tuple(shape), **others}:
            is_whole = not others and all(type(n) is int and 0 <= n < 1 << 40 for n in shape)
        case _:
            is_whole = False
    if not is_whole:
        raise FormatError(f"{prefix}has a damaged NPY header")
    if isinstance(descr, str) and descr.endswith("O"):
        problem = f"{prefix}holds Python objects, which are not read: that could run code"
        raise FormatError(problem, hint=f"save numbers instead: array.astype(int), or {SAVEZ}")
    if not isinstance(descr, str) or not _DTYPE.fullmatch(descr):
        raise FormatError(f"{prefix}holds {descr!r}, expected numbers"[:200], hint=SAVEZ)
    return RawArray(stream, np.dtype(descr), shape, is_fortran=order, prefix=prefix)


def open_idx(stream: Stream) -> RawArray:
    """Read the header of an IDX file."""
    magic = stream.read(4)
    n_dimensions = magic[3] if len(magic) == 4 else 0
    code = _IDX_DTYPES.get(magic[2]) if magic[:2] == b"\0\0" and n_dimensions else None
    if code is None or n_dimensions > 4:
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


class Npz:
    """An npz file that is open, and the names of its arrays."""

    def __init__(self, stream: Stream) -> None:
        self._archive = Archive(stream)
        names = [name for name in self._archive.names if name.endswith(".npy")]
        if not names:
            raise FormatError("has no arrays", hint="unpack it first")
        self.names = [name.removesuffix(".npy") for name in names]

    def open(self, name: str) -> RawArray:
        """Read the header of an array."""
        return open_npy(self._archive.open(f"{name}.npy"), f"{name!r} in it ")

    def parts(self, n: int) -> tuple[str | None, list[OfPart]]:
        """Find the array that says of which part each of n pictures is; None where none does."""
        for name in self.names:
            cells: list[str] = []
            with contextlib.suppress(FormatError):  # of arrays that nobody needs
                raw = self.open(name)
                cells = texts_in(raw.whole()) if raw.shape in ((n,), (n, 1)) else []
            if said := parts_of(cells, name):
                return name, said
        return None, []

    def pair(self, part: str = "test") -> tuple[str, str | None, str]:
        """Tell which array has the images and which their labels, and say so where names do not.

        Raises FormatError where there are no images, or it cannot be told which they are.
        """
        for of in dict.fromkeys((part, "", "val", "train")):
            images, labels = (names_meaning(role, of, self.names) for role in ("images", "labels"))
            forms = {self.open(name).shape for name in images}
            if len(forms) == len(images) > 1 == len({*map(math.prod, forms)}):
                images = images[:1]  # the same in several shapes, as scikit-learn's digits
            if max(len(images), len(labels)) > 1 and len(self.names) > 2:
                raise FormatError(f"may have its digits in any of {listed(images + labels)}")
            if len(images) == 1 and len(labels) < 2:
                return images[0], labels[0] if labels else None, ""
        if len(self.names) == 1:
            return self.names[0], None, ""
        if len(self.names) == 2:
            shapes = {name: self.open(name).shape for name in self.names}
            larger, smaller = sorted(self.names, key=lambda name: -math.prod(shapes[name]))
            n_labels = math.prod(shapes[smaller])
            if n_labels in shapes[larger][:1] or shapes[smaller] == (*shapes[larger][:1], 10):
                return larger, smaller, f"{larger!r} was read, with {smaller!r} as its labels"
        hint = "call them 'images' and 'labels'"
        raise FormatError(f"has the arrays {listed(self.names)}", hint=hint)


def pictures_in(raw: RawArray, n_labels: int = 0) -> Iterator[NDArray[Any]]:
    """Read an array as pictures, (n, height, width) or (n, 785), a block at a time.

    Welcome are (n, 784), (n, 28, 28), (n, 28, 28, 1), (n, 1, 28, 28), RGB as (n, 28, 28, 3) or
    (n, 3, 28, 28), n pictures of another size, one picture of any size, and (n, 785) with labels;
    with labels beside them also rows of square pictures, as scikit-learn's, and pictures along the
    last axis, as MATLAB has them, many of 28 x 28 without labels, too. Raises FormatError where the
    shape speaks of no pictures, or may be read in two ways, both of which it names.
    """
    n = raw.shape[-1] if raw.shape else 0
    is_last = 1 < n == n_labels != raw.shape[0] and raw.shape[1:] != IMAGE_SHAPE
    is_last |= raw.shape[:-1] == IMAGE_SHAPE and n > MAX_ASPECT * mnist.IMAGE_SIDE
    shape = (n, *raw.shape[:-1]) if is_last else raw.shape
    sizes = _sizes_of_one(shape, raw.prefix, n_labels)
    if raw.dtype.kind not in "buif":
        raise FormatError(f"{raw.prefix}holds text ({raw.dtype.str}), expected numbers")
    if not 0 < math.prod(sizes) <= MAX_PIXELS:
        size = " x ".join(f"{side:,}" for side in sizes)
        problem = f"{raw.prefix}has pictures of {size} pixels, expected at most {MAX_PIXELS:,}"
        raise FormatError(problem)
    is_one = math.prod(sizes) == math.prod(shape)
    for block in [raw.whole()] if is_one or is_last else raw.blocks():
        all_here = (np.moveaxis(block, -1, 0) if is_last else block).reshape(-1, *sizes)
        for start in range(0, len(all_here), BLOCK_PICTURES):
            pictures = all_here[start : start + BLOCK_PICTURES]
            if len(sizes) == 3:
                colours = pictures if sizes[-1] == 3 else np.moveaxis(pictures, 1, -1)
                pictures = colours.astype(np.float32) @ GREY
                if colours.dtype != np.bool_ and colours.dtype.kind in "bui":
                    pictures = np.rint(pictures)
            yield pictures


def _sizes_of_one(shape: tuple[int, ...], prefix: str, n_labels: int) -> tuple[int, ...]:
    """Return the shape of one picture in an array: (h, w), (h, w, 3), (3, h, w), or (785,) with a label.

    The first case that fits the shape of the array decides.
    """
    if len(shape) == 4 and (shape[1] in (1, 3)) != (shape[3] in (1, 3)):
        _, a, b, c = shape
        return (a, b) if c == 1 else (b, c) if a == 1 else (a, b, c)
    sizes = tuple(size for size in shape if size != 1)
    if len(shape) == 4 and shape[1:3] == IMAGE_SHAPE:
        sizes = shape  # (n, 28, 28, 4) is refused below
    readings, hint = "", "expected (n, 28, 28), (n, 784), (28, 28) or (784,)"
    match sizes:
        case (mnist.N_PIXELS,) | (mnist.IMAGE_SIDE, mnist.IMAGE_SIDE):
            return IMAGE_SHAPE
        case (size,) if shape == (1, N_PIXELS + 1):
            return (size,)
        case (a, b):
            side, is_picture = math.isqrt(b), 0 < max(a, b) <= MAX_ASPECT * min(a, b)
            is_odd = any(abs(size - N_PIXELS) < 3 for size in sizes) or (b in SQUARES and a != b)
            if a == n_labels != b == side * side:
                return side, side
            if b == N_PIXELS != a:
                return IMAGE_SHAPE
            if b == N_PIXELS + 1:
                return (b,)
            if is_picture and not is_odd:
                return a, b
            other = f"{b:,} of {a:,} pixels" if abs(a - N_PIXELS) < 3 else f"{a:,} of {b:,} pixels"
            readings = f": one picture of {a} x {b} pixels, or {other}?"
            hint = "expected (n, 784), or (n, 785) with labels; a picture is best given as PNG"
        case (_, mnist.IMAGE_SIDE, mnist.IMAGE_SIDE):
            return IMAGE_SHAPE
        case (mnist.IMAGE_SIDE, mnist.IMAGE_SIDE, 3 | 4 as c):
            readings = f": one coloured picture, or {c} pictures along the last axis?"
        case (_, _, 3):
            return sizes
        case (3, b, c):
            readings = f": one coloured picture, or 3 pictures of {b} x {c} pixels?"
        case (a, b, c):
            if min(b, c) >= 8 and (a != b or b == c):
                return b, c
            last = f", or {c} of {a} x {b} along the last axis" if min(b, c) >= 8 else ""
            readings = f": {a} pictures of {b} x {c} pixels{last}?"
    if len(sizes) == 3:
        hint = "expected (n, 28, 28), or (n, 28, 28, 3) in colour"
    raise FormatError(f"{prefix}has shape {sizes if readings else shape}{readings}", hint=hint)
