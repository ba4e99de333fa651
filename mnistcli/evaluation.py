"""Judge a model on labelled images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mnistcli.errors import DataUnavailableError
from mnistcli.linear_model.classifier import probabilities_of
from mnistcli.metrics.classification import Evaluation, evaluate_scores
from mnistcli.model_selection.splits import samples_of, test_samples, training_samples
from mnistcli.tasks import parse_task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mnistcli.datasets import Dataset, LabelledImages
    from mnistcli.model_selection.splits import Samples
    from mnistcli.registry.model_file import Model

Part = Literal["test", "train"]


@dataclass(frozen=True, slots=True, eq=False)
class Mistake:
    """An image that the model got wrong.

    Attributes
    ----------
    index : int
        Where the image stands in what was judged.
    image : ndarray of shape (28, 28), uint8
    truth, answer : str
        Class names.
    p_truth, p_answer : float
        The probabilities that the model gave to them.
    """

    index: int
    image: NDArray[np.uint8]
    truth: str
    answer: str
    p_truth: float
    p_answer: float


@dataclass(frozen=True, slots=True, eq=False)
class JudgedModel:
    """A model's evaluation and its worst mistakes.

    Attributes
    ----------
    model : Model
    on : str
        What it was judged on: "mnist test", or the name of a file.
    evaluation : Evaluation
    mistakes : tuple of Mistake
        The least probable truths first.
    """

    model: Model
    on: str
    evaluation: Evaluation
    mistakes: tuple[Mistake, ...]


def evaluate(
    model: Model,
    data: Dataset | LabelledImages | None = None,
    *,
    on: Part = "test",
    n_mistakes: int = 0,
    name: str = "",
) -> JudgedModel:
    """Judge a model.

    Parameters
    ----------
    model : Model
    data : Dataset or LabelledImages, optional
        A dataset, of which ``on`` names the part, or just labelled images; by default the
        dataset that the model was trained on.
    on : {"test", "train"}
        For the dataset that the model was trained on, exactly the images of its own split.
    n_mistakes : int, default=0
        How many of the worst mistakes to hand over.
    name : str
        What to call labelled images.

    Raises
    ------
    DataUnavailableError
        There is no image of the task's digits in the data.
    """
    from mnistcli.datasets import Dataset, open_dataset

    task = parse_task(model.card.task)
    if data is None:
        data = open_dataset(model.card.dataset)
    if isinstance(data, Dataset):
        samples = _part_of(data, model, on)
        name = f"{data.name} {on}"
    else:
        samples = samples_of(data, task)
    if not len(samples):
        raise DataUnavailableError(f"{name or 'the data'} has no image for the task {task.name}")
    scores = model.classifier.decision_function(samples.images)
    return JudgedModel(
        model=model,
        on=name,
        evaluation=evaluate_scores(samples.y, scores, model.card.class_names),
        mistakes=_worst_mistakes(model, samples, scores, n_mistakes),
    )


def _part_of(dataset: Dataset, model: Model, on: Part) -> Samples:
    task = parse_task(model.card.task)
    if dataset.sha256 != model.card.dataset_sha256:
        # Other data than it was trained on: its split means nothing there.
        return samples_of(dataset.test if on == "test" else dataset.train, task)
    gather = test_samples if on == "test" else training_samples
    return gather(dataset, task, model.card.split)


def _worst_mistakes(
    model: Model, samples: Samples, scores: NDArray[np.float64], n: int
) -> tuple[Mistake, ...]:
    if n == 0:
        return ()
    probabilities = probabilities_of(scores)
    answers = probabilities.argmax(axis=1)
    p_truth = np.take_along_axis(probabilities, samples.y[:, None], axis=1)[:, 0]
    wrong = np.flatnonzero(answers != samples.y)
    worst = wrong[np.argsort(p_truth[wrong], kind="stable")][:n]
    names = model.card.class_names
    return tuple(
        Mistake(
            index=int(samples.index[i]),
            image=samples.images[i],
            truth=names[samples.y[i]],
            answer=names[answers[i]],
            p_truth=float(p_truth[i]),
            p_answer=float(probabilities[i, answers[i]]),
        )
        for i in worst
    )
