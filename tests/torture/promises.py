"""Turn what `nox -s torture` counted into the table of the README: ``... | python -m tests.torture.promises``."""

from __future__ import annotations

import sys

PROMISES = {
    "Killed anywhere": (
        "Killed at any moment, everything is old or new, the next command works, nothing is left.",
        "test_kill.py",
    ),
    "I/O errors": (
        "What the system refuses is one line that names the path; nothing is lost.",
        "test_refused.py",
    ),
    "Power loss": ("After a power cut nothing half-written is taken for good.", "test_power.py"),
    "Many at once": (
        "Many processes share a home: no read fails, no version is lost or given twice.",
        "test_together.py",
    ),
    "Corruption": (
        "Damage is noticed before use: MNIST heals itself, a model is refused.",
        "test_corruption.py",
    ),
    "Strangers": (
        "A stranger's model file is a model or one line; nothing in it is run.",
        "test_strangers.py",
    ),
    "Names": ("A name is never a path, and planted links lead nowhere.", "test_names.py"),
}


def main() -> None:
    """Read lines of "promise | what | count" and write Markdown."""
    counts: dict[str, dict[str, str]] = {}
    for line in sys.stdin:
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 3 and cells[0] in PROMISES:
            counts.setdefault(cells[0], {})[cells[1]] = cells[2]
    print("| Promise | Test in `tests/torture` | Counted by `nox -s torture` |\n|---|---|---|")
    for name, (promise, test) in PROMISES.items():
        if name in counts:
            counted = "; ".join(f"{count} {what}" for what, count in counts[name].items())
            print(f"| {promise} | `{test}` | {counted} |")


if __name__ == "__main__":
    main()
