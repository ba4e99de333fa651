"""The initial matrix of L-BFGS: the inverse of a Hessian from a few thousand rows.

They are drawn with probability proportional to their weight p (1 - p) in the Hessian and weighted
back (Xu, Yang, Roosta-Khorasani, Re and Mahoney, NIPS 2016, section 3): near the optimum few rows
have any. For more than two classes there is a block for each class, X^T diag(p_k (1 - p_k)) X + I:
those between classes would save a few steps, and take longer than these.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mnistcli.arrays import Float32s, Float64s, Floats, Places
from mnistcli.linear_model.objective import squared_norm
from mnistcli.linear_model.problem import Block, Line, Point, Problem, centred, n_blocks
from mnistcli.parallel import map_blocks

SHARE = 1 / 15  # of the rows are drawn,
SHARE_IF_ROUGH = 1 / 5  # of the few rows of a rough solution,
MOST_ROWS = 16_384  # but not more: what they know of the Hessian does not grow with the rows.
LEAST_DRAWN = 300  # Rows of all blocks together.
MOST_WORK = 1e10  # Where rows are fewer than features: rows^2 * features at most.
REFRESH = 0.4  # Rows are drawn again when the objective has fallen to this share,
ROUGH_REFRESH = 0.1  # to this share in a rough solution,
MIN_AGE = 10  # or, twice as many rows, after so many steps per block if that saves time.
# A step costs so many multiplications of a matrix product for every value of the rows,
STEP_WORK, STEP_WORK_PER_OUTPUT = 20, 4
SAVED = 0.5  # and a new Hessian saves this share of the steps to come.
ROWS_AT_A_TIME = 4096  # Rows weighted and multiplied at a time: 12 MB.
COLUMNS_PER_THREAD = 256  # Columns multiplied by one thread at a time.

# Multiplies an inverse Hessian with parameters, each row of (n_vectors, n_features + 1): the
# intercept comes last and is not penalised.
Times = Callable[[Float64s], Float64s]


class Preconditioner:
    """An inverse of the Hessian, renewed as a fit goes on, to a gap of `tol` times the objective.

    If `is_rough` one block, of the mean over the classes, is enough.
    """

    def __init__(self, rng: np.random.Generator, tol: float, *, is_rough: bool = False) -> None:
        self._rng, self._tol, self._is_rough = rng, tol, is_rough
        self._n_times = 1  # what the number of rows is multiplied with
        # The objective and the gap when rows were last drawn, and how many for all blocks together;
        # of the first draw, anything is below.
        self._objective_then = self._gap_then = math.inf
        self._n_drawn = self._age = 0
        self._inverses: list[Times] = []

    def refresh(self, problem: Problem, point: Point) -> None:
        """Draw the Hessian again at a point, if the last one is too old or too far away."""
        is_old = self._age >= MIN_AGE * min(problem.n_outputs, 2)
        is_old = is_old and self._is_worth_its_work(problem, point)
        if is_old:
            self._n_times *= 2
        share = ROUGH_REFRESH if self._is_rough else REFRESH
        if is_old or 0.0 < point.objective < share * self._objective_then:
            self._age = 0
            self._inverses = []  # Not two at a time: of 6,000 features they take 350 MB.
            self._inverses = self._subsampled_inverses(problem, point)
            self._objective_then, self._gap_then = point.objective, point.gap
        self._age += 1

    def _is_worth_its_work(self, problem: Problem, point: Point) -> bool:
        """Return whether a Hessian of twice as many rows is to save more than it costs.

        The steps to come are told from those since the last one, in logarithms of the gap. Work is
        counted and not measured in seconds: the same fit then takes the same steps.
        """
        gap, goal = point.gap + 1e-300, self._tol * abs(point.objective) + 1e-300
        gained = max(math.log(self._gap_then / gap), 1e-3)
        to_come = self._age * math.log(gap / goal) / gained
        n_rows, n = 2 * self._n_drawn, problem.X.shape[1] + 1
        side = min(n, n_rows // len(self._inverses))
        work = n_rows * side * n + len(self._inverses) * side**3
        per_value = STEP_WORK + STEP_WORK_PER_OUTPUT * problem.n_outputs
        return bool(SAVED * to_come * per_value * math.prod(problem.X.shape) > work)

    def times(self, q: Float64s) -> Float64s:
        """Return the product with parameters (n_outputs, n_features + 1)."""
        vectors, inverses = centred(q), self._inverses
        if len(inverses) == 1:
            return centred(inverses[0](vectors))
        products = map_blocks(lambda one: inverses[one.start](vectors[one]), len(vectors), 1)
        return centred(np.concatenate(products))

    def _subsampled_inverses(self, problem: Problem, point: Point) -> list[Times]:
        """Return an inverse per class, or one for the mean of their Hessians."""
        n_samples, n_features = problem.X.shape
        share = SHARE_IF_ROUGH if self._is_rough else SHARE
        n_rows = self._n_times * min(share * n_samples, MOST_ROWS)
        most = math.sqrt(MOST_WORK / n_features)
        if most < n_features:
            n_rows = min(n_rows, most)
        # One block alone draws on, as long as the fit does.
        seed = self._rng if n_blocks(n_samples) == 1 else int(self._rng.integers(2**63))
        n_hessians = 1 if self._is_rough else problem.n_outputs
        asked = problem.at(point), n_hessians, n_samples, n_rows, self._n_times, seed
        of_outputs = zip(*problem.blocks.map(hessian_rows, *asked), strict=True)
        drawn = [[*map(np.concatenate, zip(*each, strict=True))] for each in of_outputs]
        self._n_drawn = sum(len(rows) for rows, _ in drawn)

        def inverse(one: slice) -> Times:
            rows, roots = drawn[one.start]
            if len(rows) < n_features and problem.penalty > 0.0:
                return few_rows_inverse(_weighted(problem, rows, roots), problem.penalty)
            return dense_inverse(_gram(problem, rows, roots), problem.penalty)

        return map_blocks(inverse, len(drawn), 1)


def _weighted(problem: Problem, rows: Places, roots: Floats) -> Float32s:
    weighted = np.empty((len(rows), problem.X.shape[1] + 1), dtype=np.float32)
    weighted[:, :-1] = problem.X[rows]
    weighted[:, -1] = 1.0 / problem.scale
    weighted *= roots[:, None]
    return weighted


def _gram(problem: Problem, rows: Places, roots: Floats) -> Float64s:
    n = problem.X.shape[1] + 1
    gram = np.zeros((n, n))
    for first in range(0, len(rows), ROWS_AT_A_TIME):
        block = slice(first, first + ROWS_AT_A_TIME)
        weighted = _weighted(problem, rows[block], roots[block])

        def add(columns: slice, weighted: Float32s = weighted) -> None:
            gram[:, columns] += weighted.T @ weighted[:, columns]

        map_blocks(add, n, COLUMNS_PER_THREAD)
    return gram


def dense_inverse(hessian: Float64s, penalty: float) -> Times:
    """Invert hessian + penalty on the features, as nearly as rounding allows.

    Sums of float32 products are off by about 1e-7 of the largest diagonal element. The Hessian is
    overwritten.
    """
    diagonal = hessian.diagonal().copy()
    added = np.full(len(hessian), penalty)
    added[-1] = 0.0
    floor = 1e-7 * float(diagonal.max(initial=0.0)) + 1e-30
    while True:
        np.fill_diagonal(hessian, diagonal + added + floor)
        try:
            root = _inverse_cholesky(hessian)
            break
        except np.linalg.LinAlgError:
            floor *= 10.0
    matrix = (root.T @ root).astype(np.float32)
    del root

    def times(vectors: Float64s) -> Float64s:
        # Not by BLAS, whose threads would spin on into the next pass, which has its own.
        product = np.einsum("ij,kj->ki", matrix, vectors.astype(np.float32))
        return np.asarray(product, dtype=np.float64)

    return times


def few_rows_inverse(factor: Floats, penalty: float) -> Times:
    """Invert B^T B + D by way of a matrix as large as the rows of B, the factor; D is diagonal.

    With A = B D^-1/2 and L L^T = I + A A^T the inverse is D^-1/2 (I - A^T L^-T L^-1 A) D^-1/2
    (Woodbury). D is the penalty, and for the intercept a hundred-thousandth of what the rows say.
    """
    added = np.full(factor.shape[1], penalty)
    added[-1] = 1e-5 * squared_norm(factor[:, -1]) + 1e-30
    scales = 1.0 / np.sqrt(added)
    scaled = factor * scales
    gram = scaled @ scaled.T
    np.fill_diagonal(gram, gram.diagonal() + 1.0)
    rows, inverse_root = scaled.astype(np.float32), _inverse_cholesky(gram).astype(np.float32)

    def times(vectors: Float64s) -> Float64s:
        q = (vectors * scales).astype(np.float32)
        inner = inverse_root.T @ (inverse_root @ (rows @ q.T))
        return np.asarray((q - inner.T @ rows) * scales)

    return times


def _inverse_cholesky(a: Float64s) -> Float64s:
    """Return the inverse of the lower Cholesky factor, by halves.

    All work is in matrix products, which makes it twice as fast as LAPACK's inverse. It also
    avoids OpenBLAS's threaded Cholesky, whose threads wait for one another by spinning: with
    another program on the same cores it was seen to take 200 times as long.
    """
    n = len(a)
    if n <= 64:
        return np.asarray(np.linalg.inv(np.linalg.cholesky(a)))
    half = n // 2
    top = _inverse_cholesky(a[:half, :half])
    below = a[half:, :half] @ top.T
    bottom = _inverse_cholesky(a[half:, half:] - below @ below.T)
    inverse = np.zeros_like(a)
    inverse[:half, :half], inverse[half:, half:] = top, bottom
    inverse[half:, :half] = -bottom @ (below @ top)
    return inverse


# ------------------------------------------------------------------- what blocks are asked


def hessian_rows(
    block: Block, line: Line, n_hessians: int, n_samples: int, most: float, n_times: int, seed: Any
) -> list[tuple[Places, Floats]]:
    """Draw rows for the Hessian of each output, or for their mean, and their roots.

    Rows are drawn by what they weigh in it, p (1 - p) times the weight of their loss; a root is
    what to multiply one with before it is squared. From all `n_samples` together come `most` rows
    at most, and not more than `n_times` the effective sample size. The seed of the only block is a
    generator.
    """
    absolute = np.abs(block.losses_at(line, 0.0)[1]).astype(np.float64)
    weights = absolute * (1.0 - absolute) * block.loss_weights(line)
    if n_hessians < len(weights):
        weights = weights.mean(axis=0, keepdims=True)
    rng = np.random.default_rng(seed if block.is_all else [seed, block.start])
    share = len(block.y) / n_samples
    drawn = []
    for each in weights:
        # Effective sample size (Kish, Survey Sampling, 1965): how many rows the weight sits on.
        effective = each.sum() ** 2 / max(squared_norm(each), 1e-300)
        n_rows = int(min(share * most, n_times * float(effective)))
        chance = inclusion_chances(each, max(share * LEAST_DRAWN, n_rows))
        rows = np.flatnonzero(rng.random(len(chance)) < chance)
        roots = np.sqrt(each[rows] / chance[rows]) * line.scale
        drawn.append((block.start + rows, roots.astype(np.float32)))
    return drawn


def inclusion_chances(weights: Float64s, n_rows: float) -> Float64s:
    """Return chances min(1, c * weight) that add up to about `n_rows`."""
    if n_rows >= np.count_nonzero(weights):
        return (weights > 0.0).astype(np.float64)
    chance = weights * (n_rows / weights.sum())
    for _ in range(5):
        chance *= n_rows / np.minimum(chance, 1.0).sum()
    return np.asarray(np.minimum(chance, 1.0), dtype=np.float64)
