"""kitty and sixel, decoded as a terminal does."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

from mnistcli.cli.terminal.pictures import kitty, sixel
from mnistcli.gallery import CaptionedImage


def test_sixel_of_a_small_picture():
    rgb = np.zeros((7, 5, 3), np.uint8)
    rgb[0, :] = 255
    rgb[6, 4] = 255
    assert sixel(rgb) == (
        '\x1bP0;1;0q"1;1;5;7#0;2;0;0;0#1;2;100;100;100'
        "#0!5}$#1!5@"  # five times rows 1 to 5; five times row 0
        "-#0!4@$#1!4?@\x1b\\"  # the seventh row
    )


def unsixel(sequence):
    """Decode sixel, as a terminal does."""
    header = re.match(r'\x1bP0;1;0q"1;1;(\d+);(\d+)', sequence)
    width, height = int(header[1]), int(header[2])
    page = np.full((height + 6, width, 3), -1)
    palette, colour, x, y = {}, 0, 0, 0
    tokens = r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)"
    for token in re.finditer(tokens, sequence[header.end() : -2]):
        if token[1]:
            palette[int(token[1])] = [round(int(token[k]) * 2.55) for k in (2, 3, 4)]
        elif token[5]:
            colour = int(token[5])
        elif token[9]:
            x = 0
        elif token[10]:
            x, y = 0, y + 6
        else:
            bits = ord(token[7] or token[8]) - 63
            run = int(token[6] or 1)
            for k in range(6):
                if bits >> k & 1:
                    page[y + k, x : x + run] = palette[colour]
            x += run
    assert (page[height:] == -1).all()
    return page[:height]


def test_sixel_decodes_to_the_digit(mnist, drawn):
    out = drawn([CaptionedImage(mnist.test.images[0])], "sixel", "truecolor")
    (sequence,) = re.findall(r"\x1b7(\x1bP.*?\x1b\\)\x1b8", out)
    # at the foot of the screen it scrolls first, and the cursor comes back
    assert out.startswith("\x1bD" * 13 + "\x1b[13A" + "\x1b7")
    picture = unsixel(sequence)
    assert picture.shape == (280, 280, 3)
    small = picture[5::10, 5::10]
    assert np.abs(small - mnist.test.images[0][:, :, None]).max() <= 4
    assert (np.repeat(np.repeat(small, 10, 0), 10, 1) == picture).all()


def test_sixel_shows_signs(drawn):
    weights = np.array([[-1.0, 0.0], [0.5, 1.0]])
    (sequence,) = re.findall(
        r"\x1bP.*?\x1b\\", drawn([CaptionedImage(weights)], "sixel", "truecolor")
    )
    picture = unsixel(sequence)
    assert picture[0, 0, 2] > 200 > picture[0, 0, 0]
    assert picture[-1, -1, 0] > 200 > picture[-1, -1, 2]
    assert not picture[0, -1].any()


def unkitty(out):
    """Decode kitty's graphics protocol: the keys of each picture and the picture."""
    pictures, keys, payload = [], None, ""
    for control, data in re.findall(r"\x1b_G(.*?);(.*?)\x1b\\", out):
        assert len(data) <= 4096
        fields = dict(pair.split("=") for pair in control.split(","))
        keys = keys or fields
        payload += data
        if fields["m"] == "0":
            pictures.append((keys, Image.open(io.BytesIO(base64.b64decode(payload)))))
            keys, payload = None, ""
    assert keys is None
    return pictures


def test_kitty_gets_the_digits(mnist, drawn):
    tiles = [CaptionedImage(mnist.test.images[i], f"#{i}") for i in range(7)]
    out = drawn(tiles, "kitty", "truecolor")
    pictures = unkitty(out)
    assert len(pictures) == 7
    for tile, (keys, picture) in zip(tiles, pictures, strict=True):
        assert {k: keys[k] for k in "afqCcr"} == dict(
            zip("afqCcr", ["T", "100", "2", "1", "14", "7"], strict=True)
        )
        assert picture.size == (140, 140)
        assert (np.asarray(picture)[2::5, 2::5, 0] == tile.image).all()
    # What is no escape code fits the width: five in a row, and their captions.
    plain = re.sub(r"\x1b_G.*?\x1b\\|\x1bD|\x1b\[\d+[AC]", "", out)
    captions = [line.split() for line in plain.splitlines() if "#" in line]
    assert captions == [["#0", "#1", "#2", "#3", "#4"], ["#5", "#6"]]


def test_kitty_pieces_are_whole():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    ((_, picture),) = unkitty(kitty(buffer.getvalue(), 4, 2))
    assert (np.asarray(picture) == noise).all()
