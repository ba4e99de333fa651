from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnistcli.cli.call import Call
from mnistcli.cli.options import (
    A_MODEL,
    DRY_RUN,
    MODEL_ARGUMENT,
    argument,
    command,
    model_argument,
    option,
)
from mnistcli.cli.output import write
from mnistcli.cli.progress import Bars
from mnistcli.cli.views import models as views
from mnistcli.errors import DataUnavailableError, NotReproducedError, UsageError
from mnistcli.registry.exports import encode_export, export_model, exporter, formats
from mnistcli.registry.store import BUILTIN


@command()
def list_(
    call: Call, name: str | None = model_argument(metavar="[NAME]", show_default="all")
) -> None:
    registry = call.registry()
    summaries = registry.summaries(name)
    if not (name or call.format == "quiet"):
        summaries = (*summaries, registry.summary(BUILTIN))
    call.emit(views.models_answer(summaries))


@command("json tsv", apart=["cite json tsv format"])
def info(
    call: Call, model: str | None = MODEL_ARGUMENT, cite: bool = option("What to cite, as BibTeX.")
) -> None:
    from mnistcli.cli.topics import references

    summary = call.registry().summary(model)
    if cite and summary.card:
        write(references(summary.card))
    else:
        call.emit(views.model_answer(summary))
    if summary.problem:
        call.registry().load(model)  # and fail for it as wherever the model is used


@command("json")
def path(
    call: Call,
    model: str | None = model_argument(A_MODEL, metavar="[MODEL]", show_default="their folder"),
) -> None:
    registry = call.registry()
    path = registry.folder if model is None else registry.summary(model).entry.path
    call.emit(views.path_answer(path))


@command("json quiet")
def tag(
    call: Call,
    model: str = model_argument("NAME, NAME@VERSION or NAME@TAG.", default=..., metavar="MODEL"),
    tag: str | None = argument("A word: NAME@TAG is then this version.", metavar="[TAG]"),
    delete: bool = option("Forget the tag of NAME@TAG.", "-d"),
) -> None:
    registry = call.registry()
    if delete == (tag is not None):
        raise UsageError("give either a tag or --delete")
    entry = registry.tag(model, tag) if tag is not None else registry.untag(model)
    call.emit(views.models_answer([registry.summary(entry.ref)]))


@command("json quiet")
def rm(
    call: Call,
    models: list[str] = model_argument("NAME@VERSION, ...", default=..., metavar="MODEL..."),
    yes: bool = option("Do not ask.", "-y"),
    force: bool = option("Even if a tag stands for it.", "-f"),
    dry_run: bool = DRY_RUN,
) -> None:
    registry = call.registry()
    entries, gone = registry.removable(*models, force=force)
    summaries = {entry.ref: registry.summary(entry.ref) for entry in entries}

    def remove() -> list[str]:
        removed = [each.ref for each in registry.remove(*summaries, force=force)]
        gone.extend(each for each in summaries if each not in removed)  # by another process
        return removed

    call.remove(summaries, remove, views.models_answer, yes=yes, dry_run=dry_run)
    if gone:
        call.note(f"removed before: {', '.join(gone)}")


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
        done = export_model(loaded, to, output, overwrite=force, examples=examples)
        call.emit(views.export_answer(done))


@command()
def reproduce(call: Call, model: str | None = MODEL_ARGUMENT) -> None:
    from mnistcli.training import reproduce

    loaded = call.registry().load(model)
    data = call.dataset_of(loaded)
    with Bars(call) as bars:
        result = reproduce(loaded, data, progress=bars)
    call.emit(views.reproduction_answer(result))
    if not result.is_reproduced:
        raise NotReproducedError(loaded.ref, result.n_different, result.n_test)
