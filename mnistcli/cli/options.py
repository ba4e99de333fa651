"""What several commands share: options, worded once, and the flags for the format of an answer."""

import contextlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial, wraps
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any, Literal, cast

import typer
from typer.models import OptionInfo

from mnistcli._version import __version__
from mnistcli.cli import completion, defaults
from mnistcli.cli.call import Call
from mnistcli.cli.defaults import option_text
from mnistcli.cli.figure import ENDINGS, FigureFile
from mnistcli.cli.output import Format
from mnistcli.cli.terminal.capabilities import Render
from mnistcli.datasets.catalog import CATALOG, check_own_name
from mnistcli.errors import StorageError, UsageError
from mnistcli.paths import check_ending
from mnistcli.ranges import RANGES


def option(help: str, *names: str, default: Any = None, **settings: Any) -> Any:
    """Describe an option; ``names`` where it has a letter too, or is not called as its parameter."""
    return typer.Option(default, *names, help=help, case_sensitive=False, **settings)


def argument(help: str = "", *, default: Any = None, **settings: Any) -> Any:
    """Describe an argument; one with the default ``...`` is needed."""
    return typer.Argument(default, help=help, case_sensitive=False, **settings)


output_option = partial(option, rich_help_panel="Output")
model_named = partial(option, metavar="MODEL", autocompletion=completion.models)
dataset_named = partial(option, metavar="NAME", autocompletion=completion.datasets)
own_dataset_named = partial(
    option, metavar="NAME", parser=check_own_name, autocompletion=completion.own_datasets
)
task_named = partial(option, metavar="TASK", autocompletion=completion.tasks)
model_argument = partial(argument, autocompletion=completion.models)

A_MODEL = "NAME, NAME@VERSION, NAME@TAG, a model file or builtin."
MODEL_ARGUMENT = model_argument(A_MODEL, metavar="[MODEL]", show_default="the newest")
MODEL = model_named(A_MODEL, "-m", show_default="the newest")
DATASET = dataset_named(
    f"One of {', '.join(CATALOG)}, one of your own, or several joined: mnist+mine.", default="mnist"
)
OTHER_DATASET = dataset_named("Another dataset.", show_default="the model's own")
DATA = option(
    "Your own labelled digits instead: a folder or an archive as of download --source, CSV or ARFF "
    "(label,pixel0,...,pixel783), npz (images, labels), the images of an IDX pair, ...; "
    "- for standard input.",
    metavar="FILE|FOLDER",
)
RAW = option("Take 28 x 28 pixels as they are, light ink on black.")
REMOVE = dataset_named("Remove a dataset for good.")
DRY_RUN = option("Only show what would be removed.")

_figure_option = partial(option, rich_help_panel="Figures")
_cluster_option = partial(option, rich_help_panel="Other machines (mnistcli help cluster)")
_pem = partial(_cluster_option, metavar="FILE.pem", show_default="as Dask's configuration")


def _output(
    *,
    render: Render = output_option(
        "How to draw pictures.", default="auto", show_default="the best here"
    ),
    json: bool = output_option("Print one JSON document."),
    jsonl: bool = output_option("Print JSON lines, each as soon as it is known."),
    tsv: bool = output_option("Print tab-separated values with a header."),
    quiet: bool = output_option("Print only the answer itself, and no notes.", "-q"),
    format: Literal["table", "markdown", "latex", "csv", "tsv", "json"] | None = output_option(
        "The same rows for papers and programs.", show_default="table"
    ),
    verbose: bool = output_option("Say on stderr what is done, and when.", "-v"),
) -> None:
    """Declare what a command may offer by these names, see `command`."""


def figure_of(
    *,
    output: Path | None = _figure_option(
        f"Draw into a file: {', '.join(ENDINGS)}.", "-o", metavar="FILE.svg"
    ),
    width_mm: float | None = _figure_option(
        "How wide; letters keep their size from 50.", min=30, max=841, show_default="85 for a plot"
    ),
    scale: float = _figure_option("How large all of it is.", default=1.0, min=0.25, max=5),
    dark: bool = _figure_option("Draw on dark paper, for slides."),
) -> FigureFile | None:
    """Return where a figure goes, if one is asked for, by a name in a format that can be written."""
    if output is None:
        return None
    check_ending(output, ENDINGS, "draw into")
    if output.suffix.lower() == ".pdf" and not find_spec("reportlab"):
        hint = "pip install 'mnistcli[pdf]', or draw into .svg or .png"
        raise UsageError("a PDF needs reportlab, which is not installed", hint=hint)
    return FigureFile(output, scale, width_mm, dark=dark)


def cluster_of(
    *,
    cluster: str | None = _cluster_option(
        "Where fits are done: local[:N], or tls://HOST:PORT, a Dask scheduler.", metavar="ADDRESS"
    ),
    insecure: bool = _cluster_option("Plain tcp to others, in a network that is yours alone."),
    tls_ca: Path | None = _pem("Who signs the certificates."),
    tls_cert: Path | None = _pem("The certificate of this machine."),
    tls_key: Path | None = _pem("Its key."),
) -> contextlib.AbstractContextManager[None]:
    """Return what lends a cluster to a block of code, or nothing."""
    if cluster is None:
        return contextlib.nullcontext()
    from mnistcli.cluster import lend_cluster

    return lend_cluster(
        cluster, insecure=insecure, tls_ca=tls_ca, tls_cert=tls_cert, tls_key=tls_key
    )


# What a `Call` has by these names where it is offered; their parameters are the user's options.
GROUPS: dict[str, Callable[..., Any]] = {"figure": figure_of, "cluster": cluster_of}


