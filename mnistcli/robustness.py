"""Models judged on the same test images, disturbed more and more: by noise, blur, a turn."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from mnistcli.arrays import Bytes, Float32s, Floats, Int64s
from mnistcli.comparison import check_comparable
from mnistcli.datasets.dataset import Dataset
from mnistcli.evaluation import common_samples
from mnistcli.features.geometry import IMAGES_PER_BLOCK, grown, sampled
from mnistcli.learning_curves import CurvePoint, point_of
from mnistcli.linear_model.classifier import classes_of
from mnistcli.metrics.intervals import mcnemar_tests
from mnistcli.mnist import IMAGE_SIDE
from mnistcli.model_selection.splits import Samples
from mnistcli.parallel import map_blocks, map_jobs
from mnistcli.progress import SILENT, Progress
from mnistcli.ranges import DISTURBANCES
from mnistcli.registry.model_file import Model


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

    For the kind and the strengths see `disturb`, for the jobs `parallel.map_jobs`. Raises
    UsageError for models of different classes.
    """
    if len(models) > 1:
        check_comparable(models)
    samples, _, notes, n_left_out = common_samples(models, dataset)
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
    """Return the point of each model, and how it differs from the first; p-values after Holm."""
    images = disturb(samples.images, samples.index, kind, strength)
    scores = [each.classifier.decision_function(images) for each in models]
    is_right = [classes_of(each) == samples.y for each in scores]
    tests = mcnemar_tests(is_right, [(i, 0) for i in range(1, len(models))])
    points = []
    for model, of_model, test in zip(models, scores, (None, *tests), strict=True):
        card = model.card
        more: dict[str, Any] = {"model": model.ref, "disturb": kind, "strength": strength}
        copied = ("preset", "n_train", "fit_seconds", "peak_memory_bytes")
        more |= {name: getattr(card, name) for name in copied}
        if test:
            share, (low, high) = test.difference
            more |= {"difference": share, "difference_low": low, "difference_high": high}
            more["p_value"] = test.p_corrected
        points.append(point_of(card, dataset, samples.y, of_model, card.certificate, **more))
    return points


def disturb(images: Bytes, index: Int64s, kind: str, strength: float) -> Bytes:
    """Return images of shape (n, 28, 28) disturbed by a strength of a kind; see `DISTURBANCES`.

    Noise is normal and of that standard deviation, blur a Gaussian's; images turn to the left and
    move in any direction; strokes grow or shrink by so much on each side. What an image draws
    follows from its index in its dataset and the strength alone. At strength 0 images are what they
    were. Raises UsageError for a strength that makes no sense.
    """
    strength = DISTURBANCES[kind][0].checked(kind, strength)
    if strength == 0:
        return images
    out = np.empty(images.shape, np.uint8)
    bits = int(np.float64(strength).view(np.uint64))

    def disturb_block(block: slice) -> None:
        generators = [np.random.default_rng([i, bits]) for i in index[block].tolist()]
        levels = _levels(images[block].astype(np.float32), kind, strength, generators)
        out[block] = np.clip(np.round(levels), 0, 255)

    map_blocks(disturb_block, len(images), IMAGES_PER_BLOCK)
    return out


def _levels(
    ink: Float32s, kind: str, strength: float, generators: Sequence[np.random.Generator]
) -> Floats:
    from scipy import ndimage

    if kind == "noise":
        return ink + [strength * 255 * each.standard_normal(ink.shape[1:]) for each in generators]
    if kind == "blur":
        how = {"mode": "constant", "radius": IMAGE_SIDE}
        return np.asarray(ndimage.gaussian_filter(ink, (0, strength, strength), **how))
    if kind == "rotate":
        how = {"reshape": False, "order": 1, "mode": "grid-constant"}
        return np.asarray(ndimage.rotate(ink, strength, (2, 1), **how))
    if kind == "shift":
        angle = np.array([each.uniform(0, 2 * np.pi) for each in generators])[:, None, None]
        grid = np.arange(IMAGE_SIDE, dtype=np.float32)
        x, y = strength * np.cos(angle), strength * np.sin(angle)
        return sampled(ink, grid - x, grid[:, None] - y)
    ink = ink if strength > 0 else 255 - ink  # where paper grows strokes shrink
    for already in range(int(np.ceil(abs(strength)))):
        share = np.float32(min(1, abs(strength) - already))
        ink = ink + share * (grown(ink) - ink)
    return ink if strength > 0 else 255 - ink
