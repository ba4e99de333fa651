"""Whether probabilities mean what they say. NumPy only; scikit-learn is the reference."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistcli.metrics.intervals import Interval, wilson

N_BINS = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The samples whose probability was in a range.

    For two classes the probability is the positive class's and a hit is a positive sample; for
    more it is the answer's and a hit is a right answer. NaN without samples.
    """

    low: float  # not in the range itself, but for 0
    high: float
    n_samples: int
    n_hits: int
    mean_probability: float  # what the model said on average
    share: float  # what was true of it: hits of samples
    share_interval: Interval  # Wilson's


def reliability_bins(
    y: NDArray[np.integer], probabilities: NDArray[np.float64]
) -> tuple[ReliabilityBin, ...]:
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
    return tuple(
        ReliabilityBin(
            low=float(edges[i]),
            high=float(edges[i + 1]),
            n_samples=n,
            n_hits=hits,
            mean_probability=total / n if n else math.nan,
            share=hits / n if n else math.nan,
            share_interval=wilson(hits, n),
        )
        for i, (n, hits, total) in enumerate(zip(n_samples, n_hits, sums, strict=True))
    )


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Return the mean distance of share and mean probability over the samples (Naeini et al. 2015)."""
    n_samples = sum(each.n_samples for each in bins)
    gaps = (each.n_samples * abs(each.share - each.mean_probability) for each in bins)
    return sum(gap for gap in gaps if not math.isnan(gap)) / n_samples


def brier_score(y: NDArray[np.integer], probabilities: NDArray[np.float64]) -> float:
    """Return the mean squared error of the probabilities (Brier 1950).

    For two classes that of the positive class, in [0, 1]; for more the sum over the classes, in
    [0, 2], as scikit-learn has it.
    """
    if probabilities.shape[1] == 2:
        return float(np.square(probabilities[:, 1] - (y == 1)).mean())
    of_truth = np.take_along_axis(probabilities, y[:, None], axis=1)[:, 0]
    # (1 - p)^2 for the truth and p^2 for the others, without an array of ones and zeros.
    return float((np.square(probabilities).sum(axis=1) - 2 * of_truth + 1).mean())
