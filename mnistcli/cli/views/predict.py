"""Predictions, of digits and of numbers, as tables, documents and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistcli.cli.numbers import percent
from mnistcli.cli.output import Answer, picked
from mnistcli.cli.parts import Table, Words
from mnistcli.cli.terminal.capabilities import COLOURLESS, GRAPHICS, Method, Render, choose_method
from mnistcli.cli.words import visible
from mnistcli.errors import BadImageError
from mnistcli.gallery import CaptionedImage, Gallery, shrunk
from mnistcli.mnist import IMAGE_SIDE
from mnistcli.prediction import FAILED, Explanation, Prediction, explain
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
class Asked:
    """What is asked of each picture: a digit or a number, and what else is told of it.

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

    def why(self, each: Prediction) -> Explanation | None:
        """Return why it was answered so, where that is asked."""
        return explain(self.model, each.digits[0].image, self.against) if self.explain else None


def predicted(predictions: Iterable[Any], asked: Asked, *, draw: bool = False) -> Answer:
    """Show predictions, or what is wrong with the input, one by one; draw them or make a table."""
    class_names = asked.model.card.class_names
    is_by_line = asked.number and not asked.proba
    told = ["number", "least_probability"] if is_by_line else ["answer", "probability"]
    n_classes = len(class_names) if asked.proba else 0
    columns = ["input", *["line"] * asked.number, *told, *class_names[:n_classes]]
    rows = (row for each in predictions for row in _rows(each, asked, columns))
    documents = (_document(each, asked) for each in predictions)
    known = {"model": asked.model.ref}

    def table() -> Iterator[Table | Words]:
        shown = [[*map(_text, cells), error or notes] for cells, notes, error in rows]
        yield predictions_table([name.replace("_", " ") for name in columns], shown, n_classes)

    def pictures(console: Console, render: Render) -> Iterator[RenderableType]:
        return (_picture(each, asked, console, render) for each in predictions)

    return Answer(
        "numbers" if asked.number else "predict",
        known | {"class_names": class_names, "predictions": documents},
        (line for each in predictions for line in _lines(each, asked)),
        table(),
        chain([[*columns, "error"]], ([*cells, error] for cells, _, error in rows)),
        (("number" if asked.number else "prediction", known | each) for each in documents),
        pictures if draw else None,
    )


def _document(each: Prediction | BadImageError, asked: Asked) -> dict[str, Any]:
    if isinstance(each, BadImageError):
        nothing = dict.fromkeys(_UNKNOWN_NUMBER if asked.number else _UNKNOWN)
        return {"input": each.source, **nothing, "notes": [], "error": each.problem}
    names = asked.model.card.class_names
    digits = [
        {
            "line": n,
            **picked(digit, "answer best probability"),
            "probabilities": dict(zip(names, digit.probabilities.tolist(), strict=True)),
            "typicality": digit.typicality,
            "box": each.box_of(digit)._asdict(),
        }
        for n, line in enumerate(each.lines, 1)
        for digit in line
    ]
    document: dict[str, Any] = {"input": each.source}
    if asked.number:
        document |= zip(("height", "width"), each.size, strict=True)
        document |= {"numbers": each.numbers, "digits": digits}
    else:
        document |= {name: digits[0][name] for name in _UNKNOWN}
    document["notes"] = each.notes
    if why := asked.why(each):
        document["explanation"] = picked(why, "answer runner_up score intercept")
        document["explanation"]["contributions"] = why.contributions.ravel()
    return document


def _rows(
    each: Prediction | BadImageError, asked: Asked, columns: Sequence[str]
) -> Iterator[tuple[Any, str, str | None]]:
    """Yield the cells of each row, notes and what is wrong."""
    if isinstance(each, BadImageError):
        known = {"input": each.source, **dict.fromkeys(_ANSWERS, FAILED)}
        yield [known.get(name) for name in columns], "", each.problem
        return
    for n, line in enumerate(each.lines, 1):
        for digits in [(digit,) for digit in line] if asked.proba else [line]:
            answer, best = each.text_of(digits), each.text_of(digits, best=True)
            least = min([digit.probability for digit in digits])
            shares = digits[0].probabilities.tolist() if asked.proba else ()
            guess = () if answer == best else (f"best guess {best}",)
            cells = [each.source, *[n] * asked.number, answer, least, *shares]
            yield cells, ", ".join(guess + each.notes), None


def _lines(each: Prediction | BadImageError, asked: Asked) -> Sequence[str]:
    if isinstance(each, BadImageError):
        return [FAILED]
    return each.numbers if each.source == asked.alone else [each.answer]


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


