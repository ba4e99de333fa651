"""A process of its own for every measurement, timed from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent

# Users have their bytecode cached, and as many threads as a library takes.
NOT_PASSED_ON = ("PYTHONDONTWRITEBYTECODE", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


@dataclass(frozen=True)
class Measured:
    """What the operating system says of a process that has ended.

    Attributes
    ----------
    seconds : float
        Wall clock, from before the start to after the end.
    cpu_seconds : float
        User and system time of all its threads.
    peak_mb : float
        Peak resident memory.
    failure : str
        Why it counts for nothing; "" if all went well.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    failure: str = ""


@dataclass(frozen=True)
class Command:
    """A command line and what it needs in its environment."""

    arguments: list[str]
    env: dict[str, str] = field(default_factory=dict)


def python(script: str, *arguments: object) -> list[str]:
    """Give the command line of a script beside this file."""
    return [sys.executable, str(HERE / script), *map(str, arguments)]


def run(command: Command, *, timeout_s: float) -> Measured:
    """Run a command to its end, or to its timeout.

    This process has to stay small: on Linux its own memory counts as the child's until the child
    has become another program.
    """
    env = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
    with tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.arguments, env=env | command.env, stdout=subprocess.DEVNULL, stderr=err
        )
        late = threading.Timer(timeout_s, process.kill)
        late.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        late.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        last_words = err.read().decode(errors="replace").strip().splitlines()[-1:]
    failure = ""
    if seconds >= timeout_s:
        failure = f"more than {timeout_s:.0f} s"
    elif process.returncode:
        failure = " ".join(last_words) or f"exit code {process.returncode}"
    peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Measured(seconds, usage.ru_utime + usage.ru_stime, peak_bytes / 1e6, failure)
