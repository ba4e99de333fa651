"""The JSON contract: ``mnistcli help json`` has exactly the keys of every document.

A key may be added, here and there; none goes or changes its meaning.
"""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from mnistcli.cli.topics import read_topic

TRAIN = ("train", "0v1", "--limit", "200", "--cv", "2", "--C", "auto")
FULL = ("--mistakes", "1", "--calibration", "--curves", "--threshold-for", "recall=0.9")
# Commands that together print every key of a schema.
PRINTED_BY = {
    "train": [TRAIN],
    "evaluate": [("evaluate", *FULL), ("evaluate",)],
    "compare": [
        ("compare", "0v1@1", "worse", "--disagreements", "1"),
        ("compare", "0v1@1", "0v1@2", "worse@1", "worse@2"),
    ],
    "curve": [("curve", "-t", "0v1", "--limit", "20,40", "--seeds", "2")],
    "point": [("curve", "-t", "0v1", "--limit", "20,40")],
    "predict": [("predict", "-i", "7", "--explain"), ("predict", "many.npy", "nothing.png")],
    "prediction": [("predict", "-i", "7", "--explain"), ("predict", "many.npy", "nothing.png")],
    "numbers": [("predict", "--number", "many.npy", "nothing.png")],
    "number": [("predict", "--number", "many.npy", "nothing.png")],
    "show": [
        ("show", "7"), ("show", "--weights", "0v1@1"), ("show", "--mistakes", "0v1@1"), ("show", "--suspects", "0v1@1"),
        ("show", "--mean"), ("show", "--filters", "builtin"), ("show", "many.npy"), ("show", "7", "--copies", "1"),
    ],
    "models": [
        ("models", "list"), ("models", "tag", "0v1@1", "paper"), ("models", "rm", "worse@2", "--dry-run"),
        ("models", "rm", "worse@1", "--yes"),
    ],
    "model": [("models", "info")],
    "path": [("models", "path")],
    "export": [("models", "export", "--to", "json", "--output", "x.json")],
    "reproduction": [("models", "reproduce")],
    "report": [("report",), ("report", "0v1@1", "worse")],
    "doctor": [("doctor",)],
    "download": [("download",)],
    "sheet": [("sheet", "-o", "x.pdf")],
    "datasets": [("download", "--list"), ("download", "--remove", "mnist", "--dry-run")],
    "error": [("evaluate", "nothing")],
}  # fmt: skip


# Printed one on each line.
LINES = ("prediction", "number", "point")


def contract():
    """By schema and path, the keys as ``help json`` has them: "test.classes" -> {"name", ...}."""
    documents = {}
    for section in read_topic("json").split("\n## ")[1:]:
        schema = re.match(r"`mnistcli\.([a-z]+)`", section)[1]
        documents[schema] = {}
        for line in section.replace("\n  ", " ").split("\n- ")[1:]:
            where, _, keys = line.rpartition(": ")
            for path in re.findall(r"`([^`]+)`", where) or [""]:
                documents[schema][path] = set(re.findall(r"`([^`]+)`", keys))
    return documents


CONTRACT = contract()


def objects_at(document, path):
    """The objects to which a path leads, those of all items of lists on the way."""
    found = [document]
    for step in path.split(".") if path else ():
        below = [each[step] for each in found if each.get(step) is not None]
        found = [item for each in below for item in (each if isinstance(each, list) else [each])]
    return found


@pytest.fixture
def model(invoke, tmp_path, monkeypatch):
    monkeypatch.setenv("MNISTCLI_JOBS", "1")  # a default, for doctor
    monkeypatch.chdir(tmp_path)
    np.save("many.npy", np.eye(28, dtype=np.uint8)[None] * 255)
    for name, limit in (("0v1", "200"), ("worse", "10")):
        for seed in ("1", "0"):
            options = ["--limit", limit, "--name", name, "--seed", seed, "-q"]
            assert invoke("train", "0v1", *options).code == 0


@pytest.mark.parametrize("schema", CONTRACT)
def test_documents_have_exactly_the_keys_of_the_contract(invoke, model, schema):
    seen = set()
    for arguments in PRINTED_BY[schema]:
        done = invoke(*arguments, "--jsonl" if schema in LINES else "--json")
        text = done.err if schema == "error" else done.out
        for each in text.splitlines() if schema in LINES else [text]:
            document = json.loads(each)
            assert document.pop("schema") == f"mnistcli.{schema}"
            assert document.pop("schema_version") == 1
            for path, keys in CONTRACT[schema].items():
                needed = {key for key in keys if not key.endswith("?")}
                for found in objects_at(document, path):
                    assert needed <= set(found) <= {key.rstrip("?") for key in keys}
                    seen |= {f"{path}.{key}" for key in found}
    for path, keys in CONTRACT[schema].items():
        assert {f"{path}.{key.rstrip('?')}" for key in keys} <= seen, "nothing printed these"


def test_every_document_is_in_the_contract():
    assert set(CONTRACT) == set(PRINTED_BY)


def test_numbers_are_numbers_and_what_is_unknown_is_null(invoke, model):
    evaluation = json.loads(invoke("evaluate", *FULL, "--json").out)
    assert evaluation["threshold"]["target"] == {"metric": "recall", "bar": 0.9}
    assert evaluation["curves"][0]["roc"]["thresholds"][0] is None
    for row in evaluation["classes"]:
        for name in ("precision", "recall", "f1_score"):
            low, high = row[f"{name}_interval"]
            assert 0 <= low <= row[name] <= high <= 1
    (prediction,) = json.loads(invoke("predict", "-i", "7", "--json").out)["predictions"]
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)
    (picture,) = json.loads(invoke("show", "7", "--json").out)["pictures"]
    assert np.shape(picture["pixels"]) == (28, 28)


def test_errors_are_json_on_stderr(invoke):
    done = invoke("evaluate", "nothing", "--json")
    assert (done.code, done.out) == (5, "")
    assert json.loads(done.err) == {
        "schema": "mnistcli.error",
        "schema_version": 1,
        "error": {
            "code": "model_not_found",
            "message": "there is no model 'nothing'",
            "hint": "train one first: mnistcli train --task 0v1; or name builtin, which is always there",
            "exit_code": 5,
        },
    }
