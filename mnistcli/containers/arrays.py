"""An array whose elements still lie in a stream, and which pictures its shape speaks of."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistcli.containers.reading import FormatError, Stream
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
            raise FormatError(
                f"{self.prefix}has {n_bytes:,} bytes of elements, expected at most {max_bytes:,}"
            )
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

    def _take(self, n_bytes: int) -> NDArray[np.uint8]:
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


class _Plan(NamedTuple):
    """How to see an array of a certain shape as pictures."""

    shape: tuple[int, ...]  # of one picture: (h, w), (h, w, 3), (3, h, w), or (785,) with a label
    is_one: bool = False
    is_last: bool = False  # the last axis counts the pictures

    @property
    def n_pixels(self) -> int:
        return math.prod(self.shape)


def pictures_in(raw: RawArray) -> Iterator[NDArray[Any]]:
    """Read an array as pictures, (n, height, width) or (n, 785), a block at a time.

    Welcome are (n, 784), (n, 28, 28), (n, 28, 28, 1), (n, 1, 28, 28), RGB as (n, 28, 28, 3) or
    (n, 3, 28, 28), pictures counted along the last axis as in (784, n) and (28, 28, n), n pictures
    of another size, one picture of any size, and (n, 785) with labels. Raises FormatError where the
    shape speaks of no pictures, or may be read in two ways, both of which it names.
    """
    plan = _plan_of(raw.shape, raw.prefix)
    if raw.dtype.kind not in "buif":
        raise FormatError(f"{raw.prefix}holds text ({raw.dtype.str}), expected numbers")
    if not 0 < plan.n_pixels <= MAX_PIXELS:
        size = " x ".join(f"{side:,}" for side in plan.shape)
        raise FormatError(
            f"{raw.prefix}has pictures of {size} pixels, expected at most {MAX_PIXELS:,}"
        )
    if plan.is_last or plan.is_one:
        whole = raw.whole()
        blocks = iter([np.moveaxis(whole, -1, 0) if plan.is_last else whole])
    else:
        blocks = raw.blocks()
    for block in blocks:
        pictures = block.reshape(-1, *plan.shape)
        if len(plan.shape) == 3:
            colours = pictures if plan.shape[-1] == 3 else np.moveaxis(pictures, 1, -1)
            pictures = colours.astype(np.float32) @ GREY
            if colours.dtype != np.bool_ and colours.dtype.kind in "bui":
                pictures = np.rint(pictures)
        for start in range(0, len(pictures), BLOCK_PICTURES):
            yield pictures[start : start + BLOCK_PICTURES]


def _plan_of(shape: tuple[int, ...], prefix: str) -> _Plan:
    if len(shape) == 4 and (shape[1] in (1, 3)) != (shape[3] in (1, 3)):
        _, a, b, c = shape
        return _Plan((a, b) if c == 1 else (b, c) if a == 1 else (a, b, c))
    sizes = tuple(size for size in shape if size != 1)
    if len(shape) == 4 and shape[1:3] == IMAGE_SHAPE:
        sizes = shape  # (n, 28, 28, 4) is refused below
    if sizes in {(N_PIXELS,), IMAGE_SHAPE}:
        return _Plan(IMAGE_SHAPE, is_one=True)
    if shape == (1, N_PIXELS + 1):
        return _Plan((N_PIXELS + 1,))
    if len(sizes) == 2:
        return _plan_of_table(sizes[0], sizes[1], prefix)
    if len(sizes) == 3:
        return _plan_of_stack(sizes[0], sizes[1], sizes[2], prefix)
    raise FormatError(
        f"{prefix}has shape {shape}", hint="expected (n, 28, 28), (n, 784), (28, 28) or (784,)"
    )


def _plan_of_table(a: int, b: int, prefix: str) -> _Plan:
    if b == N_PIXELS and a != N_PIXELS:
        return _Plan(IMAGE_SHAPE)
    if b == N_PIXELS + 1:
        return _Plan((N_PIXELS + 1,))
    is_picture = 0 < max(a, b) <= MAX_ASPECT * min(a, b)
    if a == N_PIXELS and not is_picture:
        return _Plan(IMAGE_SHAPE, is_last=True)
    nearly = range(N_PIXELS - 2, N_PIXELS + 3)
    is_square = b in SQUARES and a != b
    if is_picture and a not in nearly and b not in nearly and not is_square:
        return _Plan((a, b), is_one=True)
    other = f"{b:,} of {a:,} pixels" if a in nearly else f"{a:,} of {b:,} pixels"
    raise FormatError(
        f"{prefix}has shape ({a}, {b}): one picture of {a} x {b} pixels, or {other}?",
        hint="expected (n, 784), or (n, 785) with labels; a picture is best given as PNG",
    )


def _plan_of_stack(a: int, b: int, c: int, prefix: str) -> _Plan:
    readings = ""
    if (b, c) == IMAGE_SHAPE:
        return _Plan((b, c))
    if (a, b) == IMAGE_SHAPE and c in (3, 4):
        readings = f"one coloured picture, or {c} pictures along the last axis"
    elif (a, b) == IMAGE_SHAPE:
        return _Plan((a, b), is_last=True)
    elif c == 3:
        return _Plan((a, b, c), is_one=True)
    elif a == 3:
        readings = f"one coloured picture, or 3 pictures of {b} x {c} pixels"
    elif c < 8 or b < 8:
        readings = f"{a} pictures of {b} x {c} pixels"
    elif a == b != c:
        readings = f"{a} pictures of {b} x {c} pixels, or {c} of {a} x {b} along the last axis"
    if readings:
        raise FormatError(
            f"{prefix}has shape ({a}, {b}, {c}): {readings}?",
            hint="expected (n, 28, 28), or (n, 28, 28, 3) in colour",
        )
    return _Plan((b, c))
