"""How a result shows itself: in a line, as the terminal's tables, and in a notebook's cell.

Results live in low rooms and what draws them in `cli`, which they must not import: it is loaded
by its name, when a result is drawn.
"""

from dataclasses import fields
from importlib import import_module
from typing import Any

_DRAWN_BY = "mnistcli.cli.display"  # whose `text` and `html` draw any result


class Displayed:
    """A result; a subclass says in `_in_words` what it is, unless its fields are short."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Say in a line what it is, however large."""
        return f"<{type(self).__name__}: {self._in_words()}>"

    def __str__(self) -> str:
        """Draw the tables of the terminal, plainly."""
        return str(import_module(_DRAWN_BY).text(self))

    def _repr_html_(self) -> str | None:
        return import_module(_DRAWN_BY).html(self) or None

    def _in_words(self) -> str:
        values = ((each.name, getattr(self, each.name)) for each in fields(self))  # type: ignore[arg-type]
        return _cut(", ".join(f"{name} {_shortly(value)}" for name, value in values), 400)


def counted(n: int, what: str) -> str:
    """Return how many there are of what is called so in the singular: "1 image", "2 images"."""
    return f"{n:,} {what}{'s' * (n != 1)}"


def some_of(n: int, n_all: int, what: str, first: str) -> str:
    """Say how many there are of all: "the worst 20 of 90 mistakes", "all 9 mistakes"."""
    if n < n_all:
        return f"the {first} {n:,} of {n_all:,} {what}s"
    return f"the only {what}" if n == 1 else f"all {n:,} {what}s"


def _shortly(value: Any) -> str:
    if hasattr(value, "dtype"):
        return f"{' x '.join(map(str, value.shape))} {value.dtype}"
    return _cut(repr(value), 60)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}..."
