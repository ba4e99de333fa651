"""The same work on several cores: threads for blocks of an array, processes for whole tasks."""

import contextlib
import contextvars
import itertools
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from mnistcli.errors import UsageError
from mnistcli.paths import number_in

T = TypeVar("T")
R = TypeVar("R")

_shared_out = contextvars.ContextVar("shared out", default=False)  # Whether threads share the work.
# What does the jobs of `map_jobs`, and the passes of a fit, instead of this machine: a cluster.
elsewhere = contextvars.ContextVar[Any]("elsewhere", default=None)


class _OneBlasThread(contextlib.ContextDecorator):
    """Keeps BLAS to one thread while threads of ours share the work, and then gives back the others.

    As many as there are cores in each of our threads would wait for each other by spinning: in a
    notebook, where NumPy comes first, features took four times as much processor time.
    """

    def __init__(self) -> None:
        self._lock, self._n_inside, self._limited = threading.Lock(), 0, contextlib.ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._n_inside and os.environ.get("OPENBLAS_NUM_THREADS") != "1":
                from threadpoolctl import threadpool_limits

                self._limited.enter_context(threadpool_limits(1, user_api="blas"))
            self._n_inside += 1

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._n_inside -= 1
            if not self._n_inside:
                self._limited.close()


one_blas_thread = _OneBlasThread()


def map_blocks(
    task: Callable[[slice], T], n_rows: int, rows_per_block: int, first: int = 0
) -> list[T]:
    """Return ``task(block of rows)`` for all blocks in order, shared out to the cores we may use.

    Plain threads: NumPy lets go of the interpreter lock, and importing concurrent.futures would
    cost more (17 ms, it brings in logging) than a fit of one small task. An invalid value is not
    warned of: some BLAS kernels set the flag for lanes that they throw away (NumPy issue 24067).
    Blocks within a task stay in its thread. After an error, or Ctrl-C, no task is begun.
    """
    import numpy as np

    starts = range(first, n_rows, rows_per_block)
    results: list[T | None] = [None] * len(starts)
    failures: list[BaseException] = []
    todo = iter(range(len(starts)))
    n_threads = 1 if _shared_out.get() else max(1, min(n_cores(), len(starts)))

    def work() -> None:
        inner = _shared_out.set(n_threads > 1 or _shared_out.get())
        try:
            with np.errstate(invalid="ignore"):
                for i in todo:
                    if failures:
                        break
                    results[i] = task(slice(starts[i], min(starts[i] + rows_per_block, n_rows)))
        except BaseException as failure:  # noqa: BLE001 - raised again in the calling thread
            failures.append(failure)
        finally:
            _shared_out.reset(inner)

    others: list[threading.Thread] = []
    with one_blas_thread if n_threads > 1 else contextlib.nullcontext():
        with contextlib.suppress(RuntimeError):  # where there can be no more, these do it all
            for _ in range(1, n_threads):
                thread = threading.Thread(target=work)
                thread.start()
                others.append(thread)
        work()
        try:
            for thread in others:
                thread.join()
        except KeyboardInterrupt as interrupt:
            failures.append(interrupt)
    if failures:
        raise failures[0]
    return results  # type: ignore[return-value]


def flat_map_forked(function: Callable[[T], Iterator[R]], items: Sequence[T]) -> Iterator[R]:
    """Yield what ``function(item)`` yields for each of the items, in their order, as it comes.

    Each core has a copy of this process for every so-manyth item; a pipe that is full makes it
    wait, so that memory is bounded. What a copy cannot do, because it was killed or met an error,
    is done here. Where copies are not safe, outside Linux and beside other threads, everything is.
    """
    n_workers = min(n_cores(), len(items))
    if n_workers < 2 or sys.platform != "linux" or threading.active_count() > 1:
        yield from itertools.chain.from_iterable(map(function, items))
        return
    workers: list[tuple[int, BinaryIO]] = []
    try:
        with contextlib.suppress(OSError):  # where there can be no more, the rest is done here
            for k in range(n_workers):
                workers.append(_fork(function, items[k::n_workers], workers))
        for i, item in enumerate(items):
            _, pipe = workers[i % n_workers] if i % n_workers < len(workers) else (0, None)
            yield from _receive(function, item, pipe) if pipe else function(item)
    finally:
        for pid, pipe in workers:
            pipe.close()
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _fork(
    function: Callable[[T], Iterator[R]], items: Sequence[T], others: list[tuple[int, BinaryIO]]
) -> tuple[int, BinaryIO]:
    """Start a copy of this process that works on some items; return it, and what it has to say."""
    import pickle

    read, write = os.pipe()
    if pid := os.fork():
        os.close(write)
        return pid, os.fdopen(read, "rb")
    try:
        # Writing to a pipe fails when nobody reads it any more: not the copies either.
        os.close(read)
        for _, pipe in others:
            pipe.close()
        with os.fdopen(write, "wb") as pipe:
            for item in items:
                for result in function(item):
                    pickle.dump((result,), pipe, pickle.HIGHEST_PROTOCOL)
                pickle.dump(None, pipe)
                pipe.flush()
    finally:
        os._exit(0)  # not a word from here, nor what the original has yet to write


