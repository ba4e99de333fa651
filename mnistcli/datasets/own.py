"""The user's own datasets: install, grow, open, verify, remove.

    <folder>/
        .mine.lock                             held by whoever writes: growing is read, add, write
        mine/
            train-images-0123456789abcdef.npy  named by its content
            ...
            manifest.json                      written last: the commit

Own digits cannot be had again. So no file is overwritten that a manifest speaks of: new content has
a new name, the manifest turns from the old files to the new in one step, and only then the old ones
go. What is damaged is not used, and never forgotten: a backup may mend it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnistcli import files
from mnistcli.datasets.catalog import CATALOG, PART_NAMES, DatasetSpec, own_spec
from mnistcli.datasets.manifest import (
    MANIFEST_NAME,
    Arrays,
    Manifest,
    check_about,
    map_files,
    read_manifest,
    sha256_of,
    write_manifest,
    write_npy,
)
from mnistcli.datasets.store import (
    Dataset,
    Installation,
    LabelledImages,
    dataset_of,
    installation_of,
)
from mnistcli.errors import CorruptFileError, DataUnavailableError, StorageError, UsageError
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.names import NAME, check_name
from mnistcli.progress import SILENT, Progress

if TYPE_CHECKING:  # most datasets are opened, and none gathered
    from mnistcli.datasets.gathering import Gathered

_Checked = tuple[Manifest, Arrays]

_FILE = re.compile(rf"(?:{'|'.join(PART_NAMES)})-[0-9a-f]{{16}}\.npy")
_SHA256 = re.compile(r"[0-9a-f]{64}")
KEPT = "kept"
_TAKEN = (*CATALOG, "builtin")


def check_own_name(name: str) -> str:
    """Return a name that a dataset of the user's own can have; raise UsageError for others."""
    if check_name(name, what="name of a dataset") in _TAKEN:
        raise UsageError(f"the name {name!r} is taken", hint="choose another word: --as mine")
    return name


@dataclass(frozen=True, slots=True)
class OwnSummary:
    """What there is to say of a dataset of the user's own; of a damaged one only the problem."""

    name: str
    n_train: int | None = None
    n_test: int | None = None
    digits: tuple[int, ...] | None = None  # the images of 0, 1, ..., 9, in both parts
    installed_at: str | None = None
    origin: str | None = None
    problem: str = ""


