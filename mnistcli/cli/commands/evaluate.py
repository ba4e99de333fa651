"""``mnistcli evaluate``."""

from typing import Annotated, Literal

import typer

from mnistcli.cli.drawing.file import FigureFile
from mnistcli.cli.options import (
    AnotherDatasetOption,
    DataOption,
    ModelArgument,
    RawFlag,
    command,
)
from mnistcli.cli.output import Output
from mnistcli.cli.session import Session
from mnistcli.errors import QualityGateError, UsageError
from mnistcli.metrics.catalog import metric_names


@command("json", "tsv", "quiet", apart=["data dataset on", "threshold threshold_for"], draws=True)
def evaluate(
    session: Session,
    out: Output,
    figure: FigureFile | None,
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
    confusion: Annotated[
        bool, typer.Option("--confusion", help="Draw the confusion matrix into the --output.")
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
) -> None:
    """Judge a model: classification report, confusion matrix, ROC AUC, log loss and more.

    Examples:

      mnistcli evaluate

      mnistcli evaluate 2vrest@best --mistakes 5

      mnistcli evaluate 2vrest --threshold-for recall=0.99 --curves

      mnistcli evaluate digits --data train.csv --json

      mnistcli evaluate digits --confusion --curves --output figure.pdf --width-mm 170

      mnistcli evaluate --fail-under accuracy=0.999 --fail-under log_loss=0.02
    """
    from mnistcli import evaluation
    from mnistcli.cli.views.evaluate import EvaluationView
    from mnistcli.metrics.catalog import parse_gate

    if confusion and figure is None:
        raise UsageError("--confusion goes with --output", hint="--output confusion.svg")
    if figure and not (mistakes or calibration or curves or confusion):
        hint = "add --curves, --confusion, --calibration or --mistakes 20"
        raise UsageError("--output draws what is asked for", hint=hint)
    gates = [parse_gate(text) for text in fail_under or ()]
    at = target = None
    if threshold is not None or threshold_for is not None:
        from mnistcli.metrics.thresholds import Threshold, parse_target

        at = None if threshold is None else Threshold(threshold)
        target = None if threshold_for is None else parse_target(threshold_for)
    loaded = session.registry().load(model)
    if target is not None:
        at = evaluation.threshold_for(loaded, target, session.dataset_of(loaded, out))
    images = session.images(loaded, out, dataset, data, raw=raw)
    judged = evaluation.evaluate(
        loaded, images, on=on, n_mistakes=mistakes, name=str(data), threshold=at
    )
    for note in judged.notes:
        out.warn(note)
    view = EvaluationView(
        judged,
        mistakes,
        n_drawn=0 if figure else mistakes,
        calibration=calibration,
        curves=judged.curves() if curves else (),
    )
    if figure:
        out.note(figure.draw(*view.panels(confusion=confusion)))
    out.emit(view)
    if problems := [problem for gate in gates if (problem := gate.problem_with(judged.evaluation))]:
        raise QualityGateError(judged.model.ref, problems)
