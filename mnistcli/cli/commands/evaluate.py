from pathlib import Path
from typing import Literal

from mnistcli.cli.call import Call
from mnistcli.cli.options import DATA, MODEL_ARGUMENT, OTHER_DATASET, RAW, command, option
from mnistcli.errors import QualityGateError, UsageError
from mnistcli.metrics.catalog import metric_names, parse_gate


@command(
    "render json tsv quiet figure",
    apart=["data dataset on", "threshold threshold_for"],
    together=["output confusion", "data raw"],
)
def evaluate(
    call: Call,
    model: str | None = MODEL_ARGUMENT,
    on: Literal["test", "train"] = option(
        "The images that the model was tested on, or trained on.", default="test"
    ),
    data: Path | None = DATA,
    dataset: str | None = OTHER_DATASET,
    mistakes: int = option("Draw the N worst mistakes.", default=0, metavar="N", min=0),
    calibration: bool = option("Do probabilities mean what they say? Reliability, Brier score."),
    curves: bool = option("Draw ROC and precision-recall curves; of several classes the worst."),
    confusion: bool = option("Draw the confusion matrix into the --output."),
    threshold: float | None = option(
        "The positive class from this probability on.", metavar="P", show_default="more than 0.5"
    ),
    threshold_for: str | None = option(
        "Choose the threshold that reaches this on the images the model was trained on.",
        metavar="recall=R|precision=P",
    ),
    fail_under: list[str] | None = option(
        "Exit with code 8 if this is not reached; repeatable. "
        f"{', '.join(metric_names(larger_is_better=True))}; of "
        f"{', '.join(metric_names(larger_is_better=False))} less is better.",
        metavar="METRIC=BAR",
    ),
    raw: bool = RAW,
) -> None:
    from mnistcli import evaluation
    from mnistcli.cli.views.evaluate import evaluation_answer

    if call.figure and not (mistakes or calibration or curves or confusion):
        hint = "add --curves, --confusion, --calibration or --mistakes 20"
        raise UsageError("--output draws what is asked for", hint=hint)
    gates = [parse_gate(text) for text in fail_under or ()]
    at = target = None
    if threshold is not None or threshold_for is not None:
        from mnistcli.metrics.curves import Threshold, parse_target

        at = None if threshold is None else Threshold(threshold)
        target = None if threshold_for is None else parse_target(threshold_for)
    loaded = call.registry().load(model)
    if target is not None:
        at = evaluation.threshold_for(loaded, target, call.dataset_of(loaded))
    images = call.images(loaded, dataset, data, raw=raw)
    judged = evaluation.evaluate(loaded, images, on=on, name=str(data), threshold=at)
    call.warn(*judged.notes)
    asked = {"calibration": calibration, "curves": curves, "confusion": confusion}
    call.emit(evaluation_answer(judged, mistakes, **asked, in_file=call.figure is not None))
    told = (metric.problem_with(judged.evaluation, bar) for metric, bar in gates)
    if problems := [*filter(None, told)]:
        raise QualityGateError(judged.model.ref, problems)
