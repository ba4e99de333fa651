"""Any result as text, with the tables of the terminal, and as HTML, with those of the page.

For ``str`` of it and for a notebook's cell; what is not here only says in a line what it is.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from mnistcli.cli.numbers import percent
from mnistcli.cli.parts import Facts, Part, Words, confusion_map
from mnistcli.cli.report.html import joined, style, tag
from mnistcli.cli.report.page import contents, drawn
from mnistcli.cli.terminal.console import drawn_plainly
from mnistcli.cli.views import train
from mnistcli.cli.views.compare import ComparisonView
from mnistcli.cli.views.evaluate import EvaluationView, shown_curves
from mnistcli.cli.views.models import card_facts
from mnistcli.cli.views.predict import legend_of, predictions_table
from mnistcli.cli.views.shared import class_report
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

# More pictures than these are counted.
_MOST_PICTURES = 40


def text(result: Any) -> str:
    """Draw a result as a pipe gets it."""
    parts = [*_parts(result)]
    return drawn_plainly(parts).rstrip("\n") if parts else repr(result)


def html(result: Any) -> str:
    """Draw a result for a cell; "" for one that only has a line."""
    is_page = isinstance(result, Report | ReportOnTwo)
    elements = contents(result) if is_page else drawn(_parts(result, in_cell=True))
    if not (content := joined(elements)):
        return ""
    sheets = style("results", "page") if is_page else style("results")
    cell = tag("div", sheets, content, class_="mnistcli page within" if is_page else "mnistcli")
    # Links lead to digits of the same cell, and not to those of another.
    name = hashlib.sha256(cell.encode()).hexdigest()[:8]
    return re.sub(r'( id="| href="#)', rf"\g<1>{name}-", cell)


def _parts(result: Any, *, in_cell: bool = False) -> Iterator[Part]:
    """Yield what there is to see of a result; of some, pictures in a cell and a table as text."""
    match result:
        case Training():
            yield from train.shown(result)
        case JudgedModel():
            behind = images_behind(result) if in_cell else ()
            yield from map(Words, result.notes if in_cell else ())
            yield from EvaluationView(result, n_drawn=len(result.mistakes), behind=behind).shown()
        case Evaluation():
            yield class_report(result)
            yield confusion_map(result.confusion, [row.name for row in result.classes])
        case CrossValidation():
            yield Facts(train.fold_facts(result))
        case Curves():
            yield from shown_curves(result)
        case Predictions() if in_cell:
            images = result.images.reshape(-1, *IMAGE_SHAPE)
            captions = (f"{answer}, {percent(p)}" for answer, p in result)
            yield _first(map(CaptionedImage, images, captions), len(result))
        case Predictions():
            rows = [[str(i), name, percent(p), ""] for i, (name, p) in enumerate(result)]
            yield predictions_table(["input", "answer", "probability"], rows)
        case Comparison():
            yield from ComparisonView(result).shown()
        case Model():
            yield Facts((("Model", result.ref or "not saved"), *card_facts(result.card)))
        case Gallery():
            yield _first(result, len(result), result.legend)
        case CaptionedImage():
            yield Gallery((result,))
        case Conformed():
            yield Gallery((CaptionedImage(result.image, ", ".join(result.steps)),))
        case Explanation():
            why = f"why {result.answer}, not {result.runner_up}"
            yield Gallery((CaptionedImage(result.contributions, why),), legend_of(result))
        case Report():
            yield from _parts(result.judged)
        case ReportOnTwo():
            yield from _parts(result.compared)
        case Dataset():
            yield Facts([(part, _counts(getattr(result, part))) for part in ("train", "test")])
            if in_cell:
                yield _labelled(result.train)
        case LabelledImages():
            yield Words(_counts(result))
            if in_cell:
                yield _labelled(result)


def _first(pictures: Iterable[CaptionedImage], n: int, legend: str = "") -> Gallery:
    """Return the first of so many pictures, and say how many there are."""
    note = f"the first {_MOST_PICTURES} of {n:,}" * (n > _MOST_PICTURES)
    return Gallery(islice(pictures, _MOST_PICTURES), legend or note)


def _labelled(part: LabelledImages) -> Gallery:
    pictures = map(CaptionedImage, part.images, map(str, part.labels.tolist()))
    return _first(pictures, len(part.labels))


def _counts(part: LabelledImages) -> str:
    digits, counts = np.unique(part.labels, return_counts=True)
    each = ", ".join(f"{n:,} of {digit}" for digit, n in zip(digits, counts, strict=True))
    return f"{len(part.labels):,} images: {each}"
