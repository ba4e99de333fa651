"""``mnistcli curve``."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnistcli.cli import completion
from mnistcli.cli.drawing.file import FigureFile
from mnistcli.cli.options import DatasetOption, command, model_option
from mnistcli.cli.output import Output, write
from mnistcli.cli.session import Session
from mnistcli.errors import UsageError
from mnistcli.features import FeatureSpec
from mnistcli.ranges import DISTURBANCES, RANGES, check_choice
from mnistcli.settings import (
    PRESETS,
    ClassWeight,
    Penalty,
    PresetSettings,
    SolverName,
    SolverSettings,
    SplitSpec,
    TrainingSettings,
)

if TYPE_CHECKING:
    from mnistcli.learning_curves import CurvePoint, Variant

several_option = partial(typer.Option, rich_help_panel="One value or several, with commas")
_APART = [
    "preset features",
    "cluster jobs",
    "disturb task limit C preset features seeds seed penalty class_weight solver dataset resume",
]


@command("json", "jsonl", "tsv", "quiet", apart=_APART)
def curve(
    session: Session,
    out: Output,
    figure: FigureFile | None,
    cluster: Any,
    task: Annotated[
        str,
        several_option(
            "--task", "-t", metavar="TASKS", autocompletion=completion.tasks, help="3v8,4v9"
        ),
    ] = "",
    limit: Annotated[
        str, several_option(metavar="NUMBERS", help="Train on so many images: 100,300,1000.")
    ] = "",
    C: Annotated[
        str,
        several_option(
            "--C", metavar="NUMBERS", help="0.01,0.1,1", show_default="1, or the preset's"
        ),
    ] = "",
    preset: Annotated[
        str, several_option(metavar="NAMES", help=",".join(PRESETS), show_default="fast")
    ] = "",
    features: Annotated[
        str,
        several_option(metavar="NAMES", help=",".join(FeatureSpec.kinds()), show_default="pixels"),
    ] = "",
    seeds: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Train each N times, seed by seed.")
    ] = 1,
    seed: Annotated[int, typer.Option(help=f"The first seed, {RANGES['seed']}.")] = 0,
    penalty: Annotated[Penalty, typer.Option(help="As for train.")] = "l2",
    class_weight: Annotated[ClassWeight | None, typer.Option(help="As for train.")] = None,
    solver: Annotated[SolverName, typer.Option(help="As for train.")] = "auto",
    disturb: Annotated[
        str | None,
        typer.Option(
            metavar="KIND=NUMBERS",
            help="Judge models on test images with "
            + ", ".join(f"{name} ({unit})" for name, (_, unit) in DISTURBANCES.items())
            + ": rotate=0,10,20. 0 is the images themselves.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        model_option("--model", "-m", help="For --disturb; repeatable.", show_default="the newest"),
    ] = None,
    dataset: DatasetOption = "mnist",
    jobs: Annotated[
        int | None, typer.Option(help="Processes; -1 for all cores.", show_default="1")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help="Keep each point in this file as it comes, and begin with those it has.",
        ),
    ] = None,
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
    from mnistcli.cli.progress import bars
    from mnistcli.cli.views.curve import NUMBERS, POINT_START, CurveView, point_line
    from mnistcli.tasks import parse_task

    if not disturb and (model or not task):
        raise UsageError(
            "--model goes with --disturb" if model else "no task was given",
            hint="for example mnistcli curve --task 3v8 --limit 100,300,1000",
        )
    given = {
        "task": _values("task", task, parse_task),
        "limit": _values("limit", limit, int),
        "C": _values("C", C, float),
        "preset": _values("preset", preset, str),
        "features": _values("features", features, str),
    }
    for name in given["preset"]:
        check_choice("preset", name, tuple(PRESETS))
    axis, lines = ("strength", "model") if disturb else learning_curves.axis_and_lines(given)
    if figure and axis not in NUMBERS:
        raise UsageError(f"values of {axis} are no numbers to draw a line over")
    file = resume and learning_curves.PointFile(resume, POINT_START)
    points, order = [], {}
    if disturb:
        source = _disturbed(session, out, disturb, model or [])
    else:
        base = SolverSettings(penalty=penalty, class_weight=class_weight, solver=solver)
        variants = _variants(given, range(seed, seed + seeds), base)
        data, cache = session.dataset(dataset, out), session.features()
        order = {learning_curves.key_of(each, data): i for i, each in enumerate(variants)}
        points = [point for point in (file.read() if file else ()) if point.key in order]
        known = tuple(points)
        source = partial(learning_curves.curve_points, data, variants, known=known, cache=cache)
    if out.format == "jsonl":
        for point in points:
            write(point_line(point))
    with cluster, bars(out) as shown:
        for point in source(n_jobs=jobs, progress=shown):
            points.append(point)
            line = point_line(point)
            if file:
                file.add(line)
            if out.format == "jsonl":
                write(line)
    points.sort(key=lambda point: order.get(point.key, 0))
    view = CurveView(tuple(points), axis, lines)
    if figure:
        out.note(figure.draw(view.plot()))
    if out.format != "jsonl":
        out.emit(view)


def _disturbed(
    session: Session, out: Output, disturb: str, refs: Sequence[str]
) -> "Callable[..., Iterable[CurvePoint]]":
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
    loaded = [session.model(ref, out) for ref in refs] or [session.model(None, out)]
    models = list({each.ref: each for each in loaded}.values())
    check_common_dataset(models)
    return partial(disturbed_points, models, session.dataset_of(models[0], out), kind, strengths)


def _variants(given: dict[str, Any], seeds: Iterable[int], base: SolverSettings) -> "list[Variant]":
    """Return every combination of what was given, in its order."""
    from mnistcli.learning_curves import Variant

    alone: list[Any] = [None]
    names = given["preset"] or given["features"] or ["fast"]
    variants = []
    for name, task, limit, seed in product(names, given["task"], given["limit"] or alone, seeds):
        chosen = PRESETS[name] if name in PRESETS else PresetSettings(FeatureSpec.of(name), 1.0)
        tol = chosen.tol if base.penalty == "l2" and base.solver == "auto" else None
        for C in given["C"] or [chosen.C]:
            minimised, split = replace(base, C=C, tol=tol), SplitSpec(seed=seed, limit=limit)
            TrainingSettings(minimised, split, chosen.features)  # for its checks
            preset = name if name in PRESETS else None
            variants.append(Variant(task, split, chosen.features, minimised, preset))
    return variants


def _values(name: str, text: str, read: Callable[[str], Any]) -> list[Any]:
    values = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        try:
            values.append(read(part))
        except ValueError:
            raise UsageError(f"--{name} takes numbers, not {part!r}") from None
    return list(dict.fromkeys(values))