def _picture(
    each: Prediction | BadImageError, asked: Asked, console: Console, render: Render
) -> RenderableType:
    """Draw what was answered to a picture: its digits in boxes, or probabilities beside it."""
    from rich.console import Group
    from rich.text import Text

    from mnistcli.cli.terminal.bitmap import signed
    from mnistcli.cli.terminal.boxes import draw_boxes
    from mnistcli.cli.terminal.pictures import beside, draw, signs_of, stacked, usable_width

    if isinstance(each, BadImageError):
        return Group(f"{each.source}: {FAILED} ({each.problem})", "")
    method, usable = choose_method(render, console, n_pictures=2), usable_width(console)
    parts: list[RenderableType] = [Text(visible(_headline(each, asked)), style="bold")]
    if each.notes:
        parts.append("; ".join(each.notes))
    if asked.number:
        return Group(*parts, draw_boxes(each.original, each.digits, method, usable), "")
    why, (digit,) = asked.why(each), each.digits
    pictures = _pictures_of(each, why, show=asked.show, finely=method in GRAPHICS)
    # Signs without colour take characters, and those want room.
    apart = [pictures.pop()] if why and method in COLOURLESS else []
    drawing = draw(pictures, console, method, in_row=True)
    shown = asked.model.card.class_names, digit.probabilities.tolist(), digit.best
    spare = usable - drawing.width - 2
    if spare >= 18:
        parts.append(beside([drawing, probability_bars(*shown, min(spare, 40), method)], 2))
    else:
        parts.append(stacked([drawing, probability_bars(*shown, min(usable, 60), method)]))
    if apart:
        parts.append(draw(apart, console, "ascii" if method == "ascii" else "shade"))
    if why:
        parts.append(Text(signed(legend_of(why), signs_of(method))))
    return Group(*parts, Text())


def pictures_for_file(each: Prediction, asked: Asked, *, is_first: bool) -> list[CaptionedImage]:
    """Return the pictures of what was answered, to be drawn into a file."""
    if asked.number:
        from mnistcli.cli.terminal.boxes import paint_boxes

        width = None if is_first else 448  # a picture alone is as large as it is
        page = paint_boxes(each.original, each.digits, width)
        return [CaptionedImage(page, _headline(each, asked))]
    first, *others = _pictures_of(each, asked.why(each), show=True)
    return [CaptionedImage(first.image, f"{_headline(each, asked)}; {first.caption}"), *others]


def sheet_of(kept: Sequence[Sequence[CaptionedImage]], asked: Asked) -> Gallery:
    """Put pictures on a sheet: one row for each answer, if all have as many pictures."""
    lengths = {len(row) for row in kept}
    n_columns = max(lengths) if len(lengths) == 1 and max(lengths) > 1 else None
    legend = "{plus}: ink that speaks for the answer; {minus}: for the runner-up"
    return Gallery(chain(*kept), legend if asked.explain else "", n_columns)


def _pictures_of(
    each: Prediction, why: Explanation | None, *, show: bool, finely: bool = True
) -> list[CaptionedImage]:
    pictures, seen, original = [], each.digits[0].image, each.original
    if show and not np.array_equal(original, seen):
        # As large as what the model saw; with pixels to spare, finer.
        small = shrunk(original, (10 if finely else 1) * IMAGE_SIDE)
        pictures.append(CaptionedImage(small, "the picture"))
    pictures.append(CaptionedImage(seen, "what the model saw"))
    if why:
        caption = f"why {why.answer}, not {why.runner_up}"
        pictures.append(CaptionedImage(why.contributions, caption))
    return pictures


def _headline(each: Prediction, asked: Asked) -> str:
    """Return what a picture was taken for, in a line."""
    sure = percent(each.probability)
    guess = "" if each.answer == each.best else f"best guess {each.best}"
    if asked.number:
        told = ", ".join(filter(None, (guess, f"least probability {sure}")))
    else:
        told = f"{guess} at {sure}" if guess else sure
    return f"{each.source}: {each.answer} ({told})"


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
    from mnistcli.cli.terminal.pictures import stacked, words

    longest = max(map(len, names))
    room = max(4, width - longest - len(" 100.00 %") - 1)
    rows = [words([""])]
    for name, share in zip(names, shares, strict=True):
        length = share * room if share > 0 else 0.0
        bar = "#" * round(length)
        if method != "ascii":
            whole, eighths = divmod(round(length * 8), 8)
            bar = "█" * whole + " ▏▎▍▌▋▊▉"[eighths]
        style = "bold" if name == best else ""
        text = f"{name:>{longest}} {bar.ljust(room)[:room]}{percent(share):>9}"
        rows.append(words([text], style=style))
    return stacked(rows)
