"""Pictures to look at: digits, what a class looks like on average, what a model looks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistcli.errors import UsageError
from mnistcli.tasks import ALL_DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mnistcli.datasets import LabelledImages
    from mnistcli.evaluation import JudgedModel
    from mnistcli.registry.model_file import Model

_SIDE = 28
_LARGEST_SIDE = 56


@dataclass(frozen=True, slots=True, eq=False)
class Exhibit:
    """A picture and what it is.

    Attributes
    ----------
    image : ndarray of shape (height, width)
        uint8 for grey, 0 black; float64 in [-1, 1] for signed values.
    caption : str
    facts : dict
        What is known of it, for JSON.
    """

    image: NDArray[Any]
    caption: str
    facts: dict[str, Any]


def digits_at(part: LabelledImages, indices: Sequence[int]) -> tuple[Exhibit, ...]:
    """Pick images by index.

    Raises
    ------
    UsageError
        There is no such index.
    """
    n = len(part.labels)
    for index in indices:
        if not 0 <= index < n:
            raise UsageError(f"there is no image {index}", hint=f"they go from 0 to {n - 1}")
    return tuple(_digit(part, index) for index in indices)


def some_digits(
    part: LabelledImages, count: int, *, digit: int | None = None, seed: int | None = None
) -> tuple[Exhibit, ...]:
    """Pick the first ``count`` images, of one digit if asked; with a seed random ones."""
    wanted = np.arange(len(part.labels))
    if digit is not None:
        wanted = np.flatnonzero(part.labels == digit)
    if seed is not None:
        wanted = np.random.default_rng(seed).permutation(wanted)
    return tuple(_digit(part, int(index)) for index in wanted[:count])


def _digit(part: LabelledImages, index: int) -> Exhibit:
    label = int(part.labels[index])
    facts = {"index": index, "label": label}
    return Exhibit(part.images[index], f"#{index}: {label}", facts)


def mean_digits(part: LabelledImages, digits: Sequence[int]) -> tuple[Exhibit, ...]:
    """Average all the images of each digit."""
    exhibits = []
    for digit in digits:
        members = np.flatnonzero(part.labels == digit)
        # Boolean indexing copies 5 MB a class; the mean itself is taken in float64.
        mean = part.images[members].mean(axis=0) if len(members) else np.zeros((_SIDE, _SIDE))
        facts = {"digit": digit, "n_images": len(members)}
        caption = f"mean {digit} ({len(members):,})"
        exhibits.append(Exhibit(np.round(mean).astype(np.uint8), caption, facts))
    return tuple(exhibits)


def weight_images(model: Model) -> tuple[Exhibit, ...]:
    """Draw the weights of each output, all on one scale so that they can be compared.

    One picture for two classes, where positive weights speak for class 1, else one for each class,
    or for each pair of classes.

    Raises
    ------
    UsageError
        The model does not look at pixels.
    """
    coef = model.classifier.coef
    if coef.shape[1] != _SIDE * _SIDE:
        raise UsageError(
            f"{model.ref} looks at {coef.shape[1]:,} features, not at pixels",
            hint=f"see what they are: mnistcli show --filters {model.ref}",
        )
    largest = float(np.abs(coef).max()) or 1.0
    return tuple(
        Exhibit(
            weights.reshape(_SIDE, _SIDE) / largest,
            f"for {name}, against {other}" if other else f"for {name}",
            {"class": name, "against": other or None, "largest_weight": largest},
        )
        for (name, other), weights in zip(model.classifier.output_names(), coef, strict=True)
    )


def filter_images(model: Model) -> tuple[Exhibit, ...]:
    """Draw the patches that a model looks for, each on its own scale.

    Raises
    ------
    UsageError
        The model looks at pixels.
    """
    features = model.classifier.features
    learned = features.arrays() if features else {}
    if not learned:
        raise UsageError(
            f"{model.ref} looks at pixels, it has no filters",
            hint="train one that has: mnistcli train --task digits --preset better",
        )
    exhibits = []
    for side in model.card.feature_spec.sides:
        for i, weights in enumerate(learned[f"filters{side}"]):
            image = weights.reshape(side, side).astype(np.float64)
            facts = {"side": side, "index": i}
            exhibits.append(Exhibit(image / np.abs(image).max(), f"{side} x {side} #{i}", facts))
    return tuple(exhibits)


def mistakes_of(judged: JudgedModel) -> tuple[Exhibit, ...]:
    """Give a model's mistakes with the right and the wrong answer, the worst first."""
    return tuple(
        Exhibit(
            mistake.image,
            f"#{mistake.index}: {mistake.truth} not {mistake.answer} ({_sure(mistake.p_answer)})",
            {
                "index": mistake.index,
                "truth": mistake.truth,
                "answer": mistake.answer,
                "p_truth": mistake.p_truth,
                "p_answer": mistake.p_answer,
            },
        )
        for mistake in judged.mistakes
    )


def _sure(probability: float) -> str:
    return ">99%" if probability > 0.99 else f"{probability:.0%}"


def pictures_in(path: Path) -> Iterator[Exhibit]:
    """Give the pictures in a file of one's own, shrunk to fit a terminal.

    Raises
    ------
    BadImageError
        The file is no picture.
    """
    from PIL import Image

    from mnistcli.pictures.read import read_pictures

    for picture in read_pictures(path):
        image = Image.fromarray(picture.grey)
        image.thumbnail((_LARGEST_SIDE, _LARGEST_SIDE), Image.Resampling.BOX)
        height, width = picture.grey.shape
        facts = {"source": picture.source, "height": height, "width": width}
        yield Exhibit(np.asarray(image), f"{picture.source}: {width} x {height}", facts)


def parse_digit(text: str) -> int:
    """Read one digit."""
    if len(text) != 1 or text not in ALL_DIGITS:
        raise UsageError(f"{text!r} is not a digit", hint="a digit is one of 0 to 9")
    return int(text)
