"""The same training for several sizes, C, features and tasks, and several seeds: points of a curve."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import chain, groupby, product, takewhile
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

from mnistcli.arrays import Float64s, Int64s
from mnistcli.datasets.dataset import Dataset
from mnistcli.errors import CorruptFileError, UsageError
from mnistcli.features import FeatureSpec
from mnistcli.files import kind_of_path, open_regular, storage_errors
from mnistcli.linear_model.certificate import Fit
from mnistcli.linear_model.classifier import classes_of, probabilities_of
from mnistcli.memory import Room, peak_memory_bytes
from mnistcli.metrics.classification import log_loss
from mnistcli.metrics.intervals import Interval, corrected_t, wilson
from mnistcli.model_selection.design import design_matrix
from mnistcli.model_selection.splits import check_classes, test_samples, training_samples
from mnistcli.parallel import elsewhere, map_jobs
from mnistcli.progress import SILENT, Progress
from mnistcli.ranges import DISTURBANCES
from mnistcli.registry.card import ModelCard, Share, read_typed, strict_json
from mnistcli.settings import SolverSettings, SplitSpec, TrainingSettings, choose_settings
from mnistcli.tasks import Task, parse_task

# What several values can be given for: the first of these that has them is the axis.
AXES = ("limit", "C", "preset", "features", "task")
_LONGEST_LINE = 1 << 16  # bytes of a point in a file


class Variant(NamedTuple):
    """One training of a curve; the names are those of a `ModelCard`."""

    task: Task
    split: SplitSpec
    feature_spec: FeatureSpec
    settings: SolverSettings
    preset: str | None  # the name it goes by, if it has one


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """A training and how the test images judge it: what it was, what it cost, how good it is."""

    # What tells a point from every other; the model is one that was there, see `robustness`.
    model: str | None = None
    task: str
    dataset: str
    dataset_sha256: str
    limit: int | None
    nested: bool
    seed: int
    split: str
    preset: str | None
    features: str
    C: float
    penalty: str
    class_weight: str | None
    solver: str
    disturb: str | None = None
    strength: float | None = None
    n_train: int
    n_test: int
    n_correct: int
    accuracy: Share
    accuracy_low: Share
    accuracy_high: Share
    log_loss: float
    converged: bool
    objective: float | None
    gap_bound: float | None
    fit_seconds: float
    peak_memory_bytes: int | None  # of the process, so far
    # Of the accuracy from the first model's on the same images, with its interval; McNemar's test.
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    p_value: float | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What it is known by: the fields before the first that a training finds out."""
        return tuple(getattr(self, name) for name in _KEY)


_KEY = [*takewhile(lambda name: name != "n_train", (each.name for each in fields(CurvePoint)))]


def facts_of(what: Variant | ModelCard, dataset: Dataset, **more: Any) -> dict[str, Any]:
    """Return what a point is known by, in the order of its fields; ``more`` are some of them."""
    split, settings = what.split, what.settings
    facts: dict[str, Any] = {"dataset": dataset.name, "dataset_sha256": dataset.sha256}
    facts |= {"task": what.task.name, "features": what.feature_spec.kind}
    facts |= asdict(split) | {"split": split.kind} | asdict(settings)
    facts |= {"solver": settings.solver_for(what.task.n_classes_per_fit), **more}
    return {name: facts.get(name) for name in _KEY}


def key_of(variant: Variant, dataset: Dataset) -> tuple[Any, ...]:
    """Return the key of what will be its point."""
    return tuple(facts_of(variant, dataset, preset=variant.preset).values())


def point_of(
    what: Variant | ModelCard,
    dataset: Dataset,
    y: Int64s,
    scores: Float64s,
    certificate: Mapping[str, Any],
    **more: Any,
) -> CurvePoint:
    """Return the point of a training by its scores of test images; ``more`` are the other fields."""
    n_correct = int((classes_of(scores) == y).sum())
    low, high = wilson(n_correct, len(y))
    return CurvePoint(
        **facts_of(what, dataset, **more) | more,
        n_test=len(y),
        n_correct=n_correct,
        accuracy=n_correct / len(y),
        accuracy_low=low,
        accuracy_high=high,
        log_loss=log_loss(y, probabilities_of(scores)),
        **{name: certificate[name] for name in ("converged", "objective", "gap_bound")},
    )


