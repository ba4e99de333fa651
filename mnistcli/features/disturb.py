"""Images that are disturbed by so much: noise, blur, turned, moved, thicker or thinner strokes."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from mnistcli.features.geometry import IMAGES_PER_BLOCK, grown, sampled
from mnistcli.mnist import IMAGE_SIDE
from mnistcli.parallel import map_blocks
from mnistcli.ranges import DISTURBANCES

Ink = NDArray[np.float32]
Generators = Iterator[np.random.Generator]

_MIDDLE = (IMAGE_SIDE - 1) / 2
_GRID = np.arange(IMAGE_SIDE, dtype=np.float32)


def disturbed(
    images: NDArray[np.uint8], index: NDArray[np.int64], kind: str, strength: float
) -> NDArray[np.uint8]:
    """Return images of shape (n, 28, 28) disturbed by a strength of a kind; see `DISTURBANCES`.

    Noise is normal and of that standard deviation, blur a Gaussian's; images turn to the left and
    move in any direction; strokes grow or shrink by so much on each side. What an image draws
    follows from its index in its dataset and the strength alone. At strength 0 images are what they
    were. Raises UsageError for a strength that makes no sense.
    """
    strength = DISTURBANCES[kind][0].checked(kind, strength)
    if strength == 0:
        return images
    out = np.empty(images.shape, np.uint8)
    bits = int(np.float64(strength).view(np.uint64))

    def disturb(block: slice) -> None:
        generators = (np.random.default_rng([i, bits]) for i in index[block].tolist())
        levels = _DISTURB[kind](images[block].astype(np.float32), strength, generators)
        out[block] = np.clip(np.round(levels), 0, 255)

    map_blocks(disturb, len(images), IMAGES_PER_BLOCK)
    return out


def _noisy(ink: Ink, strength: float, generators: Generators) -> NDArray[np.floating]:
    return ink + [strength * 255 * each.standard_normal(ink.shape[1:]) for each in generators]


def _blurred(ink: Ink, strength: float, _generators: Generators) -> NDArray[np.floating]:
    beyond = np.arange(-IMAGE_SIDE, IMAGE_SIDE + 1)  # paper, which the ink runs out into
    weights = np.exp(-(((_GRID[:, None] - _GRID) / strength) ** 2) / 2)
    weights /= np.exp(-((beyond / strength) ** 2) / 2).sum()
    return np.asarray(weights @ ink @ weights.T)


def _turned(ink: Ink, strength: float, _generators: Generators) -> NDArray[np.floating]:
    cos, sin = np.cos(np.deg2rad(strength)), np.sin(np.deg2rad(strength))
    across, down = _GRID - _MIDDLE, _GRID[:, None] - _MIDDLE
    x, y = cos * across - sin * down + _MIDDLE, sin * across + cos * down + _MIDDLE
    return sampled(ink, np.broadcast_to(x, ink.shape), np.broadcast_to(y, ink.shape))


def _moved(ink: Ink, strength: float, generators: Generators) -> NDArray[np.floating]:
    angle = np.array([each.uniform(0, 2 * np.pi) for each in generators])[:, None, None]
    x, y = _GRID - strength * np.cos(angle), _GRID[:, None] - strength * np.sin(angle)
    return sampled(ink, np.broadcast_to(x, ink.shape), np.broadcast_to(y, ink.shape))


def _thickened(ink: Ink, strength: float, _generators: Generators) -> NDArray[np.floating]:
    ink = ink if strength > 0 else 255 - ink  # where paper grows strokes shrink
    for already in range(int(np.ceil(abs(strength)))):
        share = np.float32(min(1, abs(strength) - already))
        ink = ink + share * (grown(ink) - ink)
    return ink if strength > 0 else 255 - ink


_DISTURB: dict[str, Callable[[Ink, float, Generators], NDArray[np.floating]]] = {
    "noise": _noisy,
    "blur": _blurred,
    "rotate": _turned,
    "shift": _moved,
    "thickness": _thickened,
}
