"""What plots show, whatever draws them: axes with round ticks, series of points with intervals."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from mnistcli.arrays import Float64s
from mnistcli.cli.content.numbers import decimal
from mnistcli.metrics.catalog import ReliabilityBin

if TYPE_CHECKING:
    from mnistcli.metrics.curves import ClassCurves

# How many ticks there are, about; of places something was measured at, at most.
_N_TICKS, _MOST_PLACES = 5, 10
Word = Callable[[float], str]  # writes a number at a tick
_RIM = 0.04  # what an axis has more at either end


class Axis(NamedTuple):
    """A range of numbers, where each is between 0 and 1, and how its ticks are written."""

    low: float
    high: float
    is_log: bool
    ticks: tuple[float, ...]
    title: str = ""
    word: Word = "{:g}".format

    def place(self, values: Float64s | float) -> Float64s:
        """Return where values are; outside of the range less than 0 or more than 1."""
        low, high, values = self.low, self.high, np.asarray(values, np.float64)
        if self.is_log:
            low, high, values = math.log(low), math.log(high), np.log(np.maximum(values, low / 10))
        return np.asarray((values - low) / (high - low))


class Series(NamedTuple):
    """Points of shape (n, 2), x and y, and both ends of an interval of each, of shape (n, 2, 2).

    A line may be faint, one of others, or the ideal; "joined" are marks with a line through them.
    """

    name: str
    points: Float64s
    kind: Literal["line", "faint", "ideal", "joined", "marks"] = "line"
    intervals: Sequence[Float64s] | Float64s = ()

    @classmethod
    def measured(
        cls, name: str, rows: Float64s, kind: Literal["joined", "marks"], *, across: bool = False
    ) -> "Series":
        """Make a series of rows of x, y, and both ends of an interval of y, or ``across`` of x."""
        x, y, low, high = rows.T
        ends = np.stack((low, y, high, y) if across else (x, low, x, high), axis=1)
        return cls(name, rows[:, :2], kind, ends.reshape(-1, 2, 2))


class Plot(NamedTuple):
    """Series on two axes, the last drawn last; bars go from x to x, and up to y."""

    title: str
    across: Axis
    up: Axis
    series: tuple[Series, ...]
    note: str = ""
    bars: Sequence[tuple[float, float, float]] = ()
    aspect: float = 0.62  # the height of the field over its width

    def place(self, points: Float64s) -> Float64s:
        """Return where points are in the field: x to the right and y up, each from 0 to 1."""
        return np.stack([self.across.place(points[:, 0]), self.up.place(points[:, 1])], axis=1)

    @property
    def marked(self) -> list[Series]:
        """The series whose points have marks, which are numbered in this order."""
        return [each for each in self.series if each.kind in ("joined", "marks")]


def axis_for(values: Iterable[float], *, title: str = "", word: Word = "{:g}".format) -> Axis:
    """Return an axis on which all values are, logarithmic where they ask for it."""
    known = [value for value in values if math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if low > 0 and high / low > 8.0:  # told apart on a logarithmic axis only
        more = (high / low) ** _RIM
        low, high = low / more, high * more
        return Axis(low, high, True, _log_ticks(low, high), title, word)  # noqa: FBT003
    if low == high:
        low, high = low - (abs(low) / 10 or 1.0), high + (abs(high) / 10 or 1.0)
    least, more = (high - low) / _N_TICKS, _RIM * (high - low)
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= least * (1 - 1e-9))
    low, high = low - min(more, low) if low >= 0 else low - more, high + more
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = tuple(i * step for i in range(first, last + 1))
    return Axis(low, high, False, ticks, title, word)  # noqa: FBT003


def _log_ticks(low: float, high: float) -> tuple[float, ...]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [d * 10.0**e for e in decades for d in digits]
        within = [t for t in ticks if low * (1 - 1e-9) <= t <= high * (1 + 1e-9)]
        if len(within) <= _N_TICKS + 2:
            break
    every = math.ceil(len(within) / (_N_TICKS + 2))
    return tuple(within[::every])


def places_axis(values: Iterable[float], *, title: str) -> Axis:
    """Return the axis of places where something was measured, which are its ticks if few."""
    places = sorted(set(values))
    axis = axis_for(places, title=title, word=lambda x: f"{x:,.0f}" if x == int(x) else f"{x:g}")
    return axis._replace(ticks=tuple(places)) if len(places) <= _MOST_PLACES else axis


def fitting(title: str, width: float) -> str:
    """Leave the explanation of a title away, "recall: of the class, found", where it has no room."""
    return title if len(title) <= width else title.partition(":")[0]


def share_word(share: float) -> str:
    """Write a share at a tick."""
    return f"{100 * share:.4g} %"


def _share_axis(low: float, high: float, title: str) -> Axis:
    ticks = tuple(low + (high - low) * i / 5 for i in range(6))
    return Axis(low, high, is_log=False, ticks=ticks, title=title, word=share_word)


def curve_plots(curves: "Sequence[ClassCurves]") -> list[Plot]:
    """Show ROC curves, and precision against recall as steps; nothing without a class to judge by.

    Of both only the corner in which they bend, which is four times as large as the curve farthest
    from it stays away.
    """
    curves = [each for each in curves if np.isfinite(each.roc_auc)]
    if not curves:
        return []
    roc = [(each.roc.false_positive_rate, each.roc.true_positive_rate) for each in curves]
    found = (each.precision_recall for each in curves)
    steps = [(np.repeat(each.recall, 2)[1:], np.repeat(each.precision, 2)[:-1]) for each in found]
    titles = (
        "false positive rate: of the others, taken for it",
        "true positive rate: of the class, found",
    )
    first = _curve_plot(curves, roc, "roc_auc", 0.0, "ROC", titles)
    titles = "recall: of the class, found", "precision: of the found, right"
    return [first, _curve_plot(curves, steps, "average_precision", 1.0, "precision", titles)]


def _curve_plot(
    curves: "Sequence[ClassCurves]",
    points: Sequence[tuple[Float64s, Float64s]],
    by: Literal["roc_auc", "average_precision"],
    ideal_x: float,
    title: str,
    titles: tuple[str, str],
) -> Plot:
    """Show curves that are best where they come near to (ideal_x, 1), and that corner only."""
    from mnistcli.metrics.curves import corner_for, worst_of

    worst, lines = worst_of(curves, by), [np.stack(each, axis=1) for each in points]
    distances = [np.abs(line - (ideal_x, 1.0)).max(axis=1).min() for line in lines]
    window = corner_for(4 * float(max(distances)))
    pairs = zip(curves, lines, strict=True)
    series = [Series(each.name, line, "line" if each is worst else "faint") for each, line in pairs]
    series.sort(key=lambda each: each.kind == "line")  # which is drawn over the others
    area, side = ("average", "right") if ideal_x else ("area", "left")
    note = f"The strong line is {worst.name}, the worst. " * (len(curves) > 1)
    if window < 1.0:
        note += f"This is the upper {side} corner, enlarged {1 / window:g} times."
    low = ideal_x and 1.0 - window
    across = _share_axis(low, low + window, titles[0])
    up = _share_axis(1.0 - window, 1.0, titles[1])
    title += f" of {worst.name}: {area} {decimal(getattr(worst, by), digits=6)}"
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
    rows = [(each.mean_probability, each.share, *each.share_interval) for each in known]
    ideal = Series("", np.array([(0.0, 0.0), (1.0, 1.0)]), "ideal")
    rim = 0.1 / len(bins)
    return Plot(
        "Reliability",
        _share_axis(0.0, 1.0, said),
        _share_axis(0.0, 1.0, came_true),
        (ideal, Series.measured(came_true, np.array(rows), "marks")),
        "On the diagonal a probability means what it says. With 95 % intervals; the bars "
        "count the images, on a logarithmic scale.",
        [(b.low + rim, b.high - rim, 0.13 * math.log10(1 + b.n_samples) / most) for b in known],
        aspect=1.0,
    )
