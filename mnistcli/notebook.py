"""For people at a Python prompt: what there is to look at."""

from __future__ import annotations  # which help() shows as they are written

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mnistcli.comparison import ReportOnTwo, report_on_any
from mnistcli.datasets.dataset import Dataset, LabelledImages
from mnistcli.datasets.given import Given
from mnistcli.errors import UsageError
from mnistcli.evaluation import Report, evaluate
from mnistcli.gallery import CaptionedImage, Gallery, filter_images, weight_images
from mnistcli.mnist import IMAGE_SHAPE, N_PIXELS
from mnistcli.paths import check_ending
from mnistcli.pictures import grey_levels, numbers_in
from mnistcli.ranges import Range
from mnistcli.registry.model_file import Model
from mnistcli.registry.store import load_model


def show(images: ArrayLike | LabelledImages) -> Gallery:
    """Show an image, or several: of shape (h, w), (n, h, w), (784,) or (n, 784).

    Numbers are grey levels from 0 to 255, or from 0 to 1; where some are negative they are in red
    and blue. Labelled images are shown without their labels. Raises UsageError for
    what is no picture.
    """
    given: Any = images
    array = numbers_in(getattr(given, "images", given))
    if array.shape[-1:] == (N_PIXELS,):
        array = array.reshape(*array.shape[:-1], *IMAGE_SHAPE)
    is_colour = array.ndim == 3 and array.shape[2] in (3, 4)
    if array.ndim not in (2, 3) or is_colour or not array.size or array.dtype.kind not in "buif":
        found = f"{array.shape} of {array.dtype}"
        raise UsageError(f"images are grey, (h, w), (n, h, w) or (n, 784), not {found}")
    is_signed = array.min() < 0 and bool(np.isfinite(array).all())
    array = array / np.abs(array).max() if is_signed else grey_levels(array)
    pictures = array if array.ndim == 3 else array[None]
    return Gallery(CaptionedImage(each) for each in pictures)


def weights(model: Model | str, *others: Model | str) -> Gallery:
    """Show what models look for: a weight for each pixel, on one scale, or the patches of one."""
    models = [*map(load_model, (model, *others))]
    if others or models[0].card.feature_spec.has_pixel_weights:
        return weight_images(*models)
    return filter_images(*models)


def mistakes(
    model: Model | str,
    data: Given | None = None,
    *,
    n: int = 24,
    truth: object = None,
    answer: object = None,
) -> Gallery:
    """Show the worst mistakes of a model, of all or of one kind: ``truth=4, answer=9``.

    The images are the test images of its dataset unless given; see `mnistcli.evaluate`.
    """
    asked = (None if each is None else str(each) for each in (truth, answer))
    n = int(Range(int, 0, 10**9).checked("n", n))
    return evaluate(model, data, name="the images").mistakes(n, *asked)


def report(
    model: Model | str | Sequence[Model | str],
    path: Path | str | None = None,
    dataset: Dataset | str | None = None,
) -> Report | ReportOnTwo:
    """Gather all that there is to say of a model, or of two; a path is where to write it, .html or .md.

    Raises what `comparison.report_on_any` and `files.write_atomically` do, UsageError for other
    names.
    """
    from mnistcli.cli.report.page import ENDINGS, publish

    if path is not None:
        check_ending(Path(path), ENDINGS, "write a report to")
    models = [model] if isinstance(model, str) or not isinstance(model, Sequence) else model
    found = report_on_any([*map(load_model, models)], dataset)
    if path is not None:
        publish(found, Path(path))
    return found
