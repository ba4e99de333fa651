"""What plots show, whatever draws them: axes with round ticks, series of points with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mnistcli.cli.numbers import decimal, percent
from mnistcli.metrics.calibration import ReliabilityBin
from mnistcli.metrics.curves import ClassCurves, corner_for, worst_of

_Floats = NDArray[np.float64]

# Values that span more than this are told apart on a logarithmic axis only.
_LINEAR_SPAN = 8.0
_MOST_PLACES = 10
_RIM = 0.04  # what an axis has more at either end


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of numbers, where each is between 0 and 1, and how its ticks are written."""

    low: float
    high: float
    is_log: bool
    ticks: tuple[float, ...]
    title: str = ""
    word: Callable[[float], str] = "{:g}".format

    def place(self, values: _Floats | float) -> _Floats:
        """Return where values are; outside of the range less than 0 or more than 1."""
        low, high, values = self.low, self.high, np.asarray(values, np.float64)
        if self.is_log:
            low, high, values = math.log(low), math.log(high), np.log(np.maximum(values, low / 10))
        return np.asarray((values - low) / (high - low))


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Points of shape (n, 2), x and y; intervals of shape (n, 2, 2), from end to end.

    A line may be faint, one of others, or the ideal; "joined" are marks with a line through them.
    """

    name: str
    points: _Floats
    kind: Literal["line", "faint", "ideal", "joined", "marks"] = "line"
    intervals: _Floats | tuple[()] = ()
    words: Sequence[str] = ()  # of each point, where a mouse rests


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """Series on two axes, the last drawn last; bars go from x to x, and up to y."""

    title: str
    across: Axis
    up: Axis
    series: tuple[Series, ...]
    note: str = ""
    bars: Sequence[tuple[float, float, float]] = ()
    aspect: float = 0.62  # the height of the field over its width

    def place(self, points: _Floats) -> _Floats:
        """Return where points are in the field: x to the right and y up, each from 0 to 1."""
        return np.stack([self.across.place(points[:, 0]), self.up.place(points[:, 1])], axis=1)


def axis_for(
    values: Iterable[float],
    *,
    title: str = "",
    word: Callable[[float], str] = "{:g}".format,
    n_ticks: int = 5,
) -> Axis:
    """Return an axis on which all values are, logarithmic where they ask for it."""
    known = [value for value in values if math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if low > 0 and high / low > _LINEAR_SPAN:
        more = (high / low) ** _RIM
        low, high = low / more, high * more
        return Axis(low, high, True, _log_ticks(low, high, n_ticks), title, word)  # noqa: FBT003
    if low == high:
        low, high = low - (abs(low) / 10 or 1.0), high + (abs(high) / 10 or 1.0)
    step, more = _round_step((high - low) / n_ticks), _RIM * (high - low)
    low, high = low - min(more, low) if low >= 0 else low - more, high + more
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = tuple(i * step for i in range(first, last + 1))
    return Axis(low, high, False, ticks, title, word)  # noqa: FBT003


def _round_step(least: float) -> float:
    """Return the least of 1, 2 and 5 times a power of ten that is not less."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= least * (1 - 1e-9))


def _log_ticks(low: float, high: float, n_ticks: int) -> tuple[float, ...]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [d * 10.0**e for e in decades for d in digits]
        within = [t for t in ticks if low * (1 - 1e-9) <= t <= high * (1 + 1e-9)]
        if len(within) <= n_ticks + 2:
            break
    every = math.ceil(len(within) / (n_ticks + 2))
    return tuple(within[::every])


def places_axis(values: Iterable[float], *, title: str) -> Axis:
    """Return the axis of places where something was measured, which are its ticks if few."""
    places = sorted(set(values))
    axis = axis_for(places, title=title, word=lambda x: f"{x:,}" if x == int(x) else f"{x:g}")
    return replace(axis, ticks=tuple(places)) if len(places) <= _MOST_PLACES else axis


def share_word(share: float) -> str:
    """Write a share at a tick."""
    return f"{100 * share:.4g} %"


def _share_axis(low: float, high: float, title: str) -> Axis:
    ticks = tuple(low + (high - low) * i / 5 for i in range(6))
    return Axis(low, high, is_log=False, ticks=ticks, title=title, word=share_word)


