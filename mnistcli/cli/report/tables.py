"""The numbers of a report, and the confusion matrix as a heat map."""

from collections.abc import Iterable, Iterator, Sequence

from mnistcli.cli.heat import HeatCell, HeatMap
from mnistcli.cli.numbers import decimal, percent, percent_span, reading, span
from mnistcli.cli.report.html import Content, Markup, tag
from mnistcli.cli.sentences import comparison_sentences, verdict
from mnistcli.cli.views.compare import ComparisonView
from mnistcli.metrics.calibration import ReliabilityBin
from mnistcli.metrics.catalog import METRICS, Evaluation, ReportRow
from mnistcli.reporting import Report, ReportOnTwo, judged_in


def title_of(report: Report | ReportOnTwo) -> str:
    """Return what a report is about."""
    return " and ".join(each.model.ref or each.model.card.task.name for each in judged_in(report))


def verdicts(report: Report | ReportOnTwo) -> list[str]:
    """Describe how good each model is, and how different two are."""
    said = [verdict(each) for each in judged_in(report)]
    return said if isinstance(report, Report) else [*said, comparison_sentences(report.compared)]


def tables_of(report: ReportOnTwo) -> Iterator[tuple[str, list[str], Iterable[Sequence[str]]]]:
    """Yield title, headings and rows of each table that compares two models."""
    view, judged = ComparisonView(report.compared), report.compared.judged
    yield "Beside each other", view.columns(), view.cells()
    yield "On which images", ["", ""], view.facts()
    numbers = zip(*(headline(each.evaluation) for each in judged), strict=True)
    rows = (
        [of_both[0][0], *(f"{value} ({note})" if note else value for _, value, note, _ in of_both)]
        for of_both in numbers
    )
    yield "In numbers", ["", *(each.model.ref for each in judged)], rows


def headline_numbers(evaluation: Evaluation) -> Markup:
    """Show the numbers that people ask for first."""
    tiles = (
        [
            tag("dt", name),
            tag("dd", unbroken(value)),
            tag("dd", dashed(note or best), class_="note"),
        ]
        for name, value, note, best in headline(evaluation)
    )
    return tag("dl", (tag("div", each) for each in tiles), class_="tiles")


def headline(evaluation: Evaluation) -> Iterator[tuple[str, str, str, str]]:
    """Yield title, value, interval, and what would be perfect, of the numbers of a report."""
    for metric in METRICS:
        if metric.group != "classes":
            perfect = f"{metric.larger_is_better:d} is perfect"
            yield metric.title, *reading(metric, evaluation), perfect
        if metric.name == "accuracy":
            always = f"always answering {evaluation.baseline_class}"
            yield "To beat", percent(evaluation.baseline_accuracy), always, ""


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Show names and what is known of them."""
    return tag("dl", ([tag("dt", name), tag("dd", value)] for name, value in pairs), class_="facts")


def class_table(evaluation: Evaluation) -> Markup:
    """Show precision, recall and f1-score of each class with their intervals."""
    return table(
        "The report of each class",
        ("", "precision", "recall", "f1-score", "images"),
        map(_class_cells, evaluation.classes),
        map(_class_cells, (evaluation.macro_avg, evaluation.weighted_avg)),
    )


def _class_cells(row: ReportRow) -> list[Content]:
    scores = (
        _estimate(decimal(value), span(each).replace("-", "\u2013"))
        for _, value, each in row.scores()
    )
    return [row.name, *scores, f"{row.support:,}"]


def _estimate(value: str, interval: str) -> Content:
    return [value, " ", tag("small", interval)]


def table(
    label: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[Content]],
    averages: Iterable[Sequence[Content]] = (),
) -> Markup:
    """Make a table, the first cell of each row its heading."""
    head = tag("tr", (tag("th", each, scope="col") for each in headings))
    body, foot = (
        [
            tag("tr", tag("th", first, scope="row"), (tag("td", cell) for cell in cells))
            for first, *cells in part
        ]
        for part in (rows, averages)
    )
    parts = tag("thead", head), tag("tbody", body), tag("tfoot", foot) if foot else ""
    return scrolling(label, tag("table", parts))


def heat_map(heat: HeatMap) -> Markup:
    """Show a heat map; the stronger a cell, the larger its share of the row."""
    labels = ("truth ↓", "answer →") if heat.across else ("mistakes", "in %")
    corner = tag("td", labels[0], tag("br"), labels[1], class_="corner")
    headings = (tag("th", name, scope="col") for name in heat.names)
    rows = (
        tag("tr", tag("th", name, scope="row"), map(_heat_cell, row))
        for name, row in zip(heat.names, heat.cells, strict=True)
    )
    parts = tag("thead", tag("tr", corner, headings)), tag("tbody", rows)
    return scrolling(" ".join(labels), tag("table", parts, class_="matrix"))


def _heat_cell(cell: HeatCell) -> Markup:
    """Write how strong a cell is; the style sheet, which knows whether it is dark, gives the colour."""
    if not cell.text:
        return tag("td", "·", class_="zero")
    class_ = "wrong" if not cell.is_right else "right strong" if cell.shade > 0.85 else "right"
    text = tag("a", cell.text, href=cell.link) if cell.link else cell.text
    return tag("td", text, class_=class_, style=f"--strength:{cell.shade:.2f}")


def reliability_rows(bins: Sequence[ReliabilityBin]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield each range in use: its limits, images, what was said, what came true, its interval."""
    for each in bins:
        if each.n_samples:
            limits = f"{100 * each.low:.0f} to {100 * each.high:.0f} %"
            shares = percent(each.mean_probability), percent(each.share)
            yield limits, f"{each.n_samples:,}", *shares, percent_span(each.share_interval)


def reliability_table(bins: Sequence[ReliabilityBin], said: str, came_true: str) -> Markup:
    """Show the numbers behind the reliability plot."""
    return table(
        "The numbers of the reliability plot",
        (said, "images", "said on average", came_true),
        ([*row, _estimate(share, dashed(each))] for *row, share, each in reliability_rows(bins)),
    )


def unbroken(text: str) -> str:
    """Keep a number and its percent sign in one line."""
    return text.replace(" %", "\u00a0%")


def dashed(interval: str) -> str:
    """Write "0.93 to 0.96" with a dash."""
    return unbroken(interval).replace(" to ", "\u2013")


def scrolling(label: str, table: Markup) -> Markup:
    """Let a table that is wider than a phone be moved sideways, by finger and by key."""
    return tag("div", table, class_="scrolling", tabindex="0", role="region", aria_label=label)
