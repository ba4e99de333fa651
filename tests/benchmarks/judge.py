"""Measure answers by one function, in float64: ``judge.py HOME TASK RESULT.npz... > JSON``."""

import json
import sys

import numpy as np

from mnistcli.linear_model.certificate import certify

TIMES = ("import", "fit", "fit_cpu")

home, task, *results = sys.argv[1:]
X, y = (np.load(f"{home}/{task}-train-{kind}.npy") for kind in ("uint8", "y"))
X_test, y_test = (np.load(f"{home}/{task}-test-{kind}.npy") for kind in ("float32", "y"))
n_classes = int(y.max()) + 1


def judged(path):
    with np.load(path) as result:
        coef, intercept = result["coef"], result["intercept"]
        certificate = certify(
            X,
            y,
            coef,
            intercept,
            n_classes=n_classes,
            C=1.0,
            scale=1 / 255,
            converged=True,
            n_iterations=0,
            n_passes=0.0,
        )
        scores = X_test @ coef.T + intercept
        answers = scores.argmax(axis=1) if n_classes > 2 else scores[:, 0] > 0
        return {
            "objective": certificate.objective,
            "test_errors": int((answers != y_test).sum()),
            **{f"{name}_seconds": float(result[f"{name}_seconds"]) for name in TIMES},
            "trace": result["trace"].tolist(),
        }


print(json.dumps([judged(path) for path in results]))
