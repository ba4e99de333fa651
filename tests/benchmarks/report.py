"""Tables of what was measured, and the bars."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from statistics import median
from typing import TYPE_CHECKING

from rich.table import Table

from tests.benchmarks.commands import PAIRS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.benchmarks.fits import FitRun
    from tests.benchmarks.processes import Measured

LEFT, RIGHT = "left", "right"


@dataclass(frozen=True)
class Bar:
    """Something that was promised.

    Attributes
    ----------
    promise : str
    limit : float
        The largest ratio that keeps it.
    ratio : float or None
        As measured; None where it could not be.
    """

    promise: str
    limit: float
    ratio: float | None

    @property
    def verdict(self) -> str:
        if self.ratio is None:
            return "not measured"
        return "met" if self.ratio <= self.limit else "not met"


def fits_table(task: str, rounds: dict[str, list[FitRun]]) -> Table:
    """Show one task: a row for each peer, times of others as multiples of ours too."""
    table = Table(title=f"{task}: fit, C = 1 (medians of {_n_rounds(rounds)} alternating runs)")
    headings = (
        "import s", "fit s", "x ours", "fit CPU s", "whole process s", "x ours", "peak MB", "objective",
        "above optimum", "test errors", "note",
    )  # fmt: skip
    table.add_column("", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify=RIGHT)
    optimum = _optimum(rounds)
    ours = rounds.get("ours", [])
    for peer, runs in rounds.items():
        if runs[0].process.failure:
            table.add_row(peer, *[""] * (len(headings) - 1), runs[0].process.failure)
            continue
        fit_ratio = _ratio((r.fit_seconds for r in runs), (r.fit_seconds for r in ours))
        whole_ratio = _ratio((r.process.seconds for r in runs), (r.process.seconds for r in ours))
        objective = median(r.objective for r in runs)
        table.add_row(
            peer,
            f"{median(r.import_seconds for r in runs):.2f}",
            f"{median(r.fit_seconds for r in runs):.2f}",
            _times(fit_ratio),
            f"{median(r.fit_cpu_seconds for r in runs):.2f}",
            f"{median(r.process.seconds for r in runs):.2f}",
            _times(whole_ratio),
            f"{median(r.process.peak_mb for r in runs):.0f}",
            f"{objective:.4f}",
            f"{objective / optimum - 1:.0e}",
            f"{runs[0].test_errors}",
        )
    return table


def commands_table(timed: dict[str, list[Measured]]) -> Table:
    """Show each command beside what it is measured against."""
    n = len(next(iter(timed.values())))
    table = Table(title=f"whole processes (medians of {n} alternating runs)")
    for heading in ("", "s", "peak MB", "against", "s", "peak MB", "ratio"):
        table.add_column(heading, justify=LEFT if heading in ("", "against") else RIGHT)
    for pair in PAIRS:
        cells: list[str] = []
        for name in pair:
            runs = timed[name]
            cells += [
                name,
                f"{median(r.seconds for r in runs):.3f}",
                f"{median(r.peak_mb for r in runs):.0f}",
            ]
        table.add_row(*cells, f"{_whole_ratio(timed, *pair):.2f}")
    return table


def bars_table(bars: list[Bar]) -> Table:
    """Show what was promised, and what became of it."""
    table = Table("bar", title="promised and measured")
    for heading in ("at most", "measured", ""):
        table.add_column(heading, justify=RIGHT)
    for bar in bars:
        measured = "" if bar.ratio is None else f"{bar.ratio:.3f}"
        table.add_row(bar.promise, f"{bar.limit:g}", measured, bar.verdict)
    return table


def fit_bars(rounds: dict[str, dict[str, list[FitRun]]]) -> Iterator[Bar]:
    """Judge the time to an objective, by that of lbfgs to where it stops."""
    limits = {"0v1": (None, 1.0), "2vrest": (0.15, 0.25), "digits": (0.12, 0.2)}
    for task, by_peer in rounds.items():
        for peer in ("lbfgs", "lbfgs (1 thread)"):
            if task not in limits or not _fitted(by_peer, "ours") or not _fitted(by_peer, peer):
                continue
            ours, theirs = by_peer["ours"], by_peer[peer]
            stops_at = median(r.objective for r in theirs)
            goals = (("its own objective", stops_at), ("1e-6", (1 + 1e-6) * _optimum(by_peer)))
            for (goal, objective), limit in zip(goals, limits[task], strict=True):
                if limit is not None:
                    ratio = _ratio(
                        (r.seconds_to(objective) for r in ours), (r.fit_seconds for r in theirs)
                    )
                    yield Bar(f"{task}: fit to {goal}, against {peer}", limit, ratio)


def command_bars(timed: dict[str, list[Measured]]) -> Iterator[Bar]:
    """Judge whole processes."""
    if not timed:
        return
    one, many = "mnistcli predict one.png", "mnistcli predict many.npy"
    for ours, theirs, limit in (
        ("mnistcli train --task 0v1", "import sklearn.linear_model", 0.6),
        ("mnistcli --help", "import typer", 1.6),
        ("mnistcli --version", "import typer", 1.2),
        (one, "scripts/predict_one.py", 0.25),
        ("mnistcli evaluate", "scripts/evaluate.py", 0.3),
        (many, one, 1.5),
        (f"{many} -q", one, 1.5),
    ):
        yield Bar(f"{ours}, against {theirs}", limit, _whole_ratio(timed, ours, theirs))
    share = _whole_ratio(timed, many, one) / 10_000
    yield Bar("predict 10,000 images, against 10,000 processes", 1 / 20, share)


def _whole_ratio(timed: dict[str, list[Measured]], ours: str, theirs: str) -> float:
    return _ratio((r.seconds for r in timed[ours]), (r.seconds for r in timed[theirs])) or 0.0


def _ratio(a: Iterable[float | None], b: Iterable[float | None]) -> float | None:
    """Return the median of the ratios of each round; None where a round has none."""
    pairs = list(zip(a, b, strict=False))
    if not pairs or any(x is None or y is None for x, y in pairs):
        return None
    return median(x / y for x, y in pairs)


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _fitted(by_peer: dict[str, list[FitRun]], peer: str) -> bool:
    return peer in by_peer and not by_peer[peer][0].process.failure


def _optimum(rounds: dict[str, list[FitRun]]) -> float:
    objectives = [r.objective for runs in rounds.values() for r in runs if r.objective is not None]
    return min(objectives, default=nan)


def _n_rounds(rounds: dict[str, list[FitRun]]) -> int:
    return max(len(runs) for runs in rounds.values())
