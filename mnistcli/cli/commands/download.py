"""``mnistcli download``."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistcli.cli import completion
from mnistcli.cli.drawing.file import FigureFile
from mnistcli.cli.options import DatasetOption, DryRunFlag, RawFlag, command
from mnistcli.cli.output import Output
from mnistcli.cli.session import Session
from mnistcli.datasets.catalog import NAMED_SOURCES
from mnistcli.errors import DataUnavailableError, SomeInputsFailedError, UsageError
from mnistcli.paths import expand

if TYPE_CHECKING:
    from mnistcli.datasets.store import DatasetStore

own_option = partial(typer.Option, rich_help_panel="Your own digits")


@command("json", "tsv", "quiet", apart=["check source force", "sheet raw"])
def download(
    session: Session,
    out: Output,
    figure: FigureFile | None,
    dataset: DatasetOption = "mnist",
    source: Annotated[
        str,
        typer.Option(
            metavar="SOURCE",
            autocompletion=lambda: list(NAMED_SOURCES),
            help="auto (what is there, else the box, else mirrors), bundled, mirror, openml, keras, "
            "a URL or a path.",
        ),
    ] = "auto",
    as_: Annotated[
        str | None,
        own_option(
            "--as",
            metavar="NAME",
            help="Make a dataset of your own of the labelled digits at SOURCE: folders 0 to 9 of "
            "pictures, pictures called 3_....png or named in a CSV file, CSV, npz, ARFF or IDX pairs; "
            "- for standard input.",
        ),
    ] = None,
    replace: Annotated[
        bool, own_option("--replace", help="Put it in the place of what has this name.")
    ] = False,
    raw: RawFlag = False,
    sheet: Annotated[
        bool,
        own_option(
            "--sheet",
            help="SOURCE is the photograph of a page of mnistcli sheet, or a folder of them.",
        ),
    ] = False,
    test_size: Annotated[
        float | None,
        own_option(
            help="Share kept for the test, where SOURCE does not say which images are.",
            show_default="0.2",
        ),
    ] = None,
    seed: Annotated[
        int | None, own_option(help="Of the images that are drawn for the test.", show_default="0")
    ] = None,
    remove: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", autocompletion=completion.datasets, help="Remove a dataset for good."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: DryRunFlag = False,
    listed: Annotated[
        bool, typer.Option("--list", help="List the datasets that there are.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Read and hash every byte of what is there.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", "-f", help="Even if it is there.")] = False,
) -> None:
    """Install a dataset: one that is known, or your own digits. MNIST comes with the program.

    Examples:

      mnistcli download

      mnistcli download --dataset fashion-mnist

      mnistcli download --source openml

      mnistcli download --source mnist_784.arff.gz

      mnistcli download --source scans/ --as mine

      mnistcli download --source page.jpg --sheet --as class --output taken.png

      mnistcli download --list

      mnistcli download --check
    """
    if as_ is not None and (source in NAMED_SOURCES or "://" in source or dataset != "mnist"):
        raise UsageError("--as goes with a path and no --dataset", hint="--source PATH --as mine")
    if as_ is None and (replace or raw or sheet or (test_size, seed) != (None, None)):
        raise UsageError(
            "--replace, --raw, --sheet, --test-size and --seed go with --as",
            hint="--source PATH --as mine",
        )
    if dry_run and remove is None:
        raise UsageError("--dry-run goes with --remove")
    if figure and not sheet:
        raise UsageError("--output goes with --sheet")

    from mnistcli.cli.progress import bars
    from mnistcli.cli.views.download import CatalogView, InstallationView

    store = session.store()
    if listed:
        names = (*store.catalog, *store.own.names())
        out.emit(CatalogView([store.summary(name) for name in names]))
    elif remove is not None:
        _remove(store, remove, out, yes=yes, dry_run=dry_run)
    elif as_ is not None:
        how = {"test_size": test_size, "seed": seed}
        given = {name: value for name, value in how.items() if value is not None}
        _install_own(
            store, Path(source), as_, out, replace=replace, figure=figure,
            sheet=sheet, raw=raw, **given,
        )  # fmt: skip
    elif check:
        out.emit(InstallationView(store.verify(dataset), checked=True))
    else:
        with bars(out, unit="bytes") as shown:
            installation = store.install(dataset, source, force=force, progress=shown)
        out.emit(InstallationView(installation, checked=False))


def _install_own(
    store: "DatasetStore",
    path: Path,
    name: str,
    out: Output,
    *,
    replace: bool,
    sheet: bool,
    figure: FigureFile | None,
    **how: Any,
) -> None:
    from mnistcli.cli.progress import bars
    from mnistcli.cli.views.download import InstallationView
    from mnistcli.cli.views.sheet import picture_writer
    from mnistcli.datasets.gathering import gather
    from mnistcli.datasets.own import check_own_name

    check_own_name(name)
    if not replace:  # before thousands of pictures are read
        store.own.check_free(name)
    with bars(out, unit="items") as shown:
        pictures: list[str] = []
        write = picture_writer(figure, pictures) if figure else lambda _: None
        found = gather(expand(path), sheet=write if sheet else None, progress=shown, **how)
        installation = store.own.install(name, found, replacing=replace, progress=shown)
    for note in (*found.notes, *pictures):
        out.note(note)
    for source, reason in found.failures:
        out.warn(f"{source}: {reason}")
    out.emit(InstallationView(installation, checked=False))
    if n_failed := len(found.failures):
        n = n_failed + len(found.train.labels) + len(found.test.labels)
        raise SomeInputsFailedError(n_failed, n, done="installed")


def _remove(store: "DatasetStore", name: str, out: Output, *, yes: bool, dry_run: bool) -> None:
    from mnistcli.cli.views.download import CatalogView

    removed = [store.summary(name)]
    if removed[0].state in ("bundled", "not installed"):
        raise DataUnavailableError(f"{name} is not installed")
    if not dry_run and (yes or out.is_confirmed(f"Remove the dataset {name} for good?")):
        store.remove(name)
        out.note(f"removed {name}")
    else:
        out.note("nothing removed")
        removed = removed if dry_run else []
    if out.format != "table" or dry_run:
        out.emit(CatalogView(removed, is_dry_run=dry_run))
