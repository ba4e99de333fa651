"""Learning curves as tables, documents and charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from mnistcli.cli import rich
from mnistcli.cli.numbers import percent, seconds, span
from mnistcli.cli.output import View, json_text
from mnistcli.cli.plots import Plot, Series, axis_for, places_axis, share_word
from mnistcli.cli.views.shared import ruled_table
from mnistcli.cli.words import visible
from mnistcli.learning_curves import CurvePoint, MeanPoint, means

_RECORD_SCHEMA = "point"
_CHART_LINES = 21
_WIDEST_CHART = 100
# Axes that a line can be drawn over.
NUMBERS = ("limit", "C")
_TITLES = {"limit": "training images"}


def point_line(point: CurvePoint) -> str:
    """Write a point as a JSON line."""
    return json_text(_RECORD_SCHEMA, asdict(point), indent=None)


# How each of these lines begins.
POINT_START = json_text(_RECORD_SCHEMA, {}, indent=None).partition(",")[0]


@dataclass(frozen=True)
class CurveView(View):
    """Points of a curve; ``axis`` and ``lines`` are what they differ in."""

    schema = "curve"
    points: tuple[CurvePoint, ...]
    axis: str
    lines_by: str | None

    def document(self) -> dict[str, Any]:
        return {
            "axis": self.axis,
            "lines": self.lines_by,
            "points": [asdict(point) for point in self.points],
            "means": [asdict(each) for each in self._means()],
        }

    def rows(self) -> Iterator[Sequence[object]]:
        yield [each.name for each in fields(CurvePoint)]
        yield from (list(asdict(point).values()) for point in self.points)

    def lines(self) -> Iterator[str]:
        best = max(self._means(), key=lambda each: each.accuracy)
        yield " ".join(filter(None, (best.line, _word(best.x))))

    def table(self, console: rich.Console) -> rich.RenderableType:
        table = ruled_table(console, padding=(0, 1))
        if self.lines_by:
            table.add_column(self.lines_by)
        table.add_column(_TITLES.get(self.axis, self.axis), justify="right")
        found = self._means()
        has_seeds = any(each.over_seeds for each in found)
        seeds_too = ("over seeds",) if has_seeds else ()
        for heading in ("accuracy", *seeds_too, "over images", "log loss", "fit"):
            table.add_column(heading, justify="right")
        for each in found:
            cells = [visible(each.line)] if self.lines_by else []
            cells += [
                _word(each.n_train if self.axis == "limit" else each.x),
                percent(each.accuracy),
            ]
            if has_seeds:
                cells.append(span(each.over_seeds) if each.over_seeds else "")
            missed = f" ({each.n_not_converged} not converged)" if each.n_not_converged else ""
            took = seconds(each.fit_seconds) + missed
            table.add_row(*cells, span(each.over_images), f"{each.log_loss:.4f}", took)
        parts: list[rich.RenderableType] = [table, rich.Text(self._legend(), "dim")]
        if self.axis in NUMBERS:
            from mnistcli.cli.terminal.plots import draws_plainly, plot_block

            size = min(console.width, _WIDEST_CHART), _CHART_LINES
            drawn = plot_block(self.plot(), size, plain=draws_plainly(console, "auto"))
            parts += [rich.Text(), drawn]
        return rich.Group(*parts)

    def plot(self) -> Plot:
        """Show the errors, for a terminal and for a file."""
        lines: dict[str, list[tuple[float, float, float, float]]] = {}
        for each in self._means():
            low, high = each.over_seeds or each.over_images
            x = each.n_train if self.axis == "limit" else each.x
            lines.setdefault(each.line, []).append((x, 1 - each.accuracy, 1 - high, 1 - low))
        series = []
        for name, points in lines.items():
            x, y, low, high = np.array(sorted(points)).T
            intervals = np.stack([np.stack([x, low], 1), np.stack([x, high], 1)], axis=1)
            said = f"C = {name}" if self.lines_by == "C" else name
            series.append(Series(said, np.stack([x, y], axis=1), "joined", intervals))
        every = [point for points in lines.values() for point in points]
        task = ", ".join(dict.fromkeys(point.task for point in self.points))
        return Plot(
            f"{task} on {self.points[0].dataset}",
            places_axis((x for x, *_ in every), title=_TITLES.get(self.axis, self.axis)),
            axis_for(
                (y for _, *ys in every for y in ys),
                title="errors on the test images",
                word=share_word,
            ),
            tuple(series),
        )

    def _means(self) -> list[MeanPoint]:
        return means(self.points, self.axis, self.lines_by)

    def _legend(self) -> str:
        n_test = self.points[0].n_test
        means_ = self._means()
        n_seeds = max(each.n_seeds for each in means_)
        over = "95 % intervals over the images: were other test images drawn"
        if n_seeds == 1:
            return f"{over}; {n_test:,} test images"
        return (
            f"means of {n_seeds} seeds; 95 % intervals over the seeds: were others drawn;\n{over}"
        )


def _word(x: Any) -> str:
    return f"{x:,}" if isinstance(x, int) else f"{x:g}" if isinstance(x, float) else str(x)
