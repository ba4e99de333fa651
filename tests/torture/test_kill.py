"""Killed anywhere: what has a name is old or new, the next command works, nothing is left over."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from .faults import KillAt, clear, count_calls, fresh, in_child
from .scenarios import SCENARIOS, old_and_new, problems_after, use_box

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def kill_in_process(name: str, scratch: str, box: str, step: int) -> dict[str, object]:
    """Kill at every ``step``-th call, in forks of this process."""
    use_box(Path(box))
    scenario, home = SCENARIOS[name], Path(scratch) / "victim"
    allowed = old_and_new(scenario, home, Path(scratch))
    clear(home)
    scenario.prepare(home)
    calls = count_calls(lambda: scenario.act(home), home, Path(scratch))
    problems, n_kills = [], 0
    for k in range(1, len(calls) + 1, step):
        clear(home)
        scenario.prepare(home)
        ended = in_child(
            lambda: scenario.act(home), scratch=Path(scratch), faults=KillAt(home, k=k)
        )
        n_kills += ended.code == -9
        found = problems_after(scenario, home, allowed)
        if found:
            problems.append([k, calls[k - 1].name, calls[k - 1].path, found])
    return {"n_calls": len(calls), "n_kills": n_kills, "problems": problems}


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.torture)])
def test_killed_at_any_call_of_any_command(box, tmp_path, step, record_property):
    n_kills = 0
    for name in SCENARIOS:
        report = fresh(kill_in_process, name, str(tmp_path), str(box), step)
        assert not report["problems"], (name, report["problems"])
        assert report["n_kills"] == -(-report["n_calls"] // step), name
        n_kills += report["n_kills"]
    record_property("promise", ["Killed anywhere", "kill points, in the process", n_kills])
    assert n_kills >= 150 // step


# A line of strace: 123 rename("/a", "/b") = 0
_LINE = re.compile(r"^(\d+)\s+(\w+)\((.*)")
MUTATING = ("openat", "write", "fsync", "rename", "link", "unlink", "mkdir", "rmdir", "close",
            "ftruncate", "flock")  # fmt: skip


def traced(act, *options: str) -> int:
    """Run a function in a fork that strace watches from its first step on; return its end."""
    ready, go = os.pipe()
    child = os.fork()
    if not child:
        os.read(ready, 1)
        act()
        os._exit(0)
    command = ["strace", "-f", "-p", str(child), *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as tracer:
        assert b"attached" in tracer.stderr.readline()
        os.write(go, b"!")
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        tracer.communicate()
    os.close(ready)
    os.close(go)
    return code


def system_calls(act, home: Path, log: Path) -> list[tuple[str, int]]:
    """Find the system calls that touch the home: (name, which of that name)."""
    assert traced(act, "-y", "-o", str(log), "-e", f"trace={','.join(MUTATING)}") == 0
    seen: Counter[str] = Counter()
    found = []
    for line in filter(None, map(_LINE.match, log.read_text().splitlines())):
        seen[line[2]] += 1
        if str(home) in line[3]:
            found.append((line[2], seen[line[2]]))
    return found


def kill_by_strace(name: str, scratch: str, box: str, step: int) -> dict[str, object]:
    """Kill at every ``step``-th system call on the home."""
    use_box(Path(box))
    scenario, home, log = SCENARIOS[name], Path(scratch) / "victim", Path(scratch) / "log"
    allowed = old_and_new(scenario, home, Path(scratch))

    def act() -> None:
        scenario.act(home)

    clear(home)
    scenario.prepare(home)
    act()  # and import what it imports, so that all the others make the same calls
    clear(home)
    scenario.prepare(home)
    calls = system_calls(act, home, log)
    problems, n_kills = [], 0
    for call, k in calls[::step]:
        clear(home)
        scenario.prepare(home)
        inject = f"inject={call}:signal=KILL:when={k}"
        code = traced(act, "-o", str(log), "-e", f"trace={call}", "-e", inject)
        n_kills += code == -9
        found = problems_after(scenario, home, allowed)
        if found:
            problems.append([call, k, found])
    return {"n_calls": len(calls[::step]), "n_kills": n_kills, "problems": problems}


@pytest.mark.torture
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_at_any_system_call(box, tmp_path, name, record_property):
    report = fresh(kill_by_strace, name, str(tmp_path), str(box), 1)
    assert not report["problems"], report["problems"]
    assert report["n_kills"] == report["n_calls"] > 0
    record_property("promise", ["Killed anywhere", "kill points, system calls", report["n_kills"]])
