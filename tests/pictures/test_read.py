"""Whatever is read becomes grey pictures or one `BadImageError`, never anything else."""

from __future__ import annotations

import io
import itertools
import pickle
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from mnistcli.errors import BadImageError
from mnistcli.pictures.read import read_batches, read_pictures
from tests.containers.making import KAGGLE, idx, npy, table, zipped


def read(data: bytes):
    return list(read_pictures("-", stdin=io.BytesIO(data)))


def problem_of(data: bytes) -> str:
    with pytest.raises(BadImageError) as caught:
        read(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def saved(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


# --- arrays -------------------------------------------------------------------------------------


def test_names_of_pictures(test_images, tmp_path):
    (tmp_path / "a.npy").write_bytes(npy(test_images[:2]))
    (tmp_path / "a.csv").write_bytes(table([[7, 2], *test_images[:2].reshape(2, -1).T], KAGGLE))
    names = [p.source for name in ("a.npy", "a.csv") for p in read_pictures(tmp_path / name)]
    folder = f"{tmp_path}/"
    assert [name.removeprefix(folder) for name in names] == [
        "a.npy[0]", "a.npy[1]", "a.csv row 1", "a.csv row 2",
    ]  # fmt: skip


def test_ten_thousand_come_in_small_batches(test_images):
    sizes = [len(b.greys) for b in read_batches("-", stdin=io.BytesIO(npy(test_images)))]
    assert sum(sizes) == 10000
    assert max(sizes) <= 1024


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
    (of_dos,) = read((THREE.replace("\n", "\r\n") + "\x1a").encode())
    assert np.array_equal(of_dos.grey, picture.grey)
    (of_old,) = read(THREE.replace("#\n", "#\x1f\n").encode())  # blank, for Python
    assert np.array_equal(trimmed(of_old.grey), trimmed(picture.grey))
    pairs = [(" ", "*"), ("0", "1"), (".", "@"), (" ", "\u2588")]
    # Any letter may be paper that the border has most of.
    pairs += [("-", "#"), ("_", "X"), ("x", "8"), ("a", "#"), ("a", "b"), ("#", "-")]
    margin = "\n.....\n" + THREE.strip() + "\n.....\n"
    for paper, letter in pairs:
        other = margin.translate(str.maketrans(".#", paper + letter))
        (same,) = read(("\n" + other.strip("\n") + "\n").encode())
        assert np.array_equal(trimmed(same.grey), trimmed(picture.grey))


@pytest.mark.parametrize("label", ["3", " 3", "333", "1"])
def test_a_label_below_a_drawing_of_zeros_and_ones_is_no_ink(label):
    rows = [row.replace(".", "0").replace("#", "1") * 2 for row in THREE.split()]
    (alone,), (labelled,) = (read("\n".join(text).encode()) for text in (rows, [*rows, label]))
    assert np.array_equal(labelled.grey, alone.grey)


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


@pytest.mark.parametrize("n_bits", [10, 12, 14, 16])
def test_what_a_camera_of_fewer_bits_saw_is_not_dark(n_bits):
    ramp = np.linspace(0, 2**n_bits - 1, 256).astype(np.uint16).reshape(16, 16)
    (picture,) = read(saved(Image.fromarray(ramp)))
    assert np.abs(picture.grey.ravel() - np.arange(256.0)).max() <= 1
    assert picture.notes == ((f"{n_bits}-bit values in 16 bits",) if n_bits < 16 else ())


@pytest.mark.parametrize(
    ("kind", "dtype", "n_bands"),
    [*itertools.product(["PNG", "TIFF", "BMP", "PPM"], ["u1"], [1, 3]), ("PNG", "u2", 1),
     ("TIFF", "u2", 1), ("TIFF", "i4", 1), ("TIFF", "f4", 1), ("GIF", "u1", 1)],
)  # fmt: skip
def test_levels_of_0_and_1_are_paper_and_ink(test_images, kind, dtype, n_bands):
    ink = test_images[0] > 127
    levels = np.dstack([ink.astype(dtype)] * n_bands).squeeze()
    (picture,) = read(saved(Image.fromarray(levels), kind))
    assert np.array_equal(picture.grey, 255 * ink.astype(np.uint8))


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


@pytest.mark.parametrize("ink", [10, 245])
def test_a_sticker_brings_its_paper(ink):
    """Of a light rim around dark ink, which antialiasing leaves where white was made transparent."""
    levels = np.full((40, 40), 255 - ink, np.uint8)
    levels[10:30, 18:22] = ink
    alpha = np.zeros((40, 40), np.uint8)
    alpha[6:34, 13:27] = 255
    image = Image.merge("LA", (Image.fromarray(levels), Image.fromarray(alpha)))
    (picture,) = read(saved(image))
    is_ink = np.abs(picture.grey.astype(int) - ink) < 100
    assert np.array_equal(is_ink, levels == ink)


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
    for kind, n in itertools.product(("GIF", "TIFF", "PNG", "WEBP", "AVIF"), (2, 3)):
        options = {"WEBP": {"lossless": True}, "AVIF": {"quality": 100}}.get(kind, {})
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:n], **options)
        (picture,) = read(data)
        assert (picture.n_frames, picture.notes) == (n, (f"frame 1 of {n}",))
        assert picture.grey[0, 0] == 10


