"""Logistic regressions on MNIST's handwritten digits: train, judge, keep, explain.

    >>> import mnistcli
    >>> training = mnistcli.train("0v1")
    >>> round(training.evaluation.accuracy, 4)
    0.9995

The names below are the public API. They are imported when they are first used, so that
``import mnistcli`` costs nothing.
"""

from __future__ import annotations

from mnistcli._version import __version__

TYPE_CHECKING = False  # as type checkers read it; importing typing takes a fifth of --version
if TYPE_CHECKING:
    from typing import Any

    from mnistcli.comparison import compare
    from mnistcli.conforming.placing import conform
    from mnistcli.datasets.store import Dataset, LabelledImages, open_dataset
    from mnistcli.errors import MnistCliError
    from mnistcli.estimators import Digits, LogisticRegression
    from mnistcli.evaluation import evaluate
    from mnistcli.features import FeatureSpec
    from mnistcli.notebook import mistakes, report, show, weights
    from mnistcli.numerals import read_numbers
    from mnistcli.prediction import explain, predict
    from mnistcli.registry import load_model, save_model
    from mnistcli.registry.model_file import Model
    from mnistcli.settings import FoldSpec, SolverSettings, SplitSpec, TrainingSettings
    from mnistcli.tasks import Task, parse_task
    from mnistcli.training import train

_HOMES = {
    "conforming.placing": ("conform",),
    "datasets.store": ("Dataset", "LabelledImages", "open_dataset"),
    "errors": ("MnistCliError",),
    "estimators": ("Digits", "LogisticRegression"),
    "comparison": ("compare",),
    "evaluation": ("evaluate",),
    "features": ("FeatureSpec",),
    "notebook": ("mistakes", "report", "show", "weights"),
    "numerals": ("read_numbers",),
    "prediction": ("explain", "predict"),
    "registry": ("load_model", "save_model"),
    "registry.model_file": ("Model",),
    "settings": ("FoldSpec", "SolverSettings", "SplitSpec", "TrainingSettings"),
    "tasks": ("Task", "parse_task"),
    "training": ("train",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Dataset",
    "Digits",
    "FeatureSpec",
    "FoldSpec",
    "LabelledImages",
    "LogisticRegression",
    "MnistCliError",
    "Model",
    "SolverSettings",
    "SplitSpec",
    "Task",
    "TrainingSettings",
    "__version__",
    "compare",
    "conform",
    "evaluate",
    "explain",
    "load_model",
    "mistakes",
    "open_dataset",
    "parse_task",
    "predict",
    "read_numbers",
    "report",
    "save_model",
    "show",
    "train",
    "weights",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module

    import_module(f"{__name__}.notebook")  # how results show themselves
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
