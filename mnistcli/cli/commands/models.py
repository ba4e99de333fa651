"""``mnistcli models``: what is in the registry."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from mnistcli.cli import completion
from mnistcli.cli.options import DryRunFlag, ModelArgument, command
from mnistcli.cli.output import Output, write
from mnistcli.cli.session import Session
from mnistcli.errors import DataUnavailableError, NotReproducedError, UsageError
from mnistcli.registry.exports import Example, exporter, formats

app = typer.Typer(
    name="models",
    help="List, describe, tag, export, reproduce and remove trained models.",
    no_args_is_help=True,
)

OneModel = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", autocompletion=completion.models, help="NAME, NAME@VERSION or NAME@TAG."
    ),
]


@app.command("list")
@command("json", "tsv", "quiet")
def list_models(
    session: Session,
    out: Output,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", autocompletion=completion.models, show_default="all"),
    ] = None,
) -> None:
    """List the models, oldest version first, and builtin, which came with the program.

    With --quiet only what is yours, and can be removed.
    """
    from mnistcli.cli.views.models import ModelsView
    from mnistcli.registry.store import BUILTIN

    registry = session.registry()
    summaries = registry.summaries(name)
    if not (name or out.format == "quiet"):
        summaries = (*summaries, registry.summary(BUILTIN))
    out.emit(ModelsView(summaries))


@app.command()
@command("json", "tsv", apart=["cite json tsv format"])
def info(
    session: Session,
    out: Output,
    model: ModelArgument = None,
    cite: Annotated[bool, typer.Option("--cite", help="What to cite, as BibTeX.")] = False,
) -> None:
    """Show a model's card: task, data, solver, certificate, metrics, versions, command."""
    from mnistcli.cli.topics import references
    from mnistcli.cli.views.models import ModelView

    summary = session.registry().summary(model)
    if cite and summary.card:
        write(references(summary.card))
    else:
        out.emit(ModelView(summary))


@app.command()
@command("json")
def path(session: Session, out: Output, model: ModelArgument = None) -> None:
    """Print where a model's file is; without a model, the registry's folder."""
    from mnistcli.cli.views.models import PathView

    registry = session.registry()
    out.emit(PathView(str(registry.folder if model is None else registry.find(model).path)))


@app.command()
@command("json", "quiet")
def tag(
    session: Session,
    out: Output,
    model: OneModel,
    tag: Annotated[
        str | None, typer.Argument(metavar="[TAG]", help="A word: NAME@TAG is then this version.")
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", "-d", help="Forget the tag of NAME@TAG.")
    ] = False,
) -> None:
    """Name a version, or forget its name.

    Examples:

      mnistcli models tag 0v1@3 paper

      mnistcli models tag 0v1@paper --delete
    """
    from mnistcli.cli.views.models import ModelsView

    registry = session.registry()
    if delete == (tag is not None):
        raise UsageError("give either a tag or --delete")
    entry = registry.tag(model, tag) if tag is not None else registry.untag(model)
    out.emit(ModelsView([registry.summary(entry.ref)]))


@app.command()
@command("json", "quiet")
def rm(
    session: Session,
    out: Output,
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...", autocompletion=completion.models, help="NAME@VERSION, ..."
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Even if a tag stands for it.")
    ] = False,
    dry_run: DryRunFlag = False,
) -> None:
    """Remove versions for good. Their numbers are not given again."""
    from mnistcli.cli.views.models import ModelsView

    registry = session.registry()
    removal = registry.removable(*models, force=force)
    refs = [entry.ref for entry in removal.entries]
    summaries = [registry.summary(ref) for ref in refs]
    if removal.gone:
        out.note(f"removed before: {', '.join(removal.gone)}")
    if refs and not dry_run and (yes or out.is_confirmed(f"Remove {', '.join(refs)} for good?")):
        registry.remove(*refs, force=force)
        out.note(f"removed {', '.join(refs)}")
    else:
        out.note("nothing removed")
        summaries = summaries if dry_run else []
    if out.format != "table" or dry_run:
        out.emit(ModelsView(summaries, is_dry_run=dry_run))


@app.command()
@command("json", "tsv", "quiet")
def export(
    session: Session,
    out: Output,
    to: Annotated[
        str,
        typer.Option(
            metavar=f"[{'|'.join(formats())}]",
            autocompletion=formats,
            help="; ".join(f"{name}: {exporter(name).what}" for name in formats()) + ".",
        ),
    ],
    model: ModelArgument = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to; - is standard output, for what is text.",
            show_default="its name, such as 0v1-3.onnx",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Even if FILE is there.")] = False,
) -> None:
    """Write a model for other programs; says what the file is good for and what it costs to trust.

    Examples:

      mnistcli models export 0v1 --to joblib

      mnistcli models export digits@best --to onnx --output digits.onnx

      mnistcli models export builtin --to html --output digits.html
    """
    from mnistcli.cli.views.models import ExportView
    from mnistcli.registry.exports import encode_export, export_model

    is_stdout = output == Path("-")
    if is_stdout and not exporter(to).is_text:
        raise UsageError(f"{to} is no text to print", hint="name a file: --output FILE")
    if is_stdout and out.format not in ("table", "quiet"):
        raise UsageError(f"--output - and --{out.format} are both about standard output")
    loaded = session.registry().load(model)
    examples: Sequence[Example] = ()
    if exporter(to).shows_examples:
        from mnistcli.reporting import examples_of

        try:
            examples = examples_of(loaded, session.dataset(loaded.card.dataset, out))
        except (DataUnavailableError, UsageError) as error:
            out.note(f"without examples: {error.message}")
    if is_stdout:
        write(encode_export(loaded, to, examples).decode())
    else:
        export = export_model(loaded, to, output, overwrite=force, examples=examples)
        out.emit(ExportView(export))


@app.command()
@command("json", "tsv", "quiet")
def reproduce(session: Session, out: Output, model: ModelArgument = None) -> None:
    """Train a model again from its card and say whether the same comes out; if not, exit with 8.

    Examples:

      mnistcli models reproduce 0v1@paper
    """
    from mnistcli.cli.progress import bars
    from mnistcli.cli.views.models import ReproductionView
    from mnistcli.reproduction import reproduce

    loaded = session.registry().load(model)
    data = session.dataset_of(loaded, out)
    with bars(out) as shown:
        result = reproduce(loaded, data, n_jobs=-1, progress=shown)
    out.emit(ReproductionView(result))
    if not result.is_reproduced:
        raise NotReproducedError(loaded.ref, result.n_different, result.n_test)
