"""Read numbers: every digit of a picture, line by line."""

import contextlib
import math
import operator
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from mnistcli.arrays import Float32s, Float64s, Floats
from mnistcli.conforming.clearing import LEFT_OUT
from mnistcli.conforming.grouping import lines_of
from mnistcli.conforming.placing import PlacedDigit, Strokes, find_strokes
from mnistcli.conforming.segmentation import LARGE_SIDE, WIDEST_DIGIT
from mnistcli.conforming.types import Box
from mnistcli.display import Displayed
from mnistcli.errors import BadImageError, CorruptFileError, DataUnavailableError
from mnistcli.features.geometry import moments
from mnistcli.features.typicality import UNLIKE_BELOW, is_unlike
from mnistcli.linear_model.classifier import probabilities_of
from mnistcli.pictures import Grey, grey_levels
from mnistcli.registry.model_file import Model
from mnistcli.registry.store import builtin_model, load_model

# What looks less like two digits, and is no wider for its height, is one and not cut: 19 in 20
# digits, and hardly any that touch.
DOUBTFUL, WIDEST = -3.0, 1.3
# What looks more like two than this is suspect.
SUSPECT = -2.0
# A part of strokes is no digit if it is lower than such a share of the height of those beside it; of
# strokes that were given as one digit, of their own. A hook ends so much above the foot of its digit.
PART_HEIGHT, LONE_PART_HEIGHT, HOOK_END = 0.55, 0.5, 0.25
# What is so probable as a whole is one where it is the same without a stroke cut off its end.
SURE = 0.8
# A picture that is given as one digit is looked at again where it is doubtful or, where a model
# knows no pairs, less typical; it is one where that costs so much less, in nats.
STRANGE, CHEAPER = 0.1, 0.5

# Digits that are less typical than the first of these, as a geometric mean, are looked at from all
# sides; the page is read from one if they are more typical from there than the second, and than
# they were by such a factor.
TURNED, UPRIGHT, MORE_TYPICAL = 0.16, 0.12, 2.0
# Upside down these are digits as well; of others there must be such a share on a page that is.
DIGITS_EITHER_WAY, TELLING = (0, 1, 6, 8, 9), 0.25

# Not a digit: less typical, and beside others lower or higher than so many times their height.
ABOUT_AS_HIGH = np.array([0.5, 1.6])
# ... and than so many times the highest of them.
HIGHER = 1.25
# So many are words that are less typical, as a geometric mean.
LEAST_WORD, WORDS = 3, 0.03
# A page of so many pieces that are less typical is one of words, of which none is cut: digits that
# touch make a few of them less typical, not all.
MANY = 50

# What a digit costs, in nats, fitted to strings of MNIST's training images that touch, so that what
# they say is most probable (Lafferty, McCallum and Pereira, Conditional random fields, 2001).
# Each, and what all strokes that stand together make; where no others are, how much it is suspect.
EACH_COST, WHOLE_COST, SUSPECT_COST = 2.75, -1.4, 1.5
# What it is lower than its line, and wider than that is high, as logarithms.
LOW_COST, WIDE_COST = 1.5, 6.0
# Its score, as far as the last, and the logarithm of its probability.
SCORE_COST, HIGH_SCORE, SURPRISE_COST = -0.25, 25.0, 0.5
# Each power of ten that it is less typical, as far as the last, and how much it is suspect.
UNTYPICAL_COST, LEAST_TYPICAL, PAIRED_COST = 1.3, 1e-4, 1.0

# Ones of one hand lean alike: by columns per row at most. They are so wide, as a standard deviation
# of where their ink is, once they are upright.
LEANING, STROKE_WIDTH = 0.3, 2.2

_Span = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DigitAnswer(Displayed):
    """One digit of a picture, and the answer for it."""

    image: Grey  # what the model saw, (28, 28)
    answer: str  # the most probable class, or `prediction.ABSTAINED`
    best: str  # the most probable class
    probability: float  # of that class
    probabilities: Float64s
    typicality: float  # see `prediction.Predictions`; NaN where not known
    box: Box  # in pixels of the picture; all of it where one digit was read
    line: int = 0  # on which it stands, from 0

    @classmethod
    def of(
        cls, model: Model, image: Grey, row: Float64s, typicality: float, box: Box, line: int = 0
    ) -> "DigitAnswer":
        """Return the most probable class of an image, by the row of their probabilities."""
        k = int(row.argmax())
        best = model.card.class_names[k]
        return cls(image, best, best, float(row[k]), row, typicality, box, line)

    @property
    def is_sure(self) -> bool:
        """Whether it was answered."""
        return self.answer == self.best


