"""The whole page."""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mnistcli._version import __version__
from mnistcli.cli.heat import confusion_map, pair_error_map
from mnistcli.cli.numbers import percent
from mnistcli.cli.plots import curve_plots, reliability_plot, reliability_words
from mnistcli.cli.report import tables
from mnistcli.cli.report.figures import figure, gallery, plots, weights
from mnistcli.cli.report.html import Content, Markup, style, tag
from mnistcli.cli.views.models import card_facts
from mnistcli.evaluation import JudgedModel
from mnistcli.gallery import CaptionedImage
from mnistcli.metrics.curves import worst_of
from mnistcli.registry.card import ModelCard
from mnistcli.reporting import Report, ReportOnTwo

# More pictures than this are shown when asked for.
_FEW = 10

_MADE_BY = f"Made by mnistcli {__version__}. This page needs no network and runs no script."

_PIXELS = "Ink on red pixels speaks for the class, on blue pixels against it."
_PATCHES = "How much there is of each of these patches, and where, is what it weighs: red is ink."


def page(report: Report | ReportOnTwo) -> str:
    """Write the page; equal reports give equal pages."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"mnistcli {__version__}"),
        tag("title", f"{tables.title_of(report)}: a report"),
        style("results", "page"),
    )
    body = tag("body", contents(report), tag("footer", _MADE_BY), class_="mnistcli page")
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def contents(report: Report | ReportOnTwo) -> Iterator[Markup]:
    """Yield the page but for its head and foot."""
    yield tag(
        "header",
        tag("p", "mnistcli report", class_="kicker"),
        tag("h1", tables.title_of(report)),
        (tag("p", tables.unbroken(said), class_="verdict") for said in tables.verdicts(report)),
        (tag("p", note, class_="warning") for note in report.notes),
    )
    yield tag("main", _sections(report) if isinstance(report, Report) else _of_two(report))


def _sections(report: Report) -> Iterator[Markup]:
    judged = report.judged
    evaluation, names = judged.evaluation, report.judged.model.card.class_names
    said, came_true = reliability_words(names)
    yield _section("In numbers", tables.headline_numbers(evaluation))
    yield _section(
        "Class by class",
        tag("p", "In small type the intervals that hold the truth in 95 of 100 such samples."),
        tables.class_table(evaluation),
    )
    yield _section(
        "What is taken for what",
        tag(
            "p",
            "Images of each row's class, by what was answered. Blue is right, red is wrong. "
            "A number leads to its digits.",
        ),
        confusion_with_digits(judged, report.behind),
    )
    if (errors := judged.pair_errors()) is not None:
        yield _section(
            "Each pair's own model",
            tag("p", "Mistakes in percent of the test images of the two digits."),
            tables.heat_map(pair_error_map(errors, names)),
        )
    yield _section(
        "Curves",
        plots(*curve_plots(judged.curves()), reliability_plot(evaluation.reliability, names)),
        tag(
            "details",
            tag("summary", "Reliability in numbers"),
            tables.reliability_table(evaluation.reliability, said, came_true),
        ),
    )
    pictures = weights(report.looks_for)
    if len(report.looks_for) > _FEW:
        summary = tag("summary", f"All {len(report.looks_for)} of them")
        pictures = tag("details", summary, pictures)
    words = _PIXELS if report.judged.model.card.has_pixel_weights else _PATCHES
    yield _section("What it looks for", tag("p", words), pictures)
    yield from _digits(report)
    yield _section(
        "How to get it again", _how_to_reproduce(report.judged.model.card, report.judged.model.ref)
    )
    yield _section("The card", card_details(report.judged.model.card))


def _of_two(report: ReportOnTwo) -> Iterator[Markup]:
    judged, names = report.compared.judged, report.compared.judged[0].model.card.class_names
    refs, cards = [each.model.ref for each in judged], [each.model.card for each in judged]

    def of_each(*parts: Content) -> Markup:
        named = zip(refs, parts, strict=True)
        return tag(
            "div", (tag("div", tag("h3", ref), part) for ref, part in named), class_="beside"
        )

    for title, headings, rows in tables.tables_of(report):
        yield _section(title, tables.table(title, headings, rows))
    matrices = (confusion_map(each.evaluation.confusion, names) for each in judged)
    yield _section("What is taken for what", of_each(*map(tables.heat_map, matrices)))
    curves = [each.curves() for each in judged]
    worst = worst_of(curves[0]).name
    of_worst = (next(c for c in each if c.name == worst) for each in curves)
    lines = [replace(c, name=f"{worst} by {ref}") for c, ref in zip(of_worst, refs, strict=True)]
    reliability = [
        replace(reliability_plot(each.evaluation.reliability, names), title=f"Reliability of {ref}")
        for ref, each in zip(refs, judged, strict=True)
    ]
    yield _section("Curves", plots(*curve_plots(lines), *reliability))
    (test,) = report.compared.tests
    counts = test.n_only_first, test.n_only_second
    for digits, n, right, wrong in zip(report.alone, counts, refs, refs[::-1], strict=True):
        if digits:
            which = f"The {len(digits)} of {n:,} of which {wrong} was surest. " * (len(digits) < n)
            said = f"{which}After the truth stands the answer of {wrong}, and how sure it was."
            yield _section(f"Only {right} is right", tag("p", said), gallery(map(answered, digits)))
    yield _section("How to get them again", of_each(*map(_how_to_reproduce, cards, refs)))
    yield _section("The cards", of_each(*map(card_details, cards)))


def _digits(report: Report) -> Iterator[Markup]:
    judged = report.judged
    evaluation = judged.evaluation
    n_wrong = evaluation.n_wrong
    if judged.mistakes:
        shown = len(judged.mistakes)
        title = "Mistakes" if shown < n_wrong else "All mistakes"
        which = f"The worst {shown} of {n_wrong:,}. " if shown < n_wrong else ""
        yield _section(
            title if n_wrong > 1 else "The only mistake",
            tag("p", f"{which}In percent how sure it was of the wrong answer."),
            gallery(map(answered, judged.mistakes)),
        )
    yield _section(
        "Least certain",
        tag("p", "Where its answer had the lowest probability; in red where it was wrong."),
        gallery(map(answered, report.least_certain)),
    )
    yield _section(
        "Most certain",
        tag("p", "Right answers, those with the highest probability of each class."),
        gallery(map(answered, report.most_certain)),
    )


def confusion_with_digits(
    judged: JudgedModel, images: Iterable[CaptionedImage]
) -> Iterator[Markup]:
    """Yield the confusion matrix, and after it the digits that its cells lead to."""
    confusion, names = judged.evaluation.confusion, judged.model.card.class_names
    behind: dict[tuple[str, str], list[CaptionedImage]] = {}
    for each in images:
        behind.setdefault((each.facts["truth"], each.facts["answer"]), []).append(each)
    links = {cell: f"#{_anchor(*cell)}" for cell in behind}
    yield tables.heat_map(confusion_map(confusion, names, links=links))
    for (truth, answer), digits in behind.items():
        yield _cell(truth, answer, digits, confusion[names.index(truth), names.index(answer)])


def _cell(truth: str, answer: str, images: list[CaptionedImage], n: int) -> Markup:
    """Show digits of a cell of the confusion matrix; the style sheet hides all but the last followed."""
    which = "least sure" if truth == answer else "surest"
    which = f"all {n:,}" if n == len(images) else f"the {which} {len(images)} of {n:,}"
    title = f"{truth} taken for {answer}: {which}"
    digits = tag("h3", title), gallery(map(answered, images))
    return tag("div", digits, id=_anchor(truth, answer), class_="behind")


def _anchor(truth: str, answer: str) -> str:
    return f"{truth}-taken-for-{answer}"


def answered(each: CaptionedImage) -> Markup:
    """Show an image of a `JudgedModel` with its truth and the answer."""
    truth, answer = each.facts["truth"], each.facts["answer"]
    is_right = truth == answer
    said = answer if is_right else f"{truth}, not {answer}"
    alt = f"a {truth}" if is_right else f"a {truth} taken for {answer}"
    sure = tables.unbroken(percent(each.facts["p_answer"], digits=1))
    caption = [said, f"{sure} · #{each.facts['index']}"]
    return figure(each.image, caption, alt, class_="" if is_right else "mistake")


def _how_to_reproduce(card: ModelCard, ref: str) -> Iterator[Markup]:
    if card.command:
        yield tag("p", "It was trained with")
        yield tag("pre", tag("code", card.command), tabindex="0")
        yield tag("p", "and whether the same comes out again is told by")
    else:
        yield tag("p", "It was trained from Python; whether the same comes out again is told by")
    yield tag("pre", tag("code", f"mnistcli models reproduce {shlex.quote(ref)}"), tabindex="0")


def card_details(card: ModelCard) -> Markup:
    """Show a card to whoever unfolds it."""
    return tag(
        "details",
        tag("summary", "Task, data, settings, certificate, versions"),
        tables.facts(card_facts(card)),
    )


def _section(title: str, *content: Content) -> Markup:
    return tag("section", tag("h2", title), content)
