"""What the shell offers after a press of Tab: options and choices by Typer, names by us.

A shell's script (`cli.commands.completion`) asks by running mnistcli with the line so far in the
environment, in Typer's own way. Whoever waits for an answer notices a fifth of a second, so
nothing here reads more than the names of files, and is loaded before it is asked.
"""

import contextlib
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

from mnistcli.cli.call import Call
from mnistcli.errors import MnistCliError
from mnistcli.paths import find_places
from mnistcli.tasks import ALIASES, ALL_DIGITS, PAIRS, REST

# Typer looks for it by the program's name.
VARIABLE = "_MNISTCLI_COMPLETE"


def prepare() -> None:
    """Let Typer answer, and quickly."""
    from typer.completion import completion_init  # type: ignore[attr-defined]

    # Typer has rich lay out the first lines of help, which takes as long as all the rest.
    sys.modules["rich"] = None  # type: ignore[assignment]
    completion_init()


def models(ctx: Any, incomplete: str) -> list[str]:
    """Return the names of models, and after ``NAME@`` the versions and tags of that one."""
    from mnistcli.registry.store import BUILTIN

    with contextlib.suppress(MnistCliError):
        registry = Call(home=_home(ctx)).registry()
        name, at, _ = incomplete.partition("@")
        return registry.refs_of(name) if at else [*registry.names(), BUILTIN]
    return [BUILTIN]


def tasks() -> list[str]:
    """Return tasks in the order in which people think of them; any other sentence is one too."""
    pairs = ("v".join(pair) for pair in combinations(ALL_DIGITS, 2))
    return [*ALIASES, PAIRS, *pairs, *(f"{digit}v{REST}" for digit in ALL_DIGITS)]


def datasets(ctx: Any, incomplete: str = "") -> list[str]:
    """Return the names of the datasets, the user's own among them, and after + those to join."""
    from mnistcli.datasets.catalog import CATALOG

    before, plus, _ = incomplete.rpartition("+")
    names = [*CATALOG, *own_datasets(ctx)]
    return [before + plus + name for name in names if name not in before.split("+")]


def own_datasets(ctx: Any) -> list[str]:
    """Return the names of the user's own datasets."""
    with contextlib.suppress(MnistCliError, OSError):
        folder = find_places(_home(ctx)).own_dir
        return sorted(path.parent.name for path in folder.glob("*/manifest.json"))
    return []


def help_words(ctx: Any) -> list[str]:
    """Return what there is help about: commands and topics."""
    from mnistcli.cli.topics import topics

    return [*ctx.find_root().command.commands, *topics()]


def _home(ctx: Any) -> Path | None:
    home = ctx.find_root().params.get("home")  # not yet made a path
    return Path(home) if home else None
