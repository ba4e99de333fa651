"""``mnistcli show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mnistcli.cli.options import DatasetOption, JsonFlag, TsvFlag, make_output
from mnistcli.cli.session import session_of
from mnistcli.errors import UsageError

_WEIGHTS_LEGEND = "red or +#: ink here speaks for it; blue or -=: ink here speaks against it"


def show(
    ctx: typer.Context,
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[INDEX|FILE]...", help="Indices of images, or image files."),
    ] = None,
    digit: Annotated[
        str | None, typer.Option(metavar="DIGIT", help="Only images of this digit.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many images.")] = 10,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Pick random images.", show_default="the first ones"),
    ] = None,
    mean: Annotated[
        bool, typer.Option("--mean", help="The mean image of the digit, or of every digit.")
    ] = False,
    weights: Annotated[
        str | None, typer.Option(metavar="MODEL", help="What a model looks for, in red and blue.")
    ] = None,
    on: Annotated[
        Literal["test", "train"], typer.Option(help="Which part of the dataset.")
    ] = "test",
    dataset: DatasetOption = "mnist",
    json: JsonFlag = False,
    tsv: TsvFlag = False,
) -> None:
    """Show digits in the terminal: images, means, a model's weights, your own files.

    Examples:

      mnistcli show 7

      mnistcli show --digit 3 --count 10

      mnistcli show --weights 0v1
    """
    out = make_output(json=json, tsv=tsv)
    session = session_of(ctx)

    from mnistcli import gallery
    from mnistcli.cli.render.exhibits import gallery_view

    if sum((bool(what), digit is not None or mean, weights is not None)) > 1:
        raise UsageError("show either images by index or file, or digits, or weights")
    if weights is not None:
        exhibits = gallery.weight_images(session.registry().load(weights))
        out.emit(gallery_view(exhibits, legend=_WEIGHTS_LEGEND))
        return
    files = [Path(word) for word in what or () if not word.isdecimal()]
    indices = [int(word) for word in what or () if word.isdecimal()]
    if files and indices:
        raise UsageError("show either indices or files")
    if files:
        out.emit(gallery_view([picture for file in files for picture in gallery.pictures_in(file)]))
        return
    data = session.dataset(dataset, out)
    part = data.test if on == "test" else data.train
    only = None if digit is None else gallery.parse_digit(digit)
    if indices:
        exhibits = gallery.digits_at(part, indices)
    elif mean:
        exhibits = gallery.mean_digits(part, range(10) if only is None else [only])
    else:
        exhibits = gallery.some_digits(part, count, digit=only, seed=seed)
    out.emit(gallery_view(exhibits))
