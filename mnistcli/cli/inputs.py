"""What `predict` is given: words, folders, lists of names; and what becomes of the bad ones."""

from __future__ import annotations

import itertools
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from mnistcli.errors import BadImageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mnistcli.prediction import Sighting

Input = Path | Literal["-"]

# Longer than any path; what goes on without a NUL for so long is no list of names.
_LONGEST_NAME = 1 << 16


def inputs_of(words: Sequence[str]) -> list[Input]:
    """Turn words of the command line into inputs, folders into the pictures in them."""
    return list(_unfolded(["-" if word == "-" else Path(word) for word in words]))


def count_pictures(inputs: Iterable[Input]) -> int | None:
    """Say how many pictures there are, unless one of the inputs may hold several."""
    from mnistcli.prediction import PICTURE_SUFFIXES

    if not isinstance(inputs, list):
        return None
    is_one = (each == "-" or each.suffix.lower() in PICTURE_SUFFIXES for each in inputs)
    return len(inputs) if all(is_one) else None


def listed_inputs(words: str) -> Iterator[Input]:
    """Give the inputs that a NUL-separated list names, "-" being a list on standard input.

    Raises
    ------
    UsageError
        There is no such list, or it is something else.
    """
    if words == "-":
        return _unfolded(_names(sys.stdin.buffer))
    try:
        # Stays open as long as names are taken from it.
        file = Path(words).open("rb")  # noqa: SIM115
    except OSError as error:
        raise UsageError(f"cannot read the list {words}: {error.strerror}") from None
    return _unfolded(_names(file))


def _names(file: BinaryIO) -> Iterator[Path]:
    rest = b""
    with file:
        # read1 gives what is there: names are answered while `find` is still looking for more.
        while chunk := file.read1(1 << 16):  # type: ignore[attr-defined]
            *names, rest = (rest + chunk).split(b"\0")
            yield from (Path(os.fsdecode(name)) for name in names if name)
            if len(rest) > _LONGEST_NAME:
                raise UsageError(
                    "the list of names has none that ends in a NUL",
                    hint="make one with find -print0",
                )
    if rest:
        yield Path(os.fsdecode(rest))


def _unfolded(inputs: Iterable[Input]) -> Iterator[Input]:
    from mnistcli.prediction import pictures_in_folder

    for each in inputs:
        try:
            yield from pictures_in_folder(each) if each != "-" and each.is_dir() else (each,)
        except BadImageError:
            yield each  # whoever looks at it will say so


@dataclass
class Tally:
    """How many inputs were answered, and how."""

    n_inputs: int = 0
    n_failed: int = 0
    n_abstained: int = 0


def good_ones(
    answers: Iterable[Sighting | BadImageError],
    tally: Tally,
    report: Callable[[BadImageError], None],
) -> Iterator[Sighting]:
    """Pass on what was answered and report the rest, in order.

    The first is waited for here, so that an error before it comes before any output.

    Raises
    ------
    BadImageError
        There was one input, and it was bad.
    """
    sightings = _sorted_out(answers, tally, report)
    return itertools.chain(list(itertools.islice(sightings, 1)), sightings)


def _sorted_out(
    answers: Iterable[Sighting | BadImageError],
    tally: Tally,
    report: Callable[[BadImageError], None],
) -> Iterator[Sighting]:
    only: BadImageError | None = None
    for answer in answers:
        tally.n_inputs += 1
        if only:
            report(only)
            only = None
        if isinstance(answer, BadImageError):
            tally.n_failed += 1
            if tally.n_inputs == 1:
                only = answer
            else:
                report(answer)
            continue
        tally.n_abstained += answer.answer != answer.best
        yield answer
    if only:
        raise only
