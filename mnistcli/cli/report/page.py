"""The whole page."""

from collections.abc import Iterator

from mnistcli._version import __version__
from mnistcli.cli.report.html import Content, Markup, style, tag
from mnistcli.cli.report.parts import drawn, unbroken
from mnistcli.cli.report.sections import Section, sections, title_of, verdicts
from mnistcli.reporting import Report, ReportOnTwo

_MADE_BY = f"Made by mnistcli {__version__}. This page needs no network and runs no script."


def page(report: Report | ReportOnTwo) -> str:
    """Write the page; equal reports give equal pages."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"mnistcli {__version__}"),
        tag("title", f"{title_of(report)}: a report"),
        style("results", "page"),
    )
    body = tag("body", contents(report), tag("footer", _MADE_BY), class_="mnistcli page")
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def contents(report: Report | ReportOnTwo) -> Iterator[Markup]:
    """Yield the page but for its head and foot."""
    yield tag(
        "header",
        tag("p", "mnistcli report", class_="kicker"),
        tag("h1", title_of(report)),
        (tag("p", unbroken(said), class_="verdict") for said in verdicts(report)),
        (tag("p", note, class_="warning") for note in report.notes),
    )
    yield tag("main", map(_section, sections(report)))


def _section(section: Section) -> Markup:
    parts: Content = drawn(section.parts)
    if section.folded:
        parts = tag("details", tag("summary", section.folded), parts)
    words = tag("p", section.words) if section.words else ""
    return tag("section", tag("h2", section.title), words, parts)
