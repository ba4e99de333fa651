from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from mnistcli.linear_model.classifier import LinearClassifier, classes_of, probabilities_of


@pytest.mark.parametrize("digits", [(0, 1), (0, 1, 2)])
def test_classifier_answers_as_the_scikit_learn_estimator_with_the_same_weights(mnist, digits):
    keep = np.flatnonzero(np.isin(mnist.test.labels, digits))[:1500]
    images, y = mnist.test.images[keep], mnist.test.labels[keep].astype(int)
    rows = images.reshape(len(images), -1) / 255.0
    theirs = LogisticRegression(max_iter=200).fit(rows, y)
    ours = LinearClassifier(theirs.coef_, theirs.intercept_, tuple(str(k) for k in digits))
    np.testing.assert_allclose(
        ours.decision_function(images), theirs.decision_function(rows), rtol=0, atol=1e-10
    )
    np.testing.assert_allclose(
        ours.predict_proba(images), theirs.predict_proba(rows), rtol=0, atol=1e-12
    )
    assert ours.predict(images).tolist() == theirs.predict(rows).tolist()


def test_probabilities_of_huge_scores_are_0_and_1_without_a_warning():
    assert probabilities_of(np.array([-1e4, 0.0, 1e4])).tolist() == [[1, 0], [0.5, 0.5], [0, 1]]
    assert probabilities_of(np.array([[1e4, -1e4, 0.0]])).tolist() == [[1, 0, 0]]


def test_undecided_scores_are_the_first_class_as_in_scikit_learn():
    assert classes_of(np.array([0.0])).tolist() == [0]
    assert classes_of(np.array([[1.0, 1.0, 0.0]])).tolist() == [0]


def test_wrong_number_of_features_is_named():
    classifier = LinearClassifier(np.zeros((1, 4)), np.zeros(1), ("a", "b"))
    with pytest.raises(ValueError, match="expected 4 features, got 9"):
        classifier.predict(np.zeros((2, 3, 3)))
