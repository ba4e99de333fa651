"""Commands as Typer parses them, with our help and our errors.

Typer draws its own help with rich, and importing what it takes for that (rich.markdown,
rich.syntax, rich.traceback and more) costs more than all the rest of ``mnistcli --help``. What is
wrong with a command line becomes a `UsageError` like any other, with the nearest spelling as hint.
"""

import math
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise, takewhile
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from mnistcli.cli import defaults
from mnistcli.cli.output import write
from mnistcli.errors import UsageError
from mnistcli.paths import did_you_mean
from mnistcli.ranges import RANGES
from mnistcli.tasks import nearest

HelpRows = Iterable[tuple[str, tuple[str, str]]]

# What commands are called elsewhere, and here.
_MEANT = {
    **dict.fromkeys(("rm", "remove", "delete", "del"), "models rm"),
    **dict.fromkeys(("list", "ls"), "models list"),
    **{word: f"models {word}" for word in ("info", "tag", "export", "reproduce", "path")},
    "show": "models info",
    "fit": "train",
    "test": "evaluate",
    "classify": "predict",
}

# Where nothing was given.
UNSET = "is a variable of the shell not set?"

# What Typer raises for a wrong command line; it carries its own copy of click.
ParsingError: Any = typer.BadParameter.__base__


class _Parsed:
    """What commands and groups have in common."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option that prints help by our own door."""
        option = super().get_help_option(ctx)  # type: ignore[misc]
        option.callback = _print_help
        return option

    def format_help_text(self, _: Any, formatter: Any) -> None:
        """Write what it is for; examples, which are indented, line by line."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(self.help.replace("\nExamples:\n", "\n\b\nExamples:\n"))  # type: ignore[attr-defined]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what can be given; of a group its commands, each with all of its first line."""
        below = getattr(self, "commands", {}).items()
        rows = ((_panel(c) or "Commands", (n, c.get_short_help_str(limit=200))) for n, c in below)
        write_sections(formatter, chain(parameter_rows(self, ctx), rows))

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Parse, and refuse what no option means: an empty word, one dash for two, two values, NaN."""
        words = list(args)
        defaults.prepare(ctx, words)
        args[:] = _with_values(args, self.params)  # type: ignore[attr-defined]
        if not ctx.resilient_parsing:
            _check_dashes(ctx, words)
            _, _, given = self.make_parser(ctx).parse_args([*args])  # type: ignore[attr-defined]
            for each, n_times in Counter(given).items():
                if n_times > 1 and not (each.multiple or each.is_flag):  # the first would be lost
                    said = f"{max(each.opts, key=len)} stands twice"
                    raise UsageError(said, hint="it takes one value: leave one away")
        rest = super().parse_args(ctx, args)  # type: ignore[misc]
        for name, value in ctx.params.items():
            if isinstance(value, float) and not math.isfinite(value):
                hint = RANGES[name].hint(name) if name in RANGES else "write a finite number"
                raise UsageError(f"{defaults.option_text(name)} {value} is no number", hint=hint)
        return rest


def _with_values(words: Sequence[str], parameters: Iterable[Any]) -> list[str]:
    """Write - where an option of a ``[FILE]`` has none: in ``--watch 0v1``, which is no file name."""
    files = [each.opts for each in parameters if str(each.metavar).startswith("[FILE")]
    bare = {*chain(*files)}
    pairs = pairwise([*words, ""])
    return [f"{it}=-" if it in bare and not Path(after).suffix else it for it, after in pairs]


class SectionedCommand(_Parsed, TyperCommand):
    """A command whose help has a section for each panel."""


class SectionedGroup(_Parsed, TyperGroup):
    """A group whose help has a section for each panel."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Parse; print the help where nothing is given."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            _print_help(ctx, None, wanted=True)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is called."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            near = did_you_mean(args[0], self.commands, before=f"{ctx.command_path} ")
            if meant := _MEANT.get(args[0]):
                near = f"did you mean {ctx.find_root().command_path} {meant}?"
            hint = near or f"see {ctx.command_path} --help"
            raise UsageError(f"there is no command {args[0]!r}", hint=hint)
        return super().resolve_command(ctx, args)


