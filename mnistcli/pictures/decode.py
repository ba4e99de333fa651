"""Image files -> grey pictures, with Pillow.

A picture is bounded in pixels before it is decoded and made smaller as soon as it is, so that a few
seconds and 600 MB are enough for any. Pillow bounds pixels and text, but walks blocks, segments and
directories in Python, a microsecond each, and a large file has room for millions of empty ones: it
is given a file that lets it read so many pieces and no more.
"""

import contextlib
import io
import logging
import struct
import warnings
from importlib import import_module
from typing import Any, Literal, cast

import numpy as np
from PIL import Image, ImageChops, ImageFile, ImageFilter  # noqa: TID253 - loaded with the first picture

from mnistcli.containers.reading import RAW, FormatError
from mnistcli.pictures import Grey, grey_levels
from mnistcli.pictures.formats import USEFUL_SIDE, ImageFormat

# A GIF comes in blocks of 255 bytes, each of which is read in two pieces.
MAX_PIECES = 1 << 20
# Before its pixels a JPEG has tables, a profile and what cameras say.
MAX_JPEG_BYTES_AHEAD = 16 << 20
# A progressive JPEG has about 10 scans; thousands of them would take minutes to decode. It is kept
# as coefficients of two bytes until the last has come.
MAX_JPEG_SCANS, MAX_JPEG_COEFFICIENTS = 64, 200_000_000
# The longest list of numbers is a transfer function, of 3 x 65,536.
MAX_TIFF_NUMBERS = 1 << 18
_TIFF_BYTES = (1, 2, 7)  # numbers, letters, anything
_SUBFILE_TYPE, _DNG_VERSION = 0x00FE, 0xC612  # tags
# Each in a PGM of letters costs a copy of what is left of it.
MAX_COMMENTS = 1000
# Whoever counts further says "many".
MAX_FRAMES = 100
# Some decoders are written in Python and take a second for twice as many numbers or bytes.
MAX_SLOW_VALUES, MAX_SLOW_BYTES = 1 << 19, 4 << 20
# Each strip costs a call from Python.
MAX_TILES = 1 << 15
# The others are not always built in, and say so on stderr.
TIFF_COMPRESSIONS = {
    "raw", "packbits", "tiff_ccitt", "group3", "group4", "tiff_lzw", "tiff_deflate",
    "tiff_adobe_deflate", "jpeg",
}  # fmt: skip
# And so many pixels at a time.
STRIP_PIXELS = 1 << 21
# Longer EXIF data is no camera's.
MAX_EXIF_BYTES = 1 << 20
_ORIENTATION = 0x0112  # in EXIF data
# White of shares, and of 8 to 16 bits, as cameras have them.
FULL = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
# Without a handler Python prints what Pillow logs.
logging.getLogger("PIL").addHandler(logging.NullHandler())


class _TooManyError(Exception):
    """There is more of something than any program writes."""


class _File(io.BytesIO):
    """A file that is read in a limited number of pieces."""

    n_pieces = 0
    farthest = 1 << 62  # that a piece may begin at

    def read(self, n_bytes: int | None = -1, /) -> bytes:
        self.n_pieces += 1
        if self.n_pieces > MAX_PIECES or self.tell() > self.farthest:
            raise _TooManyError("pieces")
        return super().read(n_bytes)


def decode(
    data: bytes, kind: ImageFormat, side: int = USEFUL_SIDE
) -> tuple[Grey, tuple[str, ...], tuple[int, int], int]:
    """Decode an image file, and tell what was noticed: that it is one of several first.

    A picture is made smaller as long as its longer side keeps ``side`` pixels; height and width
    that it had come next, and last how many there are in the file, up to `MAX_FRAMES`.

    Transparency is composited, EXIF rotation applied, 16 bits, and levels of 0 and 1, scaled to 8.
    Raises FormatError for whatever is wrong with it.
    """
    try:
        # Pillow warns of odd metadata and of large pictures; our own limit is the stricter one.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Before Pillow makes objects of its numbers.
            n_frames = _tiff_frames(data) if kind.name == "TIFF" else 0
            with _open(data, kind) as image:
                _check(image, kind, data)
                n_frames = n_frames or _count_frames(image)
                if kind.name == "PNG":  # one behind another: cat *.png
                    n_frames = max(n_frames, min(data.count(data[:8]), MAX_FRAMES))
                grey, notes, size = _picture(image, side)
    except FormatError:
        raise
    except _TooManyError as error:
        problem = f"is a {kind.name} of suspiciously many {error}"
        raise FormatError(problem, hint="save it again as PNG") from None
    except ImportError:
        hint = f"pip install 'mnistcli[{kind.extra}]', or save it as JPEG or PNG"
        raise FormatError(f"is a {kind.name} picture", hint=hint) from None
    except Image.DecompressionBombError:
        raise FormatError("is too large", hint="scale or crop it first") from None
    # Decoders answer damaged files with whatever they stumble over: SyntaxError, struct.error,
    # KeyError, IndexError, ValueError, OverflowError, MemoryError... Only Pillow runs in here.
    except Exception as error:  # noqa: BLE001
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise FormatError(f"is a damaged {kind.name} picture ({reason})") from None
    if n_frames > 1:
        notes.insert(0, f"frame 1 of {n_frames if n_frames < MAX_FRAMES else 'many'}")
    return np.ascontiguousarray(grey), tuple(notes), size, n_frames


