"""The numbers of an evaluation: what there is, how each reads, where it is shown, bars for it.

JSON, TSV, tables, pages, cards and help all go by `METRICS`. A new metric is a line there and a
field or property of `Evaluation`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from mnistcli.display import Displayed
from mnistcli.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from mnistcli.arrays import Int64s
    from mnistcli.metrics.intervals import Interval


@dataclass(frozen=True, slots=True)
class ReportRow:
    """Precision, recall, f1-score and support of one class, or an average of them.

    The intervals are Wilson's for the precision and recall of a class, else the bootstrap's. All
    are NaN for a class without samples.
    """

    name: str
    precision: float
    recall: float
    f1_score: float
    support: int
    precision_interval: Interval
    recall_interval: Interval
    f1_score_interval: Interval

    def scores(self) -> tuple[tuple[str, float, Interval], ...]:
        """Return name, value and interval of precision, recall and f1-score."""
        return (
            ("precision", self.precision, self.precision_interval),
            ("recall", self.recall, self.recall_interval),
            ("f1_score", self.f1_score, self.f1_score_interval),
        )


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The samples whose probability was in a range.

    For two classes the probability is the positive class's and a hit is a positive sample; for
    more it is the answer's and a hit is a right answer. NaN without samples.
    """

    low: float  # not in the range itself, but for 0
    high: float
    n_samples: int
    n_hits: int
    mean_probability: float  # what the model said on average
    share: float  # what was true of it: hits of samples
    share_interval: Interval  # Wilson's


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evaluation(Displayed):
    """A classifier's result on labelled samples.

    The areas are of the positive class for two classes, else the mean over the classes, each
    against the rest; NaN where a class has no samples.
    """

    n_samples: int
    n_correct: int
    accuracy: float
    accuracy_interval: Interval  # Wilson's
    baseline_class: str  # the commonest class in these samples
    baseline_accuracy: float  # of always answering it
    balanced_accuracy: float  # mean recall over the classes that have samples
    log_loss: float  # mean -ln of the probability given to the true class
    roc_auc: float
    roc_auc_interval: Interval  # the bootstrap's
    average_precision: float
    brier: float  # Brier score
    ece: float  # expected calibration error
    reliability: tuple[ReliabilityBin, ...]  # what came true in each range of probability
    classes: tuple[ReportRow, ...]
    macro_avg: ReportRow  # over the classes that have samples or were answered
    weighted_avg: ReportRow  # over the same, by support
    confusion: Int64s  # samples of class i predicted as class j

    def _in_words(self) -> str:
        return f"{self.score} right"

    @property
    def score(self) -> str:
        """How many of how many are right, in words."""
        return f"{self.n_correct:,} of {self.n_samples:,}"

    @property
    def f1_macro(self) -> float:
        """The plain mean of the f1-scores."""
        return self.macro_avg.f1_score

    def to_frame(self) -> pd.DataFrame:
        """Return the report as a table: a row for each class and average, scores with intervals."""
        import pandas as pd

        rows = {}
        for row in (*self.classes, self.macro_avg, self.weighted_avg):
            rows[row.name] = {
                name: value
                for score, middle, (low, high) in row.scores()
                for name, value in ((score, middle), (f"{score}_low", low), (f"{score}_high", high))
            }
            rows[row.name]["support"] = row.support
        return pd.DataFrame.from_dict(rows, orient="index").astype({"support": "int64"})

    def confusion_frame(self) -> pd.DataFrame:
        """Return the confusion matrix as a table: truth down, answers across."""
        import pandas as pd

        names = [row.name for row in self.classes]
        index, columns = pd.Index(names, name="truth"), pd.Index(names, name="answer")
        return pd.DataFrame(self.confusion, index, columns)


class Metric(NamedTuple):
    """One number of an evaluation, from 0 to ``highest``: the attribute of that name.

    Of some there is an interval, the attribute ``<name>_interval``.
    """

    name: str  # in JSON, in TSV and on the command line
    title: str
    unit: Literal["percent", "decimal"] = "decimal"  # how a person reads it
    digits: int = 6
    larger_is_better: bool = True
    highest: float = 1.0
    in_card: bool = False  # a model's card keeps it as ``test_<name>``
    group: Literal["summary", "classes", "calibration"] = "summary"  # the table that shows it
    is_one_vs_rest: bool = False  # of several classes the mean over each against the rest

    def of(self, evaluation: Evaluation) -> float:
        """Return the number; NaN where it is not known."""
        return float(getattr(evaluation, self.name))

    def interval_of(self, evaluation: Evaluation) -> Interval | None:
        """Return the interval, of those that have one."""
        return getattr(evaluation, f"{self.name}_interval", None)

    def problem_with(self, evaluation: Evaluation, bar: float) -> str:
        """Describe how a bar was missed, which where smaller is better is one above; "" if not."""
        value, larger = self.of(evaluation), self.larger_is_better
        if math.isnan(value):
            return f"{self.name} is not known"
        if value >= bar if larger else value <= bar:
            return ""
        shown = f"{value:.4g}"
        if (float(shown) - bar) * (value - bar) <= 0:  # four digits hide on which side
            shown = str(value)
        return f"{self.name} {shown} is {'below' if larger else 'above'} {bar:g}"


METRICS = (
    Metric("accuracy", "Accuracy", unit="percent", digits=2, in_card=True),
    Metric("balanced_accuracy", "Balanced accuracy", digits=4, in_card=True),
    Metric("f1_macro", "Mean f1-score", digits=4, group="classes"),
    Metric("roc_auc", "ROC AUC", in_card=True, is_one_vs_rest=True),
    Metric("average_precision", "Average precision", in_card=True, is_one_vs_rest=True),
    Metric("log_loss", "Log loss", larger_is_better=False, highest=math.inf, in_card=True),
    Metric("brier", "Brier score", larger_is_better=False, highest=2.0, group="calibration"),
    Metric("ece", "Calibration error", larger_is_better=False, group="calibration"),
)


def metric_names(*, larger_is_better: bool | None = None) -> list[str]:
    """Return the names of the metrics, all or those of one direction."""
    return [m.name for m in METRICS if larger_is_better in (None, m.larger_is_better)]


def metric_keys() -> list[str]:
    """Return the keys of JSON documents that are metrics, and their intervals."""
    names = (name for metric in METRICS for name in (metric.name, f"{metric.name}_interval"))
    return [name for name in names if hasattr(Evaluation, name)]


def metric_named(name: str) -> Metric:
    """Find a metric, or raise UsageError, which lists those there are."""
    for metric in METRICS:
        if metric.name == name:
            return metric
    raise UsageError(f"{name!r} is no metric here", hint=f"there is {', '.join(metric_names())}")


def parse_gate(text: str) -> tuple[Metric, float]:
    """Read a bar, "accuracy=0.999" or "accuracy=99.9%"; raise UsageError for what none can reach."""
    name, _, bar = text.partition("=")
    metric, value = metric_named(name), parse_share(bar)
    if not 0 <= value <= metric.highest or math.isinf(value):  # also NaN
        problem = f"{text!r} is no bar: {name} goes from 0 to {metric.highest:g}"
        example = "0.99 or 99%" if metric.larger_is_better else "0.02"
        raise UsageError(problem, hint=f"for example {name}={example}")
    return metric, value


def parse_share(text: str) -> float:
    """Read "0.99" or "99%"; NaN where there is no number."""
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        return math.nan
