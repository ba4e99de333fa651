"""What the classifiers of all pairs of classes say together.

Every pair votes with its probability. The probabilities of the classes are those that agree best
with all of the pairs: the second method of Wu, Lin and Weng, Probability estimates for multi-class
classification by pairwise coupling (JMLR 2004), which is also LIBSVM's.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mnistcli.linear_model.certificate import Certificate, Fit
from mnistcli.linear_model.classifier import pairs_of, probabilities_of

# What no pair may be surer than: a probability of 0 would leave the coupling without a solution.
_DOUBT = 1e-12


def couple(scores: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
    """Turn the scores of all pairs into probabilities of the classes.

    With r_ij the probability of class i against j, minimise sum_(i != j) (r_ji p_i - r_ij p_j)^2
    over p that sum to 1: a linear system for each sample. Scores are (n_samples, n_pairs), the
    probabilities (n_samples, n_classes), all above 0.
    """
    first, second = np.array(pairs_of(n_classes)).T
    # [:, 0] for the first of a pair, [:, 1] for the second; both from the same score.
    of_pairs = np.clip(probabilities_of(scores.reshape(-1)), _DOUBT, 1.0 - _DOUBT)
    of_pairs = of_pairs.reshape(*scores.shape, 2)
    r = np.zeros((len(scores), n_classes, n_classes))
    r[:, first, second] = of_pairs[..., 0]
    r[:, second, first] = of_pairs[..., 1]
    system = np.ones((len(scores), n_classes + 1, n_classes + 1))
    system[:, :-1, :-1] = -r * r.transpose(0, 2, 1)
    diagonal = np.arange(n_classes)
    system[:, diagonal, diagonal] = (r * r).sum(axis=1)
    system[:, -1, -1] = 0.0
    right = np.zeros((len(scores), n_classes + 1, 1))
    right[:, -1] = 1.0
    p = np.linalg.solve(system, right)[:, :-1, 0]
    p = np.maximum(p, _DOUBT)  # rounding may leave less than nothing
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def joint_fit(fits: Sequence[Fit], fit_seconds: float) -> Fit:
    """Put the fits of all pairs together: their sum is one objective in all the weights."""
    each = [fit.certificate for fit in fits]
    gaps = [one.gap_bound for one in each if one.gap_bound is not None]
    distances = [one.distance_bound for one in each if one.distance_bound is not None]
    certificate = Certificate(
        objective=math.fsum(one.objective for one in each),
        gradient_norm=math.hypot(*(one.gradient_norm for one in each)),
        relative_gradient_norm=max(one.relative_gradient_norm for one in each),
        gap_bound=math.fsum(gaps) if len(gaps) == len(each) else None,
        distance_bound=math.hypot(*distances) if len(distances) == len(each) else None,
        converged=all(one.converged for one in each),
        n_iterations=sum(one.n_iterations for one in each),
        n_passes=math.fsum(one.n_passes for one in each),
    )
    coef = np.concatenate([fit.coef for fit in fits])
    intercept = np.concatenate([fit.intercept for fit in fits])
    return Fit(coef, intercept, certificate, fit_seconds)
