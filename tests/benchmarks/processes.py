"""A process of its own for every measurement, timed from outside."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

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
    peak_anonymous_mb : float
        Of it what is no page of a file, looked at ten times a second; 0 where nobody says.
    failure : str
        Why it counts for nothing; "" if all went well.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    failure: str = ""
    peak_anonymous_mb: float = 0.0


@dataclass(frozen=True)
class Command:
    """A command line and what it needs in its environment."""

    arguments: list[str]
    env: dict[str, str] = field(default_factory=dict)


def python(script: str, *arguments: object) -> list[str]:
    """Give the command line of a script beside this file."""
    return [sys.executable, str(HERE / script), *map(str, arguments)]


def run(command: Command, *, timeout_s: float, stdout: IO[bytes] | None = None) -> Measured:
    """Run a command to its end, or to its timeout; what it prints goes nowhere unless told.

    This process has to stay small: on Linux its own memory counts as the child's until the child
    has become another program.
    """
    env = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
    with tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.arguments,
            env=env | command.env,
            stdout=stdout or subprocess.DEVNULL,
            stderr=err,
        )
        late = threading.Timer(timeout_s, process.kill)
        late.start()
        anonymous: list[float] = [0.0]
        ended = threading.Event()
        watching = threading.Thread(target=_watch, args=(process.pid, anonymous, ended))
        watching.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        late.cancel()
        ended.set()
        watching.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        last_words = err.read().decode(errors="replace").strip().splitlines()[-1:]
    failure = ""
    if seconds >= timeout_s:
        failure = f"more than {timeout_s:.0f} s"
    elif process.returncode:
        failure = " ".join(last_words) or f"exit code {process.returncode}"
    peak_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Measured(
        seconds, usage.ru_utime + usage.ru_stime, peak_bytes / 1e6, failure, max(anonymous)
    )


def _watch(pid: int, megabytes: list[float], ended: threading.Event) -> None:
    """Note the anonymous memory of a process until it has ended."""
    while not ended.wait(0.1):
        with contextlib.suppress(OSError, IndexError):
            text = Path(f"/proc/{pid}/status").read_text()
            megabytes.append(int(text.split("RssAnon:")[1].split()[0]) * 1024 / 1e6)
