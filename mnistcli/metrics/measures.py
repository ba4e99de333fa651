"""The numbers by which models are ranked and gated, under the names they have in JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnistcli.errors import UsageError

if TYPE_CHECKING:
    from mnistcli.metrics.classification import Evaluation


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of an evaluation.

    Attributes
    ----------
    name : str
        Also an attribute of `Evaluation`.
    title : str
    larger_is_better : bool
    """

    name: str
    title: str
    larger_is_better: bool = True

    def of(self, evaluation: Evaluation) -> float:
        """Give the number."""
        value: float = getattr(evaluation, self.name)
        return value


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("accuracy", "Accuracy"),
        Measure("balanced_accuracy", "Balanced accuracy"),
        Measure("f1_macro", "Mean f1-score"),
        Measure("roc_auc", "ROC AUC"),
        Measure("average_precision", "Average precision"),
        Measure("log_loss", "Log loss", larger_is_better=False),
        Measure("brier", "Brier score", larger_is_better=False),
        Measure("ece", "Calibration error", larger_is_better=False),
    )
}


def measure_named(name: str) -> Measure:
    """Find a measure.

    Raises
    ------
    UsageError
        Lists those there are.
    """
    if name not in MEASURES:
        raise UsageError(f"{name!r} is no metric here", hint=f"there is {', '.join(MEASURES)}")
    return MEASURES[name]


@dataclass(frozen=True, slots=True)
class Gate:
    """A bar that a measure has to reach, or where smaller is better not to exceed."""

    measure: Measure
    bar: float

    def problem_with(self, evaluation: Evaluation) -> str:
        """Say how the bar was missed; "" where it was not."""
        value = self.measure.of(evaluation)
        if math.isnan(value):
            return f"{self.measure.name} is not known"
        if self.measure.larger_is_better:
            return "" if value >= self.bar else f"{self._said(value)} is below {self.bar:g}"
        return "" if value <= self.bar else f"{self._said(value)} is above {self.bar:g}"

    def _said(self, value: float) -> str:
        # As many digits as it takes to see on which side of the bar it is.
        for digits in range(4, 17):
            text = f"{value:.{digits}g}"
            if (float(text) < self.bar) == (value < self.bar) and float(text) != self.bar:
                break
        return f"{self.measure.name} {text}"


def parse_gate(text: str) -> Gate:
    """Read "accuracy=0.999".

    Raises
    ------
    UsageError
        Unknown metric, or no number.
    """
    name, _, bar = text.partition("=")
    measure = measure_named(name)
    try:
        value = float(bar)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise UsageError(f"{text!r} has no number to reach", hint=f"for example {name}=0.02")
    return Gate(measure, value)
