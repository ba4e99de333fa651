"""A dataset that was installed."""

from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from mnistcli.cli.content.numbers import minute, n_bytes
from mnistcli.cli.content.parts import Facts, Table
from mnistcli.cli.figure import FigureFile
from mnistcli.cli.output import Answer, pick
from mnistcli.cli.words import visible
from mnistcli.datasets.store import DatasetSummary, Installation

if TYPE_CHECKING:
    from mnistcli.sheets import SheetRead


def catalog_answer(summaries: Sequence[DatasetSummary]) -> Answer:
    """Show the datasets that there are, and which of them are installed."""
    keys = [each.name for each in fields(DatasetSummary) if each.name != "problem"]
    datasets = [pick(each, " ".join(keys)) for each in summaries]
    known, own = [], []
    for each in summaries:
        if each.licence is not None:
            known.append((each.name, each.title, each.state, each.licence))
        elif each.digits is None:
            own.append((each.name, "", "", "", "", f"damaged: {each.problem}"))
        else:
            sizes = f"{each.n_train:,}", f"{each.n_test:,}", " ".join(map(str, each.digits))
            own.append((each.name, *sizes, minute(str(each.installed_at)), str(each.origin)))
    tables = [Table(("name", "title", "state", "licence"), "llll", known)] if known else []
    if own:
        headings = ("name", "training", "test", "of 0 to 9", "installed", "from")
        tables.append(Table(headings, "lrrlll", own, "your own"))
    rows, names = [keys, *([*each.values()] for each in datasets)], [it.name for it in summaries]
    return Answer("datasets", {"datasets": datasets}, names, tables, rows)


def installation_answer(
    done: Installation, doubts: Sequence[tuple[str, str]] = (), *, checked: bool = False
) -> Answer:
    """Show an installed dataset, of which every byte was read and hashed if it is ``checked``.

    The (source, reason) of ``doubts`` are of images that were taken all the same.
    """
    manifest, folder = done.manifest, str(done.folder)
    keys = "name", "shape", "n_bytes", "sha256"
    document = {
        "dataset": manifest.dataset,
        "sha256": done.sha256,
        **pick(manifest, "source origin n_bytes_read installed_at"),
        "files": [dict(zip(keys, each, strict=True)) for each in done.files],
        **pick(done, "folder already_there"),
        "failures": _reasons(done.failures),
        "doubts": _reasons(doubts),
        "checked": checked,
    }
    state = "was there already" if done.already_there else "installed"
    if checked:
        state = "checked: every byte is as it should be"
    is_boxed, n_read = manifest.source == "bundled", manifest.n_bytes_read  # 0 of a named pipe
    facts = [
        ("Dataset", f"{manifest.dataset}, {state}"),
        ("Source", f"{manifest.source}{f', {n_bytes(n_read)} read' * (n_read > 0)}"),
        ("From", "the four files inside this package" if is_boxed else visible(manifest.origin)),
    ]
    if manifest.sizes:
        n_train, n_test = manifest.sizes
        facts.append(("Images", f"{n_train:,} for training, {n_test:,} for the test"))
        if done.failures:
            facts.append(("Left out", f"{len(done.failures):,} that cannot be used"))
        if doubts:
            facts.append(("Doubted", f"{len(doubts):,} of them"))
    else:
        facts += (("Failed", f"{source}: {reason}") for source, reason in done.failures)
    facts += ("Folder", folder), ("sha256", done.sha256)
    rows: list[Sequence[object]] = [("file", *keys[1:])]
    arrays = []
    for name, shape, size, sha256 in done.files:
        rows.append((name, "x".join(map(str, shape)), size, sha256))
        arrays.append((name, " x ".join(f"{n:,}" for n in shape), n_bytes(size), sha256))
    table = Table(("array", "shape", "size", "sha256 of the pixels or labels"), "llrl", arrays)
    return Answer("download", document, [folder], [Facts(facts), table], rows)


def _reasons(found: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"source": source, "reason": reason} for source, reason in found]


def draw_page(
    figure: FigureFile, notes: list[str], read: "SheetRead", doubted: Collection[int]
) -> None:
    """Draw what was read of a page of `mnistcli sheet`: taken.png, taken-2.png, ...; and note it."""
    from mnistcli.gallery import CaptionedImage, Gallery
    from mnistcli.sheets import picture_of

    number = f"-{len(notes) + 1}" if notes else ""
    path = figure.path.with_stem(figure.path.stem + number)
    notes.append(
        replace(figure, path=path).draw(Gallery([CaptionedImage(picture_of(read, doubted))]))
    )
