"""Image files -> grey pictures, with Pillow.

A picture is bounded in pixels before it is decoded and made smaller as soon as it is, so that a few
seconds and 600 MB are enough for any.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from mnistcli.errors import BadImageError
from mnistcli.pictures import Grey
from mnistcli.pictures.formats import MAX_FRAMES, USEFUL_SIDE, ImageFormat

if TYPE_CHECKING:
    from PIL import Image, ImageFile

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


def decoded(
    data: bytes, kind: ImageFormat, name: str, side: int = USEFUL_SIDE
) -> tuple[Grey, tuple[str, ...], tuple[int, int]]:
    """Decode an image file, whose name is for messages, and tell what was noticed.

    A picture is made smaller as long as its longer side keeps ``side`` pixels; height and width
    that it had come last.

    Transparency is composited, EXIF rotation applied, 16 bits scaled to 8. Raises BadImageError for
    whatever is wrong with it.
    """
    import logging
    import warnings

    from PIL import Image

    # Without a handler Python prints what Pillow logs.
    if not (logger := logging.getLogger("PIL")).handlers:
        logger.addHandler(logging.NullHandler())
    n_frames = kind.count_frames(data, name)
    try:
        # Pillow warns of odd metadata and of large pictures; our own limit is the stricter one.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Image.open would import the plugins of six formats.
            module, _, opener = kind.opener.rpartition(".")
            with getattr(import_module(module), opener)(io.BytesIO(data)) as image:
                _check(image, kind, len(data), name)
                grey, notes, size = _picture(image, side)
    except BadImageError:
        raise
    except ImportError:
        raise BadImageError(
            name,
            f"is a {kind.name} picture",
            hint=f"pip install 'mnistcli[{kind.extra}]', or save it as JPEG or PNG",
        ) from None
    except Image.DecompressionBombError:
        raise BadImageError(name, "is too large", hint="scale or crop it first") from None
    # Decoders answer damaged files with whatever they stumble over: SyntaxError, struct.error,
    # KeyError, IndexError, ValueError, OverflowError, MemoryError... Only Pillow runs in here.
    except Exception as error:  # noqa: BLE001
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise BadImageError(name, f"is a damaged {kind.name} picture ({reason})") from None
    if n_frames > 1:
        notes.insert(0, f"frame 1 of {n_frames if n_frames < MAX_FRAMES else 'many'}")
    return np.ascontiguousarray(grey), tuple(notes), size


def _check(image: ImageFile.ImageFile, kind: ImageFormat, n_bytes: int, name: str) -> None:
    from PIL import Image

    n_pixels = image.width * image.height
    if n_pixels > kind.max_pixels:
        raise BadImageError(
            name,
            f"is too large ({image.width:,} x {image.height:,}, more than "
            f"{kind.max_pixels // 10**6} million pixels)",
            hint="scale or crop it first",
        )
    if n_pixels == 0:
        raise BadImageError(name, "has no pixels")
    way = image.info.get("compression", "raw")
    if kind.name == "TIFF" and way not in TIFF_COMPRESSIONS:
        raise BadImageError(name, f"is compressed in a rare way ({way})", hint="save it as PNG")
    tiles = image.tile
    if len(tiles) > MAX_TILES:
        raise BadImageError(name, f"consists of {len(tiles):,} strips", hint="save it as PNG")
    is_slow = any(tile.codec_name in Image.DECODERS for tile in tiles)
    n_values = n_pixels * len(image.getbands())
    if is_slow and (n_values > MAX_SLOW_VALUES or n_bytes > MAX_SLOW_BYTES):
        raise BadImageError(
            name,
            f"has {n_pixels:,} pixels in {n_bytes:,} bytes, too many for a form so slow to read",
            hint="save it as PNG",
        )


def _picture(image: Image.Image, side: int) -> tuple[Grey, list[str], tuple[int, int]]:
    """Turn an opened image into grey levels."""
    notes: list[str] = []
    size = image.height, image.width
    # JPEG can be decoded at half, a quarter or an eighth of its size.
    image.draft(image.mode, (side, side))
    image.load()
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        grey, notes = _from_numbers(image, side)
    elif image.has_transparency_data:
        grey, notes = _composited(_reduced(image, "RGBA", side))
    else:
        grey = np.asarray(_grey(_reduced(image, {"1": "L", "P": "RGB"}.get(image.mode, ""), side)))
    if 2 <= (orientation := _orientation(image)) <= 8:
        from PIL import Image, ImageOps

        turned = Image.fromarray(grey)
        turned.getexif()[_ORIENTATION] = orientation
        grey = np.asarray(ImageOps.exif_transpose(turned))
        size = size[::-1] if orientation > 4 else size
        notes.append("rotated by EXIF")
    return grey, notes, size


def _strips(image: Image.Image, factor: int) -> Iterator[Image.Image]:
    """Cut a picture into strips, each a few times so high: copies of all would cost too much."""
    n_rows = factor * max(1, STRIP_PIXELS // (image.width * factor))
    for top in range(0, image.height, n_rows):
        yield image.crop((0, top, image.width, min(top + n_rows, image.height)))


def _reduced(image: Image.Image, mode: str, side: int) -> Image.Image:
    """Average blocks of pixels of a picture that is larger than anybody needs."""
    from PIL import Image

    mode = mode or image.mode
    factor = max(image.size) // side
    if factor < 2:
        return _in_mode(image, mode)
    strips = [
        strip.convert(mode).reduce((min(factor, strip.width), min(factor, strip.height)))
        for strip in _strips(image, factor)
    ]
    reduced = Image.new(mode, (strips[0].width, sum(strip.height for strip in strips)))
    top = 0
    for strip in strips:
        reduced.paste(strip, (0, top))
        top += strip.height
    return reduced


def _orientation(image: Image.Image) -> int:
    try:
        if len(image.info.get("exif", b"")) > MAX_EXIF_BYTES:
            return 1
        orientation = image.getexif().get(_ORIENTATION, 1)
    # Damaged metadata is no reason to refuse a picture, and its parser raises as it likes.
    except Exception:  # noqa: BLE001
        return 1
    return orientation if isinstance(orientation, int) else 1


def _grey(image: Image.Image) -> Image.Image:
    """Take the luminance, or the colour channel in which the ink stands out where it does not.

    Yellow on white has 29 of 255 levels of luminance, and all 255 in the blue channel.
    """
    if image.mode in ("1", "L"):
        return _in_mode(image, "L")
    colours = _in_mode(image, "RGB")
    grey = colours.convert("L")
    low, high = _range(grey)
    if high - low > 127:
        return grey
    ranges = [band[1] - band[0] for band in map(_range, colours.split())]
    return colours.getchannel(ranges.index(max(ranges))) if max(ranges) > 2 * (high - low) else grey


def _in_mode(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)


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


def _from_numbers(image: Image.Image, side: int) -> tuple[Grey, list[str]]:
    """Scale 16-bit, 32-bit and floating-point pixels to 0..255, by the smallest range that fits."""
    factor = max(1, max(image.size) // side)
    with np.errstate(invalid="ignore", over="ignore"):
        strips = [_block_means(np.asarray(strip), factor) for strip in _strips(image, factor)]
        numbers = np.concatenate(strips)
    if not np.isfinite(numbers).all():
        msg = "pixels that are no numbers"
        raise ValueError(msg)
    low, high = float(numbers.min()), float(numbers.max())
    if low < 0:
        numbers -= low
        full = high - low
    else:
        limits = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
        full = next((limit for limit in limits if high <= limit), high)
    is_16_bit = image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM")
    grey: Grey = np.rint(numbers * (255 / full)).astype(np.uint8)
    return grey, ["8-bit values in 16 bits"] if is_16_bit and full == 255 else []


def _block_means(values: NDArray[np.generic], k: int) -> NDArray[np.float32]:
    """Average blocks of k x k values, fewer at the far edges."""
    rows, columns = (np.arange(0, side, k) for side in values.shape)
    means = np.array([values[y : y + k].mean(axis=0, dtype=np.float32) for y in rows])
    counts = np.diff([*columns, values.shape[1]])
    sums = np.add.reduceat(means, columns, axis=1)
    return (sums / counts).astype(np.float32)
