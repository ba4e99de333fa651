"""Heat maps, whatever draws them: what stands in a cell, and how strongly it is coloured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mnistcli.gallery import CaptionedImage

# A share that is as red as it gets: most mistakes are few in a hundred.
_REDDEST = 0.1
_STRONGEST_MISTAKE = 0.62


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A number, "" where there is none, and what share of something it is."""

    text: str
    share: float
    is_right: bool = False

    @property
    def strength(self) -> float:
        """How strongly it is coloured, from 0 to 1; the root makes small mistakes differ."""
        return self.share if self.is_right else min(1.0, (self.share / _REDDEST) ** 0.5)

    @property
    def shade(self) -> float:
        """How much of its colour is on the paper, so that dark or, from 0.85 on, light ink stands out."""
        if not self.is_right:
            return _STRONGEST_MISTAKE * self.strength
        return 0.85 + 0.15 * self.strength if self.strength > 0.5 else self.strength


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Cells with a name for each row and each column, which are the same."""

    title: str
    down: str
    across: str
    names: tuple[str, ...]
    cells: Sequence[Sequence[HeatCell]]
    behind: "Sequence[CaptionedImage]" = ()  # images of the truths and answers, for a page


def confusion_map(
    confusion: NDArray[np.int64],
    class_names: Sequence[str],
    title: str = "confusion matrix",
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
    return HeatMap(title, "truth", "answer", names, cells)


def pair_error_map(errors: NDArray[np.float64], class_names: Sequence[str]) -> HeatMap:
    """Show the error rates of the models of pairs of classes, in percent."""
    cells = [
        [
            HeatCell("", 0.0) if math.isnan(rate) else HeatCell(f"{100 * rate:.2f}", rate)
            for rate in rates
        ]
        for rates in errors.tolist()
    ]
    title = "errors of each pair's own model, in percent of the images of the two"
    return HeatMap(title, "pair", "", tuple(class_names), cells)
