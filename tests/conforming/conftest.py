"""Something that reads digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.conftest import bundled_idx

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@pytest.fixture(scope="session")
def label_of(train_images: NDArray[np.uint8]) -> Callable[[NDArray[np.uint8]], NDArray[np.intp]]:
    """A ten-class logistic regression on 10,000 digits: 60 steps of accelerated descent."""
    X = train_images[:10000].reshape(-1, 784).astype(np.float32) / 255
    y = bundled_idx("train-labels-idx1-ubyte.gz", 8)[:10000]
    target = np.eye(10, dtype=np.float32)[y]
    W = np.zeros((784, 10), np.float32)
    b = np.zeros(10, np.float32)
    dW, db = np.zeros_like(W), np.zeros_like(b)
    for _ in range(60):
        scores = X @ W + b
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        wrong = (odds / odds.sum(axis=1, keepdims=True) - target) / len(X)
        dW = 0.9 * dW - 0.15 * (X.T @ wrong + 1e-3 * W)
        db = 0.9 * db - 0.15 * wrong.sum(axis=0)
        W, b = W + dW, b + db
    accuracy = np.mean((X @ W + b).argmax(axis=1) == y)
    assert accuracy > 0.9
    return lambda images: (images.reshape(-1, 784).astype(np.float32) / 255 @ W + b).argmax(axis=1)


@pytest.fixture
def rows_of(test_images: NDArray[np.uint8]) -> Callable[..., NDArray[np.uint8]]:
    """Compose lines of digits, dark on shaded paper, by their indices."""

    def compose(*lines, gap=8, slope=0.0):
        height, width = 110 + 130 * len(lines), max(map(len, lines)) * (84 + gap) + 60
        ink = np.zeros((height, width), np.float32)
        for row, line in enumerate(lines):
            left = 30
            for index in line:
                digit = np.kron(test_images[index], np.ones((3, 3), np.uint8))
                digit = digit[:, np.flatnonzero(digit.max(axis=0) > 60)]
                top = round(90 + 130 * row + slope * (left - width / 2))
                at = np.s_[top : top + 84, left : left + digit.shape[1]]
                ink[at] = np.maximum(ink[at], digit)
                left += digit.shape[1] + gap
        light = np.linspace(235, 190, width, dtype=np.float32)
        noise = np.random.default_rng(0).normal(0, 2, ink.shape)
        return (light * (1 - ink / 300) + noise).clip(0, 255).astype(np.uint8)

    return compose
