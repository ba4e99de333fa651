"""Files made to keep a decoder busy are refused before long; large ones stay in bounds."""

from __future__ import annotations

import gzip
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistcli.errors import BadImageError
from mnistcli.pictures import formats
from mnistcli.pictures.formats import FORMATS, ImageFormat
from mnistcli.pictures.read import read_pictures


def read(data: bytes):
    (picture,) = read_pictures("-", stdin=io.BytesIO(data))
    return picture


def saved(kind, size=(40, 30), **options):
    file = io.BytesIO()
    Image.new("L", size, 200).save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(*before: bytes, after: tuple[bytes, ...] = ()) -> bytes:
    """A black PNG of 28 x 28 pixels, and further chunks."""
    header = chunk(b"IHDR", struct.pack(">2I5B", 28, 28, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(29 * 28)))
    middle = [header, *before, pixels, *after, chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(middle)


def jpeg(*segments: bytes) -> bytes:
    data = saved("JPEG")
    return data[:2] + b"".join(segments) + data[2:]


def gif(*before: bytes, after: bytes = b"") -> bytes:
    data = saved("GIF")
    start = 13 + (3 << 1 + (data[10] & 7))
    return data[:start] + b"".join(before) + data[start:-1] + after + b";"


def tiff(*entries: tuple[int, int, int, int], n_entries: int | None = None) -> bytes:
    """A TIFF of 28 x 28 pixels; entries are tag, type, count and value."""
    usual = {256: 28, 257: 28, 258: 8, 259: 1, 262: 1, 273: 500, 277: 1, 278: 28, 279: 784}
    table = {tag: (4, 1, value) for tag, value in usual.items()} | {e[0]: e[1:] for e in entries}
    rows = [struct.pack("<HHII", tag, *values) for tag, values in sorted(table.items())]
    head = b"II*\0" + struct.pack("<IH", 8, len(rows) if n_entries is None else n_entries)
    return (head + b"".join(rows) + bytes(4)).ljust(500, b"\0") + bytes(784)


def bmp(width: int, height: int, compression: int, body: bytes) -> bytes:
    info = struct.pack(
        "<IiiHHIIiiII", 40, width, height, 1, 8, compression, len(body), 0, 0, 256, 0
    )
    start = 14 + len(info) + 1024
    head = b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start)
    return head + info + bytes(range(256)) * 4 + body


def progressive(width: int, height: int, sampling: int) -> bytes:
    """A JPEG of three components whose header declares a size, and two scans."""
    frame = struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(
        (1, sampling, 0, 2, 0x11, 0, 3, 0x11, 0)
    )
    return b"\xff\xd8\xff\xc2" + frame + b"\xff\xda\0\0\xff\xda\xff\xd9"


EMPTY_COMMENT = b"\xff\xfe\0\2"
TEXT_BOMB = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(8 << 20), 1))


