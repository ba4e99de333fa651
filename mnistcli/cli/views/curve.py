"""Learning curves as tables, documents and charts."""

from collections.abc import Sequence
from dataclasses import fields
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


def drawn_curve(
    points: Sequence[CurvePoint], axis: str, lines: str | None, *, is_for_paper: bool = False
) -> Answer:
    """Show points that differ in ``axis`` and ``lines``; for a paper rows are those of the table."""
    found, first = means(points, axis, lines), points[0]
    best = max(found, key=lambda each: each.accuracy)
    title = "training images" if axis == "limit" else axis
    if first.disturb:
        title = f"{first.disturb}, {DISTURBANCES[first.disturb][1]}"
    over = "95 % intervals over the images: were other test images drawn"
    if (n_seeds := max(each.n_seeds for each in found)) > 1:
        over = (
            f"means of {n_seeds} seeds; 95 % intervals over the seeds: were others drawn;\n{over}"
        )
    if _is_beside(points):
        over = f"less first: points of accuracy, less {first.model}\n{over}"
    named = (lines, best.line), (axis, _word(best.x))
    where = ", ".join(f"{name} {value}" for name, value in named if name not in (None, "limit"))
    legend = f"{over}\n{curve_sentence(best, where, first.n_test)}"
    table, plots = _table(points, found, axis, lines, title), list[Plot]()
    if axis in NUMBERS:
        plots = [_plot(points, found, axis, lines, title, legend)]
    rows: list[Sequence[object]] = [[each.name for each in fields(CurvePoint)]]
    rows += ([*picked(point).values()] for point in points)
    return Answer(
        "curve",
        {"axis": axis, "lines": lines, "points": points, "means": found},
        [" ".join(filter(None, (best.line, _word(best.x).replace(",", ""))))],
        [table, Words(legend), *([Plots(plots)] if plots else [])],
        [table.headings, *table.rows] if is_for_paper else rows,
        panels=plots,
    )


def _is_beside(points: Sequence[CurvePoint]) -> bool:
    return any(point.difference is not None for point in points)


def _table(
    points: Sequence[CurvePoint],
    found: Sequence[MeanPoint],
    axis: str,
    lines: str | None,
    title: str,
) -> Table:
    """Show the means with their intervals, and what a training took, or how much better it is."""

    def last(each: MeanPoint) -> str:
        if not _is_beside(points):
            missed = f" ({each.n_not_converged} not converged)" if each.n_not_converged else ""
            return seconds(each.fit_seconds) + missed
        point = next(p for p in points if (p.model, p.strength) == (each.line, each.x))
        if point.difference_low is None or point.difference_high is None:
            return ""
        better = (point.difference or 0.0, point.difference_low, point.difference_high)
        return "{:+.2f} ({:+.2f} to {:+.2f})".format(*(100 * share for share in better))

    named = (lines,) if lines else ()
    seeds = ("over seeds",) if any(each.over_seeds for each in found) else ()
    tail = "less first" if _is_beside(points) else "fit"
    headings = (
        *named,
        title.partition(",")[0],
        "accuracy",
        *seeds,
        "over images",
        "log loss",
        tail,
    )
    rows = [
        [
            *(each.line for _ in named),
            _word(each.n_train if axis == "limit" else each.x),
            percent(each.accuracy),
            *(span(each.over_seeds) if each.over_seeds else "" for _ in seeds),
            span(each.over_images),
            f"{each.log_loss:.4f}",
            last(each),
        ]
        for each in found
    ]
    return Table(headings, "l" * len(named) + "r" * (len(headings) - len(named)), rows)


def _plot(
    points: Sequence[CurvePoint],
    found: Sequence[MeanPoint],
    axis: str,
    lines: str | None,
    title: str,
    legend: str,
) -> Plot:
    """Show the errors, for a terminal and for a file."""
    places: dict[str, list[tuple[float, ...]]] = {}
    for each in found:
        low, high = each.over_seeds or each.over_images
        x = each.n_train if axis == "limit" else each.x
        name = f"C = {each.line}" if lines == "C" else each.line
        places.setdefault(name, []).append((x, 1 - each.accuracy, x, 1 - high, x, 1 - low))
    every = np.concatenate([*places.values()])
    return Plot(
        f"{', '.join(dict.fromkeys(point.task for point in points))} on {points[0].dataset}",
        places_axis(every[:, 0].tolist(), title=title),
        axis_for(every[:, 1::2].flat, title="errors on the test images", word=share_word),
        tuple(Series.measured(name, np.array(sorted(at)), "joined") for name, at in places.items()),
        legend,
    )


def _word(x: Any) -> str:
    return f"{x:,}" if isinstance(x, int) else f"{x:g}" if isinstance(x, float) else str(x)
