from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistcli.cli.call import Call
from mnistcli.cli.options import DATASET, DRY_RUN, RAW, REMOVE, command, option, own_dataset_named
from mnistcli.cli.progress import Bars
from mnistcli.cli.words import Reasons
from mnistcli.datasets.catalog import NAMED_SOURCES
from mnistcli.errors import DataUnavailableError, SomeInputsFailedError, UsageError
from mnistcli.paths import expand, hint_of_missing

if TYPE_CHECKING:
    from mnistcli.sheets import SheetRead

_OWN = "Your own digits"
own_option = partial(option, rich_help_panel=_OWN)


@command(
    "json tsv quiet figure",
    apart=[
        "list_ remove check as_ source force dataset",
        "remove check as_ source force dataset",
        "check source force",
        "as_ force",
        "sheet raw",
    ],
    together=["as_ replace raw sheet test_size seed", "remove dry_run yes", "sheet output"],
)
def download(
    call: Call,
    dataset: str = DATASET,
    source: str = option(
        "auto (what is there, the box, mirrors), bundled, mirror, openml, keras, a URL or path.",
        default="auto",
        metavar="SOURCE",
        autocompletion=lambda: list(NAMED_SOURCES),
    ),
    as_: str | None = own_dataset_named(
        "Make a dataset of your own of the labelled digits at SOURCE: folders 0 to 9 of "
        "pictures, pictures called 3_....png or named in a CSV file, CSV, npz, ARFF or IDX pairs, "
        "archives of these; - for standard input.",
        rich_help_panel=_OWN,
    ),
    replace: bool = own_option("Put it in the place of what has this name."),
    raw: bool = RAW,
    sheet: bool = own_option("SOURCE is a photo of a page of mnistcli sheet, or a folder of them."),
    test_size: float = own_option(
        "Share kept for the test, where SOURCE does not say which images are.", default=0.2
    ),
    seed: int = own_option("Of the images that are drawn for the test.", default=0),
    remove: str | None = REMOVE,
    yes: bool = option("Do not ask.", "-y"),
    dry_run: bool = DRY_RUN,
    list_: bool = option("List the datasets that there are."),
    check: bool = option("Read and hash every byte of what is there."),
    force: bool = option("Even if it is there.", "-f"),
) -> None:
    if as_ is not None and (source in NAMED_SOURCES or "://" in source or dataset != "mnist"):
        hint = hint_of_missing(source, "--source PATH --as mine")
        raise UsageError("--as goes with a path and no --dataset", hint=hint)

    from mnistcli.cli.views.download import catalog_answer, installation_answer

    store = call.store()
    if list_:
        call.emit(catalog_answer([*map(store.summary, (*store.catalog, *store.own_names()))]))
    elif remove is not None:
        summary = store.summary(remove)
        if summary.state in ("bundled", "not installed"):
            raise DataUnavailableError(f"{remove} is not installed")

        def remove_it() -> list[str]:
            store.remove(remove)
            return [remove]

        call.remove({remove: summary}, remove_it, catalog_answer, yes=yes, dry_run=dry_run)
    elif as_ is not None:
        how = {"raw": raw, "test_size": test_size, "seed": seed}
        _install_own(call, expand(Path(source)), as_, replace=replace, sheet=sheet, **how)
    elif check:
        call.emit(installation_answer(store.verify(dataset), checked=True))
    else:
        with Bars(call, unit="bytes") as bars:
            installation = store.install(dataset, source, force=force, progress=bars)
        call.emit(installation_answer(installation))


def _install_own(
    call: Call, path: Path, name: str, *, replace: bool, sheet: bool, **how: Any
) -> None:
    """Make a dataset of labelled digits, and tell which of them cannot be used; see `gather`."""
    from mnistcli.cli.views.download import draw_page, installation_answer
    from mnistcli.datasets.gathering import gather
    from mnistcli.prediction import doubted_digits, doubts_about

    store = call.store()
    store.check_free(name, replacing=replace)  # before thousands of pictures are read
    pictures: list[str] = []
    doubts: list[tuple[str, str]] = []

    def on_page(read: "SheetRead") -> None:
        doubted = doubted_digits(read.images, read.labels)
        doubts.extend((read.names[i], f"kept, but {why}") for i, why in doubted.items())
        if call.figure:
            draw_page(call.figure, pictures, read, doubted)

    with Bars(call, unit="items") as bars:
        found = gather(path, sheet=on_page if sheet else None, progress=bars, **how)
        installation = store.install_own(name, found, replacing=replace, progress=bars)
    call.note(*found.notes, *pictures)
    reasons = Reasons()
    told = (*found.failures, *doubts)
    call.warn(*(": ".join(each) for each in told if reasons.is_told(each[1])))
    call.warn(*reasons.rest())
    if in_all := doubts_about(found.train.images, found.train.labels):
        call.warn(f"{in_all}; see mnistcli show --suspects builtin --dataset {name}")
    call.emit(installation_answer(installation, doubts))
    if found.failures:
        n_installed = len(found.train.labels) + len(found.test.labels)
        raise SomeInputsFailedError(len(found.failures), n_installed=n_installed)
