"""A model as a JSON document that a person can read and any language can predict with."""

import json
import textwrap
from itertools import chain
from pathlib import Path
from typing import Any

from mnistcli.errors import UsageError
from mnistcli.features import Features
from mnistcli.features.expansion import Expansion
from mnistcli.mnist import IMAGE_SIDE
from mnistcli.registry.exports import Exporter
from mnistcli.registry.model_file import Model

_FORMULAS = Path(__file__).with_name("formulas.json")
# What several kinds of features begin with is told once, before them.
_NEEDED_BY = {
    "standard size": {"patches", "scattering", "arrangements"},
    "wavelets": {"scattering", "arrangements"},
}


def encode(model: Model) -> bytes:
    """Return the document as UTF-8; its numbers, read back, are the model's to the last bit."""
    classifier = model.classifier
    fields = {
        "schema": "mnistcli.exported_model",
        "schema_version": 1,
        "model": model.ref or None,
        "how_to_predict": _how_to_predict(model),
        "class_names": list(classifier.class_names),
        "scale": classifier.scale,
        "intercept": classifier.intercept.tolist(),
        "coef": classifier.coef,
        **_learned(classifier.features),
        "card": json.loads(model.card.to_json()),
    }
    lines = [f'  "{key}": {_text(value)}' for key, value in fields.items()]
    # The path of a file may hold bytes that are no text.
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode(errors="replace")


def _learned(features: Features | None) -> dict[str, Any]:
    if features is None:
        return {}
    fixed: dict[str, Any] = {}  # the same for all chains
    for stage in chain.from_iterable(features.chains.values()):
        if isinstance(stage, Expansion):
            fixed["mixture"], fixed["offset"] = stage.functions
    return fixed | features.arrays


def _how_to_predict(model: Model) -> list[str]:
    formulas = json.loads(_FORMULAS.read_text("utf-8"))
    names = model.classifier.class_names
    kind, chains = model.card.feature_spec.kind, model.card.feature_spec.chains
    steps = [] if kind == "pixels" else [*formulas["images"]]
    for words, needed_by in _NEEDED_BY.items():
        steps += formulas[words] if needed_by & {*kind.split("+")} else []
    for stages in chains:
        if unknown := [stage for stage in stages if stage not in formulas]:
            raise UsageError(f"json has no words for features of the kind {unknown[0]}")
        if len(chains) > 1:
            steps += [step.format(chain=stages[0]) for step in formulas["chain"]]
        steps += [step for stage in stages for step in formulas[stage]]
    steps += (formulas["chains"] if len(chains) > 1 else []) + formulas["score"]
    last = formulas["two classes" if len(names) == 2 else "more classes"]
    named = {"negative": repr(names[0]), "positive": repr(names[1])}
    return [*steps, *(step.format(**named) for step in last)]


def _text(value: Any) -> str:
    """Write arrays with as few digits as say which number of their precision it is, 28 on a line."""
    if not hasattr(value, "dtype"):
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)
        return textwrap.indent(text, "  ").lstrip()
    if value.ndim > 1:
        return "[\n    " + ",\n    ".join(map(_text, value)) + "\n  ]"
    texts = [str(each) for each in value]
    lines = (", ".join(texts[k : k + IMAGE_SIDE]) for k in range(0, len(texts), IMAGE_SIDE))
    return "[" + ",\n     ".join(lines) + "]"


EXPORTER = Exporter(
    encode,
    what="readable JSON",
    good_for="reading, and predicting in any language: it says how",
    trust="numbers and words, nothing runs",
    use="json.loads(pathlib.Path({file}).read_text('utf-8'))",
    is_text=True,
)
