"""What a command is given: where things are in this call, and how it answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistcli._version import __version__
from mnistcli.cli.output import Output
from mnistcli.errors import DataUnavailableError, ModelNotFoundError, StorageError, UsageError
from mnistcli.paths import find_places

if TYPE_CHECKING:
    from mnistcli.datasets.dataset import Dataset, LabelledImages
    from mnistcli.datasets.store import DatasetStore
    from mnistcli.features.cache import FeatureCache
    from mnistcli.registry.model_file import Model
    from mnistcli.registry.store import ModelRegistry


@dataclass(frozen=True)
class Call(Output):
    """Where things are, and the door out; ``home`` is the value of ``--home``."""

    home: Path | None = None
    defaults: Sequence[str] = ()  # that change the answer, as a shell sets them

    def store(self) -> DatasetStore:
        """Return the dataset store."""
        from mnistcli.datasets.store import DatasetStore

        places = find_places(self.home)
        return DatasetStore(places.datasets_dir, own_folder=places.own_dir)

    def registry(self) -> ModelRegistry:
        """Return the model registry."""
        from mnistcli.registry.store import ModelRegistry

        return ModelRegistry(find_places(self.home).models_dir)

    def features(self) -> FeatureCache:
        """Return the cache of features."""
        from mnistcli.features.cache import FeatureCache

        return FeatureCache(find_places(self.home).features_dir)

    def model(self, ref: str | None) -> Model:
        """Load a model; where none is asked for and none is there, the one that always is."""
        from mnistcli.registry.store import BUILTIN

        try:
            return self.registry().load(ref)
        except ModelNotFoundError:
            if ref is not None:
                raise
        self.note(
            f"there is no model of yours: {BUILTIN} answers, see mnistcli models info {BUILTIN}"
        )
        return self.registry().load(BUILTIN)

    def dataset(self, name: str) -> Dataset:
        """Open a dataset; what happens on the way is noted on stderr."""
        from mnistcli.cli.progress import Bars

        return self.store().open(name, progress=Bars(self, hidden=True))

    def dataset_of(self, model: Model, name: str | None = None) -> Dataset:
        """Open the dataset that a model was trained on, or another by its name."""
        try:
            return self.dataset(name or model.card.dataset)
        except UsageError as error:
            if name:
                raise
            raise DataUnavailableError(
                f"{model.ref} was trained on {model.card.dataset}, which is not there any more",
                hint=f"mnistcli download --source PATH --as {model.card.dataset}, or --dataset NAME",
            ) from error

    def images(
        self, model: Model, name: str | None, data: Path | None, *, raw: bool
    ) -> Dataset | LabelledImages:
        """Open what a model is judged on: a file or folder of the user's own, or see `dataset_of`."""
        if data is None:
            return self.dataset_of(model, name)
        from mnistcli.datasets.gathering import read_to_judge

        return read_to_judge(data, raw=raw)

    def tell_files(self) -> None:
        """Tell versions, and each file of ours that is read from now on: Python reports them all."""
        from importlib.metadata import version

        self.detail(
            f"mnistcli {__version__}, Python {sys.version.split()[0]}, numpy {version('numpy')}"
        )
        folders = (*map(str, find_places(self.home)), str(Path(__file__).parents[1]))
        told, endings = {""}, (".npy", ".safetensors", ".gz", ".toml")

        def hear(event: str, arguments: tuple[Any, ...]) -> None:
            path = str(arguments[0]) if event == "open" else ""
            if path in told or not (path.startswith(folders) and path.endswith(endings)):
                return
            if not arguments[2] & (os.O_WRONLY | os.O_RDWR):
                told.add(path)
                self.detail(f"{'reads' if os.access(path, os.R_OK) else 'does not find'} {path}")

        sys.addaudithook(hear)

    def add_hint(self, error: StorageError) -> None:
        """Point to ``--home`` where it is one of our own folders that the system refuses."""
        if not error.hint:
            refused = Path(error.path)
            try:
                folders: tuple[Path, ...] = find_places(self.home)
            except StorageError:
                folders = (refused,)
            if any(refused in (each, *each.parents) or each in refused.parents for each in folders):
                error.hint = "choose another place with --home FOLDER or MNISTCLI_HOME=FOLDER"
