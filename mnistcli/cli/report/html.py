"""HTML from Python: ``tag("p", "1 < 2", class_="note")`` is ``<p class="note">1 &lt; 2</p>``.

What is not `Markup` is text and is escaped, so a name or a path cannot become a tag.
"""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from mnistcli.cli.words import visible_lines

# Text, elements, and lists of lists of them.
Content = str | Iterable["Content"]


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children: Content, **attributes: str | float | None) -> Markup:
    """Make an element of text and of `Markup` made by this function, in any nesting.

    ``class_="x"`` writes class, ``stroke_width=2`` stroke-width, None nothing.
    """
    written = ""
    for key, value in attributes.items():
        if value is not None:
            # A tenth of a pixel is less than anybody sees.
            text = value if isinstance(value, str) else f"{round(value, 2):g}"
            written += f' {key.rstrip("_").replace("_", "-")}="{escape(visible_lines(text))}"'
    if name in ("br", "img", "link", "meta"):  # without content and end (HTML standard, 13.1.2)
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def style(*names: str) -> Markup:
    """Make an element of style sheets of this package."""
    sheets = (Path(__file__).with_name(f"{name}.css").read_text("utf-8") for name in names)
    return tag("style", Markup("".join(sheets)))


def join(children: Iterable[Content]) -> Markup:
    """Put text and elements, and lists of them, one after the other."""
    written = ""
    for child in children:
        text = child if isinstance(child, str) else join(child)
        written += text if isinstance(text, Markup) else escape(visible_lines(text))
    return Markup(written)
