"""Heat maps, whatever draws them: what stands in a cell, and how strongly it is coloured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A share that is as red as it gets: most mistakes are few in a hundred.
_REDDEST = 0.1


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A number, "" where there is none, and what share of something it is."""

    text: str
    share: float
    is_right: bool = False
    link: str = ""  # where it leads in a page

    @property
    def strength(self) -> float:
        """How strongly it is coloured, from 0 to 1; the root makes small mistakes differ."""
        return self.share if self.is_right else min(1.0, (self.share / _REDDEST) ** 0.5)


def confusion_cells(confusion: NDArray[np.int64]) -> list[list[HeatCell]]:
    """Return the cells of a confusion matrix, each with its share of the row; zeros are empty."""
    return [
        [
            HeatCell(str(count or ""), count / max(sum(counts), 1), is_right=i == j)
            for j, count in enumerate(counts)
        ]
        for i, counts in enumerate(confusion.tolist())
    ]


def pair_error_cells(errors: NDArray[np.float64]) -> list[list[HeatCell]]:
    """Return the error rates of the models of pairs of classes, in percent."""
    return [
        [
            HeatCell("", 0.0) if math.isnan(rate) else HeatCell(f"{100 * rate:.2f}", rate)
            for rate in rates
        ]
        for rates in errors.tolist()
    ]
