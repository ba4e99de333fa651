"""The JSON contract: the keys of every document, as a test holds them and ``help json`` shows them.

A key may be added; none goes or changes its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Document:
    """What the JSON document of some commands holds.

    Attributes
    ----------
    commands : str
        What prints it.
    keys : str
        The keys at the top beside ``schema`` and ``schema_version``, separated by blanks.
    inner : dict
        The keys further down, by path: ``fit``, ``classes[]`` (of each item), ``curves[].roc``.
    """

    commands: str
    keys: str
    inner: dict[str, str] = field(default_factory=dict)

    @property
    def row(self) -> str:
        """The keys as Markdown, in brackets what is one step further down."""
        said = []
        for key in self.keys.split():
            below = self.inner.get(key) or self.inner.get(f"{key}[]")
            names = ", ".join(f"`{name}`" for name in below.split()) if below else ""
            said.append(f"`{key}` ({names})" if below else f"`{key}`")
        return ", ".join(said)


_EVALUATION = (
    "n_samples n_correct accuracy baseline_accuracy balanced_accuracy log_loss roc_auc"
    " average_precision brier ece accuracy_interval roc_auc_interval baseline_class classes"
    " macro_avg weighted_avg confusion"
)
_ROW = "name precision recall f1_score support precision_interval recall_interval f1_score_interval"
_SETTINGS = "C penalty l1_ratio class_weight solver tol max_iter"
_SPLIT = "kind test_size seed limit"
_SUMMARY = "model path n_bytes tags card problem"
_CARD = (
    "task class_names dataset dataset_sha256 split settings features n_train n_test certificate"
    " fit_seconds metrics versions command created"
)
_PREDICTION = "input answer best probability probabilities notes"
_EXPLANATION = "answer runner_up score intercept contributions"

# By schema; what may be null is null unless it was asked for.
CONTRACT = {
    "train": Document(
        "train",
        "model path task class_names dataset dataset_sha256 n_train n_test split settings fit"
        " search cross_validation train_accuracy test",
        {
            "split": _SPLIT,
            "settings": _SETTINGS,
            "fit": "fit_seconds objective gradient_norm relative_gradient_norm gap_bound"
            " distance_bound converged n_iterations n_passes",
            "cross_validation": "n_folds n_repeats accuracies mean standard_deviation"
            " n_not_converged confusion",
            "test": _EVALUATION,
            "test.classes[]": _ROW,
        },
    ),
    "evaluate": Document(
        "evaluate",
        f"model task class_names on threshold {_EVALUATION} calibration curves pair_errors mistakes",
        {
            "threshold": "value target chosen_on precision recall",
            "threshold.target": "metric bar",
            "classes[]": _ROW,
            "macro_avg": _ROW,
            "weighted_avg": _ROW,
            "calibration[]": "low high n_samples n_hits mean_probability share share_interval",
            "curves[]": "name roc_auc average_precision roc precision_recall",
            "curves[].roc": "false_positive_rate true_positive_rate thresholds",
            "curves[].precision_recall": "precision recall thresholds",
            "mistakes[]": "index truth answer p_truth p_answer",
        },
    ),
    "compare": Document(
        "compare",
        "on class_names n_samples n_left_out by best models pairs n_disagreements disagreements",
    ),
    "predict": Document("predict", "model class_names predictions", {"predictions[]": _PREDICTION}),
    "prediction": Document(
        "predict --jsonl",
        f"model {_PREDICTION} explanation",
        {"explanation": _EXPLANATION},
    ),
    "show": Document("show", "pictures", {"pictures[]": "index label caption pixels"}),
    "models": Document(
        "models list, tag, rm", "models", {"models[]": _SUMMARY, "models[].card": _CARD}
    ),
    "model": Document("models info", _SUMMARY, {"card": _CARD}),
    "path": Document("models path", "path"),
    "export": Document("models export", "model format path n_bytes sha256 good_for trust use"),
    "reproduction": Document(
        "models reproduce",
        "model is_reproduced is_identical largest_difference distance distance_bound n_test"
        " n_different test_accuracy fit_seconds version_changes",
    ),
    "report": Document("report", "model path n_bytes on accuracy verdict"),
    "doctor": Document(
        "doctor",
        "python system n_cores versions blas paths datasets models terminal damaged",
        {
            "paths[]": "what path state n_bytes_free",
            "datasets[]": "name state problem",
            "models": "n_whole damaged",
            "terminal": "is_terminal color_system width height encoding graphics one_picture"
            " many_pictures variables",
        },
    ),
    "download": Document(
        "download",
        "dataset sha256 source origin n_bytes_read installed_at files folder already_there failures"
        " checked",
    ),
    "error": Document("any, on stderr", "error", {"error": "code message hint exit_code"}),
}


def as_markdown() -> str:
    """Return the contract as a table."""
    rows = [f"| `{each.commands}` | `{schema}` | {each.row} |" for schema, each in CONTRACT.items()]
    return "\n".join(["| printed by | schema | keys |", "| --- | --- | --- |", *rows])
