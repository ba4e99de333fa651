"""Any result as text, with the tables of the terminal, and as HTML, with those of the page.

For ``str`` of it and for a notebook's cell; what is not here only says in a line what it is.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from mnistcli.cli import rich
from mnistcli.cli.heat import confusion_map
from mnistcli.cli.numbers import percent
from mnistcli.cli.output import drawn_plainly
from mnistcli.cli.plots import curve_plots
from mnistcli.cli.report import tables
from mnistcli.cli.report.figures import figure, gallery, plots, weights
from mnistcli.cli.report.html import Content, Markup, style, tag
from mnistcli.cli.report.page import answered, card_details, confusion_with_digits, contents
from mnistcli.cli.sentences import describe_settings, verdict
from mnistcli.cli.terminal.bitmap import CHARACTER_SIGNS, COLOUR_SIGNS, signed
from mnistcli.cli.terminal.heatmaps import heat_table
from mnistcli.cli.views.compare import ComparisonView
from mnistcli.cli.views.evaluate import EvaluationView, curves_drawing
from mnistcli.cli.views.models import card_facts
from mnistcli.cli.views.predict import legend_of, predictions_table
from mnistcli.cli.views.shared import classification_report, facts
from mnistcli.cli.views.show import GalleryView
from mnistcli.cli.views.train import TrainingView, fold_facts, training_facts
from mnistcli.comparison import Comparison
from mnistcli.conforming.placing import Conformed
from mnistcli.datasets.store import Dataset, LabelledImages
from mnistcli.evaluation import JudgedModel
from mnistcli.gallery import CaptionedImage, Gallery
from mnistcli.metrics.catalog import Evaluation
from mnistcli.metrics.curves import Curves
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.model_selection.cross_validation import CrossValidation
from mnistcli.prediction import Explanation, Predictions
from mnistcli.registry.model_file import Model
from mnistcli.reporting import Report, ReportOnTwo, images_behind
from mnistcli.training import Training

# More pictures than these are counted, in a cell and as text.
_MOST_PICTURES, _MOST_DRAWN = 20, 100


def text(result: Any) -> str:
    """Draw a result as a pipe gets it."""
    return drawn_plainly(lambda console: _table(result, console)).rstrip("\n")


def _table(result: Any, console: "rich.Console") -> "rich.RenderableType":
    match result:
        case Training():
            return TrainingView(result, None).table(console)
        case JudgedModel():
            return EvaluationView(result, drawn=result.mistakes).table(console)
        case Evaluation():
            names = tuple(row.name for row in result.classes)
            heat = heat_table(confusion_map(result.confusion, names), console)
            return rich.Group(classification_report(result, console, ""), heat)
        case CrossValidation():
            return facts(fold_facts(result))
        case Curves():
            return curves_drawing(result, console, "auto")
        case Predictions():
            rows = [[str(i), name, percent(p), ""] for i, (name, p) in enumerate(result)]
            return predictions_table(["input", "answer", "probability"], rows, console)
        case Comparison():
            return ComparisonView(result).table(console)
        case Model():
            return facts((("Model", result.ref or "not saved"), *card_facts(result.card)))
        case Gallery():
            note = f"the first {_MOST_DRAWN} of {len(result):,}" * (len(result) > _MOST_DRAWN)
            shown = Gallery(result[:_MOST_DRAWN], result.legend or note)
            return GalleryView(shown).table(console)
        case Explanation() | Conformed() | CaptionedImage():
            return _table(_seen(result, CHARACTER_SIGNS), console)
        case Report():
            return _table(result.judged, console)
        case ReportOnTwo():
            return _table(result.compared, console)
        case Dataset():
            return facts((part, _counts(getattr(result, part))) for part in ("train", "test"))
        case LabelledImages():
            return _counts(result)
    return repr(result)


def html(result: Any) -> str:
    """Draw a result for a cell; "" for one that only has a line."""
    drawn = tuple(_parts(result))
    if not drawn:
        return ""
    is_page = isinstance(result, Report | ReportOnTwo)
    sheets = style("results", "page") if is_page else style("results")
    cell = tag("div", sheets, drawn, class_="mnistcli page within" if is_page else "mnistcli")
    # Links lead to digits of the same cell, and not to those of another.
    name = hashlib.sha256(cell.encode()).hexdigest()[:8]
    return re.sub(r'( id="| href="#)', rf"\g<1>{name}-", cell)


def _parts(result: Any) -> Iterator[Content]:
    match result:
        case Training():
            yield tables.facts((name, str(value)) for name, value in training_facts(result))
            if folds := result.cross_validation:
                yield tag("p", "The folds, each judged by a model that had not seen it:")
                yield tables.heat_map(confusion_map(folds.confusion, result.model.card.class_names))
            yield tag("p", "On the test images:")
            yield _numbers(result.evaluation)
        case JudgedModel():
            yield tag("p", tables.unbroken(verdict(result)))
            yield (tag("p", note, class_="warning") for note in result.notes)
            yield tables.headline_numbers(result.evaluation)
            matrix = confusion_with_digits(result, images_behind(result))
            yield tag(
                "div", tables.class_table(result.evaluation), tag("div", matrix), class_="beside"
            )
            yield gallery(map(answered, result.mistakes))
        case Evaluation():
            yield tables.headline_numbers(result)
            yield _numbers(result)
        case CrossValidation():
            yield tables.facts(fold_facts(result))
        case Curves():
            yield plots(*curve_plots(result))
        case Predictions():
            images = result.images.reshape(-1, *IMAGE_SHAPE)
            captions = (f"{answer}, {percent(p)}" for answer, p in result)
            yield from _pictures(map(CaptionedImage, images, captions), len(result))
        case Comparison():
            view = ComparisonView(result)
            yield tables.table("The models", view.columns(), view.cells())
            yield tag("p", view.legend(), class_="note")
            yield from _pictures(result.disagreements, len(result.disagreements))
        case Model():
            what = f"{result.card.task.name}, {describe_settings(result.card)}"
            yield tag("p", f"{result.ref or 'Not saved'}: {what}")
            yield card_details(result.card)
        case Gallery():
            yield from _gallery(result)
        case Explanation() | Conformed() | CaptionedImage():
            yield from _gallery(_seen(result, COLOUR_SIGNS))
        case Report() | ReportOnTwo():
            yield from contents(result)
        case Dataset():
            yield tables.facts(
                [("Training", _counts(result.train)), ("Test", _counts(result.test))]
            )
            yield from _pictures(_labelled(result.train), len(result.train.labels))
        case LabelledImages():
            yield tag("p", _counts(result))
            yield from _pictures(_labelled(result), len(result.labels))


def _numbers(evaluation: Evaluation) -> Markup:
    names = [row.name for row in evaluation.classes]
    heat = tables.heat_map(confusion_map(evaluation.confusion, names))
    return tag("div", tables.class_table(evaluation), heat, class_="beside")


def _gallery(pictures: Gallery) -> Iterator[Markup]:
    if any(each.image.dtype != np.uint8 for each in pictures):
        yield weights(pictures)
    elif pictures and "p_answer" in pictures[0].facts:
        yield gallery(map(answered, pictures))
    else:
        yield from _pictures(pictures, len(pictures))
    if pictures.legend:
        yield tag("p", signed(pictures.legend, COLOUR_SIGNS), class_="note")


def _pictures(pictures: Iterable[CaptionedImage], n: int) -> Iterator[Markup]:
    """Show the first pictures, and say how many there are."""
    shown = islice(pictures, _MOST_PICTURES)
    yield gallery(figure(each.image, each.caption.split(", "), each.caption) for each in shown)
    if n > _MOST_PICTURES:
        yield tag("p", f"The first {_MOST_PICTURES} of {n:,}.", class_="note")


def _seen(result: Explanation | Conformed | CaptionedImage, signs: tuple[str, str]) -> Gallery:
    if isinstance(result, CaptionedImage):
        return Gallery((result,))
    if isinstance(result, Conformed):
        return Gallery((CaptionedImage(result.image, ", ".join(result.steps)),))
    why = f"why {result.answer}, not {result.runner_up}"
    return Gallery((CaptionedImage(result.contributions, why),), legend_of(result, signs))


def _labelled(part: LabelledImages) -> Iterator[CaptionedImage]:
    return map(CaptionedImage, part.images, map(str, part.labels.tolist()))


def _counts(part: LabelledImages) -> str:
    digits, counts = np.unique(part.labels, return_counts=True)
    each = ", ".join(f"{n:,} of {digit}" for digit, n in zip(digits, counts, strict=True))
    return f"{len(part.labels):,} images: {each}"
