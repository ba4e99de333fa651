"""Fits: ours and those of other libraries, to one objective."""

from __future__ import annotations

import itertools
import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks.processes import Command, Measured, python, run

if TYPE_CHECKING:
    from pathlib import Path

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}

# What each is run with. The command line sets one BLAS thread for ours; lbfgs is run both ways,
# since which is faster depends on what else the machine does.
PEERS: dict[str, dict[str, str]] = {
    "ours": ONE_THREAD,
    "lbfgs": {},
    "lbfgs (1 thread)": ONE_THREAD,
    "newton-cholesky": {},
    "intelex": {},
    "liblinear": {},
    "glum": {},
}


@dataclass(frozen=True)
class FitRun:
    """A process that imported a library and fitted.

    Attributes
    ----------
    process : Measured
    import_seconds, fit_seconds, fit_cpu_seconds, objective, test_errors
        None where it failed.
    trace : list of [seconds, objective]
        On the way, where the solver tells.
    """

    process: Measured
    import_seconds: float | None = None
    fit_seconds: float | None = None
    fit_cpu_seconds: float | None = None
    objective: float | None = None
    test_errors: int | None = None
    trace: list[list[float]] | None = None

    def seconds_to(self, objective: float) -> float | None:
        """Say from when on the solver was that low; it begins with fewer rows, whose sums are lower."""
        low = itertools.takewhile(lambda told: told[1] <= objective, reversed(self.trace or []))
        return min((at for at, _ in low), default=None)


def measure(
    home: Path, task: str, peers: list[str], *, n_rounds: int, timeout_s: float
) -> dict[str, list[FitRun]]:
    """Fit a task with each peer in turn; one that fails is not tried again."""
    processes: dict[str, list[Measured]] = {peer: [] for peer in peers}
    for i in range(n_rounds):
        for peer, done in processes.items():
            if done and done[-1].failure:
                continue
            fit = python("fit.py", peer, home, task, _result(home, peer, i))
            done.append(run(Command(fit, PEERS[peer]), timeout_s=timeout_s))
    return {peer: _judged(home, task, peer, done) for peer, done in processes.items()}


def _result(home: Path, peer: str, i: int) -> Path:
    return home / f"fit-{peer.replace(' ', '-')}-{i}.npz"


def _judged(home: Path, task: str, peer: str, processes: list[Measured]) -> list[FitRun]:
    if processes[-1].failure:
        return [FitRun(processes[-1])]
    results = [_result(home, peer, i) for i in range(len(processes))]
    judge = python("judge.py", home, task, *results)
    answers = json.loads(subprocess.run(judge, check=True, capture_output=True).stdout)
    return [FitRun(process, **answer) for process, answer in zip(processes, answers, strict=True)]
