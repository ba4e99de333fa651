"""The one door out: the answer to stdout, everything else to stderr.

A result comes as a `View`, which knows how it looks as a table, a JSON document, tab-separated
values and in quiet mode. rich is imported only where something is drawn.
"""

import contextlib
import io
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TextIO

from mnistcli.cli import rich
from mnistcli.cli.terminal.capabilities import NEED_ESCAPES, Render
from mnistcli.cli.words import json_safe, visible
from mnistcli.errors import DataUnavailableError, MnistCliError, UsageError
from mnistcli.paths import number_in

if TYPE_CHECKING:
    from mnistcli.cli.parts import Cell, Part

Format = Literal["table", "json", "jsonl", "tsv", "csv", "markdown", "latex", "quiet"]
SCHEMA_VERSION = 1

_STARTED = time.monotonic()

# Where nobody looks at it nothing is wrapped or cut: a pipe has no right margin.
PIPE_WIDTH = 10_000
_LONGEST_MESSAGE = 1000  # on a terminal, in letters


class View:
    """One result in all its shapes; each is only computed when it is wanted.

    A subclass is a frozen dataclass that holds the result. The schema "train" makes the JSON
    document ``"schema": "mnistcli.train"``, the other one that of a JSON line.
    """

    schema: ClassVar[str]
    record_schema: ClassVar[str] = ""

    def document(self) -> dict[str, Any]:
        """Return the JSON document without schema and version."""
        raise NotImplementedError

    def records(self) -> Iterable[dict[str, Any]]:
        """Yield the documents of JSON lines."""
        raise NotImplementedError

    def rows(self) -> Iterable[Sequence[object]]:
        """Yield the header and the rows of the tab-separated values: by default the document."""
        content = self.document()
        yield list(content)
        yield list(content.values())

    def lines(self) -> Iterable[str]:
        """Yield what quiet mode prints."""
        raise NotImplementedError

    def facts(self) -> "Iterable[tuple[str, Cell]]":
        """Yield what is known, in pairs of a name and what it says."""
        raise NotImplementedError

    def shown(self) -> "Iterable[Part]":
        """Yield what a person is shown: by default the facts."""
        from mnistcli.cli.parts import Facts

        yield Facts(self.facts())

    def rendered(self, console: "rich.Console", render: Render) -> "Iterable[rich.RenderableType]":
        """Draw one part after the other, each printed as soon as it is there."""
        from mnistcli.cli.terminal.parts import rendered

        return rendered(self.shown(), console, render)


class Output(NamedTuple):
    """Where a command hands over its result; for ``render`` see `terminal.capabilities`."""

    format: Format = "table"
    render: Render = "auto"
    verbose: bool = False

    def emit(self, view: View) -> None:
        """Print a result to stdout in the chosen format; what has several parts, part by part."""
        if self.format == "json":
            write(json_text(view.schema, view.document()))
        elif self.format == "jsonl":
            for record in view.records():
                write(json_text(view.record_schema, record, indent=None))
        elif self.format == "quiet":
            for line in view.lines():
                write(f"{visible(line)}\n")
        elif self.format != "table":
            from mnistcli.cli.tabular import TABULAR

            for line in TABULAR[self.format](view.rows()):
                write(line)
        else:
            for text in drawn(partial(view.rendered, render=self.render), self.render):
                write(text)

    def note(self, message: str) -> None:
        """Say something in passing, on stderr; nothing in quiet mode."""
        if self.format != "quiet":
            _to_stderr(visible(message))

    def detail(self, message: str) -> None:
        """Say on stderr, where --verbose asks for it, what is done, and when after the start."""
        if self.verbose:
            _to_stderr(f"{time.monotonic() - _STARTED:7.2f} s  {visible(message)}")

    def warn(self, message: str) -> None:
        """Tell on stderr what must not be missed, in quiet mode too."""
        _to_stderr(f"warning: {visible(message)}")

    def ask(self, question: str) -> str:
        """Ask on stderr and return the line that is typed, "" at the end of input."""
        _to_stderr(visible(question), end="")
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):  # Ctrl-D leaves the cursor behind the question
            _to_stderr("")
        return answer.strip()

    def is_confirmed(self, question: str) -> bool:
        """Ask whether something is to be removed; raise UsageError where nobody can answer."""
        if not sys.stdin.isatty():
            raise UsageError("nobody is there to confirm the removal", hint="add --yes")
        return self.ask(f"{question} [y/N] ").lower() in ("y", "yes")


