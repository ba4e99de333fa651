"""Enlarging is undone where there was one, and only there."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from mnistcli.conforming.grid import original_pixels
from mnistcli.conforming.kernels import KERNELS, NEAREST, Samples, weights_of
from mnistcli.conforming.placing import conform
from mnistcli.conforming.segmentation import find_digit
from mnistcli.conforming.strokes import edge_width

WAYS = dict(zip(("NEAREST", "BILINEAR", "BICUBIC", "LANCZOS"), KERNELS, strict=True))


def enlarged(digit, side, how):
    return np.array(Image.fromarray(digit).resize((side, side), Image.Resampling[how]))


def pixels_of(picture):
    digit = find_digit(picture)
    return original_pixels(digit, edge_width(digit))


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("side", [84, 100, 196, 369, 560])
def test_weights_are_those_of_a_well_known_library(side, how):
    small = np.random.default_rng(0).random((28, 28)).astype(np.float32)
    large = Image.fromarray(small).resize((side, side), Image.Resampling[how])
    size = side / 28
    samples = Samples(np.arange(0.5, side), 1)
    (weights,) = weights_of(samples, np.array([size]), np.zeros(1), WAYS[how])
    # Pixels are counted from the first that shows, some way before the picture begins.
    first = WAYS[how].reach
    ours = (weights[:, first : first + 28] @ small) @ weights[:, first : first + 28].T
    inner = slice(round(3 * size), round(-3 * size))
    if WAYS[how] is NEAREST and side % 28:
        # Where a border runs through a sample, its share of both is as good as the nearer one.
        assert np.median(np.abs(ours - large)[inner, inner]) < 1e-5
    else:
        assert np.abs(ours - large)[inner, inner].max() < 1e-5


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("n", [2, 3])
def test_weights_in_means_are_means_of_weights(how, n):
    size, start = np.array([9.0]), np.array([4.0])
    (fine,) = weights_of(Samples(np.arange(0.5, 90), 1), size, start, WAYS[how])
    coarse_at = n * np.arange(0.5, 90 // n)
    (coarse,) = weights_of(Samples(coarse_at, n), size, start, WAYS[how])
    means = fine.reshape(90 // n, n, -1).mean(axis=1)
    # Both count pixels from the first that shows; in means one more may.
    inner = slice(20 // n, 70 // n)
    alike = [np.abs(coarse[inner, k : k + 10] - means[inner, :10]).max() for k in range(3)]
    assert min(alike) < (0.03 if how == "BILINEAR" else 0.01)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("side", [84, 196, 336, 560])
def test_mnist_comes_back_out_of_an_enlargement(test_images, side, how):
    # Lanczos overshoots the most, and what was cut off cannot be known for sure.
    allowed = 1.5 if how == "LANCZOS" else 0.8
    for digit in test_images[:8]:
        back = conform(255 - np.pad(enlarged(digit, side, how), ((9, 14), (30, 1)))).image
        assert np.abs(back.astype(int) - digit).mean() < allowed


@pytest.mark.parametrize("how", ["BILINEAR", "BICUBIC", "LANCZOS"])
@pytest.mark.parametrize("side", [100, 256, 369])
def test_sizes_need_not_be_whole(test_images, side, how):
    for digit in test_images[:8]:
        back = conform(enlarged(digit, side, how)).image
        assert np.abs(back.astype(int) - digit).mean() < 1.5


def drawing(n_pixels, width, blur=0):
    """A 2, drawn finely."""
    image = Image.new("L", (n_pixels, n_pixels), 255)
    turns = np.linspace(-2.9, 0.7, 30)
    arc = [(0.5 + 0.2 * np.cos(t), 0.35 + 0.2 * np.sin(t)) for t in turns]
    line = [(x * n_pixels, y * n_pixels) for x, y in [*arc, (0.3, 0.85), (0.72, 0.85)]]
    ImageDraw.Draw(image).line(line, fill=0, width=width, joint="curve")
    return np.array(image.filter(ImageFilter.GaussianBlur(blur)))


@pytest.mark.parametrize("n_pixels", [90, 150, 400, 1000])
@pytest.mark.parametrize("share", [0.02, 0.04, 0.07, 0.12])
def test_a_drawing_has_no_grid(n_pixels, share):
    assert pixels_of(drawing(n_pixels, round(share * n_pixels), blur=n_pixels / 200)) is None


@pytest.mark.parametrize("n_pixels", [30, 40, 50, 60, 90])
@pytest.mark.parametrize("how", WAYS)
def test_a_drawing_on_other_pixels_than_mnists_has_no_such_grid(n_pixels, how):
    fine = drawing(n_pixels * 4, round(0.32 * n_pixels)).reshape(n_pixels, 4, n_pixels, 4)
    picture = enlarged(fine.mean(axis=(1, 3)).astype(np.uint8), 700, how)
    assert pixels_of(picture) is None
