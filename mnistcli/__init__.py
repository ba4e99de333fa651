"""Logistic regressions on MNIST's handwritten digits: train, judge, keep, explain.

    >>> import mnistcli
    >>> training = mnistcli.train("0v1")
    >>> round(training.evaluation.accuracy, 4)
    0.9995

The public API are the names in ``__init__.pyi``. They are imported when they are first used, so
that ``import mnistcli`` costs nothing.
"""

from mnistcli._version import __version__ as __version__


def _homes() -> dict[str, str]:
    from pathlib import Path
    from re import MULTILINE, findall

    stub = Path(__file__).with_name("__init__.pyi").read_text("utf-8")
    return {name: home for home, name in findall(r"^from (\S+) import (\w+)", stub, MULTILINE)}


def __getattr__(name: str) -> object:
    homes = _homes()
    if name == "__all__":
        return sorted(homes)
    if name not in homes:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module

    value = getattr(import_module(homes[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_homes())
