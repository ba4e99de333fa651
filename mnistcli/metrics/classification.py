"""How good a classifier is on labelled samples. NumPy only; scikit-learn is the reference.

Throughout, ``y`` holds class indices and ``scores`` is what `LinearClassifier.decision_function`
gives: (n_samples,) for two classes, else (n_samples, n_classes). Where scikit-learn warns and
says 0 (a class never predicted has no precision) this says 0. Of a class without samples nothing
is known: its scores are NaN, and so is the ROC AUC.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mnistcli.linear_model.classifier import classes_of, pairs_of, probabilities_of
from mnistcli.metrics.calibration import brier_score, expected_calibration_error, reliability_bins
from mnistcli.metrics.catalog import Evaluation, ReportRow
from mnistcli.metrics.intervals import (
    UNKNOWN,
    Interval,
    percentiles,
    resampled_confusions,
    roc_auc_interval,
    wilson,
)
from mnistcli.metrics.ranking import rankings_of


def evaluate_scores(
    y: NDArray[np.integer],
    scores: NDArray[np.float64],
    class_names: tuple[str, ...],
    *,
    threshold: float | None = None,
) -> Evaluation:
    """Judge scores against the truth, class indices of at least one sample.

    With a threshold, for two classes: from that probability on the answer is the positive class.
    """
    probabilities = probabilities_of(scores)
    confusion = confusion_matrix(y, answers_of(scores, threshold), len(class_names))
    support = confusion.sum(axis=1)
    n_correct = int(np.trace(confusion))
    rows, macro_avg, weighted_avg = report_rows(confusion, class_names)
    recalls = np.array([row.recall for row in rows])
    commonest = int(support.argmax())
    rankings = rankings_of(y, scores)
    reliability = reliability_bins(y, probabilities)
    return Evaluation(
        n_samples=len(y),
        n_correct=n_correct,
        accuracy=n_correct / len(y),
        accuracy_interval=wilson(n_correct, len(y)),
        baseline_class=class_names[commonest],
        baseline_accuracy=int(support[commonest]) / len(y),
        balanced_accuracy=float(np.nanmean(recalls)),
        log_loss=log_loss(y, probabilities),
        roc_auc=float(np.mean([ranking.roc_auc for ranking in rankings])),
        roc_auc_interval=roc_auc_interval(rankings, y),
        average_precision=float(np.mean([ranking.average_precision for ranking in rankings])),
        brier=brier_score(y, probabilities),
        ece=expected_calibration_error(reliability),
        reliability=reliability,
        classes=rows,
        macro_avg=macro_avg,
        weighted_avg=weighted_avg,
        confusion=confusion,
    )


def answers_of(scores: NDArray[np.float64], threshold: float | None = None) -> NDArray[np.int64]:
    """Turn scores into class indices of shape (n_samples,), with a threshold or without."""
    if threshold is None:
        return classes_of(scores)
    return (probabilities_of(scores)[:, 1] >= threshold).astype(np.int64)


def confusion_matrix(
    y: NDArray[np.integer], predicted: NDArray[np.integer], n_classes: int
) -> NDArray[np.int64]:
    """Count samples of class i predicted as class j, shape (n_classes, n_classes)."""
    cells = np.bincount(y * n_classes + predicted, minlength=n_classes * n_classes)
    return cells.reshape(n_classes, n_classes).astype(np.int64)


def pair_error_rates(
    y: NDArray[np.integer], scores: NDArray[np.float64], n_classes: int
) -> NDArray[np.float64]:
    """Judge each pair's model on the samples of its two classes.

    Scores are those of `LinearClassifier.linear_scores`, (n_samples, n_pairs); the rates are
    (n_classes, n_classes), symmetric, NaN on the diagonal and where neither class has samples.
    """
    rates = np.full((n_classes, n_classes), np.nan)
    for (i, j), column in zip(pairs_of(n_classes), scores.T, strict=True):
        members = (y == i) | (y == j)
        if members.any():
            wrong = classes_of(column[members]) != (y[members] == j)
            rates[i, j] = rates[j, i] = wrong.mean()
    return rates


def report_rows(
    confusion: NDArray[np.int64], class_names: tuple[str, ...]
) -> tuple[tuple[ReportRow, ...], ReportRow, ReportRow]:
    """Return the rows of a confusion matrix's classes, and their mean, plain and by support.

    The plain mean is over the classes that have samples or were answered, as over scikit-learn's
    default labels: who is answered and never right pulls it down.
    """
    hits, support, predicted = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    observed = _scores_of(confusion)
    resampled = _scores_of(resampled_confusions(confusion))
    columns = [resampled[2]]
    means = []
    for weights in ((support > 0) | (predicted > 0), support):
        columns.append(np.average(resampled, axis=2, weights=weights).T)
        means.append(np.average(observed, axis=1, weights=weights).tolist())
    intervals = percentiles(np.hstack(columns))
    rows = tuple(
        ReportRow(
            name=name,
            precision=precision,
            recall=recall,
            f1_score=f1_score,
            support=n,
            precision_interval=wilson(n_hits, n_predicted),
            recall_interval=wilson(n_hits, n),
            f1_score_interval=interval,
        )
        if n
        else ReportRow(name, math.nan, math.nan, math.nan, 0, UNKNOWN, UNKNOWN, UNKNOWN)
        for name, (precision, recall, f1_score), n_hits, n_predicted, n, interval in zip(
            class_names,
            observed.T.tolist(),
            hits.tolist(),
            predicted.tolist(),
            support.tolist(),
            intervals[: len(hits)],
            strict=True,
        )
    )
    n_samples = int(support.sum())
    macro_avg = _average("macro avg", means[0], n_samples, intervals[-6:-3])
    weighted_avg = _average("weighted avg", means[1], n_samples, intervals[-3:])
    return rows, macro_avg, weighted_avg


def _average(
    name: str, scores: Sequence[float], support: int, intervals: Sequence[Interval]
) -> ReportRow:
    precision, recall, f1_score = scores
    return ReportRow(name, precision, recall, f1_score, support, *intervals)


def _scores_of(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return precision, recall and f1-score, shape (3, ..., n_classes), of matrices of counts."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    support, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    return np.stack(
        [_ratio(hits, predicted), _ratio(hits, support), _ratio(2 * hits, support + predicted)]
    )


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)


def log_loss(y: NDArray[np.integer], probabilities: NDArray[np.float64]) -> float:
    """Return the mean of -ln p(true class).

    Probabilities below the float64 epsilon count as that, as in scikit-learn: a sure and wrong
    answer costs 36, not infinity.
    """
    of_truth = np.take_along_axis(probabilities, y[:, None], axis=1)[:, 0]
    epsilon = np.finfo(np.float64).eps
    return float(-np.log(np.clip(of_truth, epsilon, 1.0 - epsilon)).mean())
