"""Files, pipes and drawings -> grey pictures.

What a file is, its first bytes decide; its name is only used to name it. Pillow opens six formats
and no others: its security handbook asks for an allow-list, for the long tail of parsers is where
its vulnerabilities are. Pillow is imported when there is such a picture.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, cast

import numpy as np

from mnistcli.errors import BadImageError
from mnistcli.images import arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from PIL import Image

    Grey = NDArray[np.uint8]

MAX_PIXELS = arrays.MAX_PIXELS
MAX_FILE_BYTES = 64 << 20
HEAD_BYTES = 4096

# Pillow decodes the text forms of PBM, PGM and PPM in Python, a million pixels in a second.
MAX_TEXT_PIXELS = 1 << 20
# A progressive JPEG has about 10 scans; thousands of them would take minutes to decode.
MAX_JPEG_SCANS = 64
# JPEG can be decoded at half, a quarter or an eighth of its size, which saves most of the time.
JPEG_SIDE = 1000
# Counting the frames of a GIF means reading all of it.
MAX_BYTES_TO_COUNT_FRAMES = 1 << 20

ACCEPTED = "PNG, JPEG, GIF, BMP, TIFF, PGM, NPY, CSV, IDX or a drawing in letters"
SIGNATURES: dict[str, re.Pattern[bytes]] = {
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "BMP": re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL),
    "TIFF": re.compile(rb"II\*\0|MM\0\*"),
    "PPM": re.compile(rb"P[1-6]\s"),
}
FOREIGN: dict[str, re.Pattern[bytes]] = {
    "a WEBP picture": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "a HEIC or AVIF picture": re.compile(rb"....ftyp", re.DOTALL),
    "a PDF": re.compile(rb"%PDF"),
    "a PostScript file": re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"),
    "a ZIP archive, as .npz files are": re.compile(rb"PK\x03\x04"),
    "a web page, an SVG or other XML": re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<[!?a-zA-Z]"),
    "UTF-16 text": re.compile(rb"\xff\xfe|\xfe\xff"),
    "a Python pickle": re.compile(rb"\x80[\x02-\x05]"),
}

# EXIF orientation (tag 274) -> what brings the picture upright.
UPRIGHT: dict[int, Callable[[Grey], Grey]] = {
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: np.rot90,
}


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture as it was found.

    Attributes
    ----------
    grey : ndarray of shape (height, width), uint8
        Transparency composited, EXIF rotation applied, 16 bits scaled to 8.
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
    elif kind := next((k for k, magic in SIGNATURES.items() if magic.match(head)), None):
        picture = _decoded(_whole(stream), kind, stream.name)
        yield Batch(picture.grey[None], (picture.source,), picture.notes)
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
            stream.name, f"is {foreign or 'no picture of a known kind'}", hint=f"use {ACCEPTED}"
        )
    first_line = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").split(b"\n", 1)[0]
    if arrays.is_table(first_line.decode("latin-1")):
        for row, block in arrays.csv_blocks(stream):
            sources = tuple(f"{stream.name} row {i}" for i in range(row, row + len(block)))
            yield Batch(block, sources)
        return
    try:
        text = _whole(stream).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadImageError(
            stream.name, "is no picture of a known kind", hint=f"use {ACCEPTED}"
        ) from None
    yield Batch(arrays.drawing(text, stream.name), (stream.name,), ("a drawing in letters",))


def _whole(stream: _Stream) -> bytes:
    data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise BadImageError(stream.name, f"is larger than {MAX_FILE_BYTES >> 20} MiB")
    return data


# --- Pillow -------------------------------------------------------------------------------------


def _decoded(data: bytes, kind: str, name: str) -> Picture:
    """Decode an image file with Pillow."""
    import warnings

    from PIL import Image, UnidentifiedImageError

    if kind == "TIFF":
        # Image.open looks for TIFF only after every other format was tried, which we forbid.
        from PIL import TiffImagePlugin as _  # noqa: F401
    if kind == "JPEG" and data.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise BadImageError(name, "is a JPEG of suspiciously many scans")
    try:
        # Pillow warns of odd metadata and of large pictures; our own limit is the stricter one.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=(kind,)) as image:
                _check_size(image.size, data, name)
                return _picture(image, data, name)
    except BadImageError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(name) from None
    # Decoders answer damaged files with whatever they stumble over: SyntaxError, struct.error,
    # KeyError, IndexError, ValueError, OverflowError, MemoryError... Only Pillow runs in here.
    except Exception as error:  # noqa: BLE001
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        if isinstance(error, UnidentifiedImageError):
            reason = "it cannot be identified"
        raise BadImageError(name, f"is a damaged {kind} picture ({reason})") from None


def _check_size(size: tuple[int, int], data: bytes, name: str) -> None:
    n_pixels = size[0] * size[1]
    if n_pixels > MAX_PIXELS:
        raise _too_large(name, f"{size[0]:,} x {size[1]:,}, ")
    if n_pixels == 0:
        raise BadImageError(name, "has no pixels")
    if data[:2] in (b"P1", b"P2", b"P3") and n_pixels > MAX_TEXT_PIXELS:
        raise BadImageError(name, f"has {n_pixels:,} pixels, too many for a picture in text form")


def _too_large(name: str, size: str = "") -> BadImageError:
    return BadImageError(
        name, f"is too large ({size}more than 16 million pixels)", hint="scale or crop it first"
    )


def _picture(image: Image.Image, data: bytes, name: str) -> Picture:
    """Turn an opened image into grey levels."""
    notes = []
    n_frames = _n_frames(image, data)
    if n_frames != "1":
        notes.append(f"frame 1 of {n_frames}")
    if image.format == "JPEG" and image.mode in ("L", "RGB"):
        image.draft(image.mode, (JPEG_SIDE, JPEG_SIDE))
    image.load()
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        grey = _from_numbers(np.asarray(image), is_16_bit=image.mode != "F" and _is_pnm(data))
    elif image.has_transparency_data:
        grey, note = _composited(image.convert("RGBA"))
        notes += note
    else:
        grey = np.asarray(_grey(image))
    turn = UPRIGHT.get(_orientation(image))
    if turn:
        grey = turn(grey)
        notes.append("rotated by EXIF")
    return Picture(np.ascontiguousarray(grey), name, tuple(notes))


def _is_pnm(data: bytes) -> bool:
    return data[:1] == b"P"


def _n_frames(image: Image.Image, data: bytes) -> str:
    if not getattr(image, "is_animated", False):
        return "1"
    return str(image.n_frames) if len(data) <= MAX_BYTES_TO_COUNT_FRAMES else "many"  # type: ignore[attr-defined]


def _orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(0x0112, 1)
    # Damaged metadata is no reason to refuse a picture, and its parser raises as it likes.
    except Exception:  # noqa: BLE001
        return 1
    return orientation if isinstance(orientation, int) else 1


def _grey(image: Image.Image) -> Image.Image:
    """Take the luminance, or the colour channel in which the ink stands out where it does not.

    Yellow on white has 29 of 255 levels of luminance, and all 255 in the blue channel.
    """
    if image.mode in ("1", "L"):
        return image.convert("L")
    colours = image.convert("RGB")
    grey = colours.convert("L")
    ranges = [_range(band)[1] - _range(band)[0] for band in (grey, *colours.split())]
    best = max(range(4), key=ranges.__getitem__)
    return colours.getchannel(best - 1) if ranges[best] > 2 * ranges[0] else grey


def _range(band: Image.Image) -> tuple[int, int]:
    low, high = cast("tuple[int, int]", band.getextrema())
    return low, high


def _composited(image: Image.Image) -> tuple[Grey, list[str]]:
    """Put a picture with transparency on paper: on the opposite of its ink.

    A picture that covers most of its area and has contrast of its own brings its paper along.
    """
    from PIL import Image

    alpha, grey = image.getchannel("A"), _grey(image.convert("RGB"))
    low, high = _range(alpha)
    if low == 255:
        return np.asarray(grey), []
    if high == 0:
        return np.asarray(grey), ["fully transparent: transparency ignored"]
    opaque = alpha.point([0] * (high // 2) + [255] * (256 - high // 2))
    levels = np.cumsum(grey.histogram(opaque))
    dark, middle, light = (int(np.searchsorted(levels, levels[-1] * q)) for q in (0.05, 0.5, 0.95))
    has_paper = light - dark > 96 and levels[-1] > 0.5 * image.width * image.height
    paper = middle if has_paper else 0 if middle >= 128 else 255
    flat = Image.composite(grey, Image.new("L", image.size, paper), alpha)
    return np.asarray(flat), ["transparent background"]


def _from_numbers(values: NDArray[np.generic], *, is_16_bit: bool) -> Grey:
    """Scale 16-bit, 32-bit and floating-point pixels to 0..255, by the smallest range that fits."""
    numbers = values.astype(np.float32)
    if not np.isfinite(numbers).all():
        msg = "pixels that are no numbers"
        raise ValueError(msg)
    low, high = float(numbers.min()), float(numbers.max())
    if values.dtype == np.uint16 or is_16_bit:
        full = 65535.0
    elif low < 0:
        numbers -= low
        full = high - low
    else:
        limits = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (255.0, 65535.0)
        full = next((limit for limit in limits if high <= limit), high)
    grey: Grey = np.rint(numbers * (255 / full)).astype(np.uint8)
    return grey
