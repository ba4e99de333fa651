"""``mnistcli show``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from mnistcli.cli.options import (
    JsonFlag,
    PictureOption,
    RenderOption,
    TsvFlag,
    dataset_option,
    make_output,
    model_option,
)
from mnistcli.cli.session import session_of
from mnistcli.datasets.catalog import CATALOG
from mnistcli.errors import UsageError


def show(
    ctx: typer.Context,
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INDEX|FILE]...", help="Indices of images, or files and folders of pictures."
        ),
    ] = None,
    digit: Annotated[
        str | None, typer.Option(metavar="DIGIT", help="Only images of this digit.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many images.")] = 10,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Pick random images.", show_default="the first ones")
    ] = None,
    mean: Annotated[
        bool, typer.Option("--mean", help="The mean image of the digit, or of every digit.")
    ] = False,
    weights: Annotated[
        str | None, model_option(help="What a model looks for, in red and blue.")
    ] = None,
    filters: Annotated[
        str | None, model_option(help="The typical patches that a model has learned to look for.")
    ] = None,
    mistakes: Annotated[
        str | None, model_option(help="What a model gets wrong, the worst first.")
    ] = None,
    on: Annotated[
        Literal["test", "train"], typer.Option(help="Which part of the dataset.")
    ] = "test",
    dataset: Annotated[
        str | None,
        dataset_option(
            help=f"One of {', '.join(CATALOG)}, or of your own.",
            show_default="mnist, for mistakes the model's own",
        ),
    ] = None,
    render: RenderOption = "auto",
    output: PictureOption = None,
    json: JsonFlag = False,
    tsv: TsvFlag = False,
) -> None:
    """Show digits in the terminal: images, means, a model's weights and mistakes, your own files.

    Examples:

      mnistcli show 7

      mnistcli show --digit 3 --count 10

      mnistcli show --weights 0v1

      mnistcli show --mistakes digits --count 20 --output mistakes.png
    """
    out = make_output(json=json, tsv=tsv, render=render)
    session = session_of(ctx)

    from mnistcli import gallery
    from mnistcli.cli.views.evaluate import legend_of_mistakes
    from mnistcli.cli.views.show import GalleryView

    legend = ""
    pictures: Sequence[gallery.CaptionedImage]
    of_models = [model for model in (weights, filters, mistakes) if model is not None]
    if bool(what) + (digit is not None or mean) + len(of_models) > 1:
        raise UsageError(
            "show one thing: images by index, files, digits, weights, filters or mistakes"
        )
    files = [Path(word) for word in what or () if not word.isdecimal()]
    # Python reads no number of more than 4,300 digits.
    indices = [int(word.lstrip("0")[:20] or 0) for word in what or () if word.isdecimal()]
    if files and indices:
        raise UsageError("show either indices or files")
    if weights is not None:
        pictures = gallery.weight_images(session.registry().load(weights))
        legend = gallery.WEIGHTS_LEGEND
    elif filters is not None:
        pictures = gallery.filter_images(session.registry().load(filters))
        legend = gallery.FILTERS_LEGEND
    elif mistakes is not None:
        from mnistcli.evaluation import evaluate

        model = session.registry().load(mistakes)
        images = session.dataset_of(model, out, dataset)
        judged = evaluate(model, images, on=on, n_mistakes=count)
        pictures = judged.mistakes
        legend = legend_of_mistakes(judged)
    elif files:
        from mnistcli.prediction import unfold

        pictures = [each for file in unfold(files) for each in gallery.pictures_in(file)]
    else:
        data = session.dataset(dataset or "mnist", out)
        part = data.test if on == "test" else data.train
        only = None if digit is None else gallery.parse_digit(digit)
        if indices:
            pictures = gallery.digits_at(part, indices, on)
        elif mean:
            pictures = gallery.mean_digits(part, range(10) if only is None else [only])
        else:
            pictures = gallery.some_digits(part, count, on, digit=only, seed=seed)
    if output is not None:
        from mnistcli.cli.terminal.bitmap import write_sheet

        out.note(write_sheet(output, pictures, legend))
    if output is None or out.format != "table":
        out.emit(GalleryView(pictures, legend, render))
