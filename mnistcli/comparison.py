"""Which of several models is better, and whether that is more than chance."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, zip_longest

import numpy as np

from mnistcli.datasets.dataset import Dataset
from mnistcli.datasets.given import Given, own_dataset, to_judge
from mnistcli.display import Displayed, some_of
from mnistcli.errors import UsageError
from mnistcli.evaluation import N_MISTAKES, JudgedModel, Report, common_samples, judge, report_on
from mnistcli.gallery import CaptionedImage, Gallery
from mnistcli.linear_model.classifier import p_of
from mnistcli.metrics.catalog import Metric, metric_named
from mnistcli.metrics.intervals import Interval, McNemarTest, corrected_t, holm, mcnemar_tests
from mnistcli.model_selection.splits import test_samples
from mnistcli.registry.model_file import Model
from mnistcli.registry.store import load_model


@dataclass(frozen=True, slots=True)
class SeedsTest:
    """Two ways to train with the same seeds, by a paired t-test over the seeds."""

    first: tuple[str, ...]  # the models, seed by seed
    second: tuple[str, ...]
    difference: float  # of the metric, first less second, the mean over the seeds
    interval: Interval
    p_value: float  # of so large a mean, or a larger one, between ways that are equally good
    p_corrected: float  # after Holm, for all such pairs
    n_train: int  # images, of the first seed
    n_test: int
    is_corrected: bool  # for splits that overlap, see `intervals.corrected_t`


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison(Displayed):
    """Models of one task, judged on the same images."""

    on: str  # what they were judged on
    by: Metric  # what they are sorted by
    judged: tuple[JudgedModel, ...]  # the best first; of equals the one named first
    # All pairs: (0, 1), (0, 2), ..., (1, 2), ...; none where each was judged on its own images.
    tests: tuple[McNemarTest, ...]
    over_seeds: tuple[SeedsTest, ...]  # all pairs of ways to train that share two seeds or more
    n_left_out: int  # of a model's own test set, because others were trained on them
    n_disagreements: int  # images to which not all gave the same answer
    disagreements: Gallery  # those with the most different p_truth first
    notes: tuple[str, ...]  # what to know before trusting the numbers

    def _in_words(self) -> str:
        others = ", ".join(self.refs[1:])
        return f"{self.refs[0]} before {others}, by {self.by.title.lower()} on {self.on}"

    @property
    def refs(self) -> list[str]:
        """What the models are called."""
        return [each.model.ref for each in self.judged]

    def difference_of(self, judged: JudgedModel) -> float:
        """Return how much more a model has of the metric than the best."""
        return self.by.of(judged.evaluation) - self.by.of(self.judged[0].evaluation)

    def against_best(self) -> Iterator[tuple[JudgedModel, McNemarTest | None]]:
        """Yield each model with the test of it against the best, which has none."""
        return zip_longest(self.judged, (None, *self.tests[: len(self.judged) - 1]))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReportOnTwo(Displayed):
    """All that a page about two models shows."""

    notes: tuple[str, ...]  # what to know before trusting the numbers
    compared: Comparison  # the better one first
    # What only the first and only the second got right, with the other's answers, the surest first.
    alone: tuple[Gallery, Gallery]


def compare(
    models: Sequence[Model | str],
    data: "Given | None" = None,
    *,
    by: str = "accuracy",
    n_disagreements: int = 0,
    name: str = "the data",
) -> Comparison:
    """Judge models of one task, two or more, on the same images.

    By default those are the test images of their dataset, and of any dataset those that none of the
    models was trained on; where there are two models or more of each of several random splits, each
    is judged on the test images of its own. Labelled images are to be called ``name``. ``by`` is
    the name of a metric of `metrics.catalog`, ``n_disagreements`` how many of the images on which
    they disagree to hand over. Raises UsageError for fewer than two models, or of different tasks,
    DataUnavailableError where no image is left that none of them was trained on.
    """
    if isinstance(models, (str, Model)) or not isinstance(models, Iterable):
        models = ()
    metric = metric_named(by)
    # Those without a name are counted, to be told apart.
    loaded = map(load_model, models)
    named = [m if m.ref else replace(m, ref=f"model {n}") for n, m in enumerate(loaded, start=1)]
    check_comparable(named)
    data = own_dataset(named[0].ref, common_dataset(named)) if data is None else to_judge(data)
    notes: tuple[str, ...] = ()
    n_left_out, cards = 0, [model.card for model in named]
    n_of_seed = Counter(card.split.seed for card in cards).values()
    splits = {(card.dataset_sha256, card.split.kind) for card in cards}
    is_split = isinstance(data, Dataset) and splits == {(data.sha256, "random")}
    # Of each of several splits there are models to compare.
    is_paired = is_split and len(n_of_seed) > 1 and min(n_of_seed) > 1
    if isinstance(data, Dataset) and is_paired:
        of_each = [test_samples(data, card.task, card.split) for card in cards]
        name = f"{data.name}, the test images of each split"
    else:
        samples, name, notes, n_left_out = common_samples(named, data, name)
        of_each = [samples] * len(named)
    sign = -1 if metric.larger_is_better else 1
    judged = [judge(model, each, name) for model, each in zip(named, of_each, strict=True)]
    # NaN, which has no order, comes last.
    judged.sort(key=lambda each: np.nan_to_num(sign * metric.of(each.evaluation), nan=np.inf))
    n, disagreements = (0, Gallery()) if is_paired else _disagreements(judged, n_disagreements)
    return Comparison(
        on=name,
        by=metric,
        judged=tuple(judged),
        tests=() if is_paired else mcnemar_tests([each.is_right for each in judged]),
        over_seeds=_seeds_tests(judged, metric, is_corrected=is_paired),
        n_left_out=n_left_out,
        n_disagreements=n,
        disagreements=disagreements,
        notes=tuple(dict.fromkeys((*notes, *(note for each in judged for note in each.notes)))),
    )


def _seeds_tests(
    judged: Sequence[JudgedModel], by: Metric, *, is_corrected: bool
) -> tuple[SeedsTest, ...]:
    """Test all pairs of ways to train, which are all that a card says of the training but its seed.

    Where all seeds have the same test images, what is told holds for these, and nothing overlaps.
    """
    ways: dict[str, dict[int, JudgedModel]] = {}
    for each in judged:
        card, split = each.model.card, replace(each.model.card.split, seed=0)
        way = repr((card.dataset_sha256, split, card.settings, card.features, card.weights))
        ways.setdefault(way, {}).setdefault(card.split.seed, each)
    tests = []
    for one, other in combinations(ways.values(), 2):
        pairs = [(one[seed], other[seed]) for seed in sorted(one.keys() & other.keys())]
        if len(pairs) < 2:
            continue
        n_train, n_test = pairs[0][0].model.card.n_train, len(pairs[0][0].samples)
        differences = [by.of(a.evaluation) - by.of(b.evaluation) for a, b in pairs]
        found = corrected_t(differences, n_train, n_test if is_corrected else 0)
        first, second = zip(*((a.model.ref, b.model.ref) for a, b in pairs), strict=True)
        tests.append(SeedsTest(first, second, *found, math.nan, n_train, n_test, is_corrected))
    corrected = holm([test.p_value for test in tests])
    return tuple(replace(test, p_corrected=p) for test, p in zip(tests, corrected, strict=True))


def check_comparable(models: Sequence[Model]) -> None:
    """Refuse fewer than two models, and models that tell different classes apart."""
    if len(models) < 2:
        hint = "for example mnistcli compare 3v8@1 3v8@2; see mnistcli models list"
        raise UsageError("a comparison takes two models or more", hint=hint)
    task = models[0].card.task
    for model in models[1:]:
        if model.card.task.groups != task.groups:
            found = f"{models[0].ref} does {task.name} and {model.ref} {model.card.task.name}"
            hint = f"train another for {task.name}: mnistcli train --task {task.name}"
            raise UsageError(f"{found}: only models of the same classes can be compared", hint=hint)


def common_dataset(models: Sequence[Model]) -> str:
    """Return the name of what all models were trained on; raise UsageError where there is nothing."""
    first, *others = (model.card.dataset.split("+") for model in models)
    common = [name for name in first if all(name in names for names in others)]
    if not common:
        names = " and ".join(sorted({model.card.dataset for model in models}))
        hint = "say on which to compare them: --dataset NAME"
        raise UsageError(f"these models were trained on {names}", hint=hint)
    return "+".join(common)


def _disagreements(judged: Sequence[JudgedModel], n: int) -> tuple[int, Gallery]:
    """Count the images with different answers, and give those with the most different certainty."""
    samples, names = judged[0].samples, judged[0].model.card.class_names
    answers = np.stack([each.answers for each in judged])
    p_truth = np.stack([p_of(samples.y, each.probabilities) for each in judged])
    where = np.flatnonzero((answers != answers[0]).any(axis=0))
    farthest = where[np.argsort(-np.ptp(p_truth[:, where], axis=0), kind="stable")]
    refs = [each.model.ref for each in judged]
    images = []
    for i in farthest[:n].tolist():
        index, y = int(samples.index[i]), names[samples.y[i]]
        said = [names[k] for k in answers[:, i]]
        facts = {"index": index, "truth": y, "answers": dict(zip(refs, said, strict=True))}
        facts["p_truth"] = dict(zip(refs, p_truth[:, i].tolist(), strict=True))
        caption = f"#{index}: {y} ({'/'.join(said)})"
        images.append(CaptionedImage(samples.images[i], caption, facts))
    which = some_of(len(images), len(where), "disagreement", "sharpest")
    return len(where), Gallery(images, f"{which}, as #index: truth ({'/'.join(refs)})")


def judged_of(report: Report | ReportOnTwo) -> tuple[JudgedModel, ...]:
    """Return the models that a report is about, as they were judged."""
    return (report.judged,) if isinstance(report, Report) else report.compared.judged


def report_on_any(models: Sequence[Model], dataset: Dataset | str | None) -> Report | ReportOnTwo:
    """Report on a model, see `evaluation.report_on`, or on two, on the images of `compare`.

    Raises what these do, and UsageError for more models or the same one twice.
    """
    if len(models) == 1:
        return report_on(models[0], dataset)
    refs, cards = [model.ref for model in models], [model.card for model in models]
    if len(models) != 2 or cards[0] == cards[1] or refs[0] == refs[1] != "":
        named = " and ".join(ref or "one without a name" for ref in refs)
        problem = f"a report is about one model, or two different ones, not about {named or 'none'}"
        raise UsageError(problem, hint="see mnistcli models list; mnistcli compare takes more")
    compared = compare(models, dataset)
    first, second = compared.judged
    alone = _only_right(first, second), _only_right(second, first)
    return ReportOnTwo(compared.notes, compared, alone)


def _only_right(judged: JudgedModel, other: JudgedModel) -> Gallery:
    wrong = other.behind()
    return other.images_at(wrong[judged.is_right[wrong]][:N_MISTAKES])
