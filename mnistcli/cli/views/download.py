"""A dataset that was installed."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from mnistcli.cli.numbers import n_bytes
from mnistcli.cli.output import View
from mnistcli.cli.parts import Facts, Part, Table
from mnistcli.cli.words import visible
from mnistcli.datasets.catalog import CATALOG
from mnistcli.datasets.store import DatasetSummary, Installation


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

    def shown(self) -> Iterator[Part]:
        yield Facts(self.facts())
        files = []
        for each in self.installation.files:
            shape = " x ".join(f"{n:,}" for n in each.shape)
            files.append((each.name, shape, n_bytes(each.n_bytes), each.sha256))
        yield Table(("array", "shape", "size", "sha256 of the pixels or labels"), "llrl", files)

    def facts(self) -> Iterator[tuple[str, str]]:
        installation = self.installation
        is_own = installation.dataset not in CATALOG
        state = "was there already" if installation.already_there else "installed"
        if self.checked:
            state = "checked: every byte is as it should be"
        yield "Dataset", f"{installation.dataset}, {state}"
        yield "Source", f"{installation.source}, {n_bytes(installation.n_bytes_read)} read"
        is_boxed = installation.source == "bundled"
        origin = visible(installation.origin)
        yield "From", "the four files inside this package" if is_boxed else origin
        if is_own:
            n_train, n_test = (installation.files[i].shape[0] for i in (0, 2))
            yield "Images", f"{n_train:,} for training, {n_test:,} for the test"
            if installation.failures:
                yield "Left out", f"{len(installation.failures):,} that cannot be used"
        for source, reason in () if is_own else installation.failures:
            yield "Failed", f"{source}: {reason}"
        yield "Folder", str(installation.folder)
        yield "sha256", installation.sha256