class OwnDatasets:
    """The user's own datasets in one folder; made when the first is installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> tuple[str, ...]:
        """Name what is there, unverified and in alphabetic order."""
        try:
            return tuple(sorted(each.name for each in self.folder.iterdir() if self.has(each.name)))
        except (OSError, StorageError):  # no such folder, or no access to it
            return ()

    def has(self, name: str) -> bool:
        """Return whether there is a dataset of that name."""
        path = self.folder / name
        return (
            bool(NAME.fullmatch(name))
            and name not in _TAKEN
            and files.kind_of_path(path, follow=False) == "folder"
            and files.kind_of_path(path / MANIFEST_NAME, follow=False) == "file"
        )

    def open(self, name: str) -> Dataset:
        """Open a dataset; raise DataUnavailableError for none, CorruptFileError for a damaged one."""
        manifest, arrays = self._check(name, full=False)
        return dataset_of(_spec(manifest), arrays, manifest.checksums)

    def verify(self, name: str, *, full: bool = True) -> Installation:
        """Read and, if ``full``, hash every byte of a dataset; see `open`."""
        manifest, _ = self._check(name, full=full)
        return installation_of(_spec(manifest), manifest, self.folder / name)

    def summary(self, name: str) -> OwnSummary:
        """Describe a dataset, damaged or not."""
        try:
            manifest, arrays = self._check(name, full=False)
        except (CorruptFileError, StorageError) as error:
            return OwnSummary(name, problem=error.message)
        labels = arrays["train-labels"], arrays["test-labels"]
        digits = np.bincount(np.concatenate(labels), minlength=10)
        return OwnSummary(
            name,
            len(labels[0]),
            len(labels[1]),
            tuple(digits.tolist()),
            manifest.installed_at,
            manifest.origin,
        )

    def check_free(self, name: str) -> None:
        """Raise UsageError where there is a dataset of that name already."""
        if self.has(check_own_name(name)):
            hint = f"add --replace to put this in its place, or see mnistcli show --dataset {name}"
            raise UsageError(f"there is a dataset {name!r} already", hint=hint)

    def install(
        self, name: str, found: Gathered, *, replacing: bool = False, progress: Progress = SILENT
    ) -> Installation:
        """Keep what was gathered under a name; raise UsageError for a name that is none or not free."""
        check_own_name(name)
        with self._lock(name, progress):
            if not replacing:
                self.check_free(name)
            origin = "path", found.origin, found.n_bytes_read
            installation = self._write(name, found.train, found.test, origin)
        return replace(installation, failures=found.failures)

    def append(
        self,
        name: str,
        images: NDArray[np.uint8],
        labels: NDArray[np.uint8],
        *,
        progress: Progress = SILENT,
    ) -> Installation:
        """Add images, (n, 28, 28), to the training part of a dataset, which is made if there is none.

        A damaged dataset (CorruptFileError) is left as it is.
        """
        check_own_name(name)
        with self._lock(name, progress):
            train = test = LabelledImages(
                np.empty((0, *IMAGE_SHAPE), np.uint8), np.empty(0, np.uint8)
            )
            old, origin = None, (KEPT, KEPT, 0)
            if self.has(name):
                old, arrays = self._check(name, full=True)
                data = dataset_of(_spec(old), arrays, old.checksums)
                train, test = data.train, data.test
                is_marked = old.origin == KEPT or old.origin.endswith(f" + {KEPT}")
                where = old.origin if is_marked else f"{old.origin} + {KEPT}"
                origin = old.source, where, old.n_bytes_read
            train = LabelledImages(
                np.concatenate([train.images, images]), np.concatenate([train.labels, labels])
            )
            return self._write(name, train, test, origin, old)

    def keep(self, name: str, images: Sequence[NDArray[np.uint8]], label: int) -> str:
        """Add images of one digit, see `append`, and return what was done in words."""
        labels = np.full(len(images), label, np.uint8)
        installation = self.append(name, np.stack(images), labels)
        n, n_all = len(images), sum(each.shape[0] for each in installation.files[1::2])
        shown = f"1 picture as a {label}" if n == 1 else f"{n:,} pictures, each as a {label}"
        return f"kept {shown}, in the training images of {name}, which has {n_all:,} image{'s' * (n_all > 1)} now"

    def remove(self, name: str, *, progress: Progress = SILENT) -> None:
        """Remove a dataset for good, damaged or not."""
        if not self.has(name):
            raise _missing(name)
        with self._lock(name, progress):
            folder = self._folder_of(name)
            files.remove_file(folder / MANIFEST_NAME)
            _sweep(folder, ())
            with contextlib.suppress(OSError):  # what else is in it is not ours
                folder.rmdir()

    def _lock(self, name: str, progress: Progress) -> contextlib.AbstractContextManager[None]:
        return files.lock(
            self.folder / f".{name}.lock",
            on_wait=lambda _: progress.note(f"waiting for another process that changes {name}"),
        )

    def _folder_of(self, name: str) -> Path:
        folder = self.folder / name
        if files.kind_of_path(folder, follow=False) == "link":
            raise CorruptFileError(folder, "is a link in place of a folder", hint="remove it")
        files.sweep_dead_temporaries(folder)
        return folder

    def _check(self, name: str, *, full: bool) -> _Checked:
        """Map a dataset, having checked it; all of it is hashed if ``full``."""
        path = self._folder_of(check_own_name(name)) / MANIFEST_NAME
        if files.kind_of_path(path, follow=False) == "nothing":
            raise _missing(name)
        try:
            while True:
                manifest = read_manifest(path)
                spec = _checked_spec(path, manifest, name)
                try:
                    paths = [path.with_name(_file_name(e.name, e.sha256)) for e in manifest.files]
                    return manifest, map_files(paths, spec, manifest.files, full=full)[0]
                except (CorruptFileError, StorageError):
                    if read_manifest(path) == manifest:
                        raise
                    # Another process changed it just now; look again.
        except CorruptFileError as damage:
            damage.hint = (
                f"own digits are nowhere else: put its folder back from a backup, or install it anew: "
                f"mnistcli download --source PATH --as {name} --replace"
            )
            raise

    def _write(
        self,
        name: str,
        train: LabelledImages,
        test: LabelledImages,
        origin: tuple[str, str, int],
        old: Manifest | None = None,
    ) -> Installation:
        folder, spec = self._folder_of(name), own_spec(name, len(train.labels), len(test.labels))
        arrays = (train.images, train.labels, test.images, test.labels)
        kept = {(entry.name, entry.sha256): entry for entry in (old.files if old else ())}
        entries, paths = [], []
        for part, array in zip(spec.parts, arrays, strict=True):
            sha256 = sha256_of(array)
            paths.append(folder / _file_name(part.name, sha256))
            entries.append(kept.get((part.name, sha256)) or write_npy(paths[-1], part, array))
        map_files(paths, spec, entries, full=True)  # what was written is what was meant
        sizes = len(train.labels), len(test.labels)
        manifest = write_manifest(folder, spec, entries, origin, sizes)
        _sweep(folder, [path.name for path in paths])
        return replace(installation_of(spec, manifest, folder), already_there=False)


def _file_name(part: str, sha256: str) -> str:
    return f"{part}-{sha256[:16]}.npy"


def _spec(manifest: Manifest) -> DatasetSpec:
    return own_spec(manifest.dataset, *(manifest.sizes or (0, 0)))


def _checked_spec(path: Path, manifest: Manifest, name: str) -> DatasetSpec:
    check_about(path, manifest, own_spec(name, 0, 0))
    if manifest.sizes is None or not all(map(_SHA256.fullmatch, manifest.checksums)):
        raise CorruptFileError(path, "is damaged")
    return _spec(manifest)


def _missing(name: str) -> DataUnavailableError:
    hint = f"mnistcli download --source PATH --as {name}"
    return DataUnavailableError(f"there is no dataset {name!r}", hint=hint)


def _sweep(folder: Path, kept: list[str] | tuple[()]) -> None:
    """Delete the arrays that no manifest speaks of any more; the lock is held."""
    for path in folder.iterdir():
        if _FILE.fullmatch(path.name) and path.name not in kept and files.is_own_file(path):
            with contextlib.suppress(OSError):  # mapped by another process, on Windows
                path.unlink()
