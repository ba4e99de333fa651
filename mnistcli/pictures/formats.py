"""The formats of image files that are read, and what keeps a file from keeping its decoder busy.

An entry of `FORMATS` is all that a new format needs.

Pillow bounds pixels and text, but walks blocks, segments and directories in Python, a microsecond
each, and a large file has room for millions of empty ones. Cameras, scanners and editors write at
most a few thousand. So its blocks are walked and counted first.
"""

import contextlib
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mnistcli.errors import BadImageError, StorageError
from mnistcli.files import kind_of_path

# So many are decoded within 600 MB, their file and the command line included. A TIFF may be one
# strip, which is kept beside the picture, and a WEBP is decoded on two canvases.
MAX_PIXELS, MAX_TIFF_PIXELS, MAX_WEBP_PIXELS = 100_000_000, 50_000_000, 16_000_000
# libheif decodes in colour, of 3 bytes a pixel, and copies once.
MAX_HEIC_PIXELS = 50_000_000
# A JPEG in several scans is kept as coefficients of two bytes until the last has come.
MAX_JPEG_COEFFICIENTS = 200_000_000
# PNG files come in chunks of 8 kB, and GIF files in blocks of 255 bytes.
MAX_PNG_CHUNKS = 1 << 16
MAX_GIF_BLOCKS, MAX_GIF_BLOCKS_AHEAD = 1 << 19, 1 << 14
# Before its pixels a JPEG has tables, a profile and what cameras say.
MAX_JPEG_SEGMENTS, MAX_JPEG_BYTES_AHEAD, MAX_EXIF_SEGMENTS = 1 << 10, 16 << 20, 32
# A progressive JPEG has about 10 scans; thousands of them would take minutes to decode.
MAX_JPEG_SCANS = 64
# The longest list of numbers is a transfer function, of 3 x 65,536.
MAX_TIFF_ENTRIES, MAX_TIFF_NUMBERS = 1 << 10, 1 << 18
TIFF_BYTES = frozenset({1, 2, 7})  # numbers, letters, anything
MAX_COMMENTS = 1000
# A picture is made smaller as long as its longer side keeps so many pixels.
USEFUL_SIDE = 1000
# Whoever counts further says "many".
MAX_FRAMES = 100

PNM_HEADER = rb"P[1-6](?:(?:\s|#[^\n\r]*[\n\r])+\d+){2,3}\s"
PNM_HEADER_BYTES = 4096


class _TooManyError(Exception):
    """There is more of something than any program writes."""


def _one_frame(data: bytes) -> int:  # noqa: ARG001 - a walk as the others
    return 1


def _png(data: bytes) -> int:
    """Walk the chunks: length, name, data, checksum."""
    at, n_frames = 8, 1
    for _ in range(MAX_PNG_CHUNKS):
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"acTL":
            (n_frames,) = struct.unpack_from(">I", data, at + 8)
        if name == b"IEND":
            return min(max(1, n_frames), MAX_FRAMES)
        at += 12 + length
    raise _TooManyError("chunks")


def _gif(data: bytes) -> int:
    """Walk the blocks up to the end, each of which is a row of smaller ones."""
    n_frames = n_blocks = 0
    at = 13 + _colour_table(data[10])
    while data[at] != ord(";") and n_frames < MAX_FRAMES:
        if data[at] == ord(","):
            n_frames += 1
            at += 11 + _colour_table(data[at + 9])
        else:
            at += 2 if data[at] == ord("!") else 1
        while data[at]:
            at += 1 + data[at]
            n_blocks += 1
            if n_blocks > (MAX_GIF_BLOCKS if n_frames else MAX_GIF_BLOCKS_AHEAD):
                raise _TooManyError("blocks")
        at += 1
    return max(1, n_frames)


def _colour_table(flags: int) -> int:
    return 3 << (1 + (flags & 7)) if flags & 128 else 0


def _jpeg(data: bytes) -> int:
    """Walk the segments up to the first scan."""
    at, n_coefficients = 2, 0
    for _ in range(MAX_JPEG_SEGMENTS):
        marker = data[at + 1]
        n_coefficients = max(n_coefficients, _coefficients(data, at, marker))
        if data[at] != 0xFF or marker in (0x00, 0xFF):
            at += 1  # padding
        elif marker == 0xDA:
            break
        else:
            is_alone = marker == 0x01 or 0xD0 <= marker <= 0xD8
            at += 2 if is_alone else 2 + int.from_bytes(data[at + 2 : at + 4])
    else:
        raise _TooManyError("segments")
    if at > MAX_JPEG_BYTES_AHEAD or data.count(b"Exif\0", 0, at) > MAX_EXIF_SEGMENTS:
        raise _TooManyError("words about it")
    if (n_scans := data.count(b"\xff\xda", at)) > MAX_JPEG_SCANS:
        raise _TooManyError("scans")
    if n_scans > 1 and n_coefficients > MAX_JPEG_COEFFICIENTS:
        raise _TooManyError("pixels for one in several scans")
    return 1


