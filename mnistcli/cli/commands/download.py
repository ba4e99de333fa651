"""``mnistcli download``."""

from __future__ import annotations

from typing import Annotated

import typer

from mnistcli.cli import completion
from mnistcli.cli.options import DatasetOption, JsonFlag, QuietFlag, TsvFlag, make_output
from mnistcli.cli.session import session_of
from mnistcli.errors import UsageError


def download(
    ctx: typer.Context,
    dataset: DatasetOption = "mnist",
    source: Annotated[
        str,
        typer.Option(
            metavar="SOURCE",
            autocompletion=completion.sources,
            help="auto (what is there, else the box, else mirrors), bundled, mirror, openml, keras, "
            "a URL or a path.",
        ),
    ] = "auto",
    listed: Annotated[
        bool, typer.Option("--list", help="List the datasets that there are.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Read and hash every byte of what is there.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Even if it is there.")] = False,
    json: JsonFlag = False,
    tsv: TsvFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Install a dataset. MNIST comes with the program, so this is hardly ever needed.

    Examples:

      mnistcli download

      mnistcli download --dataset fashion-mnist

      mnistcli download --source openml

      mnistcli download --source mnist_784.arff.gz

      mnistcli download --list

      mnistcli download --check
    """
    out = make_output(json=json, tsv=tsv, quiet=quiet)
    if check and (source != "auto" or force):
        raise UsageError("--check goes with neither --source nor --force")

    from mnistcli.cli.progress import bars
    from mnistcli.cli.views.download import CatalogView, InstallationView

    store = session_of(ctx).store()
    if listed:
        out.emit(CatalogView(store.catalog, store.installed()))
        return
    if check:
        out.emit(InstallationView(store.verify(dataset), checked=True))
        return
    with bars(out, unit="bytes") as shown:
        installation = store.install(dataset, source, force=force, progress=shown)
    out.emit(InstallationView(installation, checked=False))
