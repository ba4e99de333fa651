"""Judge a model on labelled images."""

import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import TYPE_CHECKING, get_args

import numpy as np

from mnistcli.arrays import Bools, Float64s, Int64s
from mnistcli.containers.names import Part
from mnistcli.datasets.dataset import Dataset, LabelledImages
from mnistcli.datasets.given import Given, own_dataset, to_judge
from mnistcli.display import Displayed, some_of
from mnistcli.errors import DataUnavailableError, UsageError
from mnistcli.gallery import (
    FACTS_OF_MISTAKES,
    CaptionedImage,
    Gallery,
    filter_images,
    weight_images,
)
from mnistcli.linear_model.classifier import p_of, probabilities_of
from mnistcli.metrics.catalog import Evaluation
from mnistcli.metrics.classification import answers_of, evaluate_scores, pair_error_rates
from mnistcli.model_selection.splits import Samples, samples_of, test_samples, training_samples
from mnistcli.ranges import check_choice
from mnistcli.registry.model_file import Model
from mnistcli.registry.store import load_model
from mnistcli.settings import SplitSpec

if TYPE_CHECKING:
    from mnistcli.metrics.curves import Curves, Target, Threshold

# Of the pictures in a report, and of each class in an exported page, right and wrong ones.
N_MISTAKES, N_UNCERTAIN, N_IN_CELL, N_EXAMPLES = 24, 16, 6, 6


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class JudgedModel(Displayed):
    """A model, the images that it was judged on and what came of it."""

    model: Model
    on: str  # "mnist test", or the name of a file
    samples: Samples  # the images it was judged on
    scores: Float64s  # its decision function of them
    threshold: "Threshold | None"  # None where the most probable class was answered
    evaluation: Evaluation
    notes: tuple[str, ...] = ()  # what to know before trusting the numbers
    predict_seconds: float = 0.0  # what scoring all the samples took, once

    def _in_words(self) -> str:
        return f"{self.model.ref or 'a model'} on {self.on}, {self.evaluation.score} right"

    @property
    def probabilities(self) -> Float64s:
        """The probability of every class, shape (n_samples, n_classes)."""
        return probabilities_of(self.scores)

    @property
    def answers(self) -> Int64s:
        """The class index that it answered to each sample, shape (n_samples,)."""
        return answers_of(self.scores, self.threshold.value if self.threshold else None)

    @property
    def is_right(self) -> Bools:
        """Whether it answered rightly to each sample, shape (n_samples,)."""
        return np.equal(self.answers, self.samples.y)

    def images_at(self, positions: Int64s | list[int]) -> Gallery:
        """Return some of the samples with their truth, the answer to them and how sure it was."""
        names, samples = self.model.card.class_names, self.samples
        probabilities, answers = self.probabilities, self.answers
        images = []
        for i in positions:
            y, k, index = samples.y[i], answers[i], int(samples.index[i])
            p_truth, p_answer = probabilities[i, [y, k]].tolist()
            known = index, names[y], names[k], p_truth, p_answer
            facts = dict(zip(FACTS_OF_MISTAKES, known, strict=True))
            said = names[y] if y == k else f"{names[y]} not {names[k]}"
            caption = f"#{index}: {said} ({_sure(p_answer)})"
            images.append(CaptionedImage(samples.images[i], caption, facts))
        return Gallery(images)

    def behind(self, truth: str | None = None, answer: str | None = None) -> Int64s:
        """Return the positions of mistakes, the most probable answers first.

        They are those of a true class, with an answer, or both, where these are given; where both
        are the same they are right answers, the least probable first. Raises UsageError for what is
        no class of the task.
        """
        task, answers, y = self.model.card.task, self.answers, self.samples.y
        is_right = answers == y
        chosen = is_right if truth is not None and truth == answer else ~is_right
        if truth is not None:
            chosen = chosen & (y == task.class_index(truth))
        if answer is not None:
            chosen = chosen & (answers == task.class_index(answer))
        positions = np.flatnonzero(chosen)
        p_answer = p_of(answers[positions], probabilities_of(self.scores[positions]))
        return positions[np.argsort(np.where(is_right[positions], 1, -1) * p_answer, kind="stable")]

    def mistakes(self, n: int, truth: str | None = None, answer: str | None = None) -> Gallery:
        """Return the worst ``n`` mistakes, of all or of one kind, see `behind`, and a legend."""
        positions = self.behind(truth, answer)
        is_right = answer and truth == answer
        what, first = ("right answer", "least sure") if is_right else ("mistake", "worst")
        where = f"{self.model.named} on {self.on}"
        if truth or answer:
            where += f", {truth or 'another class'} taken for {answer or 'another'}"
        shown, said = self.images_at(positions[:n]), "answer" if is_right else "truth not answer"
        which = some_of(len(shown), len(positions), what, first)
        legend = f"{which} of {where}, as #index: {said} (how sure it was)"
        return Gallery(shown, legend if len(positions) else f"no {what}s of {where}")

    def curves(self) -> "Curves":
        """Return the ROC and precision-recall curves; see `metrics.curves.curves_of`."""
        from mnistcli.metrics.curves import curves_of

        return curves_of(self.samples.y, self.scores, self.model.card.class_names)

    def pair_errors(self) -> Float64s | None:
        """Judge the model of each pair of classes; see `pair_error_rates`, None without pairs."""
        classifier = self.model.classifier
        if not classifier.is_pairwise:
            return None
        scores = classifier.linear_scores(self.samples.images)
        return pair_error_rates(self.samples.y, scores, classifier.n_classes)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Report(Displayed):
    """All that a page about a model shows."""

    notes: tuple[str, ...]  # what to know before trusting the numbers
    judged: JudgedModel  # on the test images
    mistakes: Gallery  # the `N_MISTAKES` worst
    looks_for: Gallery  # the weights of the pixels, or the patches
    least_certain: Gallery  # right or wrong
    behind: Gallery  # see `images_behind`


