"""From which probability on the answer is the positive class, in tasks of two classes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnistcli.errors import UsageError
from mnistcli.metrics.catalog import parse_share
from mnistcli.metrics.ranking import rank


@dataclass(frozen=True, slots=True)
class Target:
    """What a threshold shall reach: "recall=0.99"."""

    metric: str  # "recall" or "precision" of the positive class
    bar: float  # in (0, 1]

    def __str__(self) -> str:
        return f"{self.metric}={self.bar:g}"


@dataclass(frozen=True, slots=True)
class Threshold:
    """The positive class is answered from this probability of it on."""

    value: float
    target: Target | None = None  # what it was chosen for; None where the user gave it
    chosen_on: str = ""  # the images: "mnist train"
    precision: float | None = None  # of the positive class on them
    recall: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        if not 0 <= self.value <= 1:
            raise UsageError(f"the threshold {self.value:g} is not between 0 and 1")


def parse_target(text: str) -> Target:
    """Read "recall=0.99" or "recall=99%"; raise UsageError for another metric or share."""
    metric, _, bar = text.partition("=")
    value = parse_share(bar)
    if metric not in ("recall", "precision") or not 0 < value <= 1:
        hint = "for example recall=0.99 or precision=0.999"
        raise UsageError(f"{text!r} is nothing to choose a threshold for", hint=hint)
    return Target(metric, value)


def choose_threshold(
    y: NDArray[np.integer], probabilities: NDArray[np.float64], target: Target, chosen_on: str
) -> Threshold:
    """Choose the threshold that reaches a target and gives up least for it.

    For a recall that is the highest threshold which reaches it, for a precision the lowest; raises
    UsageError where none does. ``y`` are class indices, ``probabilities`` of shape (n_samples, 2).
    """
    ranking = rank(y == 1, probabilities[:, 1])
    n_found = np.cumsum(ranking.n_positive)
    recall = n_found / max(int(n_found[-1]), 1)
    precision = n_found / np.cumsum(ranking.n_positive + ranking.n_negative)
    reached = recall if target.metric == "recall" else precision
    enough = np.flatnonzero(reached >= target.bar)
    if not len(enough):
        best = reached.max()
        raise UsageError(
            f"no threshold reaches {target} on {chosen_on}",
            hint=f"the highest {target.metric} there is {best:.6g}",
        )
    level = int(enough[0] if target.metric == "recall" else enough[-1])
    below = ranking.levels[level + 1] if level + 1 < len(ranking.levels) else -1.0
    return Threshold(
        value=_shortest_between(float(below), float(ranking.levels[level])),
        target=target,
        chosen_on=chosen_on,
        precision=float(precision[level]),
        recall=float(recall[level]),
    )


def _shortest_between(below: float, top: float) -> float:
    """Return the number with the fewest decimals above ``below`` and up to ``top``.

    Any of them parts the samples in the same way; this one can be read and typed.
    """
    candidates = (int(top * 10.0**digits) / 10.0**digits for digits in range(1, 17))
    return next((each for each in candidates if below < each <= top), top)
