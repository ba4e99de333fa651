"""``mnistcli report``."""

from pathlib import Path
from typing import Annotated

import typer

from mnistcli.cli.options import AnotherDatasetOption, command, model_argument
from mnistcli.cli.output import Output
from mnistcli.cli.session import Session


@command("json", "tsv", "quiet")
def report(
    session: Session,
    out: Output,
    models: Annotated[list[str] | None, model_argument(metavar="[MODEL [MODEL]]")] = None,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="A page (.html) or Markdown (.md)."),
    ] = Path("report.html"),
    dataset: AnotherDatasetOption = None,
) -> None:
    """Write one page about a model: how good, where it fails, what it looks for, how to get it again.

    About two models of the same classes: their difference, and what only one of them gets right.
    The page stands alone: no network, no script. A file of that name is replaced.

    Examples:

      mnistcli report 0v1

      mnistcli report digits@best -o digits.md

      mnistcli report 3v8@1 3v8@2 -o two.html
    """
    from mnistcli.cli.views.report import check_name, publish
    from mnistcli.comparison import check_common_dataset
    from mnistcli.reporting import report_on_any

    check_name(output)
    loaded = [session.registry().load(ref) for ref in models or (None,)]
    if dataset is None:
        check_common_dataset(loaded)
    result = report_on_any(loaded, session.dataset_of(loaded[0], out, dataset))
    for note in result.notes:
        out.warn(note)
    out.emit(publish(result, output))
