"""JSON and JSON Lines -> arrays by name, as an npz file has them.

    [[0, 0, ...], ...]                      pictures, in any shape that an array may have
    {"images": [...], "labels": [...]}      arrays by name
    [{"image": [...], "label": 7}, ...]     records, also one alone, or one a line
    [{"label": 7, "pixel0": 0, ...}, ...]   rows of a table, in all the ways of pandas
    {"data": {...}, "width": 28, "height": 28}   what a canvas's getImageData gives

Where the pictures are words, "data:image/png;base64,...", it is an archive: see `archives`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from mnistcli.containers.columns import SIDES, layout_of
from mnistcli.containers.npy_idx import Npz, npz_of
from mnistcli.containers.reading import CUT_OUT, SAVEZ, FormatError, Stream

# Of which Python makes ten times as much, twenty where it is small lists or nothing of use.
MAX_JSON_BYTES = 32 << 20


def open_json(stream: Stream) -> Npz:
    """Read the arrays of JSON; raise FormatError where it has none, or is damaged or too long."""
    value = json_of(stream)
    try:
        arrays = {name: np.atleast_1d(each) for name, each in columns_of(value).items()}
        arrays = {name: array for name, array in arrays.items() if array.dtype.kind in "buifU"}
        if arrays:
            return npz_of(stream, arrays)
    except (ValueError, TypeError, IndexError, OverflowError):
        raise FormatError("is JSON whose pictures are not all of one size", hint=SAVEZ) from None
    if isinstance(value, dict) and "annotations" in value:
        raise FormatError("is JSON of boxes in pictures", hint=CUT_OUT)
    raise FormatError("is JSON without pictures", hint=SAVEZ)


def json_of(stream: Stream) -> Any:
    """Read JSON, or a list of the values of JSON Lines."""
    text = stream.read(MAX_JSON_BYTES + 1)
    if len(text) > MAX_JSON_BYTES:
        raise FormatError(f"is more than {MAX_JSON_BYTES >> 20} MiB of JSON", hint=SAVEZ)
    try:
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            if error.msg != "Extra data":
                raise
            return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise FormatError(f"is damaged JSON ({str(error)[:80]})") from None


def columns_of(value: Any) -> dict[str, Any]:
    """Return lists, or arrays, by name; the columns of a table are put together."""
    if isinstance(value, Mapping) and isinstance(value.get("data"), list) and "schema" in value:
        value = value["data"]
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        value = {name: [each.get(name) for each in value] for name in value[0]}
    if not isinstance(value, Mapping):
        return {"images": value}
    columns = {
        name: [*each.values()] if isinstance(each, dict) else each for name, each in value.items()
    }
    if columns.keys() >= {"data", "width", "height"}:
        sides: Any = columns["height"], columns["width"]
        levels = np.array(columns["data"]).reshape(*sides, -1)
        return {"images": levels[..., -1] if np.ptp(levels[..., -1]) else levels[..., 0]}
    if "columns" in columns and "data" in columns:
        return of_table(columns["columns"], np.array(columns["data"]))
    if len(columns) >= min(SIDES) ** 2:
        return of_table(columns, np.array([*columns.values()]).T)
    return columns


def rows_of_json(stream: Stream) -> Iterator[tuple[str, ...]]:
    """Read the cells of a table of words that is JSON, its titles first; nothing of what is none."""
    value = json_of(stream)
    if isinstance(value, dict) and all(isinstance(each, str | int) for each in value.values()):
        value = [{"file": name, "label": label} for name, label in value.items()]
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        yield tuple(map(str, value[0]))
        yield from (tuple(str(each.get(name, "")) for name in value[0]) for each in value)


def of_table(names: Iterable[object], values: Any) -> dict[str, Any]:
    """Return the pixels in the order that names of columns tell, and the labels beside them."""
    layout = layout_of(tuple(map(str, names)))
    labels = {"labels": values[:, list(layout.labels)]} if layout.labels else {}
    return {"images": values[:, layout.pixels]} | labels
