"""Predictions, of digits and of numbers, as tables, documents and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mnistcli.cli.numbers import percent
from mnistcli.cli.output import Answer, picked
from mnistcli.cli.parts import Part, Table, Words
from mnistcli.cli.terminal.capabilities import COLOURLESS, GRAPHICS, Method, Render, choose_method
from mnistcli.cli.words import visible
from mnistcli.errors import BadImageError
from mnistcli.gallery import CaptionedImage, Gallery, shrunk
from mnistcli.mnist import IMAGE_SIDE
from mnistcli.prediction import FAILED, Explanation, NumberPrediction, Prediction, explain
from mnistcli.registry.model_file import Model

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from mnistcli.cli.terminal.boxes import Mark
    from mnistcli.cli.terminal.layout import Block

# The columns for answers.
_ANSWERS = ("answer", "number")


@dataclass(frozen=True)
class PredictionsView:
    """Predictions, taken one by one; where there is none, what is wrong with the input.

    ``proba`` prints the probabilities of all classes, ``show`` puts a picture beside what the model
    saw, ``explain`` tells what each pixel contributed, ``against`` a class or the next best; ``draw``
    draws instead of making a table, ``keeps`` pictures for a file.
    """

    schemas: ClassVar = ("predict", "prediction")  # of the document, and of a JSON line
    # What is null in JSON where there is no prediction.
    unknown: ClassVar[tuple[str, ...]] = (
        "answer", "best", "probability", "probabilities", "typicality",
    )  # fmt: skip
    model: Model
    predictions: Iterable[Any]  # of Prediction and BadImageError
    proba: bool = False
    show: bool = False
    explain: bool = False
    against: str | None = None
    draw: bool = False
    keeps: bool = False
    _kept: list[list[CaptionedImage]] = field(default_factory=list, init=False)

    @property
    def _columns(self) -> tuple[str, ...]:
        return ("input", "answer", "probability", *self._class_names)

    @property
    def _class_names(self) -> tuple[str, ...]:
        return self.model.card.class_names if self.proba else ()

    def answer(self) -> Answer:
        """Return what the command answers."""
        known: dict[str, Any] = {"model": self.model.ref}
        of_line = self.schemas[1]
        documents = self._documents()
        return Answer(
            self.schemas[0],
            known | {"class_names": self.model.card.class_names, "predictions": documents},
            self._lines(),
            self._shown(),
            chain([[*self._columns, "error"]], ([*row, error] for row, _, error in self._rows())),
            ((of_line, known | each) for each in documents),
            self._rendered if self.draw else None,
        )

    def _documents(self) -> Iterator[dict[str, Any]]:
        for each in self._taken():
            if isinstance(each, BadImageError):
                nothing = dict.fromkeys(self.unknown)
                yield {"input": each.source, **nothing, "notes": [], "error": each.problem}
            else:
                yield self._document(each)

    def _document(self, each: Any) -> dict[str, Any]:
        names, shares = self.model.card.class_names, each.probabilities.tolist()
        document: dict[str, Any] = {
            "input": each.source,
            **picked(each, "answer best probability"),
            "probabilities": dict(zip(names, shares, strict=True)),
            **picked(each, "typicality notes"),
        }
        if self.explain:
            why = explain(self.model, each.image, self.against)
            document["explanation"] = picked(why, "answer runner_up score intercept")
            document["explanation"]["contributions"] = why.contributions.ravel()
        return document

    def _rows(self) -> Iterator[tuple[list[Any], str, str | None]]:
        """Yield the cells of each row, notes and what is wrong."""
        answer = next(i for i, name in enumerate(self._columns) if name in _ANSWERS)
        for each in self._taken():
            if isinstance(each, BadImageError):
                cells: list[Any] = [None] * len(self._columns)
                cells[0], cells[answer] = each.source, FAILED
                yield cells, "", each.problem
                continue
            for cells, best in self._cells(each):
                guess = () if cells[answer] == best else (f"best guess {best}",)
                yield cells, ", ".join(guess + each.notes), None

    def _cells(self, each: Any) -> Iterator[tuple[list[Any], str]]:
        """Yield the cells of each row of a prediction, and the best answer in it."""
        shares = each.probabilities.tolist() if self.proba else ()
        yield [each.source, each.answer, each.probability, *shares], each.best

    def _lines(self) -> Iterator[str]:
        for each in self._taken():
            yield FAILED if isinstance(each, BadImageError) else each.answer

    def _shown(self) -> Iterator[Part]:
        rows = [[*map(_text, cells), error or notes] for cells, notes, error in self._rows()]
        header = [name.replace("_", " ") for name in self._columns]
        yield predictions_table(header, rows, n_classes=len(self._class_names))

    def _rendered(self, console: Console, render: Render) -> Iterator[RenderableType]:
        for each in self._taken():
            if isinstance(each, BadImageError):
                yield f"{each.source}: {FAILED} ({each.problem})"
                yield ""
            else:
                yield self._drawn(each, console, render)

    def _drawn(self, each: Any, console: Console, render: Render) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        from mnistcli.cli.terminal.bitmap import signed
        from mnistcli.cli.terminal.layout import beside, stacked
        from mnistcli.cli.terminal.pictures import draw, signs_of, usable_width

        method = choose_method(render, console, n_pictures=2)
        why = explain(self.model, each.image, self.against) if self.explain else None
        pictures = pictures_of(each, why, show=self.show, finely=method in GRAPHICS)
        # Signs without colour take characters, and those want room.
        apart = [pictures.pop()] if why and method in COLOURLESS else []
        drawing = draw(pictures, console, method, in_row=True)
        usable = usable_width(console)
        shown = self.model.card.class_names, each.probabilities.tolist(), each.best
        spare = usable - drawing.width - 2
        if spare >= 18:
            drawing = beside([drawing, probability_bars(*shown, min(spare, 40), method)], 2)
        else:
            drawing = stacked([drawing, probability_bars(*shown, min(usable, 60), method)])
        parts: list[RenderableType] = [Text(visible(headline(each)), style="bold")]
        if each.notes:
            parts.append("; ".join(each.notes))
        parts.append(drawing)
        if apart:
            parts.append(draw(apart, console, "ascii" if method == "ascii" else "shade"))
        if why:
            parts.append(Text(signed(legend_of(why), signs_of(method))))
        return Group(*parts, Text())

    def panel(self) -> Gallery:
        """Return the pictures of what was answered, to be drawn into a file."""
        # One row for each, if all have as many pictures.
        lengths = {len(row) for row in self._kept}
        n_columns = max(lengths) if len(lengths) == 1 and max(lengths) > 1 else None
        legend = "{plus}: ink that speaks for the answer; {minus}: for the runner-up"
        return Gallery(chain(*self._kept), legend if self.explain else "", n_columns)

    def _taken(self) -> Iterator[Any]:
        """Yield the predictions, and keep their pictures for a file."""
        for each in self.predictions:
            if self.keeps and not isinstance(each, BadImageError):
                self._kept.append(self._pictures(each))
            yield each

    def _pictures(self, each: Any) -> list[CaptionedImage]:
        why = explain(self.model, each.image, self.against) if self.explain else None
        first, *others = pictures_of(each, why, show=True)
        return [replace(first, caption=f"{headline(each)}; {first.caption}"), *others]


@dataclass(frozen=True)
class NumbersView(PredictionsView):
    """The digits of each picture, in a row for each line of them, or with ``proba`` for each digit.

    The picture whose name is ``alone`` has a quiet line for each line, others one for all.
    """

    schemas = ("numbers", "number")
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

    def _lines(self) -> Iterator[str]:
        for each in self._taken():
            if isinstance(each, NumberPrediction) and each.source == self.alone:
                yield from each.numbers
            else:
                yield FAILED if isinstance(each, BadImageError) else each.answer

    def _drawn(self, each: Any, console: Console, render: Render) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        from mnistcli.cli.terminal import boxes
        from mnistcli.cli.terminal.pictures import usable_width

        method = choose_method(render, console, n_pictures=2)
        picture = boxes.drawn(each.original, _marks(each), method, usable_width(console))
        notes = ["; ".join(each.notes)] if each.notes else []
        return Group(Text(visible(_number_headline(each)), style="bold"), *notes, picture, "")

    def _pictures(self, each: Any) -> list[CaptionedImage]:
        from mnistcli.cli.terminal.boxes import painted

        width = 448 if self._kept else None  # a picture alone is as large as it is
        return [CaptionedImage(painted(each.original, _marks(each), width), _number_headline(each))]


# --- tables -------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    return "" if value is None else percent(value) if isinstance(value, float) else str(value)


def predictions_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], n_classes: int = 0
) -> Table | Words:
    """Show rows that end with a note, or none of them, before it the probabilities of classes."""
    if not rows:
        return Words("nothing to predict", "")
    apart = range(len(header) - n_classes, len(header))
    if any(row[-1] for row in rows):
        header = [*header, "notes"]
    kinds = {"input": "l", "notes": "l", **dict.fromkeys(_ANSWERS, "b")}
    columns = "".join(kinds.get(name, "r") for name in header)
    return Table(header, columns, [row[: len(header)] for row in rows], apart=apart)


# --- pictures -----------------------------------------------------------------------------------


def pictures_of(
    prediction: Prediction, why: Explanation | None, *, show: bool, finely: bool = True
) -> list[CaptionedImage]:
    """Return what there is to see: the picture, what the model saw, and why it answered so."""
    pictures = []
    original = prediction.original
    if show and original is not None and not np.array_equal(original, prediction.image):
        # As large as what the model saw; with pixels to spare, finer.
        small = shrunk(original, (10 if finely else 1) * IMAGE_SIDE)
        pictures.append(CaptionedImage(small, "the picture"))
    pictures.append(CaptionedImage(prediction.image, "what the model saw"))
    if why:
        caption = f"why {why.answer}, not {why.runner_up}"
        pictures.append(CaptionedImage(why.contributions, caption))
    return pictures


def headline(prediction: Prediction) -> str:
    """Return what a picture was taken for, in a line."""
    sure = percent(prediction.probability)
    if prediction.answer != prediction.best:
        sure = f"best guess {prediction.best} at {sure}"
    return f"{prediction.source}: {prediction.answer} ({sure})"


def legend_of(why: Explanation) -> str:
    """Return how to read an explanation, and that it adds up."""
    pixels = why.score - why.intercept
    sign = "-" if why.intercept < 0 else "+"
    return (
        f"{{plus}}: ink that speaks for {why.answer} rather than {why.runner_up}; "
        f"{{minus}}: for {why.runner_up}\n"
        f"pixels {pixels:.2f} {sign} intercept {abs(why.intercept):.2f} = {why.score:.2f} "
        f"= log({percent(why.p_answer)} / {100 * why.p_runner_up:#.4g} %)"
    ) + (f"\nby the model of {why.answer} and {why.runner_up} alone" if why.is_of_pair else "")


def probability_bars(
    names: Sequence[str], shares: Sequence[float], best: str, width: int, method: Method = "half"
) -> Block:
    """Draw the probability of each class as a bar, below an empty line."""
    from mnistcli.cli.terminal.layout import stacked, words

    longest = max(map(len, names))
    room = max(4, width - longest - len(" 100.00 %") - 1)
    rows = [words([""])]
    for name, share in zip(names, shares, strict=True):
        bar = "#" * round(share * room)
        if method != "ascii":
            whole, eighths = divmod(round(share * room * 8), 8)
            bar = "█" * whole + " ▏▎▍▌▋▊▉"[eighths]
        style = "bold" if name == best else ""
        text = f"{name:>{longest}} {bar.ljust(room)[:room]}{percent(share):>9}"
        rows.append(words([text], style=style))
    return stacked(rows)


def _number_headline(each: NumberPrediction) -> str:
    sure = f"least probability {percent(min(digit.probability for digit in each.digits))}"
    guess = "" if each.answer == each.best else f"best guess {each.best}, "
    return f"{each.source}: {each.answer} ({guess}{sure})"


def _marks(each: NumberPrediction) -> list[Mark]:
    from mnistcli.cli.terminal.boxes import Mark

    answers = [(digit, each.answer_of(digit)) for digit in each.digits]
    return [Mark(digit.box, answer, answer == digit.answer) for digit, answer in answers]
