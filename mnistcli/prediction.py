"""Ask a model what digits it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnistcli.linear_model.classifier import classes_of, probabilities_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from mnistcli.registry.model_file import Model


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """The answers for several images.

    Attributes
    ----------
    class_names : tuple of str
    classes : ndarray of shape (n,), int64
        The most probable class of each image.
    probabilities : ndarray of shape (n, n_classes), float64
    """

    class_names: tuple[str, ...]
    classes: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    def __len__(self) -> int:
        """The number of images."""
        return len(self.classes)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """Give the name and the probability of the most probable class of each image."""
        for k, row in zip(self.classes, self.probabilities, strict=True):
            yield self.class_names[k], float(row[k])


def predict(model: Model, images: NDArray[np.uint8]) -> Predictions:
    """Classify images that are as MNIST's are.

    Parameters
    ----------
    model : Model
    images : ndarray of shape (n, 28, 28), (n, 784) or (28, 28), uint8
        Light ink on black; `mnistcli.images.conform` turns other pictures into such.
    """
    if images.shape == (28, 28):
        images = images[None]
    scores = model.classifier.decision_function(images)
    return Predictions(
        class_names=model.card.class_names,
        classes=classes_of(scores),
        probabilities=probabilities_of(scores),
    )
