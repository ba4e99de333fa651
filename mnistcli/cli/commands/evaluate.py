"""``mnistcli evaluate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mnistcli.cli.options import (
    AnotherDatasetOption,
    DataOption,
    JsonFlag,
    ModelArgument,
    PictureOption,
    QuietFlag,
    RawFlag,
    RenderOption,
    TsvFlag,
    make_output,
)
from mnistcli.cli.session import session_of
from mnistcli.errors import QualityGateError, UsageError
from mnistcli.metrics.catalog import metric_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mnistcli.metrics.gates import Gate
    from mnistcli.metrics.thresholds import Target, Threshold


def evaluate(
    ctx: typer.Context,
    model: ModelArgument = None,
    on: Annotated[
        Literal["test", "train"],
        typer.Option(help="The images that the model was tested on, or trained on."),
    ] = "test",
    data: DataOption = None,
    dataset: AnotherDatasetOption = None,
    mistakes: Annotated[
        int, typer.Option(metavar="N", min=0, help="Draw the N worst mistakes.")
    ] = 0,
    calibration: Annotated[
        bool,
        typer.Option(
            "--calibration",
            help="Say whether probabilities mean what they say: reliability table, Brier score.",
        ),
    ] = False,
    curves: Annotated[
        bool,
        typer.Option(
            "--curves",
            help="Draw the ROC and the precision-recall curve; of several classes the worst one's.",
        ),
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="Answer the positive class of two from this probability on.",
            show_default="more than 0.5",
        ),
    ] = None,
    threshold_for: Annotated[
        str | None,
        typer.Option(
            metavar="recall=R|precision=P",
            help="Choose the threshold that reaches this on the images the model was trained on.",
        ),
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC=BAR",
            help="Exit with code 8 if this is not reached; repeatable. "
            f"{', '.join(metric_names(larger_is_better=True))}; of "
            f"{', '.join(metric_names(larger_is_better=False))} less is better.",
        ),
    ] = None,
    raw: RawFlag = False,
    render: RenderOption = "auto",
    output: PictureOption = None,
    json: JsonFlag = False,
    tsv: TsvFlag = False,
    quiet: QuietFlag = False,
) -> None:
    """Judge a model: classification report, confusion matrix, ROC AUC, log loss and more.

    Examples:

      mnistcli evaluate

      mnistcli evaluate 2vrest@best --mistakes 5

      mnistcli evaluate 2vrest --threshold-for recall=0.99 --curves

      mnistcli evaluate digits --data train.csv --json

      mnistcli evaluate --fail-under accuracy=0.999 --fail-under log_loss=0.02
    """
    out = make_output(json=json, tsv=tsv, quiet=quiet, render=render)
    session = session_of(ctx)

    from mnistcli import evaluation
    from mnistcli.cli.views.evaluate import EvaluationView, legend_of_mistakes

    if data is not None and (dataset is not None or on == "train"):
        raise UsageError("--data goes with neither --dataset nor --on train")
    if output is not None and not mistakes:
        raise UsageError("--output is for pictures of mistakes", hint="add --mistakes 20")
    gates = _read_gates(fail_under or ())
    at, target = _read_threshold(threshold, threshold_for)
    loaded = session.registry().load(model)
    if target is not None:
        at = evaluation.threshold_for(loaded, target, session.dataset(loaded.card.dataset, out))
    if data is not None:
        from mnistcli.cli.inputs import own_digits

        own = own_digits(data, loaded.card.task, out, raw=raw)

        judged = evaluation.evaluate(loaded, own, n_mistakes=mistakes, name=str(data), threshold=at)
    else:
        images = session.dataset(dataset or loaded.card.dataset, out)
        judged = evaluation.evaluate(loaded, images, on=on, n_mistakes=mistakes, threshold=at)
    if output is not None:
        from mnistcli.cli.terminal.bitmap import write_sheet

        out.note(write_sheet(output, judged.mistakes, legend_of_mistakes(judged)))
    for note in judged.notes:
        out.warn(note)
    out.emit(
        EvaluationView(
            judged,
            mistakes,
            judged.mistakes if output is None else (),
            render,
            calibration=calibration,
            curves=judged.curves() if curves else (),
        )
    )
    if problems := [problem for gate in gates if (problem := gate.problem_with(judged.evaluation))]:
        raise QualityGateError(judged.model.ref, problems)


def _read_gates(texts: Sequence[str]) -> list[Gate]:
    if not texts:
        return []
    from mnistcli.metrics.gates import parse_gate

    return [parse_gate(text) for text in texts]


def _read_threshold(
    value: float | None, target: str | None
) -> tuple[Threshold | None, Target | None]:
    if value is not None and target is not None:
        raise UsageError("give either --threshold or --threshold-for")
    if value is None and target is None:
        return None, None
    from mnistcli.metrics.thresholds import Threshold, parse_target

    return (
        None if value is None else Threshold(value),
        None if target is None else parse_target(target),
    )
