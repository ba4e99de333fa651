"""Train a model again from its card, and see whether the same comes out."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistcli.datasets.dataset import Dataset
from mnistcli.errors import DataUnavailableError
from mnistcli.model_selection.splits import test_samples
from mnistcli.progress import SILENT, Progress
from mnistcli.registry.model_file import Model
from mnistcli.settings import TrainingSettings
from mnistcli.training import train


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
    # Then and now of what took part in both; scikit-learn does in cross-validations alone.
    version_changes: dict[str, tuple[str, str]]

    @property
    def is_reproduced(self) -> bool:
        """Whether the two agree on every test image."""
        return self.n_different == 0


def reproduce(
    model: Model, dataset: Dataset, *, n_jobs: int | None = None, progress: Progress = SILENT
) -> Reproduction:
    """Train a model again with the task, the images and the settings of its card.

    The processes are those for all pairs of classes, see `parallel.map_jobs`. Raises
    DataUnavailableError where the dataset is not the one that the model was trained on.
    """
    card = model.card
    if dataset.sha256 != card.dataset_sha256:
        known = card.dataset_parts or {}
        changed = [part for part in dataset.parts if known.get(part.name) != part.sha256]
        found = changed[0] if changed else dataset
        sha256 = known.get(found.name, card.dataset_sha256)
        problem = f"{model.ref} was trained on other data than the {found.name} that is here"
        then_and_now = f"sha256 {sha256[:12]}... then, {found.sha256[:12]}... now"
        hint = "a model is reproduced from the very bytes that it was trained on"
        raise DataUnavailableError(f"{problem}: {then_and_now}", hint=hint)
    task = card.task
    settings = TrainingSettings(
        card.settings, card.split, card.feature_spec, n_jobs=n_jobs, weights=card.weights or {}
    )
    again = train(task, dataset, settings, progress=progress).model
    images = test_samples(dataset, task, card.split).images
    old, new = model.classifier, again.classifier
    then = np.concatenate([old.coef.ravel(), old.intercept])
    now = np.concatenate([new.coef.ravel(), new.intercept])
    largest = float(np.abs(then).max())
    before, after = card.versions, again.card.versions
    bounds: list[Any] = [each.card.certificate.get("distance_bound") for each in (model, again)]
    return Reproduction(
        model=model,
        again=again,
        is_identical=then.tobytes() == now.tobytes() and _learned(model) == _learned(again),
        largest_difference=float(np.abs(now - then).max()) / (largest or 1.0),
        distance=float(np.linalg.norm(new.coef - old.coef)),
        distance_bound=None if None in bounds else sum(bounds),
        n_test=len(images),
        n_different=int((old.predict(images) != new.predict(images)).sum()),
        version_changes={
            name: (version, after[name])
            for name, version in before.items()
            if version != after.get(name, version)
        },
    )


def _learned(model: Model) -> dict[str, bytes]:
    features = model.classifier.features
    return {name: each.tobytes() for name, each in features.arrays().items()} if features else {}