class _Seen(NamedTuple):
    """Strokes that may be a digit, and what a model says of them."""

    placed: PlacedDigit
    score: float  # the largest
    probabilities: Float64s
    typicality: float
    pairedness: Float32s  # side by side, and one above the other

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.placed.box.height


def read_numbers(
    model: Model | str, grey: "ArrayLike", *, source: str = "image"
) -> tuple[tuple[DigitAnswer, ...], ...]:
    """Read all digits of a picture in reading order, line by line.

    The picture, called ``source`` in errors, is as `mnistcli.conform` takes it. Raises
    BadImageError where there is no digit in it, UsageError for what is no grey picture.
    """
    grey = grey_levels(grey, is_one=True)
    return find_numbers(load_model(model), grey, source)[0]


def find_numbers(
    model: Model, grey: Grey, source: str
) -> tuple[tuple[tuple[DigitAnswer, ...], ...], tuple[str, ...]]:
    """Read all digits of a picture, see `read_numbers`, and say what ink was left out."""
    judge = model if _knows_pairs(model) else builtin_model()
    turn, strokes = 0, find_strokes(grey, source)
    found = _digits_of(judge, strokes)
    if (usual := _typicality(found)) < TURNED and (k := _turn_of(judge, strokes, found)):
        with contextlib.suppress(BadImageError):  # turned, it may have no line of digits
            turned = find_strokes(np.rot90(grey, k), source)
            digits = _digits_of(judge, turned)
            # Nobody writes a number on its side, digit below digit.
            is_column = max(map(len, digits)) == 1 < max(map(len, found))
            if not is_column and _typicality(digits) > max(usual, UPRIGHT):
                turn, strokes, found = k, turned, digits
    if not (lines := _without_strange(found)):
        hint = "cut out the part that holds numbers"
        raise BadImageError(source, "holds words or drawings rather than digits", hint=hint)
    notes = tuple(step for step in strokes[0][0].page.steps if step in LEFT_OUT)
    if turn:
        notes += (f"turned by {90 * turn} degrees",)
    if n_left := sum(map(len, found)) - sum(map(len, lines)):
        notes += (f"left out, unlike digits: {n_left}",)
    if judge is not model:
        placed = [{(i, i): each.placed for i, each in enumerate(line)} for line in lines]
        lines = [list(seen.values()) for seen in _seen(model, placed)]

    def read(seen: _Seen, line: int) -> DigitAnswer:
        box, share = seen.placed.box.turned_back(turn, *grey.shape), float(seen.typicality)
        return DigitAnswer.of(model, seen.placed.image, seen.probabilities, share, box, line)

    return tuple(tuple(read(seen, n) for seen in line) for n, line in enumerate(lines)), notes


def _without_strange(lines: list[list[_Seen]]) -> list[list[_Seen]]:
    """Leave out words, and what is neither like a digit nor about as high as what is.

    A few lines that are like words throughout may still be numbers, badly written, but for what is
    wider than any digit.
    """
    no_words = [line for line in lines if len(line) < LEAST_WORD or _typicality([line]) >= WORDS]
    if no_words or sum(map(len, lines)) >= MANY:
        lines = no_words
    digits = [seen for line in lines for seen in line if not is_unlike(seen.typicality)]
    if not digits:
        kept = [
            [seen for seen in line if seen.placed.box.width <= WIDEST_DIGIT * seen.height]
            for line in lines
        ]
        return [line for line in kept if line]
    heights = np.array([seen.height for seen in digits])
    low, high = np.median(heights) * ABOUT_AS_HIGH
    high = max(high, HIGHER * heights.max())
    kept = [
        [seen for seen in line if not is_unlike(seen.typicality) or low <= seen.height <= high]
        for line in lines
    ]
    return [line for line in kept if line]


