"""Option types that several commands share, worded once."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from mnistcli.cli import completion
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

JsonFlag = Annotated[bool, output_option("--json", help="Print one JSON document.")]
JsonLinesFlag = Annotated[
    bool, output_option("--jsonl", help="Print JSON lines, each as soon as it is known.")
]
TsvFlag = Annotated[bool, output_option("--tsv", help="Print tab-separated values with a header.")]
QuietFlag = Annotated[
    bool, output_option("--quiet", "-q", help="Print only the answer itself, and no notes.")
]


def png_only(path: Path | None) -> Path | None:
    """Refuse the name of a picture file that is none of PNG, before any work is done."""
    if path is not None and path.suffix.lower() != ".png":
        raise UsageError(f"cannot write a picture to {path}", hint="use a name that ends in .png")
    return path


RawFlag = Annotated[
    bool, typer.Option("--raw", help="Take 28 x 28 pixels as they are, light ink on black.")
]
RenderOption = Annotated[
    Render,
    output_option(
        "--render",
        envvar="MNISTCLI_RENDER",
        help="How to draw pictures.",
        show_default="the best the terminal can",
    ),
]
PictureOption = Annotated[
    Path | None,
    output_option(
        "--output",
        "-o",
        metavar="FILE.png",
        callback=png_only,
        help="Write pictures to a PNG file instead of drawing them.",
    ),
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
ModelArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        autocompletion=completion.models,
        help=_A_MODEL,
        show_default="the newest",
    ),
]
ModelOption = Annotated[
    str | None, model_option("--model", "-m", help=_A_MODEL, show_default="the newest")
]


def make_output(
    *,
    json: bool = False,
    tsv: bool = False,
    quiet: bool = False,
    jsonl: bool = False,
    render: Render = "auto",
) -> Output:
    """Return the output door for a command's flags; two formats at once are a mistake."""
    flags: dict[Format, bool] = {"json": json, "jsonl": jsonl, "tsv": tsv, "quiet": quiet}
    chosen = [name for name, wanted in flags.items() if wanted]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(f'--{name}' for name in chosen)} exclude each other")
    return Output(chosen[0] if chosen else "table", render)
