from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mnistcli import settings
from mnistcli.cli import completion
from mnistcli.cli.call import Call
from mnistcli.cli.options import DATASET, command, model_named, option
from mnistcli.cli.output import write
from mnistcli.cli.parsing import UNSET
from mnistcli.cli.progress import Bars
from mnistcli.errors import UsageError
from mnistcli.features import FeatureSpec
from mnistcli.ranges import DISTURBANCES, RANGES
from mnistcli.tasks import parse_task

_APART = [
    "preset features",
    "cluster jobs",
    "disturb task limit C preset features seeds seed penalty class_weight solver dataset resume jobs cluster",
]


def _several(read: Callable[[str], Any], text: str) -> list[Any]:
    parts = filter(None, map(str.strip, text.split(",")))
    try:
        values = [*dict.fromkeys(map(read, parts))]
    except ValueError:
        hint = "put commas between them: 0.1,1,10"
        raise UsageError(f"{text!r} are no such numbers", hint=hint) from None
    if not values:
        raise UsageError(f"{text!r} has nothing between its commas", hint=UNSET)
    return values


def _disturbance(text: str) -> tuple[str, list[float]]:
    kind, _, numbers = text.partition("=")
    if kind not in DISTURBANCES or not numbers:
        known = f"for example rotate=0,10,20; there are {', '.join(DISTURBANCES)}"
        raise UsageError(f"{text!r} is no disturbance", hint=known)
    checked = DISTURBANCES[kind][0].checked
    return kind, [checked(kind, each) for each in _several(float, numbers)]


def list_option(read: Callable[[str], Any], *described: str, **how: Any) -> Any:
    how = {"metavar": "NUMBERS" if read in (int, float) else "NAMES"} | how
    panel = "Several, with commas"
    return option(*described, parser=partial(_several, read), rich_help_panel=panel, **how)


@command("json jsonl tsv quiet figure cluster", apart=_APART, together=["disturb model"])
def curve(
    call: Call,
    task: Any = list_option(
        parse_task, "3v8,4v9", "-t", metavar="TASKS", autocompletion=completion.tasks
    ),
    limit: Any = list_option(int, "Train on so many images: 100,300,1000."),
    C: Any = list_option(float, "0.01,0.1,1", show_default="1, or the preset's"),
    preset: Any = list_option(str, ",".join(settings.PRESETS), show_default="fast"),
    features: Any = list_option(str, ",".join(FeatureSpec.kinds()), show_default="pixels"),
    seeds: int = option("Train each N times.", default=1, metavar="N", min=1, max=1000),
    seed: int = option(f"The first seed, {RANGES['seed']}.", default=0),
    penalty: settings.Penalty = option("As for train.", default="l2"),
    class_weight: settings.ClassWeight | None = option("As for train."),
    solver: settings.SolverName = option("As for train.", default="auto"),
    disturb: Any = option(
        "Judge models on test images with "
        + ", ".join(f"{name} ({unit})" for name, (_, unit) in DISTURBANCES.items())
        + ": rotate=0,10,20. 0 is the images themselves.",
        parser=_disturbance,
        metavar="KIND=NUMBERS",
    ),
    model: list[str] | None = model_named(
        "For --disturb; repeatable.", "-m", show_default="the newest"
    ),
    dataset: str = DATASET,
    jobs: int | None = option("Processes; -1 for all cores.", show_default="1"),
    resume: Path | None = option(
        "Keep points in this file as they come; begin with those it has.", metavar="FILE.jsonl"
    ),
) -> None:
    from mnistcli import learning_curves
    from mnistcli.cli.views.curve import NUMBERS, curve_answer, point_line

    if not (disturb or task):
        hint = "for example mnistcli curve --task 3v8 --limit 100,300,1000"
        raise UsageError("no task was given", hint=hint)
    lists = zip(learning_curves.AXES, (limit, C, preset, features, task), strict=True)
    given = {name: values or [] for name, values in lists}
    axis, lines = ("strength", "model") if disturb else learning_curves.axis_and_lines(given)
    if call.figure and axis not in NUMBERS:
        raise UsageError(f"values of {axis} are no numbers to draw a line over")
    order = {}
    if disturb:
        from mnistcli.comparison import common_dataset
        from mnistcli.robustness import disturbed_points

        models = {each.ref: each for each in map(call.model, model or (None,))}
        name = common_dataset([*models.values()])
        data = call.dataset_of(next(iter(models.values())), name)
        source = partial(disturbed_points, [*models.values()], data, *disturb)
    else:
        base = settings.SolverSettings(penalty=penalty, class_weight=class_weight, solver=solver)
        variants = learning_curves.plan_variants(given, range(seed, seed + seeds), base)
        file = learning_curves.PointFile(resume, point_line) if resume else None
        data, cache = call.dataset(dataset), call.features()
        order = {learning_curves.key_of(each, data): i for i, each in enumerate(variants)}
        source = partial(learning_curves.curve_points, data, variants, file=file, cache=cache)
    points = []
    with call.cluster, Bars(call) as bars:
        for point in source(n_jobs=jobs, progress=bars):
            points.append(point)
            if call.format == "jsonl":
                write(point_line(point))
    points.sort(key=lambda point: order.get(point.key, 0))
    found = learning_curves.Curve(points, axis, lines)
    call.emit(curve_answer(found, is_for_paper=call.is_for_paper))
