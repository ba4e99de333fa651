"""The manual page: every command with its options, then every topic of ``mnistcli help``."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mnistcli._version import __version__
from mnistcli.cli.app import read_command
from mnistcli.cli.parsing import parameter_rows
from mnistcli.cli.topics import read_topic, topics


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
    text = text.rstrip() if is_code else re.sub(r"\*\*|`", "", " ".join(text.split()))
    text = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    text = re.sub(r"[^ -~]", lambda letter: f"\\[u{ord(letter[0]):04X}]", text)
    return f"\\&{text}" if text.startswith((".", "'")) else text