_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def command(
    offers: str = "json tsv quiet",
    *,
    apart: Sequence[str] = (),
    together: Sequence[str] = (),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the `Call`, and the user the options that are offered of `_output` and `GROUPS`.

    A command is a function of a call and of options of its own. What Typer gets in its place has
    the options that are offered as well: they say what the call is, with which the command then
    runs. The first option of each string in ``apart`` excludes every other in it, and the others of
    a string in ``together`` go with its first.
    """
    offered, output = [*offers.split(), "verbose"], _parameters_of(_output)
    offered += ["format"] * ("tsv" in offered)
    of_output = {name: output[name] for name in output if name in offered}
    of_groups = {name: _parameters_of(GROUPS[name]) for name in offered if name in GROUPS}

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        _, *own = _parameters_of(function).values()  # without the call
        others = (each.values() for each in (of_output, *of_groups.values()))
        options = {each.name: _name_option(each) for each in chain(own, *others)}
        described = {name: each.default for name, each in options.items()}
        excluding = _pairs(*apart, "quiet verbose", "render json jsonl tsv quiet output")
        needing = _pairs(*together, *map(" ".join, of_groups.values()))

        @wraps(function)
        def run(ctx: typer.Context, **values: Any) -> None:
            # Who gave each option that is given; then defaults of the user's may have to give way.
            found = {name: defaults.origin_of(name, ctx) for name in values}
            origins = {name: origin for name, origin in found.items() if origin is not None}
            for weak in _defaults_giving_way(excluding, needing, described, origins):
                values[weak] = described[weak].default
                del origins[weak]
            # What the call is, by the options of the output, and then by those of the groups.
            answer = {name: values.pop(name) for name in of_output}
            call: Call = replace(
                ctx.find_root().obj,
                render=answer.pop("render", "auto"),
                verbose=answer.pop("verbose"),
                format=_format(answer, origins.get("format")),
            )
            call = replace(call, defaults=defaults.tell(values | answer, origins, call))
            call.detail(f"mnistcli {__version__}, Python {sys.version.split()[0]}")
            try:
                for group, names in of_groups.items():
                    made = GROUPS[group](**{name: values.pop(name) for name in names})
                    call = replace(call, **{group: made})
                function(call, **values)
            except StorageError as error:
                call.add_hint(error)
                raise
            except UsageError as error:
                _tell_options(error, origins)
                error.hint = error.hint or f"see {ctx.command_path} --help"
                raise
            call.detail("done")

        # Typer would read annotations that are strings four times.
        context = inspect.Parameter("ctx", _KEYWORD, annotation=typer.Context)
        run.__signature__ = inspect.Signature([*options.values(), context])  # type: ignore[attr-defined]
        run.__annotations__ = {}
        return run

    return decorate


def _parameters_of(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function, eval_str=True).parameters


def _name_option(parameter: inspect.Parameter) -> inspect.Parameter:
    """Call an option as its parameter; Typer would call it --c, and a flag --raw/--no-raw."""
    described = copy(parameter.default)
    if isinstance(described, OptionInfo):
        if not any(name.startswith("--") for name in described.param_decls or ()):
            described.param_decls = (option_text(parameter.name), *(described.param_decls or ()))
        if parameter.annotation is bool and described.default is None:
            described.default = False
    return parameter.replace(kind=_KEYWORD, default=described)


def _pairs(*rules: str) -> list[tuple[str, str]]:
    return [(first, other) for first, *others in map(str.split, rules) for other in others]


def _defaults_giving_way(
    apart: Sequence[tuple[str, str]],
    together: Sequence[tuple[str, str]],
    described: Mapping[str, Any],
    origins: Mapping[str, str],
) -> Iterator[str]:
    """Yield the defaults of the user's that give way; raise UsageError for what makes no sense.

    The origin of an option that is given is the variable or file of a default, or "".
    """
    for pair in apart:
        if origins.keys() >= {*pair}:
            weak = [name for name in pair if origins[name]]
            if len(weak) != 1:
                one, other = map(option_text, pair)
                hint = "see mnistcli doctor" if weak else f"leave {other} away"
                raise UsageError(f"{one} and {other} exclude each other", hint=hint)
            yield weak[0]
    for first, other in together:
        if other in origins and first not in origins:
            if not origins[other]:
                hint = f"{option_text(first)} {described[first].metavar or ''}".rstrip()
                raise UsageError(f"{option_text(other)} goes with {option_text(first)}", hint=hint)
            yield other


def _format(asked: dict[str, Any], origin: str | None) -> Format:
    """Return the format that is asked for by a flag, or by the name that ``origin`` gave."""
    named = asked.pop("format", None)
    chosen = {f"--{name}": name for name, wanted in asked.items() if wanted}
    if named and [*chosen.values()] != [named] and not (chosen and origin):
        chosen[f"--format {named}"] = named
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} exclude each other", hint="leave one away")
    return cast("Format", next(iter(chosen.values()), "table"))


def _tell_options(error: UsageError, origins: Mapping[str, str]) -> None:
    """Call settings as their options in an error, and add which are defaults, and from where."""
    if (setting := error.message.partition(" = ")[0]) in RANGES:
        error.message = error.message.replace(setting, RANGES[setting].option or setting, 1)
    error.hint = error.typed_hint or error.hint
    said = f"{error.message} {error.hint} ".replace(",", " ")
    from_there = [each for name, each in origins.items() if f"{option_text(name)} " in said]
    error.message = ", from ".join(filter(None, (error.message, *from_there)))
