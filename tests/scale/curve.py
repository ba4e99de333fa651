"""Errors on training images held out against copies: ``curve PRESET PART N_IMAGES 0,1,3,7``."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np

from mnistcli.datasets.given import open_dataset
from mnistcli.features.copies import MadeRows
from mnistcli.features.kinds import learn_features
from mnistcli.linear_model.classifier import PIXEL_SCALE, LinearClassifier, probabilities_of
from mnistcli.linear_model.newton import fit_newton
from mnistcli.metrics.classification import log_loss
from mnistcli.settings import PRESETS

N_HELD_OUT, N_PARTS, SEED = 10_000, 2, 2026


def main() -> None:
    preset, part, n_images, copies = sys.argv[1:]
    wanted = [int(each) for each in copies.split(",")]
    train = open_dataset().train
    order = np.random.default_rng(SEED).permutation(len(train.labels))
    held_out = order[int(part) * N_HELD_OUT :][:N_HELD_OUT]
    chosen = order[N_PARTS * N_HELD_OUT :][: int(n_images)]
    y = train.labels[chosen].astype(np.int64)
    settings = PRESETS[preset]
    spec = replace(settings.features, n_copies=max(wanted))
    features = learn_features(spec, train.images[chosen], 0)
    made = MadeRows(train.images[chosen], chosen, spec, features, 0)
    X_test = train.images[held_out]
    X_test = features.transform(X_test) if features else X_test.reshape(len(X_test), -1)
    X, start = np.empty((0, spec.count()), dtype=np.uint8), None
    for n_copies in wanted:
        more = made[len(X) : (1 + n_copies) * len(chosen)]
        X = np.concatenate([X, more])
        fit = fit_newton(
            X,
            np.tile(y, 1 + n_copies),
            n_classes=10,
            C=settings.C / (1 + n_copies),
            scale=PIXEL_SCALE,
            tol=settings.tol or 1e-6,
            warm_start=start,
        )
        start = fit.coef, fit.intercept
        classifier = LinearClassifier(fit.coef, fit.intercept, tuple("0123456789"))
        scores = classifier.decision_function(X_test)
        labels = train.labels[held_out].astype(np.int64)
        point = {
            "copies": n_copies,
            "n_errors": int((scores.argmax(axis=1) != labels).sum()),
            "log_loss": log_loss(labels, probabilities_of(scores)),
            "fit_seconds": fit.fit_seconds,
        }
        print(json.dumps(point), flush=True)


if __name__ == "__main__":
    main()
