"""Blocks on threads, tasks in processes: order, failures, and nobody's cores twice."""

from __future__ import annotations

import contextlib
import itertools
import operator
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import joblib
import numpy as np
import pytest
from joblib._parallel_backends import ThreadingBackend
from threadpoolctl import threadpool_info, threadpool_limits

import mnistcli
from mnistcli import parallel
from mnistcli.errors import BadImageError, MnistCliError
from mnistcli.features import FeatureSpec
from mnistcli.features.cache import load, save
from mnistcli.parallel import (
    _unheard,
    flat_map_forked,
    map_blocks,
    map_jobs,
    n_at_once,
    n_cores,
)
from mnistcli.settings import FoldSpec, SplitSpec, TrainingSettings


def test_a_failure_in_a_block_is_raised_and_results_keep_their_order():
    assert map_blocks(lambda rows: rows.start, 2000, 512) == [0, 512, 1024, 1536]
    with pytest.raises(ZeroDivisionError):
        map_blocks(lambda rows: 1 // (rows.start - 1024), 2000, 512)


@pytest.mark.filterwarnings("error")
def test_an_invalid_value_that_a_kernel_throws_away_is_not_warned_of():
    infinite = np.full(4, np.inf)
    map_blocks(lambda rows: infinite[rows] - infinite[rows], 4, 1)  # raises the same flag


def test_where_no_thread_can_be_started_the_others_do_it_all(monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)
    assert map_blocks(lambda rows: rows.stop, 10, 3) == [3, 6, 9, 10]


def test_blocks_cover_all_rows_once():
    blocks = map_blocks(lambda rows: range(rows.start, rows.stop), 1001, 100)
    assert [row for block in blocks for row in block] == list(range(1001))


@pytest.mark.parametrize(
    ("told", "limit"), [("1", 1), ("90000", None), ("", None), ("x", None), ("9" * 5000, None)]
)
def test_the_environment_lowers_the_number_of_cores(monkeypatch, told, limit):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    here = n_cores()
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert n_cores() == (limit or here)


@pytest.mark.parametrize("n_jobs", [1, 2, -1, None])
def test_jobs_give_their_results_in_order(n_jobs):
    pairs = [(1000 - i, i) for i in range(20)]
    assert list(map_jobs(operator.sub, pairs, n_jobs)) == [1000 - 2 * i for i in range(20)]
    found = map_jobs(_up_to, [(3,), (2,)], n_jobs, in_order=False)
    assert sorted([*each] for each in found) == [[0, 1], [0, 1, 2]]


@pytest.mark.skipif(n_cores() < 2, reason="one core is never shared")
@pytest.mark.parametrize("how", ["by argument", "by context"])
def test_workers_share_the_cores_out(how):
    with joblib.parallel_config(n_jobs=2 if how == "by context" else None):
        told = list(map_jobs(_cores_of_a_worker, [(), ()], 2 if how == "by argument" else None))
    assert all(process != os.getpid() and cores <= n_cores() // 2 for process, cores in told)


def _up_to(n):
    yield from range(n)


def _cores_of_a_worker():
    return os.getpid(), n_cores()


def test_what_is_mapped_from_a_file_reaches_other_processes(mnist, tmp_path):
    rows = np.arange(3000, dtype=np.uint8).repeat(1000).reshape(3000, 1000)
    entry = tmp_path / "rows.features"
    save(entry, {}, [rows])
    _, mapped = load(entry, FeatureSpec(), rows.shape)
    arrays = [mnist.train.images, mnist.test.images[5:], mapped, mapped[100:2000]]
    found = list(map_jobs(_crc, [(each,) for each in arrays], 2))
    assert found == [zlib.crc32(np.ascontiguousarray(each)) for each in arrays]


def _crc(array):
    return zlib.crc32(np.ascontiguousarray(array))


class CountingBackend(ThreadingBackend):
    """Another backend, as a package for a cluster brings one."""

    n_calls = 0
    supports_return_generator = True

    def submit(self, func, callback=None):
        CountingBackend.n_calls += 1
        return super().submit(func, callback)


@pytest.mark.parametrize("returns_generator", [True, False])
def test_folds_run_on_the_backend_of_the_caller(monkeypatch, mnist, returns_generator):
    monkeypatch.setattr(CountingBackend, "n_calls", 0)
    monkeypatch.setattr(CountingBackend, "supports_return_generator", returns_generator)
    settings = TrainingSettings(split=SplitSpec(limit=100), folds=FoldSpec(4))
    joblib.register_parallel_backend("counting", CountingBackend)
    with joblib.parallel_config("counting", n_jobs=2):
        theirs = mnistcli.train("0v1", mnist, settings).cross_validation
    assert CountingBackend.n_calls == 4
    assert theirs.accuracies == mnistcli.train("0v1", mnist, settings).cross_validation.accuracies


@pytest.mark.promise("Working folder", "trainings among traps")
@pytest.mark.parametrize(
    "arguments",
    [
        "-t pairs --limit 200 --jobs 2",
        "-t 0v1 --limit 100 --cv 2 --jobs 2",
        "-t 0v1 --limit 100 --cv 2 --cluster local:1",
    ],
)
def test_nothing_in_the_working_directory_is_run(tmp_path, arguments):
    folder = tmp_path / "downloads"
    folder.mkdir()
    for name in (
        "json",
        "random",
        "numpy",
        "joblib",
        "argparse",
        "sitecustomize",
        "distributed",
        "mnistcli",
    ):
        (folder / f"{name}.py").write_text(f"open('{tmp_path}/it-ran', 'w')")
    done = _mnistcli("train", *arguments.split(), "--no-save", "-q", cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert not (tmp_path / "it-ran").exists()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="asks Linux for processes")
@pytest.mark.parametrize("n_started", [0, 2], ids=["early", "at work"])
def test_no_workers_stay_behind_who_is_killed(tmp_path, n_started):
    """Killed as soon as they are there, before they work, or when all of them do."""
    (tmp_path / "late.py").write_text(
        "import time\ndef work(path):\n    path.touch()\n    time.sleep(100)\n"
    )
    code = (
        "import sys\nfrom pathlib import Path\nfrom mnistcli.parallel import map_jobs\n"
        "sys.path.insert(0, sys.argv[1])\nimport late\n"
        "list(map_jobs(late.work, [(Path(sys.argv[1], str(i)),) for i in range(2)], 2))\n"
    )
    path = {"PYTHONPATH": str(Path(mnistcli.__file__).parents[1])}
    command = [sys.executable, "-c", code, str(tmp_path)]
    deadline = time.monotonic() + 50
    with subprocess.Popen(command, env={**os.environ, **path}) as caller:
        children = Path(f"/proc/{caller.pid}/task/{caller.pid}/children")
        while (
            len(workers := [*filter(_is_worker, children.read_text("utf-8").split())]) < 2
            or sum((tmp_path / str(i)).exists() for i in range(2)) < n_started
        ):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        caller.kill()
    while any(map(_is_worker, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _is_worker(pid):
    """Whether a process, which may be gone, is one that joblib started."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return b"LokyProcess" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


@pytest.mark.filterwarnings("error")
def test_what_is_left_undone_is_not_warned_of(capfd):
    results = map_jobs(operator.add, [(i, 1) for i in range(500)], 2)
    assert next(results) == 1
    results.close()
    with _unheard():
        (thread := threading.Thread(target={}.pop, args=(14,))).start()
        thread.join()
    assert capfd.readouterr().err == ""


def test_jobs_do_without_a_working_directory(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    arguments = "train -t 0v1 --limit 100 --cv 2 --jobs 2 --no-save -q"
    done = _mnistcli(*arguments.split(), cwd=folder, preexec_fn=folder.rmdir)
    assert (done.returncode, done.stderr) == (0, b"")


def test_where_few_files_may_be_open_jobs_are_done_one_by_one():
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))

    arguments = "train -t pairs --limit 100 --jobs 2 --no-save -q"
    done = _mnistcli(*arguments.split(), preexec_fn=limit)
    assert (done.returncode, done.stderr) == (0, b"")


def test_where_no_thread_can_be_started_there_is_one_job(monkeypatch):
    assert n_at_once(2, 5) == 2

    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)
    assert n_at_once(2, 5) == 1


def _several(i):
    for k in range(i % 4):
        yield i, k, os.getpid()


@pytest.fixture
def copies(monkeypatch):
    """The numbers of the copies of this process, which are all gone in the end."""
    if sys.platform != "linux" or n_cores() < 2:
        pytest.skip("nothing is shared out here")
    monkeypatch.setattr("threading.active_count", lambda: 1)  # those of pytest-xdist only listen
    pids, fork = [], os.fork
    monkeypatch.setattr(os, "fork", lambda: pids.append(fork()) or pids[-1])
    yield pids
    assert len(pids) == n_cores()
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, 0)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
class TestFlatMapForked:
    def test_results_come_in_their_order_from_copies(self, copies):
        got = list(flat_map_forked(_several, range(50)))
        assert [each[:2] for each in got] == [(i, k) for i in range(50) for k in range(i % 4)]
        assert {pid for *_, pid in got} == set(copies)

    def test_whoever_takes_a_few_leaves_no_copies(self, copies):
        results = flat_map_forked(lambda i: ((i, k) for k in itertools.count()), range(50))
        assert list(itertools.islice(results, 3)) == [(0, 0), (0, 1), (0, 2)]
        results.close()

    def test_what_a_copy_that_is_killed_does_not_do_is_done_here(self, copies):
        here = os.getpid()

        def work(i):
            yield i, 0
            if i == 5 and os.getpid() != here:
                os.kill(os.getpid(), signal.SIGKILL)
            yield i, 1

        assert list(flat_map_forked(work, range(50))) == [(i, k) for i in range(50) for k in (0, 1)]

    def test_what_no_copy_can_be_made_for_is_done_here(self, copies, monkeypatch):
        fork = os.fork
        monkeypatch.setattr(os, "fork", lambda: fork() if not copies else os.open("/gone", 0))
        got = list(flat_map_forked(_several, range(50)))
        assert [each[:2] for each in got] == [(i, k) for i in range(50) for k in range(i % 4)]
        assert {pid for *_, pid in got} == {copies[0], os.getpid()}
        copies += [copies[0]] * (n_cores() - 1)

    def test_an_error_is_raised_in_its_place(self, copies, capfd):
        results = flat_map_forked(lambda i: iter([1 // (3 - i)]), range(50))
        assert list(itertools.islice(results, 3)) == [0, 0, 1]
        with pytest.raises(ZeroDivisionError):
            next(results)
        assert capfd.readouterr() == ("", "")

    def test_beside_another_thread_nothing_is_copied(self, monkeypatch):
        monkeypatch.setattr("threading.active_count", lambda: 2)
        assert {pid for *_, pid in flat_map_forked(_several, range(9))} == {os.getpid()}


@pytest.mark.parametrize(
    "error",
    [MnistCliError("no", hint="yes"), BadImageError("x.png", "is blank", hint="draw")],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_back_from_another_process_as_it_was(error):
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own words
    assert (type(back), str(back), vars(back)) == (type(error), str(error), vars(error))


def _mnistcli(*arguments, **options):
    command = [sys.executable, "-P", "-m", "mnistcli", *arguments]
    path = {"PYTHONPATH": str(Path(mnistcli.__file__).parents[1])}
    return subprocess.run(
        command, env={**os.environ, **path}, capture_output=True, timeout=60, check=False, **options
    )


def threads_of_blas():
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


@pytest.mark.parametrize("error", [None, ValueError("wrong")], ids=str)
def test_blas_has_one_thread_while_threads_share_the_work(error, monkeypatch):
    """Two in each of ours would wait for each other by spinning, which took four times as long."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    monkeypatch.setattr(parallel, "n_cores", lambda: 2)
    seen = set()

    def work(_block):
        seen.update(threads_of_blas())
        if error:
            raise error

    with threadpool_limits(2, user_api="blas"):
        assert threads_of_blas() == {2}
        with pytest.raises(ValueError, match="wrong") if error else contextlib.nullcontext():
            map_blocks(work, 8, 2)
        assert threads_of_blas() == {2}
        with parallel.one_blas_thread:
            map_blocks(lambda block: block, 8, 2)
            assert threads_of_blas() == {1}
        assert threads_of_blas() == {2}
    assert seen == {1}
