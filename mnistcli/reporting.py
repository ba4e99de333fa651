"""Gather what there is to say of a model, or of two, for a page that somebody else will read."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnistcli.comparison import Comparison, compare
from mnistcli.datasets.dataset import Dataset
from mnistcli.display import Displayed
from mnistcli.errors import UsageError
from mnistcli.evaluation import JudgedModel, evaluate
from mnistcli.gallery import Gallery, filter_images, weight_images
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

    notes: tuple[str, ...]  # what to know before trusting the numbers
    judged: JudgedModel  # on the test images, with its `N_MISTAKES` worst mistakes
    looks_for: Gallery  # the weights of the pixels, or the patches
    least_certain: Gallery  # right or wrong
    behind: Gallery  # see `images_behind`


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReportOnTwo(Displayed):
    """All that a page about two models shows."""

    notes: tuple[str, ...]  # what to know before trusting the numbers
    compared: Comparison  # the better one first
    # What only the first and only the second got right, with the other's answers, the surest first.
    alone: tuple[Gallery, Gallery]


def judged_in(report: Report | ReportOnTwo) -> tuple[JudgedModel, ...]:
    """Return the models that a report is about, as they were judged."""
    return (report.judged,) if isinstance(report, Report) else report.compared.judged


def report_on_any(models: Sequence[Model], dataset: Dataset | str | None) -> Report | ReportOnTwo:
    """Report on a model, see `report_on`, or on two, on the images of `comparison.compare`.

    Raises what these do, and UsageError for more models or the same one twice.
    """
    if len(models) == 1:
        return report_on(models[0], dataset)
    refs, cards = [model.ref for model in models], [model.card for model in models]
    if len(models) != 2 or cards[0] == cards[1] or refs[0] == refs[1] != "":
        named = " and ".join(ref or "one without a name" for ref in refs)
        problem = f"a report is about one model, or two different ones, not about {named or 'none'}"
        raise UsageError(problem, hint="see mnistcli models list; mnistcli compare takes more")
    compared = compare(models, dataset)
    first, second = compared.judged
    alone = _only_right(first, second), _only_right(second, first)
    return ReportOnTwo(compared.notes, compared, alone)


def _only_right(judged: JudgedModel, other: JudgedModel) -> Gallery:
    wrong = other.behind()
    return other.images_at(wrong[judged.is_right[wrong]][:N_MISTAKES].tolist())


def report_on(model: Model, dataset: Dataset | str | None = None) -> Report:
    """Judge a model on its test images and gather all that there is to show.

    The dataset is the one that it was trained on unless given. Raises DataUnavailableError where
    no image of it is of the task.
    """
    judged = evaluate(model, dataset, n_mistakes=N_MISTAKES)
    looks_for = weight_images(model) if model.card.has_pixel_weights else filter_images(model)
    least = np.argsort(judged.probabilities.max(axis=1), kind="stable")[:N_UNCERTAIN].tolist()
    at = judged.images_at(least), images_behind(judged)
    return Report(judged.notes, judged, looks_for, *at)


def images_behind(judged: JudgedModel) -> Gallery:
    """Return the least sure right answers and the surest wrong ones, `N_IN_CELL` of each cell."""
    sure = judged.probabilities.max(axis=1) * np.where(judged.is_right, 1, -1)
    cells = [*zip(judged.samples.y.tolist(), judged.answers.tolist(), strict=True)]
    n_in, behind = Counter[tuple[int, int]](), []
    for position in np.argsort(sure, kind="stable").tolist():
        n_in[cells[position]] += 1
        behind += [position] if n_in[cells[position]] <= N_IN_CELL else []
    return judged.images_at(behind)


def examples_of(model: Model, dataset: Dataset) -> tuple[Example, ...]:
    """Pick test images of each class: first ones that are read right, and the worst mistakes."""
    judged = evaluate(model, dataset)
    answers, y, images = judged.answers, judged.samples.y, judged.samples.images
    chosen: list[int] = []
    for k, name in enumerate(model.card.class_names):
        right = np.flatnonzero((answers == y) & (y == k))
        chosen += [*right[:N_EXAMPLES], *judged.behind(name)[:N_EXAMPLES]]
    return tuple(Example(images[i], int(y[i]), int(answers[i])) for i in chosen)
