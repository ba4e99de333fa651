"""What a model says about itself."""

import contextlib
import functools
import json
import math
import re
import typing
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from datetime import datetime
from types import UnionType
from typing import Annotated, Any, Literal

from mnistcli.display import Displayed
from mnistcli.errors import UsageError
from mnistcli.features import FeatureSpec
from mnistcli.features.kinds import OF_EVERY_KIND, without_views
from mnistcli.settings import PRESETS, Preset, SolverSettings, SplitSpec
from mnistcli.tasks import Task, parse_task

# How to change the card: a new key with a default that means "not known" needs nothing more. A
# key that goes or changes its meaning raises this number, and `ModelCard.from_json` then turns
# the older layout into the newer one; a fixture file of the older number stays in the tests.
FORMAT_VERSION = 1

# Numbers with their least and largest value; exports keep counts in 32 bits.
MAX_ORDER = 10**15
Count = Annotated[int, (0, 2**31 - 1)]
Share = Annotated[float, (0, 1)]
Amount = Annotated[float, (0, 1e15)]
Scalar = str | int | float | bool | None
_CREATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}\+00:00")


# Entries that are counted on; others may be there that are scalars or lists of them.
Certificate = Annotated[
    dict[str, Any],
    {
        "converged": bool,
        "n_iterations": Count,
        "n_passes": Amount | None,  # scikit-learn does not count them
        "objective": float | None,
        "gap_bound": float | None,
        "distance_bound": float | None,
    },
]
Metrics = Annotated[
    dict[str, Any],
    {"train_accuracy": Share | None, "test_accuracy": Share | None, "cv_accuracies": list[Share]},
]


@dataclass(frozen=True, slots=True, repr=False)
class ModelCard(Displayed):
    """Everything about a model but its arrays.

    In the file the task is its name, and beside it stand the names of its classes. The settings
    hold the solver that did it, not "auto"; the features are a `features_entry`, the certificate
    that of `linear_model.certificate`; ``created`` is ISO 8601 in UTC with microseconds. ``order``
    counts what was saved in the registry, whatever the clock said; 0 where that is not known. Of
    datasets that were joined the parts are the sha256 of each, and the weights those of the images
    of some of them. The memory is the most that the process held while it trained. The
    prototypes are those of `features.typicality`, which may know pairs of digits; 0 where it was
    not kept. Beside the weights may be kept what models of folds said of each training image.
    """

    task: Task
    dataset: str
    dataset_sha256: str
    split: SplitSpec
    settings: SolverSettings
    features: dict[str, Any]
    n_train: Count
    n_test: Count
    certificate: Certificate
    fit_seconds: Amount
    metrics: Metrics
    versions: dict[str, str]
    command: str
    created: str
    order: Annotated[int, (0, MAX_ORDER)] = 0
    dataset_parts: dict[str, str] | None = None
    weights: dict[str, Annotated[float, (0, 1e15)]] | None = None
    peak_memory_bytes: Annotated[int, (0, 10**15)] | None = None
    n_prototypes: Annotated[int, (0, 1000)] = 0
    has_out_of_fold: bool = False
    knows_pairs: bool = False

    @property
    def class_names(self) -> tuple[str, ...]:
        """In class order."""
        return self.task.class_names

    @property
    def feature_spec(self) -> FeatureSpec:
        """What the model looks at."""
        plain = {key: value for key, value in self.features.items() if key != "scale"}
        spec: FeatureSpec = read_typed(FeatureSpec, plain, ".features")
        return spec

    @property
    def preset(self) -> Preset | None:
        """The preset that features and C are those of; None where there is none."""
        solver = self.settings
        given = self.feature_spec, solver.C, solver.penalty, solver.class_weight
        return next((n for n, each in PRESETS.items() if given == (*each[:2], "l2", None)), None)

    def document(self) -> dict[str, Any]:
        """Return the card as JSON holds it."""
        names = {"task": self.task.name, "class_names": list(self.class_names)}
        return {**names, **asdict(self), **names}

    def to_json(self) -> str:
        """Write the card as one JSON object, keys sorted; equal cards give equal text."""
        content = {"format_version": FORMAT_VERSION, **self.document()}
        text = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)
        # A command line may hold bytes that are no text.
        return text.encode(errors="replace").decode()

    @classmethod
    def from_json(cls, text: str) -> "ModelCard":
        """Read a card; raise ValueError or RecursionError, with words for the user, for what is none."""
        content = strict_json(text)
        if not isinstance(content, dict):
            raise ValueError("the card is not a JSON object")
        found = content.pop("format_version", None)
        if found != FORMAT_VERSION:
            words = f"the card has format version {found!r}, this program reads {FORMAT_VERSION}"
            raise ValueError(words)
        names = content.pop("class_names", None)
        if isinstance(split := content.get("split"), dict):
            split.setdefault("nested", False)
        if isinstance(features := content.get("features"), dict):
            content["features"] = without_views(features)
        card: ModelCard = read_typed(cls, content, "")
        if names != list(card.class_names):
            raise ValueError("the card's class_names are not those of its task")
        scale: Any = card.features.get("scale")
        is_scale = isinstance(scale, float) and 0 < scale <= 1
        if not is_scale or features_entry(card.feature_spec, scale) != card.features:
            raise ValueError("the card does not say how pixels become features")
        if not _CREATED.fullmatch(card.created):
            raise ValueError("the card's created is no time in UTC")
        datetime.fromisoformat(card.created)
        return card


