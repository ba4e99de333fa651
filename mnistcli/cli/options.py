"""What several commands share: options, worded once, and the flags for the format of an answer."""

import contextlib
import inspect
from collections.abc import Callable, Sequence
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from mnistcli.cli import completion, defaults
from mnistcli.cli.drawing.file import ENDINGS, FigureFile, check_ending
from mnistcli.cli.output import Format, Output
from mnistcli.cli.terminal.capabilities import Render
from mnistcli.datasets.catalog import CATALOG
from mnistcli.errors import UsageError

output_option = partial(typer.Option, rich_help_panel="Output")
model_option = partial(typer.Option, metavar="MODEL", autocompletion=completion.models)
dataset_option = partial(
    typer.Option, "--dataset", metavar="NAME", autocompletion=completion.datasets
)
_A_MODEL = "NAME, NAME@VERSION, NAME@TAG, a model file or builtin."

FORMATS: dict[Format, Any] = {
    "json": output_option("--json", help="Print one JSON document."),
    "jsonl": output_option("--jsonl", help="Print JSON lines, each as soon as it is known."),
    "tsv": output_option("--tsv", help="Print tab-separated values with a header."),
    "quiet": output_option("--quiet", "-q", help="Print only the answer itself, and no notes."),
}
TableFormat = Literal["table", "markdown", "latex", "csv", "tsv", "json"]
_VERBOSE = output_option("--verbose", "-v", help="Say on stderr what is read, and when.")
_FORMAT = output_option(help="The same rows for papers and programs.", show_default="table")


RawFlag = Annotated[
    bool, typer.Option("--raw", help="Take 28 x 28 pixels as they are, light ink on black.")
]
DryRunFlag = Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")]
RenderOption = Annotated[
    Render,
    output_option(help="How to draw pictures.", show_default="the best the terminal can"),
]
DatasetOption = Annotated[
    str,
    dataset_option(
        help=f"One of {', '.join(CATALOG)}, one of your own, or several joined: mnist+mine."
    ),
]
AnotherDatasetOption = Annotated[
    str | None, dataset_option(help="Another dataset.", show_default="the model's own")
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Your own labelled digits instead: CSV or ARFF (label,pixel0,...,pixel783), "
        "npz (images, labels) or the images of an IDX pair; - for standard input.",
    ),
]
model_argument = partial(
    typer.Argument, autocompletion=completion.models, help=_A_MODEL, show_default="the newest"
)
ModelArgument = Annotated[str | None, model_argument(metavar="[MODEL]")]
ModelOption = Annotated[
    str | None, model_option("--model", "-m", help=_A_MODEL, show_default="the newest")
]
# Of each command that takes a figure: what it draws goes into a file.
_figure_option = partial(typer.Option, rich_help_panel="Figures")
FIGURE: dict[str, Any] = {
    "output": Annotated[
        Path | None,
        _figure_option(
            "--output",
            "-o",
            metavar="FILE",
            callback=check_ending,
            help=f"Draw into a file: {', '.join(ENDINGS)}.",
        ),
    ],
    "width_mm": Annotated[
        float | None,
        _figure_option(
            "--width-mm",
            min=30,
            max=841,
            help="How wide it is; letters keep their size.",
            show_default="85 for a plot",
        ),
    ],
    "scale": Annotated[
        float | None,
        _figure_option(
            "--scale", min=0.25, max=5, help="How large all of it is.", show_default="1"
        ),
    ],
    "dark": Annotated[bool, _figure_option("--dark", help="Draw on dark paper, for slides.")],
}
cluster_option = partial(typer.Option, rich_help_panel="Other machines (mnistcli help cluster)")
_pem = partial(cluster_option, metavar="FILE.pem", show_default="as Dask's configuration")
_ADDRESS = "Where folds and fits are done: local[:N], or tls://HOST:PORT, a Dask scheduler."
_INSECURE = "Plain tcp to other machines, in a network that is yours alone."
CLUSTER: dict[str, Any] = {
    "cluster": Annotated[str | None, cluster_option(metavar="ADDRESS", help=_ADDRESS)],
    "insecure": Annotated[bool, cluster_option("--insecure", help=_INSECURE)],
    "tls_ca": Annotated[Path | None, _pem(help="Who signs the certificates.")],
    "tls_cert": Annotated[Path | None, _pem(help="The certificate of this machine.")],
    "tls_key": Annotated[Path | None, _pem(help="Its key.")],
}
# What a command takes instead of these options.
GROUPS = {"figure": FIGURE, "cluster": CLUSTER}


