"""Defaults that the user sets: ``MNISTCLI_<OPTION>``, or ``defaults.toml`` in the folder of settings.

What is given on the command line comes first, then the environment, then the file.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnistcli.cli.call import Call
from mnistcli.errors import StorageError, UsageError
from mnistcli.paths import HOME_VARIABLE, find_places

# What changes only the form of an answer, or where it is worked out, is set for every command ...
FORM = (
    "cluster", "dark", "disk", "format", "jobs", "memory", "render", "scale", "tls_ca", "tls_cert",
    "tls_key", "verbose", "width_mm",
)  # fmt: skip
# ... and what changes the answer for `train`, whose result says what it was.
OF_TRAIN = ("class_weight", "dataset", "preset")
_FOUND = "mnistcli.defaults"


def prepare(ctx: Any, words: Sequence[str]) -> None:
    """Let Typer look for the defaults of a command's options, before it parses them."""
    names = FORM + OF_TRAIN * (ctx.info_name == "train")
    mine = {each.name: each for each in ctx.command.params if each.name in names}
    for name, parameter in mine.items():
        parameter.envvar = _variable(name)
    if mine and not ctx.resilient_parsing and not {*ctx.help_option_names} & {*words}:
        found = ctx.meta[_FOUND] = find_defaults(ctx.find_root().obj.home)
        ctx.default_map = {name: found.get(name, (None,))[0] for name in mine}


def origin_of(name: str, ctx: Any) -> str | None:
    """Return the variable or file that gives an option; "" if it is typed, None if nobody gave it."""
    source = getattr(ctx.get_parameter_source(name), "name", "DEFAULT")
    if source == "DEFAULT":
        return None
    return "" if source == "COMMANDLINE" or ctx.parent is None else ctx.meta[_FOUND][name][1]


def tell(options: dict[str, Any], origins: dict[str, str], call: Call) -> list[str]:
    """Note which defaults are in effect; return those that change the answer, as a shell sets them.

    Variables that look like ours and are not are told, too.
    """
    words = []
    known = {HOME_VARIABLE, *map(_variable, FORM + OF_TRAIN)}
    for name in sorted({each for each in os.environ if each.startswith(_variable(""))} - known):
        call.note(f"{name} is no variable of mnistcli: see mnistcli help defaults")
    for name, origin in origins.items():
        if origin and options.get(name) is not None:
            # In quiet mode no result says what it was.
            say = call.warn if call.format == "quiet" and name in OF_TRAIN else call.detail
            say(f"{option_text(name)} {options[name]} is your default, from {origin}")
            words += [f"{_variable(name)}={options[name]}"] * (name in OF_TRAIN)
    return words


def find_defaults(home: Path | None) -> dict[str, tuple[str, str]]:
    """Return the value of each option that has one, and which variable or file it comes from."""
    from mnistcli.files import kind_of_path

    try:
        path = find_places(home).defaults
        is_there = kind_of_path(path) != "nothing"
    except StorageError:  # who needs the folder will say so
        is_there = False
    in_file = {name: (value, str(path)) for name, value in _read(path).items()} if is_there else {}
    variables = {name: _variable(name) for name in FORM + OF_TRAIN}
    set_there = {name: (os.environ[v], v) for name, v in variables.items() if os.environ.get(v)}
    return in_file | set_there


def _read(path: Path) -> dict[str, str]:
    import tomllib

    from mnistcli.files import open_regular

    with open_regular(path) as file:
        try:
            content = tomllib.loads(file.read().decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{path}: {error}", hint="see mnistcli help defaults") from None
    options = {name.replace("_", "-"): name for name in sorted(FORM + OF_TRAIN)}
    for key in content:
        if key not in options:
            hint = f"known are {', '.join(options)}"
            raise UsageError(f"{path}: {key} is no option with a default of yours", hint=hint)
    return {options[key]: str(value) for key, value in content.items()}


def option_text(name: str) -> str:
    """Return how an option is typed."""
    return f"--{name.strip('_').replace('_', '-')}"


def _variable(name: str) -> str:
    return f"MNISTCLI_{name.upper()}"
