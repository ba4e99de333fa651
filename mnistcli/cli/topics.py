"""The topics of ``mnistcli help``: Markdown files in the folder ``help``."""

import re
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any, ClassVar

from mnistcli._version import __version__

if TYPE_CHECKING:
    from rich.console import Console, RenderableType, RenderResult

    from mnistcli.registry.card import ModelCard

FOLDER = Path(__file__).parent / "help"


def topics() -> dict[str, str]:
    """Return the first line of every topic, by name."""
    texts = {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.md"))}
    return {name: text.partition("\n")[0].lstrip("# ").rstrip() for name, text in texts.items()}


def read_topic(name: str) -> str:
    """Return a topic's Markdown."""
    return (FOLDER / f"{name}.md").read_text("utf-8")


def references(card: "ModelCard") -> str:
    """Return the entries of ``help citing`` for what made a model: its words are in the line above."""
    spec = card.feature_spec
    words = {*card.dataset.split("+"), card.settings.solver, *spec.kind.split("+")}
    words |= {"copies" * bool(spec.n_copies), "pairs" * card.task.is_pairwise}
    words |= {"--C auto" * ("C_1se" in card.metrics)}
    topic = read_topic("citing").replace("VERSION", card.versions.get("mnistcli", __version__))
    blocks = re.findall(r"(?ms)^([^\n]+)\n\n```bibtex\n(.*?)```", topic)
    found = ((re.findall("`(.*?)`", above), entries) for above, entries in blocks)
    return "\n".join(entries for every, entries in found if not every or words & {*every})


def drawn_topic(text: str, console: "Console") -> "RenderableType":
    """Draw Markdown for a person: headings bold, code as it is, tables as wide as the terminal."""
    from rich.markdown import CodeBlock, Heading, Markdown
    from rich.text import Text
    from rich.theme import Theme

    class PlainHeading(Heading):
        def __rich_console__(self, *_: Any) -> "RenderResult":
            self.text.justify = "left"
            yield self.text

    class PlainCode(CodeBlock):
        def __rich_console__(self, *_: Any) -> "RenderResult":
            code = indent(str(self.text).rstrip(), " " * 4)
            yield Text(code, no_wrap=True, overflow="ignore")  # to be copied, however long

    class PlainMarkdown(Markdown):
        elements: ClassVar = Markdown.elements | {
            "heading_open": PlainHeading,
            "fence": PlainCode,
            "code_block": PlainCode,
        }

    styles = {"h1": "bold", "h2": "bold", "code": "cyan", "table.header": "bold"}
    console.push_theme(Theme({f"markdown.{name}": style for name, style in styles.items()}))
    return PlainMarkdown(text, hyperlinks=False)
