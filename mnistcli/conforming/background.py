"""Grey levels -> ink: which is the paper, how evenly it is lit, and how strong the ink is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnistcli.conforming.operations import (
    border,
    box_mean,
    coarse,
    median,
    quantile,
    stretched,
    surface,
    window_max,
)
from mnistcli.conforming.types import NoDigitError

if TYPE_CHECKING:
    from mnistcli.conforming.types import Ink, Mask

DARK_INK = "dark ink on light paper"
INVERTED = "inverted"

# Fewer grey levels than this between ink and paper is no drawing.
MIN_CONTRAST = 8
# Ink must stand this far above the noise of the paper, in standard deviations.
MIN_SIGNAL_TO_NOISE = 6.0
# Share of the longer side of a picture that no stroke is wider than; wider is shadow.
WIDEST_STROKE = 0.28
# Where there is noise, full ink is this quantile of the strokes, and not their strongest noise.
STROKE_LEVEL = 0.88
# Less paper than this share of a picture says nothing about the light.
LEAST_PAPER = 0.1


def flattened(picture: Ink) -> tuple[Ink, float, list[str]]:
    """Turn grey levels into ink: polarity from the border, shading of the paper taken out.

    Returns the ink, the standard deviation of the paper in units of full ink, and the steps.
    """
    rim = picture[border(picture.shape, max(1, max(picture.shape) // 50))]
    level = np.float32(median(rim))
    plain = bool(np.mean(np.abs(rim - level) <= 2) > 0.8)
    dark = _is_dark_on_light(picture - level if plain else _without_trend(picture))
    ink = level - picture if dark else picture - level
    steps = [DARK_INK, INVERTED] if dark else []
    if not plain:
        shade = _wide_part(ink)
        shade += np.float32(median(ink - shade))
        ink -= shade
        if dark:
            # A shadow dims ink and paper alike.
            light = level - shade
            ink *= _evening(light)
        if np.ptp(shade) > 3 * MIN_CONTRAST:
            steps.append("shading evened out")
    noise = _noise(ink)
    full = _full_ink(ink, noise)
    unevenness = 1.4826 * median(np.abs(ink))
    if unevenness < full / 4:
        # Otherwise most of the picture is "ink", a sheet of paper on a table.
        noise = unevenness
    return ink / np.float32(full), noise / full, steps


def relit(picture: Ink, ink: Ink, strokes: Mask, *, dark: bool) -> Ink:
    """Measure the light again where it is known that there are no strokes.

    A sheet that is lit from one side or bends has light that is a polynomial; behind a sharp shadow
    it is not, and the ink, of `flattened`, stays as it is. ``dark`` is ink darker than its paper.
    """
    paper = ~strokes
    if paper.mean() < LEAST_PAPER:
        return ink
    light = surface(picture, paper)
    again = picture - light
    if dark:
        again *= -_evening(light)
    full = quantile(again[strokes & (ink > ink[strokes].max() / 2)], STROKE_LEVEL)
    again /= np.float32(max(full, 1))
    is_more_even = np.abs(again[paper]).mean() < np.abs(ink[paper]).mean()
    return again if is_more_even else ink


def _evening(light: Ink) -> Ink:
    """Return the factors that make uneven light even."""
    usual = max(median(light), 1.0)
    return (usual / np.maximum(light, usual / 4)).astype(np.float32)


def _is_dark_on_light(deviation: Ink) -> bool:
    """Return whether the strokes are darker than the paper.

    Ink is little and deviates far, paper is much and deviates little: the third power listens to
    the former. At the edge of a shadow both signs are as strong and cancel.
    """
    deviation = deviation.ravel()
    return float((deviation * deviation) @ deviation) < 0


def _without_trend(picture: Ink) -> Ink:
    """Subtract the mean of a wide surrounding from a coarse version of a picture."""
    small = coarse(picture)
    return small - box_mean(small, max(3, max(small.shape) // 3) | 1)


def _wide_part(ink: Ink) -> Ink:
    """Return what is wider than any stroke: a morphological opening."""
    small = coarse(ink)
    window = max(3, round(WIDEST_STROKE * max(small.shape))) | 1
    opened = window_max(-window_max(-small, window), window)
    return stretched(box_mean(opened, 3), *ink.shape)


def _noise(ink: Ink) -> float:
    """Estimate the standard deviation of the noise from neighbours, which share their shading."""
    return 1.05 * median(np.abs(np.diff(ink, axis=1)))


def _full_ink(ink: Ink, noise: float) -> float:
    """Find the level of a stroke, in grey levels above the paper."""
    cut = max(5 * noise, 0.1 * float(ink.max()))
    for _ in range(8):
        above = ink > cut
        if above.all() or not above.any():
            break
        cut = float(ink[above].mean() + ink[~above].mean()) / 2
    strokes = ink[ink > cut]
    full = quantile(strokes, 0.99 if noise == 0 else STROKE_LEVEL) if strokes.size else 0.0
    if full < MIN_CONTRAST or full < MIN_SIGNAL_TO_NOISE * noise:
        raise NoDigitError("is blank: nothing on it stands out from the paper")
    return full
