"""``mnistcli predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mnistcli.cli.options import (
    JsonFlag,
    ModelOption,
    QuietFlag,
    TsvFlag,
    make_output,
)
from mnistcli.cli.output import report_error
from mnistcli.cli.session import session_of
from mnistcli.errors import BadImageError, SomeInputsFailedError, UsageError


def predict(
    ctx: typer.Context,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INPUT]...",
            help="Pictures (PNG, JPEG, ...), or NPY, CSV or IDX files of many; - for standard input.",
        ),
    ] = None,
    model: ModelOption = None,
    index: Annotated[
        list[int] | None,
        typer.Option("--index", "-i", help="An image of the model's test set; may be repeated."),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Print the probability of every class.")
    ] = False,
    show: Annotated[bool, typer.Option("--show", help="Draw what the model saw.")] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Take 28 x 28 pixels as they are, light ink on black.")
    ] = False,
    json: JsonFlag = False,
    tsv: TsvFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Say which digit a picture shows, with the newest model or another.

    Examples:

      mnistcli predict seven.png --show

      mnistcli predict --index 7 --proba

      mnistcli predict *.png --model digits@best --tsv

      curl -s https://example.org/seven.png | mnistcli predict - -q
    """
    out = make_output(json=json, tsv=tsv, quiet=quiet)
    session = session_of(ctx)
    if bool(inputs) == bool(index):
        raise UsageError("give either pictures or --index", hint="for example --index 7")

    from mnistcli import prediction
    from mnistcli.cli.render.answers import sightings_view

    loaded = session.registry().load(model)
    if index:
        data = session.dataset(loaded.card.dataset, out)
        sightings = list(prediction.look_at_index(loaded, data, index))
        out.emit(sightings_view(loaded, sightings, proba=proba, show=show))
        return
    paths: list[Path | Literal["-"]]
    paths = ["-" if word == "-" else Path(word) for word in inputs or ()]
    answers = list(prediction.look_at_files(loaded, paths, raw=raw))
    failures = [answer for answer in answers if isinstance(answer, BadImageError)]
    if len(answers) == 1 and failures:
        raise failures[0]
    for failure in failures:
        report_error(failure, as_json=json)
    sightings = [answer for answer in answers if not isinstance(answer, BadImageError)]
    out.emit(sightings_view(loaded, sightings, proba=proba, show=show))
    if failures:
        raise SomeInputsFailedError(len(failures), len(answers))
