"""The whole page as a file, and what a person is shown in it and in a notebook's cell."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, starmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistcli._version import __version__
from mnistcli.cli.content import parts
from mnistcli.cli.content.numbers import n_bytes, percent, unbroken
from mnistcli.cli.content.plots import Plot
from mnistcli.cli.drawing import svg
from mnistcli.cli.layout import plot_drawing
from mnistcli.cli.output import Answer
from mnistcli.cli.report.html import Content, Markup, join, style, tag
from mnistcli.cli.report.sections import Section, markdown, sections, title_of, verdicts
from mnistcli.cli.terminal.bitmap import COLOUR_SIGNS, colours_of, data_url, fill_in, to_scale
from mnistcli.comparison import ReportOnTwo, judged_of
from mnistcli.evaluation import Report
from mnistcli.files import write_atomically
from mnistcli.gallery import CaptionedImage, Gallery

ENDINGS = (".html", ".md")


def publish(report: Report | ReportOnTwo, path: Path) -> Answer:
    """Write a report in the format of the file's name, and say what it comes to."""
    text = markdown(report) if path.suffix.lower() == ".md" else page(report)
    content = text.encode(errors="replace")  # a command line may hold bytes that are no text
    write_atomically(path, content)
    judged, *others = judged_of(report)
    said = verdicts(report)
    document = {
        "model": judged.model.ref,
        "path": str(path),
        "n_bytes": len(content),
        "on": judged.on,
        "accuracy": judged.evaluation.accuracy,
        "verdict": said[0],
    }
    for other in others:
        document |= {"other": other.model.ref, "other_accuracy": other.evaluation.accuracy}
        document |= {"other_verdict": said[1], "comparison": said[2]}
    facts = [("Wrote", f"{path}, {n_bytes(len(content))}"), *(("Says", each) for each in said)]
    return Answer("report", document, [str(path)], [parts.Facts(facts)])


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
    by = f"Made by mnistcli {__version__}. This page needs no network and runs no script."
    body = tag("body", contents(report), tag("footer", by), class_="mnistcli page")
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
    shown: Content = elements_of(section.parts)
    if section.folded:
        shown = tag("details", tag("summary", section.folded), shown)
    words = tag("p", section.words) if section.words else ""
    return tag("section", tag("h2", section.title), words, shown)


def elements_of(shown: Iterable[parts.Part]) -> Iterator[Markup]:
    """Yield elements for parts; heat maps that follow each other stand side by side."""
    for kind, run in groupby(shown, type):
        elements = [*map(_element, run)]
        is_beside = kind is parts.HeatMap and len(elements) > 1
        yield from [tag("div", elements, class_="beside")] if is_beside else elements


def _element(part: parts.Part) -> Markup:
    match part:
        case parts.Facts():
            pairs = (tag("div", tag("dt", name), tag("dd", _cell(it))) for name, it in part.pairs)
            return tag("dl", pairs, class_="tiles" if part.are_large else "facts")
        case parts.Table():
            return _table(part)
        case parts.Words():
            return tag("p", unbroken(part.text), class_="note")
        case parts.Code():
            return tag("pre", tag("code", "\n".join(part.lines)), tabindex="0")
        case parts.Plots():
            return tag("div", map(_plot, part.plots), class_="plots")
        case parts.HeatMap():
            return heat_map(part)
    return _gallery(part)


def _cell(cell: parts.Cell) -> Content:
    if isinstance(cell, parts.Noted):
        return [f"{unbroken(cell.text)} ", tag("small", unbroken(cell.note))]
    return cell


def _table(table: parts.Table) -> Markup:
    sides = [None if kind == "r" else "left" for kind in table.columns]

    def row(first: parts.Cell, *cells: parts.Cell) -> Markup:
        others = (
            tag("td", _cell(c), class_=side) for c, side in zip(cells, sides[1:], strict=True)
        )
        return tag("tr", tag("th", _cell(first), scope="row", class_=sides[0]), others)

    headings = zip(table.headings, sides, strict=True)
    head = tag("tr", (tag("th", each, scope="col", class_=side) for each, side in headings))
    body, foot = (starmap(row, rows) for rows in (table.rows, table.averages))
    shown = tag("thead", head), tag("tbody", body), tag("tfoot", foot) if table.averages else ""
    label = table.title or ", ".join(filter(None, table.headings))
    return _scrolling(table.title, label, tag("table", shown))


