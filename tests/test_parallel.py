"""Blocks on threads, tasks in processes: order, failures, and nobody's cores twice."""

from __future__ import annotations

import operator
import os

import pytest

from mnistcli.parallel import map_blocks, map_jobs, n_cores


def test_a_failure_in_a_block_is_raised_and_results_keep_their_order():
    assert map_blocks(lambda rows: rows.start, 2000, 512) == [0, 512, 1024, 1536]
    with pytest.raises(ZeroDivisionError):
        map_blocks(lambda rows: 1 // (rows.start - 1024), 2000, 512)


def test_blocks_cover_all_rows_once():
    blocks = map_blocks(lambda rows: range(rows.start, rows.stop), 1001, 100)
    assert [row for block in blocks for row in block] == list(range(1001))


@pytest.mark.parametrize(("told", "limit"), [("1", 1), ("100000", None), ("", None), ("x", None)])
def test_the_environment_lowers_the_number_of_cores(monkeypatch, told, limit):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    here = n_cores()
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert n_cores() == (limit or here)


@pytest.mark.parametrize("n_jobs", [1, 2, -1])
def test_jobs_give_their_results_in_order(n_jobs):
    pairs = [(1000 - i, i) for i in range(20)]
    assert list(map_jobs(operator.sub, pairs, n_jobs)) == [1000 - 2 * i for i in range(20)]


@pytest.mark.skipif(n_cores() < 2, reason="one core is never shared")
def test_workers_share_the_cores_out():
    told = list(map_jobs(_cores_of_a_worker, [(), ()], 2))
    assert all(process != os.getpid() and cores <= n_cores() // 2 for process, cores in told)


def _cores_of_a_worker():
    return os.getpid(), n_cores()
