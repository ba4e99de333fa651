"""The formats of image files that are read, and how many pixels of each.

An entry of `FORMATS` is all that a new format needs.
"""

import contextlib
import re
from pathlib import Path
from typing import NamedTuple

from mnistcli.errors import StorageError
from mnistcli.files import is_hidden, kind_of_path

# So many are decoded within 600 MB, their file and the command line included. A TIFF may be one
# strip, which is kept beside the picture, and a WEBP is decoded on two canvases.
MAX_PIXELS, MAX_TIFF_PIXELS, MAX_WEBP_PIXELS = 100_000_000, 50_000_000, 16_000_000
# libheif and libavif decode in colour, of 3 bytes a pixel, and copy once; OpenJPEG needs 4 of a
# colour.
MAX_HEIC_PIXELS = 50_000_000
# A picture is made smaller as long as its longer side keeps so many pixels.
USEFUL_SIDE = 1000


class ImageFormat(NamedTuple):
    """A format of image files, and all that is known of it."""

    name: str  # what people call it
    signature: bytes  # a regular expression of what its files begin with
    suffixes: tuple[str, ...]  # in a folder; a file named by itself is judged by its content
    opener: str  # the module and the class of Pillow, or of a plugin for it
    max_pixels: int = MAX_PIXELS
    extra: str = ""  # of mnistcli, that brings the plugin


# Pillow's security handbook asks for such a list: vulnerabilities are in the long tail of parsers.
FORMATS = (
    ImageFormat("PNG", rb"\x89PNG\r\n\x1a\n", (".png",), "PIL.PngImagePlugin.PngImageFile"),
    ImageFormat("JPEG", rb"\xff\xd8\xff", (".jpg", ".jpeg"), "PIL.JpegImagePlugin.JpegImageFile"),
    ImageFormat("GIF", rb"GIF8[79]a", (".gif",), "PIL.GifImagePlugin.GifImageFile"),
    ImageFormat("BMP", rb"BM.{4}\0\0\0\0", (".bmp",), "PIL.BmpImagePlugin.BmpImageFile"),
    ImageFormat("TIFF", rb"II\*\0(?!....CR)|MM\0\*", (".tif", ".tiff"),
                "PIL.TiffImagePlugin.TiffImageFile", MAX_TIFF_PIXELS),
    ImageFormat("WEBP", rb"RIFF....WEBP", (".webp",), "PIL.WebPImagePlugin.WebPImageFile",
                MAX_WEBP_PIXELS),
    ImageFormat("PGM", rb"P[1-6]\s", (".pgm", ".pbm", ".ppm", ".pnm"), "PIL.PpmImagePlugin.PpmImageFile"),
    ImageFormat("AVIF", rb"....ftypavi[fs]", (".avif",), "PIL.AvifImagePlugin.AvifImageFile",
                MAX_HEIC_PIXELS),
    ImageFormat("HEIC", rb"....ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)", (".heic", ".heif"),
                "pillow_heif.HeifImageFile", MAX_HEIC_PIXELS, extra="heic"),
)  # fmt: skip
# A drawing in letters, which is one of the pictures in a folder where it is called after its digit,
# with a count perhaps, and begins with zeros and ones: those of "Machine Learning in Action".
_DRAWING_NAME, DRAWING = re.compile(r"[0-9](_[0-9]*)?\.txt"), re.compile(rb"[01]{8,}(\s|\Z)")
# Also counted as pictures in a folder, so that whoever reads it hears that they cannot be read.
_OTHER_SUFFIXES = (
    ".jxl", ".psd", ".svg", ".jp2", ".tga", ".ico",
    ".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".pef", ".raf", ".rw2",
)  # fmt: skip


def format_of(head: bytes) -> ImageFormat | None:
    """Return the format of the file that begins so, None if it is no image file."""
    return next((each for each in FORMATS if re.match(each.signature, head, re.DOTALL)), None)


def is_picture_name(name: str) -> bool:
    """Return whether a file called so is one of the pictures in a folder, readable or not."""
    suffix = Path(name).suffix.lower()
    if suffix == ".txt":
        return bool(_DRAWING_NAME.fullmatch(Path(name).name))
    return suffix in _OTHER_SUFFIXES or any(suffix in each.suffixes for each in FORMATS)


def is_picture(path: Path) -> bool:
    """Return whether something in a folder is one of its pictures; a named pipe and what is hidden are none.

    What cannot be looked at, or is a link that leads nowhere, is told of by whoever reads it.
    """
    with contextlib.suppress(StorageError, OSError):
        if not is_picture_name(path.name) or is_hidden(path.name):
            return False
        kind = kind_of_path(path)
        if kind == "file" and path.suffix == ".txt":
            with path.open("rb") as file:
                return bool(DRAWING.match(file.read(64)))
        return kind in ("file", "nothing")
    return True
