"""``mnistcli predict``."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistcli.cli import completion
from mnistcli.cli.drawing.file import FigureFile
from mnistcli.cli.options import ModelOption, RawFlag, command
from mnistcli.cli.output import Output, report_error
from mnistcli.cli.progress import bars
from mnistcli.cli.session import Session
from mnistcli.errors import BadImageError, SomeInputsFailedError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mnistcli.registry.model_file import Model


@command(
    "json",
    "jsonl",
    "tsv",
    "quiet",
    apart=["keep index number", "number index explain raw"],
    draws=True,
)
def predict(
    session: Session,
    out: Output,
    figure: FigureFile | None,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[INPUT]...",
            help="Pictures (PNG, JPEG, ...), folders of them, NPY, npz, CSV, ARFF or IDX files of many; "
            "- for standard input.",
        ),
    ] = None,
    model: ModelOption = None,
    index: Annotated[
        list[int] | None,
        typer.Option(
            "--index", "-i", metavar="INDEX", help="An image of the model's test set; repeatable."
        ),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Print the probability of every class.")
    ] = False,
    number: Annotated[
        bool, typer.Option("--number", help="Read every digit of a picture, line by line.")
    ] = False,
    show: Annotated[
        bool,
        typer.Option(
            "--show", help="Draw each picture beside what the model saw, or its digits in boxes."
        ),
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Draw what each pixel contributed to the answer.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS",
            help="With --explain: why not this class.",
            show_default="the next best answer",
        ),
    ] = None,
    abstain_below: Annotated[
        float,
        typer.Option(
            metavar="P",
            min=0.0,
            max=1.0,
            help="Answer ? where the best probability is below P.",
            show_default="never",
        ),
    ] = 0.0,
    abstain_unlike: Annotated[
        bool,
        typer.Option(
            "--abstain-unlike", help="Answer ? where a digit is unlike all training images."
        ),
    ] = False,
    files0: Annotated[
        str | None,
        typer.Option(
            "--files0",
            metavar="FILE",
            help="Read the names of inputs from a NUL-separated list; - for standard input.",
        ),
    ] = None,
    truth: Annotated[
        str | None, typer.Option(metavar="DIGIT", help="What the pictures show, for --keep.")
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=completion.own_datasets,
            help="Add the pictures, labelled --truth, to the training images of a dataset of yours.",
        ),
    ] = None,
    raw: RawFlag = False,
) -> None:
    """Say which digit a picture shows, or which digits, with the newest model or another.

    Before anything is trained, with builtin, a model that is part of the installation.

    Examples:

      mnistcli predict seven.png --show

      mnistcli predict --index 7 --explain --against 4

      mnistcli predict number.jpg --number --show

      mnistcli predict scans/ --model digits@best --abstain-below 0.9 --tsv

      mnistcli predict seven.png --truth 7 --keep mine

      find . -name '*.png' -print0 | mnistcli predict --files0 - --jsonl
    """
    if sum((bool(inputs), bool(index), files0 is not None)) != 1:
        raise UsageError("give either pictures, --files0 or --index", hint="for example --index 7")
    label = _label(truth, keep)
    if against is not None and not explain:
        raise UsageError("--against goes with --explain", hint=f"--explain --against {against}")

    from mnistcli import prediction
    from mnistcli.cli.inputs import (
        Tally,
        collected,
        count_pictures,
        inputs_of,
        listed_inputs,
        tallied,
    )
    from mnistcli.cli.views.predict import PredictionsView, SheetOfPredictions

    if number:  # what draws boxes is not worth loading for others
        from mnistcli.cli.views.predict_number import NumbersView, SheetOfNumbers

    loaded = session.model(model, out)
    if against is not None:
        loaded.card.task.class_index(against)
    tally = Tally()
    # Drawings and lines that come one by one are their own progress.
    is_shown = (show or explain) and figure is None
    on_screen = sys.stdout.isatty() and (is_shown or out.format in ("jsonl", "tsv", "csv"))
    with bars(out, unit="items", hidden=on_screen) as shown:

        def report(error: BadImageError) -> None:
            with shown.aside():
                report_error(error, as_json=out.format in ("json", "jsonl"))

        answers: Iterable[Any]  # what the view below takes
        if index:
            data = session.dataset_of(loaded, out)
            answers = prediction.predict_indices(loaded, data, index, abstain_below=abstain_below)
        else:
            named = inputs_of(inputs or ()) if files0 is None else listed_inputs(files0)
            if (files0 == "-" or "-" in (inputs or ())) and sys.stdin.isatty():
                out.note("reading standard input from the terminal; Ctrl-D ends it")
            if number:
                answers = prediction.predict_numbers(loaded, named, abstain_below)
            else:
                answers = prediction.predict_files(
                    loaded, named, raw=raw, abstain_below=abstain_below
                )
            answers = shown.follow_pictures(answers, count_pictures(named))
        if abstain_unlike:
            if not loaded.typicality:
                out.note(f"{loaded.ref} keeps nothing to tell what is unlike: train it again")
            answers = prediction.abstain_unlike(answers)
        seen: list[NDArray[np.uint8]] = []
        answers = collected(tallied(answers, tally, report), seen if keep else None)
        sheet = (SheetOfNumbers if number else SheetOfPredictions)(
            loaded, answers, explain, against
        )
        given = answers if figure is None else sheet
        view = PredictionsView(loaded, given, proba, show, explain, against, is_shown)
        if number:
            alone = str(Path(inputs[0])) if inputs and len(inputs) == 1 else ""
            view = NumbersView(loaded, given, proba, draw=is_shown, alone=alone)
        out.emit(view)
    if keep is not None and seen:
        out.note(session.store().own.keep(keep, seen, label))
    if figure:
        out.note(figure.draw(sheet.panel()))
    is_looked_at = out.format == "table" and sys.stdout.isatty()
    if is_looked_at and (number or (tally.n_drawn and not raw)) and _sees_pixels_of_digits(loaded):
        out.note("builtin reads such pictures better than a model of pixels: --model builtin")
    what = "with digits " if number else ""
    if tally.n_unlike:
        out.note(f"{tally.n_unlike} of {tally.n_inputs} {what}{prediction.UNLIKE} of {loaded.ref}")
    if tally.n_abstained:
        reasons = [f"below {abstain_below:g}"] if abstain_below else []
        reasons += ["unlike"] if abstain_unlike else []
        why = " or ".join(reasons)
        out.note(f"{tally.n_abstained} of {tally.n_inputs} {what}{why}: answered ?")
    if tally.n_failed:
        raise SomeInputsFailedError(tally.n_failed, tally.n_inputs)


def _label(truth: str | None, keep: str | None) -> int:
    """Read what is to be kept as what, before any picture is looked at."""
    if (truth is None) != (keep is None):
        raise UsageError("--truth and --keep go together", hint="--truth 7 --keep mine")
    if truth is None or keep is None:
        return 0
    from mnistcli.datasets.own import check_own_name
    from mnistcli.gallery import parse_digit

    check_own_name(keep)
    return parse_digit(truth)


def _sees_pixels_of_digits(model: "Model") -> bool:
    """Return whether it is a model of pixels that answers with digits, as builtin does."""
    is_of_digits = all(len(name) == 1 for name in model.card.class_names)
    return is_of_digits and model.card.feature_spec.kind == "pixels"
