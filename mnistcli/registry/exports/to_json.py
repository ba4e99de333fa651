"""A model as a JSON document that a person can read and any language can predict with."""

import json
import textwrap
from collections.abc import Sequence
from typing import Any

from mnistcli.mnist import IMAGE_SIDE
from mnistcli.registry.exports import Exporter
from mnistcli.registry.model_file import Model


def encode(model: Model) -> bytes:
    """Return the document as UTF-8; its numbers, read back, are the model's to the last bit."""
    classifier = model.classifier
    fields = {
        "schema": "mnistcli.exported_model",
        "schema_version": 1,
        "model": model.ref or None,
        "how_to_predict": _how_to_predict(classifier.class_names),
        "class_names": list(classifier.class_names),
        "scale": classifier.scale,
        "intercept": classifier.intercept.tolist(),
        "coef": classifier.coef.tolist(),
        "card": json.loads(model.card.to_json()),
    }
    lines = [f'  "{key}": {_matrix(v) if key == "coef" else _text(v)}' for key, v in fields.items()]
    # The path of a file may hold bytes that are no text.
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode(errors="replace")


def _how_to_predict(class_names: Sequence[str]) -> list[str]:
    steps = [
        "x: 784 pixels, row by row from the top left, 0 for paper to 255 for ink",
        "score[k] = intercept[k] + sum over i of coef[k][i] * scale * x[i]",
    ]
    if len(class_names) == 2:
        negative, positive = class_names
        return [
            *steps,
            f"probability of {positive!r} = 1 / (1 + exp(-score[0])); the rest is for {negative!r}",
            f"answer: {positive!r} where score[0] > 0, else {negative!r}",
        ]
    return [
        *steps,
        "probability of class_names[k] = exp(score[k]) / sum over j of exp(score[j])",
        "answer: class_names[k] of the largest score[k], of equal ones the first",
    ]


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)
    return textwrap.indent(text, "  ").lstrip()


def _matrix(rows: Sequence[Sequence[float]]) -> str:
    """Write a line for each row of pixels: a number a line would be eight thousand lines."""
    pictures = (
        ",\n     ".join(
            json.dumps(row[start : start + IMAGE_SIDE])[1:-1]
            for start in range(0, len(row), IMAGE_SIDE)
        )
        for row in rows
    )
    return "[\n    [" + "],\n    [".join(pictures) + "]\n  ]"


EXPORTER = Exporter(
    encode,
    what="readable JSON",
    good_for="reading, and predicting in any language: it says how",
    trust="numbers and words, nothing runs",
    use="json.loads(pathlib.Path({file}).read_text('utf-8'))",
    is_text=True,
)