def _receive(function: Callable[[T], Iterator[R]], item: T, pipe: BinaryIO) -> Iterator[R]:
    """Yield the results for an item that a copy sends, and make those that it does not."""
    import pickle

    n_received = 0
    with contextlib.suppress(EOFError, pickle.UnpicklingError):
        while (sent := pickle.load(pipe)) is not None:  # noqa: S301 - our own words
            n_received += 1
            yield sent[0]
        return
    yield from itertools.islice(function(item), n_received, None)


def n_cores() -> int:
    """Return how many cores this process may use; joblib tells its workers by OMP_NUM_THREADS."""
    limit = number_in("OMP_NUM_THREADS") or sys.maxsize
    if not hasattr(os, "sched_getaffinity"):
        return min(os.cpu_count() or 1, limit)
    return min(len(os.sched_getaffinity(0)), limit)


def map_jobs(
    function: Callable[..., T],
    calls: Sequence[tuple[Any, ...]],
    n_jobs: int | None,
    *,
    in_order: bool = True,
) -> Iterator[T]:
    """Yield ``function(*call)`` for each of the calls as they come, by default in their order.

    What a generator yields elsewhere comes as a list when it has ended. As everywhere with joblib,
    -1 jobs are as many as there can be, and None is what ``joblib.parallel_config`` says, or else
    1; it also decides on the backend. With 1 everything happens here, and joblib is not imported.
    joblib gives each process its share of the cores, for BLAS by the environment of its workers,
    and `n_cores` looks there. What is `elsewhere` overrides all of this.
    """
    if (cluster := elsewhere.get()) and len(calls) > 1:
        yield from cluster.map(_run_to_end, [(function, *call) for call in calls])
        return
    n_here = n_at_once(n_jobs, len(calls))
    if n_here == 1:
        yield from (function(*call) for call in calls)
        return
    import joblib

    backend, _ = joblib.parallel.get_active_backend()
    as_they_come = "generator" if in_order else "generator_unordered"
    can_yield = backend.supports_return_generator
    settings: dict[str, Any] = {"return_as": as_they_come if can_yield else "list"}
    if os.name == "posix" and isinstance(backend, joblib.parallel.LokyBackend):
        settings |= {"initializer": _end_without, "initargs": (os.getpid(),)}
    pool = joblib.Parallel(n_here, **settings)
    results = None
    with safe_path():
        try:
            with without_ctrl_c():
                results = pool(joblib.delayed(_run_to_end)(function, *call) for call in calls)
            for result in results:  # noqa: UP028 - `yield from` would close it before we do
                yield result
        finally:
            if can_yield and results:
                with _unheard():
                    results.close()


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """Let nothing be heard of what is left undone, as was asked.

    joblib warns of it, and a thread of loky may end with a KeyError: it looks for work that it has
    just given up.
    """
    hook, threading.excepthook = threading.excepthook, lambda _: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        threading.excepthook = hook


def check_jobs(n_jobs: int | None) -> None:
    """Raise UsageError for a number of jobs that `map_jobs` cannot do."""
    if n_jobs == 0:
        raise UsageError("0 jobs make no sense", hint="--jobs takes 1 or more, or -1")


def n_at_once(n_jobs: int | None, n_calls: int) -> int:
    """Return how many of some calls `map_jobs` lets this machine do at once."""
    check_jobs(n_jobs)
    is_here = n_jobs == 1 or (n_jobs is None and "joblib" not in sys.modules)
    if is_here or elsewhere.get() or n_calls < 2:
        return 1
    try:
        Path.cwd()
    except OSError:  # It does not exist any more, and a process cannot be started without.
        return 1
    import joblib

    n_here = int(min(joblib.effective_n_jobs(n_jobs), n_calls))
    return n_here if n_here == 1 or _can_start(n_here) else 1


def _can_start(n_workers: int) -> bool:
    """Return whether there may be as many more files and threads as joblib needs for its processes.

    Where there may not (``ulimit``, a container's limit), it would wait for ever, or leave some.
    """
    pipes, threads, is_over = list[int](), list[threading.Thread](), threading.Event()
    try:
        for _ in range(10 + n_workers):
            pipes += os.pipe()
        for _ in range(6 + 2 * n_workers):
            thread = threading.Thread(target=is_over.wait)
            thread.start()
            threads.append(thread)
    except (OSError, RuntimeError):
        return False
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
        for pipe in pipes:
            os.close(pipe)
    return True


def _end_without(parent: int) -> None:
    """Let this process end with its parent, however that ends: joblib's wait for five minutes."""
    started_by = os.getppid()  # the parent, if it is still there and no script stands between them

    def watch() -> None:
        with contextlib.suppress(ProcessLookupError):
            while os.getppid() == started_by:
                os.kill(parent, 0)
                time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _run_to_end(function: Callable[..., Any], *call: Any) -> Any:
    """Return ``function(*call)``, of a generator a list, which another process can send."""
    result = function(*call)
    return list(result) if isinstance(result, Iterator) else result


@contextlib.contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C come afterwards, and pass by the threads and processes that start meanwhile.

    These end with this process, and have nothing to say about it.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # to start, it lets Ctrl-C through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def safe_path() -> Iterator[None]:
    """Keep the working directory off the path of Python processes that are started meanwhile.

    joblib starts workers by ``python -m`` and its helpers by ``python -c``, and both look for
    modules in the working directory first: a json.py that happens to lie there would be run.
    """
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("PYTHONSAFEPATH", None)
        else:
            os.environ["PYTHONSAFEPATH"] = before
