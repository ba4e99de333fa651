"""How far long work has come."""

from __future__ import annotations


class Progress:
    """Hears how far long work has come: does nothing, unless a subclass overrides it."""

    def update(
        self, stage: str, done: float, total: float | None, detail: object = None, /
    ) -> None:
        """Receive how much of a stage is done.

        Parameters
        ----------
        stage : str
            ``"features"``, ``"folds"``, the name of a download, ...
        done, total : float
            In units of the stage; None where the total is not known.
        detail : object
            More about the stage, which `str` puts in words.
        """

    def note(self, event: str, /) -> None:
        """Receive a sentence about something that the user may want to know."""


SILENT = Progress()
