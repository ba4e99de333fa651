"""Train a model for a task and judge it; train one again from its card."""

import math
import platform
import sys
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistcli._version import __version__
from mnistcli.datasets.dataset import Dataset
from mnistcli.datasets.given import Given, open_dataset
from mnistcli.display import Displayed
from mnistcli.errors import DataUnavailableError, TrainingError
from mnistcli.features import FeatureSpec
from mnistcli.features.copies import VERSION as COPIES_VERSION
from mnistcli.features.typicality import learn_typicality, sample_slice
from mnistcli.linear_model.certificate import Fit
from mnistcli.linear_model.classifier import PIXEL_SCALE
from mnistcli.linear_model.solvers import no_finite_optimum
from mnistcli.memory import Room, peak_memory_bytes
from mnistcli.metrics.catalog import METRICS, Evaluation
from mnistcli.metrics.classification import evaluate_scores
from mnistcli.model_selection import splits
from mnistcli.model_selection.design import DesignMatrix, Kept, design_matrix, read_blocks
from mnistcli.progress import SILENT, Progress, usual
from mnistcli.ranges import check_kind
from mnistcli.registry.card import ModelCard, features_entry
from mnistcli.registry.model_file import Model
from mnistcli.sampling import first_alike
from mnistcli.settings import FoldSpec, SolverSettings, TrainingSettings
from mnistcli.tasks import Task, parse_task

if TYPE_CHECKING:
    from mnistcli.model_selection.cross_validation import ChoiceOfC, CrossValidation


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Training(Displayed):
    """A trained model and how it went: its solver, its evaluation on the test images, ..."""

    model: Model
    fit: Fit
    evaluation: Evaluation
    cross_validation: "CrossValidation | None"
    choice: "ChoiceOfC | None"
    rows_kept: Kept  # where the rows of the training lived

    def _in_words(self) -> str:
        return f"{self.model.card.task.name}, {self.evaluation.score} of the test images right"


def train(
    task: str | Task,
    dataset: "Given | None" = None,
    settings: TrainingSettings | None = None,
    *,
    command: str = "",
    cache: Path | str | None = None,
    progress: Progress | None = None,
) -> Training:
    """Train a logistic regression and judge it on the test images.

    The task is ``"0v1"``, ``"2vrest"``, ``"digits"``, ..., the dataset MNIST unless given, by name
    or as `datasets.given` takes it, and the command what to note in the card as the way to get this
    model. The cache is a folder where features are kept. Progress is by default a line in a
    notebook's cell. Raises TaskError, UsageError or TrainingError, before or after looking at the
    data; nothing is kept.
    """
    task, settings = parse_task(task), settings or TrainingSettings()
    check_kind("settings", settings, TrainingSettings)
    solver = settings.solver.solver_for(task.n_classes_per_fit)  # before any data is looked at
    dataset = open_dataset("mnist" if dataset is None else dataset, seed=settings.split.seed)
    progress = progress or usual()
    splits.check_classes(dataset, task, settings.split)
    tested = splits.test_samples(dataset, task, settings.split)
    if not len(tested):
        problem = f"{dataset.name} has no test images of {task.name}"
        raise TrainingError(problem, hint="split it anew: --split random")
    samples = splits.training_samples(dataset, task, settings.split)
    if len(samples) < (settings.split.limit or 0):
        progress.note(f"the limit is above all there are: {len(samples):,} training images")
    weight = splits.sample_weights(dataset, samples.index, settings.weights)
    uses_folds, seed = settings.search or settings.folds, settings.split.seed
    if uses_folds:
        _note_alike(samples, progress)
    is_one_fit = not (uses_folds or task.is_pairwise)
    design = design_matrix(
        samples,
        settings.features,
        seed=seed,
        room=Room(settings.memory_bytes, settings.disk_bytes, Path(cache) if cache else None),
        n_outputs=task.n_outputs if is_one_fit and solver == "newton" else 0,
        progress=progress,
    )
    design = replace(design, weight=weight)
    is_learned = bool(design.features and design.features.arrays)
    typical = sample_slice(len(samples), is_learned=is_learned)
    images = samples.images[typical].copy()
    del samples  # only their rows are needed from here on
    wanted, choice, cross_validation = _by_folds(design, task, settings, progress)
    n_jobs = settings.n_jobs
    classifier, result = design.fit(task, wanted, seed=seed, n_jobs=n_jobs, progress=progress)
    n_train = len(design)
    answers = np.concatenate([*map(classifier.predict, read_blocks(design.rows, n_train))])
    train_accuracy = float((answers == design.y).mean())
    if settings.solver.penalty == "none" and train_accuracy == 1.0:
        # Where a hyperplane separates the classes, doubling the weights always lowers the loss.
        raise no_finite_optimum("no finite optimum: hyperplanes separate the classes")
    progress.stop()
    rows = design.rows[np.arange(n_train)[typical]]
    look = design.features.transform if design.features and is_learned else None
    typicality = learn_typicality(images, rows, classifier.decision_function, look)
    classifier = replace(classifier, features=design.features)
    scores = classifier.decision_function(tested.images)
    evaluation = evaluate_scores(tested.y, scores, task.class_names)
    metrics: dict[str, Any] = {
        "train_accuracy": train_accuracy,
        "test_n_correct": evaluation.n_correct,
        "test_baseline_accuracy": evaluation.baseline_accuracy,
        **{f"test_{each.name}": each.of(evaluation) for each in METRICS if each.in_card},
    }
    if cross_validation:
        metrics["cv_accuracies"] = list(cross_validation.accuracies)
    if choice:
        metrics |= {"C_search_folds": choice.n_folds, "C_1se": choice.C_1se}
    card = ModelCard(
        task=task,
        dataset=dataset.name,
        dataset_sha256=dataset.sha256,
        split=settings.split,
        settings=replace(wanted, solver=solver),
        features=features_entry(settings.features, PIXEL_SCALE),
        n_train=n_train,
        n_test=len(tested),
        certificate=_without_nan(asdict(result.certificate)),
        fit_seconds=round(result.fit_seconds, 6),
        metrics=_without_nan(metrics),
        versions=_versions(settings.features),
        command=command,
        dataset_parts={part.name: part.sha256 for part in dataset.parts} or None,
        weights=settings.weights or None,
        peak_memory_bytes=peak_memory_bytes(),
        created=datetime.now(UTC).isoformat(timespec="microseconds"),
    )
    out_of_fold = cross_validation.p_truth if cross_validation else None
    model = Model(classifier, card, typicality=typicality, out_of_fold=out_of_fold)
    return Training(model, result, evaluation, cross_validation, choice, design.kept)


