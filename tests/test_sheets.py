"""Pages are drawn, written on with MNIST's digits, photographed in software and read again."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistcli import sheets
from mnistcli.datasets.gathering import gather
from mnistcli.errors import BadImageError
from mnistcli.sheets import picture_of, read_sheet, sheet_file
from tests.conftest import bundled_idx
from tests.photographs import empty_page, filled, folded, photographed

KINDS = ("wood", "cloth", "plain")
HARD = {
    "upside down": {"turn": np.pi},
    "on its side": {"turn": np.pi / 2, "shape": (1500, 2000)},
    "bent": {"bend": 3.5},
    "blurred, noisy": {"noise": 12, "blur": 1.8},
    "small": {"shape": (1200, 900), "fills": (0.85, 0.95), "tilt": 0.05},
    "steep": {"tilt": 0.25},
    "in shadow": {"shade": 0.8},
    "much compressed": {"quality": 30},
}


@pytest.fixture(scope="module")
def labels():
    return bundled_idx("t10k-labels-idx1-ubyte.gz", 8)


def decoded(photograph):
    return np.asarray(Image.open(io.BytesIO(photograph)).convert("L"))


def agreement(read, written):
    """The correlation of each image with the digit that was written into its box."""
    pairs = zip(read.images, (written[box] for box in read.boxes), strict=True)
    return [np.corrcoef(image.ravel(), digit.ravel())[0, 1] for image, digit in pairs]


def check(read, written):
    """All but 2 % of the digits are read, each as itself, and nothing else."""
    found = set(read.boxes)
    assert found <= set(written)
    assert len(found) >= 0.98 * len(written)
    assert read.labels.tolist() == [column for _, column in read.boxes]
    assert len(found) + len(read.empties) + len(read.failures) == 120
    assert np.median(agreement(read, written)) > 0.75


@pytest.mark.parametrize("seed", range(3))
def test_photographed_pages_are_read(seed, test_images, labels):
    rng = np.random.default_rng(seed)
    page, written = filled(rng, test_images, labels)
    photograph = photographed(rng, page, kind=KINDS[seed])
    check(read_sheet(decoded(photograph)), written)


@pytest.mark.parametrize("how", HARD.values(), ids=HARD)
def test_hard_photographs_are_read(how, test_images, labels):
    rng = np.random.default_rng(7)
    page, written = filled(rng, test_images, labels)
    check(read_sheet(decoded(photographed(rng, page, **how))), written)


def test_pencil_is_read(test_images, labels):
    rng = np.random.default_rng(8)
    page, written = filled(rng, test_images, labels, ink=(120, 175), n_empty=60)
    read = read_sheet(decoded(photographed(rng, page)))
    check(read, written)
    assert len(read.empties) == 60


@pytest.mark.parametrize(("axis", "at"), [(0, 97.0), (1, 59.0)], ids=["across", "down"])
def test_a_fold_is_no_digit(axis, at, test_images, labels):
    # Through the fourth row, or the third column: a line in every box there, written in or not.
    rng = np.random.default_rng(12)
    page, written = filled(rng, test_images, labels, n_empty=60)
    read = read_sheet(decoded(photographed(rng, folded(page, at, axis), kind="plain")))
    check(read, written)
    assert len(read.empties) == 60


def test_large_digits_hide_no_mark(test_images, labels):
    # Rings of zeros, sixes, eights and nines look like the mark with a hole, and are larger.
    rng = np.random.default_rng(10)
    page, written = filled(rng, test_images, labels, size=(13.5, 15), n_empty=0)
    check(read_sheet(decoded(photographed(rng, page, kind="plain"))), written)


def test_two_pages_in_one_photograph_are_refused(test_images, labels):
    page = filled(np.random.default_rng(11), test_images, labels, n_empty=60).page
    with pytest.raises(BadImageError, match="p: shows two pages"):
        read_sheet(np.pad(np.hstack([page, page]), 40, constant_values=90), source="p")


def test_a_scan_is_read_nearly_as_it_was_written(test_images, labels):
    page, written = filled(np.random.default_rng(9), test_images, labels, size=(12, 12.5))
    read = read_sheet(page)
    assert len(read.labels) == len(written)
    assert np.median(agreement(read, written)) > 0.95


def test_an_empty_page_has_empty_boxes_only():
    read = read_sheet(decoded(photographed(np.random.default_rng(1), empty_page())))
    assert len(read.empties) == 120
    assert read.images.shape == (0, 28, 28)
    assert not read.failures


@pytest.mark.parametrize("corner", range(4))
def test_a_page_without_one_of_its_marks_is_refused(corner, test_images, labels):
    page = filled(np.random.default_rng(2), test_images, labels).page
    x, y = (6 * sheets.MARKS[corner]).astype(int)
    page[max(0, y - 40) : y + 40, max(0, x - 40) : x + 40] = 255
    with pytest.raises(BadImageError, match="p: its four corner marks are not found"):
        read_sheet(page, source="p")


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((1, 1), np.uint8),
        np.full((300, 200), 255, np.uint8),
        np.random.default_rng(3).integers(0, 256, (400, 300), np.uint8),
        np.kron(np.indices((40, 30)).sum(axis=0) % 2, np.full((25, 25), 255)).astype(np.uint8),
    ],
    ids=["a pixel", "white", "noise", "squares"],
)
def test_what_is_no_page_is_refused(picture):
    with pytest.raises(BadImageError, match="not found"):
        read_sheet(picture)


def test_what_cannot_be_read_is_told_of(test_images, labels):
    page, written = filled(np.random.default_rng(4), test_images, labels, n_empty=0)
    left, top, right, bottom = sheets.box_at(2, 3, 6)
    page[top + 8 : bottom - 8, left + 8 : right - 8] = 20
    read = read_sheet(page, source="page.jpg")
    ((source, reason),) = read.failures
    assert source == "page.jpg row 3, digit 3"
    assert "is all ink" in reason
    assert len(read.labels) == len(written) - 1


def test_the_picture_shows_what_was_taken(test_images, labels):
    page, _ = filled(np.random.default_rng(5), test_images, labels)
    read = read_sheet(page)
    picture = picture_of(read)
    assert picture.shape == (*page.shape, 3)
    for image, box in zip(read.images, read.boxes, strict=True):
        left, top, right, bottom = read.frames[box]
        taken = Image.fromarray(picture[top:bottom, left:right]).convert("L").resize((28, 28))
        assert (
            np.corrcoef(np.asarray(taken)[2:-2, 2:-2].ravel(), image[2:-2, 2:-2].ravel())[0, 1]
            > 0.9
        )
    for at in read.empties:
        left, top, right, bottom = read.frames[at]
        assert picture[top + 6 : bottom - 6, left + 6 : right - 6].min() > 200


def test_a_folder_of_pages_is_a_dataset(tmp_path, test_images, labels):
    rng = np.random.default_rng(6)
    pages = []
    for name in ("a.jpg", "b.jpg"):
        page = filled(rng, test_images, labels).page
        (tmp_path / name).write_bytes(photographed(rng, page, kind="plain"))
    Image.new("L", (50, 50)).save(tmp_path / "c.png")
    scans = [Image.open(tmp_path / name) for name in ("a.jpg", "b.jpg")]
    scans[0].save(tmp_path / "d.tif", save_all=True, append_images=scans[1:])
    scans[0].save(tmp_path / "e.pdf")
    found = gather(tmp_path, sheet=pages.append)
    assert [len(read.labels) for read in pages] == [110, 110, 110]
    assert len(found.train.labels) + len(found.test.labels) == 330
    train, test = ({*map(bytes, part.images)} for part in (found.train, found.test))
    assert (len(train), len(test), train & test) == (176, 44, set())  # a.jpg is there twice
    assert found.failures == (
        (str(tmp_path / "c.png"), "its four corner marks are not found"),
        (str(tmp_path / "d.tif"), "frame 1 of 2: the others are not read"),
        (str(tmp_path / "e.pdf"), "is a PDF or PostScript file"),
    )
    assert found.notes[0] == f"{tmp_path / 'a.jpg'}: 110 digits, 10 boxes empty"
    archive = Path(shutil.make_archive(str(tmp_path), "zip", tmp_path))
    found = gather(archive, sheet=pages.append)
    assert found.notes[0] == f"{archive}/a.jpg: 110 digits, 10 boxes empty"


def test_pages_in_folders_of_pupils_and_from_standard_input(
    tmp_path, monkeypatch, test_images, labels
):
    page = io.BytesIO()
    written = filled(np.random.default_rng(12), test_images, labels, n_empty=100).page
    Image.fromarray(written).save(page, "png")
    for name in ("anna/1.png", "ben/1.png", ".trash/1.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(page.getvalue())
    found = gather(tmp_path, sheet=lambda _: None)
    assert found.notes == tuple(
        f"{tmp_path}/{pupil}/1.png: 20 digits, 100 boxes empty" for pupil in ("anna", "ben")
    )
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(page))
    page.seek(0)
    found = gather(Path("-"), sheet=lambda _: None)
    assert found.notes == ("-: 20 digits, 100 boxes empty",)
    assert found.n_bytes_read == len(page.getvalue())


@pytest.mark.torture
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the peak")
def test_a_photograph_of_12_megapixels_takes_little_memory(tmp_path, test_images, labels):
    rng = np.random.default_rng(10)
    page = filled(rng, test_images, labels).page
    (tmp_path / "page.jpg").write_bytes(photographed(rng, page, shape=(4000, 3000)))
    code = (
        "from pathlib import Path\n"
        "from mnistcli.datasets.gathering import gather\n"
        "found = gather(Path('page.jpg'), sheet=lambda page: None)\n"
        "n = len(found.train.labels) + len(found.test.labels)\n"
        "print(n, open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    )
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, capture_output=True, check=True, cwd=tmp_path, timeout=60)
    n, kilobytes = map(int, ended.stdout.split())
    assert n >= 108
    assert kilobytes < 600 << 10


# --- the commands -------------------------------------------------------------------------------


def test_the_page_as_pdf_and_as_png(invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert invoke("sheet", "-q").out == "sheet.pdf\n"
    content = (tmp_path / "sheet.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") == 1
    assert len(content) < 100_000
    assert json.loads(invoke("sheet", "-o", "s.PNG", "--json").out)["n_rows"] == 12
    with Image.open("s.PNG") as page:
        width, height = page.size
        assert [
            round(25.4 * n / dpi) for n, dpi in zip(page.size, page.info["dpi"], strict=True)
        ] == [210, 297]
        paper = np.asarray(page.convert("L"))
    for x, y in sheets.MARKS[1:]:
        assert paper[round(y / 297 * height), round(x / 210 * width)] == 0
    x, y = sheets.MARKS[0]
    assert paper[round(y / 297 * height), round(x / 210 * width)] == 255
    assert len(sheet_file(".png")) < 100_000


def test_a_page_is_a_pdf_or_a_png(invoke):
    done = invoke("sheet", "-o", "sheet.gif")
    assert (done.code, done.out) == (2, "")
    assert "end the name in .pdf or .png" in done.err


def test_a_page_becomes_a_dataset(invoke, tmp_path, monkeypatch, test_images, labels):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(11)
    (tmp_path / "page.jpg").write_bytes(
        photographed(rng, filled(rng, test_images, labels).page, kind="cloth")
    )
    done = invoke("download", "--source", "page.jpg", "--sheet", "--as", "class", "-o", "t.png")
    assert done.code == 0
    assert "88 for training, 22 for the test" in done.out
    assert "page.jpg: 110 digits, 10 boxes empty\nwrote t.png, 1260 x 1782 pixels\n" in done.err
    with Image.open("t.png") as picture:
        assert picture.size == (1260, 1782)
    assert invoke("train", "digits", "--dataset", "class", "-q").code == 0


def test_what_was_crossed_out_is_told_of_and_marked(
    invoke, tmp_path, monkeypatch, test_images, labels
):
    monkeypatch.chdir(tmp_path)
    page, written = filled(np.random.default_rng(13), test_images, labels)
    page, (crossed, other) = Image.fromarray(page), sorted(written)[:2]
    scale = page.width / sheets.WIDTH
    left, top, right, bottom = sheets.box_at(*crossed, scale)
    for line in ((left, top, right, bottom), (left, bottom, right, top)):
        ImageDraw.Draw(page).line(line, 0, round(scale))
    digit = Image.fromarray(255 - test_images[labels == (other[1] + 1) % 10][0])
    left, top, right, bottom = sheets.box_at(*other, scale)
    page.paste(digit.resize((right - left - 8, bottom - top - 8)), (left + 4, top + 4))
    page.save("page.png")
    done = invoke(
        "download", "--source", "page.png", "--sheet", "--as", "class", "-o", "t.png", "--json"
    )
    assert done.code == 0
    names = [f"page.png row {row + 1}, digit {column}" for row, column in (crossed, other)]
    reasons = (
        "kept, but builtin finds it unlike all training images",
        f"kept, but builtin reads it as {(other[1] + 1) % 10}",
    )
    told = [f"warning: {name}: {why}" for name, why in zip(names, reasons, strict=True)]
    assert [line for line in done.err.splitlines() if line.startswith("warning")] == told
    document = json.loads(done.out)
    assert document["doubts"] == [
        {"source": name, "reason": why} for name, why in zip(names, reasons, strict=True)
    ]
    assert sum(file["shape"][0] for file in document["files"][::2]) == len(written)
    with Image.open("t.png") as picture:
        frames = read_sheet(np.asarray(page)).frames
        colours = [picture.getpixel(frames[at][:2]) for at in (crossed, other, sorted(written)[2])]
    assert colours == [(230, 140, 0), (230, 140, 0), (0, 140, 60)]
    assert (
        "Doubted  2 of them"
        in invoke("download", "--source", "page.png", "--sheet", "--as", "class", "--replace").out
    )


def test_mistakes_about_pages(invoke, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("none/below").mkdir(parents=True)
    Image.new("L", (300, 200)).save("no.png")
    Image.fromarray(empty_page()).save("empty.png")
    for arguments, code, said in (
        (
            ("--source", "no.png", "--sheet", "--as", "mine"),
            6,
            "its four corner marks are not found",
        ),
        (("--source", "empty.png", "--sheet", "--as", "mine"), 6, "nothing is written on it"),
        (("--source", "none", "--sheet", "--as", "mine"), 6, "none: holds no pictures"),
        (("--source", "no.png", "--as", "mine"), 4, "add --sheet"),
        (("--source", "no.png", "--sheet"), 2, "goes with --as"),
        (("--source", "no.png", "--as", "mine", "-o", "t.png"), 2, "--output goes with --sheet"),
        (("--source", "no.png", "--sheet", "--raw", "--as", "mine"), 2, "exclude each other"),
    ):
        done = invoke("download", *arguments)
        assert (done.code, done.out) == (code, "")
        assert said in done.err
        assert len(done.err.splitlines()) <= 2
