"""Read numbers: every digit of a picture, line by line."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mnistcli.conforming.placing import conform_spans
from mnistcli.conforming.types import Box
from mnistcli.display import Displayed
from mnistcli.linear_model.classifier import classes_of, probabilities_of
from mnistcli.pictures import Grey
from mnistcli.registry.model_file import Model

# Most of MNIST's digits are no wider than this for their height, few by more than this.
USUAL_WIDTH, WIDTH_DEVIATION = 1.1, 0.2
# Digits touch at one stroke: what it costs to cut through as much ink as the digit is high.
INK_COST = 12
# Touching digits are about as high as each other.
LEAST_HEIGHT, HEIGHT_DEVIATION = 0.6, 0.1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DigitRead(Displayed):
    """One digit of a picture and its answer."""

    answer: str  # the most probable class
    probability: float  # of that class
    probabilities: NDArray[np.float64]
    box: Box  # top, bottom, left, right, in pixels of the picture
    image: Grey  # what the model saw
    line: int  # on which it stands, from 0
    typicality: float | None = None  # as in `prediction.Predictions`


def read_numbers(
    model: Model, grey: Grey, *, source: str = "image"
) -> tuple[tuple[DigitRead, ...], ...]:
    """Read all digits of a picture in reading order, line by line.

    The picture, called ``source`` in errors, has any size, dark on light or light on dark. Raises
    BadImageError where there is no digit in it.
    """
    lines = conform_spans(grey, source)
    placed = [digit for line in lines for spans in line for digit in spans.values()]
    scores = model.classifier.decision_function(np.stack([digit.image for digit in placed]))
    answers = iter(zip(classes_of(scores).tolist(), probabilities_of(scores), strict=True))
    names = model.card.class_names
    read: list[list[DigitRead]] = []
    for number, line in enumerate(lines):
        digits: list[DigitRead] = []
        for spans in line:
            found = {}
            for span, digit in spans.items():
                k, row = next(answers)
                found[span] = DigitRead(
                    names[k], float(row[k]), row, digit.box, digit.image, number
                )
            cuts = {start: digit.cut for (start, _), digit in spans.items()}
            digits += _best_path(found, cuts)
        read.append(digits)
    chosen = np.stack([digit.image for digits in read for digit in digits])
    known = model.look_at(chosen)[1]
    shares: Iterator[float | None] = (
        itertools.repeat(None) if known is None else iter(known.tolist())
    )
    return tuple(
        tuple(replace(digit, typicality=next(shares)) for digit in digits) for digits in read
    )


def _best_path(digits: dict[tuple[int, int], DigitRead], cuts: dict[int, float]) -> list[DigitRead]:
    """Choose the most probable way to part strokes into digits: a shortest path.

    A digit costs the logarithm of its probability, and more where its shape is not a digit's.
    """
    (_, end), whole = next(iter(digits.items()))
    paths: dict[int, tuple[float, list[DigitRead]]] = {0: (0.0, [])}
    for (start, stop), digit in sorted(digits.items()):
        if start not in paths:
            continue
        cost, path = paths[start]
        cost += _cost(digit, whole) + INK_COST * cuts[start]
        if stop not in paths or cost < paths[stop][0]:
            paths[stop] = cost, [*path, digit]
    return paths[end][1]


def _cost(digit: DigitRead, whole: DigitRead) -> float:
    box = digit.box
    too_wide = max(0.0, box.width / box.height - USUAL_WIDTH) / WIDTH_DEVIATION
    too_low = max(0.0, LEAST_HEIGHT - box.height / whole.box.height) / HEIGHT_DEVIATION
    return (too_wide**2 + too_low**2) / 2 - math.log(max(digit.probability, 1e-9))
