"""Make the model in the box anew: ``nox -s builtin``.

Everything about it was chosen on a split of the training images. What is written has other bytes
each time (when, and how long it took); its answers stay, which tests/registry/test_builtin.py holds.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from mnistcli import TrainingSettings, train
from mnistcli.datasets import DatasetStore
from mnistcli.registry.model_file import encode_model
from mnistcli.registry.store import BUILTIN, ModelRegistry
from mnistcli.settings import PRESETS, SolverSettings


def main() -> None:
    preset = PRESETS["better"]
    solver = SolverSettings(C=preset.C, tol=preset.tol)
    settings = TrainingSettings(solver, features=preset.features)
    with tempfile.TemporaryDirectory() as scratch:
        mnist = DatasetStore(Path(scratch)).open("mnist")
        result = train("digits", mnist, settings, command="mnistcli train digits --preset better")
        path = ModelRegistry(Path(scratch)).find(BUILTIN).path
        path.write_bytes(encode_model(result.model, BUILTIN))
    print(f"{path}: {result.evaluation.n_correct:,} of {result.n_test:,} test images right")


main()
