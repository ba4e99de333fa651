"""The topics of ``mnistcli help``: Markdown files in the folder ``help``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from rich.console import Console, RenderableType, RenderResult

FOLDER = Path(__file__).parent / "help"
# Where the table of all JSON keys goes.
_KEYS = "{{keys}}"


def topics() -> dict[str, str]:
    """Return the first line of every topic, by name."""
    titles = {}
    for path in sorted(FOLDER.glob("*.md")):
        with path.open(encoding="utf-8") as file:
            titles[path.stem] = file.readline().lstrip("# ").rstrip()
    return titles


def read_topic(name: str) -> str:
    """Return a topic's Markdown."""
    text = (FOLDER / f"{name}.md").read_text("utf-8")
    if _KEYS not in text:
        return text
    from mnistcli.cli.contract import as_markdown

    return text.replace(_KEYS, as_markdown())


def drawn_topic(text: str, console: Console) -> RenderableType:
    """Draw Markdown for a person: headings bold, code as it is, tables as wide as the terminal."""
    from rich.markdown import CodeBlock, Heading, Markdown
    from rich.padding import Padding
    from rich.text import Text
    from rich.theme import Theme

    class PlainHeading(Heading):
        def __rich_console__(self, *_: Any) -> RenderResult:
            self.text.justify = "left"
            yield self.text

    class PlainCode(CodeBlock):
        def __rich_console__(self, *_: Any) -> RenderResult:
            yield Padding(Text(str(self.text).rstrip()), (0, 0, 0, 4))

    class PlainMarkdown(Markdown):
        elements: ClassVar = Markdown.elements | {
            "heading_open": PlainHeading,
            "fence": PlainCode,
            "code_block": PlainCode,
        }

    bold = dict.fromkeys(("markdown.code", "markdown.h1", "markdown.h2"), "bold")
    console.push_theme(Theme(bold))
    return PlainMarkdown(text, hyperlinks=False)
