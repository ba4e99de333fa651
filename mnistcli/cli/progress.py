"""Progress on stderr: a bar for a person, a line for a log file, nothing in quiet mode."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from typing import TYPE_CHECKING, TypeVar

from mnistcli.cli.words import visible
from mnistcli.progress import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.progress import Progress, TaskID

    from mnistcli.cli.output import Output
    from mnistcli.linear_model.newton import NewtonProgress

T = TypeVar("T")

# What is done sooner than this needs no bar, and saves the import of one.
PATIENCE_S = 0.5


class Bars(Watcher):
    """One bar for each thing under way; the first appears after `PATIENCE_S`."""

    def __init__(self, out: Output, unit: str, *, hidden: bool = False) -> None:
        self._unit = unit
        self._started = time.monotonic()
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._hidden = hidden or out.format == "quiet" or not sys.stderr.isatty()

    def update(self, key: str, done: float, total: float | None, *, text: str = "") -> None:
        """Move the bar of ``key``, which says ``text``, or else its key."""
        if self._hidden or time.monotonic() - self._started < PATIENCE_S:
            return
        if self._progress is None:
            self._progress = _make_progress(self._unit)
            self._progress.start()
        words = visible(text or key)
        if key not in self._tasks:
            self._tasks[key] = self._progress.add_task(words, total=total)
        self._progress.update(self._tasks[key], completed=done, total=total, description=words)

    def follow_gradient(self, progress: NewtonProgress) -> None:
        """Follow a fit: the bar is full when the gradient has fallen to the tolerance.

        The scale is logarithmic, because the solver gains digits at an even pace.
        """
        goal = -math.log10(progress.tol)
        reached = -math.log10(max(progress.relative_gradient_norm, progress.tol))
        text = (
            f"iteration {progress.iteration}: gradient {progress.relative_gradient_norm:.1e} "
            f"of its start, goal {progress.tol:.0e}"
        )
        self.update("fit", max(reached, 0.0), goal, text=text)

    def follow_features(self, done: int, total: int) -> None:
        """Follow images that are turned into features."""
        self.update("features", done, total)

    def follow_folds(self, done: int, total: int) -> None:
        """Follow cross-validation."""
        self.update("folds", done, total)

    def follow_search(self, done: int, total: int) -> None:
        """Follow the search for C."""
        self.update("search for C", done, total)

    def follow_pairs(self, done: int, total: int) -> None:
        """Follow the models of pairs of classes."""
        self.update("pairs", done, total)

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bars away while the block writes to stderr."""
        if self._progress is None:
            yield
            return
        self._progress.stop()
        yield
        self._progress.start()

    def follow_pictures(self, answers: Iterable[T], total: int | None) -> Iterator[T]:
        """Follow answers about pictures; the bar is gone when the last one is there."""
        for done, answer in enumerate(answers, start=1):
            yield answer
            self.update("pictures", done, total)
        self.stop()

    def stop(self) -> None:
        """Take the bars away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


@contextlib.contextmanager
def bars(out: Output, *, unit: str = "", hidden: bool = False) -> Iterator[Bars]:
    """Show progress on stderr while the block runs."""
    shown = Bars(out, unit, hidden=hidden)
    try:
        yield shown
    finally:
        shown.stop()


def _make_progress(unit: str) -> Progress:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TransferSpeedColumn,
    )

    from mnistcli.cli.terminal.console import PlainConsole

    description = TextColumn("{task.description}", markup=False)
    columns: list[ProgressColumn] = [description, BarColumn()]
    if unit == "bytes":
        columns += [DownloadColumn(), TransferSpeedColumn()]
    elif unit == "items":
        columns += [MofNCompleteColumn(), TimeElapsedColumn()]
    else:
        columns += [TimeElapsedColumn()]
    return Progress(*columns, console=PlainConsole(stderr=True), transient=True)
