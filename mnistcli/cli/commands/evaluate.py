"""``mnistcli evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mnistcli.cli.options import (
    JsonFlag,
    ModelArgument,
    PictureOption,
    QuietFlag,
    RenderOption,
    TsvFlag,
    make_output,
)
from mnistcli.cli.session import session_of


def evaluate(
    ctx: typer.Context,
    model: ModelArgument = None,
    on: Annotated[
        Literal["test", "train"],
        typer.Option(help="The images that the model was tested on, or trained on."),
    ] = "test",
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Your own labelled digits instead: CSV (label,pixel0,...,pixel783), "
            "npz (images, labels) or the images of an IDX pair.",
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Another dataset.", show_default="the model's own"),
    ] = None,
    mistakes: Annotated[
        int, typer.Option(metavar="N", min=0, help="Draw the N worst mistakes.")
    ] = 0,
    render: RenderOption = "auto",
    output: PictureOption = None,
    json: JsonFlag = False,
    tsv: TsvFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Judge a model: classification report, confusion matrix, ROC AUC, log loss and more.

    Examples:

      mnistcli evaluate

      mnistcli evaluate 2vrest@best --mistakes 5

      mnistcli evaluate digits --data train.csv --json
    """
    out = make_output(json=json, tsv=tsv, quiet=quiet, render=render)
    session = session_of(ctx)

    from mnistcli import evaluation, gallery
    from mnistcli.cli.render.exhibits import tiles_of
    from mnistcli.cli.render.reports import evaluation_view, legend_of_mistakes
    from mnistcli.errors import UsageError

    if data is not None and (dataset is not None or on == "train"):
        raise UsageError("--data goes with neither --dataset nor --on train")
    if output is not None and not mistakes:
        raise UsageError("--output is for pictures of mistakes", hint="add --mistakes 20")
    loaded = session.registry().load(model)
    if data is not None:
        from mnistcli.datasets.labelled import read_labelled

        judged = evaluation.evaluate(
            loaded, read_labelled(data), n_mistakes=mistakes, name=str(data)
        )
    else:
        images = session.dataset(dataset or loaded.card.dataset, out)
        judged = evaluation.evaluate(loaded, images, on=on, n_mistakes=mistakes)
    tiles = tiles_of(gallery.mistakes_of(judged))
    if output is not None:
        from mnistcli.cli.render.bitmap import write_sheet

        out.note(write_sheet(output, tiles, legend_of_mistakes(judged)))
    out.emit(evaluation_view(judged, tiles if output is None else [], render))
