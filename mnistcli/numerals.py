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
    """One digit of a picture and its answer."""

    answer: str  # the most probable class
    probability: float  # of that class
    probabilities: NDArray[np.float64]
    box: Box  # top, bottom, left, right, in pixels of the picture
    image: Grey  # what the model saw
    line: int  # on which it stands, from 0


def read_numbers(
    model: Model, grey: Grey, *, source: str = "image"
) -> tuple[tuple[DigitRead, ...], ...]:
    """Read all digits of a picture in reading order, line by line.

    The picture, called ``source`` in errors, has any size, dark on light or light on dark. Raises
    BadImageError where there is no digit in it.
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
