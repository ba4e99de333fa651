"""Do the tests notice? Make one mistake at a time in the package and run the tests that pass over it.

``nox -s mutants -- --count 160 --seed 1`` samples as many mistakes from every room of the package. Which tests run
a line is measured first, once; what runs only in processes of its own is looked for in the tests of
the room. Survivors are printed: each is a change that nobody would notice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import mnistcli
from tests.mutants.changes import Change, changes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
MOST_TESTS = 150
# Tests of what many rooms share.
ALWAYS = ("tests/cli/test_train.py", "tests/cli/test_evaluate.py", "tests/cli/test_predict.py")


def main() -> None:
    """Parse options, sample, judge, print."""
    parser = argparse.ArgumentParser(prog="nox -s mutants --", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rooms", nargs="*", help="linear_model, training, ...: only these")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for one mistake")
    parser.add_argument("--tests", type=Path, help="keep, or take, which tests run which line")
    options = parser.parse_args()
    chosen = sample(options.count, options.seed, options.rooms)
    tests_of = measured(options.tests)
    caught: dict[str, list[bool]] = defaultdict(list)
    trees: list[Path] = []
    mine = threading.local()

    def judge(change: Change) -> str:
        if not hasattr(mine, "tree"):
            mine.tree = Path(tempfile.mkdtemp(prefix="mutants-")) / "tree"
            shutil.copytree(ROOT, mine.tree, ignore=shutil.ignore_patterns(".*", "__pycache__"))
            trees.append(mine.tree.parent)
        return outcome_of(change, mine.tree, tests_for(change, tests_of), options.timeout)

    try:
        with ThreadPoolExecutor(options.jobs) as pool:
            for change, found in zip(chosen, pool.map(judge, chosen), strict=True):
                caught[room_of(change.path)].append(found != "SURVIVED")
                print(f"{found:8}", room_of(change.path), change.described(), flush=True)
    finally:
        for tree in trees:
            shutil.rmtree(tree, ignore_errors=True)
    for room, found in sorted(caught.items()):
        print(f"{room:20} {sum(found):4} of {len(found):4}")
    together = [each for found in caught.values() for each in found]
    print(
        f"{'all':20} {sum(together):4} of {len(together):4} = {sum(together) / len(together):.0%}"
    )


def room_of(path: Path) -> str:
    """Return the first folder, or the file itself, below the package."""
    parts = path.relative_to(ROOT / "mnistcli").parts
    return (
        "/".join(parts[:2]).removesuffix(".py")
        if parts[0] == "cli"
        else parts[0].removesuffix(".py")
    )


def sample(count: int, seed: int, rooms: Sequence[str] | None) -> list[Change]:
    """Sample mistakes, from every room as many."""
    rng = random.Random(seed)
    by_room: dict[str, list[Change]] = defaultdict(list)
    for path in sorted((ROOT / "mnistcli").rglob("*.py")):
        if not rooms or room_of(path) in rooms:
            by_room[room_of(path)] += changes_of(path)
    for changes in by_room.values():
        rng.shuffle(changes)
    chosen: list[Change] = []
    while len(chosen) < count and any(by_room.values()):
        chosen += [changes.pop() for changes in by_room.values() if changes]
    return chosen[:count]


def measured(kept: Path | None) -> dict[str, dict[str, list[str]]]:
    """Run all tests once; return which tests run which line of which file, quickest first."""
    if kept is not None and kept.exists():
        found: dict[str, dict[str, list[str]]] = json.loads(kept.read_text("utf-8"))
        return found
    import coverage

    with tempfile.TemporaryDirectory() as folder:
        data, times = Path(folder) / "coverage", Path(folder) / "times"
        command = [
            sys.executable, "-m", "pytest", "-q", "-n", "2", "--cov", "mnistcli", "--cov-context", "test",
            "--cov-report", "", "--durations", "0", "--durations-min", "0",
        ]  # fmt: skip
        with times.open("w") as file:
            env = {**os.environ, "COVERAGE_FILE": str(data)}
            failed = subprocess.run(command, cwd=ROOT, env=env, stdout=file, check=False).returncode
        if failed:
            sys.exit(f"{times.read_text('utf-8')}\nthe tests fail without any mistake: see above")
        seconds: dict[str, float] = {}
        for line in times.read_text("utf-8").splitlines():
            words = line.split(maxsplit=2)
            if len(words) == 3 and words[1] in ("call", "setup") and words[0].endswith("s"):
                seconds[words[2]] = seconds.get(words[2], 0.0) + float(words[0][:-1])
        read = coverage.CoverageData(str(data))
        read.read()
        tests_of = {}
        for path in read.measured_files():
            relative = str(Path(path).relative_to(Path(mnistcli.__file__).parents[1]))
            tests_of[relative] = {
                str(line): sorted(
                    {name.partition("|")[0] for name in contexts if name},
                    key=lambda test: seconds.get(test, 0.0),
                )
                for line, contexts in read.contexts_by_lineno(path).items()
            }
    if kept is not None:
        kept.write_text(json.dumps(tests_of), "utf-8")
    return tests_of


def tests_for(change: Change, tests_of: dict[str, dict[str, list[str]]]) -> list[str]:
    """Return the tests to run, quickest first: those that run the line, and those of its room."""
    lines = tests_of.get(str(change.path.relative_to(ROOT)), {})
    running = lines.get(str(change.line), [])[:MOST_TESTS]
    room = change.path.relative_to(ROOT / "mnistcli").with_suffix("")
    near = [
        ROOT / "tests" / room.parent,
        ROOT / "tests" / room.parent / f"test_{room.name}.py",
        *(ROOT / each for each in ALWAYS),
    ]
    return running + [
        str(each.relative_to(ROOT))
        for each in near
        if each.exists() and each != ROOT / "tests" and each != ROOT / "tests" / "cli"
    ]


def outcome_of(change: Change, tree: Path, tests: list[str], timeout_s: float) -> str:
    """Return what the tests make of the mistake in a copy of the project.

    What is "too slow" never ends, or the machine is busy: then ask again with a longer timeout.
    """
    path = tree / change.path.relative_to(ROOT)
    right = path.read_bytes()
    path.write_bytes(change.applied())
    try:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        ended = subprocess.run(
            command, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=timeout_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "too slow"
    finally:
        path.write_bytes(right)
    return "caught" if ended.returncode else "SURVIVED"


if __name__ == "__main__":
    main()
