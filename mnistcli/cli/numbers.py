"""How numbers read."""

from __future__ import annotations

import math


def percent(share: float, *, digits: int = 2) -> str:
    """Write a share as a percentage; never "100.00 %" for less than all."""
    if math.isnan(share):
        return "-"
    text = f"{100 * share:.{digits}f}"
    if share < 1.0 and float(text) == 100.0:
        text = f"{100 - 10**-digits:.{digits}f}"
    return f"{text} %"


def decimal(value: float, *, digits: int = 4) -> str:
    """Write a number with fixed decimals; "-" where there is none."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def span(interval: tuple[float, float]) -> str:
    """Write an interval of shares in nine characters, rounded outwards: ".938-.965"."""
    low, high = interval
    if math.isnan(low):
        return "-"
    # Rounding errors of a number with three decimals are no reason to go on to the next.
    thousandths = math.floor(1000 * low + 1e-9), math.ceil(1000 * high - 1e-9)
    return "-".join("1.00" if n == 1000 else f".{n:03}" for n in thousandths)


def decimal_span(interval: tuple[float, float], *, digits: int = 4) -> str:
    """Write an interval with fixed decimals: "0.9381 to 0.9650"."""
    low, high = interval
    return "-" if math.isnan(low) else f"{low:.{digits}f} to {high:.{digits}f}"


def percent_span(interval: tuple[float, float]) -> str:
    """Write an interval of shares as percentages: "99.73 to 99.99 %"."""
    low, high = interval
    return "-" if math.isnan(low) else f"{percent(low).removesuffix(' %')} to {percent(high)}"


def n_bytes(count: int) -> str:
    """Write a size in units that a person reads."""
    if count < 1000:
        return f"{count} B"
    if count < 1000**2:
        return f"{count / 1000:.1f} kB"
    if count < 1000**3:
        return f"{count / 1000**2:.1f} MB"
    return f"{count / 1000**3:.1f} GB"


def seconds(duration: float) -> str:
    """Write a duration."""
    return f"{duration:.2f} s" if duration < 100 else f"{duration:.0f} s"
