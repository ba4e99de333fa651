"""What a report says, section by section, for the page; and as Markdown."""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from mnistcli.cli.content.numbers import percent, reading
from mnistcli.cli.content.parts import Cell, Code, Facts, HeatMap, Noted, Part, Plots, Table
from mnistcli.cli.content.plots import curve_plots, reliability_plot
from mnistcli.cli.content.sentences import comparison_sentences, verdict
from mnistcli.cli.tabular import markdown_table
from mnistcli.cli.views import compare
from mnistcli.cli.views.evaluate import class_report, reliability_table
from mnistcli.cli.views.models import card_facts
from mnistcli.cli.words import markdown as escaped
from mnistcli.cli.words import visible
from mnistcli.comparison import ReportOnTwo, judged_of
from mnistcli.evaluation import Report
from mnistcli.gallery import Gallery
from mnistcli.metrics.catalog import METRICS, Evaluation
from mnistcli.metrics.curves import worst_of

_PIXELS = "Ink on red pixels speaks for the class, on blue pixels against it."
_PATCHES = "How much there is of each of these patches, and where, is what it weighs: red is ink."


class Section(NamedTuple):
    """A heading and parts; a page shows them when ``folded``, which says what they are, is asked."""

    title: str
    parts: Sequence[Part]
    words: str = ""  # for the page alone
    folded: str = ""


def title_of(report: Report | ReportOnTwo) -> str:
    """Return what a report is about."""
    return " and ".join(each.model.ref or each.model.card.task.name for each in judged_of(report))


def verdicts(report: Report | ReportOnTwo) -> list[str]:
    """Describe how good each model is, and how different two are."""
    said = [verdict(each) for each in judged_of(report)]
    return said if isinstance(report, Report) else [*said, comparison_sentences(report.compared)]


def sections(report: Report | ReportOnTwo) -> Iterator[Section]:
    """Yield what there is to say."""
    if isinstance(report, Report):
        yield from _of_one(report)
    else:
        yield from _of_two(report)
    models = [each.model for each in judged_of(report)]
    for model in (each for each in models if each.n_bytes is not None):  # which are saved
        command, it = model.card.command, "it" if len(models) == 1 else model.ref
        words = "The first trained it, the second tells whether the same comes out again."
        if not command:
            words = "It was trained from Python; this tells whether the same comes out again."
        commands = [*filter(None, [command]), f"mnistcli models reproduce {shlex.quote(model.ref)}"]
        yield Section(f"How to get {it} again", [Code(commands)], words)
    for model in models:
        folded = "Task, data, settings, certificate, versions"
        of = "" if len(models) == 1 else f" of {model.ref}"
        yield Section(f"The card{of}", [Facts(card_facts(model.card))], folded=folded)


def _of_one(report: Report) -> Iterator[Section]:
    judged, evaluation = report.judged, report.judged.evaluation
    card = judged.model.card
    yield Section("In numbers", [Facts(headline(evaluation), are_large=True)])
    words = "In small type the intervals that hold the truth in 95 of 100 such samples."
    yield Section("Class by class", [class_report(evaluation)], words)
    words = "Images of each row's class, by what was answered. Blue is right, red is wrong. "
    words += "A number leads to its digits."
    confusion = HeatMap.of_confusion(evaluation.confusion, card.class_names, "")
    yield Section("What is taken for what", [confusion._replace(behind=report.behind)], words)
    if (errors := judged.pair_errors()) is not None:
        words = "Mistakes in percent of the test images of the two digits."
        errors_map = HeatMap.of_pair_errors(errors, card.class_names)._replace(title="")
        yield Section("Each pair's own model", [errors_map], words)
    bins = evaluation.reliability
    plots = Plots([*curve_plots(judged.curves()), reliability_plot(bins, card.class_names)])
    yield Section("Curves", [plots])
    table = reliability_table(bins, card.class_names)
    yield Section("Reliability", [table], folded="The plot in numbers")
    n = len(report.looks_for)
    many = f"All {n} of them" if n > 10 else ""  # to be shown when asked for
    words = _PIXELS if card.feature_spec.has_pixel_weights else _PATCHES
    yield Section("What it looks for", [Gallery(report.looks_for)], words, many)
    n_wrong = evaluation.n_samples - evaluation.n_correct
    if mistakes := report.mistakes:
        title, which = "All mistakes" if n_wrong > 1 else "The only mistake", ""
        if len(mistakes) < n_wrong:
            title, which = "Mistakes", f"The worst {len(mistakes)} of {n_wrong:,}. "
        sure = f"{which}In percent how sure it was of the wrong answer."
        yield Section(title, [mistakes], sure)
    words = "Where its answer had the lowest probability; in red where it was wrong."
    yield Section("Least certain", [report.least_certain], words)