def usage_error(error: Any) -> UsageError:
    """Return what Typer says about a command line as an error of ours."""
    message, *_ = " ".join(error.format_message().split()).split(" Recognized values:")
    message = message.rstrip(".").replace("Got unexpected extra argument(s)", "too many arguments:")
    message = message[:1].lower() + message[1:]
    for kind, name in (("int", "whole number"), ("float", "number"), ("boolean", "yes or no")):
        message = re.sub(f"is not a valid {kind}( range)?", f"is no {name}", message)
    ctx, parameter = error.ctx, getattr(error, "param", None)
    if ctx is None:  # an option without its value
        return UsageError(message, hint=f"write {error.option_name} and its value")
    if hasattr(error, "possibilities"):
        message = f"there is no option {error.option_name}"
        if error.option_name in _options_of(ctx.find_root()):
            hint = f"it stands before the command: mnistcli {error.option_name}"
        elif not (hint := did_you_mean(error.option_name, _options_of(ctx))) and ctx.parent is None:
            hint = f"options of a command stand behind it: mnistcli COMMAND {error.option_name}"
    elif parameter is None:
        extra, task = message.partition("too many arguments: ")[2], ctx.params.get("task")
        near = nearest(f"{task} {extra}") if extra and task else ""
        hint = f"did you mean {near}?" if near else ""
        typed = extra.strip("()")
        if "task" in ctx.params and not task and all(map(nearest, typed.split(","))):
            hint = f"tasks are named so: --task {typed}"
    else:
        message = message.replace(f" (env var: {parameter.envvar!r})", "")
        message += f", from {origin}" if (origin := defaults.origin_of(parameter.name, ctx)) else ""
        hint = _what_it_takes(parameter, ctx, message, is_missing=hasattr(error, "param_type"))
    return UsageError(message, hint=hint or f"see {ctx.command_path} --help")


def _what_it_takes(parameter: Any, ctx: Any, message: str, *, is_missing: bool) -> str:
    """Return a hint at the value of an option or argument that is wrong, or not there."""
    choices = [*map(str, getattr(parameter.type, "choices", ()))]
    if is_missing:
        option = parameter.opts[0] if parameter.opts[0].startswith("-") else ""
        value = choices[0] if choices else parameter.make_metavar(ctx).strip("{}[]").split("|")[0]
        return f"type {ctx.command_path} {option} {value}".replace("  ", " ")
    if parameter.name in RANGES:
        return RANGES[parameter.name].hint(parameter.name)
    if getattr(parameter, "multiple", False):
        return f"{parameter.opts[0]} takes one at a time, and may stand several times"
    return did_you_mean(message.partition(": '")[2].partition("'")[0], choices)


def check_words(words: Sequence[str]) -> None:
    """Raise UsageError for a word that is empty, as an unset variable of the shell is."""
    for before, word in pairwise(["", *words]):
        option = f"what stands behind {before}" if re.match("-+[^-]", before) else "an argument"
        if word.startswith("--") and word.endswith("="):
            option, word = f"what stands behind {word[:-1]}", ""  # noqa: PLW2901 - the value
        if not word:
            raise UsageError(f"{option} is empty", hint=UNSET)


def write_sections(formatter: Any, rows: HelpRows) -> None:
    """Write rows of two columns, each under its heading."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for title, row in rows:
        sections.setdefault(title, []).append(row)
    is_bold = sys.stdout.isatty()
    for title, members in sections.items():
        with formatter.section(typer.style(title, bold=True) if is_bold else title):
            formatter.write_dl(members)


def _check_dashes(ctx: Any, words: Sequence[str]) -> None:
    """Raise UsageError for ``-task 0v1``, which Typer would read as ``-t ask 0v1``, and for a file."""
    options, is_group = _options_of(ctx), hasattr(ctx.command, "commands")

    def is_ours(word: str) -> bool:  # what stands behind a command is for the command
        return word != "--" and (word.startswith("-") or not is_group)

    for word in takewhile(is_ours, words):
        name = word.partition("=")[0]
        if name.startswith("-") and name not in {*options, "-"} and os.path.lexists(word):
            raise UsageError(f"there is no option {word}", hint=f"name the file so: ./{word}")
        if name.startswith("-") and name not in options and f"-{name}" in options:
            raise UsageError(f"there is no option {name}", hint=f"did you mean -{name}?")


def _options_of(ctx: Any) -> set[str]:
    parameters = ctx.command.get_params(ctx)
    names = (name for each in parameters for name in (*each.opts, *each.secondary_opts))
    return {name for name in names if name.startswith("-")}  # arguments have none


def _print_help(ctx: Any, _: Any, wanted: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if wanted and not ctx.resilient_parsing:
        write(ctx.get_help() + "\n")
        raise typer.Exit


def parameter_rows(command: Any, ctx: Any) -> HelpRows:
    """Yield each argument and option with its panel, its names and what is said about it."""
    for parameter in command.get_params(ctx):
        if record := parameter.get_help_record(ctx):  # a hidden option has none
            yield _panel(parameter) or f"{parameter.param_type_name}s".capitalize(), record


def _panel(thing: object) -> str | None:
    return getattr(thing, "rich_help_panel", None)
