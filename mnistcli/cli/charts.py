"""What charts in a terminal and in a file share: series of points, and axes with round ticks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

# Values that span more than this are told apart on a logarithmic axis only.
_LINEAR_SPAN = 8.0
_MOST_PLACES = 10


@dataclass(frozen=True, slots=True)
class Series:
    """A line through points: x and y of each, and the ends of y's interval."""

    name: str
    points: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of numbers, and where each is between 0 and 1."""

    low: float
    high: float
    is_log: bool
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Return where a value is; outside of the range less than 0 or more than 1."""
        low, high = self.low, self.high
        if self.is_log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, low / 10))
        return (value - low) / (high - low)


def axis_for(values: Iterable[float], *, n_ticks: int = 5) -> Axis:
    """Return an axis on which all values are, logarithmic where they ask for it."""
    known = [value for value in values if math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if low > 0 and high / low > _LINEAR_SPAN:
        ticks = _log_ticks(low, high, n_ticks)
        return Axis(low, high, is_log=True, ticks=ticks)
    if low == high:
        low, high = low - (abs(low) / 10 or 1.0), high + (abs(high) / 10 or 1.0)
    step = _round_step((high - low) / n_ticks)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return Axis(low, high, is_log=False, ticks=tuple(i * step for i in range(first, last + 1)))


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


def axes_of(series: Sequence[Series]) -> tuple[Axis, Axis]:
    """Return the axes on which all points and intervals are; few values of x are its ticks."""
    points = [point for each in series for point in each.points]
    places = sorted({x for x, *_ in points})
    across = axis_for(places)
    if len(places) <= _MOST_PLACES:
        across = replace(across, ticks=tuple(places))
    return across, axis_for(y for _, *ys in points for y in ys)
