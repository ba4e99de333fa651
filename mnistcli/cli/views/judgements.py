"""Thresholds, calibration and curves of an evaluation, for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mnistcli.cli.numbers import decimal, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from mnistcli.cli.terminal.capabilities import Render
    from mnistcli.evaluation import JudgedModel
    from mnistcli.metrics.classification import Evaluation
    from mnistcli.metrics.curves import ClassCurves

# How much of the unit square a plot may show: the corner that the curve bends around.
_ZOOMS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_PLOT_LINES, _WIDEST_PLOT = 16, 50


def describe_threshold(judged: JudgedModel) -> str:
    """Say from where on the positive class is answered, and who chose that on which images."""
    threshold, positive = judged.threshold, judged.model.card.class_names[1]
    if threshold is None:
        return ""
    text = f"{positive} from a probability of {threshold.value:g} on"
    if threshold.target is None or threshold.precision is None or threshold.recall is None:
        return text
    other = "recall" if threshold.target.metric == "precision" else "precision"
    reached = threshold.recall if other == "recall" else threshold.precision
    text += f"\nchosen on {threshold.chosen_on} for {threshold.target} ({other} {reached:.4f})"
    is_same = threshold.chosen_on == judged.on
    return text + ("\nthese are the images judged here: on others it may miss" if is_same else "")


def reliability_table(evaluation: Evaluation, class_names: tuple[str, ...]) -> RenderableType:
    """Draw what was said beside what was true of it, for each range of probability."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    is_binary = len(class_names) == 2
    said = f"probability of {class_names[1]}" if is_binary else "probability of the answer"
    table = Table(box=box.SIMPLE_HEAD, title="calibration", title_justify="left", pad_edge=False)
    table.add_column(said, justify="right")
    table.add_column("images", justify="right")
    table.add_column("said", justify="right")
    true = Text.assemble(
        f"were {class_names[1]}" if is_binary else "were right", ("  95 %", "not bold dim")
    )
    table.add_column(true, justify="right")
    for each in evaluation.reliability:
        if each.n_samples:
            share = Text.assemble(
                f"{decimal(each.share)} ", (span(each.share_interval).rjust(9), "dim")
            )
            limits = f"{each.low:.1f} to {each.high:.1f}"
            table.add_row(limits, f"{each.n_samples:,}", decimal(each.mean_probability), share)
    return table


def curves_drawing(
    curves: Sequence[ClassCurves], console: Console, render: Render
) -> RenderableType:
    """Draw the ROC curve beside the precision-recall curve; of several classes the worst one's."""
    from rich.console import Group
    from rich.text import Text

    from mnistcli.cli.terminal.layout import beside, stacked
    from mnistcli.cli.terminal.pictures import usable_width
    from mnistcli.cli.terminal.plots import draws_plainly, line_plot
    from mnistcli.metrics.curves import worst_of

    worst = worst_of(curves)
    rates = worst.roc.false_positive_rate, worst.roc.true_positive_rate
    if np.isnan(rates).any():
        return Text(f"no curves: all images, or none, are of the class {worst.name}")
    usable = usable_width(console)
    gap, is_wide = 4, usable >= 60
    width = min(_WIDEST_PLOT, (usable - gap) // 2 if is_wide else usable)
    plain = draws_plainly(console, render)
    size = (max(width, 20), _PLOT_LINES)
    zoom = _zoom(rates[0], 1 - rates[1])
    roc = line_plot(
        *rates,
        x_range=(0.0, zoom),
        y_range=(1 - zoom, 1.0),
        names=("false positives", "recall"),
        title=f"ROC of {worst.name}, area {decimal(worst.roc_auc, digits=6)}",
        size=size,
        plain=plain,
    )
    precision, recall = worst.precision_recall.precision, worst.precision_recall.recall
    zoom = _zoom(1 - precision, 1 - recall)
    precision_recall = line_plot(
        recall,
        precision,
        x_range=(1 - zoom, 1.0),
        y_range=(1 - zoom, 1.0),
        names=("recall", "precision"),
        title=f"precision, average {decimal(worst.average_precision, digits=6)}",
        size=size,
        plain=plain,
    )
    plots = [roc, precision_recall]
    drawing = beside(plots, gap) if is_wide else stacked(plots)
    if len(curves) == 1:
        return drawing
    which = f"{worst.name} against the rest: of the {len(curves)} classes the smallest area"
    return Group(drawing, Text(which, style="dim"))


def _zoom(*distances: np.ndarray) -> float:
    """Choose how large a corner to draw: five times as large as the curve stays away from it."""
    nearest = float(np.maximum(*distances).min())
    return next((zoom for zoom in _ZOOMS if zoom >= 5 * nearest > 0), 1.0)