def _coefficients(data: bytes, at: int, marker: int) -> int:
    """Count the coefficients that a frame header (ITU T.81, B.2.2) declares; 0 for other segments."""
    if not 0xC0 <= marker <= 0xCF or marker in (0xC4, 0xC8, 0xCC):
        return 0
    height, width, n_components = struct.unpack_from(">HHB", data, at + 5)
    sampling = [data[at + 11 + 3 * i] for i in range(n_components)]
    across, down = [s >> 4 for s in sampling], [s & 15 for s in sampling]
    most = max(across, default=1) * max(down, default=1)
    shares = sum(a * d for a, d in zip(across, down, strict=True)) / max(1, most)
    return int(height * width * shares)


def _tiff(data: bytes) -> int:
    """Walk the chain of directories."""
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    seen: set[int] = set()
    while at and at not in seen and len(seen) < MAX_FRAMES:
        seen.add(at)
        (n_entries,) = struct.unpack_from(order + "H", data, at)
        if n_entries > MAX_TIFF_ENTRIES:
            raise _TooManyError("entries")
        for i in range(n_entries):
            _, of_type, n_values = struct.unpack_from(order + "HHI", data, at + 2 + 12 * i)
            if of_type not in TIFF_BYTES and n_values > MAX_TIFF_NUMBERS:
                raise _TooManyError("numbers")
        (at,) = struct.unpack_from(order + "I", data, at + 2 + 12 * n_entries)
    return max(1, len(seen))


def _pnm(data: bytes) -> int:
    """Look at the header, which may hold comments of any length, and at further comments."""
    if not re.match(PNM_HEADER, data[:PNM_HEADER_BYTES]):
        raise _TooManyError("words in its header")
    if data[:2] in (b"P1", b"P2", b"P3") and data.count(b"#") > MAX_COMMENTS:
        raise _TooManyError("comments")
    return 1


def _webp(data: bytes) -> int:
    """Walk the chunks of a RIFF file for frames of an animation, each of which is one."""
    at, n_frames = 12, 0
    for _ in range(MAX_PNG_CHUNKS):
        (length,) = struct.unpack_from("<I", data, at + 4)
        n_frames += data[at : at + 4] == b"ANMF"
        at += 8 + length + length % 2
        if at >= len(data):
            return min(max(1, n_frames), MAX_FRAMES)
    raise _TooManyError("chunks")


class ImageFormat(NamedTuple):
    """A format of image files, and all that is known of it."""

    name: str  # what people call it
    signature: bytes  # a regular expression of what its files begin with
    suffixes: tuple[str, ...]  # in a folder; a file named by itself is judged by its content
    opener: str  # the module and the class of Pillow, or of a plugin for it
    walk: Callable[[bytes], int] = _one_frame  # counts frames, at most `MAX_FRAMES`
    max_pixels: int = MAX_PIXELS
    extra: str = ""  # of mnistcli, that brings the plugin

    def count_frames(self, data: bytes, source: str) -> int:
        """Count the pictures in a file, up to `MAX_FRAMES`.

        Raises BadImageError where decoding it would take too long.
        """
        try:
            return self.walk(data)
        except _TooManyError as error:
            problem = f"is a {self.name} of suspiciously many {error}"
            raise BadImageError(source, problem, hint="save it again as PNG") from None
        except (IndexError, struct.error):
            return 1  # it ends too early, which its decoder will say


# Pillow's security handbook asks for such a list: vulnerabilities are in the long tail of parsers.
FORMATS = (
    ImageFormat("PNG", rb"\x89PNG\r\n\x1a\n", (".png",), "PIL.PngImagePlugin.PngImageFile", _png),
    ImageFormat("JPEG", rb"\xff\xd8\xff", (".jpg", ".jpeg"), "PIL.JpegImagePlugin.JpegImageFile", _jpeg),
    ImageFormat("GIF", rb"GIF8[79]a", (".gif",), "PIL.GifImagePlugin.GifImageFile", _gif),
    ImageFormat("BMP", rb"BM.{4}\0\0\0\0", (".bmp",), "PIL.BmpImagePlugin.BmpImageFile"),
    ImageFormat("TIFF", rb"II\*\0|MM\0\*", (".tif", ".tiff"), "PIL.TiffImagePlugin.TiffImageFile",
                _tiff, MAX_TIFF_PIXELS),
    ImageFormat("WEBP", rb"RIFF....WEBP", (".webp",), "PIL.WebPImagePlugin.WebPImageFile",
                _webp, MAX_WEBP_PIXELS),
    ImageFormat("PGM", rb"P[1-6]\s", (".pgm", ".pbm", ".ppm", ".pnm"), "PIL.PpmImagePlugin.PpmImageFile", _pnm),
    ImageFormat("HEIC", rb"....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)", (".heic", ".heif"),
                "pillow_heif.HeifImageFile", max_pixels=MAX_HEIC_PIXELS, extra="heic"),
)  # fmt: skip


def format_of(head: bytes) -> ImageFormat | None:
    """Return the format of the file that begins so, None if it is no image file."""
    return next((each for each in FORMATS if re.match(each.signature, head, re.DOTALL)), None)


def is_picture_name(suffix: str) -> bool:
    """Return whether a file with this suffix is one of the pictures in a folder."""
    return any(suffix.lower() in each.suffixes for each in FORMATS)


def is_picture(path: Path) -> bool:
    """Return whether something in a folder is one of its pictures; a named pipe is none.

    What cannot be looked at, or is a link that leads nowhere, is told of by whoever reads it.
    """
    with contextlib.suppress(StorageError):
        return is_picture_name(path.suffix) and kind_of_path(path) in ("file", "nothing")
    return True