def json_text(schema: str, document: dict[str, Any], *, indent: int | None = 2) -> str:
    """Write one JSON document; NaN and infinity become null, keys keep their order."""
    content = {"schema": f"mnistcli.{schema}", "schema_version": SCHEMA_VERSION, **document}
    text = json.dumps(_plain(content), ensure_ascii=False, allow_nan=False, indent=indent)
    return json_safe(text) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "tolist"):  # NumPy's arrays and scalars, without importing NumPy
        return _plain(value.tolist())
    return value


def drawn(
    parts: "Callable[[rich.Console], Iterable[rich.RenderableType]]", render: Render = "auto"
) -> Iterator[str]:
    """Draw for a person, or for a pipe: then without colour and without a right margin."""
    page = _Page()
    page.encoding = sys.stdout.encoding or "utf-8"
    console = _console_on(page, render)
    for part in parts(console):
        console.print(part, crop=False)
        text = page.getvalue()
        page.seek(0)
        page.truncate()
        yield text if console.is_terminal else _stripped(text)


def drawn_plainly(parts: "Iterable[Part]") -> str:
    """Draw as for a pipe in UTF-8, wherever stdout leads."""
    from mnistcli.cli.terminal.console import PlainConsole
    from mnistcli.cli.terminal.parts import rendered

    page = _Page()
    console = PlainConsole(
        file=page,
        force_terminal=False,
        force_jupyter=False,  # whose colours are no plain text
        color_system=None,
        width=PIPE_WIDTH,
        legacy_windows=False,
    )
    for part in rendered(parts, console):
        console.print(part, crop=False)
    return _stripped(page.getvalue())


def _stripped(text: str) -> str:
    """Take away the blanks with which rich fills lines up to the width of a table."""
    return "\n".join(line.rstrip() for line in text.split("\n"))


class _Page(io.StringIO):
    """Where rich draws, so that `write` is the only one who writes."""

    # What the page will be encoded with: rich draws plain boxes where it is not UTF-8.
    encoding = "utf-8"


def _console_on(page: TextIO, render: Render) -> "rich.Console":
    """Give a console that draws on ``page`` what stdout can show, or is told to show."""
    from mnistcli.cli.terminal.console import PlainConsole

    stdout = PlainConsole()
    if render in NEED_ESCAPES and (stdout.no_color or not stdout.color_system):
        # Escape codes were asked for by name: `mnistcli show --render half | less -R`.
        stdout = PlainConsole(force_terminal=True, color_system="truecolor", no_color=False)
    # A pipe has no right margin, unless COLUMNS says so; TERM=dumb takes a width only with a height.
    is_wide = not sys.stdout.isatty() and not number_in("COLUMNS")
    return PlainConsole(
        file=page,
        force_terminal=stdout.is_terminal,
        color_system=stdout.color_system,
        no_color=stdout.no_color,
        width=PIPE_WIDTH if is_wide else stdout.width,
        height=stdout.height,
        legacy_windows=False,
    )


class ReaderGoneError(Exception):
    """Whoever read stdout has closed it, as ``head`` does."""


def write(text: str, stream: TextIO | None = None) -> None:
    """Write to stdout, all of it and now.

    Raises ReaderGoneError where nobody reads any more, DataUnavailableError where a disk is full.
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
            raise ReaderGoneError from None
        reason = error.strerror or str(error)
        raise DataUnavailableError(f"cannot write to standard output: {reason}") from error


def report_error(error: MnistCliError, *, as_json: bool) -> None:
    """Print an error to stderr: one line and a hint, or one JSON document."""
    if as_json:
        content = {
            "code": error.code,
            "message": error.message,
            "hint": error.hint or None,
            "exit_code": error.exit_code,
        }
        _to_stderr(json_text("error", {"error": content}, indent=None).rstrip("\n"))
        return
    message = visible(error.message)
    if len(message) > _LONGEST_MESSAGE:  # a name, or what claims to be one
        half = _LONGEST_MESSAGE // 2
        message = f"{message[:half]}...{message[-half:]}"
    _to_stderr(f"error: {message}")
    if error.hint:
        _to_stderr(f"hint: {visible(error.hint)}")


def _to_stderr(message: str, end: str = "\n") -> None:
    # If nobody listens, the exit code still tells.
    with contextlib.suppress(OSError, DataUnavailableError, ReaderGoneError):
        write(message + end, sys.stderr)
