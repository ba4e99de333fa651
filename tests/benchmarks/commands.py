"""The command line, against the shortest scripts that do the same with scikit-learn."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.processes import Command, Measured, python, run

if TYPE_CHECKING:
    from collections.abc import Iterator

# Each of ours, and what it is measured against.
PAIRS = (
    ("mnistcli --version", "import typer"),
    ("mnistcli --help", "import typer"),
    ("mnistcli predict one.png", "scripts/predict_one.py"),
    ("mnistcli predict many.npy", "scripts/predict_many.py"),
    ("mnistcli predict many.npy", "mnistcli predict one.png"),
    ("mnistcli predict many.npy -q", "mnistcli predict one.png"),
    ("mnistcli evaluate", "scripts/evaluate.py"),
    ("mnistcli train --task 0v1", "scripts/train.py"),
    ("mnistcli train --task 0v1", "import sklearn.linear_model"),
)


def measure(home: Path, *, n_rounds: int, timeout_s: float) -> dict[str, list[Measured]]:
    """Run all of them in turn; the first round warms the disk's cache and is not counted."""
    # Models to predict with come first.
    names = dict.fromkeys(["scripts/train.py", "mnistcli train --task 0v1", *_names()])
    timed: dict[str, list[Measured]] = {name: [] for name in names}
    for i in range(n_rounds + 1):
        for name, runs in timed.items():
            done = run(Command(_command(name, home)), timeout_s=timeout_s)
            if done.failure:
                sys.exit(f"{name}: {done.failure}")
            if i:
                runs.append(done)
    return timed


def _names() -> Iterator[str]:
    for pair in PAIRS:
        yield from pair


def _command(name: str, home: Path) -> list[str]:
    model, mnist = home / "model.joblib", home / "mnist.npz"
    match name.split():
        case ["mnistcli", *arguments]:
            files = {"one.png", "many.npy"}
            program = str(Path(sys.executable).parent / "mnistcli")
            return [program, *(str(home / a) if a in files else a for a in arguments)]
        case ["import", module]:
            return [sys.executable, "-c", f"import {module}"]
        case ["scripts/predict_one.py"]:
            return python(name, model, home / "one.png")
        case ["scripts/predict_many.py"]:
            return python(name, model, home / "many.npy")
        case ["scripts/train.py"]:
            return python(name, model, mnist, "01")
        case _:
            return python(name, model, mnist)