def command(
    *formats: Format, apart: Sequence[str] = (), draws: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command ``session``, ``out``, ``figure``, ``cluster`` of the call, those that it takes.

    In their place the user has a flag for each of the formats, the options of `GROUPS`, and of a
    command that draws ``--render``. The first option of each string in ``apart`` excludes every
    other in it.
    """
    flags = [_parameter(name, Annotated[bool, FORMATS[name]], default=False) for name in formats]
    if "tsv" in formats:
        flags.append(_parameter("format", Annotated[TableFormat | None, _FORMAT], default=None))
    if draws:
        flags.append(_parameter("render", RenderOption, default="auto"))
    flags.append(_parameter("verbose", Annotated[bool, _VERBOSE], default=False))
    rules = [rule.split() for rule in (*apart, "quiet verbose")]
    pairs = [(first, other) for first, *others in rules for other in others]

    def decorated(function: Callable[..., None]) -> Callable[..., None]:
        taken = inspect.signature(function, eval_str=True).parameters
        groups = {name: group for name, group in GROUPS.items() if name in taken}
        for group in groups.values():
            flags.extend(_parameter(name, each, default=None) for name, each in group.items())

        @wraps(function)
        def run(ctx: typer.Context, **options: Any) -> None:
            origins = {name: defaults.origin_of(name, ctx) for name in options}
            usual = {each.name: each.default for each in (*taken.values(), *flags)}
            given = {name for name in options if options[name] not in (usual[name], [])}
            for pair in pairs:
                if given.issuperset(pair):
                    _part(pair, options, origins)
            shape = _format({name: options.pop(name) for name in formats}, options, origins)
            out = Output(shape, options.pop("render", "auto"), verbose=options.pop("verbose"))
            words = defaults.tell(options, origins, out)
            shared = {"session": ctx.find_root().obj._replace(defaults=words), "out": out}
            for name, group in groups.items():
                members = {each: options.pop(each) for each in group}
                shared[name] = _grouped(name, members, origins)
            if out.verbose:
                from mnistcli.cli.verbose import tell_files

                tell_files(out, ctx.find_root().obj.home)
            function(**options, **{name: shared[name] for name in taken.keys() & shared})
            out.detail("done")

        own = [each for name, each in taken.items() if name not in ("session", "out", *GROUPS)]
        # Typer would read annotations that are strings four times.
        run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [*own, *flags, _parameter("ctx", typer.Context)]
        )
        run.__annotations__ = {}
        return run

    return decorated


def _part(pair: tuple[str, str], options: dict[str, Any], origins: dict[str, str]) -> None:
    """Let a default of the user's give way to what it excludes; raise UsageError where neither is one."""
    weak = [name for name in pair if origins[name]]
    if len(weak) != 1:
        one, other = (f"--{name.replace('_', '-')}" for name in pair)
        hint = "see mnistcli doctor" if weak else f"leave {other} away"
        raise UsageError(f"{one} and {other} exclude each other", hint=hint)
    options[weak[0]] = None


def _format(flags: dict[Format, bool], options: dict[str, Any], origins: dict[str, str]) -> Format:
    """Return the format that is asked for by a flag or by name."""
    chosen = {f"--{name}": name for name, wanted in flags.items() if wanted}
    named = options.pop("format", None)
    if named and [*chosen.values()] != [named] and not (chosen and origins["format"]):
        chosen[f"--format {named}"] = named
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} exclude each other")
    return next(iter(chosen.values()), "table")


def _grouped(group: str, options: dict[str, Any], origins: dict[str, str]) -> Any:
    """Return what a group of options is for; without the first the others make no sense."""
    (first, value), *_ = options.items()
    given = {name: options[name] for name in options if options[name] and name != first}
    asked = [name for name in given if not origins[name]]
    if value is None and asked:
        name = asked[0].replace("_", "-")
        example = {"output": "FILE.svg", "cluster": "tls://HOST:8786"}[first]
        raise UsageError(f"--{name} goes with --{first}", hint=f"--{first} {example}")
    if group == "figure":
        return None if value is None else FigureFile(value, **given)
    if value is None:
        return contextlib.nullcontext()
    from mnistcli.cluster import joined

    return joined(value, **given)


def _parameter(name: str, annotation: Any, **settings: Any) -> inspect.Parameter:
    keyword = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, keyword, annotation=annotation, **settings)
