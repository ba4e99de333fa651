"""Trained models on disk: the file, the card, the versions and their tags."""

import os
from typing import TYPE_CHECKING

from mnistcli.paths import find_places

if TYPE_CHECKING:
    from mnistcli.registry.model_file import Model
    from mnistcli.registry.store import ModelEntry, ModelRegistry


def open_registry() -> "ModelRegistry":
    """Give the user's own registry; see `paths.find_places` for where that is."""
    from mnistcli.registry.store import ModelRegistry

    return ModelRegistry(find_places().models_dir)


def load_model(ref: "Model | str | os.PathLike[str] | None" = None) -> "Model":
    """Load what `ModelRegistry.load` finds, the newest by default; a model is returned as it is."""
    from mnistcli.registry.model_file import Model

    if isinstance(ref, Model):
        return ref
    return open_registry().load(None if ref is None else os.fspath(ref))


def save_model(model: "Model", name: str | None = None) -> "ModelEntry":
    """Keep a model in the user's registry, by default under the name of its task."""
    return open_registry().save(model, name or model.card.task.name)
