"""What is gathered for a page about a model."""

from __future__ import annotations

import numpy as np
import pytest

import mnistcli
from mnistcli.comparison import report_on_any
from mnistcli.errors import UsageError
from mnistcli.evaluation import N_IN_CELL, N_MISTAKES, N_UNCERTAIN, report_on
from mnistcli.settings import SplitSpec, TrainingSettings


@pytest.fixture(scope="module", params=["3v8", "digits", "pairs"])
def report(request, mnist):
    settings = TrainingSettings(split=SplitSpec(limit=300))
    return report_on(mnistcli.train(request.param, mnist, settings).model, mnist)


def test_certainty_is_in_order_and_true(report, mnist):
    probabilities = report.judged.probabilities.max(axis=1)
    least = [each.facts["p_answer"] for each in report.least_certain]
    assert least == np.sort(probabilities)[:N_UNCERTAIN].tolist()
    names = report.judged.model.card.class_names
    for each in report.least_certain:
        assert np.array_equal(each.image, mnist.test.images[each.facts["index"]])
        assert str(mnist.test.labels[each.facts["index"]]) == each.facts["truth"]
        model = report.judged.model.classifier
        p = model.predict_proba(each.image[None])[0]
        assert each.facts["p_answer"] == pytest.approx(p.max())
        assert names[p.argmax()] == each.facts["answer"]


def test_behind_every_cell_are_some_of_its_digits(report):
    names, confusion = report.judged.model.card.class_names, report.judged.evaluation.confusion
    cells = [[[] for _ in names] for _ in names]
    for each in report.behind:
        truth, answer = (names.index(each.facts[key]) for key in ("truth", "answer"))
        cells[truth][answer].append(each.facts)
    for i, truth in enumerate(names):
        for j, answer in enumerate(names):
            some, n = cells[i][j], min(confusion[i, j], N_IN_CELL)
            all_of_it = report.judged.images_at(report.judged.behind(truth, answer))
            assert some == [each.facts for each in all_of_it[:n]]
            assert len(all_of_it) == confusion[i, j]
            p_answer = [each.facts["p_answer"] for each in all_of_it]
            assert p_answer == sorted(p_answer, reverse=i != j)


def test_the_rest_is_what_evaluate_and_show_say(report, mnist):
    judged = mnistcli.evaluate(report.judged.model, mnist)
    assert report.judged.evaluation.accuracy == judged.evaluation.accuracy
    assert [m.facts for m in report.mistakes] == [m.facts for m in judged.mistakes(N_MISTAKES)]
    n_classes = len(report.judged.model.card.class_names)
    assert len(report.judged.curves()) == (1 if n_classes == 2 else n_classes)
    assert len(report.looks_for) == len(report.judged.model.classifier.coef)


def test_captions_of_judged_images_say_how_sure_it_was(report):
    judged = report.judged
    positions = range(len(judged.samples))
    for image, p in zip(judged.images_at(positions), judged.probabilities, strict=True):
        facts = image.facts
        sure = ">99%" if p.max() > 0.99 else f"{p.max():.0%}"
        said = facts["truth"]
        if facts["answer"] != said:
            said += f" not {facts['answer']}"
        assert image.caption == f"#{facts['index']}: {said} ({sure})"


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
