"""Fixed features: what a model looks at instead of pixels, learned without labels if at all.

Every kind learns from training images, turns images into bytes, and says what has to be kept to do
so again. A linear model on features is still a linear model, and everything around it stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from mnistcli.settings import FeatureSpec

N_PIXELS = 28 * 28
# How like a filter an image is, is told at so many points; see `patches`.
POINTS_ACROSS = 6


class Features(Protocol):
    """What every kind of features can do."""

    @property
    def n_features(self) -> int:
        """The number of features of an image."""

    def transform(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn images of shape (n, 28, 28), uint8, into features (n, n_features), uint8."""

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Give what was learned, by name: of the shapes that `shapes_of` tells."""


def learn_features(spec: FeatureSpec, images: NDArray[np.uint8], seed: int) -> Features | None:
    """Learn features from training images; None for plain pixels.

    Parameters
    ----------
    spec : FeatureSpec
    images : ndarray of shape (n, 28, 28), uint8
    seed : int
    """
    if spec.kind == "patches":
        from mnistcli.features.patches import Patches

        return Patches.learn(images, spec, seed)
    return features_from(spec, {})


def features_from(spec: FeatureSpec, arrays: Mapping[str, NDArray[np.float32]]) -> Features | None:
    """Give back features that were learned before; None for plain pixels."""
    if spec.kind == "pixels":
        return None
    if spec.kind == "deskew":
        from mnistcli.features.deskew import Deskew

        return Deskew()
    from mnistcli.features.patches import Patches

    filters = tuple(arrays[f"filters{side}"] for side in spec.sides)
    return Patches(filters, arrays["factors"], spec.n_views)


def shapes_of(spec: FeatureSpec) -> dict[str, tuple[int, ...]]:
    """Say which arrays features keep, and of which shapes."""
    if spec.kind != "patches":
        return {}
    filters: dict[str, tuple[int, ...]] = {
        f"filters{side}": (spec.n_filters, side * side) for side in spec.sides
    }
    return {**filters, "factors": (n_features_of(spec),)}


def n_features_of(spec: FeatureSpec) -> int:
    """Count the features of an image."""
    if spec.kind == "patches":
        return len(spec.sides) * spec.n_filters * POINTS_ACROSS**2
    return N_PIXELS
