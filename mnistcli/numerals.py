"""Read numbers: every digit of a picture, line by line."""

import contextlib
import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mnistcli.arrays import Float64s
from mnistcli.conforming.grouping import LEAST_PAIR
from mnistcli.conforming.placing import conform_spans
from mnistcli.conforming.types import Box
from mnistcli.display import Displayed
from mnistcli.errors import BadImageError, CorruptFileError, DataUnavailableError
from mnistcli.linear_model.classifier import classes_of, probabilities_of
from mnistcli.pictures import Grey, grey_levels
from mnistcli.registry.model_file import Model
from mnistcli.registry.store import load_model

# Fitted to strings of MNIST's training images that touch. A digit costs more, in nats, the less its
# shape is a digit's: the logarithm of width through height has this mean and deviation.
SHAPE, SHAPE_OF_1 = (-0.27, 0.25), (-0.94, 0.48)
SHAPE_COST, WORST_SHAPE = 1.4, 10.0
# What it costs to cut through as much ink as the digit is high, where answers are sure of anything.
INK_COST = 12.0
# A model of patches gives most digits a score of at least the first, and a much lower one to anything
# else, of which it may be just as sure. So scores count, and cuts less.
HIGH_SCORE, NO_COST, SCORE_COST, INK_COST_BESIDE_SCORES = 15.0, 17.5, 0.52, 3.0
# What is less typical than this costs more with each power of ten, as far as the last. Strokes that
# stand alone are one digit if they are typical, and several if they are not and their parts are;
# in a row a digit may be strange.
UNUSUAL, WHOLE_UNUSUAL_COST, PART_UNUSUAL_COST, LEAST_TYPICAL = 0.01, 10.0, 4.0, 1e-4
# Models of other features are less sure of what is like the images that they know.
STRANGE = 0.1
# They cost more, too, the more they look like two, and what does so rather than like one is no
# more usual than this.
PAIRED_COST, PAIRED_DECADES = 4.0, 1.0

_builtin = functools.cache(functools.partial(load_model, "builtin"))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DigitRead(Displayed):
    """One digit of a picture and its answer."""

    answer: str  # the most probable class
    probability: float  # of that class
    probabilities: Float64s
    box: Box  # top, bottom, left, right, in pixels of the picture
    image: Grey  # what the model saw
    line: int  # on which it stands, from 0
    typicality: float = math.nan  # as in `prediction.Prediction`


def read_numbers(
    model: Model | str, grey: ArrayLike, *, source: str = "image"
) -> tuple[tuple[DigitRead, ...], ...]:
    """Read all digits of a picture in reading order, line by line.

    The picture, called ``source`` in errors, is as `mnistcli.conform` takes it. Raises BadImageError
    where there is no digit in it, UsageError for what is no grey picture.
    """
    grey = grey_levels(grey, is_one=True)
    lines, model = conform_spans(grey, source), load_model(model)
    placed = [digit for line in lines for spans in line for digit in spans.values()]
    scores, *known = model.look_at(np.stack([digit.image for digit in placed]))
    told = (each.tolist() for each in (classes_of(scores), *known))
    answers = zip(probabilities_of(scores), scores, *told, strict=True)
    knows_patches = _knows_patches(model)
    is_alone = sum(map(len, lines)) == 1 and knows_patches and model.typicality is not None
    ink_cost = INK_COST_BESIDE_SCORES if knows_patches else INK_COST
    names = model.card.class_names
    read: list[tuple[DigitRead, ...]] = []
    for number, line in enumerate(lines):
        digits: list[DigitRead] = []
        for spans in line:
            found = {}
            whole = next(iter(spans))
            for span, digit in spans.items():
                row, score, k, share, twoness = next(answers)
                one = DigitRead(names[k], float(row[k]), row, digit.box, digit.image, number, share)
                cost = _shape_cost(one) + ink_cost * digit.cut
                decades = math.log10(UNUSUAL / max(share, LEAST_TYPICAL)) if is_alone else 0.0
                if is_alone and span == whole:
                    decades = max(decades, PAIRED_DECADES) if twoness > 0 else decades
                    cost += WHOLE_UNUSUAL_COST * decades + PAIRED_COST * twoness
                elif knows_patches:
                    cost += SCORE_COST * (NO_COST - min(float(score.max()), HIGH_SCORE))
                    cost += PART_UNUSUAL_COST * max(decades, 0.0)
                else:
                    cost -= math.log(max(one.probability, 1e-9))
                found[span] = one, cost
            digits += _best_path(found)
        read.append(tuple(digits))
    return tuple(read)


def n_touching(model: Model, image: Grey, typicality: float, pairedness: float, grey: Grey) -> int:
    """Count the digits of a picture that may touch, where its image is unlike one digit.

    Models of patches tell. Others are as sure of anything: of what is strange to them builtin is
    asked in their place, where it can be read.
    """
    knows_patches = _knows_patches(model)
    is_paired = knows_patches and pairedness > 0
    if not is_paired and typicality > (UNUSUAL if knows_patches else STRANGE):
        return 1
    height, width = (np.count_nonzero(image.any(axis=axis)) for axis in (1, 0))
    # At another size nothing may stand out.
    with contextlib.suppress(BadImageError, CorruptFileError, DataUnavailableError):
        if not knows_patches:
            _, (share,), (twoness,) = _builtin().look_at(image[None])
            return n_touching(_builtin(), image, share, twoness, grey)
        if is_paired or width >= LEAST_PAIR * height:
            return max(sum(map(len, read_numbers(model, grey))), 1 + is_paired)
    return 1


def _knows_patches(model: Model) -> bool:
    names = model.card.class_names
    return model.card.feature_spec.kind == "patches" and len(names) > 2 and "".join(names).isdigit()


def _shape_cost(digit: DigitRead) -> float:
    mean, deviation = SHAPE_OF_1 if digit.answer == "1" else SHAPE
    z = (math.log(digit.box.width / digit.box.height) - mean) / deviation
    if digit.answer == "1":
        z = max(z, 0.0)  # a 1 may be any narrower
    return SHAPE_COST * min(z * z / 2, WORST_SHAPE)


def _best_path(digits: dict[tuple[int, int], tuple[DigitRead, float]]) -> list[DigitRead]:
    """Choose the cheapest way to part strokes into digits: a shortest path."""
    end = max(stop for _, stop in digits)
    paths: dict[int, tuple[float, list[DigitRead]]] = {0: (0.0, [])}
    for (start, stop), (digit, cost) in sorted(digits.items(), key=lambda item: item[0]):
        if start not in paths:
            continue
        before, path = paths[start]
        if stop not in paths or before + cost < paths[stop][0]:
            paths[stop] = before + cost, [*path, digit]
    return paths[end][1]
