"""Ask a model what digits it sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mnistcli.errors import BadImageError, UsageError
from mnistcli.linear_model.classifier import classes_of, probabilities_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mnistcli.datasets import Dataset
    from mnistcli.images.read import Batch
    from mnistcli.registry.model_file import Model

_SIDE = 28


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
        """Count the images."""
        return len(self.classes)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """Give the name and the probability of the most probable class of each image."""
        for k, row in zip(self.classes.tolist(), self.probabilities, strict=True):
            yield self.class_names[k], float(row[k])


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One picture, what the model saw of it, and its answer.

    Attributes
    ----------
    source : str
        How to call the picture: its path, "-", "digits.npy[3]", "mnist test 7".
    image : ndarray of shape (28, 28), uint8
        What the model saw.
    notes : tuple of str
        What was found in the picture and done to it.
    answer : str
        The name of the most probable class.
    probability : float
        Of the answer.
    probabilities : ndarray of shape (n_classes,), float64
    """

    source: str
    image: NDArray[np.uint8]
    notes: tuple[str, ...]
    answer: str
    probability: float
    probabilities: NDArray[np.float64]


def predict(model: Model, images: NDArray[np.uint8]) -> Predictions:
    """Classify images that are as MNIST's are.

    Parameters
    ----------
    model : Model
    images : ndarray of shape (n, 28, 28), (n, 784) or (28, 28), uint8
        Light ink on black; `mnistcli.conform` turns other pictures into such.
    """
    if images.shape == (_SIDE, _SIDE):
        images = images[None]
    scores = model.classifier.decision_function(images)
    return Predictions(
        class_names=model.card.class_names,
        classes=classes_of(scores),
        probabilities=probabilities_of(scores),
    )


def look_at(
    model: Model,
    images: NDArray[np.uint8],
    sources: Iterable[str],
    notes: Iterable[tuple[str, ...]],
) -> Iterator[Sighting]:
    """Classify images that are as MNIST's are, and keep what they are called."""
    predictions = predict(model, images)
    columns = (sources, images, notes, predictions, predictions.probabilities)
    for source, image, said, (answer, probability), row in zip(*columns, strict=True):
        yield Sighting(source, image, said, answer, probability, row)


def look_at_index(model: Model, dataset: Dataset, indices: Sequence[int]) -> Iterator[Sighting]:
    """Classify images of a dataset's test part.

    Raises
    ------
    UsageError
        There is no such index.
    """
    part = dataset.test
    for index in indices:
        if not 0 <= index < len(part.labels):
            last = len(part.labels) - 1
            raise UsageError(f"there is no test image {index}", hint=f"they go from 0 to {last}")
    sources = [f"{dataset.name} test {index}" for index in indices]
    notes = [(f"labelled {part.labels[index]}",) for index in indices]
    return look_at(model, part.images[list(indices)], sources, notes)


def look_at_files(
    model: Model, paths: Iterable[Path | Literal["-"]], *, raw: bool = False
) -> Iterator[Sighting | BadImageError]:
    """Classify the pictures in files, in their order, with bounded memory.

    Parameters
    ----------
    model : Model
    paths : iterable of Path or "-"
        Whatever `images.read.read_batches` reads; "-" is standard input.
    raw : bool, default=False
        Take 28 x 28 pixels as they are instead of bringing each picture into MNIST's form.

    Yields
    ------
    Sighting, or BadImageError for a picture, or the rest of a file, that cannot be used
    """
    from mnistcli.images.read import read_batches

    for path in paths:
        try:
            for batch in read_batches(path):
                yield from _look_at_batch(model, batch, raw=raw)
        except BadImageError as error:
            yield error


def _look_at_batch(model: Model, batch: Batch, *, raw: bool) -> Iterator[Sighting | BadImageError]:
    seen: list[tuple[NDArray[np.uint8], tuple[str, ...]] | BadImageError]
    seen = list(_as_they_are(batch) if raw else _conformed(batch))
    good = [each for each in seen if not isinstance(each, BadImageError)]
    images = (
        np.stack([image for image, _ in good]) if good else np.empty((0, _SIDE, _SIDE), np.uint8)
    )
    sources = (
        source
        for source, each in zip(batch.sources, seen, strict=True)
        if not isinstance(each, BadImageError)
    )
    sightings = look_at(model, images, sources, (notes for _, notes in good))
    for each in seen:
        yield each if isinstance(each, BadImageError) else next(sightings)


def _as_they_are(
    batch: Batch,
) -> Iterator[tuple[NDArray[np.uint8], tuple[str, ...]] | BadImageError]:
    height, width = batch.greys.shape[1:]
    for grey, source in zip(batch.greys, batch.sources, strict=True):
        if (height, width) == (_SIDE, _SIDE):
            yield grey, batch.notes
        else:
            problem = f"has {width} x {height} pixels, and --raw takes 28 x 28"
            yield BadImageError(source, problem, hint="leave --raw away")


def _conformed(
    batch: Batch,
) -> Iterator[tuple[NDArray[np.uint8], tuple[str, ...]] | BadImageError]:
    from mnistcli.images.conform import conform, is_mnist_like

    is_like = np.zeros(len(batch.greys), dtype=bool)
    if batch.greys.shape[1:] == (_SIDE, _SIDE):
        is_like = is_mnist_like(batch.greys)  # at once: a thousand images cost as much as one
    for grey, source, like in zip(batch.greys, batch.sources, is_like.tolist(), strict=True):
        if like:
            yield grey, batch.notes
            continue
        try:
            conformed = conform(grey, source=source)
        except BadImageError as error:
            yield error
        else:
            yield conformed.image, batch.notes + conformed.steps
