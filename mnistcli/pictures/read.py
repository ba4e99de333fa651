"""Files, pipes and drawings -> grey pictures.

What a file is, its first bytes decide; its name is only used to name it.
"""

from __future__ import annotations

import contextlib
import re
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from mnistcli.errors import BadImageError
from mnistcli.pictures import arrays
from mnistcli.pictures.drawing import drawing
from mnistcli.pictures.formats import FORMATS, format_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mnistcli.pictures import Grey

MAX_FILE_BYTES = 128 << 20
# A drawing of the largest size, in letters of three bytes.
MAX_DRAWING_BYTES = 4 << 20
HEAD_BYTES = 4096

# Of arrays, tables and drawings beside images.
_OTHERS = "NPY, CSV, IDX or a drawing in letters"
HEIC = "a HEIC or AVIF picture"
FOREIGN: dict[str, re.Pattern[bytes]] = {
    HEIC: re.compile(rb"....ftyp", re.DOTALL),
    "a PDF": re.compile(rb"%PDF"),
    "a PostScript file": re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"),
    "a ZIP archive, as .npz files are": re.compile(rb"PK\x03\x04"),
    "a web page, an SVG or other XML": re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<[!?a-zA-Z]"),
    "UTF-16 text": re.compile(rb"\xff\xfe|\xfe\xff"),
    "a Python pickle": re.compile(rb"\x80[\x02-\x05]"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture as it was found.

    Attributes
    ----------
    grey : ndarray of shape (height, width), uint8
    source : str
        How to name it in a message: "seven.png", "-", "digits.csv row 3", "digits.npy[2]".
    notes : tuple of str
        What its reader noticed: "rotated by EXIF", "transparent background", "frame 1 of 3".
    """

    grey: Grey
    source: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Several pictures of the same size, in one array.

    Attributes
    ----------
    greys : ndarray of shape (n, height, width), uint8
    sources : tuple of str
        As `Picture.source`, for each.
    notes : tuple of str
        As `Picture.notes`, for all.
    """

    greys: Grey
    sources: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_pictures(path: Path | Literal["-"], *, stdin: BinaryIO | None = None) -> Iterator[Picture]:
    """Read every picture in an input: one in an image file, any number in NPY, CSV and IDX.

    Parameters
    ----------
    path : Path or "-"
        "-" is standard input.
    stdin : binary file, optional
        To read instead of the real standard input.

    Raises
    ------
    BadImageError
        Whatever is wrong with the input, including that there is no such file.
    """
    for batch in read_batches(path, stdin=stdin):
        for grey, source in zip(batch.greys, batch.sources, strict=True):
            yield Picture(grey, source, batch.notes)


def read_batches(path: Path | Literal["-"], *, stdin: BinaryIO | None = None) -> Iterator[Batch]:
    """Read the same as `read_pictures` in arrays of at most 1,024 pictures, thousands per second.

    Memory does not grow with the input. See `read_pictures` for parameters and errors.
    """
    name = str(path)
    try:
        with contextlib.ExitStack() as stack:
            if path != "-":
                file: BinaryIO = stack.enter_context(Path(path).open("rb"))
            else:
                file = stdin or sys.stdin.buffer
            yield from _batches(_Stream(name, file))
    except IsADirectoryError:
        raise BadImageError(name, "is a folder, expected a picture") from None
    except OSError as error:
        raise BadImageError(name, (error.strerror or str(error)).lower()) from None


class _Stream:
    """Bytes in order, with a look ahead; a pipe cannot be rewound."""

    def __init__(self, name: str, file: BinaryIO) -> None:
        self.name = name
        self._file = file
        self._ahead = b""

    def head(self) -> bytes:
        """Look at the first bytes."""
        self._ahead += self._read(HEAD_BYTES - len(self._ahead))
        return self._ahead

    def read(self, n_bytes: int) -> bytes:
        """Give the next bytes, fewer than asked for only at the end."""
        ahead, self._ahead = self._ahead[:n_bytes], self._ahead[n_bytes:]
        return ahead + self._read(n_bytes - len(ahead))

    def _read(self, n_bytes: int) -> bytes:
        parts = []
        while n_bytes > 0:
            # Grows with what is really there, not with what a header claims.
            part = self._file.read(min(n_bytes, 1 << 22))
            if not part:
                break
            parts.append(part)
            n_bytes -= len(part)
        return b"".join(parts)


def _batches(stream: _Stream) -> Iterator[Batch]:
    """Tell what a stream holds and read it."""
    head = stream.head()
    if head.startswith(b"\x1f\x8b"):
        yield from _gzipped(stream)
    elif head.startswith(arrays.NPY_MAGIC):
        yield from _indexed(arrays.npy_blocks(stream), stream.name)
    elif head.startswith(arrays.IDX_MAGIC):
        yield from _indexed(arrays.idx_blocks(stream), stream.name)
    elif kind := format_of(head):
        from mnistcli.pictures.decode import decoded

        grey, notes = decoded(_whole(stream, MAX_FILE_BYTES), kind, stream.name)
        yield Batch(grey[None], (stream.name,), notes)
    else:
        yield from _text(stream, head)


def _gzipped(stream: _Stream) -> Iterator[Batch]:
    import gzip

    plain = _Stream(stream.name, gzip.GzipFile(fileobj=stream))  # type: ignore[call-overload]
    try:
        if plain.head().startswith(b"\x1f\x8b"):
            raise BadImageError(stream.name, "is compressed twice")
        yield from _batches(plain)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise BadImageError(stream.name, "is damaged gzip data") from None


def _indexed(blocks: Iterator[Grey], name: str) -> Iterator[Batch]:
    """Name pictures as Python would index them: "digits.npy[0]"."""
    start = 0
    for block in blocks:
        yield Batch(block, tuple(f"{name}[{i}]" for i in range(start, start + len(block))))
        start += len(block)
    if start == 0:
        raise BadImageError(name, "holds no pictures")


def _text(stream: _Stream, head: bytes) -> Iterator[Batch]:
    if not head:
        raise BadImageError(stream.name, "is empty")
    foreign = next((what for what, magic in FOREIGN.items() if magic.match(head)), None)
    if foreign or b"\0" in head:
        raise BadImageError(
            stream.name, f"is {foreign or 'no picture of a known kind'}", hint=_hint(foreign)
        )
    first_line = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").split(b"\n", 1)[0]
    if arrays.is_table(first_line.decode("latin-1")):
        for row, block in arrays.csv_blocks(stream):
            sources = tuple(f"{stream.name} row {i}" for i in range(row, row + len(block)))
            yield Batch(block, sources)
        return
    try:
        text = _whole(stream, MAX_DRAWING_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadImageError(stream.name, "is no picture of a known kind", hint=_hint()) from None
    yield Batch(drawing(text, stream.name), (stream.name,), ("a drawing in letters",))


def _hint(foreign: str | None = None) -> str:
    if foreign == HEIC:
        return "save it as JPEG: an iPhone's Settings, Camera, Formats, Most Compatible does"
    return f"use {', '.join(each.name for each in FORMATS)}, {_OTHERS}"


def _whole(stream: _Stream, n_bytes: int) -> bytes:
    data = stream.read(n_bytes + 1)
    if len(data) > n_bytes:
        raise BadImageError(stream.name, f"is larger than {n_bytes >> 20} MiB")
    return data