def _turn_of(judge: Model, strokes: list[list[Strokes]], lines: list[list[_Seen]]) -> int:
    """Return by how many quarters a page has to be turned, as far as images of its digits tell.

    Strokes may have been cut where no digits meet, and are looked at as they are.
    """
    wholes = [each.digits(in_parts=False) for line in strokes for each in line]
    images = [placed.image for whole in wholes for placed in whole.values()]
    shares = [MORE_TYPICAL * _typicality(lines)]
    for k in (1, 2, 3) if len(images) > 1 else ():
        # The centre of mass, at 14, comes to lie at 13.
        turned = np.roll(np.rot90(images, k, axes=(1, 2)), (k < 3, k > 1), axis=(1, 2))
        scores, typicality, _ = judge.look_at(turned)
        answers = scores[~(typicality < UNLIKE_BELOW)].argmax(axis=1)
        tells = ~np.isin(answers, DIGITS_EITHER_WAY)
        is_either = k == 2 and tells.sum() < TELLING * len(images)
        shares.append(0.0 if is_either else _mean(typicality))
    return int(np.argmax(shares))


def _typicality(lines: list[list[_Seen]]) -> float:
    """Return how typical digits are on average."""
    return _mean(np.array([seen.typicality for line in lines for seen in line]))


def _mean(typicality: Floats) -> float:
    """Return the geometric mean."""
    return math.exp(np.log(typicality.clip(LEAST_TYPICAL)).mean())


def _digits_of(judge: Model, lines: list[list[Strokes]], cheaper: float = 0.0) -> list[list[_Seen]]:
    """Return the digits that a model of patches sees, line by line; one where that is cheaper."""
    strokes = [each for line in lines for each in line]
    found = [[each] for each in _seen(judge, [each.digits(in_parts=False) for each in strokes])]
    wholes = [list(each.values()) for (each,) in found]
    is_text = len(found) >= MANY and _typicality(wholes) < WORDS
    for i, ((whole,), those) in enumerate(zip(wholes, strokes, strict=True)):
        if not is_text and ((whole.pairedness > DOUBTFUL).any() or _is_wide(whole)):
            # What was given as one digit, and is no wider, is one or two as it looks like two.
            in_two = cheaper > 0 and not _is_wide(whole)
            beside, above = whole.pairedness > DOUBTFUL if in_two else (True, True)
            parts = those.digits(in_parts=beside, in_two=in_two)
            found[i] = _seen(judge, [parts, *(those.stacks() if above else ())])
    chosen, rest = list[list[_Seen]](), iter(found)
    for line in lines:
        together = [next(rest) for _ in line]
        height = max(seen.height for ways in together for seen in ways[0].values())
        sure = [seen.height for each, *_ in together if len(each) == 1 for seen in each.values()]
        least = PART_HEIGHT * float(np.median(sure)) if len(sure) > 1 else 0.0
        together = [_without_low(ways, least) for ways in together]
        cheapest = [_cheapest(ways, height, cheaper, is_alone=len(found) == 1) for ways in together]
        chosen.append([seen for way in cheapest for seen in way])
    if any(len(ways) > 1 for ways in found):
        of_boxes = {seen.placed.box: seen for line in chosen for seen in line}
        chosen = [[of_boxes[box] for box in line] for line in lines_of(list(of_boxes))]
    return chosen


def _without_low(ways: list[dict[_Span, _Seen]], least: float) -> list[dict[_Span, _Seen]]:
    """Leave out the ways in which strokes have a part that is lower than so much."""
    digits, *stacks = ways
    whole = 0, max(stop for _, stop in digits)
    high = {span: seen for span, seen in digits.items() if span == whole or seen.height >= least}
    return [high, *(each for each in stacks if all(seen.height >= least for seen in each.values()))]


def n_touching(
    model: Model, image: Grey, typicality: float, pairedness: Sequence[float], grey: Grey
) -> int:
    """Count the digits of a picture that may touch, where its image looks like two.

    Models of pixels are as sure of anything: of what is strange to them builtin is asked in their
    place, where it can be read.
    """
    # At another size nothing may stand out.
    with contextlib.suppress(BadImageError, CorruptFileError, DataUnavailableError):
        if not _knows_pairs(model):
            if typicality > STRANGE:
                return 1
            model = builtin_model()
            _, _, (pairedness,) = model.look_at(image[None])
        if max(pairedness) > DOUBTFUL:
            # As many pixels as one digit was found with are enough, and take half the time.
            lines = find_strokes(grey, "", LARGE_SIDE)
            n = sum(map(len, _digits_of(model, lines, CHEAPER)))
            return max(n, 1 + bool(max(pairedness) > 0))
    return 1


def _knows_pairs(model: Model) -> bool:
    return model.card.knows_pairs and "".join(model.card.class_names) == string.digits


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


def _is_wide(seen: _Seen) -> bool:
    return seen.placed.box.width > WIDEST * seen.placed.box.height


