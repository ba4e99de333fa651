"""Help in plain text, with a section for each panel of options or commands.

Typer's own help is drawn with rich, and importing what it takes for that (rich.markdown,
rich.syntax, rich.traceback and more) costs more than all the rest of ``mnistcli --help``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from collections.abc import Iterable

    Rows = Iterable[tuple[str, tuple[str, str]]]


class SectionedCommand(TyperCommand):
    """A command whose help has a section for each panel."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what can be given."""
        _write_sections(formatter, _parameter_rows(self, ctx))


class SectionedGroup(TyperGroup):
    """A group whose help has a section for each panel."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what can be given, and the commands with all of their first line."""
        _write_sections(formatter, _parameter_rows(self, ctx))
        _write_sections(
            formatter,
            (
                (_panel(command) or "Commands", (name, command.get_short_help_str(limit=200)))
                for name, command in self.commands.items()
            ),
        )


def _parameter_rows(command: TyperCommand | TyperGroup, ctx: Any) -> Rows:
    for parameter in command.get_params(ctx):
        row = parameter.get_help_record(ctx)
        if row is not None:
            yield _panel(parameter) or f"{parameter.param_type_name}s".capitalize(), row


def _panel(thing: object) -> str | None:
    return getattr(thing, "rich_help_panel", None)


def _write_sections(formatter: Any, rows: Rows) -> None:
    sections: dict[str, list[tuple[str, str]]] = {}
    for title, row in rows:
        sections.setdefault(title, []).append(row)
    for title, members in sections.items():
        with formatter.section(typer.style(title, bold=True)):
            formatter.write_dl(members)