@pytest.mark.parametrize(  # made when they are wanted: some are large
    ("make", "problem"),
    [
        (lambda: png(chunk(b"tEXt", b"a\0b") * 10_000), "a PNG of suspiciously many pieces"),
        (lambda: png(chunk(b"IDAT", b"") * 10_000), "a PNG of suspiciously many pieces"),
        (lambda: png(after=(chunk(b"IDAT", b"") * 10_000,)), "a PNG of suspiciously many pieces"),
        (lambda: png(TEXT_BOMB), "Decompressed data too large"),
        (lambda: png(after=(TEXT_BOMB,)), "Decompressed data too large"),
        (lambda: png(chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(8 << 20)))), "too large"),
        (lambda: png(*[chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**6)))] * 70), "Too much memory"),
        (lambda: jpeg(EMPTY_COMMENT * 10_000), "a JPEG of suspiciously many pieces"),
        (lambda: jpeg(b"\xff" * 20_000), "a JPEG of suspiciously many pieces"),
        (lambda: jpeg(bytes(2000)), "no picture of a known kind"),
        (lambda: jpeg(EMPTY_COMMENT, bytes(20_000)), "a JPEG of suspiciously many pieces"),
        (lambda: jpeg(b"\xff\xfe\xff\xff" + bytes(65533)) * 300, "a JPEG of suspiciously many"),
        (lambda: gif(b"!\xfe" + b"\1a" * 10_000 + b"\0"), "a GIF of suspiciously many pieces"),
        (lambda: gif(b"!\xf9\4\0\0\0\0\0" * 10_000), "a GIF of suspiciously many pieces"),
        (lambda: gif(after=b"!\xfe" + b"\1a" * 530_000 + b"\0"), "a GIF of suspiciously many pieces"),
        (lambda: b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x08\x01\0\0;", "is too large"),
        (lambda: tiff((273, 4, 1 << 20, 500)), "a TIFF of suspiciously many numbers"),
        (lambda: tiff((288, 4, 1 << 20, 500), n_entries=60_000), "a TIFF of suspiciously many numbers"),
        (lambda: tiff((256, 4, 1, 1 << 30)), "is too large"),
        (lambda: tiff((277, 3, 1, 65535)), "a damaged TIFF"),
        (lambda: tiff((257, 4, 1, 40_000), (278, 4, 1, 1), (273, 4, 40_000, 8), (279, 4, 40_000, 8))
         + bytes(200_000), "a TIFF of suspiciously many strips"),
        (lambda: bmp(1 << 30, 1 << 30, 0, b""), "is too large"),
        (lambda: bmp(10_001, 10_001, 0, b""), "is too large (10,001 x 10,001, more than 100 million pixels)"),
        (lambda: progressive(10_000, 10_000, 0x11), "many pixels for one in several scans"),
        (lambda: saved("WEBP", (4100, 4100), lossless=True, method=0), "is too large"),
        (lambda: bmp(4096, -4096, 0, bytes(100)), "a damaged BMP"),
        (lambda: bmp(2000, 2000, 1, b"\xff\1" * 16_000), "so slow to read"),
        (lambda: bmp(100, 100, 1, b"\0\2\0\0" * (1 << 20)), "so slow to read"),
        (lambda: b"P5\n#" + b"a" * 20_000 + b"\n28 28 255\n" + bytes(784), "a PGM of suspiciously many pieces"),
        (lambda: b"P2\n28 28 255\n" + b"#\n" * 2000 + b"0 " * 784, "suspiciously many comments"),
        (lambda: b"P5 1000 1000 100\n" + bytes(10**6), "so slow to read"),
        (lambda: b"P6 500 500 300\n" + bytes(1_500_000), "so slow to read"),
        (lambda: b"\n#" * (3 << 20), "is larger than 4 MiB"),
        (lambda: gzip.compress(b"\t" * (9 << 20), mtime=0), "is larger than 4 MiB"),
        (lambda: gzip.compress(b"P5 28 28 255\n" + bytes(140 << 20), mtime=0), "is larger than 128 MiB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_would_take_too_long_is_refused(make, problem, monkeypatch):
    data = make()
    if len(data) < 1 << 20:
        monkeypatch.setattr("mnistcli.pictures.decode.MAX_PIECES", 1 << 14)
    with pytest.raises(BadImageError) as caught:
        read(data)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        png(*[chunk(b"tEXt", b"a\0b")] * 1000),
        png(chunk(b"acTL", struct.pack(">2I", 2**32 - 1, 0))),
        png(chunk(b"eXIf", b"II*\0" + bytes(2 << 20))),
        jpeg(EMPTY_COMMENT * 900),
        jpeg(b"\xff\xe1\0\x0aExif\0\0II" * 40),
        jpeg(b"\xff\xe2\xff\xffICC_PROFILE\0\1\1" + bytes(65519)),
        gif(b"!\xfe" + b"\xff" + bytes(255) * 1 + b"\0"),
        gif(after=b",\0\0\0\0\xff\xff\xff\xff\0\x08\x01\0\0"),
        tiff(),
        tiff((270, 2, 100, 400)),
        bmp(28, 28, 0, bytes(784)),
        bmp(28, 28, 1, (b"\x1c\1\0\0" * 28) + b"\0\1"),
        b"P2\n# by hand\n28 28 255\n" + b"0 " * 784,
        b"P5 28 28 100\n" + bytes(784),
        b"P5\n#" + b"a" * 5000 + b"\n28 28 255\n" + bytes(784),
    ],
)
def test_what_only_looks_odd_is_read(data):
    assert read(data).grey.shape in {(28, 28), (30, 40)}


def test_frames_are_counted_up_to_a_hundred():
    frames = [Image.new("L", (9, 9), 2 * i) for i in range(120)]
    for kind in ("GIF", "TIFF", "PNG"):
        file = io.BytesIO()
        frames[0].save(file, kind, save_all=True, append_images=frames[1:])
        assert read(file.getvalue()).notes == ("frame 1 of many",)


def test_what_a_jpeg_in_scans_costs_depends_on_its_sampling():
    for sampling, problem in ((0x22, "is a damaged JPEG"), (0x11, "several scans")):
        with pytest.raises(BadImageError, match=problem):
            read(progressive(10_000, 10_000, sampling))


def test_a_gif_whose_second_frame_is_cut_has_one():
    for n_bytes in range(1, 11):
        assert read(gif(after=b",\0\0\0\0\1\0\1\0\x80"[:n_bytes])[:-1]).notes == ()


def test_directories_in_a_circle_end():
    data = bytearray(tiff())
    (n,) = struct.unpack_from("<H", data, 8)
    struct.pack_into("<I", data, 10 + 12 * n, 8)
    assert read(bytes(data)).notes == ()


