"""Somebody's own labelled digits: a CSV, npz or pair of IDX files -> LabelledImages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistcli.datasets.catalog import IMAGE_SHAPE
from mnistcli.datasets.containers import (
    MAX_DECODED_BYTES,
    kind_of,
    npz_names,
    read_idx,
    read_npz,
)
from mnistcli.datasets.store import LabelledImages
from mnistcli.errors import CorruptFileError, DataUnavailableError
from mnistcli.files import storage_errors

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

N_PIXELS = IMAGE_SHAPE[0] * IMAGE_SHAPE[1]
_NPZ_KEYS = (("images", "x", "X", "x_test"), ("labels", "y", "Y", "y_test"))
_CSV_CHUNK_ROWS = 4096
_HINT = (
    "expected a CSV file with label,pixel0,...,pixel783, an npz file with images and labels, "
    "or a pair of IDX files"
)


def read_labelled(path: Path) -> LabelledImages:
    """Read labelled digits; what kind of file it is, its content says.

    Parameters
    ----------
    path : Path
        A CSV file in the layout of Kaggle's "digit recognizer" (a header, a label, 784 pixels);
        an npz file with uint8 arrays ``images`` and ``labels`` (or ``x_test``, ``y_test``); or the
        images of a pair of IDX files, whose labels lie beside them under the usual name.

    Raises
    ------
    DataUnavailableError
        There is no such file, or its labels are missing.
    CorruptFileError
        The file is none of these; names the row and column of a CSV file that is wrong.
    """
    if not path.is_file():
        raise DataUnavailableError(f"there is no file {path}", hint=_HINT)
    with storage_errors("read", path), path.open("rb") as file:
        kind = kind_of(file, str(path))
    if kind == "idx":
        return _checked(path, _read_idx(path), _read_idx(_labels_beside(path)))
    if kind == "npz":
        return _read_npz(path)
    if kind == "unknown":
        return _read_csv(path)
    raise CorruptFileError(path, f"is {kind}, not labelled digits", hint=_HINT)


def _read_idx(path: Path) -> NDArray[Any]:
    with storage_errors("read", path), path.open("rb") as file:
        return read_idx(file, str(path))


def _labels_beside(path: Path) -> Path:
    for labels in ("labels-idx1", "labels.idx1", "labels-idx2"):
        beside = path.with_name(
            path.name.replace("images-idx3", labels).replace("images.idx3", labels)
        )
        for candidate in (beside, beside.with_suffix(""), Path(f"{beside}.gz")):
            if candidate != path and candidate.is_file():
                return candidate
    raise DataUnavailableError(
        f"the labels of {path} are not beside it",
        hint="expected a file named ...-labels-idx1-ubyte",
    )


def _read_npz(path: Path) -> LabelledImages:
    with storage_errors("read", path), path.open("rb") as file:
        found = npz_names(file, str(path))
        keys = [next((key for key in keys if key in found), keys[0]) for keys in _NPZ_KEYS]
        arrays = read_npz(file, str(path), dict.fromkeys(keys, MAX_DECODED_BYTES))
    return _checked(path, arrays[keys[0]], arrays[keys[1]])


def _read_csv(path: Path) -> LabelledImages:
    import pandas as pd

    chunks = []
    try:
        with (
            storage_errors("read", path),
            pd.read_csv(path, chunksize=_CSV_CHUNK_ROWS, encoding="utf-8-sig") as reader,
        ):
            for table in reader:
                _check_columns(path, list(table.columns))
                chunks.append(_bytes_of(path, table))
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise CorruptFileError(path, f"is no CSV file: {reason}", hint=_HINT) from error
    if not sum(map(len, chunks)):
        raise CorruptFileError(path, "has a header and no rows", hint=_HINT)
    values = np.concatenate(chunks)
    return _checked(path, values[:, 1:], values[:, 0])


def _check_columns(path: Path, columns: list[str]) -> None:
    if columns != ["label", *(f"pixel{i}" for i in range(N_PIXELS))]:
        problem = f"its {len(columns)} columns are not label,pixel0,...,pixel{N_PIXELS - 1}"
        raise CorruptFileError(path, problem, hint=_HINT)


def _bytes_of(path: Path, table: pd.DataFrame) -> NDArray[np.uint8]:
    """Give a table as bytes, or name the first cell that is none."""
    if table.empty:
        return np.empty(table.shape, dtype=np.uint8)
    if all(dtype.kind in "iu" for dtype in table.dtypes):
        values = table.to_numpy()
        if values.min() >= 0 and values.max() <= 255:
            return values.astype(np.uint8)
    raise _bad_cell(path)


def _bad_cell(path: Path) -> CorruptFileError:
    """Look for the cell that kept a file from being read, as text and from the start."""
    import csv

    with storage_errors("read", path), path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        for row in reader:
            for column, text in zip(header, row, strict=False):
                if not (text.isascii() and text.isdecimal() and int(text[:9]) <= 255):
                    where = f"line {reader.line_num}, column {column}"
                    return CorruptFileError(
                        path, f"{where}: {text!r} is not a whole number from 0 to 255"
                    )
            if len(row) != len(header):
                where = f"line {reader.line_num}"
                return CorruptFileError(
                    path, f"{where}: {len(row)} columns, the header has {len(header)}"
                )
    return CorruptFileError(path, "has cells that are not whole numbers from 0 to 255")


def _checked(path: Path, images: NDArray[Any], labels: NDArray[Any]) -> LabelledImages:
    if labels.ndim == 2:  # QMNIST: the first column is the class
        labels = labels[:, 0]
    n = len(labels)
    if images.dtype != np.uint8 or images.shape not in ((n, *IMAGE_SHAPE), (n, N_PIXELS)):
        problem = f"holds images {images.dtype} {images.shape} for {n} labels, expected uint8 ({n}, 28, 28)"
        raise CorruptFileError(path, problem)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise CorruptFileError(
            path, f"holds labels {labels.dtype} {labels.shape}, expected integers ({n},)"
        )
    if n and not (labels.min() >= 0 and labels.max() <= 255):
        raise CorruptFileError(path, "holds labels that are not class numbers")
    return LabelledImages(images.reshape(n, *IMAGE_SHAPE), labels.astype(np.uint8))