@dataclass(frozen=True, slots=True)
class MeanPoint:
    """The points of all seeds at one place of a line, with two kinds of uncertainty told apart.

    Over the seeds: Student's interval of the mean accuracy, None for fewer than two different
    points. Over the images: Wilson's interval of a share of the test images as large as the mean.
    """

    x: Any
    line: str
    n_train: int
    n_seeds: int
    accuracy: float
    over_seeds: Interval | None
    over_images: Interval
    log_loss: float
    fit_seconds: float  # the median
    n_not_converged: int


def curve_points(
    dataset: Dataset,
    variants: Iterable[Variant],
    *,
    file: "PointFile | None" = None,
    cache: Path | None = None,
    n_jobs: int | None = 1,
    progress: Progress = SILENT,
) -> Iterator[CurvePoint]:
    """Train and judge every variant, and yield the points as they come.

    Those in the file are not trained again and come first; others are added to it. Trainings that
    differ only in C share their features, which are kept in the folder of the cache, and each
    begins where the one before it ended. The jobs are those of `parallel.map_jobs`.
    """
    todo = {key_of(each, dataset): each for each in variants}
    for point in file.read() if file else ():
        if todo.pop(point.key, None):
            yield point

    def shared(variant: Variant) -> tuple[str, str, str]:
        return repr(variant.feature_spec), variant.task.name, repr(variant.split)

    rest = sorted(todo.values(), key=lambda each: (*shared(each), each.settings.C))
    cache = None if elsewhere.get() else cache  # a folder of this machine
    calls = [(dataset, list(path), cache) for _, path in groupby(rest, shared)]
    points = chain.from_iterable(map_jobs(_points, calls, n_jobs, in_order=False))
    for n_done, point in enumerate(points, start=1):
        progress.update("points", n_done, len(rest))
        if file:
            file.add(point)
        yield point


def _points(
    dataset: Dataset, variants: Sequence[Variant], cache: Path | None
) -> Iterator[CurvePoint]:
    """Yield the points of variants that share their rows and their features, along a rising C."""
    task, split, spec, *_ = variants[0]
    check_classes(dataset, task, split)
    samples = training_samples(dataset, task, split)
    design = design_matrix(samples, spec, seed=split.seed, room=Room(folder=cache))
    tested = test_samples(dataset, task, split)
    X_test = design.features.transform(tested.images) if design.features else tested.images
    fit: Fit | None = None
    for variant in variants:
        classifier, fit = design.fit(task, variant.settings, seed=split.seed, warm_start=fit)
        scores, proof = classifier.decision_function(X_test), asdict(fit.certificate)
        more: dict[str, Any] = {"preset": variant.preset, "n_train": len(design)}
        more["fit_seconds"] = round(fit.fit_seconds, 6)
        more["peak_memory_bytes"] = peak_memory_bytes()
        yield point_of(variant, dataset, tested.y, scores, proof, **more)


def axis_and_lines(given: Mapping[str, Sequence[Any]]) -> tuple[str, str | None]:
    """Return which option with several values is the axis, and which makes a line each.

    Raises UsageError where none has several, or more than two have.
    """
    several = [name for name in AXES if len(given[name]) > 1]
    if not several:
        hint = "for example --limit 100,300,1000 or --C 0.01,0.1,1"
        raise UsageError("a curve needs several values of something", hint=hint)
    if len(several) > 2:
        raise UsageError(f"{', '.join(several)} have several values: a curve takes two such lists")
    return several[0], several[1] if len(several) == 2 else None


