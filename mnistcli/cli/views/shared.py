"""What several commands show: an evaluation as tables and as a document."""

from collections.abc import Sequence
from typing import Any

from mnistcli.cli.numbers import decimal, percent, percent_span, span
from mnistcli.cli.output import picked
from mnistcli.cli.parts import Cell, Noted, Table
from mnistcli.metrics.catalog import METRICS, Evaluation, ReliabilityBin, ReportRow
from mnistcli.metrics.intervals import Interval


def estimate(value: float, interval: Interval) -> Noted:
    """Write a share and its interval."""
    return Noted(decimal(value), span(interval))


def class_report(evaluation: Evaluation, title: str = "") -> Table:
    """Show precision, recall, f1-score and support in scikit-learn's layout, with intervals."""
    whole = estimate(evaluation.accuracy, evaluation.accuracy_interval)
    averages = map(_cells, (evaluation.macro_avg, evaluation.weighted_avg))
    return Table(
        ("", "precision", "recall", "f1-score", "support"),
        "rrrrr",
        [*map(_cells, evaluation.classes)],
        title,
        [("accuracy", "", "", whole, str(evaluation.n_samples)), *averages],
    )


def _cells(row: ReportRow) -> tuple[Cell, ...]:
    scores = (estimate(value, interval) for _, value, interval in row.scores())
    return (row.name, *scores, str(row.support))


def reliability_table(
    bins: Sequence[ReliabilityBin], class_names: Sequence[str], title: str = ""
) -> Table:
    """Show what was said beside what was true of it, for each range of probability in use."""
    from mnistcli.cli.plots import reliability_words

    said, came_true = reliability_words(class_names)
    rows = [
        (
            f"{100 * each.low:.0f} to {100 * each.high:.0f} %",
            f"{each.n_samples:,}",
            percent(each.mean_probability),
            percent(each.share),
            percent_span(each.share_interval),
        )
        for each in bins
        if each.n_samples
    ]
    # With "of the answer" it would not fit into 80 columns.
    headings = (said.removesuffix(" of the answer"), "images", "said", came_true, "95 %")
    return Table(headings, "rrrrr", rows, title)


def evaluation_document(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as a JSON object."""
    document = picked(evaluation, "n_samples n_correct baseline_class baseline_accuracy")
    for metric in METRICS:
        document[metric.name] = metric.of(evaluation)
        if metric.has_interval:
            document[f"{metric.name}_interval"] = metric.interval_of(evaluation)
    return document | picked(evaluation, "classes macro_avg weighted_avg confusion")
