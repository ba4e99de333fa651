"""One model, one file: a safetensors container that is read strictly.

Loading yields a model or a CorruptFileError. Nothing in the file is ever run, imported or
opened, and memory is bounded by the file's size. What is in the file:

    8 bytes   length of the header, little endian
    header    JSON: the dtype, shape and place of each array (``coef`` and ``intercept`` are float64),
              and under ``__metadata__`` one entry ``mnistcli`` whose text is again JSON:
              {"card": ModelCard as text, "ref": "0v1@3", "sha256": of both and the arrays' bytes}
    arrays    coef, intercept, by name what the features have learned (float32) and what is kept
              of the training images (float32, float16, then bytes), with nothing before, between or after

The reference says under which number the registry stored the file, so that one which stands where
another stood is noticed.
"""

import hashlib
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistcli.display import Displayed
from mnistcli.errors import CorruptFileError
from mnistcli.features.kinds import restore_features, typicality_shapes
from mnistcli.files import open_regular, storage_errors
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.registry.card import ModelCard, read_typed, strict_json

if TYPE_CHECKING:
    from mnistcli.arrays import Bytes, Float32s, Float64s, Floats
    from mnistcli.features.typicality import Typicality
    from mnistcli.linear_model.classifier import LinearClassifier


SUFFIX = ".safetensors"
METADATA_KEY = "mnistcli"
MAX_HEADER_BYTES = 64 * 1024
MAX_FILE_BYTES = 256 * 1024 * 1024
_Layout = dict[str, dict[str, Any]]  # of each array by name: dtype, shape and data_offsets
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "U8": "|u1"}
_N_BYTES = {"F64": 8, "F32": 4, "F16": 2, "U8": 1}
# Sums of squares of so large weights are still numbers.
_MAX_WEIGHT = {"F64": 1e100, "F32": 1e15, "F16": 65504, "U8": 255}
_OUT_OF_FOLD = "out_of_fold"
_RETRAIN = "train it again, or take a copy from elsewhere"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model(Displayed):
    """A classifier, its card, and where it came from: "0v1@3", a path, or "" if not stored."""

    classifier: "LinearClassifier"
    card: ModelCard
    ref: str = ""
    typicality: "Typicality | None" = None  # what its training images were like, if that was kept
    # How probable the class of each training sample was to models that had not seen it, (n_train,),
    # in the order of `model_selection.splits.training_samples`; None without cross-validation.
    out_of_fold: "Float32s | None" = None
    n_bytes: int | None = None  # of its file, where it has one

    def __post_init__(self) -> None:
        """Let the card say what is kept beside the weights."""
        typical = self.typicality
        card = replace(
            self.card,
            n_prototypes=len(typical.means) if typical else 0,
            knows_pairs=typical is not None and typical.pairs is not None,
            has_out_of_fold=self.out_of_fold is not None,
        )
        object.__setattr__(self, "card", card)

    @property
    def named(self) -> str:
        """What a sentence calls it."""
        return self.ref or "the model"

    def look_at(self, images: "Bytes") -> "tuple[Float64s, Floats, Floats]":
        """Return the scores of images, typicality, (n,), and pairedness, (n, 1 or 2); NaN if unknown."""
        import numpy as np

        from mnistcli.linear_model.classifier import ROWS_PER_BLOCK

        if self.typicality is None or not len(images):
            unknown = np.full(len(images), np.nan)
            return self.classifier.decision_function(images), unknown, unknown[:, None]
        images = images.astype(np.uint8, copy=False).reshape(-1, *IMAGE_SHAPE)
        score = replace(self.classifier, features=None).decision_function
        seen = []
        for start in range(0, len(images), ROWS_PER_BLOCK):
            block = images[start : start + ROWS_PER_BLOCK]
            rows = self.classifier.raw_features(block)
            scores = score(rows)
            seen.append((scores, *self.typicality.of(block, rows, scores)))
        scores, shares, paired = map(np.concatenate, zip(*seen, strict=True))
        return scores, shares, paired

    def _in_words(self) -> str:
        return f"{self.ref or 'not saved'}, {self.card.task.name}"


def encode_model(model: Model, ref: str = "") -> bytes:
    """Return the bytes of a model's file, to be stored under ``ref`` if not just anywhere."""
    import numpy as np
    from safetensors.numpy import save

    kept = model.typicality.arrays() if model.typicality else {}
    known: dict[str, Any] = {**model.classifier.arrays, **kept, _OUT_OF_FOLD: model.out_of_fold}
    arrays = {
        name: np.ascontiguousarray(known[name], dtype=_DTYPES[each["dtype"]])
        for name, each in _layout_of(model.card).items()
    }
    card = model.card.to_json()
    content = {"card": card, "ref": ref}
    content["sha256"] = _digest(card, ref, b"".join(each.tobytes() for each in arrays.values()))
    # One metadata entry, because the library writes several in a random order.
    entry = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return save(arrays, {METADATA_KEY: entry})


def read_card(path: Path, *, stored_as: str = "") -> ModelCard:
    """Read the card of a model file, verified like the whole and with its errors; no NumPy."""
    return _read(path, stored_as)[0]


