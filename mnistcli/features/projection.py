"""Principal directions of many columns, and random numbers that are the same everywhere."""

import math

import numpy as np
from numpy.typing import NDArray

from mnistcli.arrays import Bytes, Float32s
from mnistcli.parallel import map_blocks

_ROWS_AT_ONCE = 4096
_COLUMNS_AT_ONCE = 256
# Subspace iteration (Golub and Van Loan, Matrix Computations, section 8.2.4), so many directions
# more than wanted, and so many times: what is left of an error is in directions of equal variance.
_N_EXTRA = 20
_N_ROUNDS = 12
# Directions with less than this share of the largest variance are rounding errors.
_LEAST_VARIANCE = 1e-6


def principal_directions(
    rows: Bytes, n_directions: int, whitening: float = 0.25
) -> tuple[Float32s, Float32s]:
    """Return the directions of most variance of rows (n, n_columns), and the mean along each.

    They have shape (n_directions, n_columns). Each is divided by its variance to the power of the
    whitening (1/2 makes all count alike), all of them by one number: rows along them, less the
    mean, have length 1 in the root mean square. Directions that few rows do not have are 0.
    """
    mean = rows.mean(axis=0, dtype=np.float64)
    basis = normal_numbers(rows.shape[1], min(n_directions + _N_EXTRA, rows.shape[1]))
    covariance = _covariance(rows, mean.astype(np.float32))
    for _ in range(_N_ROUNDS):
        basis = np.linalg.qr(_product(covariance, basis))[0]
    variances, rotation = np.linalg.eigh(basis.T @ _product(covariance, basis))
    order = np.argsort(variances)[::-1][:n_directions]
    variances = variances[order].astype(np.float64)
    is_there = variances > max(_LEAST_VARIANCE * variances[0], 1e-30)
    some = np.where(is_there, variances, 1)
    factors = np.where(is_there, 1 / np.sqrt(some ** (2 * whitening)), 0)
    lengths = np.where(is_there, some ** (1 - 2 * whitening), 0)
    factors /= np.sqrt(max(lengths.sum(), 1e-30))
    directions = (factors[:, None] * (basis @ rotation[:, order]).T).astype(np.float32)
    return directions, (directions @ mean).astype(np.float32)


def normal_numbers(*shape: int) -> Float32s:
    """Return numbers that are as good as normal, of mean 0 and variance 1, of shape (n, m).

    They are the same to the last bit on every machine and with every version of NumPy, so that a
    model need not hold them: each is the sum of the eight bytes of ``bits_of(2 i)`` and
    ``bits_of(2 i + 1)``, i its position row by row, less 1,020, divided by 209.02153.
    """
    bits = bits_of(np.arange(2 * math.prod(shape), dtype=np.uint32))
    sums = bits.view(np.uint8).reshape(*shape, 8).sum(axis=-1, dtype=np.uint32)
    numbers: Float32s = (sums.astype(np.float32) - np.float32(1020)) / np.float32(209.02153)
    return numbers


def bits_of(counter: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return 32 bits for each counter that look random: the finaliser of MurmurHash3 (Appleby)."""
    bits: NDArray[np.uint32] = (counter + np.uint32(1)) * np.uint32(0x9E3779B1)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        bits = (bits ^ (bits >> np.uint32(shift))) * np.uint32(factor)
    return bits


def _covariance(rows: Bytes, mean: Float32s) -> Float32s:
    n_columns = len(mean)
    total = np.zeros((n_columns, n_columns), dtype=np.float32)
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        block = rows[first : first + _ROWS_AT_ONCE] - mean

        def add(columns: slice, block: Float32s = block) -> None:
            # What is below the diagonal is mirrored in the end.
            total[: columns.stop, columns] += block[:, : columns.stop].T @ block[:, columns]

        map_blocks(add, n_columns, _COLUMNS_AT_ONCE)
    return (np.triu(total) + np.triu(total, 1).T) / np.float32(len(rows))


def _product(matrix: Float32s, vectors: Float32s) -> Float32s:
    parts = map_blocks(lambda block: matrix[block] @ vectors, len(matrix), _COLUMNS_AT_ONCE)
    return np.concatenate(parts)
