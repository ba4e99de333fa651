"""A model as a fitted scikit-learn estimator, which needs no mnistcli to be loaded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mnistcli.registry.model_file import Model

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def make_estimator(model: Model) -> Pipeline:
    """Return a Pipeline of a scaler and a LogisticRegression that answers as the model does.

    Its ``predict``, ``predict_proba`` and ``decision_function`` take raw pixels, shape (n, 784), 0 to 255,
    of any real dtype; ``classes_`` are the class names in class order.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler

    classifier, card = model.classifier, model.card
    settings = card.settings
    # Fitted to the largest value of a pixel it divides by 255; it makes float64 of bytes.
    scaler = MaxAbsScaler().fit(np.full((1, classifier.n_features), 1.0 / classifier.scale))
    logistic = LogisticRegression(
        C=math.inf if settings.penalty == "none" else settings.C,
        l1_ratio=settings.l1_share,
        class_weight=settings.class_weight,
        # Ours is not in scikit-learn: a clone of the Pipeline is fitted by lbfgs.
        solver="lbfgs" if settings.solver in ("auto", "newton") else settings.solver,
    )
    logistic.classes_ = np.array(classifier.class_names)
    logistic.coef_ = classifier.coef.copy()
    logistic.intercept_ = classifier.intercept.copy()
    logistic.n_features_in_ = classifier.n_features
    logistic.n_iter_ = np.array([card.certificate.get("n_iterations", 0)], dtype=np.int32)
    return make_pipeline(scaler, logistic)
