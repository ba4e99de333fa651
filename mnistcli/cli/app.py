"""Assemble the commands; the one door through which errors reach the user."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from mnistcli._version import __version__
from mnistcli.cli.commands import (
    compare,
    completion,
    doctor,
    download,
    draw,
    evaluate,
    models,
    predict,
    report,
    show,
    train,
)
from mnistcli.cli.help import SectionedCommand, SectionedGroup
from mnistcli.cli.output import report_error
from mnistcli.cli.session import Session
from mnistcli.errors import MnistCliError
from mnistcli.paths import HOME_VARIABLE

INTERRUPTED, BROKEN_PIPE = 130, 141

EXIT_CODES = """
Exit codes: 0 done, 1 unexpected, 2 usage, 3 data unavailable or folder not writable, 4 corrupt data
or file, 5 model not found, 6 bad image, 7 some inputs failed, 8 quality gate failed or model not
reproduced, 9 lock timeout, 130 interrupted, 141 output closed.
"""


# What `mnistcli --help` lists, and under which heading.
PANELS: dict[str, tuple[Any, ...]] = {
    "Commands": (
        download.download,
        train.train,
        evaluate.evaluate,
        predict.predict,
        show.show,
        draw.draw,
    ),
    "Judging": (compare.compare, report.report),
    "Keeping": (models.app,),
    "This installation": (doctor.doctor, completion.completion),
}


class CommandLine(SectionedGroup):
    """The commands, and the door through which their errors leave.

    Typer would read the options of all commands at every start, which takes a fifth of the time of
    ``--help``. Names and first lines are enough until one is called.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._unread = {}
        for panel, commands in PANELS.items():
            for command in commands:
                name, text = _name_and_help(command)
                self._unread[name] = command
                self.add_command(TyperCommand(name, help=text, rich_help_panel=panel))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is called, and read its options."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, _read(self._unread[name]) if name else command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run a command; our own errors become a line and an exit code, bugs keep their traceback."""
        try:
            return super().invoke(ctx)
        except MnistCliError as error:
            if ctx.obj is not None:
                ctx.obj.add_hint(error)
            report_error(error, as_json=ctx.obj is not None and ctx.obj.errors_as_json)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            raise typer.Exit(BROKEN_PIPE) from None


def _name_and_help(command: Any) -> tuple[str, str]:
    if isinstance(command, typer.Typer):
        return command.info.name or "", command.info.help or ""
    return command.__name__, command.__doc__ or ""


def _read(command: Any) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    if isinstance(command, typer.Typer):
        app.add_typer(command, cls=SectionedGroup)
    else:
        app.command(cls=SectionedCommand)(command)
    (only,) = typer.main.get_group(app).commands.values()
    return only


app = typer.Typer(
    cls=CommandLine,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if wanted:
        print(f"mnistcli {__version__}")  # noqa: T201
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    ctx: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            envvar=HOME_VARIABLE,
            metavar="FOLDER",
            help="Keep datasets and models here instead of in the platform's own folders.",
        ),
    ] = None,
    _version: Annotated[  # noqa: FBT002 - Typer passes it by name
        bool,
        typer.Option(
            "--version", "-V", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Train, judge, keep and explain logistic regressions on MNIST's handwritten digits.

    Start with: mnistcli train --task 0v1
    """
    ctx.obj = Session(home)
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
        raise typer.Exit
