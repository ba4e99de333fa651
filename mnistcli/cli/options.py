"""Option types that several commands share, worded once."""

from __future__ import annotations

from typing import Annotated

import typer

from mnistcli.cli.output import Output, choose_format
from mnistcli.cli.session import session_of

_OUTPUT_PANEL = "Output"


def _remember_json(ctx: typer.Context, wanted: bool) -> bool:  # noqa: FBT001 - Typer calls it so
    if wanted:
        session_of(ctx).errors_as_json = True
    return wanted


JsonFlag = Annotated[
    bool,
    typer.Option(
        "--json",
        callback=_remember_json,
        rich_help_panel=_OUTPUT_PANEL,
        help="Print one JSON document.",
    ),
]
TsvFlag = Annotated[
    bool,
    typer.Option(
        "--tsv", rich_help_panel=_OUTPUT_PANEL, help="Print tab-separated values with a header."
    ),
]
QuietFlag = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        rich_help_panel=_OUTPUT_PANEL,
        help="Print only the answer itself, and no notes.",
    ),
]
DatasetOption = Annotated[
    str, typer.Option("--dataset", metavar="NAME", help="mnist, fashion-mnist, kmnist or qmnist.")
]
ModelArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        help="NAME, NAME@VERSION, NAME@TAG or a model file.",
        show_default="the newest",
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="NAME, NAME@VERSION, NAME@TAG or a model file.",
        show_default="the newest",
    ),
]


def make_output(*, json: bool = False, tsv: bool = False, quiet: bool = False) -> Output:
    """Give the output door for a command's flags."""
    return Output(choose_format(json=json, tsv=tsv, quiet=quiet))
