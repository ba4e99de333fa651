"""Predictions, of digits and of numbers, as tables, documents and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistcli.cli.content.numbers import percent
from mnistcli.cli.content.parts import Table, Words
from mnistcli.cli.output import Answer, pick
from mnistcli.cli.terminal.capabilities import COLOURLESS, GRAPHICS, Method, Render, choose_method
from mnistcli.cli.words import visible
from mnistcli.errors import BadImageError
from mnistcli.gallery import CaptionedImage, Gallery, fit_into
from mnistcli.mnist import IMAGE_SIDE
from mnistcli.prediction import FAILED, Answered, Explanation, Prediction, explain
from mnistcli.registry.model_file import Model

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from mnistcli.cli.terminal.pictures import Block

# The columns for answers.
_ANSWERS = ("answer", "number")
# What is null in JSON where there is no prediction.
_UNKNOWN = ("answer", "best", "probability", "probabilities", "typicality")
_UNKNOWN_NUMBER = ("height", "width", "numbers", "digits")


@dataclass(frozen=True, slots=True)
class PredictionView:
    """Shows answers, each a digit or a number, or what is wrong with an input, and what was asked.

    ``proba`` are the probabilities of all classes, or of each digit of a number; ``show`` puts a
    picture beside what the model saw, ``explain`` tells what each pixel contributed, ``against`` a
    class or the next best. The number ``alone`` has a quiet line for each of its lines.
    """

    model: Model
    number: bool = False
    proba: bool = False
    show: bool = False
    explain: bool = False
    against: str | None = None
    alone: str = ""

    def answer(self, predictions: Iterable[Answered], *, draw: bool = False) -> Answer:
        """Show predictions one by one as they come; draw them or make a table."""
        names = self.model.card.class_names
        is_by_line = self.number and not self.proba
        told = ["number", "least_probability"] if is_by_line else ["answer", "probability"]
        n_classes = len(names) if self.proba else 0
        columns = ["input", *["line"] * self.number, *told, *names[:n_classes]]
        rows = (row for each in predictions for row in self._rows(each, columns))
        documents = map(self._document, predictions)
        known = {"model": self.model.ref}

        def table() -> Iterator[Table | Words]:
            shown = [[*map(_text, cells), error or notes] for cells, notes, error in rows]
            yield predictions_table([name.replace("_", " ") for name in columns], shown, n_classes)

        def pictures(console: Console, render: Render) -> Iterator[RenderableType]:
            return (self._picture(each, console, render) for each in predictions)

        return Answer(
            "numbers" if self.number else "predict",
            known | {"class_names": names, "predictions": documents},
            (line for each in predictions for line in self._lines(each)),
            table(),
            chain([[*columns, "error"]], ([*cells, error] for cells, _, error in rows)),
            (("number" if self.number else "prediction", known | each) for each in documents),
            pictures if draw else None,
        )

    def pictures_for_file(self, each: Prediction, *, is_first: bool) -> list[CaptionedImage]:
        """Return the pictures of what was answered, to be drawn into a file."""
        if self.number:
            from mnistcli.cli.terminal.boxes import paint_boxes

            width = None if is_first else 448  # a picture alone is as large as it is
            page = paint_boxes(each.original, each.digits, width)
            return [CaptionedImage(page, self._headline(each))]
        first, *others = self._pictures(each, self._why(each), show=True)
        return [CaptionedImage(first.image, f"{self._headline(each)}; {first.caption}"), *others]

    def sheet_of(self, kept: Sequence[Sequence[CaptionedImage]]) -> Gallery:
        """Put pictures on a sheet: one row for each answer, if all have as many pictures."""
        lengths = {len(row) for row in kept}
        n_columns = max(lengths) if len(lengths) == 1 and max(lengths) > 1 else None
        legend = "{plus}: ink that speaks for the answer; {minus}: for the runner-up"
        return Gallery(chain(*kept), legend if self.explain else "", n_columns)

    def _why(self, each: Prediction) -> Explanation | None:
        return explain(self.model, each.digits[0].image, self.against) if self.explain else None

    def _document(self, each: Answered) -> dict[str, Any]:
        if isinstance(each, BadImageError):
            nothing = dict.fromkeys(_UNKNOWN_NUMBER if self.number else _UNKNOWN)
            return {"input": each.source, **nothing, "notes": [], "error": each.problem}
        names = self.model.card.class_names
        digits = [
            {
                "line": n,
                **pick(digit, "answer best probability"),
                "probabilities": dict(zip(names, digit.probabilities.tolist(), strict=True)),
                "typicality": digit.typicality,
                "box": each.box_of(digit)._asdict(),
            }
            for n, line in enumerate(each.lines, 1)
            for digit in line
        ]
        document: dict[str, Any] = {"input": each.source}
        if self.number:
            document |= zip(("height", "width"), each.size, strict=True)
            document |= {"numbers": each.numbers, "digits": digits}
        else:
            document |= {name: digits[0][name] for name in _UNKNOWN}
        document["notes"] = each.notes
        if why := self._why(each):
            document["explanation"] = pick(why, "answer runner_up score intercept")
            document["explanation"]["contributions"] = why.contributions.ravel()
        return document

    def _rows(self, each: Answered, columns: list[str]) -> Iterator[tuple[Any, str, str | None]]:
        """Yield the cells of each row, notes and what is wrong."""
        if isinstance(each, BadImageError):
            known = {"input": each.source, **dict.fromkeys(_ANSWERS, FAILED)}
            yield [known.get(name) for name in columns], "", each.problem
            return
        notes = each.notes  # of a page beside its first line
        for n, line in enumerate(each.lines, 1):
            for digits in [(digit,) for digit in line] if self.proba else [line]:
                answer, best = each.text_of(digits), each.text_of(digits, best=True)
                least = min([digit.probability for digit in digits])
                shares = digits[0].probabilities.tolist() if self.proba else ()
                guess = () if answer == best else (f"best guess {best}",)
                cells = [each.source, *[n] * self.number, answer, least, *shares]
                yield cells, ", ".join(guess + notes), None
                notes = ()

    def _lines(self, each: Answered) -> Sequence[str]:
        if isinstance(each, BadImageError):
            return [FAILED]
        return each.numbers if each.source == self.alone else [each.answer]

    def _headline(self, each: Prediction) -> str:
        """Return what a picture was taken for, in a line."""
        sure = percent(each.probability)
        guess = "" if each.answer == each.best else f"best guess {each.best}"
        if self.number:
            told = ", ".join(filter(None, (guess, f"least probability {sure}")))
        else:
            told = f"{guess} at {sure}" if guess else sure
        return f"{each.source}: {each.answer} ({told})"

    def _picture(self, each: Answered, console: Console, render: Render) -> RenderableType:
        """Draw what was answered to a picture: its digits in boxes, or probabilities beside it."""
        from rich.console import Group
        from rich.text import Text

        from mnistcli.cli.terminal.bitmap import fill_in
        from mnistcli.cli.terminal.boxes import draw_boxes
        from mnistcli.cli.terminal.pictures import beside, draw, signs_of, stacked, usable_width

        if isinstance(each, BadImageError):
            return Group(f"{each.source}: {FAILED} ({each.problem})", "")
        method, usable = choose_method(render, console, n_pictures=2), usable_width(console)
        parts: list[RenderableType] = [Text(visible(self._headline(each)), style="bold")]
        if each.notes:
            parts.append("; ".join(each.notes))
        if self.number:
            return Group(*parts, draw_boxes(each.original, each.digits, method, usable), "")
        why, (digit,) = self._why(each), each.digits
        pictures = self._pictures(each, why, show=self.show, finely=method in GRAPHICS)
        # Signs without colour take characters, and those want room.
        apart = [pictures.pop()] if why and method in COLOURLESS else []
        drawing = draw(pictures, console, method, in_row=True)
        shown = self.model.card.class_names, digit.probabilities.tolist(), digit.best
        spare = usable - drawing.width - 2
        if spare >= 18:
            parts.append(beside([drawing, probability_bars(*shown, min(spare, 40), method)], 2))
        else:
            parts.append(stacked([drawing, probability_bars(*shown, min(usable, 60), method)]))
        if apart:
            parts.append(draw(apart, console, "ascii" if method == "ascii" else "shade"))
        if why:
            parts.append(Text(fill_in(legend_of(why), signs_of(method))))
        return Group(*parts, Text())

    @staticmethod
    def _pictures(
        each: Prediction, why: Explanation | None, *, show: bool, finely: bool = True
    ) -> list[CaptionedImage]:
        pictures, seen = [], each.digits[0].image
        if show and not np.array_equal(each.original, seen):
            # As large as what the model saw; with pixels to spare, finer.
            side = (10 if finely else 1) * IMAGE_SIDE
            small = fit_into(each.original, side, side)
            pictures.append(CaptionedImage(small, "the picture"))
        pictures.append(CaptionedImage(seen, "what the model saw"))
        if why:
            caption = f"why {why.answer}, not {why.runner_up}"
            pictures.append(CaptionedImage(why.contributions, caption))
        return pictures


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
    """Draw the probability of each class as a bar, below an empty line; NaN where not known."""
    from mnistcli.cli.terminal.pictures import stacked, texts

    longest = max(map(len, names))
    room = max(4, width - longest - len(" 100.00 %") - 1)
    rows = [texts([""])]
    for name, share in zip(names, shares, strict=True):
        length = share * room if share > 0 else 0.0
        bar = "#" * round(length)
        if method != "ascii":
            whole, eighths = divmod(round(length * 8), 8)
            bar = "█" * whole + " ▏▎▍▌▋▊▉"[eighths]
        style = "bold" if name == best else ""
        text = f"{name:>{longest}} {bar.ljust(room)[:room]}{percent(share):>9}"
        rows.append(texts([text], style=style))
    return stacked(rows)
