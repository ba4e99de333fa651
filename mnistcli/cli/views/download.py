"""A dataset that was installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from mnistcli.cli import rich
from mnistcli.cli.numbers import n_bytes
from mnistcli.cli.output import View
from mnistcli.cli.views.shared import facts, ruled_table
from mnistcli.cli.words import visible
from mnistcli.datasets.catalog import DatasetSpec
from mnistcli.datasets.store import Installation

if TYPE_CHECKING:
    from mnistcli.datasets.own import OwnSummary


@dataclass(frozen=True)
class CatalogView(View):
    """The datasets that there are, and which of them are installed."""

    schema = "datasets"
    catalog: Mapping[str, DatasetSpec]
    installed: tuple[str, ...]
    own: Sequence[OwnSummary] = ()

    def document(self) -> dict[str, Any]:
        keys, *rows = self.rows()
        return {"datasets": [dict(zip(keys, row, strict=True)) for row in rows]}

    def rows(self) -> Iterator[Sequence[object]]:
        yield ("name", "title", "state", "licence", "n_train", "n_test", "digits", "installed_at",
               "origin")  # fmt: skip
        for name, spec in self.catalog.items():
            state = "bundled" if spec.bundled else "not installed"
            state = "installed" if name in self.installed else state
            sizes = [spec.part(part).shape[0] for part in ("train-labels", "test-labels")]
            yield name, spec.title, state, spec.licence, *sizes, None, None, None
        for each in self.own:
            about = (each.n_train, each.n_test, each.digits, each.installed_at, each.origin)
            yield each.name, each.name, "damaged" if each.problem else "own", None, *about

    def lines(self) -> Iterator[str]:
        return chain(self.catalog, (each.name for each in self.own))

    def table(self, console: rich.Console) -> rich.RenderableType:
        headings, *rows = self.rows()
        datasets = ruled_table(console, *map(str, headings[:4]))
        for row in rows[: len(self.catalog)]:
            datasets.add_row(*map(str, row[:4]))
        names = ("name", "training", "test", "of 0 to 9", "installed", "from")
        columns = (rich.Column(name, overflow="fold") for name in names)
        own = ruled_table(console, *columns, title="your own")
        for each in self.own:
            if each.digits is None:
                own.add_row(
                    each.name, "", "", "", "", rich.Text(f"damaged: {visible(each.problem)}")
                )
                continue
            when = str(each.installed_at)[:16].replace("T", " ")
            sizes = (f"{each.n_train:,}", f"{each.n_test:,}", " ".join(map(str, each.digits)))
            own.add_row(each.name, *sizes, when, rich.Text(visible(str(each.origin))))
        return rich.Group(datasets, own) if self.own else datasets


@dataclass(frozen=True)
class InstallationView(View):
    """An installed dataset."""

    schema = "download"
    installation: Installation
    checked: bool
    is_own: bool = False

    def document(self) -> dict[str, Any]:
        failures = [
            {"source": source, "reason": reason} for source, reason in self.installation.failures
        ]
        folder = str(self.installation.folder)
        content = asdict(self.installation)
        return {**content, "folder": folder, "failures": failures, "checked": self.checked}

    def rows(self) -> Iterator[Sequence[object]]:
        yield "file", "shape", "n_bytes", "sha256"
        for file in self.installation.files:
            yield file.name, "x".join(map(str, file.shape)), file.n_bytes, file.sha256

    def lines(self) -> Iterator[str]:
        yield str(self.installation.folder)

    def table(self, console: rich.Console) -> rich.RenderableType:
        size = rich.Column("size", justify="right")
        sha256 = rich.Column("sha256 of the pixels or labels", overflow="fold")
        files = ruled_table(console, "array", "shape", size, sha256)
        for file in self.installation.files:
            shape = " x ".join(f"{n:,}" for n in file.shape)
            files.add_row(file.name, shape, n_bytes(file.n_bytes), file.sha256)
        return rich.Group(facts(self._facts()), rich.Text(), files)

    def _facts(self) -> Iterator[tuple[str, str]]:
        installation = self.installation
        state = "was there already" if installation.already_there else "installed"
        if self.checked:
            state = "checked: every byte is as it should be"
        yield "Dataset", f"{installation.dataset}, {state}"
        yield "Source", f"{installation.source}, {n_bytes(installation.n_bytes_read)} read"
        is_boxed = installation.source == "bundled"
        origin = visible(installation.origin)
        yield "From", "the four files inside this package" if is_boxed else origin
        if self.is_own:
            n_train, n_test = (installation.files[i].shape[0] for i in (0, 2))
            yield "Images", f"{n_train:,} for training, {n_test:,} for the test"
            if installation.failures:
                yield "Left out", f"{len(installation.failures):,} that cannot be used"
        for source, reason in () if self.is_own else installation.failures:
            yield "Failed", f"{source}: {reason}"
        yield "Folder", str(installation.folder)
        yield "sha256", installation.sha256
