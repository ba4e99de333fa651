"""What `predict` is given: words, folders, lists of names; and what becomes of the bad ones."""

import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mnistcli.errors import BadImageError, DataUnavailableError, UsageError
from mnistcli.pictures.formats import is_picture_name
from mnistcli.prediction import Input, NumberPrediction, Prediction, unfold

Answer = Prediction | NumberPrediction | BadImageError

# Longer than any path; what goes on without a NUL for so long is no list of names.
_LONGEST_NAME = 1 << 16


def inputs_of(words: Sequence[str]) -> list[Input | BadImageError]:
    """Turn words of the command line into inputs, folders into the pictures in them."""
    return list(unfold(["-" if word == "-" else Path(word) for word in words]))


def count_pictures(inputs: Iterable[Input | BadImageError]) -> int | None:
    """Count the pictures, unless one of the inputs may hold several."""
    if not isinstance(inputs, list):
        return None
    is_one = (not isinstance(each, Path) or is_picture_name(each.suffix) for each in inputs)
    return len(inputs) if all(is_one) else None


def listed_inputs(words: str) -> Iterator[Input | BadImageError]:
    """Yield the inputs that a NUL-separated list names, "-" being a list on standard input.

    Raises UsageError where there is no such list, or it is something else.
    """
    if words == "-":
        return unfold(_names(sys.stdin.buffer))
    try:
        # Stays open as long as names are taken from it.
        file = Path(words).open("rb")  # noqa: SIM115
    except OSError as error:
        raise UsageError(f"cannot read the list {words}: {error.strerror}") from None
    return unfold(_names(file))


def _names(file: BinaryIO) -> Iterator[Path]:
    rest = b""
    with file:
        # read1 gives what is there: names are answered while `find` is still looking for more.
        while chunk := _read(file):
            *names, rest = (rest + chunk).split(b"\0")
            if b"" in names:
                raise UsageError("the list has an empty name", hint="make one with find -print0")
            yield from (Path(os.fsdecode(name)) for name in names)
            if len(rest) > _LONGEST_NAME:
                raise UsageError(
                    "the list of names has none that ends in a NUL",
                    hint="make one with find -print0",
                )
    if rest:
        yield Path(os.fsdecode(rest))


def _read(file: BinaryIO) -> bytes:
    try:
        chunk: bytes = file.read1(1 << 16)  # type: ignore[attr-defined]
    except OSError as error:  # a closed standard input, a folder
        raise DataUnavailableError(f"cannot read the list of names: {error.strerror}") from None
    return chunk


@dataclass
class Tally:
    """How many inputs were answered, and how."""

    n_inputs: int = 0
    n_failed: int = 0
    n_abstained: int = 0
    n_unlike: int = 0
    n_drawn: int = 0  # that had to be brought into MNIST's form


def tallied(
    answers: Iterable[Answer], tally: Tally, report: Callable[[BadImageError], None]
) -> Iterator[Answer]:
    """Pass answers on in their order, count them and report the bad ones.

    The first is waited for here, so that an error before it comes before any output. Raises
    BadImageError where there was one input, and it was bad.
    """
    counted = _counted(answers, tally, report)
    return itertools.chain(list(itertools.islice(counted, 1)), counted)


def _counted(
    answers: Iterable[Answer], tally: Tally, report: Callable[[BadImageError], None]
) -> Iterator[Answer]:
    only: BadImageError | None = None
    for answer in answers:
        tally.n_inputs += 1
        if only:
            report(only)
            yield only
            only = None
        if isinstance(answer, BadImageError):
            tally.n_failed += 1
            if tally.n_inputs == 1:
                only = answer
                continue
            report(answer)
        else:
            tally.n_abstained += answer.answer != answer.best
            tally.n_unlike += answer.n_unlike > 0
            tally.n_drawn += answer.original is not None and bool(answer.notes)
        yield answer
    if only:
        raise only


def collected(
    answers: Iterable[Answer], images: list[NDArray[np.uint8]] | None
) -> Iterator[Answer]:
    """Pass answers on, and collect what the model saw where images are wanted."""
    for answer in answers:
        if images is not None and isinstance(answer, Prediction):
            images.append(answer.image.copy())  # not a part of a thousand
        yield answer
