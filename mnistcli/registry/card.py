"""What a model says about itself."""

from __future__ import annotations

import contextlib
import functools
import json
import math
import re
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from datetime import datetime
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypedDict,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from mnistcli.errors import TaskError, UsageError
from mnistcli.features import FeatureSpec
from mnistcli.settings import SolverSettings, SplitSpec  # noqa: TC001 - the types are read
from mnistcli.tasks import Task, parse_task

# How to change the card: a new key with a default that means "not known" needs nothing more. A
# key that goes or changes its meaning raises this number, and `ModelCard.from_json` then turns
# the older layout into the newer one; a fixture file of the older number stays in the tests.
FORMAT_VERSION = 1

# Numbers with their least and largest value; exports keep counts in 32 bits.
MAX_ORDER = 10**15
Count = Annotated[int, (0, 2**31 - 1)]
Order = Annotated[int, (0, MAX_ORDER)]
Share = Annotated[float, (0, 1)]
Amount = Annotated[float, (0, 1e15)]
Scalar = str | int | float | bool | None
_CREATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}\+00:00")


class CertificateEntry(TypedDict, total=False):
    """Entries of a certificate that are counted on; there may be others."""

    converged: bool
    n_iterations: Count
    n_passes: Amount | None  # scikit-learn does not count them
    objective: float | None
    gap_bound: float | None
    distance_bound: float | None


class MetricsEntry(TypedDict, total=False):
    """Metrics that are counted on; there may be others."""

    train_accuracy: Share | None
    test_accuracy: Share | None
    cv_accuracies: list[Share]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything about a model but its arrays.

    Attributes
    ----------
    task : Task
        In the file its name, and beside it the names of its classes.
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
    order : int
        Counts what was saved in the registry, whatever the clock said; 0 where that is not known.
    """

    task: Task
    dataset: str
    dataset_sha256: str
    split: SplitSpec
    settings: SolverSettings
    features: dict[str, Any]
    n_train: Count
    n_test: Count
    certificate: Annotated[dict[str, Any], CertificateEntry]
    fit_seconds: Amount
    metrics: Annotated[dict[str, Any], MetricsEntry]
    versions: dict[str, str]
    command: str
    created: str
    order: Order = 0

    @property
    def class_names(self) -> tuple[str, ...]:
        """In class order."""
        return self.task.class_names

    @property
    def feature_spec(self) -> FeatureSpec:
        """What the model looks at."""
        return _feature_spec(self.features)

    def document(self) -> dict[str, Any]:
        """Return the card as JSON holds it."""
        content = {each.name: getattr(self, each.name) for each in fields(self)}
        names = {"task": self.task.name, "class_names": list(self.class_names)}
        settings = {"split": asdict(self.split), "settings": asdict(self.settings)}
        return {**names, **content, **names, **settings}

    def to_json(self) -> str:
        """Write the card as one JSON object, keys sorted; equal cards give equal text."""
        content = {"format_version": FORMAT_VERSION, **self.document()}
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
        names = content.pop("class_names", None)
        card: ModelCard = _read(cls, content, "")
        if names != list(card.class_names):
            raise ValueError("the card's class_names are not those of its task")
        scale = card.features.get("scale")
        if not isinstance(scale, float) or not 0 < scale <= 1:
            raise ValueError("the card's features have no scale")
        if features_entry(card.feature_spec, scale) != card.features:
            raise ValueError("the card does not say how pixels become features")
        if not _CREATED.fullmatch(card.created):
            raise ValueError("the card's created is no time in UTC")
        datetime.fromisoformat(card.created)
        return card


def features_entry(spec: FeatureSpec, scale: float) -> dict[str, Any]:
    """Write down what a model looks at, and what its features are multiplied with."""
    content: dict[str, Any] = {"kind": spec.kind, "scale": scale}
    if spec.sides:
        content |= {"sides": list(spec.sides), "n_filters": spec.n_filters, "n_views": spec.n_views}
    if spec.n_copies:
        content["n_copies"] = spec.n_copies
    return content


def _feature_spec(content: dict[str, Any]) -> FeatureSpec:
    plain = {key: value for key, value in content.items() if key != "scale"}
    spec: FeatureSpec = _read(FeatureSpec, plain, ".features")
    return spec


def _read(kind: Any, value: Any, path: str) -> Any:
    """Read what JSON holds as a value of a type, down to the last key.

    Raises
    ------
    ValueError
        Names what is missing, unknown, of another type or out of bounds.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        plain, meant = _read(arguments[0], value, path), arguments[1]
        if is_typeddict(meant):
            return _read_entries(meant, plain, path)
        if meant[0] <= plain <= meant[1]:
            return plain
    elif origin in (Union, UnionType):
        for each in arguments:
            with contextlib.suppress(ValueError):
                return _read(each, value, path)
    elif origin is Literal:
        if isinstance(value, str) and value in arguments:
            return value
    elif origin is dict and isinstance(value, dict):
        return {key: _read(arguments[1], item, f"{path}.{key}") for key, item in value.items()}
    elif origin in (list, tuple) and isinstance(value, list):
        return origin(_read(arguments[0], item, path) for item in value)
    elif kind is Task and isinstance(value, str):
        return _parsed(value)
    elif is_dataclass(kind) and kind is not Task and isinstance(value, dict):
        return _read_dataclass(kind, value, path)
    elif kind is Any or type(value) is kind or (kind is float and type(value) is int):
        return value
    raise ValueError(f"the card's {path.lstrip('.')} is not what it should be")


def _read_entries(kind: Any, content: dict[str, Any], path: str) -> dict[str, Any]:
    hints, other = _hints(kind), Scalar | list[Scalar]
    return {key: _read(hints.get(key, other), content[key], f"{path}.{key}") for key in content}


def _read_dataclass(kind: Any, content: dict[str, Any], path: str) -> Any:
    hints = _hints(kind)
    needed = {each.name for each in fields(kind) if each.default is MISSING}
    odd = (content.keys() - hints.keys()) | (needed - content.keys())
    where = f"card's {path.lstrip('.')}" if path else "card"
    if odd:
        raise ValueError(f"the {where} has missing or unknown keys: {', '.join(sorted(odd))}")
    values = {key: _read(hints[key], item, f"{path}.{key}") for key, item in content.items()}
    try:
        return kind(**values)
    except UsageError as error:
        raise ValueError(f"the {where} is not what it should be: {error.message}") from error


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _parsed(task: str) -> Task:
    try:
        parsed = parse_task(task)
    except TaskError as error:
        raise ValueError(error.message) from error
    if parsed.name != task:
        raise ValueError(f"the card writes the task {parsed.name} as {task!r}")
    return parsed


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
