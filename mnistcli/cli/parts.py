"""What a person is shown of a result, whatever draws it: a terminal, a page, a cell, Markdown.

Beside these parts there are `heat.HeatMap` and `gallery.Gallery`.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from mnistcli.cli.heat import HeatMap
    from mnistcli.cli.plots import Plot
    from mnistcli.gallery import Gallery


class Noted(NamedTuple):
    """A number, and in a lower voice what is to know of it: its interval."""

    text: str
    note: str

    def __str__(self) -> str:
        """Return both."""
        return f"{self.text} {self.note}".rstrip()


Cell = str | Noted


class Facts(NamedTuple):
    """Names, and what is known of each; a page has large ones as tiles."""

    pairs: Iterable[tuple[str, Cell]]
    are_large: bool = False


class Table(NamedTuple):
    """Rows under headings, and averages below them; ``columns`` has a letter for each.

    As in LaTeX l is left and r right; b is left, bold.
    """

    headings: Sequence[str]
    columns: str
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    averages: Sequence[Sequence[Cell]] = ()
    apart: range = range(0)  # columns that stand apart where a terminal is too narrow for all


class Words(NamedTuple):
    """Lines of text; what comes from outside has passed `words.visible`."""

    text: str
    style: str = "dim"


class Code(NamedTuple):
    """Lines to be typed."""

    lines: Sequence[str]


class Plots(NamedTuple):
    """Plots side by side, where they have room."""

    plots: Sequence["Plot"]


Part: TypeAlias = "Facts | Table | Words | Code | Plots | HeatMap | Gallery"
