"""What an installation looks like."""

import os
from collections.abc import Iterator
from typing import Any

from mnistcli.cli.content.parts import Facts
from mnistcli.cli.defaults import option_text
from mnistcli.cli.output import Answer, pick
from mnistcli.cli.terminal.capabilities import GRAPHICS, choose_method
from mnistcli.cli.terminal.console import PlainConsole
from mnistcli.display import counted
from mnistcli.doctor import Diagnosis, without_home

# What decides on colours, widths and pictures.
_VARIABLES = (
    "TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "MNISTCLI_RENDER", "SSH_CONNECTION",
)  # fmt: skip
_OPEN = ("writable", "can be made")  # the states of a folder in which something can be kept
# What rich calls them, and how many that is.
_COLOURS = {"standard": "16 colours", "256": "256 colours", "truecolor": "16 million colours"}


def diagnosis_answer(diagnosis: Diagnosis, defaults: dict[str, tuple[str, str]]) -> Answer:
    """Show what `doctor` found."""
    damaged = [{"model": ref, "problem": problem} for ref, problem in diagnosis.damaged_models]
    document = {
        **pick(diagnosis, "python system n_cores versions paths datasets"),
        "models": {"n_whole": diagnosis.n_whole_models, "damaged": damaged},
        "terminal": _terminal(),
        "defaults": [
            {"option": name, "value": value, "origin": without_home(origin)}
            for name, (value, origin) in defaults.items()
        ],
        "damaged": diagnosis.damaged,
    }
    facts = [*_facts(diagnosis, document["terminal"], document["defaults"])]
    rows, last = [("what", "value")], ""
    for name, value in facts:
        last = name or last
        rows.append((last, value))
    (_, verdict), *_ = facts
    return Answer("doctor", document, diagnosis.damaged or [verdict], [Facts(facts)], rows)


def _facts(
    diagnosis: Diagnosis, terminal: dict[str, Any], defaults: list[dict[str, str]]
) -> Iterator[tuple[str, str]]:
    closed = ", ".join(each.what for each in diagnosis.paths if each.state not in _OPEN)
    whole = f"whole, but nothing can be kept in {closed}" if closed else "healthy"
    damaged = ", ".join(diagnosis.damaged)
    yield "Verdict", f"damaged: {damaged}" if damaged else whole
    yield "Python", diagnosis.python
    yield "System", f"{diagnosis.system}, {counted(diagnosis.n_cores, 'core')}"
    versions = diagnosis.versions.items()
    yield "Versions", ", ".join(f"{name} {version}" for name, version in versions if version)
    if missing := ", ".join(name for name, version in versions if not version):
        yield "", f"not installed: {missing}"
    folders = {each.what: f"{each.path}: {each.state}" for each in diagnosis.paths}
    yield "Datasets", folders["datasets"]
    for found in diagnosis.datasets:
        yield "", ": ".join(filter(None, (found.name, found.state, found.problem)))
    for name, what in (("Own digits", "own"), ("Features", "features"), ("Models", "models")):
        yield name, folders[what]
    yield "", f"{diagnosis.n_whole_models:,} whole"
    for ref, problem in diagnosis.damaged_models:
        yield "", f"{ref}: damaged: {problem}"
    kind = "a terminal" if terminal["is_terminal"] else "not a terminal"
    colours = _COLOURS.get(terminal["color_system"], "no colours")
    size = f"{terminal['width']} x {terminal['height']}"
    yield "Terminal", f"{kind}, {size}, {terminal['encoding']}, {colours}"
    graphics = terminal["graphics"] or "no graphics"
    methods = f"{terminal['one_picture']} for one picture, {terminal['many_pictures']} for several"
    yield "", f"{graphics}: {methods}"
    if terminal["variables"]:
        yield "", ", ".join(f"{name}={value}" for name, value in terminal["variables"].items())
    for i, each in enumerate(defaults):
        told = "{} {value}, from {origin}".format(option_text(each["option"]), **each)
        yield "" if i else "Defaults", without_home(told)


def _terminal() -> dict[str, Any]:
    """Return what stdout can show, by the same questions as for a picture."""
    stdout = PlainConsole()
    one, many = (choose_method("auto", stdout, n) for n in (1, 2))
    variables = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    if "SSH_CONNECTION" in variables:  # that there is one matters, not whose
        variables["SSH_CONNECTION"] = "set"
    return {
        **pick(stdout, "is_terminal width height encoding"),
        "color_system": None if stdout.no_color else stdout.color_system,
        "graphics": one if one in GRAPHICS else None,
        "one_picture": one,
        "many_pictures": many,
        "variables": variables,
    }
