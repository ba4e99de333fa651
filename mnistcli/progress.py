"""How far long work has come."""

import sys
import time
from typing import Any


class Progress:
    """Hears how far long work has come: does nothing, unless a subclass overrides it."""

    def update(self, stage: str, done: float, total: float | None, what: object = None, /) -> None:
        """Receive how much of a stage is done, in its units; the total may not be known.

        A stage is ``"features"``, ``"folds"``, a download's name; `str` says what in words.
        """

    def note(self, event: str, /) -> None:
        """Receive a sentence about something that the user may want to know."""

    def stop(self) -> None:
        """Hear that the work is done."""


SILENT = Progress()


class CellLine(Progress):
    """A line in a notebook's cell that is written anew, and blank in the end."""

    def __init__(self) -> None:
        self._started = self._last = time.monotonic()
        self._handle: Any = None

    def update(self, stage: str, done: float, total: float | None, _what: object = None, /) -> None:
        """Write how far a stage has come, twice a second."""
        now = time.monotonic()
        if now - self._last >= 0.5:
            self._last = now
            share = min(done / total, 1.0) if total else 0.0
            bar = "█" * round(30 * share)
            self._write(f"{stage} |{bar:30}| {share:.0%}, {now - self._started:.0f} s")

    def stop(self) -> None:
        """Blank the line."""
        if self._handle:
            self._write("")

    def _write(self, line: str) -> None:
        from IPython.display import display

        shown = {"text/plain": line}
        if self._handle:
            self._handle.update(shown, raw=True)
        else:
            self._handle = display(shown, raw=True, display_id=True)


def usual() -> Progress:
    """Return what shows in a notebook's cell, and elsewhere nothing does."""
    return CellLine() if "ipykernel" in sys.modules else SILENT
