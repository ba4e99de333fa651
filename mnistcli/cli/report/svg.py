"""Curves as small SVG drawings, whose colours come from the page's style sheet."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistcli.cli.numbers import decimal, percent
from mnistcli.cli.report.html import Markup, tag
from mnistcli.metrics.calibration import ReliabilityBin
from mnistcli.metrics.curves import ClassCurves, corner_for, worst_of

Points = tuple[NDArray[np.float64], NDArray[np.float64]]

_WIDTH, _HEIGHT = 348.0, 344.0
_LEFT, _TOP, _SIDE = 56.0, 26.0, 268.0
_N_TICKS = 5
_TALLEST_BAR = 36.0


@dataclass(frozen=True, slots=True)
class _Frame:
    """The part of the unit square that a plot shows, and where that is in the drawing."""

    x_low: float = 0.0
    x_high: float = 1.0
    y_low: float = 0.0

    def x(self, value: float) -> float:
        return _LEFT + _SIDE * (value - self.x_low) / (self.x_high - self.x_low)

    def y(self, value: float) -> float:
        return _TOP + _SIDE * (1.0 - value) / (1.0 - self.y_low)

    def path(self, points: Points) -> str:
        """Join points by lines; what is outside is cut off by the clip path.

        A curve of ten thousand samples has thousands of points, most of them in the same place.
        """
        x = np.round(_LEFT + _SIDE * (points[0] - self.x_low) / (self.x_high - self.x_low), 1)
        y = np.round(_TOP + _SIDE * (1.0 - points[1]) / (1.0 - self.y_low), 1)
        inside = (x >= _LEFT - 1) & (x <= _LEFT + _SIDE + 1) & (y <= _TOP + _SIDE + 1)
        # One neighbour on either side, so that the line leaves the frame where it should.
        inside = inside | np.append(inside[1:], False) | np.append(False, inside[:-1])
        moved = np.append(True, (np.diff(x) != 0) | (np.diff(y) != 0))
        kept = inside & moved
        if not kept.any():
            return ""
        return "M" + "L".join(f"{a:g} {b:g}" for a, b in zip(x[kept], y[kept], strict=True))


def roc_plot(curves: Sequence[ClassCurves]) -> Markup:
    """Draw ROC curves, or the corner of the square in which they bend."""
    return _curve_plot(
        curves,
        [(each.roc.false_positive_rate, each.roc.true_positive_rate) for each in curves],
        worst=worst_of(curves),
        ideal_x=0.0,
        title="ROC curve",
        x_title="false positive rate: of the others, taken for it",
        y_title="true positive rate: of the class, found",
    )


def precision_recall_plot(curves: Sequence[ClassCurves]) -> Markup:
    """Draw precision against recall, as steps, or the corner in which they bend."""
    points = []
    for each in curves:
        recall, precision = each.precision_recall.recall, each.precision_recall.precision
        points.append((np.repeat(recall, 2)[1:], np.repeat(precision, 2)[:-1]))
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
    points: Sequence[Points],
    *,
    worst: ClassCurves,
    ideal_x: float,
    title: str,
    x_title: str,
    y_title: str,
) -> Markup:
    """Draw curves that are best where they come near to (ideal_x, 1), and that corner only.

    It is four times as large as the curve farthest from it stays away.
    """
    distances = [np.maximum(np.abs(x - ideal_x), 1.0 - y) for x, y in points]
    known = [float(np.nanmin(each)) for each in distances if np.isfinite(each).any()]
    window = corner_for(4 * max(known, default=1.0))
    is_left = ideal_x == 0.0
    frame = _Frame(0.0 if is_left else 1.0 - window, window if is_left else 1.0, 1.0 - window)
    side = _SIDE + 4.0  # a line on the edge is as thick as others
    inside = tag("rect", x=_LEFT - 2, y=_TOP - 2, width=side, height=side)
    clip = "roc" if is_left else "precision-recall"
    drawn = [tag("clipPath", inside, id=clip)]
    # The worst is drawn last, over the others.
    for each, line in sorted(zip(curves, points, strict=True), key=lambda pair: pair[0] is worst):
        drawn.append(
            tag(
                "path",
                tag("title", each.name),
                d=frame.path(line),
                class_="curve" if each is worst else "faint",
                clip_path=f"url(#{clip})",
            )
        )
    which = worst.name if len(curves) == 1 else f"In colour the worst, {worst.name}"
    area = f"area {decimal(worst.roc_auc, digits=6)}"
    if not is_left:
        area = f"average precision {decimal(worst.average_precision, digits=6)}"
    note = f"{which}: {area}."
    if window < 1.0:
        corner = "upper left" if is_left else "upper right"
        note += f" This is the {corner} corner, enlarged {1 / window:g} times."
    return _figure(frame, drawn, title=title, x_title=x_title, y_title=y_title, note=note)


def reliability_plot(bins: Sequence[ReliabilityBin], said: str, came_true: str) -> Markup:
    """Draw what was true beside what was said, with intervals, and how often it was said."""
    frame = _Frame()
    known = [each for each in bins if each.n_samples]
    most = max(each.n_samples for each in known)
    marks = [
        tag("path", d=frame.path((np.array([0.0, 1.0]), np.array([0.0, 1.0]))), class_="ideal")
    ]
    for each in known:
        x, (low, high) = frame.x(each.mean_probability), each.share_interval
        text = (
            f"said {percent(each.mean_probability)}, true {percent(each.share)} "
            f"of {each.n_samples:,} images"
        )
        bar = _TALLEST_BAR * math.log10(1 + each.n_samples) / math.log10(1 + most)
        middle, width = frame.x((each.low + each.high) / 2), 0.8 * _SIDE / len(bins)
        marks += [
            tag("rect", x=middle - width / 2, y=_TOP + _SIDE - bar, width=width, height=bar,
                class_="count"),
            tag("line", x1=x, x2=x, y1=frame.y(low), y2=frame.y(high), class_="interval"),
            tag("circle", tag("title", text), cx=x, cy=frame.y(each.share), r=4, class_="dot"),
        ]  # fmt: skip
    return _figure(
        frame,
        marks,
        title="Reliability",
        x_title=said,
        y_title=came_true,
        note="On the diagonal a probability means what it says. With 95 % intervals; the bars "
        "count the images, on a logarithmic scale.",
    )


def _figure(
    frame: _Frame, drawn: Iterable[Markup], *, title: str, x_title: str, y_title: str, note: str
) -> Markup:
    return tag(
        "figure",
        tag(
            "svg",
            tag("title", f"{title}. {note}"),
            _axes(frame, x_title, y_title),
            drawn,
            viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
            role="img",
        ),
        tag("figcaption", tag("strong", title), " ", note),
        class_="plot",
    )


def _axes(frame: _Frame, x_title: str, y_title: str) -> Iterator[Markup]:
    bottom, right = _TOP + _SIDE, _LEFT + _SIDE
    for i in range(_N_TICKS + 1):
        across = frame.x_low + (frame.x_high - frame.x_low) * i / _N_TICKS
        up = frame.y_low + (1.0 - frame.y_low) * i / _N_TICKS
        x, y = frame.x(across), frame.y(up)
        yield tag("line", x1=x, x2=x, y1=_TOP, y2=bottom, class_="grid")
        yield tag("line", x1=_LEFT, x2=right, y1=y, y2=y, class_="grid")
        yield tag("text", _tick(across), x=x, y=bottom + 18, text_anchor="middle")
        yield tag("text", _tick(up), x=_LEFT - 8, y=y + 4, text_anchor="end")
    yield tag(
        "text", x_title, x=_LEFT + _SIDE / 2, y=bottom + 42, text_anchor="middle", class_="axis"
    )
    yield tag("text", y_title, x=8, y=_TOP - 14, class_="axis")


def _tick(share: float) -> str:
    return f"{100 * share:.4g} %"
