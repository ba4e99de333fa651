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


def n_bytes(count: int) -> str:
    """Write a size in units that a person reads."""
    if count < 1000:
        return f"{count} B"
    if count < 1000**2:
        return f"{count / 1000:.1f} kB"
    return f"{count / 1000**2:.1f} MB"


def seconds(duration: float) -> str:
    """Write a duration."""
    return f"{duration:.2f} s" if duration < 100 else f"{duration:.0f} s"
