"""``mnistcli draw``."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from mnistcli.cli import completion
from mnistcli.cli.options import ModelOption, command
from mnistcli.cli.output import Output
from mnistcli.cli.session import Session
from mnistcli.errors import UsageError


def _png_only(path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() != ".png":
        raise UsageError(f"cannot write a picture to {path}", hint="use a name that ends in .png")
    return path


@command()
def draw(
    session: Session,
    out: Output,
    model: ModelOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.png",
            callback=_png_only,
            help="Where the key s saves the drawing.",
            show_default="digit-1.png, digit-2.png, ...",
        ),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            "--keep",
            "--into",
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

      mnistcli draw --keep mine
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
    loaded = session.model(model, out)

    from mnistcli.cli.terminal.capabilities import has_light_background
    from mnistcli.cli.views.draw import DrawingApp
    from mnistcli.datasets.own import check_own_name

    app = DrawingApp(
        loaded,
        output,
        partial(session.store().own.keep, check_own_name(keep)) if keep else None,
        is_light=has_light_background(),
    )
    app.run()
    for each in app.told:
        out.note(each)
