"""How good a classifier is on labelled samples. NumPy only; scikit-learn is the reference.

Throughout, ``y`` holds class indices and ``scores`` is what `LinearClassifier.decision_function`
gives: (n_samples,) for two classes, else (n_samples, n_classes). Where scikit-learn warns and
says 0 (a class never predicted has no precision) this says 0. Of a class without samples nothing
is known: its scores are NaN, and so is the ROC AUC.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mnistcli.arrays import Bools, Float64s, Int64s, Labels
from mnistcli.linear_model.classifier import classes_of, p_of, pairs_of, probabilities_of
from mnistcli.metrics import intervals
from mnistcli.metrics.catalog import Evaluation, ReliabilityBin, ReportRow
from mnistcli.metrics.intervals import N_RESAMPLES, UNKNOWN, Interval, percentiles, wilson

N_BINS = 10  # of probabilities, in a reliability table
# Of more values it is faster to draw each than to draw how often each occurs.
_MOST_DISTINCT = 400
# Draws at a time: what stays in the fast cache, and in memory that malloc keeps.
_DRAWS_PER_BLOCK = 1 << 14


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
    support, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    observed = _scores_of(confusion)
    resampled = _scores_of(intervals.resampled_confusions(confusion))
    rows, of_f1 = [], percentiles(resampled[2])
    for k, name in enumerate(class_names):
        n, n_predicted, n_hits = int(support[k]), int(predicted[k]), int(confusion[k, k])
        found = [wilson(n_hits, n_predicted), wilson(n_hits, n), of_f1[k]]
        scores = observed[:, k] if n else np.full(3, np.nan)
        rows.append(ReportRow(name, *[*scores.tolist(), n, *(found if n else [UNKNOWN] * 3)]))
    averages = {"macro avg": (support > 0) | (predicted > 0), "weighted avg": support}
    for name, weights in averages.items():
        scores = np.average(observed, axis=1, weights=weights)
        found = percentiles(np.average(resampled, axis=2, weights=weights).T)
        rows.append(ReportRow(name, *[*scores.tolist(), int(support.sum()), *found]))
    return tuple(rows[:-2]), rows[-2], rows[-1]


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
    of_truth, epsilon = p_of(y, probabilities), np.finfo(np.float64).eps
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
    is_truth = np.arange(probabilities.shape[1]) == y[:, None]
    return float(np.square(probabilities - is_truth).sum(axis=1).mean())


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Positive and negative samples by falling score, sorted once.

    Samples with the same score share a level: no threshold comes between them.
    """

    levels: Float64s  # the distinct scores, falling, (n_levels,)
    level_of: Int64s  # of each sample, (n_samples,)
    n_positive: Int64s  # on each level, (n_levels,)
    n_negative: Int64s

    @property
    def roc_auc(self) -> float:
        """The area under the ROC curve, ties counted half (Mann and Whitney 1947), or NaN."""
        n_pairs = int(self.n_positive.sum()) * int(self.n_negative.sum())
        if n_pairs == 0:
            return np.nan
        return float((self.n_positive * self.negatives_below).sum() / n_pairs)

    @property
    def average_precision(self) -> float:
        """The sum of precision x increase in recall over falling thresholds, or NaN."""
        n_found = np.cumsum(self.n_positive)
        if n_found[-1] == 0:
            return np.nan
        precision = n_found / np.cumsum(self.n_positive + self.n_negative)
        return float((self.n_positive * precision).sum() / n_found[-1])

    @property
    def negatives_below(self) -> Float64s:
        """Of each level, the negative samples below it and half of those on it."""
        n_negative = int(self.n_negative.sum())
        return n_negative - np.cumsum(self.n_negative) + self.n_negative / 2


def rank(is_positive: Bools, scores: Float64s) -> Ranking:
    """Sort samples by falling score; at least one, both arrays of shape (n_samples,)."""
    lower, level_of, n_samples = np.unique(-scores, return_inverse=True, return_counts=True)
    n_positive = np.bincount(level_of[is_positive], minlength=len(lower))
    return Ranking(-lower, level_of, n_positive, n_samples - n_positive)


def rankings_of(y: Labels, scores: Float64s) -> tuple[Ranking, ...]:
    """Rank by what speaks for class 1 of two classes, else for each class against the rest.

    Of several classes that is the probability. Their scores say how they compare in one sample and
    nothing from sample to sample: a number added to all of a sample's scores changes no answer.
    """
    if scores.ndim == 1:
        return (rank(y == 1, scores),)
    return tuple(rank(y == k, column) for k, column in enumerate(probabilities_of(scores).T))


def roc_auc_interval(rankings: Sequence[Ranking], y: Labels) -> Interval:
    """Return the interval of the mean ROC AUC over rankings of the same samples.

    The rankings are those of `rankings_of`; resamples are stratified by ``y``, class indices of
    shape (n_samples,). NaN where a class has no samples.

    The area is a mean over pairs. To first order it moves by the sum of how much each sample drawn
    again or left out moves it alone (its placement among the other kind: DeLong, DeLong and
    Clarke-Pearson 1988); what pairs of them add is smaller by the root of the number of samples.
    """
    if any(math.isnan(ranking.roc_auc) for ranking in rankings):
        return UNKNOWN
    rng = np.random.default_rng(intervals.SEED)
    shares = np.zeros(len(y))
    for k, ranking in enumerate(rankings):
        n_positive, n_negative = int(ranking.n_positive.sum()), int(ranking.n_negative.sum())
        n_pairs = n_positive * n_negative
        as_positive = (ranking.negatives_below / n_pairs)[ranking.level_of]
        positives_above = np.cumsum(ranking.n_positive) - ranking.n_positive / 2
        as_negative = (positives_above / n_pairs)[ranking.level_of]
        is_positive = y == (k if len(rankings) > 1 else 1)
        shares += np.where(is_positive, as_positive, as_negative) / len(rankings)
    # Every pair has been counted twice, once for each of the two.
    values = np.full(N_RESAMPLES, -shares.sum() / 2)
    for k in np.bincount(y).nonzero()[0].tolist():
        values += _resampled_sums(shares[y == k], rng)
    # A sum knows no bound, the area does; and adds up to 1 all but the last digits.
    return percentiles(values.round(12).clip(max=1.0)[:, None])[0]


def _resampled_sums(values: Float64s, rng: np.random.Generator) -> Float64s:
    """Draw as many values as there are, with replacement, and add them up, `N_RESAMPLES` times."""
    n = len(values)
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= _MOST_DISTINCT:
        return np.asarray(rng.multinomial(n, counts / n, size=N_RESAMPLES) @ distinct)
    dtype = np.uint16 if n < 1 << 16 else np.uint32
    n_rows = max(1, _DRAWS_PER_BLOCK // n)
    sums = np.empty(N_RESAMPLES)
    for start in range(0, N_RESAMPLES, n_rows):
        n_now = min(n_rows, N_RESAMPLES - start)
        drawn = rng.integers(0, n, size=(n_now, n), dtype=dtype)
        sums[start : start + n_now] = values.take(drawn).sum(axis=1)
    return sums
