"""Gather what there is to say of a model, for a page that somebody else will read."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistcli.datasets.store import Dataset
from mnistcli.display import Displayed
from mnistcli.evaluation import JudgedModel, evaluate
from mnistcli.gallery import CaptionedImage, Gallery, filter_images, weight_images
from mnistcli.registry.exports import Example
from mnistcli.registry.model_file import Model

N_MISTAKES = 24
N_UNCERTAIN = 16
N_IN_CELL = 6
# Of each class in an exported page, right and wrong ones.
N_EXAMPLES = 6


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Report(Displayed):
    """All that a page about a model shows."""

    judged: JudgedModel  # on the test images, with its `N_MISTAKES` worst mistakes
    looks_for: tuple[CaptionedImage, ...]  # the weights of the pixels, or the patches
    most_certain: Gallery  # right answers, as many for each class
    least_certain: Gallery  # right or wrong
    behind: Gallery  # see `images_behind`


def report_on(model: Model, dataset: Dataset | None = None) -> Report:
    """Judge a model on its test images and gather all that there is to show.

    The dataset is the one that it was trained on unless given. Raises DataUnavailableError where
    no image of it is of the task.
    """
    judged = evaluate(model, dataset, n_mistakes=N_MISTAKES)
    names = model.card.class_names
    n_each = max(1, N_UNCERTAIN // len(names))
    p_answer = judged.probabilities.max(axis=1)
    answers, y = judged.answers, judged.samples.y

    most = [
        position
        for k in range(len(names))
        for position in _first(-p_answer, (answers == k) & (y == k), n_each)
    ]
    least = _first(p_answer, np.ones(len(y), dtype=bool), N_UNCERTAIN)
    return Report(
        judged=judged,
        looks_for=weight_images(model) if model.card.has_pixel_weights else filter_images(model),
        most_certain=judged.images_at(most),
        least_certain=judged.images_at(least),
        behind=images_behind(judged),
    )


def images_behind(judged: JudgedModel) -> Gallery:
    """Return images of each cell of the confusion matrix, `N_IN_CELL` at most.

    Those are the least sure right answers, and the surest wrong ones.
    """
    p_answer = judged.probabilities.max(axis=1)
    answers, y = judged.answers, judged.samples.y
    n_in, behind = Counter[tuple[int, int]](), []
    for position in np.argsort(np.where(answers == y, p_answer, -p_answer), kind="stable").tolist():
        cell = int(y[position]), int(answers[position])
        n_in[cell] += 1
        behind += [position] if n_in[cell] <= N_IN_CELL else []
    return judged.images_at(behind)


def examples_of(model: Model, dataset: Dataset) -> tuple[Example, ...]:
    """Pick test images of each class: first ones that are read right, and the worst mistakes."""
    judged = evaluate(model, dataset)
    p_answer, answers, y = judged.probabilities.max(axis=1), judged.answers, judged.samples.y
    order = np.arange(len(y), dtype=np.float64)
    chosen = [
        position
        for k in range(len(model.card.class_names))
        for values, which in ((order, answers == y), (-p_answer, answers != y))
        for position in _first(values, which & (y == k), N_EXAMPLES)
    ]
    images = judged.samples.images
    return tuple(Example(images[i], int(y[i]), int(answers[i])) for i in chosen)


def _first(values: NDArray[np.float64], chosen: NDArray[np.bool_], n: int) -> list[int]:
    """Return the positions of the ``n`` smallest of the chosen values."""
    positions = np.flatnonzero(chosen)
    order = np.argsort(values[positions], kind="stable")[:n]
    first: list[int] = positions[order].tolist()
    return first
