"""ROC and precision-recall curves, point for point as scikit-learn gives them. NumPy only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mnistcli.display import Displayed
from mnistcli.linear_model.classifier import probabilities_of
from mnistcli.metrics.ranking import Ranking, rankings_of


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RocCurve(Displayed):
    """From the strictest threshold (infinite: nothing is positive) to the least strict.

    All of shape (n_points,). A sample is positive from its threshold on.
    """

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    thresholds: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PrecisionRecallCurve(Displayed):
    """From the least strict threshold (recall 1) to the strictest, and the point (recall 0, 1).

    Of shape (n_points,), but for the thresholds: the last point has none.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    thresholds: NDArray[np.float64]


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


def curves_of(
    y: NDArray[np.integer], scores: NDArray[np.float64], class_names: tuple[str, ...]
) -> Curves:
    """Return the curves of the positive class of two, else of each class against the rest.

    ``y`` and ``scores`` are as in `metrics.classification`; the thresholds are probabilities.
    """
    is_binary = scores.ndim == 1
    names = class_names[1:] if is_binary else class_names
    curves = []
    for name, ranking in zip(names, rankings_of(y, scores), strict=True):
        levels = probabilities_of(ranking.levels)[:, 1] if is_binary else ranking.levels
        curves.append(
            ClassCurves(
                name=name,
                roc_auc=ranking.roc_auc,
                average_precision=ranking.average_precision,
                roc=roc_curve(ranking, levels),
                precision_recall=precision_recall_curve(ranking, levels),
            )
        )
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


def roc_curve(ranking: Ranking, levels: NDArray[np.float64]) -> RocCurve:
    """Return the corners of the ROC curve; NaN rates without samples of a kind.

    ``levels`` of shape (n_levels,), falling, are what to call those of the ranking.
    """
    positives, negatives = ranking.n_positive, ranking.n_negative
    # A threshold at which as many of each kind come in as at the next one lies on a straight line.
    bends = (np.diff(positives) != 0) | (np.diff(negatives) != 0)
    bends[:1] = True
    kept = np.append(bends, True)
    return RocCurve(
        false_positive_rate=_shares(np.cumsum(negatives)[kept], start=True),
        true_positive_rate=_shares(np.cumsum(positives)[kept], start=True),
        thresholds=np.append(np.inf, levels[kept]),
    )


def precision_recall_curve(ranking: Ranking, levels: NDArray[np.float64]) -> PrecisionRecallCurve:
    """Return the corners of the precision-recall curve; see `roc_curve`."""
    positives = ranking.n_positive
    n_found = np.cumsum(positives)
    n_answered = np.cumsum(positives + ranking.n_negative)
    # Between thresholds that find nothing new recall stands still.
    kept = np.append(np.append(True, (positives[1:-1] > 0) | (positives[2:] > 0)), True)
    kept = kept[-len(levels) :]
    precision = n_found[kept] / n_answered[kept]
    recall = _shares(n_found[kept])
    return PrecisionRecallCurve(
        precision=np.append(precision[::-1], 1.0),
        recall=np.append(recall[::-1], 0.0),
        thresholds=levels[kept][::-1],
    )


def _shares(counts: NDArray[np.int64], *, start: bool = False) -> NDArray[np.float64]:
    """Divide running counts by the last, perhaps with a 0 before them."""
    total = counts[-1] or np.nan
    shares: NDArray[np.float64] = (np.append(0, counts) if start else counts) / total
    return shares
