from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from mnistcli.cli.terminal.pictures import draw
from mnistcli.gallery import CaptionedImage


def console(**settings):
    return Console(file=io.StringIO(), width=80, height=50, _environ={}, **settings)


def drawn(tiles, console_):
    console_.print(draw(tiles, console_))
    return console_.file.getvalue()


def test_one_digit_without_colour_is_large_and_shaded(mnist):
    lines = drawn([CaptionedImage(mnist.test.images[0])], console(no_color=True)).splitlines()
    assert len(lines) == 28
    assert {len(line) for line in lines} == {56}
    row = mnist.test.images[0][10] / 255
    expected = "".join(2 * " ░▒▓█"[round(4 * level)] for level in row)
    assert lines[10] == expected


def test_a_grid_without_colour_is_braille(mnist):
    tiles = [CaptionedImage(mnist.test.images[0])] * 2
    lines = drawn(tiles, console(no_color=True)).splitlines()
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


def test_half_blocks_have_the_colour_of_their_pixels(mnist):
    image = mnist.test.images[0]
    coloured = console(force_terminal=True, color_system="truecolor")
    lines = drawn([CaptionedImage(image)], coloured).splitlines()
    assert len(lines) == 14
    upper, lower = image[8, 8], image[9, 8]
    assert f"\x1b[38;2;{upper};{upper};{upper};48;2;{lower};{lower};{lower}m▀" in lines[4]


def test_no_colour_never_means_solid_bars(mnist):
    for plain in (
        console(no_color=True, force_terminal=True),
        console(force_terminal=True, color_system=None),
    ):
        out = drawn([CaptionedImage(mnist.test.images[0])], plain)
        assert "▀" not in out
        assert " " * 20 in out