def features_entry(spec: FeatureSpec, scale: float) -> dict[str, Any]:
    """Write down what a model looks at, and what its features are multiplied with."""
    content: dict[str, Any] = {"kind": spec.kind, "scale": scale}
    for name, value in spec.settings().items():
        content[name] = list(value) if isinstance(value, tuple) else value
    usual = FeatureSpec()
    named = {name: getattr(spec, name) for name in OF_EVERY_KIND}
    return content | {k: value for k, value in named.items() if value != getattr(usual, k)}


def read_typed(kind: Any, value: Any, path: str = "") -> Any:
    """Read what JSON holds as a value of a type, down to the last key; raise ValueError if it is none."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        plain, meant = read_typed(arguments[0], value, path), arguments[1]
        if isinstance(meant, dict):
            other = Scalar | list[Scalar]
            kinds = {key: meant.get(key, other) for key in plain}
            return {key: read_typed(kinds[key], v, f"{path}.{key}") for key, v in plain.items()}
        if meant[0] <= plain <= meant[1]:
            return plain
    elif origin in (typing.Union, UnionType):
        for each in arguments:
            with contextlib.suppress(ValueError):
                return read_typed(each, value, path)
    elif origin is Literal:
        if isinstance(value, str) and value in arguments:
            return value
    elif origin is dict and isinstance(value, dict):
        return {key: read_typed(arguments[1], item, f"{path}.{key}") for key, item in value.items()}
    elif origin in (list, tuple) and isinstance(value, list):
        return origin(read_typed(arguments[0], item, path) for item in value)
    elif kind is Task:
        if isinstance(value, str) and parse_task(value).name == value:
            return parse_task(value)
    elif is_dataclass(kind) and isinstance(value, dict):
        return _read_dataclass(kind, value, path)
    elif kind is Any or type(value) is kind or (kind is float and type(value) is int):
        return value
    raise ValueError(f"the card's {path.lstrip('.')} is not what it should be")


def _read_dataclass(kind: Any, content: dict[str, Any], path: str) -> Any:
    hints = _hints(kind)
    needed = {each.name for each in fields(kind) if each.default is MISSING}
    odd = (content.keys() - hints.keys()) | (needed - content.keys())
    where = f"card's {path.lstrip('.')}" if path else "card"
    if odd:
        raise ValueError(f"the {where} has missing or unknown keys: {', '.join(sorted(odd))}")
    try:
        typed = {key: read_typed(hints[key], v, f"{path}.{key}") for key, v in content.items()}
        return kind(**typed)
    except UsageError as error:
        raise ValueError(f"the {where} is not what it should be: {error.message}") from error


_hints = functools.cache(functools.partial(typing.get_type_hints, include_extras=True))


def strict_json(text: str) -> Any:
    """Read JSON without duplicate keys, endless numbers, numbers or characters that are none.

    Raises ValueError or RecursionError.
    """
    content = json.loads(
        text,
        object_pairs_hook=_without_duplicates,
        parse_int=_number,
        parse_float=_number,
        parse_constant=_number,
    )
    json.dumps(content, ensure_ascii=False).encode()  # half of a surrogate pair is no character
    return content


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("an entry is there twice")
    return dict(pairs)


def _number(text: str) -> float:
    if not text.lstrip("-").isdecimal():
        number = float(text)
        if not math.isfinite(number):
            raise ValueError("a number is not finite")
        return number
    if len(text) > 18:
        raise ValueError("a number is too long")
    return int(text)