def roc_plot(curves: Sequence[ClassCurves]) -> Plot:
    """Show ROC curves, or the corner of the square in which they bend."""
    return _curve_plot(
        curves,
        [
            np.stack([each.roc.false_positive_rate, each.roc.true_positive_rate], axis=1)
            for each in curves
        ],
        worst=worst_of(curves),
        ideal_x=0.0,
        title="ROC curve",
        x_title="false positive rate: of the others, taken for it",
        y_title="true positive rate: of the class, found",
    )


def precision_recall_plot(curves: Sequence[ClassCurves]) -> Plot:
    """Show precision against recall, as steps, or the corner in which they bend."""
    points = []
    for each in curves:
        recall, precision = each.precision_recall.recall, each.precision_recall.precision
        points.append(np.stack([np.repeat(recall, 2)[1:], np.repeat(precision, 2)[:-1]], axis=1))
    return _curve_plot(
        curves,
        points,
        worst=worst_of(curves, "average_precision"),
        ideal_x=1.0,
        title="Precision and recall",
        x_title="recall: of the class, found",
        y_title="precision: of the found, right",
    )


def _curve_plot(
    curves: Sequence[ClassCurves],
    points: Sequence[_Floats],
    *,
    worst: ClassCurves,
    ideal_x: float,
    title: str,
    x_title: str,
    y_title: str,
) -> Plot:
    """Show curves that are best where they come near to (ideal_x, 1), and that corner only.

    It is four times as large as the curve farthest from it stays away.
    """
    known = [each for each in points if np.isfinite(each).all()]
    distances = [np.abs(each - (ideal_x, 1.0)).max(axis=1).min() for each in known]
    window = corner_for(4 * float(max(distances, default=1.0)))
    is_left = ideal_x == 0.0
    # The worst is drawn last, over the others.
    series = sorted(
        (
            Series(each.name, line, "line" if each is worst else "faint")
            for each, line in zip(curves, points, strict=True)
            if np.isfinite(line).all()
        ),
        key=lambda each: each.kind == "line",
    )
    which = worst.name if len(curves) == 1 else f"The strong line is the worst, {worst.name}"
    area = f"area {decimal(worst.roc_auc, digits=6)}"
    if not is_left:
        area = f"average precision {decimal(worst.average_precision, digits=6)}"
    note = f"{which}: {area}."
    if window < 1.0:
        corner = "upper left" if is_left else "upper right"
        note += f" This is the {corner} corner, enlarged {1 / window:g} times."
    low = 0.0 if is_left else 1.0 - window
    across, up = _share_axis(low, low + window, x_title), _share_axis(1.0 - window, 1.0, y_title)
    return Plot(title, across, up, tuple(series), note, aspect=1.0)


def reliability_words(class_names: Sequence[str]) -> tuple[str, str]:
    """Describe what is compared: the probability of what, and how often it came true."""
    if len(class_names) == 2:
        return f"probability of {class_names[1]}", f"share that is {class_names[1]}"
    return "probability of the answer", "share of right answers"


def reliability_plot(bins: Sequence[ReliabilityBin], class_names: Sequence[str]) -> Plot:
    """Show what was true beside what was said, with intervals, and how often it was said."""
    said, came_true = reliability_words(class_names)
    known = [each for each in bins if each.n_samples]
    most = math.log10(1 + max(each.n_samples for each in known))
    width = 0.8 / len(bins)
    middles = [(each.low + each.high) / 2 for each in known]
    shares = Series(
        came_true,
        np.array([(each.mean_probability, each.share) for each in known]),
        "marks",
        np.array([[(each.mean_probability, end) for end in each.share_interval] for each in known]),
        [
            f"said {percent(each.mean_probability)}, true {percent(each.share)} "
            f"of {each.n_samples:,} images"
            for each in known
        ],
    )
    return Plot(
        "Reliability",
        _share_axis(0.0, 1.0, said),
        _share_axis(0.0, 1.0, came_true),
        (Series("", np.array([(0.0, 0.0), (1.0, 1.0)]), "ideal"), shares),
        "On the diagonal a probability means what it says. With 95 % intervals; the bars "
        "count the images, on a logarithmic scale.",
        [
            (middle - width / 2, middle + width / 2, 0.13 * math.log10(1 + each.n_samples) / most)
            for middle, each in zip(middles, known, strict=True)
        ],
        aspect=1.0,
    )