def _note_alike(samples: splits.Samples, progress: Progress) -> None:
    """Tell how many images folds learn that they also judge."""
    n_times = np.bincount(first_alike(samples.images))
    if n_alike := n_times[n_times > 1].sum():
        told = f"{n_alike:,} of {len(samples):,} training images are the same as others"
        progress.note(f"{told}: folds learn some of those that they judge")


def _by_folds(
    design: DesignMatrix, task: Task, settings: TrainingSettings, progress: Progress
) -> "tuple[SolverSettings, ChoiceOfC | None, CrossValidation | None]":
    """Do what is asked for by folds: choose C, and judge what is then wanted of the solver."""
    wanted, seed, n_jobs = settings.solver, settings.split.seed, settings.n_jobs
    if not (settings.search or settings.folds):
        return wanted, None, None
    from mnistcli.model_selection.cross_validation import Folds, cross_validate, search

    folds = Folds(design, task, settings.folds or FoldSpec(), seed, n_jobs, progress)
    choice = search(folds, wanted) if settings.search else None
    wanted = replace(wanted, C=choice.C) if choice else wanted
    return wanted, choice, cross_validate(folds, wanted) if settings.folds else None


@dataclass(frozen=True, slots=True, eq=False)
class Reproduction:
    """A stored model beside one that was trained again from its card."""

    model: Model
    again: Model
    is_identical: bool  # weights, intercepts and what the features learned have the same bits
    largest_difference: float  # of a weight or an intercept, as a share of the largest one
    distance: float  # ||W - W'||
    distance_bound: float | None  # what both certificates allow; None where one does not bound it
    n_test: int
    n_different: int  # test images on which they disagree

    @property
    def is_reproduced(self) -> bool:
        """Whether the two agree on every test image."""
        return self.n_different == 0


def reproduce(model: Model, dataset: Dataset, *, progress: Progress = SILENT) -> Reproduction:
    """Train a model again with the task, the images and the settings of its card, on all cores.

    Raises DataUnavailableError where the dataset is not the one that the model was trained on.
    """
    card = model.card
    if dataset.sha256 != card.dataset_sha256:
        known = card.dataset_parts or {}
        changed = [part for part in dataset.parts if known.get(part.name) != part.sha256]
        found = changed[0] if changed else dataset
        sha256 = known.get(found.name, card.dataset_sha256)
        problem = f"{model.named} was trained on other data than the {found.name} that is here"
        then_and_now = f"sha256 {sha256[:12]}... then, {found.sha256[:12]}... now"
        hint = "a model is reproduced from the very bytes that it was trained on"
        raise DataUnavailableError(f"{problem}: {then_and_now}", hint=hint)
    task = card.task
    how = card.settings, card.split, card.feature_spec
    settings = TrainingSettings(*how, n_jobs=-1, weights=card.weights or {})
    again = train(task, dataset, settings, progress=progress).model
    images = splits.test_samples(dataset, task, card.split).images
    old, new = model.classifier, again.classifier
    then = np.concatenate([old.coef.ravel(), old.intercept])
    now = np.concatenate([new.coef.ravel(), new.intercept])
    largest = float(np.abs(then).max())
    bounds: list[Any] = [each.card.certificate.get("distance_bound") for each in (model, again)]
    return Reproduction(
        model=model,
        again=again,
        is_identical=all(
            each.tobytes() == new.arrays[name].tobytes() for name, each in old.arrays.items()
        ),
        largest_difference=float(np.abs(now - then).max()) / (largest or 1.0),
        distance=float(np.linalg.norm(new.coef - old.coef)),
        distance_bound=None if None in bounds else sum(bounds),
        n_test=len(images),
        n_different=int((old.predict(images) != new.predict(images)).sum()),
    )


def _without_nan(values: dict[str, Any]) -> dict[str, Any]:
    """JSON has no word for NaN and infinity: null stands for "not known"."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }


def _versions(spec: FeatureSpec) -> dict[str, str]:
    """Name what took part: scikit-learn only where it was imported, copies where there are some."""
    python, numpy = platform.python_version(), np.__version__
    versions = {"python": python, "mnistcli": __version__, "numpy": numpy}
    if "sklearn" in sys.modules:
        versions["scikit-learn"] = sys.modules["sklearn"].__version__
    if spec.n_copies:
        versions["copies"] = str(COPIES_VERSION)
    return versions
