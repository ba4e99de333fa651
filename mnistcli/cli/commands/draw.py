"""``mnistcli draw``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from mnistcli.cli import completion
from mnistcli.cli.options import ModelOption, png_only
from mnistcli.cli.session import session_of
from mnistcli.errors import UsageError


def draw(
    ctx: typer.Context,
    model: ModelOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.png",
            callback=png_only,
            help="Where the key s saves the drawing.",
            show_default="digit-1.png, digit-2.png, ...",
        ),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=completion.own_datasets,
            help="The keys 0 to 9 put the drawing, as this digit, into a dataset of yours.",
        ),
    ] = None,
) -> None:
    """Draw a digit in the terminal, with mouse or keys, and watch the probabilities move.

    Examples:

      mnistcli draw

      mnistcli draw --model digits@best --output seven.png

      mnistcli draw --into mine
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "draw needs a terminal", hint="mnistcli predict - reads a drawing made of letters"
        )
    try:
        import textual  # noqa: F401
    except ImportError:
        raise UsageError(
            "draw needs textual, which is not installed", hint="pip install 'mnistcli[draw]'"
        ) from None
    loaded = session_of(ctx).registry().load(model)

    from mnistcli.cli.views.draw import DrawingApp
    from mnistcli.datasets.own import check_own_name

    own = session_of(ctx).store().own
    DrawingApp(loaded, output, partial(own.keep, check_own_name(into)) if into else None).run()