def headline(evaluation: Evaluation) -> Iterator[tuple[str, Noted]]:
    """Yield the numbers that people ask for first, each with its interval, or what would be perfect."""
    for metric in METRICS:
        if metric.group != "classes":
            value, note = reading(metric, evaluation)
            yield metric.title, Noted(value, note or f"{metric.larger_is_better:d} is perfect")
        if metric.name == "accuracy":
            always = f"always answering {evaluation.baseline_class}"
            yield "To beat", Noted(percent(evaluation.baseline_accuracy), always)


def _of_two(report: ReportOnTwo) -> Iterator[Section]:
    compared, judged = report.compared, report.compared.judged
    refs, names = compared.refs, judged[0].model.card.class_names
    yield Section("Beside each other", [compare.models_table(compared)])
    yield Section("On which images", [Facts(compare.comparison_facts(compared))])
    numbers = zip(*(headline(each.evaluation) for each in judged), strict=True)
    rows = [(first[0], first[1], second[1]) for first, second in numbers]
    yield Section("In numbers", [Table(("", *refs), "lrr", rows)])
    counts_of = (each.evaluation.confusion for each in judged)
    matrices = [HeatMap.of_confusion(c, names, ref) for c, ref in zip(counts_of, refs, strict=True)]
    yield Section("What is taken for what", matrices)
    curves = [each.curves() for each in judged]
    worst = worst_of(curves[0]).name
    words = f"Of {worst}, which {refs[0]} tells worst." if len(names) > 2 else ""
    of_worst = (next(c for c in each if c.name == worst) for each in curves)
    named = [replace(c, name=f"{worst} by {ref}") for c, ref in zip(of_worst, refs, strict=True)]
    reliable = (
        reliability_plot(each.evaluation.reliability, names)._replace(title=f"Reliability of {ref}")
        for ref, each in zip(refs, judged, strict=True)
    )
    yield Section("Curves", [Plots([*curve_plots(named), *reliable])], words)
    (test,) = report.compared.tests
    counts = test.n_only_first, test.n_only_second
    for digits, n, right, wrong in zip(report.alone, counts, refs, refs[::-1], strict=True):
        if digits:
            which = f"The {len(digits)} of {n:,} of which {wrong} was surest. " * (len(digits) < n)
            said = f"{which}After the truth stands the answer of {wrong}, and how sure it was."
            yield Section(f"Only {right} is right", [digits], said)


def markdown(report: Report | ReportOnTwo) -> str:
    """Write the report; equal reports give equal texts."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report | ReportOnTwo) -> Iterator[str]:
    yield f"# {escaped(title_of(report))}"
    for text in (*verdicts(report), *report.notes):
        yield from ("", escaped(text))
    for section in sections(report):
        drawn = [["", *_lines_of(part)] for part in section.parts]
        if any(len(lines) > 1 for lines in drawn):  # and not of pictures only
            yield from ("", f"## {escaped(section.title)}")
            for lines in drawn:
                yield from lines


def _lines_of(part: Part) -> Iterator[str]:
    match part:
        case Facts():
            yield from _table(["", ""], "ll", part.pairs)
        case Table():
            yield from _table(part.headings, part.columns, [*part.rows, *part.averages])
        case HeatMap():
            if part.title:
                yield from (f"### {escaped(part.title)}", "")
            corner = ", ".join(filter(None, (part.down, part.across)))
            rows = zip(part.names, part.cells, strict=True)
            cells = ([name, *(cell.text for cell in row)] for name, row in rows)
            yield from _table([corner, *part.names], "l" + "r" * len(part.names), cells)
        case Code():
            # Here nothing can be escaped: what might end the block, or be a tag, is in the card
            # only.
            commands = (visible(line) for line in part.lines if not {"`", "<"} & {*line})
            yield from ("```sh", *commands, "```")


def _table(headings: Iterable[str], columns: str, rows: Iterable[Iterable[Cell]]) -> Iterator[str]:
    def text(cell: Cell) -> str:
        return f"{cell.text} ({cell.note})" if isinstance(cell, Noted) and cell.note else str(cell)

    body = (map(text, row) for row in rows)
    return markdown_table(headings, (kind == "r" for kind in columns), body)
