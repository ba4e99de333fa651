"""What a model says about itself."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from mnistcli.errors import TaskError, UsageError
from mnistcli.settings import FeatureSpec, SolverSettings, SplitSpec
from mnistcli.tasks import parse_task

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
        How pixels become features: ``{"kind": "pixels", "scale": 1/255}``; see `features_entry`.
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

    @property
    def feature_spec(self) -> FeatureSpec:
        """What the model looks at."""
        content = {key: value for key, value in self.features.items() if key != "scale"}
        return _feature_spec(content)

    def to_json(self) -> str:
        """Write the card as one JSON object, keys sorted; equal cards give equal text."""
        content = {"format_version": FORMAT_VERSION, **asdict(self)}
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)
        # A command line may hold bytes that are no text.
        return text.encode(errors="replace").decode()

    @classmethod
    def from_json(cls, text: str) -> ModelCard:
        """Read a card.

        Raises
        ------
        ValueError
            In words for the user: the text is no card, or a newer version wrote it.
        """
        try:
            content = strict_json(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"the card is not JSON: {error}") from error
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
    counts = [content.get(name) for name in ("seed", "limit", "max_iter")]
    if any(type(count) not in (int, type(None)) for count in counts):
        raise ValueError("the card's settings count in numbers that are not whole")
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
_MAX_NESTING = 4


def _check(content: dict[str, Any]) -> None:
    kinds = {field.name: _KINDS[str(field.type)] for field in fields(ModelCard)}
    if content.keys() != kinds.keys():
        odd = ", ".join(sorted(content.keys() ^ kinds.keys()))
        raise ValueError(f"the card has missing or unknown keys: {odd}")
    for key, kind in kinds.items():
        value = content[key]
        if not isinstance(value, kind) or isinstance(value, bool) or _nesting(value) > _MAX_NESTING:
            raise ValueError(f"the card's {key} is not what it should be")
    if content["class_names"] != list(_class_names(content["task"])):
        raise ValueError("the card's class_names are not those of its task")
    features = dict(content["features"])
    scale = features.pop("scale", None)
    if not isinstance(scale, float) or not 0 < scale <= 1:
        raise ValueError("the card's features have no scale")
    if features_entry(_feature_spec(features), scale) != content["features"]:
        raise ValueError("the card does not say how pixels become features")


def features_entry(spec: FeatureSpec, scale: float) -> dict[str, Any]:
    """Write down what a model looks at, and what its features are multiplied with."""
    content: dict[str, Any] = {"kind": spec.kind, "scale": scale}
    if spec.sides:
        content |= {"sides": list(spec.sides), "n_filters": spec.n_filters, "n_views": spec.n_views}
    if spec.n_copies:
        content["n_copies"] = spec.n_copies
    return content


def _feature_spec(content: dict[str, Any]) -> FeatureSpec:
    try:
        return FeatureSpec(**{**content, "sides": tuple(content.get("sides", ()))})
    except (TypeError, UsageError) as error:
        raise ValueError(f"the card does not say how pixels become features: {error}") from error


def _class_names(task: str) -> tuple[str, ...]:
    try:
        return parse_task(task).class_names
    except TaskError as error:
        raise ValueError(error.message) from error


def _nesting(value: object) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_nesting, value), default=0) if isinstance(value, list) else 0


def strict_json(text: str) -> Any:
    """Read JSON without duplicate keys, endless numbers, numbers or characters that are none.

    Raises
    ------
    ValueError, RecursionError
    """
    content = json.loads(
        text,
        object_pairs_hook=_without_duplicates,
        parse_int=_short_int,
        parse_float=_finite,
        parse_constant=_finite,
    )
    json.dumps(content, ensure_ascii=False).encode()  # half of a surrogate pair is no character
    return content


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("an entry is there twice")
    return content


def _short_int(digits: str) -> int:
    if len(digits) > 18:
        raise ValueError("a number is too long")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is not finite")
    return number
