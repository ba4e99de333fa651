"""How good and how dear each preset is: ``nox -s accuracy -- --help``.

Every line is one ``mnistcli train`` in a process and a home of its own, so that nothing is found
that an earlier one has kept. Everything about the presets was chosen on a split of the training
images; this is where the test images are looked at, but for "held out": there the test images are
10,000 of the training images, and the others are trained on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.benchmarks.processes import Command, run

MISLABELLED = "the test set is public, and 15 of its labels are known to be wrong"
HELD_OUT = {f"heldout{part}": slice(part * 10_000, (part + 1) * 10_000) for part in (3, 4, 5)}
TABLES: dict[str, tuple[tuple[str, ...], ...]] = {
    "digits": (
        ("--task", "digits", "--preset", "fast"),
        ("--task", "digits", "--features", "deskew"),
        ("--task", "digits", "--preset", "better"),
        ("--task", "digits", "--preset", "best"),
    ),
    "pairs of digits": (
        *(
            ("--task", task, "--preset", preset)
            for task in ("0v1", "2vrest", "3v8", "4v9")
            for preset in ("fast", "better", "best")
        ),
    ),
    "few images": tuple(
        ("--task", "digits", "--preset", preset, "--limit", str(limit))
        for limit in (300, 1000, 5000)
        for preset in ("fast", "better", "best")
    ),
    "held out": tuple(
        ("--task", "digits", "--preset", preset, "--dataset", dataset)
        for preset in ("fast", "better", "best")
        for dataset in HELD_OUT
    ),
}


@dataclass(frozen=True)
class Line:
    """One training, judged on the test images."""

    arguments: str
    n_features: int
    n_train: int
    n_test: int
    n_errors: int
    error_interval: tuple[float, float]
    fit_seconds: float
    seconds: float
    peak_mb: float


def main() -> None:
    options = parse()
    console = Console(width=None if sys.stdout.isatty() else 150)
    measured: dict[str, list[Line]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        prepare(Path(scratch), "held out" in options.tables)
        for name in options.tables:
            measured[name] = []
            for number, arguments in enumerate(TABLES[name]):
                if options.presets and not {*options.presets} & {*arguments}:
                    continue
                home = Path(scratch) / f"{name}-{number}".replace(" ", "-")
                measured[name].append(line(home, Path(scratch), arguments, options.timeout))
            console.print(table(name, measured[name]))
    console.print(MISLABELLED)
    if options.json:
        content = {name: [asdict(each) for each in lines] for name, lines in measured.items()}
        options.json.write_text(json.dumps(content, indent=1))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s accuracy --", description=__doc__)
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--presets", nargs="+", help="only lines with these words")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds for one training")
    parser.add_argument("--json", type=Path, help="where to write every number")
    return parser.parse_args()


def prepare(scratch: Path, holds_out: bool) -> None:
    """Decode the dataset once: that is no part of a training. Hold parts of it out, if wanted."""
    download(scratch)
    if holds_out:
        os.environ["MNISTCLI_HOME"] = str(scratch)
        from mnistcli import open_dataset

        train = open_dataset().train
        for name, part in HELD_OUT.items():
            is_held_out = np.zeros(len(train.labels), dtype=bool)
            is_held_out[part] = True
            sides = {"train": ~is_held_out, "test": is_held_out}
            arrays = {f"x_{side}": train.images[which] for side, which in sides.items()}
            arrays |= {f"y_{side}": train.labels[which] for side, which in sides.items()}
            np.savez(scratch / name, **arrays)
            download(scratch, "--source", str(scratch / f"{name}.npz"), "--as", name)


def download(scratch: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "mnistcli", "download", "-q", *arguments]
    ended = run(Command(command, {"MNISTCLI_HOME": str(scratch)}), timeout_s=60)
    if ended.failure:
        sys.exit(ended.failure)


def line(home: Path, scratch: Path, arguments: tuple[str, ...], timeout_s: float) -> Line:
    home.mkdir()
    for folder in ("datasets", "own"):
        (home / folder).symlink_to(scratch / folder)
    train = [sys.executable, "-m", "mnistcli", "train", *arguments, "--name", "model", "-q"]
    process = run(Command(train, {"MNISTCLI_HOME": str(home)}), timeout_s=timeout_s)
    if process.failure:
        sys.exit(f"{' '.join(arguments)}: {process.failure}")
    os.environ["MNISTCLI_HOME"] = str(home)
    from mnistcli import load_model
    from mnistcli.metrics.intervals import wilson

    card = load_model("model").card
    n_errors = card.n_test - card.metrics["test_n_correct"]
    return Line(
        arguments=" ".join(arguments),
        n_features=card.feature_spec.count(),
        n_train=card.n_train,
        n_test=card.n_test,
        n_errors=n_errors,
        error_interval=wilson(n_errors, card.n_test),
        fit_seconds=card.fit_seconds,
        seconds=process.seconds,
        peak_mb=process.peak_mb,
    )


def table(name: str, lines: list[Line]) -> Table:
    table = Table(title=name, title_justify="left")
    table.add_column("mnistcli train", no_wrap=True)
    for heading in ("features", "errors", "%", "95 %", "fit s", "process s", "peak MB"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in lines:
        low, high = each.error_interval
        table.add_row(
            each.arguments,
            f"{each.n_features:,}",
            f"{each.n_errors:,} of {each.n_test:,}",
            f"{100 * each.n_errors / each.n_test:.2f}",
            f"{100 * low:.2f} to {100 * high:.2f}",
            f"{each.fit_seconds:.1f}",
            f"{each.seconds:.1f}",
            f"{each.peak_mb:,.0f}",
        )
    return table


if __name__ == "__main__":
    main()
