"""Many rows: seconds, memory, errors, and what others do with them: ``nox -s scale -- --help``.

Trainings run in processes and a home of their own. Memory is what is anonymous: pages of a file
that the system can drop at any time do not count. Curves are of training images held out; the test
images are looked at for the errors of the other tables.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.processes import Command, Measured, run

# Rows of pixels: 60,000, 240,000, 960,000 and 8,100,000.
COPIES = {"pixels": [0, 3, 15, 134], "better": [15], "best": [3]}
TABLES = ("pixels", "better", "curve", "peers")
PEERS = ("mnistcli", "SGDClassifier", "Vowpal Wabbit")


def main() -> None:
    options = parse()
    console = Console(width=None if sys.stdout.isatty() else 150)
    with tempfile.TemporaryDirectory(dir=options.home) as scratch:
        env = {"MNISTCLI_HOME": scratch}
        decoding = run(Command([*PYTHON, "mnistcli", "download", "-q"], env), timeout_s=60)
        if decoding.failure:
            sys.exit(decoding.failure)
        for name in options.tables:
            if name == "curve":
                console.print(curve(options, env))
            elif name == "peers":
                console.print(peers(options, env, Path(scratch)))
            else:
                console.print(trainings(name, options, env))


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s scale --", description=__doc__)
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=TABLES)
    parser.add_argument("--copies", nargs="+", type=int, help="of each image, in place of all")
    parser.add_argument("--presets", nargs="+", default=["better"], help="of the curve")
    parser.add_argument("--parts", type=int, default=2, help="of 10,000 images, of the curve")
    parser.add_argument("--images", type=int, default=40_000, help="to train on, of the curve")
    parser.add_argument("--memory", default="1.5GB", help="what a training may take")
    parser.add_argument("--disk", default="", help="what its rows may take on disk")
    parser.add_argument("--home", type=Path, help="a folder with room for rows")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds for one process")
    return parser.parse_args()


PYTHON = [sys.executable, "-m"]


def trainings(name: str, options: argparse.Namespace, env: dict[str, str]) -> Table:
    table = Table(title=f"{name}: rows, seconds and memory", title_justify="left")
    for heading in (
        "copies", "rows", "kept in", "process s", "CPU s", "fit s", "fit s / million",
        "anonymous MB", "peak MB", "relative gap", "test errors",
    ):  # fmt: skip
        table.add_column(heading, justify="right", no_wrap=True)
    preset = [] if name == "pixels" else ["--preset", name]
    for copies in options.copies or COPIES[name]:
        disk = ["--disk", options.disk] if options.disk else []
        arguments = [*preset, "--copies", str(copies), "--memory", options.memory, *disk]
        measured, document = trained("digits", arguments, env, options.timeout)
        if measured.failure:
            table.add_row(f"{copies}", *["-"] * 9, measured.failure)
            continue
        fit, test = document["fit"], document["test"]
        n_rows = (1 + copies) * document["n_train"]
        table.add_row(
            f"{copies}",
            f"{n_rows:,}",
            document["rows_kept"],
            f"{measured.seconds:.1f}",
            f"{measured.cpu_seconds:.1f}",
            f"{fit['fit_seconds']:.1f}",
            f"{1e6 * fit['fit_seconds'] / n_rows:.1f}",
            f"{measured.peak_anonymous_mb:,.0f}",
            f"{measured.peak_mb:,.0f}",
            f"{fit['gap_bound'] / fit['objective']:.0e}",
            f"{test['n_samples'] - test['n_correct']:,}",
        )
    return table


def trained(
    task: str, arguments: list[str], env: dict[str, str], timeout_s: float
) -> tuple[Measured, dict]:
    command = [*PYTHON, "mnistcli", "train", task, *arguments, "--no-save", "--json"]
    with tempfile.TemporaryFile() as printed:
        measured = run(Command(command, env), timeout_s=timeout_s, stdout=printed)
        printed.seek(0)
        return measured, {} if measured.failure else json.loads(printed.read())


def curve(options: argparse.Namespace, env: dict[str, str]) -> Table:
    table = Table(title="errors on 10,000 training images held out", title_justify="left")
    columns = [f"part {part + 1}" for part in range(options.parts)]
    for heading in ("preset", "copies", "rows", *columns, "log loss", "fit s"):
        table.add_column(heading, justify="right", no_wrap=True)
    copies = ",".join(map(str, options.copies or [0, 1, 3, 7, 15, 31]))
    for preset in options.presets:
        by_copies: dict[int, list[dict]] = {}
        for part in range(options.parts):
            arguments = ["tests.scale.curve", preset, str(part), str(options.images), copies]
            with tempfile.TemporaryFile() as printed:
                measured = run(
                    Command([*PYTHON, *arguments], env), timeout_s=options.timeout, stdout=printed
                )
                printed.seek(0)
                points = [json.loads(line) for line in printed.read().splitlines()]
            if measured.failure:
                print(preset, part + 1, measured.failure, file=sys.stderr)
            for point in points:
                by_copies.setdefault(point["copies"], []).append(point)
        for n_copies, points in by_copies.items():
            errors = [f"{point['n_errors']}" for point in points]
            table.add_row(
                preset,
                f"{n_copies}",
                f"{(1 + n_copies) * options.images:,}",
                *errors + ["-"] * (options.parts - len(errors)),
                f"{sum(point['log_loss'] for point in points) / len(points):.5f}",
                f"{sum(point['fit_seconds'] for point in points) / len(points):.0f}",
            )
    return table


def peers(options: argparse.Namespace, env: dict[str, str], scratch: Path) -> Table:
    table = Table(title="even-odd on the same rows of pixels, C = 1", title_justify="left")
    for heading in (
        "rows",
        "",
        "objective",
        "log loss",
        "test errors",
        "s",
        "CPU s",
        "anonymous MB",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for copies in options.copies or [15]:
        for peer in PEERS:
            result = scratch / "peer.json"
            arguments = ["tests.scale.peer", peer, str(copies), str(result)]
            measured = run(Command([*PYTHON, *arguments], env), timeout_s=options.timeout)
            if measured.failure:
                table.add_row(f"{60_000 * (1 + copies):,}", peer, measured.failure)
                continue
            found = json.loads(result.read_text())
            table.add_row(
                f"{60_000 * (1 + copies):,}",
                peer,
                f"{found['objective']:,.1f}",
                f"{found['log_loss']:.4f}",
                f"{found['n_errors']:,}",
                f"{found['seconds']:.1f}",
                f"{found['cpu_seconds']:.1f}",
                f"{found['peak_anonymous_mb'] or measured.peak_anonymous_mb:,.0f}",
            )
    return table


if __name__ == "__main__":
    main()
