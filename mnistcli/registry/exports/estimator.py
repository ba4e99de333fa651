"""A model as a fitted scikit-learn Pipeline, which needs mnistcli for features only."""

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler

from mnistcli.arrays import Bytes, Float32s
from mnistcli.features import Features, FeatureSpec
from mnistcli.features.kinds import without_views
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.registry.model_file import Model


def make_estimator(model: Model) -> Pipeline:
    """Return a Pipeline of a scaler and a LogisticRegression that answers as the model does.

    Its ``predict``, ``predict_proba`` and ``decision_function`` take raw pixels, shape (n, 784),
    0 to 255, of any real dtype; ``classes_`` are the class names in class order. Where the model
    looks at more than pixels, `features_of` comes first.
    """
    classifier, card = model.classifier, model.card
    settings = card.settings
    # Fitted to the largest value of a pixel it divides by 255; it makes float64 of bytes.
    scaler = MaxAbsScaler().fit(np.full((1, classifier.n_features), 1.0 / classifier.scale))
    logistic = LogisticRegression(
        C=settings.C_or_inf,
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
    if not classifier.features:
        return make_pipeline(scaler, logistic)
    what = {"spec": asdict(card.feature_spec), "arrays": classifier.features.arrays}
    return make_pipeline(FunctionTransformer(features_of, kw_args=what), scaler, logistic)


def features_of(X: ArrayLike, spec: dict[str, Any], arrays: dict[str, Float32s]) -> Bytes:
    """Return features of pixels (n, 784), by a `FeatureSpec` as a dictionary and what it learned.

    Raises ValueError for what is no whole number from 0 to 255.
    """
    pixels = np.asarray(X)
    if not ((pixels >= 0) & (pixels <= 255) & (pixels % 1 == 0)).all():
        raise ValueError("images hold whole numbers from 0 for paper to 255 for ink")
    images = pixels.astype(np.uint8).reshape(-1, *IMAGE_SHAPE)
    return Features(FeatureSpec(**without_views(spec)), arrays).transform(images)
