"""What `predict` is given: words, folders, lists of names; and what becomes of the bad ones."""

import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mnistcli.arrays import Bytes
from mnistcli.errors import BadImageError, DataUnavailableError, UsageError
from mnistcli.pictures.formats import is_picture_name
from mnistcli.prediction import Input, NumberPrediction, Prediction

Answered = Prediction | NumberPrediction | BadImageError


def count_pictures(inputs: Iterable[Input | BadImageError]) -> int | None:
    """Count the pictures, unless one of the inputs may hold several."""
    if not isinstance(inputs, list):
        return None
    is_one = (not isinstance(each, Path) or is_picture_name(each.suffix) for each in inputs)
    return len(inputs) if all(is_one) else None


def listed_names(words: str) -> Iterator[Path]:
    """Yield the names in a NUL-separated list, "-" being a list on standard input.

    Raises UsageError where it is no such list, DataUnavailableError for a closed standard input.
    """
    rest, hint = b"", "make one with find -print0"
    try:
        with sys.stdin.buffer if words == "-" else Path(words).open("rb") as file:
            # read1 gives what is there: names are answered while `find` is still looking for more.
            while chunk := file.read1(1 << 16):  # type: ignore[union-attr]
                *names, rest = (rest + chunk).split(b"\0")
                if b"" in names:
                    raise UsageError("the list has an empty name", hint=hint)
                yield from (Path(os.fsdecode(name)) for name in names)
                if len(rest) > 1 << 16:  # longer than any path
                    break
    except OSError as error:
        refused = DataUnavailableError if words == "-" else UsageError  # a closed standard input
        raise refused(f"cannot read the list of names {words}: {error.strerror}") from None
    if len(rest) > 1 << 16 or rest.endswith(b"\n"):
        raise UsageError("a name in the list does not end in a NUL", hint=hint)
    if rest:
        yield Path(os.fsdecode(rest))


@dataclass
class Tally:
    """How many inputs were answered, and how."""

    n_inputs: int = 0
    n_failed: int = 0
    n_abstained: int = 0
    n_unlike: int = 0
    n_drawn: int = 0  # that had to be brought into MNIST's form
    seen: list[Bytes] | None = None  # what the model saw, where that is wanted


def tallied(
    answers: Iterable[Answered], tally: Tally, report: Callable[[BadImageError], None]
) -> Iterator[Answered]:
    """Pass answers on in their order, count them and report the bad ones.

    The first is waited for here, so that an error before it comes before any output. Raises
    BadImageError where there was one input, and it was bad.
    """
    answers = iter(answers)
    first = [*itertools.islice(answers, 1)]
    if first and isinstance(first[0], BadImageError):
        first += itertools.islice(answers, 1)
        if len(first) == 1:
            raise first[0]
    return _counted(itertools.chain(first, answers), tally, report)


def _counted(
    answers: Iterable[Answered], tally: Tally, report: Callable[[BadImageError], None]
) -> Iterator[Answered]:
    for answer in answers:
        tally.n_inputs += 1
        if isinstance(answer, BadImageError):
            tally.n_failed += 1
            report(answer)
        else:
            tally.n_abstained += answer.answer != answer.best
            tally.n_unlike += answer.n_unlike > 0
            tally.n_drawn += answer.original is not None and bool(answer.notes)
            if tally.seen is not None and isinstance(answer, Prediction):
                tally.seen.append(answer.image.copy())  # not a part of a thousand
        yield answer
