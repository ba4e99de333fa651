from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import typer

from mnistcli.cli.call import Call
from mnistcli.cli.options import DRY_RUN, MODEL_ARGUMENT, argument, command, model_argument, option
from mnistcli.cli.output import Answer, write
from mnistcli.cli.progress import Bars
from mnistcli.cli.views.models import described, exported, listed, reproduced
from mnistcli.errors import DataUnavailableError, NotReproducedError, UsageError
from mnistcli.registry.exports import encode_export, export_model, exporter, formats
from mnistcli.registry.store import BUILTIN

app = typer.Typer(
    help="List, describe, tag, export, reproduce and remove trained models.", no_args_is_help=True
)


@app.command("list")
@command()
def list_models(
    call: Call, name: str | None = model_argument(metavar="[NAME]", show_default="all")
) -> None:
    """List the models, oldest version first, and builtin, which came with the program.

    With --quiet only what is yours, and can be removed.
    """
    registry = call.registry()
    summaries = registry.summaries(name)
    if not (name or call.format == "quiet"):
        summaries = (*summaries, registry.summary(BUILTIN))
    call.emit(listed(summaries))


@app.command()
@command("json tsv", apart=["cite json tsv format"])
def info(
    call: Call, model: str | None = MODEL_ARGUMENT, cite: bool = option("What to cite, as BibTeX.")
) -> None:
    """Show a model's card: task, data, solver, certificate, metrics, versions, command."""
    from mnistcli.cli.topics import references

    summary = call.registry().summary(model)
    if cite and summary.card:
        write(references(summary.card))
    else:
        call.emit(described(summary))


@app.command()
@command("json")
def path(call: Call, model: str | None = MODEL_ARGUMENT) -> None:
    """Print where a model's file is; without a model, the registry's folder."""
    registry = call.registry()
    path = str(registry.folder if model is None else registry.summary(model).entry.path)
    call.emit(Answer("path", {"path": path}, [path]))


@app.command()
@command("json quiet")
def tag(
    call: Call,
    model: str = model_argument("NAME, NAME@VERSION or NAME@TAG.", default=..., metavar="MODEL"),
    tag: str | None = argument("A word: NAME@TAG is then this version.", metavar="[TAG]"),
    delete: bool = option("Forget the tag of NAME@TAG.", "-d"),
) -> None:
    """Name a version, or forget its name.

    Examples:
      mnistcli models tag 0v1@3 paper
      mnistcli models tag 0v1@paper --delete
    """
    registry = call.registry()
    if delete == (tag is not None):
        raise UsageError("give either a tag or --delete")
    entry = registry.tag(model, tag) if tag is not None else registry.untag(model)
    call.emit(listed([registry.summary(entry.ref)]))


@app.command()
@command("json quiet")
def rm(
    call: Call,
    models: list[str] = model_argument("NAME@VERSION, ...", default=..., metavar="MODEL..."),
    yes: bool = option("Do not ask.", "-y"),
    force: bool = option("Even if a tag stands for it.", "-f"),
    dry_run: bool = DRY_RUN,
) -> None:
    """Remove versions for good. Their numbers are not given again."""
    registry = call.registry()
    entries, gone = registry.removable(*models, force=force)
    summaries = {entry.ref: registry.summary(entry.ref) for entry in entries}
    if gone:
        call.note(f"removed before: {', '.join(gone)}")
    remove = partial(registry.remove, *summaries, force=force)
    call.remove(summaries, remove, listed, yes=yes, dry_run=dry_run)


@app.command()
@command()
def export(
    call: Call,
    to: str = option(
        "; ".join(f"{name}: {exporter(name).what}" for name in formats()) + ".",
        default=...,
        metavar=f"[{'|'.join(formats())}]",
        autocompletion=formats,
    ),
    model: str | None = MODEL_ARGUMENT,
    output: Path | None = option(
        "Where to; - for standard output.", "-o", metavar="FILE", show_default="0v1-3.onnx, ..."
    ),
    force: bool = option("Even if FILE is there.", "-f"),
) -> None:
    """Write a model for other programs; says what the file is good for and what it costs to trust.

    Examples:
      mnistcli models export 0v1 --to joblib
      mnistcli models export digits@best --to onnx --output digits.onnx
      mnistcli models export builtin --to html --output digits.html
    """
    is_stdout = output == Path("-")
    if is_stdout and not exporter(to).is_text:
        raise UsageError(f"{to} is no text to print", hint="name a file: --output FILE")
    if is_stdout and call.format not in ("table", "quiet"):
        raise UsageError(f"--output - and --{call.format} are both about standard output")
    loaded = call.registry().load(model)
    examples: Sequence[Any] = ()
    if exporter(to).shows_examples:
        from mnistcli.evaluation import examples_of

        try:
            examples = examples_of(loaded, call.dataset(loaded.card.dataset))
        except (DataUnavailableError, UsageError) as error:
            call.note(f"without examples: {error.message}")
    if is_stdout:
        write(encode_export(loaded, to, examples).decode())
    else:
        call.emit(exported(export_model(loaded, to, output, overwrite=force, examples=examples)))


@app.command()
@command()
def reproduce(call: Call, model: str | None = MODEL_ARGUMENT) -> None:
    """Train a model again from its card and say whether the same comes out; if not, exit with 8.

    Examples:
      mnistcli models reproduce 0v1@paper
    """
    from mnistcli.training import reproduce

    loaded = call.registry().load(model)
    data = call.dataset_of(loaded)
    with Bars(call) as shown:
        result = reproduce(loaded, data, n_jobs=-1, progress=shown)
    call.emit(reproduced(result))
    if not result.is_reproduced:
        raise NotReproducedError(loaded.ref, result.n_different, result.n_test)