def evaluate(
    model: Model | str,
    data: "Given | None" = None,
    *,
    on: Part = "test",
    name: str = "the data",
    threshold: "Threshold | None" = None,
) -> JudgedModel:
    """Judge a model, by default on the dataset that it was trained on; names do for both.

    Other data are taken as `datasets.given` says. ``on`` is the part of a dataset; of the one that
    it was trained on, exactly the images of its own split. Labelled images are to be called
    ``name``, and the threshold is for two classes: from which probability on to answer the positive
    one. Raises DataUnavailableError where no image is of the task's digits, UsageError for a
    threshold and more than two classes.
    """
    model = load_model(model)
    check_choice("part", on, get_args(Part))
    data = own_dataset(model.named, model.card.dataset) if data is None else to_judge(data)
    if isinstance(data, Dataset) and on == "train":
        return judge(model, _part_of(data, model, on), f"{data.name} train", threshold=threshold)
    samples, name, notes, _ = common_samples([model], data, name)
    return judge(model, samples, name, threshold=threshold, notes=notes)


def suspects(
    model: Model, dataset: Dataset | None = None, *, n: int = 10, on: Part | None = None
) -> Gallery:
    """Return the images whose given label a model believes least, of both parts of a dataset or one.

    Where it kept what models of folds, which had not seen them, said of its training images, those
    are believed. Raises DataUnavailableError where no image is of the task's digits.
    """
    names, dataset = model.card.class_names, dataset or own_dataset(model.named, model.card.dataset)
    by_folds = model.out_of_fold if dataset.sha256 == model.card.dataset_sha256 else None
    found: list[tuple[float, Part, Samples, int]] = []
    for part in get_args(Part) if on is None else (on,):
        samples, p_truth = _part_of(dataset, model, part), by_folds
        if p_truth is None or part == "test":
            shares = model.classifier.predict_proba(samples.images)
            p_truth = p_of(samples.y, shares).astype(np.float32)
        worst = np.argsort(p_truth, kind="stable")[:n].tolist()
        found += [(float(p_truth[i]), part, samples, i) for i in worst]
    if not found:
        raise _no_image(dataset.name, model)
    found = sorted(found, key=lambda each: each[0])[:n]
    others = model.classifier.predict_proba(np.stack([s.images[i] for *_, s, i in found]))
    pictures = []
    for (p, part, samples, i), each in zip(found, others, strict=True):
        truth = samples.y[i]
        each[truth] = -1.0
        facts = {"part": part, "index": int(samples.index[i]), "truth": names[truth]}
        facts |= {"rather": names[each.argmax()], "p_truth": p}
        facts["is_out_of_fold"] = by_folds is not None and part == "train"
        caption = "{part} #{index}: {truth}, rather {rather}".format(**facts)
        pictures.append(CaptionedImage(samples.images[i], f"{caption} ({_sure(p)})", facts))
    legend = (
        f"the {len(found):,} images of {dataset.name}{f' {on}' if on else ''} whose label "
        f"{model.named} believes least, as part #index: label, rather what it looks like "
        "(how probable the label is)"
    )
    if by_folds is not None and on != "test":
        legend += "; training images by models of folds, which had not seen them"
    return Gallery(pictures, legend)


