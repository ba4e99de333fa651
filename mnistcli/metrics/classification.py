"""How good a classifier is on labelled samples. NumPy only; scikit-learn is the reference.

Throughout, ``y`` holds class indices and ``scores`` is what `LinearClassifier.decision_function`
gives: (n_samples,) for two classes, else (n_samples, n_classes). Where scikit-learn warns and
says 0 (a class never predicted has no precision) this says 0. Of a class without samples nothing
is known: its scores are NaN, and so is the ROC AUC.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from mnistcli.arrays import Float64s, Int64s, Labels
from mnistcli.linear_model.classifier import classes_of, pairs_of, probabilities_of
from mnistcli.metrics import intervals
from mnistcli.metrics.catalog import Evaluation, ReliabilityBin, ReportRow
from mnistcli.metrics.intervals import UNKNOWN, Interval, wilson
from mnistcli.metrics.ranking import rankings_of

N_BINS = 10  # of probabilities, in a reliability table


def evaluate_scores(
    y: Labels, scores: Float64s, class_names: tuple[str, ...], *, threshold: float | None = None
) -> Evaluation:
    """Judge scores against the truth, class indices of at least one sample.

    With a threshold, for two classes: from that probability on the answer is the positive class.
    """
    probabilities = probabilities_of(scores)
    confusion = confusion_matrix(y, answers_of(scores, threshold), len(class_names))
    support = confusion.sum(axis=1)
    n_correct = int(np.trace(confusion))
    rows, macro_avg, weighted_avg = report_rows(confusion, class_names)
    commonest = int(support.argmax())
    rankings, reliability = rankings_of(y, scores), reliability_bins(y, probabilities)
    return Evaluation(
        n_samples=len(y),
        n_correct=n_correct,
        accuracy=n_correct / len(y),
        accuracy_interval=wilson(n_correct, len(y)),
        baseline_class=class_names[commonest],
        baseline_accuracy=int(support[commonest]) / len(y),
        balanced_accuracy=float(np.nanmean([row.recall for row in rows])),
        log_loss=log_loss(y, probabilities),
        roc_auc=float(np.mean([ranking.roc_auc for ranking in rankings])),
        roc_auc_interval=intervals.roc_auc_interval(rankings, y),
        average_precision=float(np.mean([ranking.average_precision for ranking in rankings])),
        brier=brier_score(y, probabilities),
        ece=expected_calibration_error(reliability),
        reliability=reliability,
        classes=rows,
        macro_avg=macro_avg,
        weighted_avg=weighted_avg,
        confusion=confusion,
    )


def answers_of(scores: Float64s, threshold: float | None = None) -> Int64s:
    """Turn scores into class indices of shape (n_samples,), with a threshold or without."""
    if threshold is None:
        return classes_of(scores)
    return (probabilities_of(scores)[:, 1] >= threshold).astype(np.int64)


def confusion_matrix(y: Labels, predicted: Labels, n_classes: int) -> Int64s:
    """Count samples of class i predicted as class j, shape (n_classes, n_classes)."""
    cells = np.bincount(y * n_classes + predicted, minlength=n_classes * n_classes)
    return cells.reshape(n_classes, n_classes).astype(np.int64)


def pair_error_rates(y: Labels, scores: Float64s, n_classes: int) -> Float64s:
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
    confusion: Int64s, class_names: tuple[str, ...]
) -> tuple[tuple[ReportRow, ...], ReportRow, ReportRow]:
    """Return the rows of a confusion matrix's classes, and their mean, plain and by support.

    The plain mean is over the classes that have samples or were answered, as over scikit-learn's
    default labels: who is answered and never right pulls it down.
    """
    hits, support, predicted = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    observed = _scores_of(confusion)
    resampled = _scores_of(intervals.resampled_confusions(confusion))
    averages = {"macro avg": (support > 0) | (predicted > 0), "weighted avg": support}
    of_averages = [np.average(resampled, axis=2, weights=each).T for each in averages.values()]
    found = intervals.percentiles(np.hstack([resampled[2], *of_averages]))
    rows = []
    counts = zip(class_names, hits.tolist(), predicted.tolist(), support.tolist(), strict=True)
    for k, (name, n_hits, n_predicted, n) in enumerate(counts):
        shares = wilson(n_hits, n_predicted), wilson(n_hits, n)
        row = _row(name, observed[:, k], n, *shares, found[k])
        rows.append(row if n else _row(name, np.full(3, np.nan), 0, UNKNOWN, UNKNOWN, UNKNOWN))
    for first, (name, weights) in zip((-6, -3), averages.items(), strict=True):
        scores = np.average(observed, axis=1, weights=weights)
        rows.append(_row(name, scores, int(support.sum()), *found[first:][:3]))
    return tuple(rows[:-2]), rows[-2], rows[-1]


def _row(name: str, scores: Float64s, support: int, *intervals: Interval) -> ReportRow:
    precision, recall, f1_score = scores.tolist()
    return ReportRow(name, precision, recall, f1_score, support, *intervals)


def _scores_of(confusion: Int64s) -> Float64s:
    """Return precision, recall and f1-score, shape (3, ..., n_classes), of matrices of counts."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    support, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    scores = (hits, predicted), (hits, support), (2 * hits, support + predicted)
    return np.stack([np.divide(a, b, out=np.zeros(a.shape), where=b > 0) for a, b in scores])


