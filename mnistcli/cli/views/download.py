"""A dataset that was installed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mnistcli.cli.numbers import n_bytes
from mnistcli.cli.output import View
from mnistcli.cli.views.shared import facts, ruled_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console, RenderableType

    from mnistcli.datasets import DatasetSpec, Installation


@dataclass(frozen=True)
class CatalogView(View):
    """The datasets that there are, and which of them are installed."""

    schema = "datasets"
    catalog: Mapping[str, DatasetSpec]
    installed: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        keys, *rows = self.rows()
        return {"datasets": [dict(zip(keys, row, strict=True)) for row in rows]}

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        yield "name", "title", "state", "licence"
        for name, spec in self.catalog.items():
            state = "bundled" if spec.bundled else "not installed"
            yield name, spec.title, "installed" if name in self.installed else state, spec.licence

    def lines(self) -> Iterator[str]:
        return iter(self.catalog)

    def table(self, console: Console) -> RenderableType:
        datasets = ruled_table(console)
        headings, *rows = self.rows()
        for heading in headings:
            datasets.add_column(heading)
        for row in rows:
            datasets.add_row(*row)
        return datasets


@dataclass(frozen=True)
class InstallationView(View):
    """An installed dataset."""

    schema = "download"
    installation: Installation
    checked: bool

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

    def table(self, console: Console) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        files = ruled_table(console)
        files.add_column("array")
        files.add_column("shape")
        files.add_column("size", justify="right")
        files.add_column("sha256 of the pixels or labels", overflow="fold")
        for file in self.installation.files:
            shape = " x ".join(f"{n:,}" for n in file.shape)
            files.add_row(file.name, shape, n_bytes(file.n_bytes), file.sha256)
        return Group(facts(self._facts()), Text(), files)

    def _facts(self) -> Iterator[tuple[str, str]]:
        installation = self.installation
        state = "was there already" if installation.already_there else "installed"
        if self.checked:
            state = "checked: every byte is as it should be"
        yield "Dataset", f"{installation.dataset}, {state}"
        yield "Source", f"{installation.source}, {n_bytes(installation.n_bytes_read)} read"
        is_boxed = installation.source == "bundled"
        yield "From", "the four files inside this package" if is_boxed else installation.origin
        for source, reason in installation.failures:
            yield "Failed", f"{source}: {reason}"
        yield "Folder", str(installation.folder)
        yield "sha256", installation.sha256
