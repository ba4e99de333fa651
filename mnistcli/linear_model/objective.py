"""The objective of regularised logistic regression: losses, derivatives, passes over the data.

With features x_i (pixels times ``scale``), labels y_i and sample weights s_i, every solver of this
package minimises, in scikit-learn's parametrisation,

    f(W, b) = (1 - rho) / 2 * ||W||^2 + rho * ||W||_1 + C * sum_i s_i * loss(W x_i + b, y_i)

where rho is ``l1_ratio``, the intercept b is not penalised, and ``loss`` is log(1 + exp(-z)) of the
signed score for two classes (one row of W) and the softmax cross-entropy for more (a row per
class). Without a penalty only the sum is left (and C, where it is finite).

Scores and residuals have shape (n_outputs, n_samples): one class is one contiguous row, which makes
the softmax eight times faster than a sample per row. Rows of X are read in blocks, and converted in
blocks, so that no second copy of the data exists.
"""

import math
from typing import Any

import numpy as np

from mnistcli.arrays import Float64s, Floats, Labels, Rows
from mnistcli.parallel import map_blocks

# A tile is one small matrix product. Up to about 10^6 multiplications OpenBLAS neither packs nor
# threads (its "small matrix" kernels), which for 10 columns is twice as fast as one large product,
# and gives the same bits for any number of BLAS threads. Our threads share out blocks of tiles,
# which are as large as a core's cache.
ROWS_PER_TILE = 32
MULTIPLICATIONS_PER_TILE = 1_000_000
TILES_PER_BLOCK = 16
VALUES_PER_BLOCK = 512 * 1024
BLOCKS_AT_ONCE = 256


def squared_norm(a: Floats) -> float:
    """Return the sum of the squares of all elements."""
    return float(np.vdot(a, a))


def loss_weights(C: float, n_samples: int, sample_weight: Floats | None) -> Float64s:
    """Return C * s_i, (n_samples,); without a penalty C drops out as 1."""
    s = np.ones(n_samples) if sample_weight is None else np.asarray(sample_weight, np.float64)
    return s if math.isinf(C) else C * s


def class_weights(y: Labels, weights: Float64s, n_classes: int) -> Float64s:
    """Return what the samples of each class weigh together, (n_classes,)."""
    return np.asarray(np.bincount(y, weights, n_classes), dtype=np.float64)


def prior_intercept(class_weights: Float64s) -> Float64s:
    """Return the intercepts, of shape (1,) or (n_classes,), at which zero weights do best."""
    share = np.log(class_weights)
    return np.asarray(share[1:] - share[:1] if len(share) == 2 else share - share.mean())


def losses_and_residuals(scores: Floats, y: Labels) -> tuple[Floats, Floats]:
    """Return the losses (n_samples,) and their derivatives by the scores (n_outputs, n_samples).

    Residuals are p_k - [y = k], written so that the one of the true class keeps its relative
    accuracy when p_y rounds to 1; Hessian weights p_k (1 - p_k) are then |r_k| (1 - |r_k|).
    """
    if len(scores) == 1:
        sign = np.where(y == 1, -1, 1).astype(scores.dtype)
        margins = -sign * scores[0]
        e = np.exp(-np.abs(margins))
        losses = np.log1p(e) + np.maximum(-margins, 0)
        return losses, (sign * np.where(margins > 0, e, 1) / (1 + e))[None, :]
    columns = np.arange(scores.shape[1])
    shifted = scores - scores.max(axis=0)
    true = shifted[y, columns]
    residuals = np.exp(shifted, out=shifted)
    p_true = residuals[y, columns]
    residuals[y, columns] = 0
    others = residuals.sum(axis=0)
    losses = np.log1p(others + (p_true - 1)) - true
    residuals /= others + p_true
    residuals[y, columns] = -others / (others + p_true)
    return losses, residuals


