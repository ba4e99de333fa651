"""A trained model as a file for other programs; mnistcli itself reads none of them back.

A format is a module of this package: ``to_NAME.py`` with an `Exporter` called ``EXPORTER``. What
needs a library of its own names it as an extra in ``pyproject.toml``, after the format.
"""

import hashlib
import os
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mnistcli.errors import StorageError, UsageError
from mnistcli.files import kind_of_path, write_atomically
from mnistcli.registry.model_file import SUFFIX, Model

if TYPE_CHECKING:
    from mnistcli.gallery import CaptionedImage

_PREFIX = "to_"


def formats() -> tuple[str, ...]:
    """Return the names of the formats; nothing of them is imported."""
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(n.removeprefix(_PREFIX) for n in names if n.startswith(_PREFIX)))


@dataclass(frozen=True, slots=True)
class Exporter:
    """A format, and what to know of it before passing a file on.

    ``encode`` returns the bytes of the file, or raises ModuleNotFoundError for the library that the
    format is named after; a format that shows examples is given them too, images whose facts are a
    truth and an answer. ``good_for`` says who can do what with it, ``trust`` what it costs to
    believe such a file of somebody else's, ``use`` is Python in which ``{file}`` stands for the
    file's name.
    """

    encode: Callable[..., bytes]
    what: str
    good_for: str
    trust: str
    use: str
    is_text: bool = False
    takes_pairs: bool = False
    shows_examples: bool = False


def exporter(format_: str) -> Exporter:
    """Return the exporter of a format; raise UsageError if there is none."""
    if format_ not in formats():
        hint = f"choose from {', '.join(formats())}"
        raise UsageError(f"{format_!r} is no export format", hint=hint)
    found: Exporter = import_module(f"{__name__}.{_PREFIX}{format_}").EXPORTER
    return found


@dataclass(frozen=True, slots=True)
class Export:
    """A file that was written; the field names are keys of the JSON document.

    The sha256 is to be published beside the file, because an export does not check itself.
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
    model: Model,
    format_: str,
    path: Path | None = None,
    *,
    overwrite: bool = False,
    examples: Sequence["CaptionedImage"] = (),
) -> Export:
    """Write a model for other programs in one of the `formats`, in one step.

    By default the file has the model's name and is in the working directory: ``0v1-3.onnx``. Of the
    examples a format shows some or none.
    Raises UsageError where it is there already, the format cannot hold the model, or a library is
    missing, StorageError where the operating system refused.
    """
    # A path stands for a model outside the registry: 0v1@3, models/0v1/3.safetensors.
    name = model.ref.replace("\\", "/").rpartition("/")[2].removesuffix(SUFFIX)
    path = path or Path(f"{name.replace('@', '-') or model.card.task.name}.{format_}")
    content = encode_export(model, format_, examples)
    if kind_of_path(path) == "other":  # A file in place of /dev/null would break the system.
        raise StorageError("write", path, "is a device or a pipe, and no file")
    target = Path(os.path.realpath(path))  # A link stays one.
    if not write_atomically(target, content, is_new=not overwrite):
        raise UsageError(f"{path} is there already", hint="add --force, or choose another --output")
    kind, sha256 = exporter(format_), hashlib.sha256(content).hexdigest()
    use = kind.use.format(file=repr(str(path)))
    return Export(model.ref, format_, path, len(content), sha256, kind.good_for, kind.trust, use)


def encode_export(model: Model, format_: str, examples: Sequence["CaptionedImage"] = ()) -> bytes:
    """Return the bytes of such a file; raise UsageError where `export_model` does."""
    kind, card = exporter(format_), model.card
    name = model.ref or card.task.name
    if card.task.is_pairwise and not kind.takes_pairs:
        hint = f"choose from {', '.join(name for name in formats() if exporter(name).takes_pairs)}"
        raise UsageError(f"{name} is a vote of many models, which {format_} cannot hold", hint=hint)
    try:
        return kind.encode(model, examples) if kind.shows_examples else kind.encode(model)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != format_:
            raise
        problem = f"an export to {format_} needs {format_}, which is not installed"
        raise UsageError(problem, hint=f"pip install 'mnistcli[{format_}]'") from None