def test_pictures_one_behind_another_are_noted():
    (picture,) = read(b"".join(saved(Image.new("L", (9, 9), level)) for level in (10, 90)))
    assert (picture.n_frames, picture.notes) == (2, ("frame 1 of 2",))
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
        (b"\0\0\0\x18ftypheic", "is a damaged HEIC picture"),
        (b"\0\0\0\x18ftypavif", "is a damaged AVIF picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(9), "no picture of a known kind"),
        (b"\0\0\0\x18ftypisom", "is a video"),
        (b"\x1aE\xdf\xa3\xa3B\x86\x81\1", "is a video or a sound"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "is a video or a sound"),
        (b"\x88\1\0\0\0\0\0\0\x12\x34\x56\x78\n\x85\3\n", "is data of another program"),
        (pickle.dumps(np.arange(9), protocol=0), "is a Python pickle"),
        (zlib.compress(pickle.dumps(np.arange(99)), 3), "is a pickle of joblib"),
        (b"class\n3\n7\n", "is neither a picture nor a drawing"),
        (b"\0\0\0\x18ftypcrx ", "is a camera raw file"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(40), "is a camera raw file"),
        (b"FUJIFILMCCD-RAW 0201" + bytes(40), "is a camera raw file"),
        (b"%PDF-1.4\n", "is a PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is a PDF or PostScript file"),
        (b"PK\x03\x04rest", "is damaged zip data"),
        (b"\x00\x01\x02", "no picture of a known kind"),
        (b"\xfe\xed\xfa\xce\n\x80", "no picture of a known kind"),
        (png(28, 28), "damaged PNG"),
        (saved(Image.new("L", (9, 9)), "JPEG") + b"\xff\xda" * 99, "suspiciously many scans"),
        (b"P2 2000 2000 255\n0 0 0", "so slow to read"),
    ],
)
def test_what_is_not_read(data, problem):
    assert problem in problem_of(data)


def test_what_is_no_file_is_told():
    with pytest.raises(BadImageError, match="no such file") as caught:
        list(read_pictures(Path("7.png")))
    assert caught.value.hint == "name a picture or a folder, a test image by --index 7"


@pytest.mark.parametrize("tag", [{254: 1}, {0xC612: b"\1\4\0\0"}, {254: 2}])
def test_the_preview_in_a_raw_file_is_not_read(test_images, tag):
    ifd = ImageFileDirectory_v2()
    ifd.update(tag)
    data = saved(Image.fromarray(test_images[0]), "TIFF", tiffinfo=ifd)
    if tag == {254: 2}:  # a page of several
        assert np.array_equal(read(data)[0].grey, test_images[0])
    else:
        assert "is a camera raw file" in problem_of(data)


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
        ("GIF", "P"), ("WEBP", "RGB"), ("WEBP", "RGBA"), ("AVIF", "RGB"), ("BMP", "RGB"), ("BMP", "1"), ("TIFF", "L"), ("TIFF", "CMYK"),
        ("PPM", "L"), ("PPM", "RGB"), ("PPM", "1"),
    )
] + [
    npy(np.zeros((2, 784), np.uint8)), npy(np.ones((28, 28))),
    idx(np.zeros((2, 28, 28), np.uint8)), zipped(idx(np.ones((2, 28, 28), np.uint8))),
    table([[1, 2], *np.zeros((784, 2), np.uint8)], KAGGLE), THREE.encode(),
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
