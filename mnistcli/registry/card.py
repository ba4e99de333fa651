"""What a model says about itself."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from mnistcli.errors import UsageError
from mnistcli.settings import SolverSettings, SplitSpec

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

# How to change the card: a new key with a default that means "not known" needs nothing more. A
# key that goes or changes its meaning raises this number, and `ModelCard.from_json` then turns
# the older layout into the newer one; a fixture file of the older number stays in the tests.
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything about a model but its arrays.

    Attributes
    ----------
    task : str
        A sentence of the task language.
    class_names : tuple of str
        In class order.
    dataset, dataset_sha256 : str
        What it was trained on: the name, and the identity of the decoded bytes.
    split : SplitSpec
        Which images were for training.
    settings : SolverSettings
        With the solver that did it, not "auto".
    features : dict
        How pixels become features: ``{"kind": "pixels", "scale": 1/255}``.
    n_train, n_test : int
        Images used for training and for the test.
    certificate : dict
        The fields of `linear_model.objective.Certificate`.
    fit_seconds : float
        Wall clock of the fit.
    metrics : dict
        train_accuracy, test_accuracy and others, by name.
    versions : dict
        Of Python and of the libraries that took part.
    command : str
        The command line, or "" from Python.
    created : str
        ISO 8601 in UTC with microseconds.
    """

    task: str
    class_names: tuple[str, ...]
    dataset: str
    dataset_sha256: str
    split: SplitSpec
    settings: SolverSettings
    features: dict[str, Any]
    n_train: int
    n_test: int
    certificate: dict[str, Any]
    fit_seconds: float
    metrics: dict[str, Any]
    versions: dict[str, str]
    command: str
    created: str

    def to_json(self) -> str:
        """Write the card as one JSON object, keys sorted; equal cards give equal text."""
        content = {"format_version": FORMAT_VERSION, **asdict(self)}
        return json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> ModelCard:
        """Read a card.

        Raises
        ------
        ValueError
            In words for the user: the text is no card, or a newer version wrote it.
        """
        try:
            content = json.loads(text, object_pairs_hook=_without_duplicates)
        except (ValueError, RecursionError) as error:
            raise ValueError("the card is not JSON") from error
        if not isinstance(content, dict):
            raise ValueError("the card is not a JSON object")
        version = content.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise ValueError(
                f"the card has format version {version!r}, this program reads {FORMAT_VERSION}"
            )
        _check(content)
        content["class_names"] = tuple(content["class_names"])
        content["split"] = _settings(SplitSpec, content["split"])
        content["settings"] = _settings(SolverSettings, content["settings"])
        return cls(**content)


def _settings(kind: Callable[..., T], content: dict[str, Any]) -> T:
    try:
        return kind(**content)
    except (TypeError, UsageError) as error:
        raise ValueError(f"the card's settings are not what they should be: {error}") from error


_KINDS: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "tuple[str, ...]": list,
    "dict[str, Any]": dict,
    "dict[str, str]": dict,
    "SplitSpec": dict,
    "SolverSettings": dict,
}


def _check(content: dict[str, Any]) -> None:
    kinds = {field.name: _KINDS[str(field.type)] for field in fields(ModelCard)}
    if content.keys() != kinds.keys():
        odd = ", ".join(sorted(content.keys() ^ kinds.keys()))
        raise ValueError(f"the card has missing or unknown keys: {odd}")
    for key, kind in kinds.items():
        value = content[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"the card's {key} is not what it should be")
    names = content["class_names"]
    if len(names) < 2 or not all(isinstance(name, str) for name in names):
        raise ValueError("the card's class_names are not names")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("duplicate key")
    return content
