"""``mnistcli train``."""

import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import typer

from mnistcli.cli import completion
from mnistcli.cli.options import DatasetOption, command
from mnistcli.cli.output import Output
from mnistcli.cli.session import Session
from mnistcli.errors import StorageError, UsageError
from mnistcli.features import FEATURE_KINDS, FURTHER_STAGES, FeatureSpec
from mnistcli.ranges import RANGES
from mnistcli.settings import (
    PRESETS,
    ClassWeight,
    FoldSpec,
    Penalty,
    Preset,
    SolverName,
    SolverSettings,
    SplitKind,
    SplitSpec,
    TrainingSettings,
    solvers_for,
)

# Whose machines took part changes no bit and is nobody's business.
_ELSEWHERE = re.compile(r" --insecure\b| '?--(?:cluster|tls-\w+)[ =](?:'[^']*'|\S+)")
model_option = partial(typer.Option, rich_help_panel="What is minimised")
data_option = partial(typer.Option, rich_help_panel="Images")


def _size(text: str) -> int:
    """Read 2GB, 500M or 3.5 GiB; raise UsageError for what is no size."""
    parts = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{0,9})?) ?([kmgt]?)(i?)b?", text.strip().lower())
    if not parts:
        raise UsageError(f"{text!r} is no size", hint="for example 2GB, 500M or 1.5 GiB")
    number, unit, is_binary = parts.groups()
    return round(float(number) * float((1024 if is_binary else 1000) ** " kmgt".index(unit or " ")))


size_option = partial(data_option, parser=_size, metavar="SIZE")


