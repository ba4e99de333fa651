"""Learning curves as tables, documents and charts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from mnistcli.cli import rich
from mnistcli.cli.charts import Series
from mnistcli.cli.numbers import percent, seconds, span
from mnistcli.cli.output import View, json_text
from mnistcli.cli.views.shared import ruled_table
from mnistcli.cli.words import visible
from mnistcli.learning_curves import CurvePoint, MeanPoint, means

if TYPE_CHECKING:
    from mnistcli.cli.report.html import Markup

_RECORD_SCHEMA = "point"
_CHART_LINES = 16
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
            from mnistcli.cli.terminal.chart import chart
            from mnistcli.cli.terminal.plots import draws_plainly

            width = min(console.width, _WIDEST_CHART)
            plain = draws_plainly(console, "auto")
            drawn = chart(
                self._series(),
                names=self._names(),
                size=(width, _CHART_LINES),
                plain=plain,
                tick=_tick,
            )
            parts += [rich.Text(), drawn]
        return rich.Group(*parts)

    def svg(self) -> Markup:
        """Draw the chart as a file that stands alone."""
        from mnistcli.cli.report.chart import chart

        task = ", ".join(dict.fromkeys(point.task for point in self.points))
        title = f"Errors of {task} on {self.points[0].dataset}"
        return chart(self._series(), names=self._names(), title=title, tick=_tick)

    def _means(self) -> list[MeanPoint]:
        return means(self.points, self.axis, self.lines_by)

    def _names(self) -> tuple[str, str]:
        return _TITLES.get(self.axis, self.axis), "errors on the test images"

    def _series(self) -> list[Series]:
        lines: dict[str, list[tuple[float, float, float, float]]] = {}
        for each in self._means():
            low, high = each.over_seeds or each.over_images
            x = each.n_train if self.axis == "limit" else each.x
            lines.setdefault(each.line, []).append((x, 1 - each.accuracy, 1 - high, 1 - low))
        return [Series(name, tuple(sorted(points))) for name, points in lines.items()]

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


def _tick(share: float) -> str:
    return f"{100 * share:.3g} %"
