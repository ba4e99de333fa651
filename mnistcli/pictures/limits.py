"""What keeps an image file from keeping its decoder busy: its blocks are walked and counted first.

Pillow bounds pixels and text, but walks blocks, segments and directories in Python, a microsecond
each, and a file of 64 MB has room for millions of empty ones. Cameras, scanners and editors write
at most a few thousand.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from mnistcli.errors import BadImageError

if TYPE_CHECKING:
    from collections.abc import Callable

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
# Whoever counts further says "many".
MAX_FRAMES = 100

PNM_HEADER = re.compile(rb"P[1-6](?:(?:\s|#[^\n\r]*[\n\r])+\d+){2,3}\s")
PNM_HEADER_BYTES = 4096


def count_frames(data: bytes, kind: str, name: str) -> int:
    """Count the pictures in a file, up to `MAX_FRAMES`.

    Raises
    ------
    BadImageError
        Decoding it would take too long.
    """
    try:
        return WALKS[kind](data) if kind in WALKS else 1
    except _TooManyError as error:
        raise BadImageError(
            name, f"is a {kind} of suspiciously many {error}", hint="save it again as PNG"
        ) from None
    except (IndexError, struct.error):
        return 1  # it ends too early, which its decoder will say


class _TooManyError(Exception):
    """There is more of something than any program writes."""


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
    at = 2
    for _ in range(MAX_JPEG_SEGMENTS):
        marker = data[at + 1]
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
    if data.count(b"\xff\xda") > MAX_JPEG_SCANS:
        raise _TooManyError("scans")
    return 1


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
    if not PNM_HEADER.match(data[:PNM_HEADER_BYTES]):
        raise _TooManyError("words in its header")
    if data[:2] in (b"P1", b"P2", b"P3") and data.count(b"#") > MAX_COMMENTS:
        raise _TooManyError("comments")
    return 1


WALKS: dict[str, Callable[[bytes], int]] = {
    "PNG": _png,
    "GIF": _gif,
    "JPEG": _jpeg,
    "TIFF": _tiff,
    "PPM": _pnm,
}
