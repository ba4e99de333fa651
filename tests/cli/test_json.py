"""The JSON contract: exact keys. A key may be added; none goes or changes its meaning."""

from __future__ import annotations

import json

import pytest

from mnistcli.metrics.catalog import METRICS

EVALUATION = {
    "n_samples", "n_correct", "baseline_accuracy", "baseline_class", "classes", "macro_avg",
    "weighted_avg", "confusion", "accuracy_interval", "roc_auc_interval",
    *(metric.name for metric in METRICS),
}  # fmt: skip
CARD = {
    "task", "class_names", "dataset", "dataset_sha256", "split", "settings", "features", "n_train",
    "n_test", "certificate", "fit_seconds", "metrics", "versions", "command", "created", "order",
}  # fmt: skip
SUMMARY = {"model", "path", "n_bytes", "tags", "card", "problem"}
CONTRACT = {
    ("train", "--task", "0v1", "--limit", "200", "--cv", "2"): (
        "train",
        {
            "model", "path", "task", "class_names", "dataset", "dataset_sha256", "n_train",
            "n_test", "split", "settings", "fit", "search", "cross_validation", "train_accuracy",
            "test",
        },
    ),
    ("evaluate", "--mistakes", "1"): (
        "evaluate",
        {
            "model", "task", "class_names", "on", "mistakes", "threshold", "calibration", "curves",
            "pair_errors", "notes",
        } | EVALUATION,
    ),
    ("compare", "0v1@1", "0v1@1"): (
        "compare",
        {
            "on", "class_names", "n_samples", "n_left_out", "by", "best", "models", "pairs",
            "n_disagreements", "disagreements", "notes",
        },
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
    ("models", "export", "--to", "json", "--output", "x.json"): (
        "export",
        {"model", "format", "path", "n_bytes", "sha256", "good_for", "trust", "use"},
    ),
    ("models", "reproduce"): (
        "reproduction",
        {
            "model", "is_reproduced", "is_identical", "largest_difference", "distance",
            "distance_bound", "n_test", "n_different", "test_accuracy", "fit_seconds",
            "version_changes",
        },
    ),
    ("report",): ("report", {"model", "path", "n_bytes", "on", "accuracy", "verdict"}),
    ("doctor",): (
        "doctor",
        {
            "python", "system", "n_cores", "versions", "blas", "paths", "datasets", "models",
            "terminal", "damaged",
        },
    ),
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
def test_documents_have_exactly_these_keys(invoke, model, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
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
        "n_folds", "n_repeats", "accuracies", "mean", "standard_deviation", "n_not_converged",
        "confusion",
    }  # fmt: skip
    assert set(train["settings"]) == {
        "C", "penalty", "l1_ratio", "class_weight", "solver", "tol", "max_iter",
    }  # fmt: skip
    assert set(train["split"]) == {"kind", "test_size", "seed", "limit"}
    row = train["test"]["classes"][0]
    assert set(row) == {
        "name", "precision", "recall", "f1_score", "support", "precision_interval",
        "recall_interval", "f1_score_interval",
    }  # fmt: skip
    for interval in ("precision_interval", "recall_interval", "f1_score_interval"):
        low, high = row[interval]
        assert 0 <= low <= row[interval.removesuffix("_interval")] <= high <= 1
    options = ("--mistakes", "1", "--calibration", "--curves", "--threshold-for", "recall=0.9")
    evaluation = json.loads(invoke("evaluate", *options, "--json").out)
    assert set(evaluation["mistakes"][0]) == {"index", "truth", "answer", "p_truth", "p_answer"}
    threshold = evaluation["threshold"]
    assert set(threshold) == {"value", "target", "chosen_on", "precision", "recall"}
    assert threshold["target"] == {"metric": "recall", "bar": 0.9}
    assert set(evaluation["calibration"][0]) == {
        "low", "high", "n_samples", "n_hits", "mean_probability", "share", "share_interval",
    }  # fmt: skip
    curves = evaluation["curves"][0]
    assert set(curves) == {"name", "roc_auc", "average_precision", "roc", "precision_recall"}
    assert set(curves["roc"]) == {"false_positive_rate", "true_positive_rate", "thresholds"}
    assert curves["roc"]["thresholds"][0] is None
    assert set(curves["precision_recall"]) == {"precision", "recall", "thresholds"}
    prediction = json.loads(invoke("predict", "-i", "7", "--json").out)["predictions"][0]
    keys = {"input", "answer", "best", "probability", "probabilities", "notes"}
    assert set(prediction) == keys
    record = json.loads(invoke("predict", "-i", "7", "--jsonl", "--explain").out)
    assert set(record) == keys | {"schema", "schema_version", "model", "explanation"}
    assert record["schema"] == "mnistcli.prediction"
    assert set(record["explanation"]) == {
        "answer", "runner_up", "score", "intercept", "contributions",
    }  # fmt: skip
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)
    picture = json.loads(invoke("show", "7", "--json").out)["pictures"][0]
    assert set(picture) == {"index", "label", "caption", "pixels"}
    assert len(picture["pixels"]) == len(picture["pixels"][0]) == 28
    doctor = json.loads(invoke("doctor", "--quick", "--json").out)
    assert set(doctor["paths"][0]) == {"what", "path", "state", "n_bytes_free"}
    assert set(doctor["datasets"][0]) == {"name", "state", "problem"}
    assert set(doctor["models"]) == {"n_whole", "damaged"}
    assert set(doctor["terminal"]) == {
        "is_terminal", "color_system", "width", "height", "encoding", "graphics", "one_picture",
        "many_pictures", "variables",
    }  # fmt: skip
    models = json.loads(invoke("models", "list", "--json").out)["models"]
    assert set(models[0]) == SUMMARY
    assert set(models[0]["card"]) == CARD


def test_errors_are_json_on_stderr(invoke):
    done = invoke("evaluate", "nothing", "--json")
    assert (done.code, done.out) == (5, "")
    assert json.loads(done.err) == {
        "schema": "mnistcli.error",
        "schema_version": 1,
        "error": {
            "code": "model_not_found",
            "message": "there is no model 'nothing'",
            "hint": "train one first: mnistcli train --task 0v1",
            "exit_code": 5,
        },
    }