def _sure(p: float) -> str:
    return "<1%" if p < 0.01 else ">99%" if p > 0.99 else f"{p:.0%}"


def _no_image(where: str, model: Model) -> DataUnavailableError:
    problem = f"{where} has no image for the task {model.card.task.name}"
    return DataUnavailableError(problem, hint="choose another model, or other images")


def judge(
    model: Model,
    samples: Samples,
    on: str,
    *,
    threshold: "Threshold | None" = None,
    notes: tuple[str, ...] = (),
) -> JudgedModel:
    """Judge a model on samples of its task, to be called ``on``; see `evaluate`."""
    if threshold is not None:
        _check_binary(model)
    if not len(samples):
        raise _no_image(on, model)
    if not model.card.certificate.get("converged"):
        notes += (f"{model.named} did NOT converge: a finished training has other numbers",)
    start = time.perf_counter()
    scores = model.classifier.decision_function(samples.images)
    took = time.perf_counter() - start
    bar = threshold.value if threshold else None
    evaluation = evaluate_scores(samples.y, scores, model.card.class_names, threshold=bar)
    return JudgedModel(model, on, samples, scores, threshold, evaluation, notes, took)


def common_samples(
    models: Sequence[Model], data: Dataset | LabelledImages, name: str = ""
) -> tuple[Samples, str, tuple[str, ...], int]:
    """Return images that none of the models was trained on, what to call them, and notes on them.

    Of labelled images, which are called ``name``, those are all of the task. Of a dataset they are
    the test images that all the models have in common: with random splits of different seeds, one's
    test images are another's training images. Last comes how many only some of them have. The index
    is that of the test part, or, where a model has a random split, of the training part followed by
    the test part. Raises DataUnavailableError where there are none.
    """
    if isinstance(data, LabelledImages):
        samples = samples_of(data, models[0].card.task)
        n, n_left_out = len(data.labels), len(data.labels) - len(samples)
        left_out = f"{n_left_out:,} of {n:,} images show no digit of the task: left out"
        return samples, name, (*data.notes, left_out) if n_left_out else data.notes, 0
    if not len(data.test.labels):
        hint = "all of it is for training: judge on that with mnistcli evaluate --on train"
        raise DataUnavailableError(f"{data.name} has no test images", hint=hint)
    name, notes = f"{data.name} test", tuple(chain(*(_notes_on_parts(data, m) for m in models)))
    n_train = len(data.train.labels)
    kept: dict[tuple[int, float] | None, Samples] = {}  # None: the dataset's own parts
    for model in models:
        split = _split_in(data, model)
        key = (split.seed, split.test_size) if split.kind == "random" else None
        if key not in kept:
            kept[key] = test_samples(data, model.card.task, split)
    first = next(iter(kept.values()))
    if len(kept) == 1:
        return first, name, notes, 0
    # Places in the training part followed by the test part, as random splits count.
    places = [s.index if split else s.index + n_train for split, s in kept.items()]
    common = functools.reduce(np.intersect1d, places)
    if not len(common):
        problem = f"every test image of {data.name} is one that some of the models was trained on"
        hint = "train them with the same --split and --seed, or compare on other images: --data"
        raise DataUnavailableError(problem, hint=hint)
    is_common = np.isin(places[0], common)
    samples = Samples(first.images[is_common], first.y[is_common], places[0][is_common])
    return samples, name, notes, len(functools.reduce(np.union1d, places)) - len(common)


