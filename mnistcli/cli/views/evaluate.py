"""A model judged on labelled images, as tables and as a document; other commands show them too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mnistcli.cli.content.numbers import decimal, percent, percent_span, reading, span
from mnistcli.cli.content.parts import Cell, Facts, HeatMap, Noted, Panel, Part, Plots, Table, Words
from mnistcli.cli.content.plots import curve_plots, reliability_plot, reliability_words
from mnistcli.cli.content.sentences import verdict
from mnistcli.cli.output import Answer, pick
from mnistcli.cli.words import visible
from mnistcli.errors import DataUnavailableError
from mnistcli.metrics.catalog import METRICS, Evaluation, ReliabilityBin, ReportRow, metric_keys
from mnistcli.metrics.intervals import Interval

if TYPE_CHECKING:  # `train` shows tables of this module, and needs none of these
    from mnistcli.evaluation import JudgedModel
    from mnistcli.gallery import CaptionedImage
    from mnistcli.metrics.curves import ClassCurves

_NO_CURVES = "no curves: all images, or none, are of the class"


def evaluation_answer(
    judged: JudgedModel,
    n_mistakes: int = 0,
    *,
    calibration: bool = False,
    curves: bool = False,
    confusion: bool = False,
    in_file: bool = False,
) -> Answer:
    """Show an evaluation, and what else was asked for: in a file rather than here, or in both."""
    evaluation, card = judged.evaluation, judged.model.card
    mistakes = judged.mistakes(n_mistakes)
    drawn = judged.curves() if curves else ()
    document = {
        "model": judged.model.ref,
        "task": card.task.name,
        "class_names": card.class_names,
        **pick(judged, "on threshold notes"),
        **evaluation_document(evaluation),
        "calibration": evaluation.reliability if calibration else None,
        "curves": drawn or None,
        "pair_errors": judged.pair_errors(),
        "mistakes": [each.facts for each in mistakes] if n_mistakes else None,
    }
    parts, panels = [*evaluation_parts(judged, calibration=calibration)], list[Panel]()
    if confusion:
        panels.append(HeatMap.of_confusion(evaluation.confusion, card.class_names, _title(judged)))
    if curves:
        if in_file and not curve_plots(drawn):
            raise DataUnavailableError(_NO_CURVES)
        parts += curve_parts(drawn)
        panels += curve_plots(drawn)
    if calibration:
        panels.append(reliability_plot(evaluation.reliability, card.class_names))
    if n_mistakes:
        (panels if in_file else parts).append(mistakes)
    rows, quiet = [*_rows(judged, calibration=calibration)], [repr(evaluation.accuracy)]
    rows += [("mistake", it.facts["truth"], it.facts["index"], None, None) for it in mistakes]
    return Answer("evaluate", document, quiet, parts, rows, panels=panels)


def _rows(judged: JudgedModel, *, calibration: bool) -> Iterator[Sequence[object]]:
    evaluation = judged.evaluation
    yield "metric", "class", "value", "low", "high"
    if judged.threshold:
        yield "threshold", None, judged.threshold.value, None, None
    for name in ("n_samples", "n_correct", "baseline_accuracy"):
        yield name, None, getattr(evaluation, name), None, None
    for metric in METRICS:
        interval = metric.interval_of(evaluation) or (None, None)
        yield metric.name, None, metric.of(evaluation), *interval
    for row in (*evaluation.classes, evaluation.macro_avg, evaluation.weighted_avg):
        for name, value, interval in row.scores():
            yield name, row.name, value, *interval
        yield "support", row.name, row.support, None, None
    for each in evaluation.reliability if calibration else ():
        said = f"{each.low:.1f} to {each.high:.1f}"
        yield "reliability", said, each.share, *each.share_interval


def evaluation_parts(
    judged: JudgedModel, *, calibration: bool = False, behind: Sequence[CaptionedImage] = ()
) -> Iterator[Part]:
    """Yield what a person is shown of any evaluation; ``behind`` is for the matrix in a cell."""
    evaluation, names = judged.evaluation, judged.model.card.class_names
    yield Facts(_facts(judged, calibration=calibration))
    yield class_report(evaluation, _title(judged))
    yield Words(visible(verdict(judged)))
    yield HeatMap.of_confusion(evaluation.confusion, names)._replace(behind=behind)
    if (errors := judged.pair_errors()) is not None:
        yield HeatMap.of_pair_errors(errors, names)
    if calibration:
        yield reliability_table(evaluation.reliability, names, "calibration")


def _title(judged: JudgedModel) -> str:
    return f"{judged.model.ref} on {judged.on}".lstrip()


def _facts(judged: JudgedModel, *, calibration: bool) -> Iterator[tuple[str, Cell]]:
    evaluation = judged.evaluation
    yield from _threshold_facts(judged)
    right = f"{percent(evaluation.accuracy)}: {evaluation.score} right"
    yield "Accuracy", Noted(right, percent_span(evaluation.accuracy_interval))
    baseline = percent(evaluation.baseline_accuracy)
    yield "To beat", f"{baseline}: always answering {evaluation.baseline_class}"
    groups = ("summary", "calibration") if calibration else ("summary",)
    is_binary = len(evaluation.classes) == 2
    for metric in METRICS:
        if metric.group in groups and metric.name != "accuracy":
            text, interval = reading(metric, evaluation)
            if metric.is_one_vs_rest and not is_binary and text != "-":
                text += ", each class against the rest"
            yield metric.title, Noted(text, interval)


def _threshold_facts(judged: JudgedModel) -> Iterator[tuple[str, str]]:
    """Yield from where on the positive class is answered, and on which images that was chosen."""
    threshold, positive = judged.threshold, judged.model.card.class_names[1]
    if threshold is None:
        return
    yield "Threshold", f"{positive} from a probability of {threshold.value} on"
    if target := threshold.target:
        other = "recall" if target.metric == "precision" else "precision"
        reached = decimal(getattr(threshold, other))
        yield "", f"chosen on {threshold.chosen_on} for {target} ({other} {reached})"
        if threshold.chosen_on == judged.on:
            yield "", "these are the images judged here: on others it may miss"


def curve_parts(curves: Sequence[ClassCurves]) -> Iterator[Part]:
    """Show the ROC curve beside the precision-recall curve."""
    if not (plots := curve_plots(curves)):
        yield Words(_NO_CURVES)
        return
    yield Plots(plots)
    if len(curves) > 1:
        n = len(plots[0].series)
        yield Words(f"against the rest: of the {n} classes the smallest area")


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
    names = "n_samples", "n_correct", "baseline_class", "baseline_accuracy", *metric_keys()
    return pick(evaluation, " ".join((*names, "classes", "macro_avg", "weighted_avg", "confusion")))
