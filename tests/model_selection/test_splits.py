"""Training and test samples of a task: shares of the classes, and splits that leave nothing."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistcli.datasets.dataset import Dataset, LabelledImages, joined
from mnistcli.errors import StorageError, TrainingError, UsageError
from mnistcli.model_selection import splits
from mnistcli.model_selection.splits import nested_sample, stratified_sample, training_samples
from mnistcli.settings import SplitSpec
from mnistcli.tasks import parse_task


@pytest.mark.parametrize("sample", [nested_sample, stratified_sample])
def test_a_subset_keeps_the_shares_of_the_classes(mnist, sample):
    y = mnist.train.labels.astype(np.int64)
    chosen = sample(y, 1000, np.random.default_rng(0))
    assert len(set(chosen.tolist())) == 1000
    shares = np.bincount(y[chosen], minlength=10) / 1000
    assert np.abs(shares - np.bincount(y) / len(y)).max() < 1 / 1000


@given(st.lists(st.integers(0, 60), min_size=2, max_size=6), st.integers(0, 9))
def test_larger_subsets_contain_smaller_ones_and_every_class_keeps_its_share(counts, seed):
    y = np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))
    before: set[int] = set()
    for n in range(1, len(y) + 1):
        try:
            chosen = nested_sample(y, n, np.random.default_rng(seed))
        except TrainingError:
            continue
        assert before < {*chosen.tolist()}
        before = {*chosen.tolist()}
        assert len(before) == n
        exact = np.array(counts) * n / len(y)
        assert np.abs(np.bincount(y[chosen], minlength=len(counts)) - exact).max() < len(counts) / 2


@pytest.mark.parametrize("kind", ["standard", "random"])
def test_the_images_of_a_smaller_limit_are_among_those_of_a_larger_one(mnist, kind):
    task = parse_task("digits")
    few, more, old = (
        training_samples(mnist, task, SplitSpec(kind, seed=3, limit=limit, nested=nested)).index
        for limit, nested in ((300, True), (1000, True), (300, False))
    )
    assert {*few.tolist()} < {*more.tolist()}
    assert not {*old.tolist()} < {*more.tolist()}


def test_a_card_from_before_subsets_were_nested_still_finds_its_images(mnist):
    spec = SplitSpec(limit=6, seed=1, nested=False)
    index = training_samples(mnist, parse_task("3v8"), spec).index
    assert index.tolist() == [9769, 21306, 31065, 31355, 30967, 19518]  # as 0.1.0 drew them


@pytest.mark.parametrize("spec", [SplitSpec(limit=300), SplitSpec("random", limit=300)])
def test_the_subset_and_its_order_follow_the_seed(mnist, spec):
    task = parse_task("3v8")
    zero, again, one = (
        training_samples(mnist, task, replace(spec, seed=seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(zero.index, again.index)
    assert len(np.intersect1d(zero.index, one.index)) < 100
    assert 0.3 < (np.diff(zero.index) > 0).mean() < 0.7
    part = np.concatenate([mnist.train.images, mnist.test.images])
    np.testing.assert_array_equal(zero.images, part[zero.index])


@pytest.mark.parametrize("spec", [SplitSpec(), SplitSpec("random"), SplitSpec(limit=300)])
def test_what_is_left_out_is_not_trained_on(mnist, spec):
    task = parse_task("3v8")
    before = training_samples(mnist, task, spec)
    first = tuple(before.index[:20].tolist())
    without = replace(spec, without=first[::-1] + first[:3])
    assert without.without == tuple(sorted(first))
    after = training_samples(mnist, task, without)
    assert not set(after.index.tolist()) & set(first)
    assert len(after) == (300 if spec.limit else len(before) - 20)
    tested, before = (splits.test_samples(mnist, task, each) for each in (without, spec))
    np.testing.assert_array_equal(tested.index, before.index)


def test_what_cannot_be_left_out(mnist):
    with pytest.raises(UsageError, match="mnist has 60,000 images to leave some out of"):
        training_samples(mnist, parse_task("3v8"), SplitSpec(without=(60_000,)))
    with pytest.raises(UsageError, match="mnist has 60,000 images"):
        training_samples(mnist, parse_task("3v8"), SplitSpec(without=(-1,)))
    task = parse_task("0v1")
    ten = replace(mnist, train=LabelledImages(mnist.train.images[:10], mnist.train.labels[:10]))
    for digits in ((0,), (0, 1)):
        all_of_them = np.flatnonzero(np.isin(ten.train.labels, digits)).tolist()
        with pytest.raises(TrainingError, match="of a class no image is left to train on"):
            training_samples(ten, task, SplitSpec(without=tuple(all_of_them)))
    with pytest.raises(UsageError, match="at most 5,000"):
        SplitSpec(without=tuple(range(5001)))


def test_indices_come_from_files_and_those_of_a_part_count_from_its_start(
    mnist, tmp_path, monkeypatch
):
    ten = LabelledImages(mnist.test.images[:10], mnist.test.labels[:10])
    mine = replace(mnist, name="mine", train=ten, test=ten)
    both = joined([mnist, mine])
    path = tmp_path / "bad=1.txt"
    path.write_text("7 # looks like a 1\n\n  3\r\n3\n#all\n")

    def read(*texts, of=both, kind="standard"):
        return splits.indices_to_leave_out(texts, of, kind)

    assert SplitSpec(without=read(str(path))).without == (3, 7)
    both_ways = read(f"mine={path}", str(path))
    assert SplitSpec(without=both_ways).without == (3, 7, 60_003, 60_007)
    assert {*read(f"mine={path}", of=mine)} == {3, 7}
    for line, kind in (("10", "standard"), ("-1", "random"), ("0x3", "random"), ("²", "random"),
                       ("test 3", "random"), ("1" * 5000, "random"), ("20", "random")):  # fmt: skip
        path.write_text(f"3\n{line}\n")
        with pytest.raises(UsageError, match=r"bad=1.txt line 2: '.{1,40}' is no index"):
            read(str(path), of=mine, kind=kind)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"3\n9\n")))
    assert read("mine=-") == (60_003, 60_009)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(StorageError, match="cannot read -: standard input is closed"):
        read("-")
    path.write_text("19\n")
    assert read(str(path), of=mine, kind="random") == (19,)
    with pytest.raises(StorageError, match=r"cannot read .*none.txt: No such file"):
        read(str(tmp_path / "none.txt"))


def test_all_images_are_in_an_order_that_follows_the_seed(mnist):
    task = parse_task("3v8")
    zero, one = (training_samples(mnist, task, SplitSpec(seed=seed)).index for seed in (0, 1))
    members = np.flatnonzero(np.isin(mnist.train.labels, (3, 8)))
    for index in (zero, one):
        np.testing.assert_array_equal(np.sort(index), members)
        assert 0.4 < (np.diff(index) > 0).mean() < 0.6
    assert (zero != one).mean() > 0.9


def test_a_random_split_shares_all_images_out_class_by_class(mnist):
    task = parse_task("3v8")
    labels = np.concatenate([mnist.train.labels, mnist.test.labels])
    parts = {}
    for seed in (0, 1):
        spec = SplitSpec("random", test_size=0.3, seed=seed)
        train, test = training_samples(mnist, task, spec), splits.test_samples(mnist, task, spec)
        both = np.concatenate([train.index, test.index])
        np.testing.assert_array_equal(np.sort(both), np.flatnonzero(np.isin(labels, (3, 8))))
        np.testing.assert_array_equal(test.y, (labels[test.index] == 8).astype(int))
        assert len(test) == round(0.3 * len(both))
        assert test.y.mean() == pytest.approx(train.y.mean(), abs=1e-3)
        assert (np.diff(test.index) > 0).all()
        parts[seed] = test.index
    assert len(np.intersect1d(parts[0], parts[1])) < 0.4 * len(parts[0])


@given(st.lists(st.integers(1, 60), min_size=2, max_size=6))
def test_from_what_the_hint_of_a_small_subset_says_every_subset_works(counts):
    y, rng = np.repeat(np.arange(len(counts)), counts), np.random.default_rng(0)
    with pytest.raises(TrainingError) as caught:
        nested_sample(y, 1, rng)
    least = int(caught.value.hint.removeprefix("take at least "))
    for n in range(least, min(least + 9, len(y) + 1)):
        chosen = nested_sample(y, n, rng)
        assert len(set(chosen.tolist())) == n
        assert (np.bincount(y[chosen], minlength=len(counts)) > 0).all()
    with pytest.raises(TrainingError):
        nested_sample(y, least - 1, rng)


@pytest.mark.parametrize("test_size", [0.99999, 0.99997, 0.99993, 1e-9, 1e-4])
def test_a_random_split_that_leaves_a_class_without_images_is_refused(mnist, test_size):
    task = parse_task("0v1")
    spec = SplitSpec("random", test_size=test_size)
    for samples in (training_samples, splits.test_samples):
        with pytest.raises(TrainingError) as caught:
            samples(mnist, task, spec)
    n_test = round(test_size * 14_780)
    assert caught.value.message == (
        f"a test size of {test_size:g} leaves a class without any: "
        f"{14_780 - n_test:,} images for training, {n_test:,} for the test"
    )


def test_images_that_are_the_same_are_on_one_side_of_a_random_split(mnist):
    parts = [LabelledImages(part.images[:300].repeat(3, axis=0), part.labels[:300].repeat(3))
             for part in (mnist.train, mnist.train)]  # fmt: skip
    thrice = Dataset("thrice", "thrice", *parts, "0" * 64)
    spec, task = SplitSpec("random"), parse_task("digits")
    sides = training_samples(thrice, task, spec), splits.test_samples(thrice, task, spec)
    train, test = ({*map(bytes, side.images)} for side in sides)
    assert (len(train | test), train & test) == (300, set())
    assert sum(map(len, sides)) == 1800
    one = LabelledImages(
        mnist.train.images[[0] * 9 + [1] * 9], mnist.train.labels[[0] * 9 + [1] * 9]
    )
    with pytest.raises(TrainingError, match="leaves a class without any"):
        training_samples(Dataset("one", "one", one, one, "0" * 64), parse_task("0v5"), spec)


def test_no_random_split_is_offered_where_a_class_has_one_image(mnist):
    kept = np.flatnonzero(mnist.train.labels < 9)[:500].tolist()
    kept.append(int(np.flatnonzero(mnist.train.labels == 9)[0]))
    train = LabelledImages(mnist.train.images[kept], mnist.train.labels[kept])
    nothing = LabelledImages(train.images[:0], train.labels[:0])
    one_nine = replace(mnist, train=train, test=nothing)
    with pytest.raises(TrainingError, match="leaves a class without any") as caught:
        training_samples(one_nine, parse_task("digits"), SplitSpec("random"))
    assert caught.value.hint.endswith("the smallest has 1")


def test_a_class_that_a_dataset_does_not_have_is_named(mnist):
    def without_ones(part):
        keep = part.labels != 1
        return replace(part, images=part.images[keep], labels=part.labels[keep])

    test = without_ones(mnist.test)
    less = replace(mnist, name="less", train=without_ones(mnist.train), test=test)
    for kind in ("standard", "random"):
        for task in ("0v1", "0v1v2", "1v2vrest"):
            with pytest.raises(TrainingError) as caught:
                splits.check_classes(less, parse_task(task), SplitSpec(kind))
            assert caught.value.message == "less has no images of 1 to learn from"
            assert caught.value.hint.endswith("join it with others: --dataset mnist+less")
