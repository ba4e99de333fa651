"""What an installation looks like."""

import os
from collections.abc import Iterator
from typing import Any

from mnistcli.cli.output import Answer, picked
from mnistcli.cli.parts import Facts
from mnistcli.cli.terminal.capabilities import GRAPHICS, choose_method
from mnistcli.cli.terminal.console import PlainConsole
from mnistcli.doctor import Diagnosis, PathHealth, without_home

# What decides on colours, widths and pictures.
_VARIABLES = (
    "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "MNISTCLI_RENDER", "SSH_CONNECTION",
)  # fmt: skip
_OPEN = ("writable", "can be made")  # the states of a folder in which something can be kept
# What rich calls them, and how many that is.
_COLOURS = {"standard": "16 colours", "256": "256 colours", "truecolor": "16 million colours"}


def diagnosed(diagnosis: Diagnosis, defaults: dict[str, tuple[str, str]]) -> Answer:
    """Show what `doctor` found."""
    damaged = [{"model": ref, "problem": problem} for ref, problem in diagnosis.damaged_models]
    document = {
        **picked(diagnosis, "python system n_cores versions paths datasets"),
        "models": {"n_whole": diagnosis.n_whole_models, "damaged": damaged},
        "terminal": _terminal(),
        "defaults": [
            {"option": name, "value": value, "origin": without_home(origin)}
            for name, (value, origin) in defaults.items()
        ],
        "damaged": diagnosis.damaged,
    }
    facts = [*_facts(diagnosis, defaults)]
    rows, last = [("what", "value")], ""
    for name, value in facts:
        last = name or last
        rows.append((last, value))
    (_, verdict), *_ = facts
    return Answer("doctor", document, diagnosis.damaged or [verdict], [Facts(facts)], rows)


def _facts(diagnosis: Diagnosis, defaults: dict[str, tuple[str, str]]) -> Iterator[tuple[str, str]]:
    missing = [name for name, version in diagnosis.versions.items() if version is None]
    n = diagnosis.n_cores
    damaged = ", ".join(diagnosis.damaged)
    closed = ", ".join(each.what for each in diagnosis.paths if each.state not in _OPEN)
    whole = f"whole, but nothing can be kept in {closed}" if closed else "healthy"
    yield "Verdict", f"damaged: {damaged}" if damaged else whole
    yield "Python", diagnosis.python
    yield "System", f"{diagnosis.system}, {n} core{'' if n == 1 else 's'}"
    installed = (f"{k} {v}" for k, v in diagnosis.versions.items() if v is not None)
    yield "Versions", ", ".join(installed)
    if missing:
        yield "", f"not installed: {', '.join(missing)}"
    of_datasets, of_features, of_models, of_own = diagnosis.paths
    yield "Datasets", _folder(of_datasets)
    for each in diagnosis.datasets:
        yield "", f"{each.name}: {each.state}{f': {each.problem}' if each.problem else ''}"
    yield "Own digits", _folder(of_own)
    yield "Features", _folder(of_features)
    yield "Models", _folder(of_models)
    yield "", f"{diagnosis.n_whole_models:,} whole"
    for ref, problem in diagnosis.damaged_models:
        yield "", f"{ref}: damaged: {problem}"
    terminal = _terminal()
    kind = "a terminal" if terminal["is_terminal"] else "not a terminal"
    colours = _COLOURS.get(terminal["color_system"], "no colours")
    size = f"{terminal['width']} x {terminal['height']}"
    yield "Terminal", f"{kind}, {size}, {terminal['encoding']}, {colours}"
    graphics = terminal["graphics"] or "no graphics"
    methods = f"{terminal['one_picture']} for one picture, {terminal['many_pictures']} for several"
    yield "", f"{graphics}: {methods}"
    if terminal["variables"]:
        yield "", ", ".join(f"{name}={value}" for name, value in terminal["variables"].items())
    for i, (name, (value, origin)) in enumerate(defaults.items()):
        told = f"--{name.replace('_', '-')} {value}, from {origin}"
        yield "" if i else "Defaults", without_home(told)


def _folder(folder: PathHealth) -> str:
    return f"{folder.path}: {folder.state}"


def _terminal() -> dict[str, Any]:
    """Return what stdout can show, by the same questions as for a picture."""
    stdout = PlainConsole()
    one, many = (choose_method("auto", stdout, n) for n in (1, 2))
    return {
        **picked(stdout, "is_terminal width height encoding"),
        "color_system": None if stdout.no_color else stdout.color_system,
        "graphics": one if one in GRAPHICS else None,
        "one_picture": one,
        "many_pictures": many,
        # That there is a connection matters, not whose.
        "variables": {
            name: "set" if name == "SSH_CONNECTION" else os.environ[name]
            for name in _VARIABLES
            if name in os.environ
        },
    }
