"""Numbers read from pictures as tables, documents and pictures with boxes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mnistcli.cli.numbers import percent
from mnistcli.cli.output import View
from mnistcli.cli.views.predict import failed_line, table_of
from mnistcli.cli.words import visible
from mnistcli.errors import BadImageError
from mnistcli.prediction import FAILED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from rich.console import Console, RenderableType

    from mnistcli.cli.terminal.boxes import Mark
    from mnistcli.cli.terminal.capabilities import Render
    from mnistcli.gallery import CaptionedImage
    from mnistcli.prediction import NumberPrediction
    from mnistcli.registry.model_file import Model

# On a sheet of several pictures each is so wide.
_SHEET_PICTURE = 448


@dataclass(frozen=True)
class NumbersView(View):
    """The digits of pictures, taken one by one; where there are none, what is wrong with the input.

    The picture whose name is ``alone`` has a quiet line for each line of digits, others have one
    for all. ``proba`` prints the probabilities of all classes for each digit, ``draw`` draws the
    pictures instead of making a table.
    """

    schema = "numbers"
    record_schema = "number"
    model: Model
    pictures: Iterable[NumberPrediction | BadImageError]
    alone: str = ""
    proba: bool = False
    draw: bool = False
    render: Render = "auto"

    def document(self) -> dict[str, Any]:
        return {
            "model": self.model.ref,
            "class_names": list(self.model.card.class_names),
            "pictures": [self._document(each) for each in self.pictures],
        }

    def records(self) -> Iterator[dict[str, Any]]:
        return ({"model": self.model.ref, **self._document(each)} for each in self.pictures)

    def _document(self, each: NumberPrediction | BadImageError) -> dict[str, Any]:
        if isinstance(each, BadImageError):
            nothing = dict.fromkeys(("height", "width", "numbers", "digits"))
            return {"input": each.source, **nothing, "notes": [], "error": each.problem}
        height, width = each.original.shape
        names = self.model.card.class_names
        digits = [
            {
                "line": digit.line + 1,
                "answer": each.answer_of(digit),
                "best": digit.answer,
                "probability": digit.probability,
                "probabilities": dict(zip(names, digit.probabilities.tolist(), strict=True)),
                "box": digit.box._asdict(),
            }
            for line in each.lines
            for digit in line
        ]
        return {
            "input": each.source,
            "height": height,
            "width": width,
            "numbers": list(each.numbers),
            "digits": digits,
            "notes": list(each.notes),
        }

    @property
    def _columns(self) -> tuple[str, ...]:
        if self.proba:
            return ("input", "line", "answer", "probability", *self.model.card.class_names, "error")
        return ("input", "line", "number", "least_probability", "error")

    def rows(self) -> Iterator[Sequence[object]]:
        yield self._columns
        for each in self.pictures:
            for row in self._rows(each):
                yield [row.get(name) for name in self._columns]

    def _rows(self, each: NumberPrediction | BadImageError) -> Iterator[dict[str, Any]]:
        """Yield what stands in which column: a row for each line of digits, or each digit."""
        if isinstance(each, BadImageError):
            yield {"input": each.source, self._columns[2]: FAILED, "error": each.problem}
            return
        names = self.model.card.class_names if self.proba else ()
        for line in each.lines:
            for part in [(digit,) for digit in line] if names else [line]:
                answer, best = each.text_of(part), each.text_of(part, best=True)
                least = min(digit.probability for digit in part)
                start = (each.source, line[0].line + 1, answer, least)
                guess = () if answer == best else (f"best guess {best}",)
                yield {
                    **dict(zip(self._columns, start, strict=False)),
                    **dict(zip(names, part[0].probabilities.tolist(), strict=False)),
                    "notes": ", ".join(guess + each.notes),
                }

    def lines(self) -> Iterator[str]:
        for each in self.pictures:
            if isinstance(each, BadImageError):
                yield FAILED
            elif each.source == self.alone:
                yield from each.numbers
            else:
                yield each.answer

    def table(self, console: Console) -> RenderableType:
        header = [name.replace("_", " ") for name in self._columns[:-1]]
        rows = []
        for each in self.pictures:
            for row in self._rows(each):
                cells = [_cell(row.get(name)) for name in self._columns[:-1]]
                notes = str(row.get("notes", row.get("error")))
                rows.append(dict(zip(header, cells, strict=True)) | {"notes": notes})
        return table_of(rows, console)

    def parts(self, console: Console) -> Iterator[RenderableType]:
        if not self.draw:
            yield self.table(console)
            return
        for each in self.pictures:
            yield self._drawn(each, console)

    def _drawn(self, each: NumberPrediction | BadImageError, console: Console) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        from mnistcli.cli.terminal.boxes import drawn
        from mnistcli.cli.terminal.capabilities import choose_method
        from mnistcli.cli.terminal.pictures import usable_width

        if isinstance(each, BadImageError):
            return failed_line(each)
        method = choose_method(self.render, console, n_pictures=2)
        picture = drawn(each.original, marks_of(each), method, usable_width(console))
        head = Text(visible(headline(each)), style="bold")
        return Group(head, *filter(None, ["; ".join(each.notes)]), picture, Text())


def _cell(value: object) -> str:
    if value is None:
        return ""
    return percent(value) if isinstance(value, float) else str(value)


def headline(each: NumberPrediction) -> str:
    """Return what was read from a picture, in a line."""
    least = min(digit.probability for line in each.lines for digit in line)
    guess = "" if each.answer == each.best else f"best guess {each.best}, "
    return f"{each.source}: {each.answer} ({guess}least probability {percent(least)})"


def marks_of(each: NumberPrediction) -> list[Mark]:
    """Return the box of every digit, and what stands above it."""
    from mnistcli.cli.terminal.boxes import Mark

    digits = [digit for line in each.lines for digit in line]
    answers = [(digit, each.answer_of(digit)) for digit in digits]
    return [Mark(digit.box, answer, answer == digit.answer) for digit, answer in answers]


@dataclass
class SheetOfNumbers:
    """Passes pictures on, and keeps them with their boxes for a file."""

    pictures: Iterable[NumberPrediction | BadImageError]
    first: NumberPrediction | None = None
    painted: list[CaptionedImage] = field(default_factory=list)

    def __iter__(self) -> Iterator[NumberPrediction | BadImageError]:
        """Yield the pictures."""
        from mnistcli.cli.terminal.boxes import painted
        from mnistcli.gallery import CaptionedImage

        for each in self.pictures:
            if not isinstance(each, BadImageError):
                self.first = self.first or each
                image = painted(each.original, marks_of(each), _SHEET_PICTURE)
                self.painted.append(CaptionedImage(image, headline(each)))
            yield each

    def write(self, path: Path) -> str:
        """Write one picture as large as it is, several as a sheet; return what was written."""
        from mnistcli.cli.terminal.bitmap import write_png, write_sheet
        from mnistcli.cli.terminal.boxes import painted

        if self.first and len(self.painted) == 1:
            return write_png(path, painted(self.first.original, marks_of(self.first)))
        return write_sheet(path, self.painted, n_columns=min(2, len(self.painted)))