def _notes_on_parts(dataset: Dataset, model: Model) -> tuple[str, ...]:
    """Warn of test images that a model may have been trained on, because datasets share a part."""
    card = model.card
    if dataset.sha256 == card.dataset_sha256:
        return ()
    then = card.dataset_parts or {card.dataset: card.dataset_sha256}
    notes = []
    for part in dataset.parts or (dataset,):
        sha256, why = then.get(part.name), ""
        if sha256 and sha256 != part.sha256:
            why = f"{part.name} has changed since {model.named} was trained on it"
        elif sha256 and card.split.kind == "random":
            why = f"{model.named} was trained on a random split of {card.dataset}"
        if why:
            notes.append(f"{why}: some of these images may be among its training images")
    return tuple(notes)


def threshold_for(model: Model, target: "Target", dataset: Dataset) -> "Threshold":
    """Choose a threshold on the images that a model was trained on, never on others.

    Raises UsageError where none reaches the target there, the task has more than two classes, or
    this is not the dataset that the model was trained on.
    """
    from mnistcli.metrics.curves import choose_threshold

    _check_binary(model)
    if dataset.sha256 != model.card.dataset_sha256:
        problem = f"{dataset.name} is not what {model.named} was trained on"
        hint = "choose one yourself: --threshold P"
        raise UsageError(f"{problem}, and a threshold is chosen there", hint=hint)
    samples = _part_of(dataset, model, "train")
    probabilities = model.classifier.predict_proba(samples.images)
    return choose_threshold(samples.y, probabilities, target, f"{dataset.name} train")


def _check_binary(model: Model) -> None:
    names = model.card.class_names
    if len(names) != 2:
        problem = f"a threshold is for two classes, {model.named} tells {len(names)} apart"
        hint = "train a model of one class against the rest: mnistcli train --task 2vrest"
        raise UsageError(problem, hint=hint)


def _part_of(dataset: Dataset, model: Model, on: Part) -> Samples:
    gather = test_samples if on == "test" else training_samples
    return gather(dataset, model.card.task, _split_in(dataset, model))


def _split_in(dataset: Dataset, model: Model) -> SplitSpec:
    """Return the split of a model's card, which means nothing in a dataset that is not its own."""
    is_its_own = dataset.sha256 == model.card.dataset_sha256
    return model.card.split if is_its_own else SplitSpec()


def report_on(model: Model, dataset: Dataset | str | None = None) -> Report:
    """Judge a model on its test images and gather all that there is to show.

    The dataset is the one that it was trained on unless given. Raises DataUnavailableError where
    no image of it is of the task.
    """
    judged = evaluate(model, dataset)
    draw = weight_images if model.card.feature_spec.has_pixel_weights else filter_images
    least = np.argsort(judged.probabilities.max(axis=1), kind="stable")[:N_UNCERTAIN]
    at = judged.images_at(least), images_behind(judged)
    mistakes = judged.images_at(judged.behind()[:N_MISTAKES])
    return Report(judged.notes, judged, mistakes, draw(model), *at)


def images_behind(judged: JudgedModel) -> Gallery:
    """Return the least sure right answers and the surest wrong ones, `N_IN_CELL` of each cell."""
    cells = product(judged.model.card.class_names, repeat=2)
    return judged.images_at(np.concatenate([judged.behind(*it)[:N_IN_CELL] for it in cells]))


def examples_of(model: Model, dataset: Dataset) -> Gallery:
    """Pick test images of each class: first ones that are read right, and the worst mistakes."""
    judged = evaluate(model, dataset)
    chosen: list[int] = []
    for k, name in enumerate(model.card.class_names):
        right = np.flatnonzero(judged.is_right & (judged.samples.y == k))
        chosen += [*right[:N_EXAMPLES], *judged.behind(name)[:N_EXAMPLES]]
    return judged.images_at(chosen)
