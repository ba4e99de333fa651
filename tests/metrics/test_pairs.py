"""The errors of the models of pairs, against models of two classes judged one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mnistcli.evaluation import evaluate
from mnistcli.linear_model.classifier import LinearClassifier, pairs_of
from mnistcli.metrics.classification import pair_error_rates
from mnistcli.registry.model_file import Model
from mnistcli.settings import SplitSpec, TrainingSettings
from mnistcli.tasks import parse_task
from mnistcli.training import train


def test_rates_are_those_of_the_models_of_two_classes(mnist):
    pairs = train("pairs", mnist, TrainingSettings(split=SplitSpec(limit=1000))).model
    errors = evaluate(pairs, mnist).pair_errors()
    np.testing.assert_array_equal(errors, errors.T)
    assert np.isnan(errors.diagonal()).all()
    row = pairs_of(10).index((3, 8))
    alone = replace(pairs.card, task=parse_task("3v8"))
    coef, intercept = pairs.classifier.coef[[row]], pairs.classifier.intercept[[row]]
    two = Model(LinearClassifier(coef, intercept, ("3", "8")), alone)
    assert errors[3, 8] == pytest.approx(1 - evaluate(two, mnist).evaluation.accuracy)


def test_rates_of_known_scores():
    y = np.array([0, 0, 1, 1, 2])
    scores = np.zeros((5, 3))
    scores[:, 0] = [-1, 1, 1, 1, 9]  # 0 against 1: one of four is wrong
    scores[:, 1] = [1, 1, -9, 9, 1]  # 0 against 2: two of three
    scores[:, 2] = [0, 0, -1, -2, 1]  # 1 against 2: none
    rates = pair_error_rates(y, scores, 3)
    assert pairs_of(3) == [(0, 1), (0, 2), (1, 2)]
    assert rates[0, 1] == 0.25
    assert rates[2, 0] == 2 / 3
    assert rates[1, 2] == 0.0
