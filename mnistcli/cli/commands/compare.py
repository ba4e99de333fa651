"""``mnistcli compare``."""

from typing import Annotated

import typer

from mnistcli.cli import completion
from mnistcli.cli.drawing.file import FigureFile
from mnistcli.cli.options import AnotherDatasetOption, DataOption, RawFlag, command
from mnistcli.cli.output import Output
from mnistcli.cli.session import Session
from mnistcli.metrics.catalog import metric_named, metric_names


@command("json", "tsv", "quiet", apart=["data dataset"], draws=True)
def compare(
    session: Session,
    out: Output,
    figure: FigureFile | None,
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL MODEL...",
            autocompletion=completion.models,
            help="NAME, NAME@VERSION, NAME@TAG, a model file or builtin; all of the same classes.",
        ),
    ] = None,
    by: Annotated[
        str, typer.Option(metavar="METRIC", help=f"What to sort by: {', '.join(metric_names())}.")
    ] = "accuracy",
    disagreements: Annotated[
        int, typer.Option(metavar="N", min=0, help="Draw N of the digits on which they disagree.")
    ] = 0,
    data: DataOption = None,
    dataset: AnotherDatasetOption = None,
    raw: RawFlag = False,
) -> None:
    """Compare models on the same images: differences, exact p-values, disagreements.

    Examples:

      mnistcli compare 3v8@1 3v8@2

      mnistcli compare digits@1 digits@2 pairs --by log_loss --disagreements 10

      mnistcli compare 3v8@1 3v8@2 --output models.pdf --width-mm 85

      for c in 0.01 1 100; do mnistcli train -t 3v8 --C $c -q; done | xargs mnistcli compare
    """
    from mnistcli import comparison
    from mnistcli.cli.views.compare import ComparisonView

    metric_named(by)
    registry = session.registry()
    loaded = [registry.load(ref) for ref in models or ()]
    comparison.check_comparable(loaded)
    if data is None and dataset is None:
        comparison.check_common_dataset(loaded)
    images = session.images(loaded[0], out, dataset, data, raw=raw)
    result = comparison.compare(
        loaded, images, by=by, n_disagreements=disagreements, name=str(data)
    )
    for note in result.notes:
        out.warn(note)
    view = ComparisonView(result, disagreements)
    if figure:
        out.note(figure.draw(*view.panels()))
    out.emit(view)
