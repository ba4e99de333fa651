"""Assemble the commands; the one door through which errors reach the user."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

import mnistcli
from mnistcli.cli.commands import download, evaluate, models, predict, show, train
from mnistcli.cli.output import report_error
from mnistcli.cli.session import Session
from mnistcli.errors import MnistCliError
from mnistcli.paths import HOME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED, BROKEN_PIPE = 130, 141

EXIT_CODES = """
Exit codes: 0 done, 1 unexpected, 2 usage, 3 data unavailable or folder not writable, 4 corrupt data
or file, 5 model not found, 6 bad image, 7 some inputs failed, 9 lock timeout, 130 interrupted,
141 output closed.
"""


class ErrorDoor(TyperGroup):
    """Turns our own errors into one line and an exit code; a bug keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; see the class."""
        try:
            return super().invoke(ctx)
        except MnistCliError as error:
            report_error(error, as_json=ctx.obj is not None and ctx.obj.errors_as_json)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            raise typer.Exit(BROKEN_PIPE) from None


app = typer.Typer(
    cls=ErrorDoor,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EXIT_CODES,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if wanted:
        print(f"mnistcli {mnistcli.__version__}")  # noqa: T201
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
        print(ctx.get_help())  # noqa: T201
        raise typer.Exit


def _add(panel: str, commands: Sequence[Any]) -> None:
    for command in commands:
        app.command(rich_help_panel=panel)(command)


_add(
    "Commands",
    [download.download, train.train, evaluate.evaluate, predict.predict, show.show],
)
app.add_typer(models.app, rich_help_panel="Keeping")
