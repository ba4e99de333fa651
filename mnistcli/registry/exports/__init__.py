"""A trained model as a file for other programs.

    joblib   a fitted scikit-learn Pipeline, pickled                   estimator
    skops    the same Pipeline in a file that cannot run code          estimator
    onnx     a graph from raw pixels to a label and probabilities      graph
    json     the numbers, and in words how to predict with them        document

Exports are for others to read: mnistcli itself reads none of them back.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mnistcli.errors import UsageError
from mnistcli.files import create_atomically, write_atomically
from mnistcli.mnist import N_PIXELS
from mnistcli.registry.model_file import SUFFIX

if TYPE_CHECKING:
    from mnistcli.registry.model_file import Model

Format = Literal["joblib", "skops", "onnx", "json"]


@dataclass(frozen=True, slots=True)
class Advice:
    """What to know of a format before passing a file of it on.

    Attributes
    ----------
    good_for : str
        Who can do what with it.
    trust : str
        What it costs to believe such a file of somebody else's.
    use : str
        A line of Python in which ``{file}`` stands for the file's name.
    """

    good_for: str
    trust: str
    use: str


ADVICE: dict[Format, Advice] = {
    "joblib": Advice(
        "Python programs with the same scikit-learn: a fitted Pipeline on rows of 784 pixels",
        "loading it runs code from the file: load only what comes from somebody you trust",
        "joblib.load({file}).predict(images.reshape(-1, 784))",
    ),
    "skops": Advice(
        "handing that Pipeline to others who use scikit-learn, of about the same version",
        "loading it builds types that skops knows, and nothing else runs",
        "skops.io.load({file}).predict(images.reshape(-1, 784))",
    ),
    "onnx": Advice(
        "other languages, servers, browsers and phones: pixels (n, 28, 28) in, answers out",
        "nothing in it runs but a few products and sums; the runtime that reads it has to be sound",
        "onnxruntime.InferenceSession({file}).run(None, {{'pixels': images}})",
    ),
    "json": Advice(
        "reading, and predicting in any language: it says how",
        "numbers and words, nothing runs",
        "json.loads(pathlib.Path({file}).read_text('utf-8'))",
    ),
}


@dataclass(frozen=True, slots=True)
class Export:
    """A file that was written.

    Attributes
    ----------
    model : str
        The reference of the model.
    format : Format
    path : Path
    n_bytes : int
    sha256 : str
        Of the file: to be published beside it, because an export does not check itself.
    advice : Advice
        With the file's name in its line of Python.
    """

    model: str
    format: Format
    path: Path
    n_bytes: int
    sha256: str
    advice: Advice


def export_model(
    model: Model, format_: Format, path: Path | None = None, *, overwrite: bool = False
) -> Export:
    """Write a model for other programs, in one step.

    Parameters
    ----------
    model : Model
    format_ : {"joblib", "skops", "onnx", "json"}
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
    _check_that_it_fits(model, format_)
    content = _encoded(model, format_)
    if overwrite:
        write_atomically(path, content)
    elif not create_atomically(path, content):
        raise _is_there_already(path)
    advice = ADVICE[format_]
    return Export(
        model=model.ref,
        format=format_,
        path=path,
        n_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        advice=Advice(advice.good_for, advice.trust, advice.use.format(file=repr(str(path)))),
    )


def _stem(model: Model) -> str:
    # A path stands for a model outside the registry: 0v1@3, models/0v1/3.safetensors.
    name = model.ref.replace("\\", "/").rpartition("/")[2]
    return name.removesuffix(SUFFIX).replace("@", "-") or model.card.task.name


def _is_there_already(path: Path) -> UsageError:
    return UsageError(f"{path} is there already", hint="add --force, or choose another --output")


def _check_that_it_fits(model: Model, format_: Format) -> None:
    """Refuse what is more than one linear function of the pixels for each class."""
    from mnistcli.linear_model.classifier import LinearClassifier

    name = model.ref or model.card.task.name
    if model.classifier.features is not None or model.classifier.n_features != N_PIXELS:
        kind = model.card.features["kind"]
        raise UsageError(f"{name} looks at {kind}, not at pixels, which {format_} cannot hold")
    if type(model.classifier) is not LinearClassifier:  # a kind of its own: all pairs of classes
        raise UsageError(f"{name} is a vote of many models, which {format_} cannot hold")


def _encoded(model: Model, format_: Format) -> bytes:
    try:
        if format_ == "json":
            from mnistcli.registry.exports.document import encode_document

            return encode_document(model)
        if format_ == "onnx":
            from mnistcli.registry.exports.graph import encode_graph

            return encode_graph(model)
        from mnistcli.registry.exports import estimator

        encode = estimator.pickled if format_ == "joblib" else estimator.as_skops
        return encode(model)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != format_:
            raise
        raise UsageError(
            f"an export to {format_} needs {format_}, which is not installed",
            hint=f"pip install 'mnistcli[{format_}]'",
        ) from None
