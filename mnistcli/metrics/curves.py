"""ROC and precision-recall curves, point for point as scikit-learn gives them, and their thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mnistcli.arrays import Float64s, Labels
from mnistcli.display import Displayed
from mnistcli.errors import UsageError
from mnistcli.linear_model.classifier import probabilities_of
from mnistcli.metrics.catalog import parse_share
from mnistcli.metrics.classification import Ranking, rank, rankings_of


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RocCurve(Displayed):
    """From the strictest threshold (infinite: nothing is positive) to the least strict.

    All of shape (n_points,). A sample is positive from its threshold on.
    """

    false_positive_rate: Float64s
    true_positive_rate: Float64s
    thresholds: Float64s


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PrecisionRecallCurve(Displayed):
    """From the least strict threshold (recall 1) to the strictest, and the point (recall 0, 1).

    Of shape (n_points,), but for the thresholds: the last point has none.
    """

    precision: Float64s
    recall: Float64s
    thresholds: Float64s


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClassCurves(Displayed):
    """The curves of one class against the others, and their areas."""

    name: str
    roc_auc: float
    average_precision: float
    roc: RocCurve
    precision_recall: PrecisionRecallCurve


class Curves(Displayed, tuple[ClassCurves, ...]):
    """The curves of the positive class of two, else of each class against the rest."""

    __slots__ = ()

    def _in_words(self) -> str:
        return ", ".join(f"{each.name} with ROC AUC {each.roc_auc:.6f}" for each in self)


def curves_of(y: Labels, scores: Float64s, class_names: tuple[str, ...]) -> Curves:
    """Return the curves of the positive class of two, else of each class against the rest.

    ``y`` and ``scores`` are as in `metrics.classification`; the thresholds are probabilities.
    """
    is_binary, curves = scores.ndim == 1, []
    names = class_names[1:] if is_binary else class_names
    for name, ranking in zip(names, rankings_of(y, scores), strict=True):
        levels = probabilities_of(ranking.levels)[:, 1] if is_binary else ranking.levels
        both = roc_curve(ranking, levels), precision_recall_curve(ranking, levels)
        curves.append(ClassCurves(name, ranking.roc_auc, ranking.average_precision, *both))
    return Curves(curves)


def worst_of(
    curves: Sequence[ClassCurves], by: Literal["roc_auc", "average_precision"] = "roc_auc"
) -> ClassCurves:
    """Return the curves with the smallest area, those without one last."""
    return min(curves, key=lambda each: float(np.nan_to_num(getattr(each, by), nan=np.inf)))


def corner_for(distance: float) -> float:
    """Return how much of the unit square to draw, for what happens so near to its corner."""
    sides = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    return next((side for side in sides if side >= distance > 0), 1.0)


def roc_curve(ranking: Ranking, levels: Float64s) -> RocCurve:
    """Return the corners of the ROC curve; NaN rates without samples of a kind.

    ``levels`` of shape (n_levels,), falling, are what to call those of the ranking.
    """
    positives, negatives = ranking.n_positive, ranking.n_negative
    # A threshold at which as many of each kind come in as at the next one lies on a straight line.
    bends = (np.diff(positives) != 0) | (np.diff(negatives) != 0)
    bends[:1] = True
    kept = np.append(bends, True)
    false, true = (
        np.append(0, np.cumsum(each)[kept]) / (each.sum() or np.nan)
        for each in (negatives, positives)
    )
    return RocCurve(false, true, np.append(np.inf, levels[kept]))


def precision_recall_curve(ranking: Ranking, levels: Float64s) -> PrecisionRecallCurve:
    """Return the corners of the precision-recall curve; see `roc_curve`."""
    positives = ranking.n_positive
    n_found = np.cumsum(positives)
    n_answered = np.cumsum(positives + ranking.n_negative)
    # Between thresholds that find nothing new recall stands still.
    kept = np.hstack([True, (positives[1:-1] > 0) | (positives[2:] > 0), True])[-len(levels) :]
    precision = n_found[kept] / n_answered[kept]
    recall = n_found[kept] / (n_found[-1] or np.nan)
    both = np.append(precision[::-1], 1.0), np.append(recall[::-1], 0.0)
    return PrecisionRecallCurve(*both, levels[kept][::-1])


@dataclass(frozen=True, slots=True)
class Target:
    """What a threshold shall reach: "recall=0.99"."""

    metric: str  # "recall" or "precision" of the positive class
    bar: float  # in (0, 1]

    def __str__(self) -> str:
        return f"{self.metric}={self.bar:g}"


@dataclass(frozen=True, slots=True)
class Threshold:
    """The positive class is answered from this probability of it on."""

    value: float
    target: Target | None = None  # what it was chosen for; None where the user gave it
    chosen_on: str | None = None  # the images: "mnist train"
    precision: float | None = None  # of the positive class on them
    recall: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:
            raise UsageError(f"the threshold {self.value:g} is not between 0 and 1")


def parse_target(text: str) -> Target:
    """Read "recall=0.99" or "recall=99%"; raise UsageError for another metric or share."""
    metric, _, bar = text.partition("=")
    value = parse_share(bar)
    if metric not in ("recall", "precision") or not 0 < value <= 1:
        hint = "for example recall=0.99 or precision=0.999"
        raise UsageError(f"{text!r} is nothing to choose a threshold for", hint=hint)
    return Target(metric, value)


def choose_threshold(
    y: Labels, probabilities: Float64s, target: Target, chosen_on: str
) -> Threshold:
    """Choose the threshold that reaches a target and gives up least for it.

    For a recall that is the highest threshold which reaches it, for a precision the lowest; raises
    UsageError where none does. ``y`` are class indices, ``probabilities`` of shape (n_samples, 2).
    """
    ranking = rank(y == 1, probabilities[:, 1])
    n_found = np.cumsum(ranking.n_positive)
    recall = n_found / max(int(n_found[-1]), 1)
    precision = n_found / np.cumsum(ranking.n_positive + ranking.n_negative)
    reached = recall if target.metric == "recall" else precision
    enough = np.flatnonzero(reached >= target.bar)
    if not len(enough):
        hint = f"the highest {target.metric} there is {reached.max():.6g}"
        raise UsageError(f"no threshold reaches {target} on {chosen_on}", hint=hint)
    level = int(enough[0] if target.metric == "recall" else enough[-1])
    top, below = np.append(ranking.levels, -1.0)[level : level + 2].tolist()
    # Any number between parts the samples in the same way; the one with the fewest decimals can be
    # read and typed.
    shorter = (int(top * 10.0**digits) / 10.0**digits for digits in range(1, 17))
    value = next((each for each in shorter if below < each <= top), top)
    return Threshold(value, target, chosen_on, float(precision[level]), float(recall[level]))
