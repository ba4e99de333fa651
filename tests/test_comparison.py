"""Models beside each other: order, tests of pairs, images that none was trained on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import mnistcli
from mnistcli.comparison import common_dataset, compare, report_on_any
from mnistcli.datasets.dataset import LabelledImages
from mnistcli.errors import UsageError
from mnistcli.evaluation import N_MISTAKES
from mnistcli.metrics.catalog import METRICS
from mnistcli.settings import SolverSettings, SplitSpec, TrainingSettings


@pytest.fixture(scope="module")
def models(mnist):
    settings = [
        TrainingSettings(SolverSettings(C=C), SplitSpec(limit=limit))
        for C, limit in ((1e-4, 60), (1.0, 400), (0.01, 200))
    ]
    trained = [mnistcli.train("3v8", mnist, each).model for each in settings]
    return [replace(model, ref=f"3v8@{i}") for i, model in enumerate(trained, 1)]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_best_comes_first_by_any_metric(models, mnist, metric):
    result = compare(models, mnist, by=metric.name)
    values = [metric.of(each.evaluation) for each in result.judged]
    assert values == sorted(values, reverse=metric.larger_is_better)
    assert result.by is metric


def test_of_equals_the_one_named_first_and_what_is_not_known_comes_last(models, mnist):
    twins = [replace(models[1], ref=ref) for ref in ("b", "a")]
    assert [each.model.ref for each in compare(twins, mnist).judged] == ["b", "a"]
    threes = mnist.test.labels == 3
    data = LabelledImages(mnist.test.images[threes], mnist.test.labels[threes])
    result = compare(models, data, by="roc_auc")  # NaN for all: the order given
    assert [each.model.ref for each in result.judged] == ["3v8@1", "3v8@2", "3v8@3"]


def test_pairs_are_tested_on_who_was_right(models, mnist):
    result = compare(models, mnist)
    right = [each.answers == each.samples.y for each in result.judged]
    assert [(test.first, test.second) for test in result.tests] == [(0, 1), (0, 2), (1, 2)]
    for test in result.tests:
        a, b = right[test.first], right[test.second]
        assert test.n_only_first == (a & ~b).sum()
        assert test.n_only_second == (b & ~a).sum()
        assert test.n_both_right + test.n_both_wrong == (a == b).sum()
        assert test.p_value <= test.p_corrected <= 1


def test_disagreements_are_counted_and_the_sharpest_handed_over(models, mnist):
    result = compare(models, mnist, n_disagreements=5)
    answers = np.stack([each.answers for each in result.judged])
    assert result.n_disagreements == (answers != answers[0]).any(axis=0).sum()
    spreads = [np.ptp([*each.facts["p_truth"].values()]) for each in result.disagreements]
    assert len(spreads) == 5
    assert spreads == sorted(spreads, reverse=True)
    everything = compare(models, mnist, n_disagreements=10_000)
    assert len(everything.disagreements) == result.n_disagreements
    assert compare(models, mnist).disagreements == ()


def test_notes_are_told_once(models, mnist):
    card = replace(models[0].card, certificate={**models[0].card.certificate, "converged": False})
    unfinished = replace(models[0], card=card)
    own = LabelledImages(mnist.test.images[:40], mnist.test.labels[:40])
    n = int(np.isin(own.labels, (3, 8)).sum())
    result = compare([unfinished, unfinished, models[1]], own, name="own.npz")
    left_out, not_converged = result.notes
    assert left_out == f"{40 - n} of 40 images show no digit of the task: left out"
    assert not_converged.startswith("3v8@1 did NOT converge")
    assert (result.on, result.n_left_out) == ("own.npz", 0)
    assert compare(models, mnist).notes == ()


def test_models_of_several_datasets_need_one_to_be_named(models):
    def on(dataset):
        return replace(models[0], card=replace(models[0].card, dataset=dataset))

    assert common_dataset(models) == "mnist"
    assert common_dataset([on("mnist+mine"), *models]) == "mnist"
    assert common_dataset([on("mnist+mine+class"), on("class+mnist")]) == "mnist+class"
    with pytest.raises(UsageError, match=r"trained on fashion-mnist\+mine and mnist"):
        common_dataset([*models, on("fashion-mnist+mine")])


@pytest.fixture(scope="module")
def two(mnist):
    splits = (SplitSpec(limit=30), SplitSpec(limit=900))
    return [mnistcli.train("3v8", mnist, TrainingSettings(split=s)).model for s in splits]


def test_of_two_models_each_is_shown_what_only_the_other_got_right(two, mnist):
    report = report_on_any(two, mnist)
    better, worse = report.compared.judged
    assert better.model.classifier is two[1].classifier
    y = better.samples.y
    for judged, other, shown in zip((better, worse), (worse, better), report.alone, strict=True):
        only_it = (judged.answers == y) & (other.answers != y)
        sure = other.probabilities.max(axis=1)[only_it]
        assert len(shown) == min(only_it.sum(), N_MISTAKES) > 0
        assert [each.facts["p_answer"] for each in shown] == np.sort(sure)[::-1][
            :N_MISTAKES
        ].tolist()
        assert {each.facts["index"] for each in shown} <= {*better.samples.index[only_it].tolist()}
    assert len(report.alone[0]) == N_MISTAKES


def test_one_page_is_about_one_model_or_two_different_ones(two, mnist):
    assert type(report_on_any(two[:1], mnist)).__name__ == "Report"
    for models in (two[:1] * 2, [*two, two[0]], []):
        with pytest.raises(UsageError, match="about one model, or two different ones"):
            report_on_any(models, mnist)
    other = mnistcli.train("0v1", mnist, TrainingSettings(split=SplitSpec(limit=30))).model
    with pytest.raises(
        UsageError, match=r"^model 1 does 3v8 and model 2 0v1: only models of the same"
    ):
        report_on_any([two[0], other], mnist)
