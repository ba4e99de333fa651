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

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mnistcli import files
from mnistcli.datasets.catalog import CATALOG, DatasetSpec, own_spec
from mnistcli.datasets.manifest import Bytes
from mnistcli.datasets.store import DatasetFolder, DatasetSummary, Installation, Loaded, in_parts
from mnistcli.errors import CorruptFileError, StorageError, UsageError
from mnistcli.paths import NAME, check_name
from mnistcli.progress import SILENT, Progress

KEPT = "kept"
_TAKEN = (*CATALOG, "builtin")


def check_own_name(name: str) -> str:
    """Return a name that a dataset of the user's own can have; raise UsageError for others."""
    if check_name(name, what="name of a dataset") in _TAKEN:
        raise UsageError(f"the name {name!r} is taken", hint="choose another word: --as mine")
    return name


class OwnDatasets(DatasetFolder):
    """The user's own datasets in one folder."""

    is_cache = False
    missing = "there is no dataset {!r}"
    to_get = "mnistcli download --source PATH --as {}"
    to_mend = (
        "own digits are nowhere else: put its folder back from a backup, or install it anew: "
        f"{to_get} --replace"
    )

    def names(self) -> tuple[str, ...]:
        """Name what is there, unverified and in alphabetic order."""
        try:
            return tuple(sorted(each.name for each in self.folder.iterdir() if self.has(each.name)))
        except (OSError, StorageError):  # no such folder, or no access to it
            return ()

    def has(self, name: str) -> bool:
        """Return whether there is a dataset of that name, unverified."""
        is_name = bool(NAME.fullmatch(name)) and name not in _TAKEN
        is_folder = is_name and files.kind_of_path(self.folder / name, follow=False) == "folder"
        return is_folder and super().has(name)

    def summary(self, name: str) -> DatasetSummary:
        """Describe a dataset, damaged or not."""
        try:
            _, manifest, arrays = self._check(name, full=False)
        except (CorruptFileError, StorageError) as error:
            return DatasetSummary(name, name, "damaged", problem=error.message)
        counts = tuple(np.bincount(np.concatenate(arrays[1::2]), minlength=10).tolist())
        sizes, when, where = manifest.sizes or (0, 0), manifest.installed_at, manifest.origin
        return DatasetSummary(name, name, "own", None, *sizes, counts, when, where)

    def check_free(self, name: str) -> None:
        """Raise UsageError where there is a dataset of that name already."""
        if self.has(check_own_name(name)):
            hint = f"add --replace to put this in its place, or see mnistcli show --dataset {name}"
            raise UsageError(f"there is a dataset {name!r} already", hint=hint)

    def install(
        self, name: str, found: Loaded, *, replacing: bool = False, progress: Progress = SILENT
    ) -> Installation:
        """Keep what was gathered under a name; raise UsageError for a name that is none or not free."""
        check_own_name(name)
        with self._lock(name, progress):
            if not replacing:
                self.check_free(name)
            return self._write(name, found)

    def append(self, name: str, images: Bytes, labels: Bytes) -> Installation:
        """Add images, (n, 28, 28), to the training part of a dataset, which is made if there is none.

        A damaged dataset (CorruptFileError) is left as it is.
        """
        check_own_name(name)
        with self._lock(name, SILENT):
            if not self.has(name):
                parts = in_parts([images, labels, images[:0], labels[:0]])
                return self._write(name, Loaded(*parts, KEPT, KEPT, 0))
            _, old, before = self._check(name, full=True)
            pairs = zip(before, (images, labels), strict=False)
            grown = [np.concatenate(pair) for pair in pairs]
            is_marked = old.origin == KEPT or old.origin.endswith(f" + {KEPT}")
            where = old.origin if is_marked else f"{old.origin} + {KEPT}"
            parts = in_parts([*grown, *before[2:]])
            return self._write(name, Loaded(*parts, old.source, where, old.n_bytes_read), old)

    def keep(self, name: str, images: Sequence[Bytes], label: int) -> str:
        """Add images of one digit, see `append`, and return what was done in words."""
        labels = np.full(len(images), label, np.uint8)
        installation = self.append(name, np.stack(images), labels)
        n, n_all = len(images), sum(installation.manifest.sizes or ())
        shown = f"1 picture as a {label}" if n == 1 else f"{n:,} pictures, each as a {label}"
        return f"kept {shown}, in the training images of {name}, which has {n_all:,} image{'s' * (n_all > 1)} now"

    def _spec(self, name: str, sizes: tuple[int, int] | None) -> DatasetSpec:
        return own_spec(name, *(sizes or (0, 0)))

    def _folder_of(self, name: str) -> Path:
        return super()._folder_of(check_own_name(name))
