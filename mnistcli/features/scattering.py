"""How much of strokes of which direction and width is where, and how that changes nearby.

A scattering transform of two layers (Bruna and Mallat, Invariant scattering convolution networks,
IEEE TPAMI 35, 2013): an image of standard size is filtered by wavelets, the modulus is taken, what
comes out is filtered by wider ones, and all are averaged near points. Nothing is learned but how
large the numbers get. A map of a wider wavelet varies slowly and is computed at fewer places:
only a window of frequencies around its own is kept, which leaves the modulus as it is.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from mnistcli.display import Displayed
from mnistcli.features.measured import FIRST_POINT, LAST_POINT, N_POINTS, Measured
from mnistcli.mnist import IMAGE_SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistcli.arrays import Bytes, Float32s
    from mnistcli.features.kinds import FeatureSpec, Learned

N_DIRECTIONS, N_SCALES = 6, 3
FRAME, MARGIN = 32, 2  # pixels a side of what is filtered, and of paper around the image in it
# Of the finest wavelet: waves in the frame, and standard deviation in pixels, across the stroke;
# along the stroke it is twice as long. Each scale is twice as wide as the one before.
_WAVES, _WIDTH = 12, 0.8
_N_MAPS = 1 + N_DIRECTIONS * N_SCALES + N_DIRECTIONS**2 * (N_SCALES * (N_SCALES - 1) // 2)


class Wavelets(NamedTuple):
    """The wavelets of one scale, on a grid of a given side."""

    places: NDArray[Any]  # (6 * side * side,), of their windows in a flat spectrum of the grid
    spectra: Float32s  # (6, side, side)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scattering(Displayed, Measured):
    """Moduli of wavelets, once and twice, averaged near points, and their square roots as bytes."""

    summary = "strokes of six directions and three widths, and how they change"

    factors: Float32s  # (n_features,)

    @classmethod
    def learn(cls, spec: FeatureSpec, images: Bytes, _seed: int, /) -> Scattering:
        import numpy as np

        unscaled = cls(np.ones(cls.count(spec), dtype=np.float32))
        return cls(unscaled.usual_factors(images))

    @classmethod
    def from_arrays(cls, _spec: FeatureSpec, arrays: Learned, /) -> Scattering:
        return cls(arrays["factors"])

    @classmethod
    def shapes(cls, spec: FeatureSpec, /) -> dict[str, tuple[int, ...]]:
        return {"factors": (cls.count(spec),)}

    @classmethod
    def count(cls, _spec: FeatureSpec, /) -> int:
        return _N_MAPS * N_POINTS**2

    @classmethod
    def describe(cls, spec: FeatureSpec, /) -> str:
        how = f"scattering, {N_DIRECTIONS} directions, {N_SCALES} scales, 2 layers"
        return f"{cls.count(spec):,} features ({how})"

    def arrays(self) -> dict[str, Float32s]:
        return {"factors": self.factors}

    def filters(self) -> tuple[Float32s, ...]:
        return tuple(_drawn(scale) for scale in range(N_SCALES))

    def measure(self, images: Bytes) -> Float32s:
        import numpy as np
        from scipy.fft import fft2

        from mnistcli.features.geometry import normalised

        frames = np.zeros((len(images), 1, FRAME, FRAME), dtype=np.float32)
        inside = slice(MARGIN, MARGIN + IMAGE_SIDE)
        frames[:, 0, inside, inside] = normalised(images) / np.float32(255)
        averages, spectra = [_near_points(frames)], fft2(frames)
        for scale in range(N_SCALES):
            strokes = _moduli(spectra, scale)
            averages.append(_near_points(strokes))
            changes = fft2(strokes)
            averages += [_near_points(_moduli(changes, k)) for k in range(scale + 1, N_SCALES)]
        return np.asarray(np.sqrt(np.concatenate(averages, axis=1))).reshape(len(images), -1)


def _moduli(spectra: NDArray[Any], scale: int) -> Float32s:
    """Filter maps by each wavelet of a scale: spectra of shape (n, k, m, m) to (n, 6 * k, l, l)."""
    import numpy as np
    from scipy.fft import ifft2

    n, _, side, _ = spectra.shape
    places, filters = wavelets(scale, side)
    windows = spectra.reshape(n, -1, side**2)[..., places].reshape(n, -1, *filters.shape)
    windows *= filters
    moduli: Float32s = np.abs(ifft2(windows, overwrite_x=True))
    return moduli.reshape(n, -1, *filters.shape[1:])


def _drawn(scale: int) -> Float32s:
    """Return the real part of each wavelet of a scale in a frame as it is, (6, side, side)."""
    import numpy as np
    from scipy.fft import fftshift, ifft2

    places, filters = wavelets(scale, FRAME)
    spectra = np.zeros((N_DIRECTIONS, FRAME**2), dtype=np.float32)
    np.put_along_axis(
        spectra, places.reshape(N_DIRECTIONS, -1), filters.reshape(N_DIRECTIONS, -1), axis=1
    )
    waves = ifft2(spectra.reshape(-1, FRAME, FRAME)).real
    reach = 2 + 3 * scale
    inside = slice(FRAME // 2 - reach, FRAME // 2 + reach + 1)
    return np.asarray(fftshift(waves, axes=(1, 2))[:, inside, inside], dtype=np.float32)


def _near_points(maps: Float32s) -> Float32s:
    """Average maps of shape (n, k, m, m) near each point, (n, k, 36)."""
    import numpy as np

    weights = near_points(maps.shape[-1])
    averages = np.asarray(weights @ maps @ weights.T, dtype=np.float32)
    return averages.reshape(*maps.shape[:2], -1)


@functools.cache
def wavelets(scale: int, side: int) -> Wavelets:
    """Return Morlet's wavelets of a scale for maps of so many places a side, as their spectra.

    A map comes out at ``FRAME >> scale`` places a side, from as many frequencies around the
    wavelet's own. What is taken out of a wave under a bell, another bell, makes its mean 0.
    """
    import numpy as np

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
    return Wavelets(np.concatenate(places), scaled.astype(np.float32))


@functools.cache
def near_points(side: int) -> Float32s:
    """Return the matrix that averages a map's rows near every point by a bell, (6, side)."""
    import numpy as np

    points = MARGIN + np.linspace(FIRST_POINT, LAST_POINT, N_POINTS)[:, None]
    width = _WIDTH * 2 ** (N_SCALES - 1)
    bells = np.exp(-((np.arange(side) * FRAME / side - points) ** 2) / (2 * width**2))
    return np.asarray(bells / bells.sum(axis=1, keepdims=True), dtype=np.float32)
