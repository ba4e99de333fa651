"""A trained model as a file for other programs; mnistcli itself reads none of them back.

A format is a module of this package: ``to_NAME.py`` with an `Exporter` called ``EXPORTER``. What
needs a library of its own names it as an extra in ``pyproject.toml``, after the format.
"""

from __future__ import annotations

import hashlib
import os
import pkgutil
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mnistcli.errors import UsageError
from mnistcli.files import create_atomically, write_atomically
from mnistcli.mnist import N_PIXELS
from mnistcli.registry.model_file import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from mnistcli.registry.model_file import Model

_PREFIX = "to_"


def formats() -> tuple[str, ...]:
    """Return the names of the formats; nothing of them is imported."""
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(n.removeprefix(_PREFIX) for n in names if n.startswith(_PREFIX)))


@dataclass(frozen=True, slots=True)
class Exporter:
    """A format, and what to know of it before passing a file on.

    Attributes
    ----------
    encode : callable
        Returns the bytes of the file. It may raise ModuleNotFoundError for the library that the
        format is named after.
    what : str
        A few words for the help.
    good_for : str
        Who can do what with it.
    trust : str
        What it costs to believe such a file of somebody else's.
    use : str
        A line of Python in which ``{file}`` stands for the file's name.
    is_text : bool
    """

    encode: Callable[[Model], bytes]
    what: str
    good_for: str
    trust: str
    use: str
    is_text: bool = False


def exporter(format_: str) -> Exporter:
    """Return the exporter of a format.

    Raises
    ------
    UsageError
        There is no such format.
    """
    if format_ not in formats():
        hint = f"choose from {', '.join(formats())}"
        raise UsageError(f"{format_!r} is no export format", hint=hint)
    found: Exporter = import_module(f"{__name__}.{_PREFIX}{format_}").EXPORTER
    return found


@dataclass(frozen=True, slots=True)
class Export:
    """A file that was written; the field names are keys of the JSON document.

    Attributes
    ----------
    model : str
        The reference of the model.
    format : str
    path : Path
    n_bytes : int
    sha256 : str
        Of the file: to be published beside it, because an export does not check itself.
    good_for, trust, use : str
        Of its `Exporter`, with the file's name in the line of Python.
    """

    model: str
    format: str
    path: Path
    n_bytes: int
    sha256: str
    good_for: str
    trust: str
    use: str


def export_model(
    model: Model, format_: str, path: Path | None = None, *, overwrite: bool = False
) -> Export:
    """Write a model for other programs, in one step.

    Parameters
    ----------
    model : Model
    format_ : str
        One of `formats`.
    path : Path, optional
        By default the model's name in the working directory: ``0v1-3.onnx``.
    overwrite : bool, default=False

    Raises
    ------
    UsageError
        The file is there already, the format cannot hold the model, or a library is missing.
    StorageError
        The operating system refused.
    """
    path = path or Path(f"{_stem(model)}.{format_}")
    if os.path.lexists(path) and not overwrite:  # before the work, and again as it is written
        raise _is_there_already(path)
    content = encode_export(model, format_)
    if overwrite:
        write_atomically(path, content)
    elif not create_atomically(path, content):
        raise _is_there_already(path)
    kind, sha256 = exporter(format_), hashlib.sha256(content).hexdigest()
    use = kind.use.format(file=repr(str(path)))
    return Export(model.ref, format_, path, len(content), sha256, kind.good_for, kind.trust, use)


def encode_export(model: Model, format_: str) -> bytes:
    """Return the bytes of a model's file in a format.

    Raises
    ------
    UsageError
        The format cannot hold the model, or a library is missing.
    """
    kind = exporter(format_)
    _check_that_it_fits(model, format_)
    try:
        return kind.encode(model)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != format_:
            raise
        raise UsageError(
            f"an export to {format_} needs {format_}, which is not installed",
            hint=f"pip install 'mnistcli[{format_}]'",
        ) from None


def _stem(model: Model) -> str:
    # A path stands for a model outside the registry: 0v1@3, models/0v1/3.safetensors.
    name = model.ref.replace("\\", "/").rpartition("/")[2]
    return name.removesuffix(SUFFIX).replace("@", "-") or model.card.task.name


def _is_there_already(path: Path) -> UsageError:
    return UsageError(f"{path} is there already", hint="add --force, or choose another --output")


def _check_that_it_fits(model: Model, format_: str) -> None:
    """Refuse what is more than one linear function of the pixels for each class."""
    name = model.ref or model.card.task.name
    if model.classifier.features is not None or model.classifier.n_features != N_PIXELS:
        kind = model.card.features["kind"]
        raise UsageError(f"{name} looks at {kind}, not at pixels, which {format_} cannot hold")
    if model.card.task.is_pairwise:
        raise UsageError(f"{name} is a vote of many models, which {format_} cannot hold")
