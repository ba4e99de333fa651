from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from itertools import chain, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistcli import settings
from mnistcli.cli import completion
from mnistcli.cli.call import Call
from mnistcli.cli.figure import FigureFile
from mnistcli.cli.options import DATASET, command, model_named, option
from mnistcli.cli.output import write
from mnistcli.errors import UsageError
from mnistcli.features import FeatureSpec
from mnistcli.ranges import DISTURBANCES, RANGES, check_choice
from mnistcli.settings import PRESETS

if TYPE_CHECKING:
    from mnistcli.learning_curves import CurvePoint, Variant

list_option = partial(option, default="", metavar="NAMES", rich_help_panel="Several, with commas")
_APART = [
    "preset features",
    "cluster jobs",
    "disturb task limit C preset features seeds seed penalty class_weight solver dataset resume jobs cluster",
]


@command("json jsonl tsv quiet", apart=_APART, together=["disturb model"])
def curve(
    call: Call,
    figure: FigureFile | None,
    cluster: Any,
    task: str = list_option("3v8,4v9", "-t", metavar="TASKS", autocompletion=completion.tasks),
    limit: str = list_option("Train on so many images: 100,300,1000.", metavar="NUMBERS"),
    C: str = list_option("0.01,0.1,1", metavar="NUMBERS", show_default="1, or the preset's"),
    preset: str = list_option(",".join(PRESETS), show_default="fast"),
    features: str = list_option(",".join(FeatureSpec.kinds()), show_default="pixels"),
    seeds: int = option("Train each N times.", default=1, metavar="N", min=1, max=1000),
    seed: int = option(f"The first seed, {RANGES['seed']}.", default=0),
    penalty: settings.Penalty = option("As for train.", default="l2"),
    class_weight: settings.ClassWeight | None = option("As for train."),
    solver: settings.SolverName = option("As for train.", default="auto"),
    disturb: str | None = option(
        "Judge models on test images with "
        + ", ".join(f"{name} ({unit})" for name, (_, unit) in DISTURBANCES.items())
        + ": rotate=0,10,20. 0 is the images themselves.",
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
    """Train for several sizes, C, features or tasks, and draw how good each is.

    Of --limit, --C, --preset, --features and --task the first with several values is the axis, a
    second one makes a line each. All points of a task are judged on the same test images. With
    --disturb models that were trained before are judged on test images that are disturbed.

    Examples:
      mnistcli curve --task 3v8 --limit 100,300,1000,3000 --seeds 5
      mnistcli curve --task 0v1,3v8,4v9 --C 0.001,0.01,0.1,1 -o curve.svg
      mnistcli curve --task digits --preset fast,better --limit 300,1000 --resume points.jsonl
      mnistcli curve --disturb rotate=0,10,20,30 -m digits -m builtin
    """
    from mnistcli import learning_curves
    from mnistcli.cli.progress import Bars
    from mnistcli.cli.views.curve import NUMBERS, POINT_START, drawn_curve, point_line
    from mnistcli.tasks import parse_task

    if not (disturb or task):
        hint = "for example mnistcli curve --task 3v8 --limit 100,300,1000"
        raise UsageError("no task was given", hint=hint)
    read: dict[str, Any] = {"task": parse_task, "limit": int, "C": float}
    texts = zip(learning_curves.AXES, (limit, C, preset, features, task), strict=True)
    given = {name: _values(name, text, read.get(name, str)) for name, text in texts}
    for name in given["preset"]:
        check_choice("preset", name, tuple(PRESETS))
    axis, lines = ("strength", "model") if disturb else learning_curves.axis_and_lines(given)
    if figure and axis not in NUMBERS:
        raise UsageError(f"values of {axis} are no numbers to draw a line over")
    file = resume and learning_curves.PointFile(resume, POINT_START)
    points: list[CurvePoint] = []
    known, order = [], {}
    if disturb:
        source = _disturbed(call, disturb, model or [])
    else:
        base = settings.SolverSettings(penalty=penalty, class_weight=class_weight, solver=solver)
        variants = _planned(given, range(seed, seed + seeds), base)
        data, cache = call.dataset(dataset), call.features()
        order = {learning_curves.key_of(each, data): i for i, each in enumerate(variants)}
        known = [point for point in (file.read() if file else ()) if point.key in order]
        trained = learning_curves.curve_points
        source = partial(trained, data, variants, known=tuple(known), cache=cache)
    with cluster, Bars(call) as shown:
        for point in chain(known, source(n_jobs=jobs, progress=shown)):
            points.append(point)
            if file and len(points) > len(known):
                file.add(point_line(point))
            if call.format == "jsonl":
                write(point_line(point))
    points.sort(key=lambda point: order.get(point.key, 0))
    found = learning_curves.Curve(points, axis, lines)
    call.emit(drawn_curve(found, is_for_paper=call.format in ("markdown", "latex")), figure)


def _disturbed(call: Call, disturb: str, refs: list[str]) -> "Callable[..., Iterable[CurvePoint]]":
    """Return what yields the points of models over the strengths that ``rotate=0,10,20`` names."""
    from mnistcli.comparison import check_common_dataset
    from mnistcli.robustness import disturbed_points

    kind, _, numbers = disturb.partition("=")
    strengths = _values(f"disturb {kind}", numbers, float)
    if kind not in DISTURBANCES or not strengths:
        known = f"for example rotate=0,10,20; there are {', '.join(DISTURBANCES)}"
        raise UsageError(f"{disturb!r} is no disturbance", hint=known)
    for each in strengths:
        DISTURBANCES[kind][0].checked(kind, each)
    loaded = [call.model(ref) for ref in refs] or [call.model(None)]
    models = list({each.ref: each for each in loaded}.values())
    check_common_dataset(models)
    return partial(disturbed_points, models, call.dataset_of(models[0]), kind, strengths)


def _planned(given: dict[str, Any], seeds: range, base: settings.SolverSettings) -> "list[Variant]":
    from mnistcli.learning_curves import Variant

    alone: list[Any] = [None]
    names = given["preset"] or given["features"] or ["fast"]
    variants = []
    for name, task, limit, seed in product(names, given["task"], given["limit"] or alone, seeds):
        chosen = PRESETS.get(name) or settings.PresetSettings(FeatureSpec.of(name), 1.0)
        tol = chosen.tol if base.penalty == "l2" and base.solver == "auto" else None
        split = settings.SplitSpec(seed=seed, limit=limit)
        for C in given["C"] or [chosen.C]:
            minimised = replace(base, C=C, tol=tol)
            settings.TrainingSettings(minimised, split, chosen.features)  # for its checks
            preset = name if name in PRESETS else None
            variants.append(Variant(task, split, chosen.features, minimised, preset))
    return variants


def _values(name: str, text: str, read: Callable[[str], Any]) -> list[Any]:
    parts = [part.strip() for part in text.split(",")]
    try:
        return [*dict.fromkeys(read(part) for part in parts if part)]
    except ValueError:
        raise UsageError(f"--{name} takes numbers, not {text!r}") from None
