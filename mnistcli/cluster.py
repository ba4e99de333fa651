"""Jobs, and the blocks of rows of a fit, on the workers of a Dask cluster.

Not by joblib's backend for Dask, which `parallel.map_jobs` takes from a caller who has chosen it:
it loses the images with a worker, waits for ever where all have died, and cancels nothing.
"""

import asyncio
import contextlib
import ctypes
import functools
import gc
import io
import ipaddress
import logging
import math
import os
import pickle
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistcli.errors import ClusterError, UsageError
from mnistcli.linear_model.problem import Block, LocalBlocks
from mnistcli.memory import machine_bytes
from mnistcli.parallel import elsewhere, n_cores, safe_path, without_ctrl_c

PATIENCE_S = 120.0  # How long nobody may work at anything,
POLL_S = 1.0  # looked at so often.
CONNECT_S = 10.0  # How long a scheduler may take to answer.
LARGE_BYTES = 1_000_000  # Arrays from this size on are sent to each worker once.
MAX_LOSSES = 3  # How often workers may take with them what was sent.

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _MOST_HELD = -1, -3, 64 * 2**20  # malloc.h
_SILENT = logging.CRITICAL + 1
_LOCAL = re.compile(r"local(?::([1-9][0-9]{0,2}))?")
_SCHEDULER = re.compile(r"(?P<scheme>tcp|tls)://(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:/@]+):[0-9]{1,5}")
# The files of certificates, as Dask calls them.
_TLS = {"tls_ca": "tls_ca_file", "tls_cert": "tls_client_cert", "tls_key": "tls_client_key"}
_HELP = "see mnistcli help cluster"


@contextlib.contextmanager
def lend_cluster(address: str, *, insecure: bool = False, **tls: Path | None) -> Iterator[None]:
    """Give the jobs of `parallel.map_jobs`, and the blocks of large fits, to a cluster meanwhile.

    The address is ``"local"`` or ``"local:N"``, processes on this machine, or a scheduler's, such
    as ``"tls://host:8786"``; plain tcp to another machine has to be ``insecure``, since whoever
    reaches a scheduler runs what they like. Of `_TLS` what is not given is as Dask's configuration
    says.

    Raises UsageError for an address that makes no sense or is not safe, ClusterError where the
    cluster cannot be reached, has other versions, or nobody there has worked for two minutes.
    """
    local = _LOCAL.fullmatch(address)
    if not local:
        _check_safe(address, insecure=insecure)
    try:
        from distributed import Client, Security
    except ImportError:
        hint = "pip install 'mnistcli[cluster]'"
        raise UsageError("--cluster needs Dask, which is not installed", hint=hint) from None
    for handler in logging.getLogger("distributed").handlers:
        handler.setLevel(_SILENT)  # what matters is said in one line
    given = {_TLS[name]: str(path) for name, path in tls.items() if path is not None}
    with contextlib.ExitStack() as stack:
        try:
            security: Any = Security(**given, require_encryption=address.startswith("tls") or None)
            there: Any = address
            if local:
                there = _start_here(int(local[1] or n_cores()), stack)
                security = there.security
            # An earlier client that is garbage would be closed while Dask starts this one, and wait
            # for ever for a lock that is held meanwhile.
            gc.collect()
            client = Client(there, security=security, timeout=CONNECT_S, set_as_default=False)
            stack.callback(client.close, timeout=CONNECT_S)
            client.wait_for_workers(1, timeout=PATIENCE_S)
        except (OSError, RuntimeError, TypeError, ValueError, ImportError) as error:
            first: Any = error
            while first.__cause__ or (first.__context__ and str(first.__context__)):
                first = first.__cause__ or first.__context__
            message = f"cannot reach the cluster {address}: {' '.join(str(first).split())}"
            hint = "does it run, and are --tls-ca, --tls-cert and --tls-key right?"
            if local:  # processes that import the script that starts them
                hint = "in a script of Python it stands below: if __name__ == '__main__';"
            hint = f"{hint} {_HELP}"
            raise ClusterError(message, hint=hint) from error
        _bound_waiting(client)
        _check_members(client, insecure=insecure)
        stack.callback(elsewhere.reset, elsewhere.set(_Cluster(client)))
        yield


def _bound_waiting(client: Any) -> None:
    """Let a client wait `PATIENCE_S` for any answer: Dask would wait for ever."""
    sync = client.sync

    def bounded(*arguments: Any, callback_timeout: float | None = None, **options: Any) -> Any:
        patience = callback_timeout or PATIENCE_S
        try:
            return sync(*arguments, callback_timeout=patience, **options)
        except TimeoutError:
            if callback_timeout:
                raise
            raise _nobody_works() from None

    client.sync = bounded


def _check_members(client: Any, *, insecure: bool) -> None:
    """Refuse other versions than those here, and workers in plain tcp on other machines."""
    told = client.get_versions(packages=["mnistcli"])
    for machine, its in {"the scheduler": told["scheduler"], **told["workers"]}.items():
        for name in ("python", "numpy", "distributed", "mnistcli"):
            there, here = its["packages"][name], told["client"]["packages"][name]
            if there != here:
                message = f"{machine} has {name} {there}, here it is {here}"
                raise ClusterError(message, hint="install the same versions everywhere")
    for worker in told["workers"]:
        _check_safe(worker, insecure=insecure)