def _cheapest(
    ways: list[dict[_Span, _Seen]], height: float, cheaper: float, *, is_alone: bool
) -> list[_Seen]:
    """Choose what strokes on a line of that height are: one digit where that is cheaper by so much.

    The first way holds all digits that they may be, the others two, one above the other.
    """
    digits, *stacks = ways
    whole = 0, max(stop for _, stop in digits)
    beside, above = is_alone * SUSPECT_COST * np.maximum(0, digits[whole].pairedness - SUSPECT)
    costs = {span: _cost(seen, height) for span, seen in digits.items()}
    costs[whole] += WHOLE_COST + beside + cheaper
    cost, path = _best_path(costs)
    # Beside others it may be a V, which is left out later; alone it is a 1 only if it looks like one.
    may_have_flag = not is_alone or digits[whole].probabilities.argmax() == 1
    parts = [digits[span] for span in path]
    is_flag = may_have_flag and len(parts) > 1 and _lean_apart([each.placed for each in parts])
    if is_flag or (len(parts) == 2 and not is_alone and _is_hook(digits[whole], *parts)):
        return [digits[whole]]
    if is_alone and cheaper:
        low = {span for span, seen in digits.items() if seen.height < LONE_PART_HEIGHT * height}
        cost, path = _best_path({span: each for span, each in costs.items() if span not in low})
    found = [(cost, [digits[span] for span in path])]
    for stack in stacks:
        if _is_stroke_cut_off(digits[whole], [*stack.values()]):
            continue
        highest = max(seen.height for seen in stack.values())
        cost = sum(_cost(seen, highest) for seen in stack.values()) + beside - above
        found.append((cost, [*stack.values()]))
    return min(found, key=operator.itemgetter(0))[1]


def _is_stroke_cut_off(whole: _Seen, parts: list[_Seen]) -> bool:
    """Return whether one of two parts is a stroke, without which the digit is what it was."""
    (best, *answers) = [int(seen.probabilities.argmax()) for seen in (whole, *parts)]
    return whole.probabilities[best] > SURE and sorted(answers) == sorted([1, best])


def _is_hook(whole: _Seen, first: _Seen, rest: _Seen) -> bool:
    """Return whether the first of two parts is a stroke that hangs down beside a 2, which it is of."""
    answers = [int(seen.probabilities.argmax()) for seen in (first, rest, whole)]
    box, beside = first.placed.box, rest.placed.box
    ends_above = box.bottom < beside.bottom - HOOK_END * rest.height
    return answers == [1, 2, 2] and box.top >= beside.top and ends_above


def _lean_apart(placed: list[PlacedDigit]) -> bool:
    """Return whether two strokes are no two ones, but a one with a long flag, or with a step in it.

    They lean apart, or no row has both.
    """
    at = moments(np.stack([each.image for each in placed]).astype(np.float32))
    is_stroke = at.var_x - at.slant * at.cov_xy < STROKE_WIDTH**2
    top, bottom, *_ = np.array([each.box for each in placed]).T
    is_step = np.maximum(top[1:], top[:-1]) >= np.minimum(bottom[1:], bottom[:-1])
    are_apart = (np.abs(np.diff(at.slant)) > LEANING) | is_step
    return bool((is_stroke[1:] & is_stroke[:-1] & are_apart).any())


def _cost(seen: _Seen, height: float) -> float:
    """Return what a digit costs on a line of that height."""
    box, row = seen.placed.box, seen.probabilities
    decades = -math.log10(max(LEAST_TYPICAL, seen.typicality))
    return (
        EACH_COST
        + LOW_COST * math.log(height / box.height)
        + WIDE_COST * max(0.0, math.log(box.width / height))
        + SCORE_COST * min(seen.score, HIGH_SCORE)
        - SURPRISE_COST * math.log(max(float(row.max()), 1e-9))
        + UNTYPICAL_COST * decades
        + PAIRED_COST * max(0.0, float(seen.pairedness.max()) - SUSPECT)
    )


def _best_path(costs: dict[_Span, float]) -> tuple[float, list[_Span]]:
    """Choose the cheapest way to part strokes into digits, a shortest path; return its cost, too."""
    paths: dict[int, tuple[float, list[_Span]]] = {0: (0.0, [])}
    for (start, stop), cost in sorted(costs.items()):
        if start in paths:
            before, path = paths[start]
            if stop not in paths or before + cost < paths[stop][0]:
                paths[stop] = before + cost, [*path, (start, stop)]
    return paths[max(paths)]
