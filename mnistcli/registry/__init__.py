"""Trained models on disk: the file, the card, the versions and their tags."""

import os
from typing import TYPE_CHECKING

from mnistcli.errors import UsageError
from mnistcli.paths import find_places

if TYPE_CHECKING:
    from mnistcli.registry.model_file import Model
    from mnistcli.registry.store import ModelEntry, ModelRegistry


def open_registry() -> "ModelRegistry":
    """Give the user's own registry; see `paths.find_places` for where that is."""
    from mnistcli.registry.store import ModelRegistry

    return ModelRegistry(find_places().models_dir)


def load_model(ref: "Model | str | os.PathLike[str] | None" = None) -> "Model":
    """Load the newest model, or the one that is named or given; raise UsageError for what is none."""
    from mnistcli.registry.model_file import Model

    if isinstance(ref, Model):
        return ref
    if not isinstance(ref, (str, os.PathLike, type(None))):
        hint = "name one, or give mnistcli.train(...).model"  # type: ignore[unreachable]
        raise UsageError(f"{type(ref).__name__} is no model", hint=hint)
    return open_registry().load(None if ref is None else os.fspath(ref))


def save_model(model: "Model | str", name: str | None = None) -> "ModelEntry":
    """Keep a model in the user's registry, by default under the name of its task."""
    model = load_model(model)
    return open_registry().save(model, name or model.card.task.name)