def read_model(path: Path, *, ref: str = "", stored_as: str = "") -> Model:
    """Read a model file, to be called ``ref`` or by its path.

    Raises CorruptFileError where it is not exactly what `encode_model` writes, or was not
    ``stored_as`` that reference, StorageError where the operating system refused.
    """
    import numpy as np

    from mnistcli.linear_model.classifier import LinearClassifier

    card, layout, payload = _read(path, stored_as)
    spec, arrays = card.feature_spec, {}
    for name, each in layout.items():
        dtype, (start, stop) = each["dtype"], each["data_offsets"]
        array = np.frombuffer(payload[start:stop], dtype=_DTYPES[dtype]).reshape(each["shape"])
        if not (np.abs(array) <= _MAX_WEIGHT[dtype]).all():
            problem = f"the model holds numbers that are not finite, or over {_MAX_WEIGHT[dtype]:g}"
            raise CorruptFileError(path, problem, hint=_RETRAIN)
        arrays[name] = array.astype(array.dtype.newbyteorder("="))
    typicality = None
    kept = [name for name in arrays if name.startswith("usual_")]
    if usual := {name.removeprefix("usual_"): arrays.pop(name) for name in kept}:
        from mnistcli.features.typicality import Typicality

        typicality = Typicality(**usual)
        if not typicality.is_sound:
            raise CorruptFileError(path, "no images are as the model says", hint=_RETRAIN)
    out_of_fold = arrays.pop(_OUT_OF_FOLD, None)
    if out_of_fold is not None and not ((out_of_fold >= 0) & (out_of_fold <= 1)).all():
        raise CorruptFileError(path, "the model holds probabilities that are none", hint=_RETRAIN)
    classifier = LinearClassifier(
        coef=arrays.pop("coef"),
        intercept=arrays.pop("intercept"),
        class_names=card.class_names,
        scale=card.features["scale"],
        features=restore_features(spec, arrays),
        is_pairwise=card.task.is_pairwise,
    )
    n_bytes = memoryview(payload.obj).nbytes  # of the whole
    return Model(classifier, card, ref or stored_as or str(path), typicality, out_of_fold, n_bytes)


def _read(path: Path, stored_as: str) -> tuple[ModelCard, _Layout, memoryview]:
    """Read the card of a model file, where its arrays are, and their bytes as they were written."""
    with storage_errors("read", path), open_regular(path) as file:
        content = memoryview(file.read(MAX_FILE_BYTES + 1))
    try:
        entry, card, layout, payload = _parse(content)
    except (ValueError, RecursionError) as error:
        problem = f"not a model file of mnistcli: {error}"
        raise CorruptFileError(path, problem, hint="see: mnistcli models list") from error
    got = _digest(entry["card"], entry["ref"], payload)
    if got != entry["sha256"]:
        problem = f"the model file is damaged: sha256 is {got}, expected {entry['sha256']}"
        raise CorruptFileError(path, problem, hint=_RETRAIN)
    if stored_as and entry["ref"] != stored_as:
        was = entry["ref"] or "no model of a registry"
        raise CorruptFileError(path, f"this is {was}, not {stored_as}", hint=_RETRAIN)
    return card, layout, payload


def _digest(card: str, ref: str, payload: bytes | memoryview) -> str:
    digest = hashlib.sha256(f"{card}\0{ref}\0".encode())
    digest.update(payload)
    return digest.hexdigest()


def _parse(content: memoryview) -> tuple[dict[str, str], ModelCard, _Layout, memoryview]:
    """Find our entry, its card, and the bytes of the arrays in a model file; raise ValueError."""
    start = 8 + int.from_bytes(content[:8], "little")
    if len(content) < 16 or not 10 <= start <= 8 + MAX_HEADER_BYTES:
        raise ValueError("it is no safetensors file")
    try:
        layout = strict_json(str(content[8:start], "utf-8"))
        entry = strict_json(layout["__metadata__"].pop(METADATA_KEY))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("its header holds no card") from error
    read_typed(dict[str, str], entry, ".header")
    if layout.pop("__metadata__") or entry.keys() != {"card", "ref", "sha256"}:
        raise ValueError("its header has missing or unknown entries")
    card = ModelCard.from_json(entry["card"])
    known = _layout_of(card)
    # As text: 1.0 and true are equal to 1.
    if json.dumps(layout, sort_keys=True) != json.dumps(known, sort_keys=True):
        raise ValueError("its arrays are not those that its card speaks of; no release wrote it")
    n_expected = start + max(each["data_offsets"][1] for each in known.values())
    if len(content) != n_expected or n_expected > MAX_FILE_BYTES:
        raise ValueError(f"it has {len(content):,} bytes, its header says {n_expected:,}")
    return entry, card, known, content[start:]


def _layout_of(card: ModelCard) -> _Layout:
    """Return dtype, shape and data_offsets of the arrays of a model with such a card, in order."""
    spec, n_outputs = card.feature_spec, card.task.n_outputs
    arrays: dict[str, tuple[str, tuple[int, ...]]] = {
        "coef": ("F64", (n_outputs, spec.count())),
        "intercept": ("F64", (n_outputs,)),
        **{name: ("F32", shape) for name, shape in spec.shapes().items()},
        **typicality_shapes(spec, card.n_prototypes, card.task.n_classes),
    }
    if card.has_out_of_fold:
        arrays[_OUT_OF_FOLD] = "F32", (card.n_train,)
    layout, start = {}, 0
    for name, (dtype, shape) in sorted(arrays.items(), key=lambda it: (-_N_BYTES[it[1][0]], it[0])):
        stop = start + math.prod(shape) * _N_BYTES[dtype]
        layout[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}
        start = stop
    return layout
