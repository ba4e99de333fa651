"""Ours against others, on this machine, in this hour: ``python -m tests.benchmarks --help``.

What is compared runs in turn (A B A B ...), each measurement in a process of its own, and ratios
are taken round by round, so that what else the machine does is the same for all. Medians are
printed; JSON keeps every number. Nothing here is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from tests.benchmarks import commands, fits, report
from tests.benchmarks.processes import python


def main() -> None:
    options = parse()
    console = Console(width=None if sys.stdout.isatty() else 160)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(options.home or scratch).absolute()
        home.mkdir(parents=True, exist_ok=True)
        os.environ["MNISTCLI_HOME"] = str(home)
        subprocess.run(python("prepare.py", home, *options.tasks), check=True)
        rounds = {}
        for task in options.tasks if "fits" in options.parts else ():
            rounds[task] = fits.measure(
                home, task, options.peers, n_rounds=options.runs, timeout_s=options.timeout
            )
            console.print(report.fits_table(task, rounds[task]))
        timed = {}
        if "commands" in options.parts:
            timed = commands.measure(home, n_rounds=options.runs, timeout_s=options.timeout)
            console.print(report.commands_table(timed))
        bars = [*report.fit_bars(rounds), *report.command_bars(timed)]
        console.print(report.bars_table(bars))
        path = options.json or home / "benchmark.json"
        content = {
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {
                "python": platform.python_version(),
                "platform": platform.platform(),
                "cores": len(os.sched_getaffinity(0)),
                "load": os.getloadavg(),
            },
            "fits": {
                task: {peer: [asdict(one) for one in runs] for peer, runs in by_peer.items()}
                for task, by_peer in rounds.items()
            },
            "commands": {name: [asdict(one) for one in runs] for name, runs in timed.items()},
            "bars": [asdict(bar) for bar in bars],
        }
        path.write_text(json.dumps(content, indent=1))
        if options.json or options.home:
            console.print(f"every number: {path}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("--parts", nargs="+", default=["fits", "commands"])
    parser.add_argument("--tasks", nargs="+", default=["0v1", "2vrest", "digits"])
    parser.add_argument("--peers", nargs="+", default=list(fits.PEERS), choices=list(fits.PEERS))
    parser.add_argument("--runs", type=int, default=5, help="rounds of each comparison")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one process")
    parser.add_argument("--json", type=Path, help="where to write every number")
    parser.add_argument("--home", type=Path, help="a folder for data and models")
    return parser.parse_args()


if __name__ == "__main__":
    main()
