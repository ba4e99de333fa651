"""Inverses of a Hessian that are quick to multiply with.

Parameters are held as (n_outputs, n_features + 1), the intercept last, and it is not penalised.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistcli.linear_model.objective import Float64s, Floats, squared_norm


class DenseInverse(NamedTuple):
    """The inverse of a Hessian as a matrix, (n_features + 1) squared."""

    matrix: NDArray[np.float32]

    @classmethod
    def inverse(cls, hessian: Float64s, penalty: float) -> "DenseInverse":
        """Invert hessian + penalty on the features, as nearly as rounding allows.

        Sums of float32 products are off by about 1e-7 of the largest diagonal element. The Hessian
        is overwritten.
        """
        diagonal = hessian.diagonal().copy()
        added = np.full(len(hessian), penalty)
        added[-1] = 0.0
        floor = 1e-7 * float(diagonal.max(initial=0.0)) + 1e-30
        while True:
            np.fill_diagonal(hessian, diagonal + added + floor)
            try:
                root = _inverse_cholesky(hessian)
            except np.linalg.LinAlgError:
                floor *= 10.0
            else:
                return cls((root.T @ root).astype(np.float32))

    def times(self, vectors: Float64s) -> Float64s:
        """Return the product with each row of `vectors`, which are (n_vectors, n_features + 1)."""
        single = vectors.astype(np.float32)
        # Not by BLAS, whose threads would spin on into the next pass, which has its own.
        product = np.einsum("ij,kj->ki", self.matrix, single)
        return np.asarray(product, dtype=np.float64)


class FewRowsInverse(NamedTuple):
    """The inverse of B^T B + D by way of a matrix as large as the rows of B, D diagonal.

    With A = B D^-1/2 and L L^T = I + A A^T it is D^-1/2 (I - A^T L^-T L^-1 A) D^-1/2 (Woodbury).
    """

    rows: NDArray[np.float32]
    inverse_root: NDArray[np.float32]
    scales: Float64s

    @classmethod
    def inverse(cls, factor: Floats, penalty: float) -> "FewRowsInverse":
        """D is the penalty, and for the intercept a hundred-thousandth of what the rows say."""
        added = np.full(factor.shape[1], penalty)
        added[-1] = 1e-5 * squared_norm(factor[:, -1]) + 1e-30
        scales = 1.0 / np.sqrt(added)
        rows = factor * scales
        gram = rows @ rows.T
        np.fill_diagonal(gram, gram.diagonal() + 1.0)
        return cls(rows.astype(np.float32), _inverse_cholesky(gram).astype(np.float32), scales)

    def times(self, vectors: Float64s) -> Float64s:
        """Return the product with each row of `vectors`; see `DenseInverse.times`."""
        scaled = (vectors * self.scales).astype(np.float32)
        inner = self.inverse_root.T @ (self.inverse_root @ (self.rows @ scaled.T))
        return np.asarray((scaled - inner.T @ self.rows) * self.scales)


InverseHessian = DenseInverse | FewRowsInverse


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
