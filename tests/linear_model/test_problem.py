from __future__ import annotations

import math
import pickle
import threading

import numpy as np
import pytest

from mnistcli.arrays import SomeRows
from mnistcli.linear_model import newton, problem
from mnistcli.linear_model.newton import fit_newton
from mnistcli.linear_model.problem import (
    LocalBlocks,
    SeparableDataError,
    blocks_of,
    blocks_within,
    n_blocks,
    tree_sum,
)
from mnistcli.memory import Room
from mnistcli.progress import Progress


@pytest.fixture
def in_blocks(monkeypatch):
    """Let a few thousand rows be what millions are: 16 blocks or more, read in every pass."""
    monkeypatch.setattr(problem, "MOST_ROWS_OF_ONE", 100)
    monkeypatch.setattr(problem, "ROWS_EACH", 100)
    monkeypatch.setattr(newton, "MAX_COPY_BYTES", 0)


@pytest.fixture(scope="module")
def digits(mnist):
    keep = slice(0, 2003)
    return mnist.train.images[keep].reshape(2003, -1), mnist.train.labels[keep].astype(np.intp)


def as_source(X):
    """Rows that are no array, as those that are made when they are read."""
    return SomeRows(X, range(len(X)))


def fit(X, y, **options):
    return fit_newton(X, y, **({"n_classes": 10, "scale": 1 / 255, "C": 0.1} | options))


def assert_same_optimum(found, other):
    one, two = found.certificate, other.certificate
    assert one.converged
    assert abs(one.objective - two.objective) <= one.gap_bound + two.gap_bound
    bound = one.distance_bound + two.distance_bound
    assert np.linalg.norm(found.coef - other.coef) <= bound


def assert_same_bits(found, other):
    np.testing.assert_array_equal(found.coef, other.coef)
    np.testing.assert_array_equal(found.intercept, other.intercept)
    assert found.certificate == other.certificate


class Unordered:
    """Blocks that finish in another order in every round."""

    def __init__(self, blocks):
        self.blocks, self.rng = blocks, np.random.default_rng(0)

    def map(self, function, *arguments):
        order = self.rng.permutation(len(self.blocks))
        results = {i: function(self.blocks[i], *arguments) for i in order}
        return [results[i] for i in range(len(self.blocks))]


class Elsewhere:
    """Blocks of other processes, one of which is lost in every round and sent again."""

    def __init__(self, blocks):
        self.sent = [pickle.dumps(block) for block in blocks]
        self.blocks, self.n_rounds = blocks, 0

    def map(self, function, *arguments):
        self.n_rounds += 1
        lost = self.n_rounds % len(self.blocks)
        self.blocks[lost] = pickle.loads(self.sent[lost])  # noqa: S301 - our own
        function, arguments = pickle.loads(pickle.dumps((function, arguments)))  # noqa: S301
        return [function(each, *arguments) for each in self.blocks]


@pytest.mark.parametrize("n_classes", [2, 10])
@pytest.mark.parametrize("options", [{}, {"C": 30.0}, {"tol": 1e-13}, {"weights": True}])
def test_blocks_reach_the_optimum_of_all_rows_at_once(digits, request, n_classes, options):
    X, y = digits
    y = y if n_classes == 10 else (y == 3).astype(np.intp)
    options = {"n_classes": n_classes} | options
    if options.pop("weights", False):
        options["sample_weight"] = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    at_once = fit(X, y, **options)
    request.getfixturevalue("in_blocks")
    assert_same_optimum(fit(as_source(X), y, **options), at_once)


def test_the_bits_are_those_of_any_order_any_threads_and_any_source(digits, in_blocks, monkeypatch):
    X, y = digits
    expected = fit(as_source(X), y)
    assert len(blocks_of(X, y, np.ones(len(y)))) == 32
    order = np.random.default_rng(0).permutation(len(y))
    shuffled = SomeRows(X[order], np.argsort(order))
    for rows, options in ((X, {}), (shuffled, {}), (X, {"runner": Unordered})):
        assert_same_bits(fit(rows, y.astype(np.uint8), **options), expected)
    for n_threads in ("1", "7"):
        monkeypatch.setenv("OMP_NUM_THREADS", n_threads)
        monkeypatch.setattr("os.sched_getaffinity", lambda _: range(7))
        assert_same_bits(fit(X, y), expected)


