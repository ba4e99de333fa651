"""What numbers and settings come to, in sentences that can be quoted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mnistcli.cli.content.numbers import p_value, percent, percent_span
from mnistcli.cli.words import visible
from mnistcli.display import counted
from mnistcli.tasks import REST, Task

if TYPE_CHECKING:
    from mnistcli.comparison import Comparison, SeedsTest
    from mnistcli.evaluation import JudgedModel
    from mnistcli.metrics.intervals import Interval, McNemarTest
    from mnistcli.registry.card import ModelCard


def verdict(judged: JudgedModel) -> str:
    """Describe in two sentences what it does and how well."""
    evaluation = judged.evaluation
    interval = percent_span(evaluation.accuracy_interval)
    return (
        f"{judged.model.ref or 'It'} tells {describe_task(judged.model.card.task)} and is right on "
        f"{evaluation.n_correct:,} of {counted(evaluation.n_samples, 'image')} of {judged.on}: "
        f"{percent(evaluation.accuracy)} (95 % interval {interval}). "
        f"Always answering {evaluation.baseline_class} would be right on "
        f"{percent(evaluation.baseline_accuracy)}."
    )


def comparison_sentences(result: Comparison) -> str:
    """Describe how much better the first model is than the second, and each way to train over seeds."""
    first, second, *_ = result.refs
    one, other = (each.evaluation for each in result.judged[:2])
    said = []
    if result.tests:
        test = result.tests[0]
        said.append(
            f"On {counted(one.n_samples, 'image')} of {result.on} {first} is right on "
            f"{percent(one.accuracy)} and "
            f"{second} on {percent(other.accuracy)}: a difference of "
            f"{_difference(*test.difference)}, McNemar's exact test, "
            f"{_p_values(test, len(result.tests))}."
        )
    cards = [each.model.card for each in result.judged]
    cards = [replace(card, split=replace(card.split, seed=0), created="") for card in cards]
    ways = dict(zip(result.refs, map(", ".join, distinctions(cards)), strict=True))
    said += [
        f"Over {len(each.first)} seeds, with {each.n_train:,} training and {each.n_test:,} test images "
        f"each, the {result.by.title.lower()} of {ways[each.first[0]]} less that of "
        f"{ways[each.second[0]]} is {_difference(each.difference, each.interval)}, "
        f"{'corrected resampled' if each.is_corrected else 'paired'} t-test, "
        f"{_p_values(each, len(result.over_seeds))}."
        for each in result.over_seeds
    ]
    return "\n".join(map(visible, said))


def _difference(value: float, interval: Interval) -> str:
    known = " (95 % interval {:+.4f} to {:+.4f})".format(*interval)
    known = "" if math.isnan(interval[0]) else known
    return "not known" if math.isnan(value) else f"{value:+.4f}{known}"


def _p_values(test: McNemarTest | SeedsTest, n: int) -> str:
    p = p_value(test.p_value)
    text = f"p {p}" if p.startswith("<") else f"p = {p}"
    return f"{text}, {p_value(test.p_corrected)} after Holm for {n} pairs" if n > 1 else text


def distinctions(cards: Sequence[ModelCard]) -> list[tuple[str, ...]]:
    """Return what sets each model apart, "C = 0.01"; where nothing does, when it was made."""
    known = {(card.dataset, card.dataset_sha256) for card in cards}
    changed = {name for name, _ in known if sum(each == name for each, _ in known) > 1}
    said = [_said_of(card, is_changed=card.dataset in changed) for card in cards]
    varies = [len({words[i] for words in said}) > 1 for i in range(len(said[0]))]
    if not any(varies[:-1]):
        return [words[-1:] for words in said]
    return [
        tuple(word for word, does in zip(words[:-1], varies, strict=False) if does and word)
        for words in said
    ]


def _said_of(card: ModelCard, *, is_changed: bool) -> tuple[str, ...]:
    split = card.split
    data = f"{card.dataset} {card.dataset_sha256[:7]}, {card.n_train:,} images"
    is_drawn = split.kind == "random" or split.limit is not None
    return (
        card.task.name,
        data if is_changed else card.dataset,
        card.feature_spec.kind,
        *_settings_words(card),
        card.settings.solver,
        f"{split.kind} split",
        "" if split.limit is None else f"{card.n_train:,} images",
        f"{len(split.without):,} left out" if split.without else "",
        f"seed {split.seed}" if is_drawn else "",
        card.created[:19].replace("T", " "),
    )


def describe_settings(card: ModelCard) -> str:
    """Describe what is minimised."""
    what = f"logistic regression on {card.feature_spec.describe()}"
    return ", ".join(filter(None, (what, *_settings_words(card))))


def _settings_words(card: ModelCard) -> tuple[str, ...]:
    settings, n_copies = card.settings, card.feature_spec.n_copies
    elastic = f"elastic net (L1 share {settings.l1_ratio})"
    penalty = f"{settings.penalty.upper()} penalty"
    return (
        f"{n_copies} deformed {'copy' if n_copies == 1 else 'copies'} of each image"
        * bool(n_copies),
        {"none": "no penalty", "elasticnet": elastic}.get(settings.penalty, penalty),
        "" if settings.penalty == "none" else f"C = {settings.C:g}",
        "balanced class weights" if settings.class_weight else "",
        ", ".join(f"{name} weighs {weight:g}" for name, weight in (card.weights or {}).items()),
    )


def describe_task(task: Task) -> str:
    """Describe what a task is about: "0 from 1", "2 from the other digits", "all ten digits"."""
    names = ["the other digits" if name == REST else name for name in task.class_names]
    if task.n_classes == 10:
        return "all ten digits apart"
    if task.is_binary:
        # The positive class comes last, and first in a sentence where the other is the rest.
        first, second = names[::-1] if task.class_names[0] == REST else names
        return f"{first} from {second}"
    return f"{', '.join(names[:-1])} and {names[-1]} apart"
