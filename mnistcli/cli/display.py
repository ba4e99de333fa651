"""Any result as text, with the tables of the terminal, and as HTML, with those of the page.

For ``str`` of it and for a notebook's cell; what is not here only says in a line what it is.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from mnistcli import comparison, evaluation, prediction, training
from mnistcli.cli.content.numbers import percent
from mnistcli.cli.content.parts import Facts, HeatMap, Part, Words
from mnistcli.cli.report.html import join, style, tag
from mnistcli.cli.report.page import contents, elements_of
from mnistcli.cli.terminal.console import to_plain_text
from mnistcli.cli.views import compare, evaluate, models, predict, train
from mnistcli.conforming.placing import Conformed
from mnistcli.datasets.dataset import Dataset, LabelledImages
from mnistcli.display import counted
from mnistcli.gallery import CaptionedImage, Gallery
from mnistcli.metrics import catalog, curves
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.model_selection.cross_validation import CrossValidation
from mnistcli.registry.model_file import Model

# More pictures than these are counted.
_MOST_PICTURES = 40


def text(result: Any) -> str:
    """Draw a result as a pipe gets it."""
    parts = [*_parts(result)]
    return to_plain_text(parts).rstrip("\n") if parts else repr(result)


def html(result: Any) -> str:
    """Draw a result for a cell; "" for one that only has a line."""
    is_page = isinstance(result, evaluation.Report | comparison.ReportOnTwo)
    elements = contents(result) if is_page else elements_of(_parts(result, in_cell=True))
    if not (content := join(elements)):
        return ""
    sheets = style("results", "page") if is_page else style("results")
    cell = tag("div", sheets, content, class_="mnistcli page within" if is_page else "mnistcli")
    # Links lead to digits of the same cell, and not to those of another.
    name = hashlib.sha256(cell.encode()).hexdigest()[:8]
    return re.sub(r'( id="| href="#)', rf"\g<1>{name}-", cell)


def _parts(result: Any, *, in_cell: bool = False) -> Iterator[Part]:
    """Yield what there is to see of a result; of some, pictures in a cell and a table as text."""
    match result:
        case training.Training():
            yield from train.training_parts(result)
        case evaluation.JudgedModel():
            behind = evaluation.images_behind(result) if in_cell else ()
            yield from map(Words, result.notes if in_cell else ())
            yield from evaluate.evaluation_parts(result, behind=behind)
        case catalog.Evaluation():
            yield evaluate.class_report(result)
            yield HeatMap.of_confusion(result.confusion, [row.name for row in result.classes])
        case CrossValidation():
            yield Facts(train.fold_facts(result))
        case curves.Curves():
            yield from evaluate.curve_parts(result)
        case prediction.Predictions() if in_cell:
            images = result.images.reshape(-1, *IMAGE_SHAPE)
            captions = (f"{answer}, {percent(p)}" for answer, p in result)
            yield _first(map(CaptionedImage, images, captions), len(result))
        case prediction.Predictions():
            rows = [[str(i), name, percent(p), ""] for i, (name, p) in enumerate(result)]
            yield predict.predictions_table(["input", "answer", "probability"], rows)
        case comparison.Comparison():
            yield from compare.comparison_parts(result)
        case Model():
            yield Facts((("Name", result.ref or "not saved"), *models.card_facts(result.card)))
        case Gallery():
            yield _first(result, len(result), result.legend)
        case CaptionedImage():
            yield Gallery((result,))
        case Conformed():
            yield Gallery((CaptionedImage(result.image, ", ".join(result.steps)),))
        case prediction.Explanation():
            why = f"why {result.answer}, not {result.runner_up}"
            yield Gallery((CaptionedImage(result.contributions, why),), predict.legend_of(result))
        case evaluation.Report():
            yield from _parts(result.judged)
        case comparison.ReportOnTwo():
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
    return f"{counted(len(part.labels), 'image')}: {each}"
