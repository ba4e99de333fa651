"""The JSON contract: exact keys. A key may be added; none goes or changes its meaning."""

from __future__ import annotations

import json

import pytest

EVALUATION = {
    "n_samples", "n_correct", "accuracy", "baseline_accuracy", "baseline_class",
    "balanced_accuracy", "log_loss", "roc_auc", "average_precision", "classes", "macro_avg",
    "weighted_avg", "confusion",
}  # fmt: skip
CARD = {
    "task", "class_names", "dataset", "dataset_sha256", "split", "settings", "features", "n_train",
    "n_test", "certificate", "fit_seconds", "metrics", "versions", "command", "created",
}  # fmt: skip
SUMMARY = {"model", "path", "n_bytes", "tags", "card", "problem"}
CONTRACT = {
    ("train", "--task", "0v1", "--limit", "200", "--cv", "2"): (
        "train",
        {
            "model", "path", "task", "class_names", "dataset", "dataset_sha256", "n_train",
            "n_test", "split", "settings", "fit", "cross_validation", "train_accuracy", "test",
        },
    ),
    ("evaluate", "--mistakes", "1"): (
        "evaluate",
        {"model", "task", "class_names", "on", "mistakes"} | EVALUATION,
    ),
    ("predict", "--index", "7"): ("predict", {"model", "class_names", "predictions"}),
    ("show", "7"): ("show", {"pictures"}),
    ("show", "--weights", "0v1"): ("show", {"pictures"}),
    ("show", "--mistakes", "0v1"): ("show", {"pictures"}),
    ("models", "list"): ("models", {"models"}),
    ("models", "info"): ("model", SUMMARY),
    ("models", "path"): ("path", {"path"}),
    ("models", "tag", "0v1@1", "paper"): ("models", {"models"}),
    ("models", "rm", "0v1@1", "--yes"): ("models", {"models"}),
    ("download",): (
        "download",
        {
            "dataset", "sha256", "source", "origin", "n_bytes_read", "installed_at", "files",
            "folder", "already_there", "failures", "checked",
        },
    ),
}  # fmt: skip


@pytest.fixture
def model(invoke):
    assert invoke("train", "--task", "0v1", "--limit", "200", "-q").code == 0


@pytest.mark.parametrize("arguments", CONTRACT, ids=" ".join)
def test_documents_have_exactly_these_keys(invoke, model, arguments):
    done = invoke(*arguments, "--json")
    assert done.code == 0, done.err
    document = json.loads(done.out)
    schema, keys = CONTRACT[arguments]
    assert document.pop("schema") == f"mnistcli.{schema}"
    assert document.pop("schema_version") == 1
    assert set(document) == keys


def test_inner_documents_have_exactly_these_keys(invoke, model):
    train = json.loads(
        invoke("train", "--task", "0v1", "--limit", "200", "--cv", "2", "--json").out
    )
    assert set(train["fit"]) == {
        "fit_seconds", "objective", "gradient_norm", "relative_gradient_norm", "gap_bound",
        "distance_bound", "converged", "n_iterations", "n_passes",
    }  # fmt: skip
    assert set(train["test"]) == EVALUATION
    assert set(train["cross_validation"]) == {
        "accuracies", "mean", "standard_deviation", "n_not_converged",
    }  # fmt: skip
    assert set(train["settings"]) == {
        "C", "penalty", "l1_ratio", "class_weight", "solver", "tol", "max_iter",
    }  # fmt: skip
    assert set(train["split"]) == {"kind", "test_size", "seed", "limit"}
    row = train["test"]["classes"][0]
    assert set(row) == {"name", "precision", "recall", "f1_score", "support"}
    evaluation = json.loads(invoke("evaluate", "--mistakes", "1", "--json").out)
    assert set(evaluation["mistakes"][0]) == {"index", "truth", "answer", "p_truth", "p_answer"}
    prediction = json.loads(invoke("predict", "-i", "7", "--json").out)["predictions"][0]
    sighting = {"input", "answer", "best", "probability", "probabilities", "notes"}
    assert set(prediction) == sighting
    record = json.loads(invoke("predict", "-i", "7", "--jsonl", "--explain").out)
    assert set(record) == sighting | {"schema", "schema_version", "model", "explanation"}
    assert record["schema"] == "mnistcli.prediction"
    assert set(record["explanation"]) == {
        "answer", "runner_up", "score", "intercept", "contributions",
    }  # fmt: skip
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)
    picture = json.loads(invoke("show", "7", "--json").out)["pictures"][0]
    assert set(picture) == {"index", "label", "caption", "pixels"}
    assert len(picture["pixels"]) == len(picture["pixels"][0]) == 28
    models = json.loads(invoke("models", "list", "--json").out)["models"]
    assert set(models[0]) == SUMMARY
    assert set(models[0]["card"]) == CARD


def test_errors_are_json_on_stderr(invoke):
    done = invoke("evaluate", "nothing", "--json")
    assert (done.code, done.out) == (5, "")
    assert json.loads(done.err) == {
        "error": {
            "code": "model_not_found",
            "message": "there is no model 'nothing'",
            "hint": "train one first: mnistcli train --task 0v1",
            "exit_code": 5,
        }
    }
