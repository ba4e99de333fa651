"""Whatever is read becomes grey pictures or one `BadImageError`, never anything else."""

from __future__ import annotations

import gzip
import io
import itertools
import struct
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mnistcli.errors import BadImageError
from mnistcli.pictures.read import read_batches, read_pictures


def zipped(data):
    """Without the time of day, which would make the names of tests differ between processes."""
    return gzip.compress(data, mtime=0)


def read(data: bytes):
    return list(read_pictures("-", stdin=io.BytesIO(data)))


def problem_of(data: bytes) -> str:
    with pytest.raises(BadImageError) as caught:
        read(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def npy(array, **options):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), **options)
    return file.getvalue()


def raw_npy(header: str, data: bytes = b"") -> bytes:
    body = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(body)) + body + data


def idx(images):
    return struct.pack(">4I", 0x803, *images.shape) + images.tobytes()


def csv(images, labels=None, header="", separator=",", end="\n"):
    rows = [list(map(str, image.ravel())) for image in images]
    if labels is not None:
        rows = [[str(label), *row] for label, row in zip(labels, rows, strict=True)]
    lines = [header] if header else []
    return (end.join(lines + [separator.join(row) for row in rows]) + end).encode()


def saved(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def greys(data):
    return np.concatenate([b.greys for b in read_batches("-", stdin=io.BytesIO(data))])


KAGGLE = ",".join(["label", *(f"pixel{i}" for i in range(784))])
OPENML = ",".join([*(f"pixel{i + 1}" for i in range(784)), "class"])


# --- arrays -------------------------------------------------------------------------------------


def test_every_container_gives_the_same_pixels(test_images):
    some = test_images[:12]
    flat = some.reshape(-1, 784)
    last = np.concatenate([flat, np.full((12, 1), 9, np.uint8)], axis=1)
    containers = {
        "npy": npy(some), "npy flat": npy(flat), "npy channel": npy(some[..., None]),
        "npy int64": npy(some.astype(np.int64)), "npy float": npy(some / 255),
        "npy float32": npy(some.astype(np.float32)), "npy big": npy(some.astype(">i2")),
        "npy fortran": npy(np.asfortranarray(some)), "npy 2.0": npy(some, version=(2, 0)),
        "npy gz": zipped(npy(some)), "idx": idx(some), "idx gz": zipped(idx(some)),
        "csv": csv(some), "csv label": csv(some, range(12)), "csv ;": csv(some, separator=";"),
        "csv tab": csv(some, separator="\t"), "csv blank": csv(some, separator=" "),
        "csv Kaggle": csv(some, range(12), KAGGLE), "csv CRLF": csv(some, end="\r\n"),
        "csv header": csv(some, header=KAGGLE.removeprefix("label,")),
        "csv OpenML": csv(last, header=OPENML), "csv BOM": b"\xef\xbb\xbf" + csv(some),
        "csv float": csv(some / 255), "csv quoted": csv(some, separator='","').replace(
            b"\n", b'"\n"')[:-1].join([b'"', b""]),
    }  # fmt: skip
    for name, data in containers.items():
        assert np.array_equal(greys(data), some), name


@pytest.mark.parametrize("shape", [(28, 28), (784,), (1, 784), (1, 28, 28), (28, 28, 1)])
def test_one_picture_as_an_array(test_images, shape):
    (picture,) = read(npy(test_images[0].reshape(shape)))
    assert np.array_equal(picture.grey, test_images[0])


def test_zeros_and_ones_are_paper_and_ink(test_images):
    ink = test_images[:3] > 127
    for array in (ink, ink.astype(np.uint8), ink.astype(float)):
        assert np.array_equal(greys(npy(array)), ink * np.uint8(255))


def test_names_of_pictures(test_images, tmp_path):
    (tmp_path / "a.npy").write_bytes(npy(test_images[:2]))
    (tmp_path / "a.csv").write_bytes(csv(test_images[:2], [7, 2], KAGGLE))
    names = [p.source for name in ("a.npy", "a.csv") for p in read_pictures(tmp_path / name)]
    folder = f"{tmp_path}/"
    assert [name.removeprefix(folder) for name in names] == [
        "a.npy[0]", "a.npy[1]", "a.csv row 1", "a.csv row 2",
    ]  # fmt: skip


def test_ten_thousand_come_in_small_batches(test_images):
    sizes = [len(b.greys) for b in read_batches("-", stdin=io.BytesIO(npy(test_images)))]
    assert sum(sizes) == 10000
    assert max(sizes) <= 1024


GOOD = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 28, 28), }"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (raw_npy(GOOD.replace("|u1", "<f8").replace("(1, 28, 28)", "(65536, 784)")), "truncated"),
        (raw_npy(GOOD.replace("(1, 28, 28)", f"({2**64},)")), "impossible shape"),
        (raw_npy("{'descr': '|u1', "), "damaged NPY header"),
        (raw_npy(GOOD.replace("'|u1'", "('|u1',)")), "holds"),
        (raw_npy(GOOD.replace("(1, 28, 28)", "(True,)")), "impossible shape"),
        (raw_npy(GOOD.replace("(1, 28, 28)", "(-1, 28, 28)")), "impossible shape"),
        (raw_npy(GOOD, bytes(784 + 40)), "goes on after its last picture"),
        (raw_npy(GOOD, bytes(783)), "truncated"),
        (raw_npy("(" * 3000), "damaged NPY header"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "declares an NPY header"),
        (b"\x93NUMPY\x07\x00", "unknown version 7"),
        (b"\x93NUMPY", "truncated"),
        (npy(np.array([{}], object), allow_pickle=True), "holds '|O', expected numbers"),
        (npy(np.zeros((3, 32, 32))), "has shape"),
        (npy(np.zeros((0, 784))), "holds no pictures"),
        (npy(np.full((2, 784), np.nan)), "holds nan"),
        (npy(np.full((2, 784), -1)), "holds -1"),
        (npy(np.full((2, 784), 256)), "-[0]: holds 256"),
        (struct.pack(">2I", 0x801, 10) + bytes(10), "labels, not of images"),
        (struct.pack(">4I", 0x803, 1, 60000, 60000), "declares images of 60000 x 60000"),
        (struct.pack(">4I", 0x803, 2, 28, 28) + bytes(784), "truncated"),
        (struct.pack(">4I", 0x803, 0, 28, 28), "holds no pictures"),
        (zipped(idx(np.zeros((2, 28, 28), np.uint8)))[:-9], "damaged gzip"),
        (b"\x1f\x8b\x08\x00" + bytes(40), "damaged gzip"),
        (zipped(zipped(b"x")), "compressed twice"),
    ],
)
def test_damaged_arrays(data, problem):
    assert problem in problem_of(data)


