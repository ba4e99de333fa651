"""The parts of what a person is shown of a result; beside these there is `gallery.Gallery`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from mnistcli.arrays import Float64s, Int64s
    from mnistcli.cli.content.plots import Plot
    from mnistcli.gallery import CaptionedImage, Gallery


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

    plots: Sequence[Plot]


class HeatCell(NamedTuple):
    """A number, "" where there is none, and what share of something it is."""

    text: str
    share: float
    is_right: bool = False

    @property
    def strength(self) -> float:
        """How strongly it is coloured, from 0 to 1; the root makes small mistakes differ."""
        # A tenth is as red as it gets: most mistakes are few in a hundred.
        return self.share if self.is_right else min(1.0, (10 * self.share) ** 0.5)

    @property
    def shade(self) -> float:
        """How much of its colour is on the paper, so that dark or, from 0.85 on, light ink stands out."""
        if not self.is_right:
            return 0.62 * self.strength
        return 0.85 + 0.15 * self.strength if self.strength > 0.5 else self.strength


class HeatMap(NamedTuple):
    """Cells with a name for each row and each column, which are the same."""

    title: str
    down: str
    across: str
    names: tuple[str, ...]
    cells: Sequence[Sequence[HeatCell]]
    behind: Sequence[CaptionedImage] = ()  # images of the truths and answers, for a page

    @classmethod
    def of_confusion(
        cls, confusion: Int64s, class_names: Sequence[str], title: str = "confusion matrix"
    ) -> HeatMap:
        """Show what was answered to what, each cell with its share of the row; zeros are empty."""
        names = tuple(class_names)
        cells = [
            [
                HeatCell(str(count or ""), count / max(sum(counts), 1), is_right=truth == answer)
                for answer, count in zip(names, counts, strict=True)
            ]
            for truth, counts in zip(names, confusion.tolist(), strict=True)
        ]
        return cls(title, "truth", "answer", names, cells)

    @classmethod
    def of_pair_errors(cls, errors: Float64s, class_names: Sequence[str]) -> HeatMap:
        """Show the error rates of the models of pairs of classes, in percent."""
        cells = [
            [HeatCell("", 0) if math.isnan(e) else HeatCell(f"{100 * e:.2f}", e) for e in rates]
            for rates in errors.tolist()
        ]
        title = "errors of each pair's own model, in percent of the images of the two"
        return cls(title, "pair", "", tuple(class_names), cells)


Panel: TypeAlias = "Plot | HeatMap | Gallery"  # what can be drawn into a file
Part: TypeAlias = "Facts | Table | Words | Code | Plots | HeatMap | Gallery"
