"""The same work on several cores: threads for blocks of an array, processes for whole tasks."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")


def map_blocks(task: Callable[[slice], T], n_rows: int, rows_per_block: int) -> list[T]:
    """Return ``task(block of rows)`` for all blocks in order, shared out to the cores we may use.

    Plain threads: NumPy lets go of the interpreter lock, and importing concurrent.futures would
    cost more (17 ms, it brings in logging) than a fit of one small task.
    """
    starts = range(0, n_rows, rows_per_block)
    results: list[T | None] = [None] * len(starts)
    failures: list[BaseException] = []

    todo = iter(range(len(starts)))

    def work() -> None:
        try:
            for i in todo:
                results[i] = task(slice(starts[i], min(starts[i] + rows_per_block, n_rows)))
        except BaseException as failure:  # noqa: BLE001 - raised again in the calling thread
            failures.append(failure)

    n_threads = max(1, min(n_cores(), len(starts)))
    others = [threading.Thread(target=work) for _ in range(1, n_threads)]
    for thread in others:
        thread.start()
    work()
    for thread in others:
        thread.join()
    if failures:
        raise failures[0]
    return results  # type: ignore[return-value]


def n_cores() -> int:
    """Return the number of cores this process may use.

    OMP_NUM_THREADS lowers it: joblib tells its workers so how many each may have.
    """
    told = os.environ.get("OMP_NUM_THREADS", "")
    limit = int(told) if told.isascii() and told.isdecimal() and int(told) > 0 else sys.maxsize
    if not hasattr(os, "sched_getaffinity"):
        return min(os.cpu_count() or 1, limit)
    return min(len(os.sched_getaffinity(0)), limit)


def map_jobs(
    function: Callable[..., T], arguments: Sequence[tuple[Any, ...]], n_jobs: int
) -> Iterator[T]:
    """Give ``function(*each)`` for each of the arguments, in their order, as they come.

    Parameters
    ----------
    n_jobs : int
        Processes; -1 for as many as there are cores. With 1 everything happens here, and joblib
        is not imported. joblib gives each process its share of the cores, for BLAS by the
        environment of its workers, and `n_cores` looks there too.
    """
    n_jobs = min(n_cores() if n_jobs == -1 else n_jobs, len(arguments))
    if n_jobs <= 1:
        return (function(*each) for each in arguments)
    import joblib

    tasks = (joblib.delayed(function)(*each) for each in arguments)
    results: Iterator[T] = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    return results
