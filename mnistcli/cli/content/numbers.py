"""Numbers and times as a person reads them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnistcli.metrics.catalog import Evaluation, Metric
    from mnistcli.metrics.intervals import Interval


def percent(share: float, *, digits: int = 2) -> str:
    """Write a share as a percentage; never "100.00 %" for less than all or "0.00 %" for some."""
    return "-" if math.isnan(share) else f"{_fixed(share, digits, 100)} %"


def unbroken(text: str) -> str:
    """Keep a number and its percent sign in one line, and "p" and its number."""
    return text.replace(" %", "\u00a0%").replace(" p = ", " p\u00a0=\u00a0")


def decimal(value: float, *, digits: int = 4) -> str:
    """Write a number with fixed decimals, 0 and 1 only for themselves; "-" where there is none."""
    return "-" if math.isnan(value) else _fixed(value, digits, 1)


def _fixed(value: float, digits: int, whole: int) -> str:
    """Write ``whole * value``, with the last digit changed where it would round to 0 or whole."""
    text, step = f"{whole * value:.{digits}f}", 10.0**-digits
    if value > 0 and float(text) == 0:
        return f"{step:.{digits}f}"
    return f"{whole - step:.{digits}f}" if value < 1 and float(text) == whole else text


def span(interval: Interval) -> str:
    """Write an interval of shares in nine characters, rounded outwards: ".938-.965".

    A point, which is what a bootstrap has where there are no mistakes, is not written: nothing is
    so sure.
    """
    low, high = interval
    if not low < high:
        return ""
    # Rounding errors of a number with three decimals are no reason to go on to the next.
    thousandths = math.floor(1000 * low + 1e-9), math.ceil(1000 * high - 1e-9)
    return "-".join("1.00" if n == 1000 else f".{n:03}" for n in thousandths)


def decimal_span(interval: Interval, *, digits: int = 4) -> str:
    """Write an interval with fixed decimals: "0.9381 to 0.9650"; see `span`."""
    low, high = interval
    if not low < high:
        return ""
    # An upper end may round to 1: it is no claim that all are right.
    top = f"{high:.{digits}f}" if high > 0.5 else decimal(high, digits=digits)
    return f"{decimal(low, digits=digits)} to {top}"


def percent_span(interval: Interval) -> str:
    """Write an interval of shares as percentages: "99.73 to 99.99 %"."""
    low, high = interval
    return "" if math.isnan(low) else f"{percent(low).removesuffix(' %')} to {percent(high)}"


def reading(metric: Metric, evaluation: Evaluation) -> tuple[str, str]:
    """Write a metric as a person reads it: the number and its interval, or a dash and why."""
    value, interval = metric.of(evaluation), metric.interval_of(evaluation)
    absent = [row.name for row in evaluation.classes if not row.support]
    if math.isnan(value) and absent:
        return "-", f"no images of {', '.join(absent)}"
    if metric.unit == "percent":
        return percent(value, digits=metric.digits), percent_span(interval) if interval else ""
    text = decimal(value, digits=metric.digits)
    return text, decimal_span(interval, digits=metric.digits) if interval else ""


def n_bytes(count: int) -> str:
    """Write a size in units that a person reads."""
    for unit, size in (("GB", 1000**3), ("MB", 1000**2), ("kB", 1000)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def seconds(duration: float) -> str:
    """Write a duration."""
    return f"{duration:.2f} s" if duration < 100 else f"{duration:.0f} s"


def minute(time: str) -> str:
    """Write a time, as ISO 8601 has it, to the minute."""
    return time[:16].replace("T", " ")


def p_value(p: float) -> str:
    """Write a p-value."""
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"
