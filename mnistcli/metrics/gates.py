"""Bars that a model has to reach: "accuracy=0.999"."""

import math
from typing import NamedTuple

from mnistcli.errors import UsageError
from mnistcli.metrics.catalog import Evaluation, Metric, metric_named


class Gate(NamedTuple):
    """A bar that a metric has to reach, or where smaller is better not to exceed."""

    metric: Metric
    bar: float

    def problem_with(self, evaluation: Evaluation) -> str:
        """Describe how the bar was missed; "" where it was not."""
        value = self.metric.of(evaluation)
        if math.isnan(value):
            return f"{self.metric.name} is not known"
        if self.metric.larger_is_better:
            return "" if value >= self.bar else f"{self._missed_by(value)} is below {self.bar:g}"
        return "" if value <= self.bar else f"{self._missed_by(value)} is above {self.bar:g}"

    def _missed_by(self, value: float) -> str:
        # As many digits as it takes to see on which side of the bar it is.
        for digits in range(4, 17):
            text = f"{value:.{digits}g}"
            if (float(text) < self.bar) == (value < self.bar) and float(text) != self.bar:
                break
        return f"{self.metric.name} {text}"


def parse_gate(text: str) -> Gate:
    """Read "accuracy=0.999" or "accuracy=99.9%"; raise UsageError for what no metric can reach."""
    name, _, bar = text.partition("=")
    metric = metric_named(name)
    example = f"for example {name}={0.99 if metric.larger_is_better else 0.02}"
    value = parse_share(bar)
    if math.isnan(value):
        raise UsageError(f"{text!r} has no number to reach", hint=example)
    if not 0 <= value <= metric.highest or math.isinf(value):
        is_percent = metric.highest == 1 < value <= 100
        raise UsageError(
            f"{text!r} is no bar: {name} goes from 0 to {metric.highest:g}",
            hint=f"for {value:g} % give {name}={value / 100:g}" if is_percent else example,
        )
    return Gate(metric, value)


def parse_share(text: str) -> float:
    """Read "0.99" or "99%"; NaN where there is no number."""
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return math.nan
