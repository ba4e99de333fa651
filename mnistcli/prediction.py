"""Ask a model what digits it sees."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mnistcli.conforming.types import SEVERAL_HINT, Box
from mnistcli.display import Displayed, counted
from mnistcli.errors import BadImageError, UsageError
from mnistcli.features.typicality import is_unlike
from mnistcli.gallery import check_indices
from mnistcli.linear_model.classifier import classes_of, p_of, probabilities_of
from mnistcli.mnist import IMAGE_SHAPE, N_PIXELS
from mnistcli.parallel import flat_map_forked
from mnistcli.pictures import check_is_light_ink, digit_images
from mnistcli.pictures.formats import is_picture
from mnistcli.registry.store import BUILTIN, builtin_model, load_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from mnistcli.arrays import Bytes, Float64s, Floats, Int64s
    from mnistcli.containers.reading import Input
    from mnistcli.datasets.dataset import Dataset
    from mnistcli.numerals import DigitAnswer
    from mnistcli.registry.model_file import Model

    # A picture's name, what the model sees of it, how that came to be so, and what was found.
    Seen = tuple[str, Bytes, tuple[str, ...], Bytes]


# So many pictures at most are answered at once, which is quicker; few are in so many blocks if they
# can, for as many cores. How many cores there are changes no block, and so no bit of an answer.
BLOCK, FEW_BLOCKS = 16, 16

# The answer of a model that is not sure enough, and what stands for one where there is no digit.
ABSTAINED, FAILED = "?", "!"
# So many labelled images at least are doubted, and so many at most are looked at for that.
LEAST_DOUBTED, MOST_DOUBTED = 10, 200
# A label is doubted alone where it is less probable.
DOUBTED_BELOW = 0.05
UNLIKE = "unlike all training images"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Predictions(Displayed):
    """The answers for several images."""

    class_names: tuple[str, ...]
    classes: Int64s  # the most probable ones, (n,)
    probabilities: Float64s  # (n, n_classes)
    images: Bytes  # (n, ...)
    # The share of training images that are as unlike the others, (n,); None where not known.
    typicality: Floats | None = None

    @property
    def answers(self) -> NDArray[np.str_]:
        """The names of the most probable classes, (n,)."""
        return np.array(self.class_names)[self.classes]

    def _in_words(self) -> str:
        first = ", ".join(self.answers[:10].tolist())
        return f"{counted(len(self), 'answer')}: {first}{', ...' if len(self) > 10 else ''}"

    def __len__(self) -> int:
        """Count the images."""
        return len(self.classes)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """Yield the name and the probability of the most probable class of each image."""
        for k, row in zip(self.classes.tolist(), self.probabilities, strict=True):
            yield self.class_names[k], float(row[k])

    def to_frame(self) -> pd.DataFrame:
        """Return a table: a row for each image, its answer, and the probability of each class."""
        import pandas as pd

        frame = pd.DataFrame(self.probabilities, columns=list(self.class_names))
        frame.insert(0, "answer", self.answers.tolist())
        return frame


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Prediction(Displayed):
    """One picture, and the answers for its digits line by line: one digit is one line of one."""

    source: str  # its path, "-", "digits.npy[3]", "mnist test 7"
    original: Bytes  # as it was found, or where that is not asked for what the model saw
    # Height and width: of the file, of which `original` may be smaller, where all digits were read.
    size: tuple[int, ...]
    notes: tuple[str, ...]  # what was found in the picture and done to it
    lines: tuple[tuple[DigitAnswer, ...], ...]
    separator: str = ""  # stands between answers that are not all of one letter

    @property
    def digits(self) -> tuple[DigitAnswer, ...]:
        """All of them in reading order."""
        return tuple(itertools.chain(*self.lines))

    @property
    def n_unlike(self) -> int:
        """The number of digits that are unlike all the images that the model was trained on."""
        return sum([is_unlike(digit.typicality) for digit in self.digits])

    @property
    def probability(self) -> float:
        """The least of those of its digits."""
        return min([digit.probability for digit in self.digits])

    @property
    def numbers(self) -> tuple[str, ...]:
        """The answer for each line."""
        return tuple([self.text_of(line) for line in self.lines])

    @property
    def answer(self) -> str:
        """The answer for all lines, with blanks in between."""
        return " ".join(self.numbers)

    @property
    def best(self) -> str:
        """What `answer` is where the model is sure of every digit."""
        return " ".join([self.text_of(line, best=True) for line in self.lines])

    def text_of(self, digits: Sequence[DigitAnswer], *, best: bool = False) -> str:
        """Return the answers for some of the digits, or the most probable ones."""
        return self.separator.join([each.best if best else each.answer for each in digits])

    def box_of(self, digit: DigitAnswer) -> Box:
        """Return where one of the digits lies, in pixels of the file."""
        down, across = np.divide(self.size, self.original.shape).tolist()
        top, bottom, left, right = digit.box
        return Box(top * down, bottom * down, left * across, right * across)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Explanation(Displayed):
    """Why a model prefers its answer to the next best, exactly.

    The model is linear, so the logarithm of how many times more probable the answer is than the
    runner-up is a sum with a term for each pixel:

        log(p_answer / p_runner_up) = intercept + sum of contributions

    For two classes that is the model's score, or minus it. Where there is a model for each pair of
    classes it is that of these two, with the probabilities that it gives to them alone.
    """

    answer: str
    runner_up: str
    contributions: Float64s  # above 0: the ink here speaks for the answer, (28, 28)
    intercept: float
    score: float  # the sum
    p_answer: float
    p_runner_up: float
    is_of_pair: bool  # whether there is a model for each pair


def predict(model: Model | str, images: ArrayLike) -> Predictions:
    """Classify images that are as MNIST's are: light ink on black, 0 to 255 or 0 to 1.

    They have shape (n, 28, 28), (n, 784) or (28, 28); `mnistcli.conform` turns other pictures into
    such. Raises UsageError for what is none.
    """
    images, model = digit_images(images), load_model(model)
    check_is_light_ink(images)
    scores, typicality, _ = model.look_at(images)
    classes, probabilities = classes_of(scores), probabilities_of(scores)
    known = typicality if model.typicality else None
    return Predictions(model.card.class_names, classes, probabilities, images, known)


def doubts_about(images: Bytes, labels: Bytes) -> str:
    """Say that the model in the box reads most of some labelled digits as others; "" if it does not.

    So are labels that are counts, or that begin with 1, and digits of other scripts.
    """
    if len(labels) < LEAST_DOUBTED:
        return ""
    step = -(-len(labels) // MOST_DOUBTED)
    answers, labels = classes_of(builtin_model().look_at(images[::step])[0]), labels[::step]
    n, n_right = len(labels), int(np.count_nonzero(answers == labels))
    is_doubted = 2 * n_right < n
    return f"{BUILTIN} reads {n_right} of {n} images as they are labelled" if is_doubted else ""


def doubted_digits(images: Bytes, labels: Bytes) -> dict[int, str]:
    """Say of labelled images, by index, which the model in the box takes for no digit, or another.

    So it does of what was crossed out, of letters, and of labels that are wrong.
    """
    scores, typicality, _ = builtin_model().look_at(images)
    answers, p_labels = classes_of(scores), p_of(labels, probabilities_of(scores))
    return {
        i: f"{BUILTIN} finds it {UNLIKE}" if is_unlike(share) else f"{BUILTIN} reads it as {answer}"
        for i, (share, answer) in enumerate(zip(typicality, answers, strict=True))
        if is_unlike(share) or p_labels[i] < DOUBTED_BELOW
    }


def check_explains(model: Model) -> None:
    """Raise UsageError for a model whose answers cannot be explained."""
    if model.classifier.n_features != N_PIXELS:
        problem = f"{model.named} does not look at pixels, which could be explained"
        raise UsageError(problem, hint="train one that does: mnistcli train --task digits")


def explain(model: Model | str, image: ArrayLike, against: str | int | None = None) -> Explanation:
    """Take a model's answer for an image apart into what each pixel contributes.

    The answer is held against the next best, or another class unless that is the answer itself.
    Raises UsageError for a model that does not look at pixels, for several images, and for what is
    none of its classes.
    """
    model = load_model(model)
    check_explains(model)
    classifier, names = model.classifier, model.card.class_names
    image = digit_images(image)
    check_is_light_ink(image)
    if len(image) != 1:
        raise UsageError(f"an explanation is of one image, not of {len(image):,}")
    scores = classifier.decision_function(image)[0]
    of_classes = np.array([-scores, scores]) if classifier.n_classes == 2 else scores
    answer, runner_up = np.argsort(-of_classes, kind="stable")[:2].tolist()
    if against is not None and (other := model.card.task.class_index(str(against))) != answer:
        runner_up = other
    weights, intercept = classifier.pair_weights(answer, runner_up)
    pixels = classifier.raw_features(image)[0]
    contributions = (weights * classifier.scale * pixels).reshape(IMAGE_SHAPE)
    score = float(contributions.sum() + intercept)
    p_runner_up, p_answer = probabilities_of(np.array([score]))[0].tolist()
    is_of_pair = model.card.task.is_pairwise
    if not is_of_pair:
        p_runner_up, p_answer = probabilities_of(scores[None])[0][[runner_up, answer]].tolist()
    terms, shares = (contributions, intercept, score), (p_answer, p_runner_up)
    return Explanation(names[answer], names[runner_up], *terms, *shares, is_of_pair)


Answered = Prediction | BadImageError


@dataclass(frozen=True, slots=True)
class Reader:
    """A model that answers pictures, or abstains: below a probability, or from what is unlike.

    ``raw`` takes 28 x 28 pixels as they are instead of bringing each picture into MNIST's form.
    Without ``originals`` answers come without the pictures as they were found: to send these to
    this process takes time. ``unlabelled`` refuses files that hold labels of their pictures.
    """

    model: Model
    abstain_below: float = 0.0
    abstain_unlike: bool = False
    raw: bool = False
    originals: bool = True
    unlabelled: bool = False

    def indices(self, dataset: Dataset, indices: Sequence[int]) -> Iterator[Answered]:
        """Classify images of a dataset's test part; raise UsageError where there is no such index."""
        part, name = dataset.test, dataset.name
        check_indices(part, indices)
        known = ((i, part.images[i], part.labels[i]) for i in indices)
        return self._seen([(f"{name} test {i}", x, (f"labelled {k}",), x) for i, x, k in known])

    def picture(self, grey: Bytes) -> Prediction:
        """Classify one picture of a digit of any size, dark on light or light on dark.

        Raises BadImageError where there is no digit in it, or more than one.
        """
        from mnistcli.conforming.placing import conform

        found = conform(grey, source="drawing")
        (answer,) = self._seen([("drawing", found.image, found.steps, grey)])
        if isinstance(answer, BadImageError):
            raise answer
        return answer

    def files(
        self, inputs: Iterable[Input | BadImageError], *, numbers: bool = False
    ) -> Iterator[Answered]:
        """Classify the pictures in files, or read all their digits, in order, with bounded memory.

        Inputs are what `pictures.read.read_batches` reads, answered in blocks on all cores, or as
        they come where they come one by one; errors are passed on, see `unfold`, and given for a
        picture, or the rest of a file, that cannot be used.
        """
        answers = self._numbers if numbers else self._digits
        if not isinstance(inputs, list) or "-" in inputs:
            return itertools.chain.from_iterable(answers([each]) for each in inputs)
        size = max(1, min(BLOCK, -(-len(inputs) // FEW_BLOCKS)))
        blocks = [inputs[i : i + size] for i in range(0, len(inputs), size)]
        return flat_map_forked(answers, blocks)

    def _refuses(self, typicality: float) -> bool:
        """Return whether an image so typical is not answered, however sure the model is."""
        return self.abstain_unlike and is_unlike(typicality)

    def _sure(self, digit: DigitAnswer) -> DigitAnswer:
        """Return the answer for a digit, or `ABSTAINED` in its place."""
        is_refused = digit.probability < self.abstain_below or self._refuses(digit.typicality)
        return replace(digit, answer=ABSTAINED) if is_refused else digit

    def _digits(self, inputs: list[Input | BadImageError]) -> Iterator[Answered]:
        from mnistcli.conforming.placing import conform_all
        from mnistcli.pictures.read import read_all

        seen: list[Seen | BadImageError] = []
        for batch in read_all(inputs, unlabelled=self.unlabelled):
            every = conform_all(batch.greys, batch.sources, raw=self.raw, paper=batch.paper)
            for i, each in enumerate(every):
                found = batch.faults.get(i, each)
                if isinstance(found, BadImageError):
                    seen.append(batch.refusal(found))
                    continue
                original = batch.greys[i] if found.steps else found.image
                seen.append((batch.sources[i], found.image, batch.notes + found.steps, original))
            if len(seen) > BLOCK:  # of a file of many
                yield from self._seen(seen)
                seen = []
        yield from self._seen(seen)

    def _seen(self, seen: Sequence[Seen | BadImageError]) -> Iterator[Answered]:
        from mnistcli.numerals import DigitAnswer, n_touching

        model = self.model
        images = [each[1] for each in seen if not isinstance(each, BadImageError)]
        stacked = np.stack(images) if images else np.empty((0, *IMAGE_SHAPE), np.uint8)
        scores, *known = model.look_at(stacked)
        rows = zip(probabilities_of(scores), *(each.tolist() for each in known), strict=True)
        for each in seen:
            if isinstance(each, BadImageError):
                yield each
                continue
            row, share, twoness = next(rows)
            source, image, notes, original = each
            may_touch = original is not image and not self._refuses(share)
            may_touch = may_touch and not np.array_equal(image, original)
            n = n_touching(model, image, share, twoness, original) if may_touch else 1
            if n > 1:
                problem = f"holds {n} digits that touch, or none"
                yield BadImageError(source, problem, hint=SEVERAL_HINT)
                continue
            found = ((UNLIKE,) if is_unlike(share) else ()) + notes
            shown = original if self.originals else image
            height, width = shown.shape
            digit = DigitAnswer.of(model, image, row, share, Box(0, height, 0, width))
            yield Prediction(source, shown, shown.shape, found, ((self._sure(digit),),))

    def _numbers(self, inputs: list[Input | BadImageError]) -> Iterator[Answered]:
        from mnistcli.numerals import find_numbers
        from mnistcli.pictures.read import read_all

        separator = "" if max(map(len, self.model.card.class_names)) == 1 else " "
        for batch in read_all(inputs):
            for i, (grey, source) in enumerate(zip(batch.greys, batch.sources, strict=True)):
                try:
                    if i in batch.faults:
                        raise batch.faults[i]
                    lines, notes = find_numbers(self.model, grey, source)
                except BadImageError as error:
                    yield batch.refusal(error)
                    continue
                answers = tuple(tuple(map(self._sure, line)) for line in lines)
                size = batch.size or grey.shape
                found = Prediction(source, grey, size, batch.notes + notes, answers, separator)
                note = (f"{found.n_unlike} of {len(found.digits)} {UNLIKE}",)
                yield replace(found, notes=note + found.notes) if found.n_unlike else found


def unfold(inputs: Iterable[Input]) -> Iterator[Input | BadImageError]:
    """Put in place of each folder the pictures in it by name, or an error if there are none.

    Folders below it are not searched, and what is no regular file is no picture.
    """
    for each in inputs:
        # Path.is_dir raises where a name is too long or a folder may not be entered.
        if each == "-" or not os.path.isdir(each):  # noqa: PTH112
            yield each
            continue
        try:
            pictures = sorted(path for path in each.iterdir() if is_picture(path))
        except OSError as error:
            yield BadImageError(str(each), (error.strerror or str(error)).lower())
            continue
        hint = "name its tables, or what is in folders below it: find -print0 and --files0 -"
        problem = "is a folder without pictures"
        yield from pictures or (BadImageError(str(each), problem, hint=hint),)