ROWS = csv(np.zeros((3, 28, 28), np.uint8), [1, 2, 3], KAGGLE)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty"),
        (b"1,2,3\n", "has 3 columns"),
        (ROWS + b"1,2\n", "row 4: has 2 columns, expected 785 (line 5)"),
        (ROWS.replace(b"2,0", b"2,x", 1), "row 2: column 2 (line 3) holds 'x', expected a number"),
        (ROWS.replace(b"3,0", b"3,nan", 1), "row 3: column 2 (line 4) holds 'nan'"),
        (ROWS.replace(b"3,0", b"3,1e400", 1), "holds '1e400'"),
        (ROWS.replace(b"3,0", b"3,-1", 1), "holds '-1'"),
        (ROWS.replace(b"3,0", b"3,256", 1), "holds '256'"),
        (ROWS.replace(b"3,0", b"3,\xe9", 1), "line 4 is not plain ASCII"),
        (KAGGLE.encode(), "has a header and no rows"),
        (ROWS.decode().encode("utf-16"), "is UTF-16 text"),
        (ROWS + b"0" * 100_000, "line 5 is longer than 65,536 bytes"),
    ],
)
def test_damaged_tables_name_row_and_column(data, problem):
    assert problem in problem_of(data)


# --- drawings -----------------------------------------------------------------------------------

THREE = """
.###.
....#
..##.
....#
.###.
"""


def trimmed(grey):
    ink = grey > 0
    return ink[ink.any(axis=1)][:, ink.any(axis=0)]


def test_a_heredoc_is_a_picture():
    (picture,) = read(THREE.encode())
    assert picture.notes == ("a drawing in letters",)
    ink = picture.grey > 0
    assert ["".join(".#"[int(v)] for v in row[2:-2]) for row in ink[2:-2]] == THREE.split()
    pairs = [(" ", "*"), ("0", "1"), (".", "@"), (" ", "\u2588")]
    # Any letter may be paper that the border has most of.
    pairs += [("-", "#"), ("_", "X"), ("x", "8"), ("a", "#"), ("a", "b"), ("#", "-")]
    margin = "\n.....\n" + THREE.strip() + "\n.....\n"
    for paper, letter in pairs:
        other = margin.translate(str.maketrans(".#", paper + letter))
        (same,) = read(("\n" + other.strip("\n") + "\n").encode())
        assert np.array_equal(trimmed(same.grey), trimmed(picture.grey))


