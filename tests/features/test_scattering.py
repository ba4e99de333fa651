"""Scattering against its definition, in float64 and with nothing left out."""

from __future__ import annotations

import numpy as np
import pytest

from mnistcli.features import FeatureSpec
from mnistcli.features.geometry import normalised
from mnistcli.features.kinds import learn_features
from mnistcli.features.wavelets import FRAME, N_DIRECTIONS, N_SCALES, wavelets

SPEC = FeatureSpec("scattering")


@pytest.fixture(scope="module")
def scattering(mnist):
    return learn_features(SPEC, mnist.train.images[:200], 0)


def filtered(image, scale, direction):
    """Filter by a whole wavelet at every place, which lets waves that are too short alias."""
    angle, waves, width = np.pi * direction / 6, 12 / 2**scale, 0.8 * 2**scale * 2 * np.pi / FRAME
    total = np.zeros(image.shape)
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            v = (np.fft.fftfreq(FRAME) + down)[:, None] * FRAME
            u = (np.fft.fftfreq(FRAME) + across) * FRAME
            x, y = np.cos(angle) * u + np.sin(angle) * v, np.cos(angle) * v - np.sin(angle) * u
            wave, bell = (
                np.exp(-((width * (x - c)) ** 2) / 2 - 2 * (width * y) ** 2) for c in (waves, 0)
            )
            total += wave - np.exp(-((width * waves) ** 2) / 2) * bell
    return np.abs(np.fft.ifft2(np.fft.fft2(image) * total))


def near_points(image):
    at = np.arange(FRAME)[:, None] - (5.5 + 4 * np.arange(6))
    bells = np.exp(-(at**2) / (2 * 3.2**2))
    bells /= bells.sum(axis=0)
    return (bells.T @ image @ bells).ravel()


def test_numbers_are_those_of_the_definition(mnist, scattering):
    images = mnist.train.images[:20]
    (stage,) = scattering.chains["scattering"]
    found = stage.measure(images).astype(float) ** 2
    expected = []
    for digit in normalised(images) / 255:
        image, maps = np.pad(digit, 2).astype(float), []
        maps.append(image)
        for scale in range(N_SCALES):
            strokes = [filtered(image, scale, each) for each in range(N_DIRECTIONS)]
            maps += strokes
            for wider in range(scale + 1, N_SCALES):
                maps += [
                    filtered(it, wider, each) for it in strokes for each in range(N_DIRECTIONS)
                ]
        expected.append(np.concatenate([near_points(each) for each in maps]))
    # Maps at fewer places miss a little of what is between them.
    difference = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    assert difference < 0.015
    assert np.abs(found - expected).max() < 0.01


def test_wavelets_answer_to_strokes_across_their_waves_and_not_to_even_ink():
    for scale in range(N_SCALES):
        places, filters = wavelets(scale, FRAME)
        mean = filters.ravel()[places == 0]
        assert np.abs(mean).max() < 1e-6  # the frequency 0 of each direction
    image = np.zeros((FRAME, FRAME))
    image[:, 15:17] = 1
    spectrum = np.fft.fft2(image).ravel()
    places, filters = wavelets(1, FRAME)
    answers = np.abs(spectrum[places].reshape(filters.shape) * filters).sum(axis=(1, 2))
    assert answers.argmax() == 0  # waves from left to right
    assert answers[3] < 0.05 * answers[0]


def test_an_image_without_ink_has_no_strokes(scattering):
    assert not scattering.transform(np.zeros((1, 28, 28), np.uint8)).any()


def test_wavelets_are_drawn_with_their_middle_in_the_middle(scattering):
    drawn = scattering.filters()
    assert [each.shape for each in drawn] == [(6, 5, 5), (6, 11, 11), (6, 17, 17)]
    for each in drawn:
        middle = each.shape[1] // 2
        assert (each[:, middle, middle] == each.max(axis=(1, 2))).all()