def _nobody_works() -> ClusterError:
    hint = f"see whether its workers run, {_HELP}"
    return ClusterError(f"nobody on the cluster has worked for {PATIENCE_S:g} s", hint=hint)


def _check_safe(address: str, *, insecure: bool) -> None:
    """Refuse what is no address, and plain tcp to another machine."""
    if not (parts := _SCHEDULER.fullmatch(address)):
        hint = "local, local:2 or tls://HOST:8786"
        raise UsageError(f"{address!r} is no cluster", hint=hint)
    is_safe = insecure or parts["scheme"] == "tls" or parts["host"] == "localhost"
    with contextlib.suppress(ValueError):
        is_safe = is_safe or ipaddress.ip_address(parts["host"].strip("[]")).is_loopback
    if not is_safe:
        raise UsageError(
            f"{address} is plain tcp to another machine: who is on the way reads and changes it",
            hint=f"use tls://, {_HELP}, or --insecure in a network that is yours alone",
        )


def _start_here(n_workers: int, stack: contextlib.ExitStack) -> Any:
    """Start workers on this machine, which only this process can reach."""
    from distributed import LocalCluster, Security

    stack.enter_context(safe_path())  # They are started by python -c, and again where they die.
    with without_ctrl_c():
        cluster = LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            memory_limit=0,
            # Dask speaks plain HTTP as well, to all the world unless told otherwise.
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
            silence_logs=_SILENT,
            security=Security.temporary(),
        )
        stack.callback(cluster.close, timeout=CONNECT_S)
    with contextlib.suppress(ImportError):
        from distributed.gc import disable_gc_diagnosis

        disable_gc_diagnosis(force=True)  # Python drops a Ctrl-C that meets it
    return cluster