def plan_variants(
    given: Mapping[str, Sequence[Any]], seeds: Iterable[int], base: SolverSettings
) -> list[Variant]:
    """Return a training for each seed and each combination of what is given; see `AXES`.

    Presets exclude features; without either it is fast, without C that of the preset.
    """
    variants, alone = [], [None]
    names = given["preset"] or given["features"] or ["fast"]
    for name, task, limit, seed in product(names, given["task"], given["limit"] or alone, seeds):
        preset = name if name not in given["features"] else None
        chosen = choose_settings(preset, None if preset else name)
        split = SplitSpec(seed=seed, limit=limit)
        for C in given["C"] or alone:
            settings = chosen.solver_settings(base, C)
            TrainingSettings(settings, split, chosen.features)  # for its checks
            variants.append(Variant(task, split, chosen.features, settings, preset))
    return variants


class Curve(NamedTuple):
    """Points that differ in the values of an axis, and of something that makes a line each."""

    points: Sequence[CurvePoint]
    axis: str
    lines: str | None = None

    @property
    def means(self) -> list[MeanPoint]:
        """The mean points, line by line in the order in which they first appear."""
        found: dict[str, dict[Any, list[CurvePoint]]] = {}
        for point in self.points:
            value = getattr(point, self.lines) if self.lines else ""
            line = f"{value:g}" if isinstance(value, float) else str(value)
            found.setdefault(line, {}).setdefault(getattr(point, self.axis), []).append(point)
        return [_mean(x, line, at) for line, places in found.items() for x, at in places.items()]

    @property
    def title(self) -> str:
        """What the axis is called."""
        if disturb := self.points[0].disturb:
            return f"{disturb}, {DISTURBANCES[disturb][1]}"
        return "training images" if self.axis == "limit" else self.axis

    @property
    def is_beside(self) -> bool:
        """Whether models are compared with the first."""
        return any(point.difference is not None for point in self.points)


def _mean(x: Any, line: str, points: Sequence[CurvePoint]) -> MeanPoint:
    accuracies = [point.accuracy for point in points]
    centre, over_seeds = mean(accuracies), None
    if len({*accuracies}) > 1:
        _, (low, high), _ = corrected_t(accuracies, n_train=1, n_test=0)  # nothing to correct
        over_seeds = max(0.0, low), min(1.0, high)
    return MeanPoint(
        x=x,
        line=line,
        n_train=points[0].n_train,
        n_seeds=len(points),
        accuracy=centre,
        over_seeds=over_seeds,
        over_images=wilson(round(centre * points[0].n_test), points[0].n_test),
        log_loss=mean(point.log_loss for point in points),
        fit_seconds=median(point.fit_seconds for point in points),
        n_not_converged=sum(not point.converged for point in points),
    )


class PointFile(NamedTuple):
    """JSON lines as of `curve --jsonl`, to which runs add points."""

    path: Path
    written: Callable[[CurvePoint], str]

    def read(self) -> list[CurvePoint]:
        """Return the points there are; what an interrupted run has cut off is none.

        Raises CorruptFileError for other content, StorageError where the file cannot be read.
        """
        if kind_of_path(self.path) == "nothing":  # what cannot be written is told before any work
            with storage_errors("write", self.path):
                self.path.touch()
        points: list[CurvePoint] = []
        with open_regular(self.path) as file, storage_errors("read", self.path):
            lines = file.read().decode(errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            try:
                content = strict_json(line)
                names = {each.name for each in fields(CurvePoint)} & content.keys()
                points.append(read_typed(CurvePoint, {name: content[name] for name in names}))
                parse_task(points[-1].task)
            except (ValueError, TypeError, AttributeError, RecursionError, UsageError) as error:
                if not line.startswith('{"schema": "mnistcli.') or line.endswith("}"):
                    problem = f"line {number} is no point of a curve"
                    raise CorruptFileError(self.path, problem) from error
        return points

    def add(self, point: CurvePoint) -> None:
        """Append a line, in the place of one that was cut off."""
        line = self.written(point)
        with storage_errors("write", self.path), self.path.open("ab+") as file:
            file.seek(max(0, file.tell() - _LONGEST_LINE))
            last = file.read().rpartition(b"\n")[2]
            if last.endswith(b"}"):
                line = f"\n{line}"
            else:
                file.truncate(file.tell() - len(last))
            file.write(line.encode())
