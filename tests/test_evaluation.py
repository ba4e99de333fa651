"""What is judged, and which mistakes are the worst."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import mnistcli
from mnistcli.datasets.dataset import LabelledImages
from mnistcli.errors import DataUnavailableError, UsageError
from mnistcli.evaluation import (
    N_IN_CELL,
    N_MISTAKES,
    N_UNCERTAIN,
    evaluate,
    report_on,
    suspects,
    threshold_for,
)
from mnistcli.metrics.curves import Threshold, parse_target
from mnistcli.model_selection.splits import training_samples
from mnistcli.settings import FoldSpec, SolverSettings, SplitSpec, TrainingSettings


@pytest.fixture(scope="module")
def digits(mnist):
    return mnistcli.train("digits", mnist, TrainingSettings(split=SplitSpec(limit=500))).model


@pytest.fixture(scope="module")
def binary(mnist):
    settings = TrainingSettings(split=SplitSpec("random", 0.3, seed=5, limit=300))
    return replace(mnistcli.train("3v8", mnist, settings).model, ref="3v8@1")


def some(part, *digits):
    chosen = np.isin(part.labels, digits)
    return LabelledImages(part.images[chosen], part.labels[chosen])


def test_the_worst_mistakes_are_those_it_was_surest_of(digits, mnist):
    """Sorted by the number that captions show, which of ten classes is not 1 - p(truth)."""
    judged = evaluate(digits, mnist)
    everything = judged.mistakes(10_000)
    assert len(everything) == (~judged.is_right).sum()
    p = digits.classifier.predict_proba(mnist.test.images)
    wrong = np.flatnonzero(p.argmax(axis=1) != mnist.test.labels)
    facts = [mistake.facts for mistake in everything]
    assert {each["index"] for each in facts} == {*wrong.tolist()}
    assert [each["p_answer"] for each in facts] == np.sort(p[wrong].max(axis=1))[::-1].tolist()
    for each, mistake in zip(facts[:50], everything, strict=False):
        row = p[each["index"]]
        assert each["answer"] == str(row.argmax())
        assert each["truth"] == str(mnist.test.labels[each["index"]])
        assert each["p_truth"] == row[int(each["truth"])]
        assert np.array_equal(mistake.image, mnist.test.images[each["index"]])
        start, _, sure = mistake.caption.partition(" (")
        assert start == f"#{each['index']}: {each['truth']} not {each['answer']}"
        assert sure == (">99%)" if row.max() > 0.99 else f"{row.max():.0%})")
    assert [each.facts for each in judged.mistakes(3)] == facts[:3]


def test_arrays_of_ones_own_are_judged_whatever_holds_them(digits, mnist):
    images, labels = mnist.test.images[:50], mnist.test.labels[:50]
    judged = evaluate(digits, LabelledImages(images, labels))
    assert repr(judged).startswith("<JudgedModel: a model on the data, ")
    for same, numbers in (
        (images / 255, labels.tolist()),
        (images.reshape(-1, 784).astype(float), labels.astype(int)),
        (images.tolist(), labels),
        (images[..., None], labels),
    ):
        again = evaluate(digits, LabelledImages(same, numbers))
        assert np.array_equal(again.scores, judged.scores)
        assert all(each.image.shape == (28, 28) for each in again.mistakes(50))
    for bad in (labels[:2], labels.astype(str), labels.astype(int) + 256, labels[:, None], 7):
        with pytest.raises(UsageError, match="50 images have as many labels, 0 to 255, not "):
            LabelledImages(images, bad)
    with pytest.raises(UsageError, match=r"images have shape .*, not \(50, 14, 56\)"):
        LabelledImages(images.reshape(50, 14, 56), labels)


@pytest.mark.parametrize("folds", [None, FoldSpec(3)], ids=["itself", "folds"])
def test_labels_that_are_wrong_are_suspected_first(mnist, folds):
    of_task = np.isin(mnist.train.labels, (0, 1))
    labels = mnist.train.labels[of_task][:1000].copy()
    wrong = {*range(0, 1000, 100)}
    labels[[*wrong]] = 1 - labels[[*wrong]]
    images = mnist.train.images[of_task][:1000]
    data = replace(mnist, name="mine", sha256="ab", train=LabelledImages(images, labels))
    settings = TrainingSettings(solver=SolverSettings(C=1e-3), folds=folds)
    training = mnistcli.train("0v1", data, settings)
    found = suspects(training.model, data, n=12, on="train")
    assert len({each.facts["index"] for each in found[:10]} & wrong) >= 9
    for each in found:
        facts = each.facts
        assert np.array_equal(each.image, images[facts["index"]])
        assert facts["truth"] == str(labels[facts["index"]]) == str(1 - int(facts["rather"]))
        p = training.model.classifier.predict_proba(each.image[None])[0, int(facts["truth"])]
        assert (facts["p_truth"] == pytest.approx(p, rel=1e-5)) == (folds is None)
        assert facts["is_out_of_fold"] == (folds is not None)
    beliefs = [each.facts["p_truth"] for each in found]
    assert beliefs == sorted(beliefs)
    if folds:
        order = training_samples(data, training.model.card.task, SplitSpec()).index
        said = dict(zip(order.tolist(), training.cross_validation.p_truth.tolist(), strict=True))
        assert beliefs == [said[each.facts["index"]] for each in found]
        assert "by models of folds" in found.legend
        # of other data it only knows what it says itself
        assert not suspects(training.model, mnist, n=1, on="train")[0].facts["is_out_of_fold"]


def test_suspects_of_both_parts_are_told_apart(digits, mnist):
    both = suspects(digits, mnist, n=3000)
    assert {each.facts["part"] for each in both} == {"train", "test"}
    for part in ("train", "test"):
        alone = suspects(digits, mnist, n=3000, on=part)
        theirs = [each.facts for each in both if each.facts["part"] == part]
        assert theirs == [each.facts for each in alone][: len(theirs)]
    empty = LabelledImages(mnist.test.images[:0], mnist.test.labels[:0])
    assert suspects(digits, replace(mnist, test=empty), n=3)[0].facts["part"] == "train"
    with pytest.raises(DataUnavailableError, match="mnist has no image for the task digits"):
        suspects(digits, replace(mnist, test=empty), on="test")


def test_a_hardly_probable_answer_is_not_said_to_be_impossible(binary, mnist):
    judged = evaluate(binary, mnist, threshold=Threshold(1e-9))
    mistakes = judged.mistakes(10_000)
    assert "<1%" in mistakes[-1].caption
    assert not any("(0%)" in mistake.caption for mistake in mistakes)


def test_a_model_is_judged_on_the_images_that_its_own_split_kept(binary, mnist):
    judged, trained = evaluate(binary, mnist), evaluate(binary, mnist, on="train")
    assert (judged.on, trained.on) == ("mnist test", "mnist train")
    assert len(trained.samples) == binary.card.n_train == 300
    assert len(judged.samples) == binary.card.n_test
    assert not {*judged.samples.index.tolist()} & {*trained.samples.index.tolist()}


def test_on_other_data_of_the_same_name_its_split_means_nothing(binary, mnist):
    other = replace(mnist, sha256="0" * 64)
    assert len(evaluate(binary, other).samples) == len(some(mnist.test, 3, 8).labels)
    assert len(evaluate(binary, other, on="train").samples) == len(some(mnist.train, 3, 8).labels)
    with pytest.raises(UsageError, match="is not what 3v8@1 was trained on"):
        threshold_for(binary, parse_target("recall=0.9"), other)


def test_digits_outside_the_task_are_noted(binary, mnist):
    own = LabelledImages(mnist.test.images[:20], mnist.test.labels[:20], ("read upside down",))
    n = int(np.isin(own.labels, (3, 8)).sum())
    judged = evaluate(binary, own, name="own.csv")
    assert (judged.evaluation.n_samples, judged.on) == (n, "own.csv")
    left_out = f"{20 - n} of 20 images show no digit of the task: left out"
    assert judged.notes == ("read upside down", left_out)
    threes = replace(some(mnist.test, 3), notes=("read upside down",))
    assert evaluate(binary, threes).notes == ("read upside down",)
    assert evaluate(binary, some(mnist.test, 3, 8)).notes == ()
    assert evaluate(binary, mnist).notes == ()
    with pytest.raises(DataUnavailableError, match=r"own\.csv has no image for the task 3v8"):
        evaluate(binary, some(mnist.test, 1), name="own.csv")


def test_a_model_that_did_not_converge_is_noted(binary, mnist):
    card = replace(binary.card, certificate={**binary.card.certificate, "converged": False})
    (note,) = evaluate(replace(binary, card=card), mnist).notes
    assert note.startswith("3v8@1 did NOT converge")


def test_a_threshold_is_for_two_classes_and_chosen_on_the_training_images(binary, digits, mnist):
    chosen = threshold_for(binary, parse_target("recall=0.95"), mnist)
    judged = evaluate(binary, mnist, on="train", threshold=chosen)
    row = judged.evaluation.classes[1]
    assert (row.recall, row.precision) == (chosen.recall, chosen.precision)
    assert chosen.recall >= 0.95
    for act in (
        lambda: threshold_for(digits, parse_target("recall=0.9"), mnist),
        lambda: evaluate(digits, mnist, threshold=Threshold(0.5)),
    ):
        with pytest.raises(UsageError, match="a threshold is for two classes"):
            act()


def test_pairs_of_classes_are_judged_where_there_are_models_of_pairs(digits, mnist):
    assert evaluate(digits, mnist).pair_errors() is None
    settings = TrainingSettings(split=SplitSpec(limit=300))
    errors = evaluate(mnistcli.train("pairs", mnist, settings).model, mnist).pair_errors()
    assert errors.shape == (10, 10)
    assert np.isnan(np.diagonal(errors)).all()
    off = errors[~np.eye(10, dtype=bool)]
    assert 0 <= off.min() <= off.max() < 0.3


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