def _open(data: bytes, kind: ImageFormat) -> ImageFile.ImageFile:
    """Let Pillow read what comes before the pixels."""
    file = _File(data)
    if kind.name == "JPEG":
        file.farthest = MAX_JPEG_BYTES_AHEAD
    # Image.open would import the plugins of six formats.
    module, _, opener = kind.opener.rpartition(".")
    image: ImageFile.ImageFile = getattr(import_module(module), opener)(file)
    if kind.name == "JPEG":  # opened up to its first scan; not to be decoded for ever
        file.farthest = len(data)
        if (n_scans := 1 + data.count(b"\xff\xda", file.tell())) > MAX_JPEG_SCANS:
            raise _TooManyError("scans")
        _, across, down, _ = zip(*cast("Any", image).layer, strict=True)
        shares = np.multiply(across, down).sum() / (max(across) * max(down))
        if n_scans > 1 and image.width * image.height * shares > MAX_JPEG_COEFFICIENTS:
            raise _TooManyError("pixels for one in several scans")
    return image


def _tiff_frames(data: bytes) -> int:
    """Walk the chain of directories in a TIFF file, and count them; a raw file is no picture."""
    order: Literal["<", ">"] = "<" if data[:2] == b"II" else ">"
    entry = np.dtype("u2, u2, u4, u4").newbyteorder(order)  # tag, type, how many, where
    seen: set[int] = set()
    with contextlib.suppress(struct.error):  # it ends too early
        (at,) = struct.unpack_from(order + "I", data, 4)
        while at and at not in seen and len(seen) < MAX_FRAMES:
            (n_entries,) = struct.unpack_from(order + "H", data, at)
            seen.add(at)
            table = data[at + 2 : at + 2 + 12 * n_entries]
            entries = np.frombuffer(table[: len(table) // 12 * 12], entry)
            is_preview = (entries["f0"] == _SUBFILE_TYPE) & (entries["f3"] & 1 == 1)
            if len(seen) == 1 and (is_preview | (entries["f0"] == _DNG_VERSION)).any():
                raise FormatError(f"is {RAW}", hint="export it as JPEG or PNG")
            is_list = ~np.isin(entries["f1"], _TIFF_BYTES)
            if entries["f2"][is_list].max(initial=0) > MAX_TIFF_NUMBERS:
                raise _TooManyError("numbers")
            (at,) = struct.unpack_from(order + "I", data, at + 2 + 12 * n_entries)
    return max(1, len(seen))


def _count_frames(image: ImageFile.ImageFile) -> int:
    """Count the pictures in a file, up to `MAX_FRAMES`; where it ends too early it has one."""
    try:
        return min(getattr(image, "n_frames", 1), MAX_FRAMES)
    except (IndexError, struct.error):
        image.seek(0)
        return 1


def _check(image: ImageFile.ImageFile, kind: ImageFormat, data: bytes) -> None:
    n_pixels = image.width * image.height
    if n_pixels > kind.max_pixels:
        size = f"{image.width:,} x {image.height:,}, more than {kind.max_pixels // 10**6} million pixels"
        raise FormatError(f"is too large ({size})", hint="scale or crop it first")
    if n_pixels == 0:
        raise FormatError("has no pixels")
    way = image.info.get("compression", "raw")
    if kind.name == "TIFF" and way not in TIFF_COMPRESSIONS:
        raise FormatError(f"is compressed in a rare way ({way})", hint="save it as PNG")
    if len(tiles := image.tile) > MAX_TILES:
        raise _TooManyError("strips")
    if any(tile.codec_name == "ppm_plain" for tile in tiles) and data.count(b"#") > MAX_COMMENTS:
        raise _TooManyError("comments")
    is_slow = any(tile.codec_name in Image.DECODERS for tile in tiles)
    n_values = n_pixels * len(image.getbands())
    if is_slow and (n_values > MAX_SLOW_VALUES or len(data) > MAX_SLOW_BYTES):
        raise _TooManyError("pixels for a form so slow to read")


def _picture(image: Image.Image, side: int) -> tuple[Grey, list[str], tuple[int, int]]:
    notes: list[str] = []
    size = image.height, image.width
    # JPEG can be decoded at half, a quarter or an eighth of its size.
    image.draft(image.mode, (side, side))
    image.load()
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        grey, notes = _from_numbers(image, side)
    elif image.has_transparency_data:
        grey, notes = _composite(_reduce(image, "RGBA", side))
    else:
        reduced = _reduce(image, {"1": "L", "P": "RGB"}.get(image.mode, ""), side)
        grey = grey_levels(np.asarray(_grey(reduced)))
    if 2 <= (orientation := _orientation(image)) <= 8:
        from PIL import ImageOps

        turned = Image.fromarray(grey)
        turned.getexif()[_ORIENTATION] = orientation
        grey = np.asarray(ImageOps.exif_transpose(turned))
        size = size[::-1] if orientation > 4 else size
        notes.append("rotated by EXIF")
    return grey, notes, size


def _reduce(image: Image.Image, mode: str, side: int) -> Image.Image:
    """Average blocks of pixels of a picture that is larger than anybody needs.

    It is done in strips, each a few times so high: copies of the whole would cost too much.
    """
    mode = mode or image.mode
    factor = max(image.size) // side
    if factor < 2:
        return image if image.mode == mode else image.convert(mode)
    n_rows = factor * max(1, STRIP_PIXELS // (image.width * factor))
    reduced = Image.new(mode, (-(-image.width // factor), -(-image.height // factor)))
    for top in range(0, image.height, n_rows):
        strip = image.crop((0, top, image.width, min(top + n_rows, image.height))).convert(mode)
        small = strip.reduce((min(factor, strip.width), min(factor, strip.height)))
        reduced.paste(small, (0, top // factor))
    return reduced


def _orientation(image: Image.Image) -> int:
    # Damaged metadata is no reason to refuse a picture, and its parser raises as it likes.
    with contextlib.suppress(Exception):
        if len(image.info.get("exif", b"")) <= MAX_EXIF_BYTES:
            orientation = image.getexif().get(_ORIENTATION)
            return orientation if isinstance(orientation, int) else 1
    return 1


def _grey(image: Image.Image) -> Image.Image:
    """Take the luminance, or the colour channel in which the ink stands out where it does not.

    Yellow on white has 29 of 255 levels of luminance, and all 255 in the blue channel.
    """
    if image.mode == "L":
        return image
    colours = image.convert("RGB")
    grey = colours.convert("L")
    low, high = _range(grey)
    if high - low > 127:
        return grey
    ranges = [band[1] - band[0] for band in map(_range, colours.split())]
    return colours.getchannel(ranges.index(max(ranges))) if max(ranges) > 2 * (high - low) else grey


def _range(band: Image.Image) -> tuple[int, int]:
    low, high = cast("tuple[int, int]", band.getextrema())
    return low, high


def _composite(image: Image.Image) -> tuple[Grey, list[str]]:
    """Put a picture with transparency on paper: on the opposite of its ink.

    A picture with contrast of its own brings its paper along: the most of it where it covers most
    of its area, else what is all along its rim, as of a sticker.
    """
    alpha, grey = image.getchannel("A"), _grey(image.convert("RGB"))
    low, high = _range(alpha)
    if low == 255:
        return np.asarray(grey), []
    if high == 0:
        return np.asarray(grey), ["fully transparent: transparency ignored"]
    opaque = alpha.point([0] * (high // 2) + [255] * (256 - high // 2))
    dark, middle, light = _quantiles(grey, opaque)
    paper = 0 if middle >= 128 else 255
    if light - dark > 96 and 2 * opaque.histogram()[255] > image.width * image.height:
        paper = middle
    elif light - dark > 96:
        inside = opaque.filter(ImageFilter.MinFilter(3))
        darkest, _, lightest = _quantiles(grey, ImageChops.subtract(opaque, inside))
        if lightest - darkest < (light - dark) / 4:
            paper = 255 if darkest + lightest > dark + light else 0
    flat = Image.composite(grey, Image.new("L", image.size, paper), alpha)
    return np.asarray(flat), ["transparent background"]


def _quantiles(grey: Image.Image, mask: Image.Image) -> tuple[int, ...]:
    levels = np.cumsum(grey.histogram(mask))
    return tuple(int(np.searchsorted(levels, levels[-1] * q)) for q in (0.05, 0.5, 0.95))


def _from_numbers(image: Image.Image, side: int) -> tuple[Grey, list[str]]:
    """Scale 16-bit, 32-bit and floating-point pixels to 0..255, by the smallest range that fits."""
    numbers = np.array(_reduce(image, "F", side))
    if not np.isfinite(numbers).all():
        raise ValueError("pixels that are no numbers")
    low, high = float(numbers.min()), float(numbers.max())
    if low < 0:
        numbers -= low
        full = high - low
    else:
        full = next((full for full in FULL if high <= full), high)
    is_16_bit = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")
    grey: Grey = np.rint(numbers * (255 / full)).astype(np.uint8)
    n_bits = int(full).bit_length()
    return grey, [f"{n_bits}-bit values in 16 bits"] if is_16_bit and n_bits < 16 else []
