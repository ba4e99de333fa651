"""Logistic regressions on MNIST's handwritten digits: train, judge, keep, explain.

    >>> import mnistcli
    >>> training = mnistcli.train("0v1")
    >>> round(training.evaluation.accuracy, 4)
    0.9995

The names below are the public API, which `__init__.pyi` tells type checkers. They are imported when
they are first used, so that ``import mnistcli`` costs nothing.
"""

from __future__ import annotations

from mnistcli._version import __version__ as __version__

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

__all__ = sorted((*_HOME_OF, "__version__"))  # noqa: PLE0605 - type checkers read __init__.pyi


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module

    import_module(f"{__name__}.notebook")  # how results show themselves
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
