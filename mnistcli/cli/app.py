"""Assemble the commands; the one door through which errors reach the user."""

import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from mnistcli.cli import parsing
from mnistcli.cli.call import Call
from mnistcli.cli.output import report_error
from mnistcli.errors import MnistCliError, NotEnoughMemoryError
from mnistcli.paths import HOME_VARIABLE


def _sections(text: str, mark: str) -> dict[str, str]:
    """Return what stands under each heading that begins with a mark."""
    sections = (each.partition("\n") for each in f"\n{text}".split(f"\n{mark} ")[1:])
    return {heading: body.strip() for heading, _, body in sections}


# What `mnistcli --help` lists under which heading, each with the first sentence of its help: its module
# in `cli.commands` is imported when it is called. What is called by two words is listed by the first.
_PANELS = _sections(Path(__file__).with_name("commands.txt").read_text("utf-8"), "#")
_LAST_WORDS = _PANELS.pop("Exit codes")
_HELP = {name: text for panel in _PANELS.values() for name, text in _sections(panel, "##").items()}
COMMANDS = {
    panel: [name for name in _sections(texts, "##") if " " not in name]
    for panel, texts in _PANELS.items()
}


class CommandLine(parsing.SectionedGroup):
    """The commands, and the door through which their errors leave.

    To import all commands and read their options would take a third of the time of ``--help``.
    Names and first lines are enough until one is called.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for panel, commands in COMMANDS.items():
            for name in commands:
                self.add_command(TyperCommand(name, help=_HELP[name], rich_help_panel=panel))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is called, and read its options."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, read_command(name) if name else command, rest

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, **settings: Any
    ) -> Any:
        """Run a command and exit; our own errors become a line and a code, bugs keep their traceback."""
        words = sys.argv[1:] if args is None else args
        try:
            parsing.check_words(words)
            # Typer's own Exit, with its code, and Ctrl-C, with 130, come back as values.
            sys.exit(super().main(args, **settings, standalone_mode=False))
        except (parsing.ParsingError, MnistCliError, MemoryError) as error:
            ours = NotEnoughMemoryError(error) if isinstance(error, MemoryError) else error
            ours = ours if isinstance(ours, MnistCliError) else parsing.usage_error(ours)
            options = [*takewhile(lambda word: word != "--", words)]
            as_json = not {"--json", "--jsonl", "--format=json"}.isdisjoint(options)
            report_error(ours, as_json=as_json or ("--format", "json") in pairwise(options))
            sys.exit(ours.exit_code)


def read_command(name: str) -> Any:
    """Import a command, and read its options."""
    module = import_module(f"mnistcli.cli.commands.{name}")
    functions = {each.rstrip("_"): value for each, value in vars(module).items()}
    app = group = typer.Typer(add_completion=False, rich_markup_mode=None)
    if below := [path for path in _HELP if path.startswith(f"{name} ")]:
        group = typer.Typer(no_args_is_help=True)
        app.add_typer(group, name=name, cls=parsing.SectionedGroup, help=_HELP[name])
    for path in below or [name]:
        word = path.split()[-1]
        group.command(word, cls=parsing.SectionedCommand, help=_HELP[path])(functions[word])
    (only,) = typer.main.get_group(app).commands.values()
    return only


app = typer.Typer(
    cls=CommandLine,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
    epilog=f"\n{_LAST_WORDS}\n",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from mnistcli.cli.commands.version import version

        version()
        raise typer.Exit


@app.callback()
def start(
    ctx: typer.Context,
    home: Path | None = typer.Option(
        None, envvar=HOME_VARIABLE, metavar="FOLDER", help="Keep datasets and models here."
    ),
    _version: bool = typer.Option(
        None, "--version", "-V", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Train, judge, keep and explain logistic regressions on MNIST's handwritten digits.

    Start with: mnistcli train 0v1
    """
    ctx.obj = Call(home=home)
