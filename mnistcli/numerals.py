"""Read numbers: every digit of a picture, line by line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnistcli.conforming.placing import conform_lines
from mnistcli.linear_model.classifier import classes_of, probabilities_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistcli.conforming.types import Box
    from mnistcli.pictures import Grey
    from mnistcli.registry.model_file import Model


@dataclass(frozen=True, slots=True, eq=False)
class DigitRead:
    """One digit of a picture and its answer.

    Attributes
    ----------
    answer : str
        The name of the most probable class.
    probability : float
        Of that class.
    probabilities : ndarray of shape (n_classes,), float64
    box : Box
        Where the digit lies: top, bottom, left, right, in pixels of the picture.
    image : ndarray of shape (28, 28), uint8
        What the model saw.
    line : int
        Which line of the picture it stands on, from 0.
    """

    answer: str
    probability: float
    probabilities: NDArray[np.float64]
    box: Box
    image: Grey
    line: int


def read_numbers(
    model: Model, grey: Grey, *, source: str = "image"
) -> tuple[tuple[DigitRead, ...], ...]:
    """Read all digits of a picture in reading order.

    Parameters
    ----------
    model : Model
    grey : ndarray of shape (height, width), uint8
        Any size, dark on light or light on dark.
    source : str
        How to name the picture in an error.

    Returns
    -------
    tuple of lines, each a tuple of DigitRead from left to right

    Raises
    ------
    BadImageError
        There is no digit in it.
    """
    lines = conform_lines(grey, source=source)
    images = np.stack([digit.image for line in lines for digit in line])
    scores = model.classifier.decision_function(images)
    answers = iter(zip(classes_of(scores).tolist(), probabilities_of(scores), strict=True))
    names = model.card.class_names
    read = []
    for number, line in enumerate(lines):
        digits = []
        for digit, (k, row) in zip(line, answers, strict=False):
            digits.append(DigitRead(names[k], float(row[k]), row, digit.box, digit.image, number))
        read.append(tuple(digits))
    return tuple(read)
