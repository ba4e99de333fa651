"""What each way to draw draws, in grids that fit the width."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from rich.color import Color, ColorSystem

from mnistcli.cli.terminal.bitmap import fold
from mnistcli.gallery import CaptionedImage

DRAWINGS = Path(__file__).parent / "drawings"


@pytest.mark.parametrize(
    ("name", "method", "color_system"),
    [
        ("half-truecolor", "half", "truecolor"),
        ("half-256", "half", "256"),
        ("braille", "braille", None),
        ("shade", "shade", None),
        ("ascii", "ascii", None),
    ],
)
def test_a_rung_draws_what_was_looked_at(mnist, name, method, color_system, drawn):
    tiles = [
        CaptionedImage(mnist.test.images[0], "#0"),
        CaptionedImage(mnist.test.images[18], "#18"),
    ]
    expected = (DRAWINGS / f"{name}.txt").read_text("utf-8")
    assert drawn(tiles, method, color_system) == expected


@pytest.mark.parametrize("level", range(256))
def test_256_colours_have_a_grey_for_every_level(level):
    number = Color.from_rgb(level, level, level).downgrade(ColorSystem.EIGHT_BIT).number
    assert number in {16, 231, *range(232, 256)}
    shown = {16: 0, 231: 255}.get(number, 8 + 10 * (number - 232))
    assert abs(shown - level) <= 12


@pytest.mark.parametrize("method", ["half", "braille", "shade", "ascii"])
def test_a_narrow_terminal_gets_a_small_picture(mnist, drawn, method):
    lines = drawn([CaptionedImage(mnist.test.images[0], "#0")], method, width=20).splitlines()
    assert max(map(len, lines)) == 20
    assert len(lines) == {"half": 10, "braille": 10, "shade": 10, "ascii": 10}[method] + 1


def test_one_digit_without_colour_is_large_and_shaded(mnist, drawn):
    lines = drawn([CaptionedImage(mnist.test.images[0])], no_color=True).splitlines()
    assert len(lines) == 28
    assert {len(line) for line in lines} == {56}
    row = mnist.test.images[0][10] / 255
    expected = "".join(2 * " ░▒▓█"[round(4 * level)] for level in row)
    assert lines[10] == expected


def test_a_grid_without_colour_is_braille(mnist, drawn):
    tiles = [CaptionedImage(mnist.test.images[0])] * 2
    lines = drawn(tiles, no_color=True).splitlines()
    assert len(lines) == 7
    dots = mnist.test.images[0] >= 96
    for y, line in enumerate(lines):
        for x in range(14):
            cell = ord(line[x]) - 0x2800 if line[x] != " " else 0
            left, right = dots[4 * y : 4 * y + 4, 2 * x : 2 * x + 2].T.astype(int).tolist()
            bits = [*left[:3], *right[:3], left[3], right[3]]
            assert cell == sum(bit << i for i, bit in enumerate(bits))
        assert line[16:30] == line[:14]


def test_means_are_dithered(invoke):
    out = invoke("show", "--mean", "--digit", "0", "--render", "braille").out
    n_dots = sum((ord(c) - 0x2800).bit_count() for c in out if 0x2800 < ord(c) < 0x2900)
    assert 500 < n_dots < 1200  # of 3,136; at one level there would be a plain ring


def test_half_blocks_have_the_colour_of_their_pixels(mnist, drawn):
    image = mnist.test.images[0]
    lines = drawn([CaptionedImage(image)], "auto", "truecolor").splitlines()
    assert len(lines) == 14
    upper, lower = image[8, 8], image[9, 8]
    assert f"\x1b[38;2;{upper};{upper};{upper};48;2;{lower};{lower};{lower}m▀" in lines[4]


def test_no_colour_never_means_solid_bars(mnist, drawn):
    for plain in (
        {"no_color": True, "force_terminal": True},
        {"force_terminal": True},
    ):
        out = drawn([CaptionedImage(mnist.test.images[0])], **plain)
        assert "▀" not in out
        assert " " * 20 in out


def test_ascii_terminals_get_ascii(run):
    done = run("show", "7", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.code == 0
    assert done.out.isascii()
    assert "@" in done.out


def test_weights_have_a_sign_with_and_without_colour(drawn):
    weights = np.array([[-1.0, 0.0, 1.0, 0.5]] * 2)
    plain = drawn([CaptionedImage(weights)] * 2, no_color=True).splitlines()
    assert plain[0].split() == ["=", "#+", "=", "#+"]
    out = drawn([CaptionedImage(weights)], "auto", "truecolor")
    assert "38;2;50;110;255" in out
    assert "38;2;255;70;40" in out


def test_grids_fit_the_width_and_captions_stand_under_their_digit(mnist, drawn):
    tiles = [CaptionedImage(mnist.test.images[i], f"#{i}") for i in range(7)]
    lines = drawn(tiles, no_color=True).splitlines()
    assert max(map(len, lines)) <= 80
    captions = [line.split() for line in lines if "#" in line]
    assert captions == [["#0", "#1", "#2", "#3", "#4"], ["#5", "#6"]]
    assert lines[7].index("#0") == 6


@pytest.mark.parametrize("width", range(1, 21))
@pytest.mark.parametrize("method", ["kitty", "sixel", "half", "braille", "shade", "ascii"])
def test_tiny_terminals_are_drawn_on(mnist, drawn, method, width):
    pictures = [
        CaptionedImage(mnist.test.images[i], f"test image {i}, labelled 7") for i in range(2)
    ]
    lines = drawn(pictures, method, "truecolor", width=width).splitlines()
    assert len(lines) > 4
    assert all(
        method in ("kitty", "sixel") or len(re.sub("\x1b.*?m", "", x)) <= width for x in lines
    )


def test_captions_are_folded_at_their_commas(mnist, drawn):
    pictures = [
        CaptionedImage(mnist.test.images[i], f"test image {i}, labelled 7") for i in range(2)
    ]
    *_, first, second = drawn(pictures, "braille").splitlines()
    assert first.split() == ["test", "image", "0", "test", "image", "1"]
    assert second.split() == ["labelled", "7"] * 2


def test_a_row_is_as_wide_as_its_pictures_and_gaps(mnist, drawn):
    pictures = [CaptionedImage(mnist.test.images[0])] * 5
    assert len(drawn(pictures, "braille", width=5 * 14 + 4 * 2).splitlines()) == 7
    assert len(drawn(pictures, "braille", width=5 * 14 + 4 * 2 - 1).splitlines()) == 7 + 1 + 7


def test_a_long_caption_is_whole_where_there_is_no_margin(mnist, drawn):
    path = "/a/path/that/is/longer/than/a/terminal/is/wide/" * 3
    assert f"\n{path}" in drawn([CaptionedImage(mnist.test.images[0], path)], width=10_000)
    lines = drawn([CaptionedImage(mnist.test.images[0], path)], "half", width=80).splitlines()
    assert "".join(lines[-2:]).replace(" ", "") == path


@pytest.mark.parametrize(
    ("caption", "width", "lines"),
    [
        ("image 7, labelled 9", 19, ["image 7, labelled 9"]),
        ("image 7, labelled 9", 18, ["image 7", "labelled 9"]),
        ("image 7, labelled 9", 8, ["image 7", "labelled", "9"]),
        ("", 8, []),
    ],
)
def test_what_fits_is_not_folded(caption, width, lines):
    assert fold(caption, width) == lines


def test_dots_on_paper_are_paper(drawn):
    paper = np.full((8, 8), 250, np.uint8)
    paper[:4, :2] = 130  # ink, although lighter than the ink of a picture on black may be
    assert drawn([CaptionedImage(paper)] * 2, "braille").splitlines()[0].strip()[:3] == "⣿⣿⣿"
    assert drawn([CaptionedImage(paper)] * 2, "braille").count("⣿") == 14


def test_strong_weights_at_the_rim_do_not_darken_the_others(drawn):
    weights = np.full((20, 20), 0.1)
    weights[0, 0] = -1.0
    assert "255;70;40" in drawn([CaptionedImage(weights)], "half", "truecolor")


def test_long_captions_are_folded_not_cut(mnist, drawn):
    tiles = [
        CaptionedImage(mnist.test.images[i], f"#{i}: 02468 not 13579 (>99%)") for i in range(2)
    ]
    lines = drawn(tiles, no_color=True).splitlines()
    assert [line.split() for line in lines[7:]] == [
        ["#0:", "02468", "not", "#1:", "02468", "not"],
        ["13579", "(>99%)", "13579", "(>99%)"],
    ]


@pytest.mark.parametrize("height", [1, 27, 28])
def test_odd_heights_lose_no_row(height, drawn):
    image = np.full((height, 3), 255, np.uint8)
    assert drawn([CaptionedImage(image)], "auto", "truecolor").count("▀▀▀") == (height + 1) // 2
    braille = drawn([CaptionedImage(image)] * 2, no_color=True).splitlines()
    assert len(braille) == (height + 3) // 4