def _scrolling(title: str, label: str, table: Markup) -> Markup:
    """Let a table that is wider than a phone be moved sideways, by finger and by key."""
    moved = {"class_": "scrolling", "tabindex": "0", "role": "region", "aria_label": label}
    return tag("div", tag("h3", title) if title else "", tag("div", table, **moved))


def heat_map(heat: parts.HeatMap) -> Markup:
    """Show a heat map, and below it the digits that the last number followed stands for."""
    behind: dict[tuple[str, str], list[CaptionedImage]] = {}
    for each in heat.behind:
        behind.setdefault((each.facts["truth"], each.facts["answer"]), []).append(each)
    labels = ("truth ↓", "answer →") if heat.across else ("mistakes", "in %")
    corner = tag("td", labels[0], tag("br"), labels[1], class_="corner")
    headings = (tag("th", name, scope="col") for name in heat.names)
    rows, digits = [], []
    for truth, row in zip(heat.names, heat.cells, strict=True):
        cells = []
        for answer, cell in zip(heat.names, row, strict=True):
            images, link = behind.get((truth, answer)), f"{truth}-taken-for-{answer}"
            # The style sheet, which knows whether it is dark, gives a cell's strength its colour.
            how = "wrong" if not cell.is_right else "right strong" if cell.shade > 0.85 else "right"
            text = tag("a", cell.text, href=f"#{link}") if images else cell.text
            strength = f"--strength:{cell.shade:.2f}"
            empty = tag("td", "·", class_="zero")
            cells.append(tag("td", text, class_=how, style=strength) if text else empty)
            if images:
                which = f"the {'least sure' if cell.is_right else 'surest'} {len(images)} of "
                which = which * (len(images) < int(cell.text)) or "all "
                title = tag("h3", f"{truth} taken for {answer}: {which}{int(cell.text):,}")
                digits.append(tag("div", title, _gallery(images), id=link, class_="behind"))
        rows.append(tag("tr", tag("th", truth, scope="row"), cells))
    head = tag("thead", tag("tr", corner, headings))
    table = tag("table", head, tag("tbody", rows), class_="matrix")
    return tag("div", _scrolling(heat.title, " ".join(labels), table), digits)


def _plot(plot: Plot) -> Markup:
    # Letters are smaller where a plot is wider.
    drawing = plot_drawing(plot._replace(title="", note=""), 440.0)
    drawing = drawing._replace(title=f"{plot.title}. {plot.note}")
    caption = tag("figcaption", tag("strong", plot.title), " ", plot.note)
    return tag("figure", svg(drawing), caption, class_="plot")


def _gallery(pictures: Sequence[CaptionedImage]) -> Markup:
    """Put pictures side by side, as many in a row as fit; weights of many outputs are small."""
    images = to_scale([each.image for each in pictures])
    class_ = "digits" if all(image.dtype == np.uint8 for image in images) else "weights"
    shown = tag("div", map(_figure, images, pictures), class_=class_)
    if not isinstance(pictures, Gallery) or not pictures.legend:
        return shown
    legend = tag("p", fill_in(pictures.legend, COLOUR_SIGNS), class_="note")
    return Markup(join((shown, legend)))


def _figure(image: NDArray[Any], picture: CaptionedImage) -> Markup:
    """Show a picture pixel by pixel, with words under it; of an answer whether and how sure it was."""
    from PIL import Image

    lines, alt, class_ = picture.caption.split(", "), picture.caption, None
    if "p_answer" in picture.facts:
        truth, answer = picture.facts["truth"], picture.facts["answer"]
        is_right = truth == answer
        alt = f"a {truth}" if is_right else f"a {truth} taken for {answer}"
        sure = unbroken(percent(picture.facts["p_answer"], digits=1))
        said = answer if is_right else f"{truth}, not {answer}"
        lines = [said, f"{sure} #{picture.facts['index']}"]
        class_ = None if is_right else "mistake"
    grey_or_colour = image if image.dtype == np.uint8 else colours_of(image)
    height, width = image.shape[:2]
    source = data_url(Image.fromarray(grey_or_colour))
    shown = tag("img", src=source, alt=alt, width=width, height=height)
    words = tag("figcaption", (tag("span", line) for line in lines))
    return tag("figure", shown, words, class_=class_)