def slope_and_curvature(
    residuals: Floats, change: Floats, y: Labels, weights: Floats
) -> tuple[float, float]:
    """Return the first two derivatives of sum_i w_i loss_i along a change of the scores."""
    if len(residuals) == 1:
        slopes = residuals[0] * change[0]
        curvatures = np.abs(slopes * change[0]) - slopes * slopes
        return float(np.vdot(slopes, weights)), float(np.vdot(curvatures, weights))
    # Against the true class: its residual, the one large number, drops out of both sums.
    against = change - change[y, np.arange(len(y))]
    weighted = residuals * against
    slopes = weighted.sum(axis=0)
    weighted *= against
    curvatures = weighted.sum(axis=0) - slopes * slopes
    return float(np.vdot(slopes, weights)), float(np.vdot(curvatures, weights))


def linear_scores(X: Rows, coef: Floats, *, scale: float, dtype: type[np.floating[Any]]) -> Floats:
    """Return ``coef @ (X * scale).T`` of shape (n_outputs, n_samples), computed in `dtype`."""
    scaled = (np.asarray(coef, dtype=np.float64) * scale).astype(dtype)
    scores = np.empty((len(coef), X.shape[0]), dtype=dtype)

    def score(rows: slice) -> None:
        block = X[rows].astype(dtype, copy=False)
        if len(coef) == 1:
            np.dot(block, scaled[0], out=scores[0, rows])
            return
        tiles, out, rest, rest_out = _tiles(block, scores[:, rows])
        np.matmul(scaled, tiles.transpose(0, 2, 1), out=out)
        rest_out[:] = scaled @ rest.T

    map_blocks(score, X.shape[0], rows_per_block(X.shape[1]))
    return scores


def residual_products(
    X: Rows, residuals: Floats, *, scale: float, dtype: type[np.floating[Any]]
) -> Float64s:
    """Return ``residuals @ (X * scale)`` of shape (n_outputs, n_features), summed in float64."""

    def multiply(rows: slice) -> Float64s:
        block = X[rows].astype(dtype, copy=False)
        if len(residuals) == 1:
            return np.asarray(residuals[:, rows] @ block)
        tiles, part, rest, rest_part = _tiles(block, residuals[:, rows])
        total = np.matmul(part, tiles).sum(axis=0)
        total += rest_part @ rest
        return np.asarray(total)

    residuals = residuals.astype(dtype, copy=False)
    # Added in the order of the blocks: the same bits whatever thread was first. Not all at once:
    # those of 240,000 rows of 6,000 features would take 900 MB.
    total, n_each = np.zeros((len(residuals), X.shape[1])), rows_per_block(X.shape[1])
    for first in range(0, X.shape[0], BLOCKS_AT_ONCE * n_each):
        stop = min(first + BLOCKS_AT_ONCE * n_each, X.shape[0])
        for partial in map_blocks(multiply, stop, n_each, first):
            total += partial
    return total * scale


def rows_per_tile(n_features: int, n_outputs: int) -> int:
    """Return how many rows a small product takes, `ROWS_PER_TILE` for pixels."""
    rows = ROWS_PER_TILE
    while rows > 4 and rows * n_features * n_outputs > MULTIPLICATIONS_PER_TILE:
        rows //= 2
    return rows


def rows_per_block(n_features: int) -> int:
    """Return how many rows a thread converts and multiplies at a time."""
    tiles = VALUES_PER_BLOCK // (ROWS_PER_TILE * max(n_features, 1))
    return ROWS_PER_TILE * min(max(tiles, 1), TILES_PER_BLOCK)


def _tiles(block: Floats, outputs: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """View rows, and what each has for every output, as tiles and what is left over.

    Tiles are (n_tiles, n_rows, n_features), and (n_tiles, n_outputs, n_rows).
    """
    n_rows = rows_per_tile(block.shape[1], len(outputs))
    n_tiles = len(block) // n_rows
    end = n_tiles * n_rows
    tiles = block[:end].reshape(n_tiles, n_rows, block.shape[1])
    of_tiles = outputs[:, :end].reshape(len(outputs), n_tiles, n_rows).transpose(1, 0, 2)
    return tiles, of_tiles, block[end:], outputs[:, end:]
