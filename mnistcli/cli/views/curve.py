"""Learning curves as tables, documents and charts."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from mnistcli.cli.numbers import curve_sentence, percent, seconds, span
from mnistcli.cli.output import Answer, json_text, picked
from mnistcli.cli.parts import Plots, Table, Words
from mnistcli.cli.plots import Plot, Series, axis_for, places_axis, share_word
from mnistcli.learning_curves import CurvePoint, MeanPoint, means
from mnistcli.ranges import DISTURBANCES

_RECORD_SCHEMA = "point"
# Axes that a line can be drawn over.
NUMBERS = ("limit", "C", "strength")


def point_line(point: CurvePoint) -> str:
    """Write a point as a JSON line."""
    return json_text(_RECORD_SCHEMA, picked(point), indent=None)


# How each of these lines begins.
POINT_START = json_text(_RECORD_SCHEMA, {}, indent=None).partition(",")[0]


@dataclass(frozen=True)
class CurveView:
    """Points of a curve; ``axis`` and ``lines`` are what they differ in."""

    points: tuple[CurvePoint, ...]
    axis: str
    lines_by: str | None
    is_for_paper: bool = False  # rows are those of the table, not every point

    def answer(self) -> Answer:
        """Return what the command answers."""
        found = self._means()
        document = {
            "axis": self.axis,
            "lines": self.lines_by,
            "points": self.points,
            "means": found,
        }
        best, table = max(found, key=lambda each: each.accuracy), self.table()
        quiet = " ".join(filter(None, (best.line, _word(best.x).replace(",", ""))))
        names = [each.name for each in fields(CurvePoint)]
        rows: list[Sequence[object]] = [
            names,
            *([*picked(point).values()] for point in self.points),
        ]
        if self.is_for_paper:
            rows = [table.headings, *table.rows]
        plots = [Plots([self.plot()])] if self.axis in NUMBERS else []
        return Answer("curve", document, [quiet], [table, Words(self._legend()), *plots], rows)

    def table(self) -> Table:
        """Show the means with their intervals."""
        found = self._means()
        lines = (self.lines_by,) if self.lines_by else ()
        seeds = ("over seeds",) if any(each.over_seeds for each in found) else ()
        last = "less first" if self._is_beside() else "fit"
        axis = self._axis_title().partition(",")[0]
        headings = (*lines, axis, "accuracy", *seeds, "over images", "log loss", last)
        rows = [
            [
                *(each.line for _ in lines),
                _word(each.n_train if self.axis == "limit" else each.x),
                percent(each.accuracy),
                *(span(each.over_seeds) if each.over_seeds else "" for _ in seeds),
                span(each.over_images),
                f"{each.log_loss:.4f}",
                self._last_cell(each),
            ]
            for each in found
        ]
        return Table(headings, "l" * len(lines) + "r" * (len(headings) - len(lines)), rows)

    def plot(self) -> Plot:
        """Show the errors, for a terminal and for a file."""
        lines: dict[str, list[tuple[float, ...]]] = {}
        for each in self._means():
            low, high = each.over_seeds or each.over_images
            x = each.n_train if self.axis == "limit" else each.x
            name = f"C = {each.line}" if self.lines_by == "C" else each.line
            lines.setdefault(name, []).append((x, 1 - each.accuracy, x, 1 - high, x, 1 - low))
        every = np.concatenate([*lines.values()])
        task = ", ".join(dict.fromkeys(point.task for point in self.points))
        return Plot(
            f"{task} on {self.points[0].dataset}",
            places_axis(every[:, 0].tolist(), title=self._axis_title()),
            axis_for(every[:, 1::2].flat, title="errors on the test images", word=share_word),
            tuple(
                Series.measured(name, np.array(sorted(at)), "joined") for name, at in lines.items()
            ),
            self._legend(),
        )

    def _axis_title(self) -> str:
        if disturb := self.points[0].disturb:
            return f"{disturb}, {DISTURBANCES[disturb][1]}"
        return "training images" if self.axis == "limit" else self.axis

    def _is_beside(self) -> bool:
        return any(point.difference is not None for point in self.points)

    def _last_cell(self, each: MeanPoint) -> str:
        """Say what the training took, or how much better a model is than the first."""
        if not self._is_beside():
            missed = f" ({each.n_not_converged} not converged)" if each.n_not_converged else ""
            return seconds(each.fit_seconds) + missed
        point = next(p for p in self.points if (p.model, p.strength) == (each.line, each.x))
        if point.difference_low is None or point.difference_high is None:
            return ""
        better = (point.difference or 0.0, point.difference_low, point.difference_high)
        return "{:+.2f} ({:+.2f} to {:+.2f})".format(*(100 * share for share in better))

    def _means(self) -> list[MeanPoint]:
        return means(self.points, self.axis, self.lines_by)

    def _legend(self) -> str:
        found, n_test = self._means(), self.points[0].n_test
        n_seeds = max(each.n_seeds for each in found)
        over = "95 % intervals over the images: were other test images drawn"
        if n_seeds > 1:
            over = f"means of {n_seeds} seeds; 95 % intervals over the seeds: were others drawn;\n{over}"
        if self._is_beside():
            over = f"less first: points of accuracy, less {self.points[0].model}\n{over}"
        best = max(found, key=lambda each: each.accuracy)
        named = (self.lines_by, best.line), (self.axis, _word(best.x))
        where = ", ".join(f"{name} {value}" for name, value in named if name not in (None, "limit"))
        return f"{over}\n{curve_sentence(best, where, n_test)}"


def _word(x: Any) -> str:
    return f"{x:,}" if isinstance(x, int) else f"{x:g}" if isinstance(x, float) else str(x)
