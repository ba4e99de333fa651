"""Results as pandas' tables, beside scikit-learn's report."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import classification_report

import mnistcli


@pytest.fixture(scope="module")
def training(mnist):
    settings = mnistcli.TrainingSettings(
        split=mnistcli.SplitSpec(limit=200), folds=mnistcli.FoldSpec(2, 3)
    )
    return mnistcli.train("1v7vrest", mnist, settings)


def test_a_report_is_scikit_learns(training, mnist):
    answers = mnistcli.predict(training.model, mnist.test.images).classes
    truth = training.model.card.task.encode(mnist.test.labels)
    names = list(training.model.card.class_names)
    expected = classification_report(truth, answers, target_names=names, output_dict=True)
    frame = training.evaluation.to_frame()
    assert list(frame.index) == [*names, "macro avg", "weighted avg"]
    for name in frame.index:
        row = frame.loc[name]
        theirs = [expected[name][key] for key in ("precision", "recall", "f1-score", "support")]
        assert row[["precision", "recall", "f1_score", "support"]].tolist() == pytest.approx(theirs)
        assert row["recall_low"] <= row["recall"] <= row["recall_high"]
    assert frame["support"].dtype == np.int64


def test_a_confusion_matrix_has_the_truth_down(training):
    frame = training.evaluation.confusion_frame()
    assert (frame.index.name, frame.columns.name) == ("truth", "answer")
    assert frame.sum(axis=1).tolist() == training.evaluation.to_frame()["support"].tolist()[:3]


def test_predictions_have_a_column_for_each_class(training, mnist):
    predictions = mnistcli.predict(training.model, mnist.test.images[:9])
    frame = predictions.to_frame()
    assert list(frame.columns) == ["answer", "1", "7", "rest"]
    assert frame["answer"].tolist() == frame[["1", "7", "rest"]].idxmax(axis=1).tolist()


def test_folds_are_counted_by_repeat(training):
    frame = training.cross_validation.to_frame()
    assert frame.index.tolist() == [(r, f) for r in (1, 2, 3) for f in (1, 2)]
    assert frame.loc[(3, 2), "accuracy"] == training.cross_validation.accuracies[-1]