def log_loss(y: Labels, probabilities: Float64s) -> float:
    """Return the mean of -ln p(true class).

    Probabilities below the float64 epsilon count as that, as in scikit-learn: a sure and wrong
    answer costs 36, not infinity.
    """
    of_truth = np.take_along_axis(probabilities, y[:, None], axis=1)[:, 0]
    epsilon = np.finfo(np.float64).eps
    return float(-np.log(np.clip(of_truth, epsilon, 1.0 - epsilon)).mean())


def reliability_bins(y: Labels, probabilities: Float64s) -> tuple[ReliabilityBin, ...]:
    """Sort samples into `N_BINS` ranges of probability of the same width.

    ``y`` are class indices, ``probabilities`` of shape (n_samples, n_classes).
    """
    if probabilities.shape[1] == 2:
        said, came_true = probabilities[:, 1], y == 1
    else:
        said, came_true = probabilities.max(axis=1), probabilities.argmax(axis=1) == y
    edges = np.linspace(0.0, 1.0, N_BINS + 1)
    bin_of = np.searchsorted(edges[1:-1], said)
    n_samples = np.bincount(bin_of, minlength=N_BINS).tolist()
    n_hits = np.bincount(bin_of[came_true], minlength=N_BINS).tolist()
    sums = np.bincount(bin_of, said, minlength=N_BINS).tolist()
    ranges, bins = pairwise(edges.tolist()), []
    for (low, high), n, hits, total in zip(ranges, n_samples, n_hits, sums, strict=True):
        mean, share = (total / n, hits / n) if n else (math.nan, math.nan)
        bins.append(ReliabilityBin(low, high, n, hits, mean, share, wilson(hits, n)))
    return tuple(bins)


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Return the mean distance of share and mean probability over the samples (Naeini et al. 2015)."""
    n_samples = sum(each.n_samples for each in bins)
    gaps = (each.n_samples * abs(each.share - each.mean_probability) for each in bins)
    return sum(gap for gap in gaps if not math.isnan(gap)) / n_samples


def brier_score(y: Labels, probabilities: Float64s) -> float:
    """Return the mean squared error of the probabilities (Brier 1950).

    For two classes that of the positive class, in [0, 1]; for more the sum over the classes, in
    [0, 2], as scikit-learn has it.
    """
    if probabilities.shape[1] == 2:
        return float(np.square(probabilities[:, 1] - (y == 1)).mean())
    of_truth = np.take_along_axis(probabilities, y[:, None], axis=1)[:, 0]
    # (1 - p)^2 for the truth and p^2 for the others, without an array of ones and zeros.
    return float((np.square(probabilities).sum(axis=1) - 2 * of_truth + 1).mean())
