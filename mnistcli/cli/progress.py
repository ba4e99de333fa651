"""Progress on stderr: a bar for a person, a line for a log file, nothing in quiet mode."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mnistcli.cli.words import visible
from mnistcli.progress import Progress

if TYPE_CHECKING:
    from mnistcli.cli.call import Call

# What is done sooner than this needs no bar, and saves the import of one.
PATIENCE_S = 0.5


class Bars(Progress, contextlib.AbstractContextManager["Bars"]):
    """One bar for each thing under way while a block runs; the first appears after `PATIENCE_S`."""

    def __init__(self, call: "Call", unit: str = "", *, hidden: bool = False) -> None:
        self._call = call
        self._unit = unit
        self._started = time.monotonic()
        self._progress: Any = None  # rich's, which is imported where there is something to show
        self._tasks: dict[str, Any] = {}  # by stage; None before there is a bar
        self._hidden = hidden or call.format == "quiet" or not sys.stderr.isatty()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def update(self, stage: str, done: float, total: float | None, what: object = None, /) -> None:
        """Move the bar of a stage, which says ``what``, or else the stage."""
        if stage not in self._tasks:
            self._tasks[stage] = None
            self._call.detail(stage)
        if self._hidden or time.monotonic() - self._started < PATIENCE_S:
            return
        if self._progress is None:
            self._progress = _make_progress(self._unit)
            self._progress.start()
        text = visible(str(what or stage))
        if self._tasks[stage] is None:
            self._tasks[stage] = self._progress.add_task(text, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total, description=text)

    def note(self, event: str, /) -> None:
        """Print a sentence above the bars."""
        with self.aside():
            self._call.note(event)

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bars away while the block writes to stderr."""
        if self._progress:
            self._progress.stop()
        yield
        if self._progress:
            self._progress.start()

    def stop(self) -> None:
        """Take the bars away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _make_progress(unit: str) -> Any:
    from rich import progress as rich

    from mnistcli.cli.terminal.console import PlainConsole

    description = rich.TextColumn("{task.description}", markup=False)
    numbers: list[rich.ProgressColumn] = [rich.TimeElapsedColumn()]
    if unit == "bytes":
        numbers = [rich.DownloadColumn(), rich.TransferSpeedColumn()]
    elif unit == "items":
        numbers.insert(0, rich.MofNCompleteColumn())
    console = PlainConsole(stderr=True)
    return rich.Progress(description, rich.BarColumn(), *numbers, console=console, transient=True)
