"""A dataset that was installed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from mnistcli.cli.drawing.file import FigureFile
from mnistcli.cli.numbers import n_bytes
from mnistcli.cli.output import View, picked
from mnistcli.cli.parts import Facts, Part, Table
from mnistcli.cli.words import visible
from mnistcli.datasets.store import DatasetSummary, Installation

if TYPE_CHECKING:
    from mnistcli.sheets import SheetRead


@dataclass(frozen=True)
class CatalogView(View):
    """The datasets that there are, and which of them are installed."""

    schema = "datasets"
    summaries: Sequence[DatasetSummary]
    is_dry_run: bool = False

    def document(self) -> dict[str, Any]:
        keys, *rows = self.rows()
        datasets = [dict(zip(keys, row, strict=True)) for row in rows]
        return {"datasets": datasets, **({"dry_run": True} if self.is_dry_run else {})}

    def rows(self) -> Iterator[Sequence[object]]:
        names = [each.name for each in fields(DatasetSummary) if each.name != "problem"]
        yield names
        for summary in self.summaries:
            yield [getattr(summary, name) for name in names]

    def lines(self) -> Iterator[str]:
        return (each.name for each in self.summaries)

    def shown(self) -> Iterator[Table]:
        known, own = [], []
        for each in self.summaries:
            if each.licence is not None:
                known.append((each.name, each.title, each.state, each.licence))
            elif each.digits is None:
                own.append((each.name, "", "", "", "", f"damaged: {each.problem}"))
            else:
                when = str(each.installed_at)[:16].replace("T", " ")
                sizes = f"{each.n_train:,}", f"{each.n_test:,}", " ".join(map(str, each.digits))
                own.append((each.name, *sizes, when, str(each.origin)))
        yield Table(("name", "title", "state", "licence"), "llll", known)
        if own:
            names = ("name", "training", "test", "of 0 to 9", "installed", "from")
            yield Table(names, "llllll", own, "your own")


@dataclass(frozen=True)
class InstallationView(View):
    """An installed dataset."""

    schema = "download"
    installation: Installation
    checked: bool

    def document(self) -> dict[str, Any]:
        done, manifest = self.installation, self.installation.manifest
        keys = "name", "shape", "n_bytes", "sha256"
        return {
            "dataset": manifest.dataset,
            "sha256": done.sha256,
            **picked(manifest, "source origin n_bytes_read installed_at"),
            "files": [dict(zip(keys, each, strict=True)) for each in done.files],
            **picked(done, "folder already_there"),
            "failures": [{"source": source, "reason": reason} for source, reason in done.failures],
            "checked": self.checked,
        }

    def rows(self) -> Iterator[Sequence[object]]:
        yield "file", "shape", "n_bytes", "sha256"
        for name, shape, *rest in self.installation.files:
            yield name, "x".join(map(str, shape)), *rest

    def lines(self) -> Iterator[str]:
        yield str(self.installation.folder)

    def shown(self) -> Iterator[Part]:
        yield Facts(self.facts())
        files = [
            (name, " x ".join(f"{n:,}" for n in shape), n_bytes(size), sha256)
            for name, shape, size, sha256 in self.installation.files
        ]
        yield Table(("array", "shape", "size", "sha256 of the pixels or labels"), "llrl", files)

    def facts(self) -> Iterator[tuple[str, str]]:
        done, manifest = self.installation, self.installation.manifest
        state = "was there already" if done.already_there else "installed"
        if self.checked:
            state = "checked: every byte is as it should be"
        yield "Dataset", f"{manifest.dataset}, {state}"
        yield "Source", f"{manifest.source}, {n_bytes(manifest.n_bytes_read)} read"
        is_boxed = manifest.source == "bundled"
        yield "From", "the four files inside this package" if is_boxed else visible(manifest.origin)
        if manifest.sizes:
            n_train, n_test = manifest.sizes
            yield "Images", f"{n_train:,} for training, {n_test:,} for the test"
            if done.failures:
                yield "Left out", f"{len(done.failures):,} that cannot be used"
        for source, reason in () if manifest.sizes else done.failures:
            yield "Failed", f"{source}: {reason}"
        yield "Folder", str(done.folder)
        yield "sha256", done.sha256


def picture_writer(figure: FigureFile, notes: list[str]) -> "Callable[[SheetRead], None]":
    """Return what writes a picture of each page of `mnistcli sheet`, taken.png, taken-2.png, ..., and notes it."""
    from mnistcli.gallery import CaptionedImage, Gallery
    from mnistcli.sheets import picture_of

    def write(read: "SheetRead") -> None:
        number = f"-{len(notes) + 1}" if notes else ""
        path = figure.path.with_stem(figure.path.stem + number)
        notes.append(replace(figure, path=path).draw(Gallery([CaptionedImage(picture_of(read))])))

    return write
