"""The topics of ``mnistcli help``: Markdown files in the folder ``help``."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent, wrap
from typing import TYPE_CHECKING, Any, ClassVar

from mnistcli._version import __version__
from mnistcli.cli.app import read_command
from mnistcli.cli.parsing import parameter_rows
from mnistcli.metrics.catalog import metric_keys

if TYPE_CHECKING:
    from rich.console import Console, RenderableType, RenderResult

    from mnistcli.registry.card import ModelCard


FOLDER = Path(__file__).parent / "help"


def topics() -> dict[str, str]:
    """Return the first line of every topic, by name."""
    texts = {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.md"))}
    return {name: text.partition("\n")[0].lstrip("# ").rstrip() for name, text in texts.items()}


def read_topic(name: str) -> str:
    """Return a topic's Markdown; the keys of metrics, which stand for METRICS, are the catalogue's."""
    text = (FOLDER / f"{name}.md").read_text("utf-8")
    keys = wrap(", ".join(f"`{key}`" for key in metric_keys()), 106)
    return text.replace("METRICS", "\n  ".join(keys))


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
    from rich.markdown import CodeBlock, Heading, Markdown, TableDataElement
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

    class WholeCell(TableDataElement):
        def __init__(self, justify: Any) -> None:
            super().__init__(justify)
            self.content.overflow = "fold"  # or a path that is too long loses its end

    class PlainMarkdown(Markdown):
        elements: ClassVar = Markdown.elements | dict.fromkeys(("fence", "code_block"), PlainCode)
        elements |= {"heading_open": PlainHeading, "td_open": WholeCell, "th_open": WholeCell}

    styles = {"h1": "bold", "h2": "bold", "code": "cyan", "table.header": "bold"}
    console.push_theme(Theme({f"markdown.{name}": style for name, style in styles.items()}))
    return PlainMarkdown(text, hyperlinks=False)


def man_page(root: Any) -> Iterator[str]:
    """Yield the lines of the page, in the macros of man(7), from the context of the program."""
    written = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    yield f'.TH MNISTCLI 1 "{written:%Y-%m-%d}" "mnistcli {__version__}"'
    what = _text(root.command.help.partition("\n")[0]).rstrip(".")
    yield from (".SH NAME", f"mnistcli \\- {what}", ".SH COMMANDS", *_command(root))
    for name in topics():
        yield from _roff(read_topic(name))


def _command(ctx: Any) -> Iterator[str]:
    usage = " ".join((ctx.command_path, *ctx.command.collect_usage_pieces(ctx)))
    yield from (f'.SS "{_text(usage)}"', *_roff(ctx.command.help))
    for _, (names, text) in parameter_rows(ctx.command, ctx):
        yield from (".TP", f".B {_text(names)}", _text(text) or "\\&")
    for name, listed in getattr(ctx.command, "commands", {}).items():
        command = listed if ctx.parent else read_command(name)
        yield from _command(command.make_context(name, [], parent=ctx, resilient_parsing=True))


def _roff(markdown: str) -> Iterator[str]:
    """Yield Markdown, or the text of a command's help, as lines of roff."""
    gap: list[str] = []  # none after a heading
    markdown = markdown.replace("Examples:\n", "Examples:\n\n")
    for block in re.findall(r"(?ms)^```.*?^```|^(?:[^\n]+\n?)+", markdown):
        lines = block.splitlines()
        if block.startswith("#"):
            yield f'{".SS" if block.startswith("##") else ".SH"} "{_text(lines[0].lstrip("# "))}"'
        elif block.startswith(("```", "  ")):
            code = lines[1:-1] if block.startswith("```") else lines
            yield from (*gap, ".EX", *(_text(line, is_code=True) for line in code), ".EE")
        elif block.startswith("|"):
            for head, *cells in (line.strip("| ").split(" | ") for line in lines[2:]):
                yield from (".TP", f".B {_text(head)}", _text("; ".join(filter(None, cells))))
        elif block.startswith("- "):
            for item in re.split(r"(?m)^- ", block)[1:]:
                yield from (".IP \\(bu 2", _text(item))
        else:
            yield from (*gap, _text(block))
        gap = [] if block.startswith("#") else [".PP"]


def _text(text: str, *, is_code: bool = False) -> str:
    """Write text for roff, and in ASCII; outside code lines are joined and Markdown's marks go."""
    if is_code:
        text = text.rstrip()
    else:
        text = re.sub(r"\*\*|`|\\(?=\|)", "", " ".join(text.split()))
        text = re.sub(r"(?<!\S)\*(\w[^*]*)\*", r"\1", text)
    text = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    text = re.sub(r"[^ -~]", lambda letter: f"\\[u{ord(letter[0]):04X}]", text)
    return f"\\&{text}" if text.startswith((".", "'")) else text
