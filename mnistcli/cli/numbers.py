"""Numbers as a person reads them, and what they come to, in sentences that can be quoted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mnistcli.cli.words import visible
from mnistcli.display import counted
from mnistcli.tasks import REST, Task

if TYPE_CHECKING:
    from mnistcli.comparison import Comparison, SeedsTest
    from mnistcli.evaluation import JudgedModel
    from mnistcli.metrics.catalog import Evaluation, Metric
    from mnistcli.metrics.intervals import Interval, McNemarTest
    from mnistcli.registry.card import ModelCard


def percent(share: float, *, digits: int = 2) -> str:
    """Write a share as a percentage; never "100.00 %" for less than all or "0.00 %" for some."""
    return "-" if math.isnan(share) else f"{_fixed(share, digits, 100)} %"


def unbroken(text: str) -> str:
    """Keep a number and its percent sign in one line, and "p" and its number."""
    return text.replace(" %", "\u00a0%").replace(" p = ", " p\u00a0=\u00a0")


def decimal(value: float, *, digits: int = 4) -> str:
    """Write a number with fixed decimals, 0 and 1 only for themselves; "-" where there is none."""
    return "-" if math.isnan(value) else _fixed(value, digits, 1)


def _fixed(value: float, digits: int, whole: int) -> str:
    """Write ``whole * value``, with the last digit changed where it would round to 0 or whole."""
    text, step = f"{whole * value:.{digits}f}", 10.0**-digits
    if value > 0 and float(text) == 0:
        return f"{step:.{digits}f}"
    return f"{whole - step:.{digits}f}" if value < 1 and float(text) == whole else text


def span(interval: Interval) -> str:
    """Write an interval of shares in nine characters, rounded outwards: ".938-.965".

    A point, which is what a bootstrap has where there are no mistakes, is not written: nothing is
    so sure.
    """
    low, high = interval
    if not low < high:
        return ""
    # Rounding errors of a number with three decimals are no reason to go on to the next.
    thousandths = math.floor(1000 * low + 1e-9), math.ceil(1000 * high - 1e-9)
    return "-".join("1.00" if n == 1000 else f".{n:03}" for n in thousandths)


def decimal_span(interval: Interval, *, digits: int = 4) -> str:
    """Write an interval with fixed decimals: "0.9381 to 0.9650"; see `span`."""
    low, high = interval
    if not low < high:
        return ""
    # An upper end may round to 1: it is no claim that all are right.
    top = f"{high:.{digits}f}" if high > 0.5 else decimal(high, digits=digits)
    return f"{decimal(low, digits=digits)} to {top}"


def percent_span(interval: Interval) -> str:
    """Write an interval of shares as percentages: "99.73 to 99.99 %"."""
    low, high = interval
    return "" if math.isnan(low) else f"{percent(low).removesuffix(' %')} to {percent(high)}"


def reading(metric: Metric, evaluation: Evaluation) -> tuple[str, str]:
    """Write a metric as a person reads it: the number and its interval, or a dash and why."""
    value, interval = metric.of(evaluation), metric.interval_of(evaluation)
    absent = [row.name for row in evaluation.classes if not row.support]
    if math.isnan(value) and absent:
        return "-", f"no images of {', '.join(absent)}"
    if metric.unit == "percent":
        return percent(value, digits=metric.digits), percent_span(interval) if interval else ""
    text = decimal(value, digits=metric.digits)
    return text, decimal_span(interval, digits=metric.digits) if interval else ""


def n_bytes(count: int) -> str:
    """Write a size in units that a person reads."""
    for unit, size in (("GB", 1000**3), ("MB", 1000**2), ("kB", 1000)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def seconds(duration: float) -> str:
    """Write a duration."""
    return f"{duration:.2f} s" if duration < 100 else f"{duration:.0f} s"


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
        f"{ways[each.second[0]]} is {_difference(each.difference, each.interval)}, corrected resampled "
        f"t-test, {_p_values(each, len(result.over_seeds))}."
        for each in result.over_seeds
    ]
    return "\n".join(map(visible, said))


def _difference(value: float, interval: Interval) -> str:
    known = " (95 % interval {:+.4f} to {:+.4f})".format(*interval)
    known = "" if math.isnan(interval[0]) else known
    return "not known" if math.isnan(value) else f"{value:+.4f}{known}"


def p_value(p: float) -> str:
    """Write a p-value."""
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def _p_values(test: McNemarTest | SeedsTest, n: int) -> str:
    p = p_value(test.p_value)
    text = f"p {p}" if p.startswith("<") else f"p = {p}"
    return f"{text}, {p_value(test.p_corrected)} after Holm for {n} pairs" if n > 1 else text


def distinctions(cards: Sequence[ModelCard]) -> list[tuple[str, ...]]:
    """Return what sets each model apart, "C = 0.01"; where nothing does, when it was made."""
    said = [_said_of(card) for card in cards]
    varies = [len({words[i] for words in said}) > 1 for i in range(len(said[0]))]
    if not any(varies[:-1]):
        return [words[-1:] for words in said]
    return [
        tuple(word for word, does in zip(words[:-1], varies, strict=False) if does and word)
        for words in said
    ]


def _said_of(card: ModelCard) -> tuple[str, ...]:
    split = card.split
    is_drawn = split.kind == "random" or split.limit is not None
    return (
        card.task.name,
        card.dataset,
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