def test_shades_are_shades():
    (picture,) = read(b" .:-=+*#%@\n" * 3)
    assert picture.grey.max() == 255
    assert len(set(picture.grey.ravel().tolist())) > 6


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("This is prose.\nMore of it.\nAnd more.\n", "neither a picture nor a drawing"),
        ("#\n", "no drawing of a digit"),
        ("<html><body>404</body></html>", "is a web page"),
        ("\n\n\n", "no drawing"),
    ],
)
def test_other_text(text, problem):
    assert problem in problem_of(text.encode())


# --- image files --------------------------------------------------------------------------------


def test_16_bits_are_scaled_not_clipped():
    ramp = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)
    for kind in ("PNG", "TIFF"):
        (picture,) = read(saved(Image.fromarray(ramp), kind))
        assert np.array_equal(picture.grey.ravel(), np.arange(256))
    (picture,) = read(b"P5 16 16 65535\n" + ramp.astype(">u2").tobytes())
    assert np.array_equal(picture.grey.ravel(), np.arange(256))
    (picture,) = read(
        saved(Image.fromarray(np.linspace(0, 1, 256, dtype=np.float32)[None]), "TIFF")
    )
    assert np.array_equal(picture.grey.ravel(), np.arange(256))


def test_8_bit_values_in_16_bits_are_read_as_such():
    ramp = np.arange(256, dtype=np.uint16).reshape(16, 16)
    big_endian = Image.frombytes("I;16B", (16, 16), ramp.astype(">u2").tobytes())
    for data in (
        saved(Image.fromarray(ramp)),
        saved(big_endian, "TIFF"),
        b"P5 16 16 65535\n" + ramp.astype(">u2").tobytes(),
    ):
        (picture,) = read(data)
        assert np.array_equal(picture.grey.ravel(), np.arange(256))
        assert picture.notes == ("8-bit values in 16 bits",)
    (picture,) = read(saved(Image.fromarray(ramp + 1)))
    assert (picture.grey.max(), picture.notes) == (1, ())


@pytest.mark.parametrize("ink", [0, 255])
@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_transparency_is_the_opposite_of_the_ink(ink, mode):
    alpha = np.zeros((20, 20), np.uint8)
    alpha[5:15, 8:12] = 255
    image = Image.merge("LA", (Image.new("L", (20, 20), ink), Image.fromarray(alpha)))
    (picture,) = read(saved(image.convert("RGBA") if mode != "LA" else image))
    if mode == "P":
        palette = Image.fromarray((alpha > 0).astype(np.uint8)).convert("P")
        palette.putpalette([9, 9, 9, ink, ink, ink])
        (picture,) = read(saved(palette, transparency=0))
    assert picture.notes == ("transparent background",)
    assert np.array_equal(picture.grey == ink, alpha > 0)
    assert set(picture.grey.ravel().tolist()) == {ink, 255 - ink}


def test_a_picture_with_transparent_corners_brings_its_paper():
    grey = np.full((40, 40), 240, np.uint8)
    grey[10:30, 18:22] = 10
    alpha = np.full((40, 40), 255, np.uint8)
    alpha[:3, :3] = 0
    image = Image.merge("LA", (Image.fromarray(grey), Image.fromarray(alpha)))
    (picture,) = read(saved(image))
    assert picture.grey[0, 0] > 200


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_undone(orientation):
    from PIL import ImageOps

    image = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8) * 5)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(image, exif=exif)
    (picture,) = read(data)
    wanted = np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert np.array_equal(picture.grey, wanted)
    assert picture.notes == (("rotated by EXIF",) if orientation > 1 else ())


def test_frames_are_noted():
    frames = [Image.new("L", (9, 9), level) for level in (10, 90, 200)]
    for kind, n in itertools.product(("GIF", "TIFF", "PNG", "WEBP"), (2, 3)):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:n], **options)
        (picture,) = read(data)
        assert picture.notes == (f"frame 1 of {n}",)
        assert picture.grey[0, 0] == 10


def test_coloured_ink_that_luminance_would_lose():
    yellow = Image.new("RGB", (20, 20), "white")
    yellow.paste((255, 255, 0), (5, 5, 9, 15))
    (picture,) = read(saved(yellow))
    assert picture.grey.min() == 0


