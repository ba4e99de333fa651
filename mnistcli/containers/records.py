"""JSON of words -> rows of cells, as those of a table of words are."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from mnistcli.containers.csv import number_of
from mnistcli.containers.reading import Stream

MAX_BYTES = 64 << 20


def rows_of(stream: Stream) -> Iterator[tuple[str, ...]]:
    """Read objects, of which the first one's keys are titles, or pairs; nothing of what is neither.

    The objects stand in a list or one a line, as Hugging Face's metadata.jsonl, or are columns.
    Pairs stand in a list, as in StyleGAN's dataset.json, or are what an object says of each key.
    """
    text = stream.read(MAX_BYTES).decode("utf-8-sig", "replace")
    with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError, RecursionError):
        try:
            found = json.loads(text)
        except ValueError:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        if isinstance(found, dict):
            found = _pairs_in(found.get("labels", found))
        elif isinstance(found[0], dict):
            found = [[*found[0]], *(map(each.get, found[0]) for each in found)]
        yield from [tuple(map(_cell, row)) for row in found]


def _pairs_in(found: Any) -> Any:
    """Return rows of an object with what each name has, names for each digit, columns, or one row.

    A list is of pairs.
    """
    if not found or not isinstance(found, dict):
        return found
    if all(isinstance(value, dict) for value in found.values()):
        titles = [*next(iter(found.values()))]
        return [["", *titles], *([key, *map(of.get, titles)] for key, of in found.items())]
    if not all(isinstance(value, list) for value in found.values()):
        is_of_files = any("." in key for key in found)
        return found.items() if is_of_files else [[*found], [*found.values()]]
    if any(number_of(key) != number_of(key) for key in found):  # no digits
        return [[*found], *zip(*found.values(), strict=True)]
    return [(name, key) for key, names in found.items() for name in names]


def _cell(value: object) -> str:
    """Return what a value says, in letters that a name may have."""
    text = "" if value is None or isinstance(value, (list, dict)) else str(value)
    return text.encode(errors="replace").decode().replace("\0", "\ufffd")
