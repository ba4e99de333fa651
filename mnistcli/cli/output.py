"""The one door out: the answer to stdout, everything else to stderr.

A result comes as an `Answer`, which knows how it looks as a table, a JSON document, tab-separated
values and in quiet mode. rich is imported only where something is drawn.
"""

import contextlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from mnistcli.cli.terminal.capabilities import Render
from mnistcli.cli.words import json_safe, visible
from mnistcli.errors import DataUnavailableError, MnistCliError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from mnistcli.cli.content.parts import Panel, Part

Format = Literal["table", "json", "jsonl", "tsv", "csv", "markdown", "latex", "quiet"]
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Answer:
    """One result in all its shapes; iterators are asked for what they have where it is wanted.

    The schema "train" makes the JSON document ``"schema": "mnistcli.train"``. ``quiet`` is what
    quiet mode prints, and what a person sees where there are neither ``parts`` nor ``draw``, which
    draws, on a console, what is printed bit by bit. ``rows`` are the header and the rows of
    tab-separated values, by default the document; ``records`` the documents of JSON lines;
    ``panels`` what is drawn into a file.
    """

    schema: str
    document: dict[str, Any]
    quiet: Iterable[str]
    parts: "Iterable[Part]" = ()
    rows: Iterable[Sequence[object]] = ()
    records: Iterable[tuple[str, dict[str, Any]]] = ()
    draw: "Callable[[Console, Render], Iterable[RenderableType]] | None" = None
    panels: "Iterable[Panel]" = ()


def json_text(schema: str, document: dict[str, Any], *, indent: int | None = 2) -> str:
    """Write one JSON document; NaN and infinity become null, keys keep their order."""
    content = {"schema": f"mnistcli.{schema}", "schema_version": SCHEMA_VERSION, **document}
    text = json.dumps(_plain(content), ensure_ascii=False, allow_nan=False, indent=indent)
    return json_safe(text) + "\n"


def pick(record: Any, names: str = "") -> dict[str, Any]:
    """Return fields of a record by their names, or all of them, for a document or a row."""
    wanted = names.split() or [each.name for each in fields(record)]
    return {name: getattr(record, name) for name in wanted}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return _plain(pick(value))
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, Iterator)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "tolist"):  # NumPy's arrays and scalars, without importing NumPy
        return _plain(value.tolist())
    return value


def write(text: str, stream: TextIO | None = None) -> None:
    """Write to stdout, all of it and now.

    Exits where nobody reads any more, as behind ``head``; raises DataUnavailableError where a disk
    is full.
    """
    stream = stream or sys.stdout
    rest = memoryview(text.encode(stream.encoding or "utf-8", "backslashreplace"))
    try:
        stream.flush()
        # Under PYTHONUNBUFFERED the text layer drops what a pipe does not take at once, without a
        # word; hence bytes, and a loop.
        while rest:
            rest = rest[stream.buffer.write(rest) :]
        stream.buffer.flush()
    except OSError as error:
        # Python flushes once more at exit, and would complain there of what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(141) from None
        reason = error.strerror or str(error)
        raise DataUnavailableError(f"cannot write to standard output: {reason}") from error


def report_error(error: MnistCliError, *, as_json: bool, hinted: str = "") -> None:
    """Print an error to stderr: one line and a hint that is not there yet, or one JSON document."""
    if as_json:
        content = pick(error, "code message hint exit_code") | {"hint": error.hint or None}
        to_stderr(json_text("error", {"error": content}, indent=None).rstrip("\n"))
        return
    message = visible(error.message)
    if len(message) > 1000:  # a name, or what claims to be one
        message = f"{message[:500]}...{message[-500:]}"
    to_stderr(f"error: {message}")
    if error.hint and error.hint != hinted:
        to_stderr(f"hint: {visible(error.hint)}")


def to_stderr(message: str, end: str = "\n") -> None:
    """Write to stderr; if nobody listens, the exit code still tells."""
    with contextlib.suppress(OSError, DataUnavailableError, SystemExit):
        write(message + end, sys.stderr)
