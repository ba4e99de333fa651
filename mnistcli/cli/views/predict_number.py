"""Numbers read from pictures as tables, documents and pictures with boxes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mnistcli.cli import rich
from mnistcli.cli.numbers import percent
from mnistcli.cli.terminal.boxes import Mark, drawn, painted
from mnistcli.cli.terminal.capabilities import Render, choose_method
from mnistcli.cli.terminal.pictures import usable_width
from mnistcli.cli.views.predict import PredictionsView
from mnistcli.cli.words import visible
from mnistcli.errors import BadImageError
from mnistcli.gallery import CaptionedImage
from mnistcli.prediction import FAILED, NumberPrediction

# On a sheet of several pictures each is so wide.
_SHEET_PICTURE = 448


@dataclass(frozen=True)
class NumbersView(PredictionsView):
    """The digits of each picture, in a row for each line of them, or with ``proba`` for each digit.

    The picture whose name is ``alone`` has a quiet line for each line, others one for all.
    """

    schema = "numbers"
    record_schema = "number"
    unknown = ("height", "width", "numbers", "digits")
    alone: str = ""

    def _document(self, each: Any) -> dict[str, Any]:
        height, width = each.size
        names = self.model.card.class_names
        digits = [
            {
                "line": digit.line + 1,
                "answer": each.answer_of(digit),
                "best": digit.answer,
                "probability": digit.probability,
                "probabilities": dict(zip(names, digit.probabilities.tolist(), strict=True)),
                "typicality": digit.typicality,
                "box": each.box_of(digit)._asdict(),
            }
            for digit in each.digits
        ]
        document = {"input": each.source, "height": height, "width": width}
        return document | {"numbers": each.numbers, "digits": digits, "notes": each.notes}

    @property
    def _columns(self) -> tuple[str, ...]:
        answer, share = ("answer", "probability") if self.proba else ("number", "least_probability")
        return ("input", "line", answer, share, *self._class_names)

    def _cells(self, each: Any) -> Iterator[tuple[list[Any], str]]:
        for part in [(digit,) for digit in each.digits] if self.proba else each.lines:
            least = min(digit.probability for digit in part)
            shares = part[0].probabilities.tolist() if self.proba else ()
            cells = [each.source, part[0].line + 1, each.text_of(part), least, *shares]
            yield cells, each.text_of(part, best=True)

    def lines(self) -> Iterator[str]:
        for each in self._taken():
            if isinstance(each, NumberPrediction) and each.source == self.alone:
                yield from each.numbers
            else:
                yield FAILED if isinstance(each, BadImageError) else each.answer

    def _drawn(self, each: Any, console: "rich.Console", render: Render) -> "rich.RenderableType":
        method = choose_method(render, console, n_pictures=2)
        picture = drawn(each.original, _marks(each), method, usable_width(console))
        notes = ["; ".join(each.notes)] if each.notes else []
        return rich.Group(rich.Text(visible(_headline(each)), style="bold"), *notes, picture, "")

    def _pictures(self, each: Any) -> list[CaptionedImage]:
        width = _SHEET_PICTURE if self.kept else None  # a picture alone is as large as it is
        return [CaptionedImage(painted(each.original, _marks(each), width), _headline(each))]


def _headline(each: NumberPrediction) -> str:
    sure = f"least probability {percent(min(digit.probability for digit in each.digits))}"
    guess = "" if each.answer == each.best else f"best guess {each.best}, "
    return f"{each.source}: {each.answer} ({guess}{sure})"


def _marks(each: NumberPrediction) -> list[Mark]:
    answers = [(digit, each.answer_of(digit)) for digit in each.digits]
    return [Mark(digit.box, answer, answer == digit.answer) for digit, answer in answers]
