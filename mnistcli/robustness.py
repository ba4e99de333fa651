"""Models judged on the same test images, disturbed more and more."""

from collections.abc import Iterator, Sequence

from mnistcli.comparison import check_comparable, common_samples
from mnistcli.datasets.store import Dataset
from mnistcli.features.disturb import disturbed
from mnistcli.learning_curves import CurvePoint, facts_of, point_of
from mnistcli.linear_model.classifier import classes_of
from mnistcli.metrics.intervals import difference_interval
from mnistcli.metrics.paired import holm, mcnemar
from mnistcli.model_selection.splits import Samples
from mnistcli.parallel import map_jobs
from mnistcli.progress import SILENT, Progress
from mnistcli.registry.model_file import Model
from mnistcli.settings import preset_of


def disturbed_points(
    models: Sequence[Model],
    dataset: Dataset,
    kind: str,
    strengths: Sequence[float],
    *,
    n_jobs: int | None = 1,
    progress: Progress = SILENT,
) -> Iterator[CurvePoint]:
    """Judge models on the test images that none was trained on, and yield the points as they come.

    For the kind and the strengths see `features.disturb`, for the jobs `parallel.map_jobs`. Raises
    UsageError for models of different classes.
    """
    if len(models) > 1:
        check_comparable(models)
    samples, notes, n_left_out = common_samples(models, dataset)
    for note in dict.fromkeys(notes):
        progress.note(note)
    if n_left_out:
        progress.note(f"{n_left_out:,} images are left out: some models were trained on them")
    calls = [(models, dataset, samples, kind, strength) for strength in strengths]
    for n_done, points in enumerate(map_jobs(_at_strength, calls, n_jobs), start=1):
        progress.update("strengths", n_done, len(calls))
        yield from points


def _at_strength(
    models: Sequence[Model], dataset: Dataset, samples: Samples, kind: str, strength: float
) -> list[CurvePoint]:
    """Return the point of each model, and beside it the first; p-values after Holm."""
    images = disturbed(samples.images, samples.index, kind, strength)
    scores = [each.classifier.decision_function(images) for each in models]
    right = [classes_of(each) == samples.y for each in scores]
    alone = [(int((it & ~right[0]).sum()), int((right[0] & ~it).sum())) for it in right]
    p_values = [None, *holm([mcnemar(*each) for each in alone[1:]])]
    points = []
    for i, model in enumerate(models):
        card, spec, beside = model.card, model.card.feature_spec, {}
        if i:
            low, high = difference_interval(*alone[i], len(samples))
            share = (alone[i][0] - alone[i][1]) / len(samples)
            beside = {"difference": share, "difference_low": low, "difference_high": high}
        shown = {"model": model.ref, "disturb": kind, "strength": strength}
        points.append(
            point_of(
                facts_of(card, dataset, preset=preset_of(spec, card.settings), **shown),
                samples.y,
                scores[i],
                card.certificate,
                n_train=card.n_train,
                fit_seconds=card.fit_seconds,
                peak_memory_bytes=card.peak_memory_bytes,
                p_value=p_values[i],
                **beside,
            )
        )
    return points
