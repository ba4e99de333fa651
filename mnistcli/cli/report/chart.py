"""Series of points as an SVG file that stands alone: for slides, papers and pages."""

from collections.abc import Callable, Iterator, Sequence

from mnistcli.cli.charts import Axis, Series, axes_of
from mnistcli.cli.report.html import Markup, tag

_WIDTH, _HEIGHT = 560.0, 360.0
_LEFT, _TOP, _RIGHT, _BOTTOM = 64.0, 20.0, 20.0, 52.0
_LINE_HEIGHT = 18.0
# Okabe and Ito's colours, told apart by the colour-blind; the dashes by who prints in grey.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_DASHES = (None, "7 4", "2 3", "9 3 2 3")
_STYLE = """
svg { font: 13px sans-serif; background: #fff; --ink: #1c1c1e; --line: #dadad4; }
@media (prefers-color-scheme: dark) { svg { background: #141416; --ink: #ececee; --line: #36363c; } }
text { fill: var(--ink); } .grid { stroke: var(--line); }
"""


def chart(
    series: Sequence[Series], *, names: tuple[str, str], title: str, tick: Callable[[float], str]
) -> Markup:
    """Draw the series with their intervals; ``names`` and ``tick`` as for the terminal's chart."""
    across, up = axes_of(series)
    height = _HEIGHT + _LINE_HEIGHT * (len(series) if len(series) > 1 else 0)
    return tag(
        "svg",
        tag("title", title),
        tag("style", Markup(_STYLE)),
        _grid(across, up, names, tick),
        (_line(each, i, across, up) for i, each in enumerate(series)),
        (_legend(each, i) for i, each in enumerate(series) if len(series) > 1),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH:g} {height:g}",
        width=_WIDTH,
        height=height,
        role="img",
    )


def _x(axis: Axis, value: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * axis.place(value)


def _y(axis: Axis, value: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * axis.place(value)


def _grid(
    across: Axis, up: Axis, names: tuple[str, str], tick: Callable[[float], str]
) -> Iterator[Markup]:
    left, right, bottom = _LEFT - 8, _WIDTH - _RIGHT + 8, _HEIGHT - _BOTTOM + 8
    for value in up.ticks:
        y = _y(up, value)
        yield tag("line", x1=left, x2=right, y1=y, y2=y, class_="grid")
        yield tag("text", tick(value), x=left - 6, y=y + 4, text_anchor="end")
    for value in across.ticks:
        x = _x(across, value)
        yield tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 5, class_="grid")
        yield tag("text", f"{value:g}", x=x, y=bottom + 18, text_anchor="middle")
    yield tag("text", names[1], x=4, y=14)
    yield tag("text", names[0], x=_WIDTH / 2, y=_HEIGHT - 6, text_anchor="middle")


def _line(series: Series, number: int, across: Axis, up: Axis) -> Markup:
    colour = _COLOURS[number % len(_COLOURS)]
    points = [
        (_x(across, x), _y(up, y), _y(up, low), _y(up, high)) for x, y, low, high in series.points
    ]
    return tag(
        "g",
        (tag("line", x1=x, x2=x, y1=low, y2=high) for x, _, low, high in points),
        tag(
            "polyline",
            points=" ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in points),
            fill="none",
            stroke_width=2,
            stroke_dasharray=_DASHES[number % len(_DASHES)],
        ),
        (tag("circle", cx=x, cy=y, r=3.5, fill=colour) for x, y, _, _ in points),
        stroke=colour,
    )


def _legend(series: Series, number: int) -> Markup:
    y, colour = _HEIGHT + _LINE_HEIGHT * (number + 0.5), _COLOURS[number % len(_COLOURS)]
    dashes = _DASHES[number % len(_DASHES)]
    sample = tag("line", x1=_LEFT, x2=_LEFT + 36, y1=y, y2=y, stroke=colour, stroke_width=2,
                 stroke_dasharray=dashes)  # fmt: skip
    return tag("g", sample, tag("text", series.name, x=_LEFT + 46, y=y + 4))