@dataclass(slots=True, eq=False)
class _Cluster:
    """Calls functions on the workers of a cluster."""

    client: Any
    # By the identity of an array that is on the workers, itself and what stands for it there.
    sent: dict[int, tuple[NDArray[Any], Any]] = field(default_factory=dict)

    def map(self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
        """Yield ``function(*call)`` for each of the calls, in their order."""
        return self.results(lambda i: self.submit(function, calls[i]), len(calls))

    def blocks(self, blocks: list[Block]) -> "LocalBlocks | _Parts":
        """Share the blocks of rows of a fit out to the workers, unless they are few or here."""
        if len(blocks) == 1 or blocks[0].X.dtype != np.uint8:
            return LocalBlocks(blocks)
        workers = sorted(self.client.nthreads()) or [self.client.scheduler.address]  # none now
        n, n_parts = len(blocks), min(len(workers), len(blocks))
        parts = [blocks[n * i // n_parts : n * (i + 1) // n_parts] for i in range(n_parts)]
        return _Parts(self, workers, parts)

    def results(
        self, submit: Callable[[int], Any], n: int, workers: list[str] | None = None
    ) -> Iterator[Any]:
        """Yield the results of what is submitted for each number, in order; again what is lost.

        The workers are those that it is submitted to, if one is named for each; after a loss none
        is named any more.
        """
        from distributed import CancelledError, KilledWorker

        n_done = n_losses = 0
        while n_done < n:
            futures: list[Any] = []
            try:
                futures.extend(submit(i) for i in range(n_done, n))
                for future in futures:
                    result = self.wait_for(future, workers[n_done] if workers else "")
                    n_done += 1
                    yield result
            except (CancelledError, KilledWorker) as error:
                # With the last worker that held them the arrays are gone, and what waits for them.
                self.sent.clear()
                if workers:
                    workers.clear()
                self.check_there()
                n_losses += 1
                if n_losses > MAX_LOSSES or isinstance(error, KilledWorker):
                    problem = "workers have died again and again at the same work"
                    hint = "they may have too little memory: start fewer on a machine"
                    raise ClusterError(problem, hint=hint) from None
            except Exception:  # Dask says in several ways that its scheduler is gone
                self.check_there()
                raise
            finally:
                with contextlib.suppress(Exception):  # nobody there to be told
                    self.client.cancel(futures)

    def submit(self, function: Callable[..., Any], call: tuple[Any, ...], **where: Any) -> Any:
        """Send a call, without the arrays that are there, and return its future."""
        from distributed import CancelledError

        arrays: dict[int, NDArray[Any]] = {}

        def name_if_large(value: object) -> int | None:
            if not isinstance(value, np.ndarray) or value.nbytes < LARGE_BYTES:
                return None
            arrays[id(value)] = value
            return id(value)

        packer = pickle.Pickler(packed := io.BytesIO(), pickle.HIGHEST_PROTOCOL)
        packer.persistent_id = name_if_large  # type: ignore[method-assign]
        packer.dump((function, call))
        for array in (each for key, each in arrays.items() if key not in self.sent):
            plain = np.asarray(array)  # mapped files are on this machine only
            try:
                with without_ctrl_c():  # Dask would lose track of what is on its way
                    there = self.client.scatter(plain, broadcast=True, hash=False)
            except OSError as error:  # a worker that has died meanwhile
                raise CancelledError from error
            self.sent[id(array)] = array, there
        data = packed.getvalue(), {key: self.sent[key][1] for key in arrays}
        return self.client.submit(_run, *data, pure=False, **where)

    def wait_for(self, future: Any, worker: str = "") -> Any:
        """Return a result, for which is waited as long as anybody works.

        Raises CancelledError where the worker that was named is gone and others are idle: what has
        found no worker at all for a moment, Dask keeps for that one, also if it allows others.
        """
        from distributed import CancelledError

        heard: set[tuple[str, float]] = set()
        since, done = time.monotonic(), threading.Event()
        future.add_done_callback(lambda _: done.set())
        while time.monotonic() - since <= PATIENCE_S:
            try:
                # Within `POLL_S` a machine with much to do would begin to send it again and again.
                if done.wait(POLL_S):
                    return future.result(timeout=CONNECT_S)
            except TimeoutError:
                if future.status == "error":
                    raise
            self.check_there()
            with contextlib.suppress(OSError):  # also a scheduler that does not answer
                ask = self.client.scheduler.identity
                told = self.client.sync(ask, n_workers=-1, callback_timeout=PATIENCE_S)
                at_work = {
                    (address, worker["last_seen"])
                    for address, worker in told["workers"].items()
                    if worker["metrics"]["task_counts"].get("executing")
                }
                if at_work - heard:
                    heard, since = at_work, time.monotonic()
                elif worker and told["workers"] and worker not in told["workers"]:
                    raise CancelledError
        raise _nobody_works()

    def check_there(self) -> None:
        """Raise ClusterError where the scheduler is gone for good."""
        if self.client.scheduler is None or self.client.status in ("closing", "closed"):
            raise ClusterError("the scheduler of the cluster is gone", hint=_HELP)


@dataclass(slots=True, eq=False)
class _Parts:
    """Blocks of rows, some on each worker, which makes them and keeps what is known of them.

    A round is one task for each worker, so that it gets a point once. What a dead worker had, Dask
    makes anew on another.
    """

    cluster: _Cluster
    workers: list[str]
    parts: Sequence[list[Block]]
    made: dict[int, Any] = field(default_factory=dict)

    def map(self, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Call a function for every block; see `LocalBlocks.map`."""
        asked = functools.partial(self._submit_part, pickle.dumps((function, arguments)))
        results = self.cluster.results(asked, len(self.parts), self.workers)
        return [*chain.from_iterable(results)]

    def _submit_part(self, packed: bytes, i: int) -> Any:
        # There, unless it has died.
        named = {"workers": self.workers[i : i + 1], "allow_other_workers": True}
        where = named if self.workers else {}
        if i not in self.made or self.made[i].status != "finished":
            self.made[i] = self.cluster.submit(_make_blocks, (self.parts[i],), **where)
        return self.cluster.client.submit(_round, packed, self.made[i], pure=False, **where)


def _make_blocks(blocks: list[Block]) -> list[Block]:
    """Make rows, on a worker, and keep as many as its share of the machine's memory allows."""
    n_bytes = machine_bytes() // (2 * (os.cpu_count() or 1))
    for block in blocks:
        n_bytes -= math.prod(block.X.shape)
        if n_bytes > 0:
            block.X = block.X[:]
    return blocks


def _round(packed: bytes, blocks: list[Block]) -> list[Any]:
    """Call a function for each block, on the worker that keeps them."""
    function, arguments = pickle.loads(packed)  # noqa: S301 - our own words
    return LocalBlocks(blocks).map(function, *arguments)


def _run(packed: bytes, arrays: Mapping[int, NDArray[Any]]) -> Any:
    """Call a function, on a worker, until nobody waits for it any more: Dask would let it go on."""
    from distributed import get_worker
    from distributed.worker import thread_state

    with contextlib.suppress(AttributeError, OSError, TypeError):
        # Dask tells glibc to give memory back at once: to get it again took longer than the work.
        glibc = ctypes.CDLL(None)
        glibc.mallopt(_M_MMAP_THRESHOLD, _MOST_HELD // 2)
        glibc.mallopt(_M_TRIM_THRESHOLD, _MOST_HELD)
    unpacker = pickle.Unpickler(io.BytesIO(packed))  # noqa: S301 - our own words
    unpacker.persistent_load = arrays.__getitem__  # type: ignore[method-assign]
    function, call = unpacker.load()
    tasks, key, ended = get_worker().state.tasks, thread_state.key, threading.Event()
    thread = ctypes.c_ulong(threading.get_ident())

    def watch() -> None:
        while not ended.wait(POLL_S / 2):
            if key not in tasks or tasks[key].state == "cancelled":
                cancelled = ctypes.py_object(asyncio.CancelledError)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, cancelled)
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        return function(*call)
    finally:
        ended.set()
        watcher.join()