def test_a_strip_holds_no_digit():
    from mnistcli.conforming.placing import conform

    for shape in ((4, 1 << 20), (1 << 20, 4)):
        grey = np.tile(np.arange(256, dtype=np.uint8), shape[0] * shape[1] // 256).reshape(shape)
        with pytest.raises(BadImageError, match="is a strip"):
            conform(grey)


# --- another format ------------------------------------------------------------------------------


def test_a_format_of_one_s_own_is_one_entry(monkeypatch, tmp_path, invoke):
    """PCX, which Pillow reads too, added here: found in folders, read, and named in the hint."""
    pcx = ImageFormat("PCX", rb"\x0a[\0-\x05]\x01", (".pcx",), "PIL.PcxImagePlugin.PcxImageFile")
    path = tmp_path / "seven.pcx"
    digit = Image.new("L", (60, 80), 255)
    ImageDraw.Draw(digit).line([(15, 15), (45, 15), (25, 65)], fill=0, width=6)
    digit.save(path)
    model = invoke("train", "--task", "0v1", "--limit", "300", "-q").out.strip()
    assert "folder without pictures" in invoke("predict", "-m", model, str(tmp_path)).err
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, pcx))
    monkeypatch.setattr("mnistcli.pictures.read.FORMATS", (*FORMATS, pcx))
    assert invoke("predict", "-m", model, str(tmp_path), "-q").code == 0
    assert np.array_equal(read(path.read_bytes()).grey, np.asarray(digit))
    path.write_bytes(b"\0\1\2")
    assert "HEIC, PCX, NPY" in invoke("predict", "-m", model, str(path)).err


# --- a hundred million pixels --------------------------------------------------------------------


def large_pictures():
    side = 10_000
    grey = Image.new("L", (side, side), 230)
    line = [(3000, 2000), (7000, 2000), (4600, 8000)]
    ImageDraw.Draw(grey).line(line, fill=30, width=680, joint="curve")
    fast = {"compress_level": 1}
    yield "L.png", grey, fast
    yield "RGB.jpg", grey.convert("RGB"), {}
    yield "progressive.jpg", grey.convert("RGB"), {"progressive": True}
    yield "transparent.png", grey.quantize(16), {"transparency": 0}
    yield "16 bits.png", Image.fromarray(np.asarray(grey).astype(np.uint16) * 257), fast
    yield "P.gif", grey, {}
    yield "RGBA.png", Image.merge("RGBA", (grey, grey, grey, grey.point(lambda v: 255 - v))), fast
    half, deflate = grey.resize((7000, 7000)), {"compression": "tiff_deflate"}
    yield "float.tiff", Image.fromarray(np.asarray(half).astype(np.float32)), deflate
    yield "LAB.tiff", half.convert("RGB").convert("LAB"), deflate
    yield "CMYK.jpg", half.convert("RGB").convert("CMYK"), {"progressive": True}
    yield "lossy.webp", grey.resize((4000, 4000)), {"method": 0}


@pytest.mark.torture
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the peak")
def test_the_largest_pictures_are_read_in_bounded_memory(tmp_path):
    code = (
        "import sys, time\n"
        "from mnistcli.pictures.read import read_pictures\n"
        "from mnistcli.conforming.placing import conform\n"
        "(picture,) = read_pictures(sys.argv[1])\n"
        "print(conform(picture.grey).image.mean())\n"
        "print(*open('/proc/self/status').read().partition('VmHWM:')[2].split()[:1])\n"
        "print(time.process_time())"
    )
    means = []
    for name, image, options in large_pictures():
        path = tmp_path / name
        image.save(path, **options)
        ended = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=True)
        mean, kilobytes, seconds = ended.stdout.split()
        assert float(seconds) < 30, name
        assert int(kilobytes) * 1024 < 570e6, name  # 30 MB are for the command line
        means.append(float(mean))
    assert np.ptp(means) < 3


def test_a_photograph_of_48_megapixels_is_read():
    photo = Image.new("L", (6000, 8000), 230)
    photo.paste(20, (2500, 1500, 3300, 6500))
    for kind, options in (("PNG", {"compress_level": 1}), ("JPEG", {})):
        file = io.BytesIO()
        photo.save(file, kind, **options)
        grey = read(file.getvalue()).grey
        assert max(grey.shape) <= 2000
        assert grey.mean() == pytest.approx(np.asarray(photo).mean(), abs=0.5)


@pytest.mark.parametrize("turned", [False, True])
def test_heic_is_read_with_its_extra(tmp_path, mnist, turned):
    import pillow_heif

    picture = Image.fromarray(~mnist.test.images[0]).resize((140, 140)).convert("RGB")
    exif = Image.Exif()
    if turned:
        picture, exif[0x0112] = picture.transpose(Image.Transpose.ROTATE_90), 6
    path = tmp_path / "seven.heic"
    pillow_heif.from_pillow(picture).save(path, quality=90, exif=exif.tobytes())
    (read,) = read_pictures(path)
    wanted = np.asarray(Image.fromarray(~mnist.test.images[0]).resize((140, 140)))
    assert np.abs(read.grey.astype(int) - wanted).mean() < 4


def test_heic_without_its_extra_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "seven.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(BadImageError, match="is a HEIC picture") as raised:
        list(read_pictures(path))
    assert "mnistcli[heic]" in raised.value.hint
