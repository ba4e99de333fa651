import re
import shlex
import sys
from dataclasses import replace
from functools import partial
from typing import Any

from mnistcli import settings
from mnistcli.cli import completion
from mnistcli.cli.call import Call
from mnistcli.cli.options import DATASET, argument, command, option, task_named
from mnistcli.cli.progress import Bars
from mnistcli.errors import UsageError
from mnistcli.features import FEATURE_KINDS, FURTHER_STAGES, FeatureSpec
from mnistcli.ranges import RANGES
from mnistcli.tasks import parse_task

# Whose machines took part changes no bit and is nobody's business.
_ELSEWHERE = re.compile(r" --insecure\b| '?--(?:cluster|tls-\w+)[ =](?:'[^']*'|\S+)")
_SOLVERS = {each: ", ".join(settings.solvers_for(each)) for each in ("l1", "elasticnet")}
_SUMMARIES = FEATURE_KINDS | {f"+{name}": stage for name, stage in FURTHER_STAGES.items()}
_LOOKED_AT = "; ".join(f"{name}: {each.summary}" for name, each in _SUMMARIES.items())
minimised_option = partial(option, rich_help_panel="What is minimised")
data_option = partial(option, rich_help_panel="Images")


def _size(text: str) -> int:
    parts = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{0,9})?) ?([kmgt]?)(i?)b?", text.strip().lower())
    if not parts:
        raise UsageError(f"{text!r} is no size", hint="for example 2GB, 500M or 1.5 GiB")
    number, unit, is_binary = parts.groups()
    return round(float(number) * float((1024 if is_binary else 1000) ** " kmgt".index(unit or " ")))


def _weight(text: str) -> tuple[str, float]:
    name, number = text.rsplit("=", 1)
    return name, float(number)


def _number_or_auto(text: str) -> float | str:
    return text if text == "auto" else float(text)


size_option = partial(data_option, parser=_size, metavar="SIZE")


