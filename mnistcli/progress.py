"""How far long work has come."""


class Progress:
    """Hears how far long work has come: does nothing, unless a subclass overrides it."""

    def update(
        self, stage: str, done: float, total: float | None, detail: object = None, /
    ) -> None:
        """Receive how much of a stage is done, in its units; the total may not be known.

        A stage is ``"features"``, ``"folds"``, a download's name; `str` puts the detail in words.
        """

    def note(self, event: str, /) -> None:
        """Receive a sentence about something that the user may want to know."""


SILENT = Progress()
