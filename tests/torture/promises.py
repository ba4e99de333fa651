"""Turn what `nox -s torture` counted into the table of the README: ``... | python -m tests.torture.promises``."""

from __future__ import annotations

import sys

PROMISES = {
    "Killed anywhere": (
        "Killed at any moment, everything is old or new, the next command works, nothing is left.",
        "torture/test_kill.py",
    ),
    "I/O errors": (
        "What the system refuses is one line that names the path; nothing is lost.",
        "torture/test_refused.py",
    ),
    "Power loss": (
        "After a power cut nothing half-written is taken for good.",
        "torture/test_power.py",
    ),
    "Many at once": (
        "Many processes share a home: no read fails, no version is lost or given twice.",
        "torture/test_together.py",
    ),
    "Corruption": (
        "Damage is noticed before use: MNIST heals itself, a model is refused.",
        "torture/test_corruption.py",
    ),
    "Strangers": (
        "A stranger's model file is a model or one line; nothing in it is run.",
        "torture/test_strangers.py",
    ),
    "Downloads": (
        "Nothing unverified is kept; https is never left; every mirror's failure is named.",
        "datasets/test_download.py",
    ),
    "Parsers": (
        "Whatever a file holds, it is read, or refused with one line.",
        "containers/`, `pictures/test_read.py`, `registry/test_model_file.py`, `test_tasks.py",
    ),
    "Streams": (
        "Closed, full and broken streams, odd terminals and homes: no traceback, the right exit code.",
        "cli/test_process.py",
    ),
    "One reader": (
        "A file that one command reads, every command reads, and means the same by it.",
        "containers/test_digits.py",
    ),
    "Words": (
        "Words from outside are text: no markup, no escapes, no links.",
        "cli/test_words.py",
    ),
    "Working folder": (
        "Nothing that lies in the working folder is run.",
        "test_parallel.py",
    ),
    "Names": ("A name is never a path, and planted links lead nowhere.", "torture/test_names.py"),
}


def main() -> None:
    """Read lines of "promise | what | count" and write Markdown."""
    counts: dict[str, dict[str, str]] = {}
    for line in sys.stdin:
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 3 and cells[0] in PROMISES:
            counts.setdefault(cells[0], {})[cells[1]] = cells[2]
    print("| Promise | Kept by, in `tests` | Counted by `nox -s torture` |\n|---|---|---|")
    for name, (promise, test) in PROMISES.items():
        if name in counts:
            counted = "; ".join(f"{count} {what}" for what, count in counts[name].items())
            print(f"| {promise} | `{test}` | {counted} |")


if __name__ == "__main__":
    main()