@command(
    "json tsv quiet cluster",
    apart=["preset features", "cluster jobs", "no_save name"],
    together=["cv repeats"],
)
def train(
    call: Call,
    task: str | None = argument(
        "0v1, 2vrest, 17v49, 0v1v2, even-odd, digits, pairs, ...", autocompletion=completion.tasks
    ),
    same: str | None = task_named("The same.", "--task", "-t"),
    preset: settings.Preset | None = option(
        "Features and C that go together: fast, pixels (7.4 % errors on the ten digits in "
        "3 s); better, patches and their expansion (0.48 %, 19 s); best, wavelets, typical "
        "arrangements of strokes and deformed copies as well (0.36 %, 129 s).",
        show_default="fast",
    ),
    features: str | None = minimised_option(
        f"What the model looks at; {_LOOKED_AT}; several of them beside each other, with a + between.",
        metavar=f"[{'|'.join(FEATURE_KINDS)}][+{'|'.join(FURTHER_STAGES)}][+...]",
        autocompletion=FeatureSpec.kinds,
        show_default="pixels",
    ),
    copies: int | None = data_option(
        f"Train on K deformed copies of every image as well, {RANGES['n_copies']}.",
        metavar="K",
        show_default="0, or the preset's",
    ),
    memory: int | None = size_option(
        "What a training may take, about: 2GB; what is more is kept in a file.",
        show_default="a quarter of what there is",
    ),
    disk: int | None = size_option(
        "What such a file may take; what is more is made anew in each pass.",
        show_default="a quarter of what is free",
    ),
    C: Any = minimised_option(
        f"Weight of data against penalty, {RANGES['C']}; auto: the best by cross-validation.",
        parser=_number_or_auto,
        metavar="NUMBER",
        show_default="1, or the preset's",
    ),
    penalty: settings.Penalty = minimised_option(
        "What keeps the weights small. The solvers of "
        f"l1: {_SOLVERS['l1']}; of elasticnet: {_SOLVERS['elasticnet']}.",
        default="l2",
    ),
    l1_ratio: float | None = minimised_option(f"Share of L1 in elasticnet, {RANGES['l1_ratio']}."),
    class_weight: settings.ClassWeight | None = minimised_option("Let every class count the same."),
    solver: settings.SolverName = minimised_option(
        "newton is ours, the others are scikit-learn's; auto takes the fastest.", default="auto"
    ),
    tol: float | None = minimised_option(f"Tolerance, {RANGES['tol']}.", show_default="its own"),
    max_iter: int | None = minimised_option("Most iterations.", show_default="the solver's own"),
    weight: list[Any] | None = data_option(
        "What each image of one of the joined datasets weighs in the fit; repeatable.",
        parser=_weight,
        metavar="NAME=NUMBER",
    ),
    cv: int | None = data_option("Cross-validate with K folds first.", metavar="K"),
    repeats: int = data_option("Cross-validate R times, shuffled anew.", default=1, metavar="R"),
    jobs: int | None = data_option(
        "Processes for folds and pairs; -1 for all cores.", show_default="1, or all cores for pairs"
    ),
    split: settings.SplitKind = data_option(
        "The dataset's own training and test images, or all of them split anew.", default="standard"
    ),
    test_size: float | None = data_option("Share that is kept for the test.", show_default="0.2"),
    seed: int = data_option(
        f"Of the permutation, the folds, the subset and the split; {RANGES['seed']}.", default=0
    ),
    limit: int | None = data_option("Train on a stratified subset of N images.", metavar="N"),
    dataset: str = DATASET,
    without: list[str] | None = data_option(
        "Leave out images by index, as show --suspects -q prints them, - for a pipe; repeatable.",
        metavar="[NAME=]FILE",
    ),
    name: str | None = option("Name of the model.", metavar="NAME", show_default="the task"),
    watch: str | None = option(
        "Draw the weights of the pixels after every step; a file, .gif or .apng, keeps them.",
        metavar="[FILE.gif]",
    ),
    no_save: bool = option("Do not keep the model in the registry."),
) -> None:
    from mnistcli import training
    from mnistcli.cli.views.train import convergence_warnings, training_answer
    from mnistcli.files import check_writable
    from mnistcli.registry.store import check_new_name

    if test_size is not None and split == "standard":
        raise UsageError("--test-size goes with --split random")
    if task and same and task != same:
        raise UsageError(f"two tasks were given: {task} and {same}")
    if not (sentence := task or same):
        raise UsageError("no task was given", hint="type mnistcli train 0v1")
    parsed, chosen = parse_task(sentence), settings.choose_settings(preset, features)
    minimised = settings.SolverSettings(
        penalty=penalty, l1_ratio=l1_ratio, class_weight=class_weight,
        solver=solver, tol=tol, max_iter=max_iter,
    )  # fmt: skip
    share = 0.2 if test_size is None else test_size
    how = settings.TrainingSettings(
        chosen.solver_settings(minimised, C if isinstance(C, float) else None),
        settings.SplitSpec(kind=split, test_size=share, seed=seed, limit=limit),
        features=chosen.features if copies is None else replace(chosen.features, n_copies=copies),
        folds=None if cv is None else settings.FoldSpec(cv, repeats),
        search=C == "auto",
        weights=dict(weight or ()),
        n_jobs=(-1 if parsed.is_pairwise else 1) if jobs is None else jobs,
        memory_bytes=memory,
        disk_bytes=disk,
    )
    if watch is not None:
        from mnistcli.cli.watch import Watch, check_watchable

        check_watchable(watch, parsed, how)
    model_name = check_new_name(name or parsed.name)
    registry = call.registry()
    if not no_save:
        check_writable(registry.folder)  # better before a long fit
    data = call.dataset(dataset)
    if without:
        from mnistcli.model_selection.splits import indices_to_leave_out

        left_out = indices_to_leave_out(without, data, how.split.kind)
        how = replace(how, split=replace(how.split, without=left_out))
    typed = _ELSEWHERE.sub("", shlex.join([*call.defaults, "mnistcli", *sys.argv[1:]]))
    with call.cluster, Bars(call) if watch is None else Watch(call, watch, parsed) as bars:
        result = training.train(
            parsed, data, how, command=typed, cache=call.features(), progress=bars
        )
    call.warn(*convergence_warnings(result))
    entry = None
    try:
        if not no_save:
            entry = registry.save(result.model, model_name)
    finally:  # where it cannot be saved, the work is not lost on who waited for it
        call.emit(training_answer(result, entry))
