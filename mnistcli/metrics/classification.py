"""How good a classifier is on labelled samples. NumPy only; scikit-learn is the reference.

Throughout, ``y`` holds class indices and ``scores`` is what `LinearClassifier.decision_function`
gives: (n_samples,) for two classes, else (n_samples, n_classes). Where scikit-learn warns and
says 0 (a class never predicted has no precision) this says 0; where it has no answer (the ROC
curve of a class without samples) this says NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistcli.linear_model.classifier import classes_of, probabilities_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ReportRow:
    """Precision, recall, f1-score and support of one class, or an average of them."""

    name: str
    precision: float
    recall: float
    f1_score: float
    support: int


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A classifier's result on labelled samples.

    Attributes
    ----------
    n_samples, n_correct : int
    accuracy : float
    baseline_class : str
        The commonest class in these samples.
    baseline_accuracy : float
        The accuracy of always answering it.
    balanced_accuracy : float
        Mean recall over the classes that have samples.
    log_loss : float
        Mean negative natural logarithm of the probability given to the true class.
    roc_auc, average_precision : float
        Of the positive class for two classes, else the mean over the classes, each against the
        rest.
    classes : tuple of ReportRow
        One row for each class, in class order.
    macro_avg, weighted_avg : ReportRow
        The mean over the classes, plain and weighted by support.
    confusion : ndarray of shape (n_classes, n_classes), int64
        Samples of class i predicted as class j.
    """

    n_samples: int
    n_correct: int
    accuracy: float
    baseline_class: str
    baseline_accuracy: float
    balanced_accuracy: float
    log_loss: float
    roc_auc: float
    average_precision: float
    classes: tuple[ReportRow, ...]
    macro_avg: ReportRow
    weighted_avg: ReportRow
    confusion: NDArray[np.int64]


def evaluate_scores(
    y: NDArray[np.integer], scores: NDArray[np.float64], class_names: tuple[str, ...]
) -> Evaluation:
    """Judge scores against the truth.

    Parameters
    ----------
    y : ndarray of shape (n_samples,), integer
        True class indices; at least one sample.
    scores : ndarray of shape (n_samples,) or (n_samples, n_classes), float64
    class_names : tuple of str
    """
    confusion = confusion_matrix(y, classes_of(scores), len(class_names))
    support = confusion.sum(axis=1)
    n_correct = int(np.trace(confusion))
    rows = report_rows(confusion, class_names)
    recalls = np.array([row.recall for row in rows])
    commonest = int(support.argmax())
    return Evaluation(
        n_samples=len(y),
        n_correct=n_correct,
        accuracy=n_correct / len(y),
        baseline_class=class_names[commonest],
        baseline_accuracy=int(support[commonest]) / len(y),
        balanced_accuracy=float(recalls[support > 0].mean()),
        log_loss=log_loss(y, probabilities_of(scores)),
        roc_auc=_mean_over_classes(roc_auc, y, scores),
        average_precision=_mean_over_classes(average_precision, y, scores),
        classes=rows,
        macro_avg=_average("macro avg", rows, np.ones(len(rows))),
        weighted_avg=_average("weighted avg", rows, support),
        confusion=confusion,
    )


def confusion_matrix(
    y: NDArray[np.integer], predicted: NDArray[np.integer], n_classes: int
) -> NDArray[np.int64]:
    """Count samples of class i predicted as class j, shape (n_classes, n_classes)."""
    cells = np.bincount(y * n_classes + predicted, minlength=n_classes * n_classes)
    return cells.reshape(n_classes, n_classes).astype(np.int64)


def report_rows(
    confusion: NDArray[np.int64], class_names: tuple[str, ...]
) -> tuple[ReportRow, ...]:
    """Give precision, recall and f1-score of each class of a confusion matrix."""
    hits = np.diagonal(confusion)
    support, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    precision = _ratio(hits, predicted)
    recall = _ratio(hits, support)
    f1_score = _ratio(2 * hits, support + predicted)
    return tuple(
        ReportRow(name, float(p), float(r), float(f), int(n))
        for name, p, r, f, n in zip(class_names, precision, recall, f1_score, support, strict=True)
    )


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _average(name: str, rows: tuple[ReportRow, ...], weights: NDArray[Any]) -> ReportRow:
    table = np.array([(row.precision, row.recall, row.f1_score) for row in rows])
    precision, recall, f1_score = np.average(table, axis=0, weights=weights)
    support = sum(row.support for row in rows)
    return ReportRow(name, float(precision), float(recall), float(f1_score), support)


def log_loss(y: NDArray[np.integer], probabilities: NDArray[np.float64]) -> float:
    """Give the mean of -ln p(true class).

    Probabilities below the float64 epsilon count as that, as in scikit-learn: a sure and wrong
    answer costs 36, not infinity.
    """
    of_truth = np.take_along_axis(probabilities, y[:, None], axis=1)[:, 0]
    epsilon = np.finfo(np.float64).eps
    return float(-np.log(np.clip(of_truth, epsilon, 1.0 - epsilon)).mean())


def roc_auc(is_positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Give the area under the ROC curve, ties counted half (Mann and Whitney 1947).

    NaN without samples of both kinds.
    """
    n_positive = int(is_positive.sum())
    n_negative = len(is_positive) - n_positive
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    _, group, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last_rank = np.cumsum(counts)
    mean_rank = last_rank - (counts - 1) / 2
    rank_sum = float(mean_rank[group][is_positive].sum())
    return (rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)


def average_precision(is_positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Give the sum of precision x increase in recall over falling thresholds.

    NaN without positive samples.
    """
    n_positive = int(is_positive.sum())
    if n_positive == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    sorted_scores = scores[order]
    # Only where the score changes is there a threshold between two samples.
    last_of_score = np.append(sorted_scores[1:] != sorted_scores[:-1], True)
    true_positives = np.cumsum(is_positive[order])[last_of_score]
    n_above = np.flatnonzero(last_of_score) + 1
    found = np.diff(true_positives, prepend=0)
    return float((found * true_positives / n_above).sum() / n_positive)


def _mean_over_classes(
    metric: Callable[[NDArray[np.bool_], NDArray[np.float64]], float],
    y: NDArray[np.integer],
    scores: NDArray[np.float64],
) -> float:
    if scores.ndim == 1:
        return metric(y == 1, scores)
    return float(np.mean([metric(y == k, column) for k, column in enumerate(scores.T)]))
