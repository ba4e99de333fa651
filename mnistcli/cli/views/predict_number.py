"""Numbers read from pictures as tables, documents and pictures with boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnistcli.cli.numbers import percent
from mnistcli.cli.terminal.boxes import Mark
from mnistcli.cli.views.predict import PredictionsView, SheetOfPredictions, failed_line, table_of
from mnistcli.cli.words import visible
from mnistcli.errors import BadImageError
from mnistcli.gallery import CaptionedImage
from mnistcli.prediction import FAILED, NumberPrediction

Answer = NumberPrediction | BadImageError
if TYPE_CHECKING:
    from rich.console import Console, RenderableType


# On a sheet of several pictures each is so wide.
_SHEET_PICTURE = 448


@dataclass(frozen=True)
class NumbersView(PredictionsView):
    """The digits of each picture, in a row for each line of them, or with ``proba`` for each digit.

    The picture whose name is ``alone`` has a quiet line for each line, others one for all.
    """

    schema = "numbers"
    record_schema = "number"
    alone: str = ""

    def _document(self, each: Any) -> dict[str, Any]:
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
            for digit in each.digits
        ]
        numbers, notes = list(each.numbers), list(each.notes)
        sides = {"height": height, "width": width}
        return {"input": each.source, **sides, "numbers": numbers, "digits": digits, "notes": notes}

    def _header(self) -> list[str]:
        last = ["answer", "probability"] if self.proba else ["number", "least_probability"]
        return ["input", "line", *last, *self._columns]

    def _cells(self, each: Answer) -> Iterator[tuple[list[Any], str]]:
        """Yield what stands in the columns of each row, and what there is to say of it."""
        if isinstance(each, BadImageError):
            yield [each.source, None, FAILED, None, *[None] * len(self._columns)], each.problem
            return
        parts = [(digit,) for digit in each.digits] if self.proba else each.lines
        for part in parts:
            least, shares = min(d.probability for d in part), part[0].probabilities.tolist()
            answer, best = each.text_of(part), each.text_of(part, best=True)
            guess = () if answer == best else (f"best guess {best}",)
            cells = [each.source, part[0].line + 1, answer, least, *(shares if self.proba else ())]
            yield cells, ", ".join(guess + each.notes)

    def rows(self) -> Iterator[Sequence[object]]:
        yield [*self._header(), "error"]
        for each in self.predictions:
            is_bad = isinstance(each, BadImageError)
            yield from ([*cells, said if is_bad else None] for cells, said in self._cells(each))

    def lines(self) -> Iterator[str]:
        for each in self.predictions:
            if isinstance(each, NumberPrediction) and each.source == self.alone:
                yield from each.numbers
            else:
                yield FAILED if isinstance(each, BadImageError) else each.answer

    def table(self, console: Console) -> RenderableType:
        header = [name.replace("_", " ") for name in self._header()]
        rows = (row for each in self.predictions for row in self._cells(each))
        return table_of(
            [
                dict(zip(header, map(_cell, cells), strict=True)) | {"notes": said}
                for cells, said in rows
            ],
            console,
        )

    def _drawn(self, each: Any, console: Console) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        from mnistcli.cli.terminal.boxes import drawn
        from mnistcli.cli.terminal.capabilities import choose_method
        from mnistcli.cli.terminal.pictures import usable_width

        if isinstance(each, BadImageError):
            return failed_line(each)
        method = choose_method(self.render, console, n_pictures=2)
        picture = drawn(each.original, _marks(each), method, usable_width(console))
        notes = ["; ".join(each.notes)] if each.notes else []
        return Group(Text(visible(_headline(each)), style="bold"), *notes, picture, "")


def _cell(value: Any) -> str:
    return "" if value is None else percent(value) if isinstance(value, float) else str(value)


def _headline(each: NumberPrediction) -> str:
    sure = f"least probability {percent(min(digit.probability for digit in each.digits))}"
    guess = "" if each.answer == each.best else f"best guess {each.best}, "
    return f"{each.source}: {each.answer} ({guess}{sure})"


def _marks(each: NumberPrediction) -> list[Mark]:
    from mnistcli.cli.terminal.boxes import Mark

    answers = [(digit, each.answer_of(digit)) for digit in each.digits]
    return [Mark(digit.box, answer, answer == digit.answer) for digit, answer in answers]


class SheetOfNumbers(SheetOfPredictions):
    """Passes pictures on, and keeps them with their boxes for a file: one as large as it is."""

    def _pictures(self, each: Any) -> list[CaptionedImage]:
        from mnistcli.cli.terminal.boxes import painted
        from mnistcli.gallery import CaptionedImage

        width = _SHEET_PICTURE if self.rows else None
        return [CaptionedImage(painted(each.original, _marks(each), width), _headline(each))]
