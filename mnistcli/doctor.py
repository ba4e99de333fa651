"""Look at this installation: versions, folders, what is stored in them, and whether it is whole."""

import contextlib
import os
import platform
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from mnistcli.datasets.store import DatasetStore
from mnistcli.errors import CorruptFileError, DataUnavailableError, StorageError
from mnistcli.files import kind_of_path
from mnistcli.parallel import n_cores
from mnistcli.paths import Places, expand
from mnistcli.registry.store import BUILTIN, ModelRegistry

# In the order in which they are shown; the last come with extras.
LIBRARIES = (
    "mnistcli", "numpy", "typer", "rich", "pillow", "safetensors", "scikit-learn", "scipy",
    "pandas", "joblib", "textual", "skops", "onnx", "reportlab", "distributed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PathHealth:
    """A folder of ours, and what can be done there."""

    what: str
    path: str
    state: str  # "writable", "can be made", "not writable" or "cannot be made"


@dataclass(frozen=True, slots=True)
class DatasetHealth:
    """A dataset of the catalogue or of the user's own, and what is wrong with it where something is."""

    name: str
    state: str  # "whole", "damaged", "not readable" or "not installed"
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What an installation looks like; the home folder is written as ~ everywhere.

    ``n_cores`` are those that this process may use; a version is None for what is not installed.
    """

    python: str
    system: str
    n_cores: int
    versions: dict[str, str | None]
    paths: tuple[PathHealth, ...]
    datasets: tuple[DatasetHealth, ...]
    n_whole_models: int
    damaged_models: tuple[tuple[str, str], ...]  # reference and problem

    @property
    def damaged(self) -> tuple[str, ...]:
        """The datasets and models that are damaged."""
        datasets = (each.name for each in self.datasets if each.state == "damaged")
        return (*datasets, *(ref for ref, _ in self.damaged_models))


def examine(places: Places, store: DatasetStore, registry: ModelRegistry) -> Diagnosis:
    """Look at everything; every byte of what is stored is read and hashed.

    A damaged dataset is forgotten, see `DatasetStore.verify`; nothing else is changed.
    """
    n_whole, damaged = _examine_models(registry)
    return Diagnosis(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=f"{platform.system()} {platform.release()}, {platform.machine()}",
        n_cores=n_cores(),
        versions={name: _version(name) for name in LIBRARIES},
        paths=tuple(
            _examine_folder(what, getattr(places, f"{what}_dir"))
            for what in ("datasets", "features", "models", "own")
        ),
        datasets=tuple(
            _examine_dataset(store, name) for name in (*store.catalog, *store.own_names())
        ),
        n_whole_models=n_whole,
        damaged_models=tuple(damaged),
    )


def without_home(text: str) -> str:
    """Write the home folder as ~, so that no user's name is passed on."""
    with contextlib.suppress(StorageError):  # there is none
        home = str(expand(Path("~")))
        return text if home == os.sep else re.sub(rf"{re.escape(home)}(?![\w-]|\.\w)", "~", text)
    return text


def _version(name: str) -> str | None:
    with contextlib.suppress(metadata.PackageNotFoundError):
        return metadata.version(name)
    return None


def _examine_folder(what: str, folder: Path) -> PathHealth:
    # What may not be looked at is not there; the folder above it says why nothing can be made.
    made = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    # Asked first: in a loop of links nothing may be done, and what it leads to cannot be told.
    may_write = os.access(made, os.W_OK | os.X_OK) and kind_of_path(made) == "folder"
    state = "can be made" if may_write else "cannot be made"
    if made == folder:
        state = "writable" if may_write else "not writable"
    return PathHealth(what, without_home(str(folder)), state)


def _examine_dataset(store: DatasetStore, name: str) -> DatasetHealth:
    try:
        if not store.has(name):
            return DatasetHealth(name, "not installed")
        store.verify(name)
    except CorruptFileError as error:
        return DatasetHealth(name, "damaged", without_home(error.message))
    except DataUnavailableError as error:
        return DatasetHealth(name, "not readable", without_home(error.message))
    return DatasetHealth(name, "whole")


def _examine_models(registry: ModelRegistry) -> tuple[int, list[tuple[str, str]]]:
    try:
        summaries = (*registry.summaries(), registry.summary(BUILTIN))
    except (CorruptFileError, DataUnavailableError) as error:
        return 0, [("the registry", without_home(error.message))]
    damaged = [(each.entry.ref, without_home(each.problem)) for each in summaries if each.problem]
    return len(summaries) - len(damaged), damaged
