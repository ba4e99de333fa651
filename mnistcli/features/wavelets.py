"""How much of strokes of which direction and width is where, and how that changes nearby.

A scattering transform of two layers (Bruna and Mallat, Invariant scattering convolution networks,
IEEE TPAMI 35, 2013): an image is filtered by wavelets, the modulus is taken, what comes out is
filtered by wider ones, and all are averaged near points: `registry/exports/formulas.json`. A map of
a wider wavelet varies slowly and is computed at fewer places: only a window of frequencies around
its own is kept, which leaves the modulus as it is.
"""

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.fft import fft2, fftshift, ifft2  # noqa: TID253 - loaded where they are asked for

from mnistcli.arrays import Float32s, Places
from mnistcli.features.kinds import N_POINTS
from mnistcli.features.likeness import SQUARE
from mnistcli.mnist import IMAGE_SIDE

N_DIRECTIONS, N_SCALES = 6, 3
FRAME, MARGIN = 32, 2  # pixels a side of what is filtered, and of paper around the image in it
# Of the finest wavelet: waves in the frame, and standard deviation in pixels, across the stroke;
# along the stroke it is twice as long. Each scale is twice as wide as the one before.
_WAVES, _WIDTH = 12, 0.8


def measure(ink: Float32s, _nothing: Sequence[Float32s]) -> Float32s:
    """Return the square roots of the averages of all maps of images of shape (n, 28, 28), 0 to 1.

    They have shape (n, n_maps * N_POINTS**2): of the image; then, scale by scale, of its six
    moduli, and of those of each of these at each wider scale.
    """
    frames = _framed(ink)
    maps, spectra = [frames], fft2(frames)
    for scale in range(N_SCALES):
        maps.append(_moduli(spectra, scale))
        changes = fft2(maps[-1])
        maps += [_moduli(changes, wider) for wider in range(scale + 1, N_SCALES)]
    averages = []
    for each in maps:
        weights = near_points(each.shape[-1], N_POINTS)
        averages.append((weights @ each @ weights.T).reshape(*each.shape[:2], -1))
    return np.sqrt(np.concatenate(averages, axis=1)).reshape(len(ink), -1)


def strokes(ink: Float32s) -> Float32s:
    """Return the square roots of the moduli of the two finer scales, (n, 12, 16, 16)."""
    spectra = fft2(_framed(ink))
    fine, wider = (_moduli(spectra, scale) for scale in (0, 1))
    rows = fine[:, :, ::2] + fine[:, :, 1::2]
    means = (rows[..., ::2] + rows[..., 1::2]) / np.float32(4)
    return np.asarray(np.sqrt(np.concatenate([means, wider], axis=1)))


def _framed(ink: Float32s) -> Float32s:
    """Return images with paper around them, (n, 1, 32, 32)."""
    frames = np.zeros((len(ink), 1, FRAME, FRAME), dtype=np.float32)
    inside = slice(MARGIN, MARGIN + IMAGE_SIDE)
    frames[:, 0, inside, inside] = ink
    return frames


def _moduli(spectra: NDArray[np.complex64], scale: int) -> Float32s:
    """Filter maps by each wavelet of a scale: spectra of shape (n, k, m, m) to (n, 6 * k, l, l)."""
    n, _, side, _ = spectra.shape
    places, filters = wavelets(scale, side)
    windows = spectra.reshape(n, -1, side**2).take(places, axis=-1).reshape(n, -1, *filters.shape)
    windows *= filters
    moduli: Float32s = np.abs(ifft2(windows, overwrite_x=True))
    return moduli.reshape(n, -1, *filters.shape[1:])


@functools.cache
def wavelets(scale: int, side: int) -> tuple[Places, Float32s]:
    """Return Morlet's wavelets of a scale for maps of so many places a side, as their spectra.

    These have shape (6, l, l); before them, in which places of a flat spectrum of such a map their
    windows lie, (6 * l * l,). A map comes out at l = ``FRAME >> scale`` places a side, from as many
    frequencies around the wavelet's own. What is taken out of a wave under a bell, another bell,
    makes its mean 0.
    """
    n, waves = FRAME >> scale, _WAVES / 2**scale
    width = 2 * np.pi / FRAME * _WIDTH * 2**scale  # of the bell, per wave in the frame
    places, spectra = [], []
    for angle in np.pi / N_DIRECTIONS * np.arange(N_DIRECTIONS):
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = (round(waves * each) - n // 2 + np.arange(n) for each in (cos, sin))
        along, across = cos * x + sin * y[:, None], cos * y[:, None] - sin * x
        wave, bell = (
            np.exp(-(width**2) / 2 * ((along - start) ** 2 + 4 * across**2)) for start in (waves, 0)
        )
        spectra.append(wave - np.exp(-(width**2) / 2 * waves**2) * bell)
        places.append((y[:, None] % side * side + x % side).ravel())
    # The inverse transform of fewer frequencies divides by fewer.
    scaled = np.array(spectra) * (n / side) ** 2
    return np.concatenate(places), scaled.astype(np.float32)


@functools.cache
def near_points(side: int, n_points: int) -> Float32s:
    """Return the matrix that averages a map's rows near every point by a bell, (n_points, side)."""
    # The middles of the squares that likeness is added up over, from border to border.
    middle = (SQUARE - 1) / 2
    points = MARGIN + np.linspace(middle, IMAGE_SIDE - 1 - middle, n_points)[:, None]
    width = _WIDTH * 2 ** (N_SCALES - 1)
    bells = np.exp(-((np.arange(side) * FRAME / side - points) ** 2) / (2 * width**2))
    return np.asarray(bells / bells.sum(axis=1, keepdims=True), dtype=np.float32)


def draw_wavelets(scale: int) -> Float32s:
    """Return the real part of each wavelet of a scale, (6, side, side)."""
    places, filters = wavelets(scale, FRAME)
    spectra = np.zeros((N_DIRECTIONS, FRAME**2), dtype=np.float32)
    of = np.repeat(np.arange(N_DIRECTIONS), places.size // N_DIRECTIONS)  # which each place is of
    spectra[of, places] = filters.ravel()
    waves = ifft2(spectra.reshape(-1, FRAME, FRAME)).real
    reach = 2 + 3 * scale
    inside = slice(FRAME // 2 - reach, FRAME // 2 + reach + 1)
    return np.asarray(fftshift(waves, axes=(1, 2))[:, inside, inside], dtype=np.float32)


def drawn(_nothing: Sequence[Float32s]) -> list[Float32s]:
    """Return the wavelets as pictures, scale by scale; see `draw_wavelets`."""
    return [*map(draw_wavelets, range(N_SCALES))]
