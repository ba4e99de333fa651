"""One way to fit even-odd to rows of pixels: ``peer NAME COPIES RESULT.json``.

All see the same rows. The objective is ours, C = 1 for an image and its copies together, of the
weights that each ends with; SGDClassifier and Vowpal Wabbit take `N_PASSES` online.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mnistcli.datasets.given import open_dataset
from mnistcli.features import FeatureSpec
from mnistcli.features.copies import MadeRows
from mnistcli.linear_model.classifier import PIXEL_SCALE
from tests.benchmarks.processes import Command, run

N_PASSES = 5
ROWS_AT_ONCE = 10_000


def main() -> None:
    peer, copies, result = sys.argv[1:]
    data = open_dataset()
    order = np.random.default_rng(0).permutation(len(data.train.labels))
    spec = FeatureSpec(n_copies=int(copies))
    made = MadeRows(data.train.images[order], order, spec, None, 0)
    y = np.tile(data.train.labels[order] % 2, 1 + int(copies)).astype(np.int64)
    C = 1 / (1 + int(copies))
    measured = FITS[peer](made, y, C)
    coef, intercept = measured.pop("coef"), measured.pop("intercept")
    loss = 0.0
    for first in range(0, len(y), ROWS_AT_ONCE):
        scores = made[first : first + ROWS_AT_ONCE] @ (PIXEL_SCALE * coef) + intercept
        signs = 2 * y[first : first + ROWS_AT_ONCE] - 1
        loss += float(np.logaddexp(0, -signs * scores).sum())
    X_test = data.test.images.reshape(-1, 784)
    answers = X_test @ (PIXEL_SCALE * coef) + intercept > 0
    n_errors = int((answers != data.test.labels % 2).sum())
    found = {"objective": 0.5 * float(coef @ coef) + C * loss, "log_loss": loss / len(y)}
    Path(result).write_text(json.dumps({**measured, **found, "n_errors": n_errors}))


def fit_ours(made, y, C):
    from mnistcli.linear_model.newton import fit_newton

    started, cpu_started = time.perf_counter(), time.process_time()
    X = made[:]
    fit = fit_newton(X, y, n_classes=2, C=C, scale=PIXEL_SCALE, tol=1e-6)
    return {
        "coef": fit.coef[0],
        "intercept": float(fit.intercept[0]),
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu_started,
        "peak_anonymous_mb": 0,  # of this process
    }


def fit_sgd(made, y, C):
    from sklearn.linear_model import SGDClassifier

    estimator = SGDClassifier(loss="log_loss", alpha=1 / (C * len(y)), average=True, random_state=0)
    started, cpu_started = time.perf_counter(), time.process_time()
    rng = np.random.default_rng(0)
    starts = np.arange(0, len(y), ROWS_AT_ONCE)
    for _ in range(N_PASSES):
        for first in rng.permutation(starts):
            X = made[first : first + ROWS_AT_ONCE] * PIXEL_SCALE
            estimator.partial_fit(X, y[first : first + ROWS_AT_ONCE], classes=[0, 1])
    return {
        "coef": estimator.coef_[0],
        "intercept": float(estimator.intercept_[0]),
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu_started,
        "peak_anonymous_mb": 0,
    }


def fit_vowpal_wabbit(made, y, C):
    """Time the program alone, and not the writing of its text; a feature is called by its column."""
    with tempfile.TemporaryDirectory(dir=os.environ["MNISTCLI_HOME"]) as folder:
        rows, model, text = (Path(folder, name) for name in ("rows", "model", "text"))
        names = np.array([f" {i}:" for i in range(784)])
        values = np.array([f"{value * PIXEL_SCALE:.4g}" for value in range(256)])
        with rows.open("w") as file:
            for first in range(0, len(y), ROWS_AT_ONCE):
                for row, label in zip(
                    made[first : first + ROWS_AT_ONCE], y[first:].tolist(), strict=False
                ):
                    inked = np.flatnonzero(row)
                    words = np.char.add(names[inked], values[row[inked]])
                    file.write(f"{2 * label - 1} |{''.join(words.tolist())}\n")
        # Its penalty is added for every row.
        program = [sys.executable, "-m", "vowpalwabbit", "--quiet"]
        command = [
            *program, "-d", str(rows), "--loss_function", "logistic", "--l2", repr(1 / (C * len(y))),
            "-b", "18", "-c", "-k", "--passes", str(N_PASSES), "--holdout_off", "-f", str(model),
            "--readable_model", str(text),
        ]  # fmt: skip
        measured = run(Command(command), timeout_s=36_000)
        if measured.failure:
            sys.exit(measured.failure)
        lines = [line.partition(":") for line in text.read_text().splitlines()]
        weights = {name: values.split()[0] for name, _, values in lines if name.isdigit()}
        # The text is without what the penalty has made of all weights; a row of nothing tells it.
        rows.write_text("1 |\n")
        asked = [*program, "-t", "-i", str(model), "-d", str(rows), "-r", str(text)]
        subprocess.run(asked, check=True)
        intercept = float(text.read_text())
    shrunk = intercept / float(weights["116060"])  # where it keeps its constant, of 2 ** 18
    coef = shrunk * np.array([float(weights.get(str(i), 0)) for i in range(784)])
    return {
        "coef": coef,
        "intercept": intercept,
        "seconds": measured.seconds,
        "cpu_seconds": measured.cpu_seconds,
        "peak_anonymous_mb": measured.peak_anonymous_mb,
    }


FITS = {"mnistcli": fit_ours, "SGDClassifier": fit_sgd, "Vowpal Wabbit": fit_vowpal_wabbit}


if __name__ == "__main__":
    main()
