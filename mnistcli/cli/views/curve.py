"""Learning curves as tables, documents and charts."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from mnistcli.cli.content.numbers import percent, percent_span, seconds, span
from mnistcli.cli.content.parts import Plots, Table, Words
from mnistcli.cli.content.plots import Plot, Series, axis_for, places_axis, share_word
from mnistcli.cli.output import Answer, json_text, pick
from mnistcli.cli.words import visible
from mnistcli.learning_curves import Curve, CurvePoint, MeanPoint

# Axes that a line can be drawn over.
NUMBERS = ("limit", "C", "strength")


def point_line(point: CurvePoint) -> str:
    """Write a point as a JSON line."""
    return json_text("point", pick(point), indent=None)


def curve_answer(curve: Curve, *, is_for_paper: bool = False) -> Answer:
    """Show a curve; rows are those of its table for a paper, and else its points."""
    points, found = curve.points, curve.means
    best = max(found, key=lambda each: each.accuracy)
    table, legend = _table(curve), _legend(curve, best)
    plots = [_plot(curve, legend)] if curve.axis in NUMBERS else []
    rows: list[Sequence[object]] = [[each.name for each in fields(CurvePoint)]]
    rows += ([*pick(point).values()] for point in points)
    return Answer(
        "curve",
        {"axis": curve.axis, "lines": curve.lines, "points": points, "means": found},
        [" ".join(filter(None, (best.line, _word(best.x).replace(",", ""))))],
        [table, Words(legend), *([Plots(plots)] if plots else [])],
        [table.headings, *table.rows] if is_for_paper else rows,
        panels=plots,
    )


def _legend(curve: Curve, best: MeanPoint) -> str:
    first, n = curve.points[0], max(each.n_seeds for each in curve.means)
    over = "95 % intervals over the images: were other test images drawn"
    if n > 1:
        over = f"means of {n} seeds; 95 % intervals over the seeds: were others drawn;\n{over}"
    if curve.is_beside:
        over = f"less first: points of accuracy, less {visible(str(first.model))}\n{over}"
    named = (curve.lines, best.line), (curve.axis, _word(best.x))
    where = ", ".join(f"{name} {value}" for name, value in named if name not in (None, "limit"))
    n_seeds = f", the mean of {best.n_seeds} seeds" if best.n_seeds > 1 else ""
    seeds = f"over the seeds {percent_span(best.over_seeds)}, " if best.over_seeds else ""
    return (
        f"{over}\nBest{' with ' + where if where else ''}: {percent(best.accuracy)} of "
        f"{first.n_test:,} test images right{n_seeds}, with {best.n_train:,} training images "
        f"(95 % intervals: {seeds}over the images {percent_span(best.over_images)})."
    )


def _table(curve: Curve) -> Table:
    found, lines = curve.means, (curve.lines,) if curve.lines else ()
    seeds = ("over seeds",) if any(each.over_seeds for each in found) else ()
    axis, last = curve.title.partition(",")[0], "less first" if curve.is_beside else "fit"
    headings = (*lines, axis, "accuracy", *seeds, "over images", "log loss", last)
    rows = [
        [
            *(each.line for _ in lines),
            _word(each.n_train if curve.axis == "limit" else each.x),
            percent(each.accuracy),
            *(span(each.over_seeds) if each.over_seeds else "" for _ in seeds),
            span(each.over_images),
            f"{each.log_loss:.4f}",
            _last_cell(curve, each),
        ]
        for each in found
    ]
    return Table(headings, "l" * len(lines) + "r" * (len(headings) - len(lines)), rows)


def _last_cell(curve: Curve, each: MeanPoint) -> str:
    """Say what the training took, or how much better a model is than the first."""
    if not curve.is_beside:
        missed = f" ({each.n_not_converged} not converged)" if each.n_not_converged else ""
        return seconds(each.fit_seconds) + missed
    point = next(p for p in curve.points if (p.model, p.strength) == (each.line, each.x))
    better = (point.difference, point.difference_low, point.difference_high)
    shares = [100 * share for share in better if share is not None]
    return "{:+.2f} ({:+.2f} to {:+.2f})".format(*shares) if shares else ""


def _plot(curve: Curve, legend: str) -> Plot:
    lines: dict[str, list[tuple[float, ...]]] = {}
    for each in curve.means:
        low, high = each.over_seeds or each.over_images
        x = each.n_train if curve.axis == "limit" else each.x
        name = f"C = {each.line}" if curve.lines == "C" else each.line
        lines.setdefault(name, []).append((x, 1 - each.accuracy, 1 - high, 1 - low))
    every = np.concatenate([*lines.values()])
    return Plot(
        f"{', '.join(dict.fromkeys(p.task for p in curve.points))} on {curve.points[0].dataset}",
        places_axis(every[:, 0].tolist(), title=curve.title),
        axis_for(every[:, 1:].flat, title="errors on the test images", word=share_word),
        tuple(Series.measured(name, np.array(sorted(at)), "joined") for name, at in lines.items()),
        legend,
    )


def _word(x: Any) -> str:
    return f"{x:,}" if isinstance(x, int) else f"{x:g}" if isinstance(x, float) else str(x)
