"""What `predict` is given: words, folders, lists of names; and what becomes of the bad ones."""

import contextlib
import itertools
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mnistcli.arrays import Bytes
from mnistcli.cli.call import Call
from mnistcli.cli.output import report_error
from mnistcli.cli.progress import Bars
from mnistcli.cli.views.predict import PredictionView
from mnistcli.cli.words import Reasons
from mnistcli.containers.reading import Input
from mnistcli.display import counted
from mnistcli.errors import BadImageError, DataUnavailableError, StorageError, UsageError
from mnistcli.files import is_hidden, kind_of_path
from mnistcli.gallery import CaptionedImage
from mnistcli.pictures.formats import is_picture, is_picture_name
from mnistcli.prediction import UNLIKE, Answered, Prediction, Reader, unfold


def named_inputs(
    words: Sequence[str], files0: str | None
) -> tuple[Iterable[Input | BadImageError], int | None]:
    """Return what is named, folders unfolded, and how many pictures it is if none may be several."""
    if files0 is not None:
        return unfold(_listed_names(files0)), None
    found = [*unfold("-" if word == "-" else Path(word) for word in words)]
    is_one = (not isinstance(each, Path) or is_picture_name(each.name) for each in found)
    return found, len(found) if all(is_one) else None


def folder_notes(words: Sequence[str]) -> Iterator[str]:
    """Tell of named folders with pictures that there are folders below them, which are not searched."""
    for folder in filter(os.path.isdir, words):
        n, has_pictures = 0, False
        with contextlib.suppress(OSError, StorageError):  # told where its pictures are read
            for each in Path(folder).iterdir():
                n += not is_hidden(each.name) and kind_of_path(each, follow=False) == "folder"
                has_pictures = has_pictures or is_picture(each)
        if n and has_pictures:
            yield f"{folder}: {counted(n, 'folder')} below it not searched; name what is in there as well"


def _listed_names(words: str) -> Iterator[Path]:
    """Yield the names in a NUL-separated list, "-" being a list on standard input.

    Raises UsageError where it is no such list, DataUnavailableError for a closed standard input.
    """
    rest, longest, hint = b"", 1 << 16, "make one with find -print0"  # longer than any path
    try:
        with sys.stdin.buffer if words == "-" else Path(words).open("rb") as file:
            # read1 gives what is there: names are answered while `find` is still looking for more.
            while len(rest) <= longest and (chunk := file.read1(longest)):  # type: ignore[union-attr]
                *names, rest = (rest + chunk).split(b"\0")
                if b"" in names:
                    raise UsageError("the list has an empty name", hint=hint)
                yield from (Path(os.fsdecode(name)) for name in names)
    except OSError as error:
        refused = DataUnavailableError if words == "-" else UsageError  # a closed standard input
        raise refused(f"cannot read the list of names {words}: {error.strerror}") from None
    if len(rest) > longest or rest.endswith(b"\n"):
        raise UsageError("a name in the list does not end in a NUL", hint=hint)
    if rest:
        yield Path(os.fsdecode(rest))


def begin(answers: Iterable[Answered]) -> Iterator[Answered]:
    """Return answers of which the first is there, so that an error before it is before any output.

    Raises BadImageError where there was one input, and it was bad.
    """
    answers = iter(answers)
    first = [*itertools.islice(answers, 1)]
    if first and isinstance(first[0], BadImageError):
        first += itertools.islice(answers, 1)
        if len(first) == 1:
            raise first[0]
    return itertools.chain(first, answers)


@dataclass
class Passing:
    """What is told, counted and kept of answers as they pass on to whoever prints them."""

    call: Call
    bars: Bars
    n_pictures: int | None  # if it is known
    view: PredictionView
    for_dataset: bool
    n_inputs: int = 0
    n_failed: int = 0
    n_abstained: int = 0
    n_unlike: int = 0
    n_changed: int = 0  # that had to be brought into MNIST's form: something is told of them
    seen: list[Bytes] = field(default_factory=list)  # by the model, for a dataset
    drawn: list[list[CaptionedImage]] = field(default_factory=list)  # for a figure

    def watch(self, answers: Iterable[Answered]) -> Iterator[Answered]:
        """Pass answers on, with the bad ones told above the bar; it is gone after the last.

        Of many that are bad for the same reason the first are told, as JSON all.
        """
        hint, reasons = "", Reasons()  # the hint of the last bad one, which is not said twice
        as_json = self.call.format in ("json", "jsonl")
        for answer in answers:
            self.n_inputs += 1
            if not isinstance(answer, BadImageError):
                self._keep(answer)
            else:
                self.n_failed += 1
                if reasons.is_told(answer.problem) or as_json:
                    with self.bars.aside():
                        report_error(answer, as_json=as_json, hinted=hint)
                    hint = answer.hint
            yield answer
            self.bars.update("pictures", self.n_inputs, self.n_pictures)
        self.bars.stop()
        self.call.warn(*(() if as_json else reasons.rest()))

    def _keep(self, answer: Prediction) -> None:
        self.n_abstained += not all(digit.is_sure for digit in answer.digits)
        self.n_unlike += answer.n_unlike > 0
        self.n_changed += bool(answer.notes)
        if self.for_dataset:  # not a part of a thousand
            self.seen += (digit.image.copy() for digit in answer.digits)
        if self.call.figure:
            self.drawn.append(self.view.pictures_for_file(answer, is_first=not self.drawn))

    def remarks(self, reader: Reader) -> Iterator[str]:
        """Say how many are unlike what the model was trained on, and how many were not answered."""
        inputs = f"of {self.n_inputs} {'with digits ' if self.view.number else ''}"
        if self.n_unlike:
            yield f"{self.n_unlike} {inputs}{UNLIKE} of {reader.model.ref}"
        if self.n_abstained:
            why = [f"below {reader.abstain_below:g}"] * bool(reader.abstain_below)
            why += ["unlike"] * reader.abstain_unlike
            yield f"{self.n_abstained} {inputs}{' or '.join(why)}: answered ?"
