"""Read numbers: every digit of a picture, line by line."""

import contextlib
import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mnistcli.arrays import Float64s
from mnistcli.conforming.placing import PlacedDigit, find_strokes
from mnistcli.conforming.types import Box
from mnistcli.display import Displayed
from mnistcli.errors import BadImageError, CorruptFileError, DataUnavailableError
from mnistcli.linear_model.classifier import probabilities_of
from mnistcli.pictures import Grey, grey_levels
from mnistcli.registry.model_file import Model
from mnistcli.registry.store import load_model

# What looks less like two digits, and is no wider for its height, is one and not cut: 19 in 20 digits,
# and hardly any that touch.
DOUBTFUL, WIDEST = -3.0, 1.3
# In a picture that may be of one digit they are several only if they are less typical than this, and
# no narrower. Models of other features are less sure of what is like the images that they know.
UNUSUAL, STRANGE, LEAST_PAIR = 0.01, 0.1, 0.8

# What a digit costs, in nats, fitted to strings of MNIST's training images that touch, so that what
# they say is most probable (Lafferty, McCallum and Pereira, Conditional random fields, 2001).
# Each, and what all strokes that stand together make; where no others are, as much as it looks like two.
EACH_COST, WHOLE_COST, ALONE_COST = 2.75, -1.4, 4.2
# What it is lower than its line, and wider than that is high, as logarithms.
LOW_COST, WIDE_COST = 1.5, 6.0
# Its score, as far as the last, and the logarithm of its probability.
SCORE_COST, HIGH_SCORE, SURPRISE_COST = -0.25, 25.0, 0.5
# Each power of ten that it is less typical, as far as the last, and how much it looks like two.
UNTYPICAL_COST, LEAST_TYPICAL, PAIRED_COST = 1.3, 1e-4, 1.0

_Span = tuple[int, int]
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


class _Seen(NamedTuple):
    """Strokes that may be a digit, and what a model says of them."""

    placed: PlacedDigit
    score: float  # the largest
    probabilities: Float64s
    typicality: float
    pairedness: float


def read_numbers(
    model: Model | str, grey: ArrayLike, *, source: str = "image"
) -> tuple[tuple[DigitRead, ...], ...]:
    """Read all digits of a picture in reading order, line by line.

    The picture, called ``source`` in errors, is as `mnistcli.conform` takes it. Raises BadImageError
    where there is no digit in it, UsageError for what is no grey picture.
    """
    grey = grey_levels(grey, is_one=True)
    lines, model = find_strokes(grey, source), load_model(model)
    judge = model if _knows_patches(model) else _builtin()
    strokes = [each for line in lines for each in line]
    found = _seen(judge, [each.digits(in_parts=False) for each in strokes])
    doubtful = [i for i, each in enumerate(found) if _may_be_several(each[0, 1])]
    parted = _seen(judge, [strokes[i].digits(in_parts=True) for i in doubtful])
    for i, each in zip(doubtful, parted, strict=True):
        found[i] = each
    of_strokes, chosen = iter(found), []
    for line in lines:
        together = [next(of_strokes) for _ in line]
        height = max(seen.placed.box.height for each in together for seen in each.values())
        digits: dict[_Span, _Seen] = {}
        for each in together:
            for span in _best_path(_costs(each, height, is_alone=len(strokes) == 1)):
                digits[len(digits), 0] = each[span]
        chosen.append(digits)
    if judge is not model:
        chosen = _seen(model, [{at: seen.placed for at, seen in each.items()} for each in chosen])
    return tuple(
        tuple(_digit_read(model, seen, line) for seen in each.values())
        for line, each in enumerate(chosen)
    )


def n_touching(model: Model, image: Grey, typicality: float, pairedness: float, grey: Grey) -> int:
    """Count the digits of a picture that may touch, where its image is unlike one digit.

    Models of patches tell. Others are as sure of anything: of what is strange to them builtin is
    asked in their place, where it can be read.
    """
    knows_patches = _knows_patches(model)
    # At another size nothing may stand out.
    with contextlib.suppress(BadImageError, CorruptFileError, DataUnavailableError):
        if not knows_patches and not typicality > STRANGE:
            model, knows_patches = _builtin(), True
            _, (typicality,), (pairedness,) = model.look_at(image[None])
        height, width = (np.count_nonzero(image.any(axis=axis)) for axis in (1, 0))
        is_unlike_one = not typicality > UNUSUAL and width >= LEAST_PAIR * height
        if knows_patches and (is_unlike_one or pairedness > 0):
            return max(sum(map(len, read_numbers(model, grey))), 1 + bool(pairedness > 0))
    return 1


def _knows_patches(model: Model) -> bool:
    names = model.card.class_names
    return model.card.feature_spec.kind == "patches" and len(names) > 2 and "".join(names).isdigit()


def _seen(model: Model, strokes: list[dict[_Span, PlacedDigit]]) -> list[dict[_Span, _Seen]]:
    """Show a model, all at once, what strokes may be."""
    if not strokes:
        return []
    images = np.stack([placed.image for spans in strokes for placed in spans.values()])
    scores, *known = model.look_at(images)
    best = scores.reshape(len(images), -1).max(axis=1)
    answers = zip(best, probabilities_of(scores), *known, strict=True)
    return [
        {span: _Seen(placed, *next(answers)) for span, placed in spans.items()} for spans in strokes
    ]


def _may_be_several(seen: _Seen) -> bool:
    box = seen.placed.box
    return not seen.pairedness <= DOUBTFUL or box.width > WIDEST * box.height


def _digit_read(model: Model, seen: _Seen, line: int) -> DigitRead:
    placed, row = seen.placed, seen.probabilities
    k = int(row.argmax())
    answer, probability = model.card.class_names[k], float(row[k])
    share = float(seen.typicality)
    return DigitRead(answer, probability, row, placed.box, placed.image, line, share)


def _costs(digits: dict[_Span, _Seen], height: float, *, is_alone: bool) -> dict[_Span, float]:
    """Return what digits cost on a line of that height; the first of them is all strokes."""
    whole = next(iter(digits))
    costs = {}
    for span, seen in digits.items():
        box, row = seen.placed.box, seen.probabilities
        # What is not known is no reason.
        decades = -math.log10(max(LEAST_TYPICAL, np.nan_to_num(seen.typicality, nan=1.0)))
        twoness = max(0.0, seen.pairedness)
        costs[span] = (
            EACH_COST
            + LOW_COST * math.log(height / box.height)
            + WIDE_COST * max(0.0, math.log(box.width / height))
            + SCORE_COST * min(seen.score, HIGH_SCORE)
            - SURPRISE_COST * math.log(max(float(row.max()), 1e-9))
            + UNTYPICAL_COST * decades
            + PAIRED_COST * twoness
        )
        if span == whole:
            costs[span] += WHOLE_COST + (ALONE_COST * twoness if is_alone else 0.0)
    return costs


def _best_path(costs: dict[_Span, float]) -> list[_Span]:
    """Choose the cheapest way to part strokes into digits: a shortest path."""
    paths: dict[int, tuple[float, list[_Span]]] = {0: (0.0, [])}
    for (start, stop), cost in sorted(costs.items()):
        if start in paths:
            before, path = paths[start]
            if stop not in paths or before + cost < paths[stop][0]:
                paths[stop] = before + cost, [*path, (start, stop)]
    return paths[max(paths)][1]
