"""Models judged on the same test images, disturbed more and more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mnistcli.comparison import check_comparable, common_samples, mcnemar_tests, named
from mnistcli.datasets.store import Dataset
from mnistcli.evaluation import judge
from mnistcli.features.disturb import disturbed
from mnistcli.metrics.intervals import difference_interval
from mnistcli.model_selection.splits import Samples
from mnistcli.parallel import map_jobs
from mnistcli.progress import SILENT, Progress
from mnistcli.registry.model_file import Model


@dataclass(frozen=True, slots=True)
class DisturbedPoint:
    """A model on images disturbed by a strength, and beside the first model on the same images."""

    model: str
    task: str
    dataset: str
    disturb: str
    strength: float
    seed: int
    n_test: int
    n_correct: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    log_loss: float
    difference: float | None  # of the accuracy; None of the first model, as what follows
    difference_low: float | None
    difference_high: float | None
    p_value: float | None  # McNemar's, after Holm for all pairs of models at this strength


def disturbed_points(
    models: Sequence[Model],
    dataset: Dataset,
    kind: str,
    strengths: Sequence[float],
    *,
    seed: int = 0,
    n_jobs: int | None = 1,
    progress: Progress = SILENT,
) -> Iterator[DisturbedPoint]:
    """Judge models on the test images that none was trained on, and yield the points as they come.

    See `features.disturb` for the kind and the strengths, `comparison.compare` for the images and
    what is refused, and `parallel.map_jobs` for the jobs.
    """
    models = named(models)
    if len(models) > 1:
        check_comparable(models)
    samples, notes, n_left_out = common_samples(models, dataset)
    if n_left_out:
        notes += (f"{n_left_out:,} images are left out: some of the models were trained on them",)
    calls = [(models, samples, dataset.name, kind, strength, seed) for strength in strengths]
    told: set[str] = set()
    for n_done, (points, more) in enumerate(map_jobs(_at_strength, calls, n_jobs), start=1):
        for note in dict.fromkeys((*notes, *more)):
            if note not in told:
                progress.note(note)
        told |= {*notes, *more}
        progress.update("strengths", n_done, len(calls))
        yield from points


def _at_strength(
    models: Sequence[Model], samples: Samples, dataset: str, kind: str, strength: float, seed: int
) -> tuple[list[DisturbedPoint], tuple[str, ...]]:
    """Return a point of each model, and what to know before trusting them."""
    images = disturbed(samples.images, samples.index, kind, strength, seed)
    judged = [judge(each, replace(samples, images=images), dataset) for each in models]
    points = []
    for each, test in zip(judged, (None, *mcnemar_tests(judged)[: len(models) - 1]), strict=True):
        evaluation = each.evaluation
        low, high = evaluation.accuracy_interval
        difference: tuple[float | None, ...] = (None, None, None, None)
        if test:
            alone = test.n_only_second, test.n_only_first
            share = (alone[0] - alone[1]) / len(samples)
            difference = share, *difference_interval(*alone, len(samples)), test.p_corrected
        points.append(
            DisturbedPoint(
                each.model.ref,
                each.model.card.task.name,
                dataset,
                kind,
                strength,
                seed,
                len(samples),
                evaluation.n_correct,
                evaluation.accuracy,
                low,
                high,
                evaluation.log_loss,
                *difference,
            )
        )
    return points, tuple(note for each in judged for note in each.notes)