def png(width, height, *chunks):
    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(*c) for c in ((b"IHDR", header), *chunks, (b"IEND", b""))
    )


@pytest.mark.parametrize("side", [10_001, 13_000, 20_000, 65_535])
def test_bombs_are_refused_before_decoding(side):
    bomb = png(side, side, (b"IDAT", zlib.compress(bytes(1000))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "is too large" in problem_of(bomb)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "is a damaged WEBP picture"),
        (b"\0\0\0\x18ftypheic", "is a HEIC or AVIF picture"),
        (b"%PDF-1.4\n", "is a PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is a PostScript file"),
        (b"PK\x03\x04rest", "is a ZIP archive"),
        (b"\x00\x01\x02", "no picture of a known kind"),
        (b"\xfe\xed\xfa\xce\n\x80", "no picture of a known kind"),
        (png(28, 28), "damaged PNG"),
        (b"\xff\xd8\xff" + b"\xff\xda" * 999, "suspiciously many scans"),
        (b"P2 2000 2000 255\n0 0 0", "so slow to read"),
    ],
)
def test_what_is_not_read(data, problem):
    assert problem in problem_of(data)


def test_no_such_file_and_folders(tmp_path):
    for path, problem in ((tmp_path / "no.png", "no such file"), (tmp_path, "is a folder")):
        with pytest.raises(BadImageError, match=problem):
            list(read_pictures(path))


def test_the_name_of_a_file_does_not_matter(test_images, tmp_path):
    path = tmp_path / "seven.jpg"
    path.write_bytes(saved(Image.fromarray(test_images[0])))
    (picture,) = read_pictures(path)
    assert np.array_equal(picture.grey, test_images[0])
    assert picture.source == str(path)


# --- anything at all ----------------------------------------------------------------------------

SEEDS = [
    saved(Image.fromarray(np.arange(84, dtype=np.uint8).reshape(7, 12) * 3).convert(mode), kind)
    for kind, mode in (
        ("PNG", "L"), ("PNG", "P"), ("PNG", "LA"), ("JPEG", "RGB"), ("JPEG", "CMYK"),
        ("GIF", "P"), ("WEBP", "RGB"), ("WEBP", "RGBA"), ("BMP", "RGB"), ("BMP", "1"), ("TIFF", "L"), ("TIFF", "CMYK"),
        ("PPM", "L"), ("PPM", "RGB"), ("PPM", "1"),
    )
] + [
    npy(np.zeros((2, 784), np.uint8)), npy(np.ones((28, 28))),
    idx(np.zeros((2, 28, 28), np.uint8)), zipped(idx(np.ones((2, 28, 28), np.uint8))),
    ROWS, THREE.encode(),
]  # fmt: skip


@st.composite
def mutated(draw):
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, min(len(data), 400) - 1)))
        how = draw(st.sampled_from(["set", "cut", "insert", "drop"]))
        if how == "set" and data:
            data[at % len(data)] = draw(st.integers(0, 255))
        elif how == "cut":
            del data[at:]
        elif how == "insert":
            data[at:at] = draw(st.binary(max_size=8))
        else:
            del data[at : at + draw(st.integers(1, 8))]
    return bytes(data)


def only_pictures_or_one_line(data):
    try:
        pictures = read(data)
    except BadImageError as error:
        assert "\n" not in str(error)
        return
    for picture in pictures:
        assert picture.grey.ndim == 2
        assert picture.grey.dtype == np.uint8


@pytest.mark.promise("Parsers", "readers, 2,000 made-up inputs each")
@given(mutated())
def test_mutated_files(data):
    only_pictures_or_one_line(data)


@pytest.mark.promise("Parsers", "readers, 2,000 made-up inputs each")
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_random_bytes(data):
    only_pictures_or_one_line(data)


@pytest.mark.torture
@given(mutated())
@settings(max_examples=20_000, deadline=None)
def test_many_mutated_files(data):
    only_pictures_or_one_line(data)


def test_reading_arrays_does_not_import_pillow_nor_anything_heavy():
    code = (
        "import io, sys\n"
        "from mnistcli.conforming import placing\n"
        "from mnistcli.pictures import read\n"
        "(p,) = read.read_pictures('-', stdin=io.BytesIO(b'.#.\\n.#.\\n.#.\\n.#.\\n.#.\\n'))\n"
        "placing.conform(p.grey)\n"
        "print(sorted({'PIL', 'scipy', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert ended.stdout.strip() == b"[]"