@pytest.mark.parametrize("tol", [1e-9, 1e-13])
def test_blocks_that_are_lost_are_made_again_and_the_optimum_is_proven(digits, in_blocks, tol):
    X, y = digits
    assert_same_optimum(fit(as_source(X), y, runner=Elsewhere, tol=tol), fit(X, y))


def test_without_a_penalty_blocks_converge_or_are_refused(digits, in_blocks):
    X, y = digits
    with pytest.raises(SeparableDataError, match="alone divides class 0"):
        fit(as_source(X), y, C=math.inf)
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 250, (1000, 4), dtype=np.uint8), rng.integers(0, 3, 1000)
    X[:, 3] = 7  # says nothing, and separates nothing
    found = fit(X, y, n_classes=3, C=math.inf, tol=1e-7)
    assert found.certificate.converged
    X[:, 0] = 80 * (y == 1) + X[:, 1] // 2 + X[:, 2] % 8  # overlaps; along the plane it does not
    y = (y == 1).astype(np.intp)
    with pytest.raises(SeparableDataError, match="by a plane"):
        fit(X, y, n_classes=2, C=math.inf)


@pytest.mark.parametrize("error", [OSError("disk"), KeyboardInterrupt()])
def test_what_reading_raises_ends_the_fit_at_once(digits, in_blocks, error):
    X, y = digits
    n_reads = [0]

    class Broken(SomeRows):
        def __getitem__(self, numbers):
            n_reads[0] += 1
            if n_reads[0] == 40:
                raise error
            return super().__getitem__(numbers)

    before = threading.active_count()
    with pytest.raises(type(error)):
        fit(Broken(X, range(len(y))), y)
    assert n_reads[0] <= 40 + 8
    assert threading.active_count() == before


def test_a_row_is_remembered_by_three_small_numbers_for_every_output(digits, in_blocks):
    X, y = digits
    kept = []

    class Weighed(LocalBlocks):
        def map(self, function, *arguments):
            results = super().map(function, *arguments)
            known = [values for block in self.blocks for _, values in block.known.values()]
            arrays = [each[1] if isinstance(each, tuple) else each for each in known]
            kept.append(sum(a.nbytes for a in arrays if a.strides[-1]))
            return results

    fit(as_source(X), y, runner=Weighed)
    assert max(kept) == 3 * 4 * 10 * len(y)


@pytest.mark.parametrize("disk_bytes", [10**7, 0])
@pytest.mark.parametrize("tol", [1e-9, 1e-13])
def test_what_a_row_is_remembered_by_may_be_in_a_file_or_nowhere(
    digits, in_blocks, tmp_path, disk_bytes, tol
):
    X, y = digits
    known, notes, folder = [], [], tmp_path / "new"

    class Noted(Progress):
        def note(self, event, /):
            notes.append(event)

    def runner(blocks):
        known.extend(blocks)
        room = Room(100_000, disk_bytes, folder)
        return blocks_within(room, 10, Noted(), blocks)

    same = assert_same_bits if disk_bytes else assert_same_optimum
    same(fit(X, y, runner=runner, tol=tol), fit(X, y, tol=tol))
    assert len(notes) == 1
    assert [*folder.iterdir()] == []  # a killed process leaves nothing either
    for block in known:
        assert (block.buffer.nbytes if disk_bytes else block.buffer) == (
            160 * len(block.y) if disk_bytes else None
        )
        assert bool(block.known) == bool(disk_bytes)


def test_blocks_do_not_grow_with_the_rows():
    assert [n_blocks(each) for each in (65_536, 65_537, 1_000_000, 8_100_000)] == [1, 16, 128, 128]
    assert max(n / n_blocks(n) for n in range(10**5, 10**9, 10**6)) <= 65_536


def test_the_sum_is_a_tree_of_eight():
    parts = [np.array([x]) for x in np.random.default_rng(0).normal(size=130)]
    eights = [sum(parts[i + 1 : i + 8], parts[i]) for i in range(0, 130, 8)]
    expected = sum(eights[1:8], eights[0]) + sum(eights[9:16], eights[8]) + eights[16]
    assert tree_sum(parts) == expected
    assert tree_sum([0.1]) == 0.1
