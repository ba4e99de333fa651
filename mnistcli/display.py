"""How a result shows itself: in a line, as the terminal's tables, and in a notebook's cell.

Results live in low rooms and what draws them in `cli`, which they must not import. So a result
derives from `Displayed`, which has a `repr` of its own; `mnistcli.notebook`, at the top, which is
loaded with the first name of the public API that is used and not by the command line, tells it
which module draws the rest.
"""

from dataclasses import fields
from importlib import import_module
from typing import Any

drawn_by = ""  # the name of a module, whose `text` and `html` draw any result


class Displayed:
    """A result; a subclass says in `_in_words` what it is, unless its fields are short."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Say in a line what it is, however large."""
        return f"<{type(self).__name__}: {self._in_words()}>"

    def __str__(self) -> str:
        """Draw the tables of the terminal, plainly."""
        return import_module(drawn_by).text(self) if drawn_by else repr(self)

    def _repr_html_(self) -> str | None:
        return (import_module(drawn_by).html(self) or None) if drawn_by else None

    def _in_words(self) -> str:
        values = ((each.name, getattr(self, each.name)) for each in fields(self))  # type: ignore[arg-type]
        return _cut(", ".join(f"{name} {_shortly(value)}" for name, value in values), 400)


def counted(n: int, what: str) -> str:
    """Return how many there are of what is called so in the singular: "1 image", "2 images"."""
    return f"{n:,} {what}{'s' * (n != 1)}"


def _shortly(value: Any) -> str:
    if hasattr(value, "dtype"):
        return f"{' x '.join(map(str, value.shape))} {value.dtype}"
    return _cut(repr(value), 60)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}..."