def test_ascii_terminals_get_ascii(run):
    done = run("show", "7", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.code == 0
    assert done.out.isascii()
    assert "@" in done.out


def test_weights_have_a_sign_with_and_without_colour():
    weights = np.array([[-1.0, 0.0, 1.0, 0.5]] * 2)
    plain = drawn(
        [CaptionedImage(weights), CaptionedImage(weights)], console(no_color=True)
    ).splitlines()
    assert plain[0].split() == ["=", "#+", "=", "#+"]
    out = drawn([CaptionedImage(weights)], console(force_terminal=True, color_system="truecolor"))
    assert "38;2;50;110;255" in out
    assert "38;2;255;70;40" in out


def test_grids_fit_the_width_and_captions_stand_under_their_digit(mnist):
    tiles = [CaptionedImage(mnist.test.images[i], f"#{i}") for i in range(7)]
    lines = drawn(tiles, console(no_color=True)).splitlines()
    assert max(map(len, lines)) <= 80
    captions = [line.split() for line in lines if "#" in line]
    assert captions == [["#0", "#1", "#2", "#3", "#4"], ["#5", "#6"]]
    assert lines[7].index("#0") == 6


def test_long_captions_are_folded_not_cut(mnist):
    tiles = [
        CaptionedImage(mnist.test.images[i], f"#{i}: 02468 not 13579 (>99%)") for i in range(2)
    ]
    lines = drawn(tiles, console(no_color=True)).splitlines()
    assert [line.split() for line in lines[7:]] == [
        ["#0:", "02468", "not", "#1:", "02468", "not"],
        ["13579", "(>99%)", "13579", "(>99%)"],
    ]


@pytest.mark.parametrize("height", [1, 27, 28])
def test_odd_heights_lose_no_row(height):
    image = np.full((height, 3), 255, np.uint8)
    coloured = console(force_terminal=True, color_system="truecolor")
    assert drawn([CaptionedImage(image)], coloured).count("▀▀▀") == (height + 1) // 2
    braille = drawn(
        [CaptionedImage(image), CaptionedImage(image)], console(no_color=True)
    ).splitlines()
    assert len(braille) == (height + 3) // 4


def test_show_by_index_and_by_digit(invoke, mnist):
    assert "  test image 7, labelled 9\n" in invoke("show", "7").out
    pictures = json.loads(invoke("show", "--digit", "3", "--count", "4", "--json").out)["pictures"]
    expected = np.flatnonzero(mnist.test.labels == 3)[:4].tolist()
    assert [p["index"] for p in pictures] == expected
    assert pictures[0]["pixels"] == mnist.test.images[expected[0]].tolist()
    on_train = json.loads(invoke("show", "0", "--on", "train", "--json").out)["pictures"][0]
    assert on_train["label"] == 5


def test_random_digits_follow_the_seed(invoke):
    def picked(seed):
        document = json.loads(invoke("show", "--count", "5", "--seed", seed, "--json").out)
        return [p["index"] for p in document["pictures"]]

    assert picked("1") == picked("1") != picked("2")


def test_mean_of_a_class(invoke, mnist):
    picture = json.loads(invoke("show", "--mean", "--digit", "4", "--json").out)["pictures"][0]
    mean = mnist.test.images[mnist.test.labels == 4].astype(float).mean(axis=0)
    assert np.abs(np.array(picture["pixels"]) - mean).max() <= 0.5
    assert len(json.loads(invoke("show", "--mean", "--json").out)["pictures"]) == 10


def test_weights_of_a_model(invoke):
    invoke("train", "--task", "0v1", "--limit", "200")
    from mnistcli import load_model

    picture = json.loads(invoke("show", "--weights", "0v1", "--json").out)["pictures"][0]
    coef = load_model().classifier.coef.reshape(28, 28)
    assert np.allclose(picture["pixels"], coef / np.abs(coef).max())
    assert picture["caption"] == "for 1, against 0"
    out = invoke("show", "--weights", "0v1").out
    assert "speaks for it" in out
    assert {"#", "="} <= set(out)


def test_mistakes_of_a_model(invoke, mnist):
    invoke("train", "--task", "digits", "--limit", "300")
    document = json.loads(invoke("show", "--mistakes", "digits", "--count", "4", "--json").out)
    worst = json.loads(invoke("evaluate", "digits", "--mistakes", "4", "--json").out)["mistakes"]
    pictures = document["pictures"]
    assert [{k: p[k] for k in worst[0]} for p in pictures] == worst
    assert pictures[0]["pixels"] == mnist.test.images[worst[0]["index"]].tolist()
    out = invoke("show", "--mistakes", "digits", "--count", "4").out
    for mistake in worst:
        assert f"#{mistake['index']}: {mistake['truth']} not {mistake['answer']}" in out
    assert "the worst 4 of" in out
    on_train = invoke("show", "--mistakes", "digits", "--on", "train").out
    assert "on mnist train" in on_train


@pytest.mark.parametrize(
    ("arguments", "n_columns", "n_rows"),
    [(["0"], 1, 1), (["--count", "12"], 5, 3), (["--mean"], 5, 2)],
    ids=["one", "twelve", "means"],
)
def test_pictures_go_into_a_file(invoke, mnist, tmp_path, arguments, n_columns, n_rows):
    path = tmp_path / "new" / "sheet.png"
    done = invoke("show", *arguments, "--output", str(path))
    assert (done.code, done.out) == (0, "")
    with Image.open(path) as page:
        page.load()
    assert done.err == f"wrote {path}, {page.width} x {page.height} pixels\n"
    assert page.format == "PNG"
    grey = np.asarray(page.convert("L"))
    scale = min(16, (1000 // n_columns - 16) // 28)
    first = grey[16 : 16 + 28 * scale, 16 : 16 + 28 * scale]
    if arguments[0] != "--mean":
        pixels = first[scale // 2 :: scale, scale // 2 :: scale]
        assert (pixels == mnist.test.images[0]).all()
    # black pictures in rows on white paper, and words below them
    dark_columns = (grey[16 + scale] < 10).sum()
    assert dark_columns == 28 * scale * n_columns
    caption = grey[16 + 28 * scale + 2 : 16 + 28 * scale + 20, 16 : 16 + 28 * scale]
    assert caption.min() < 100
    assert page.height > n_rows * 28 * scale


def test_a_picture_file_and_json_are_both_written(invoke, tmp_path):
    done = invoke("show", "7", "--json", "-o", str(tmp_path / "x.png"))
    assert json.loads(done.out)["pictures"][0]["label"] == 9
    assert (tmp_path / "x.png").is_file()


def test_other_kinds_of_files_are_refused_before_any_work(invoke, tmp_path):
    for name in ("x.jpg", "x", "x.png.txt"):
        done = invoke("show", "7", "--output", str(tmp_path / name))
        assert (done.code, done.out) == (2, "")
        assert "ends in .png" in done.err
    assert not list(tmp_path.glob("x*"))


def test_own_pictures(invoke, tmp_path):
    Image.new("L", (200, 100), 255).save(tmp_path / "white.png")
    out = invoke("show", str(tmp_path / "white.png")).out
    assert "white.png: 200 x 100" in out
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["10000"], 2),
        (["--digit", "12"], 2),
        (["--digit", "x"], 2),
        (["7", "--digit", "3"], 2),
        (["7", "x.png"], 2),
        (["x.png"], 6),
        (["--weights", "none"], 5),
        (["--count", "0"], 2),
        (["--mistakes", "none"], 5),
        (["--mistakes", "0v1", "--mean"], 2),
        (["--dataset", "kmnist"], 3),
    ],
)
def test_what_makes_no_sense(invoke, arguments, code):
    done = invoke("show", *arguments)
    assert (done.code, done.out) == (code, "")
    assert done.err
