r"""Words from outside: file names, cards, cells, answers of servers, the environment.

Wherever one is shown it passes a function of this module, which leaves what can be read as it is
and writes out what would move a cursor, hide or turn text around: ``\x1b``, ``\u202e``.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from unicodedata import category

# What could begin markup or be made a link: CommonMark lets each be written after a backslash.
_MARKUP = re.compile(r"[\\`*{}\[\]<>|#&]|(?<!\w)_|_(?!\w)|~(?!/)|:(?=//)|(?<=www)\.")


# Of what is told for the same reason: of letters there are thousands.
MOST_TOLD = 20


class Reasons:
    """Counts why inputs cannot be used, so that only the first of many alike are told."""

    def __init__(self) -> None:
        self._n_alike: Counter[str] = Counter()

    def is_told(self, reason: str) -> bool:
        """Count one, and return whether it is to be told; numbers and what is quoted may differ."""
        kind = re.sub(r"'[^']*'|\d", "", reason)
        self._n_alike[kind] += 1
        return self._n_alike[kind] <= MOST_TOLD

    def rest(self) -> Iterator[str]:
        """Say how many were not told, if any."""
        if n_more := sum(max(0, n - MOST_TOLD) for n in self._n_alike.values()):
            yield f"and {n_more:,} more like these: see --json"


def visible(text: str) -> str:
    r"""Return text on one line, what cannot be printed written as an escape.

    A byte of a file name that is not UTF-8 becomes ``\xff``.
    """
    return _printable(text, _escape)


def visible_lines(text: str) -> str:
    """Return text of several lines, each of them `visible`."""
    return _printable(text, _escape, kept="\n")


def markdown(text: str) -> str:
    """Return text as Markdown that shows just this text, on one line."""
    return _MARKUP.sub(r"\\\g<0>", visible(" ".join(text.split())))


def json_safe(text: str) -> str:
    r"""Return JSON whose strings hold nothing that cannot be printed: ``\u202e``."""
    return _printable(text, _json_escape, kept="\n")


def _printable(text: str, escape: Callable[[str], str], kept: str = "") -> str:
    if text.replace(kept, "").isprintable():
        return text
    # str.isprintable leaves out all spaces but one; names of macOS's screenshots have others.
    shown = (c.isprintable() or c in kept or category(c) == "Zs" for c in text)
    return "".join(c if is_shown else escape(c) for c, is_shown in zip(text, shown, strict=True))


def _escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte that os.fsdecode could not decode
        return f"\\x{ord(character) - 0xDC00:02x}"
    return repr(character)[1:-1]


def _json_escape(character: str) -> str:
    if "\ud800" <= character <= "\udfff":  # half a pair: many parsers refuse it
        return _escape(character).replace("\\", "\\\\")
    return json.dumps(character)[1:-1]