@command("json", "tsv", "quiet", apart=["preset features", "cluster jobs"])
def train(
    session: Session,
    out: Output,
    cluster: Any,
    task: Annotated[
        str | None,
        typer.Argument(
            metavar="TASK",
            autocompletion=completion.tasks,
            help="0v1, 2vrest, 17v49, 0v1v2, even-odd, digits, pairs, ...",
        ),
    ] = None,
    task_option: Annotated[
        str | None,
        typer.Option(
            "--task", "-t", metavar="TASK", autocompletion=completion.tasks, help="The same."
        ),
    ] = None,
    preset: Annotated[
        Preset | None,
        typer.Option(
            help="Features and C that go together: fast, pixels (7.4 % errors on the ten digits in "
            "3 s); better, patches and their expansion (0.48 %, 20 s); best, more of them and deformed "
            "copies of the images (0.47 %, 3 min).",
            show_default="fast",
        ),
    ] = None,
    features: Annotated[
        str | None,
        model_option(
            metavar=f"[{'|'.join(FEATURE_KINDS)}][+{'|'.join(FURTHER_STAGES)}]",
            autocompletion=FeatureSpec.kinds,
            help="What the model looks at; "
            + "; ".join(f"{name}: {kind.summary}" for name, kind in FEATURE_KINDS.items())
            + "".join(f"; +{name}: {stage.summary}" for name, stage in FURTHER_STAGES.items())
            + ".",
            show_default="pixels",
        ),
    ] = None,
    copies: Annotated[
        int | None,
        data_option(
            metavar="K",
            help=f"Train on K deformed copies of every image as well, {RANGES['n_copies']}.",
            show_default="0, or the preset's",
        ),
    ] = None,
    memory: Annotated[
        int | None,
        size_option(
            help="What a training may take, about: 2GB; what is more is kept in a file.",
            show_default="a quarter of what there is",
        ),
    ] = None,
    disk: Annotated[
        int | None,
        size_option(
            help="What such a file may take; what is more is made anew in each pass.",
            show_default="a quarter of what is free",
        ),
    ] = None,
    c: Annotated[
        str | None,
        model_option(
            "--C",
            metavar="NUMBER",
            help=f"Weight of the data against the penalty, {RANGES['C']}; auto: the best by "
            "cross-validation.",
            show_default="1, or the preset's",
        ),
    ] = None,
    penalty: Annotated[
        Penalty,
        model_option(
            help="What keeps the weights small. The solvers of l1: "
            f"{', '.join(solvers_for('l1'))}; of elasticnet: {', '.join(solvers_for('elasticnet'))}."
        ),
    ] = "l2",
    l1_ratio: Annotated[
        float | None, model_option(help=f"Share of L1 in the elastic net, {RANGES['l1_ratio']}.")
    ] = None,
    class_weight: Annotated[
        ClassWeight | None, model_option(help="Let every class count the same.")
    ] = None,
    solver: Annotated[
        SolverName,
        model_option(help="newton is ours, the others are scikit-learn's; auto takes the fastest."),
    ] = "auto",
    tol: Annotated[
        float | None,
        model_option(help=f"The solver's tolerance, {RANGES['tol']}.", show_default="its own"),
    ] = None,
    max_iter: Annotated[
        int | None, model_option(help="Most iterations.", show_default="the solver's own")
    ] = None,
    dataset: DatasetOption = "mnist",
    weight: Annotated[
        list[str] | None,
        data_option(
            metavar="NAME=NUMBER",
            help="What each image of one of the joined datasets weighs in the fit; repeatable.",
        ),
    ] = None,
    cv: Annotated[
        int | None, data_option(metavar="K", help="Cross-validate with K folds first.")
    ] = None,
    repeats: Annotated[
        int | None,
        data_option(metavar="R", help="Cross-validate R times, shuffled anew.", show_default="1"),
    ] = None,
    jobs: Annotated[
        int | None,
        data_option(
            help="Processes for folds and pairs; -1 for all cores.",
            show_default="1, or all cores for pairs",
        ),
    ] = None,
    split: Annotated[
        SplitKind,
        data_option(help="The dataset's own training and test images, or all of them split anew."),
    ] = "standard",
    test_size: Annotated[
        float | None,
        data_option(help="Share of a random split that is kept for the test.", show_default="0.2"),
    ] = None,
    seed: Annotated[
        int,
        data_option(
            help="Of the permutation of the training set, the folds, the subset and the split; "
            f"{RANGES['seed']}."
        ),
    ] = 0,
    limit: Annotated[
        int | None, data_option(metavar="N", help="Train on a stratified subset of N images.")
    ] = None,
    without: Annotated[
        list[str] | None,
        data_option(
            metavar="[NAME=]FILE",
            help="Leave out training images by index, as show --suspects -q prints them; repeatable.",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the model.", show_default="the task")
    ] = None,
    watch: Annotated[
        str | None,
        typer.Option(
            metavar="[FILE.gif]",
            help="Draw the weights of the pixels after every step; a file, .gif or .apng, keeps them.",
        ),
    ] = None,
    save: Annotated[
        bool, typer.Option("--save/--no-save", help="Keep the model in the registry.")
    ] = True,
) -> None:
    """Train a logistic regression, judge it on the test images and keep it.

    Examples:

      mnistcli train 0v1

      mnistcli train 2vrest --cv 3

      mnistcli train 3v8 --C auto

      mnistcli train digits --preset better

      mnistcli train digits --copies 15 --memory 2GB

      mnistcli train digits --watch

      mnistcli train digits --dataset mnist+mine --weight mine=5

      model=$(mnistcli train digits -q)
    """
    from mnistcli import training
    from mnistcli.cli.progress import bars
    from mnistcli.cli.views.train import TrainingView, convergence_warnings
    from mnistcli.registry.store import check_new_name
    from mnistcli.tasks import parse_task

    if test_size is not None and split == "standard":
        raise UsageError("--test-size goes with --split random")
    if repeats is not None and cv is None:
        raise UsageError("--repeats goes with --cv")
    if task and task_option and task != task_option:
        raise UsageError(f"two tasks were given: {task} and {task_option}")
    if not (task := task or task_option):
        raise UsageError("no task was given", hint="type mnistcli train 0v1")
    parsed, chosen = parse_task(task), PRESETS[preset or "fast"]
    spec = FeatureSpec.of(features) if features else chosen.features
    settings = TrainingSettings(
        SolverSettings(
            C=chosen.C if c in (None, "auto") else _number(c),
            penalty=penalty,
            l1_ratio=l1_ratio,
            class_weight=class_weight,
            solver=solver,
            tol=chosen.tol if tol is None and penalty == "l2" and solver == "auto" else tol,
            max_iter=max_iter,
        ),
        SplitSpec(
            kind=split, test_size=0.2 if test_size is None else test_size, seed=seed, limit=limit
        ),
        features=spec if copies is None else replace(spec, n_copies=copies),
        folds=None if cv is None else FoldSpec(cv, 1 if repeats is None else repeats),
        search=c == "auto",
        weights=_weights(weight or ()),
        n_jobs=(-1 if parsed.is_pairwise else 1) if jobs is None else jobs,
        memory_bytes=memory,
        disk_bytes=disk,
    )
    if watch is not None:
        from mnistcli.cli.watch import check_watchable, watching

        check_watchable(watch, parsed, settings)
    model_name = check_new_name(name or parsed.name)
    registry = session.registry()
    if save:
        registry.check_writable()
    data = session.dataset(dataset, out)
    if without:
        from mnistcli.model_selection.splits import indices_to_leave_out

        left_out = indices_to_leave_out(without, data, split)
        settings = replace(settings, split=replace(settings.split, without=left_out))
    with cluster, bars(out) if watch is None else watching(out, watch, parsed) as shown:
        result = training.train(
            parsed,
            data,
            settings,
            command=_ELSEWHERE.sub("", shlex.join([*session.defaults, "mnistcli", *sys.argv[1:]])),
            cache=session.features(),
            progress=shown,
        )
    for warning in convergence_warnings(result):
        out.warn(warning)
    if not save:
        out.emit(TrainingView(result, None))
        return
    try:
        entry = registry.save(result.model, model_name)
    except StorageError:
        out.emit(TrainingView(result, None))  # the work is not lost on who waited for it
        raise
    out.emit(TrainingView(result, entry))


def _weights(texts: Sequence[str]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        try:
            weights[name] = float(number)
        except ValueError:
            equals = ""
        if not equals:
            raise UsageError(f"{text!r} is no weight", hint="for example --weight mine=5")
    return weights


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(
            f"C = {text} is no number", hint=f"give a number, {RANGES['C']}, or auto"
        ) from None
