"""What may be asked of a training, and what is refused before any data is touched."""

from __future__ import annotations

import math
import typing
from dataclasses import fields
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from mnistcli.errors import UsageError
from mnistcli.ranges import RANGES, check_kind
from mnistcli.registry.card import ModelCard
from mnistcli.settings import (
    PRESETS,
    SOLVERS,
    FeatureSpec,
    FoldSpec,
    Penalty,
    Preset,
    SolverName,
    SolverSettings,
    SplitSpec,
    TrainingSettings,
    solvers_for,
)

KINDS = (SolverSettings, SplitSpec, FeatureSpec, FoldSpec, TrainingSettings)
HOME_OF = {each.name: kind for kind in KINDS for each in fields(kind)}
# Without these the value itself would make no sense.
BESIDE = {
    "l1_ratio": {"penalty": "elasticnet"},
    "n_filters": {"kind": "patches", "sides": (5,)},
    "n_codes": {"kind": "arrangements"},
    "n_directions": {"kind": "pixels+expansion", "n_relus": 1},
    "n_relus": {"kind": "pixels+expansion", "n_directions": 10},
    "n_squares": {"kind": "pixels+expansion", "n_directions": 10},
}


# And this one stands in a mapping, by the name of a dataset.
BY_DATASET = {"weight": "weights"}


def set_to(name, value):
    if name in BY_DATASET:
        made = TrainingSettings(**{BY_DATASET[name]: {"mine": value}})
        return getattr(made, BY_DATASET[name])["mine"]
    made = HOME_OF[name](**{name: value}, **BESIDE.get(name, {}))
    return getattr(made, name)


def test_every_number_has_a_range_and_every_range_a_number():
    numbers = {
        each.name
        for kind in KINDS
        for each in fields(kind)
        if {int, float} & {*typing.get_args(typing.get_type_hints(kind)[each.name])}
        or typing.get_type_hints(kind)[each.name] in (int, float)
    }
    assert numbers - {"sides", "without", *BY_DATASET.values()} == set(RANGES) - set(BY_DATASET)


def test_names_that_are_typed_twice_are_the_same():
    assert typing.get_args(SolverName) == ("auto", *SOLVERS)
    assert typing.get_args(Preset) == tuple(PRESETS)


@pytest.mark.parametrize("name", sorted(set(RANGES) - set(BY_DATASET)))
def test_numbers_outside_their_range_are_refused_wherever_they_come_from(name):
    bounds = RANGES[name]
    step = 1 if bounds.kind is int else 1e-9
    bad = [bounds.low - step, bounds.high * 2, 10**5000, -(10**400), math.nan, math.inf, -math.inf]
    bad += [True, "1", b"1", [1], np.array([1, 2]), np.bool_(True), Decimal(1), 1j, object()]
    bad += [1.0, np.float32(1.0), Fraction(1, 1)] if bounds.kind is int else []
    bad += [bounds.low, bounds.high] if bounds.is_open else []
    bad += [None] if all(each.default is not None for each in fields(HOME_OF[name]) if each.name == name) else []  # fmt: skip
    for value in bad:
        with pytest.raises(UsageError) as caught:
            set_to(name, value)
        assert caught.value.message.startswith(f"{name} = ")
        assert len(caught.value.message) < 100
        assert caught.value.hint.startswith(name)
        assert caught.value.typed_hint.startswith(bounds.option or name)


@pytest.mark.parametrize("name", sorted(RANGES))
def test_ends_of_ranges_are_taken_as_plain_numbers(name):
    bounds = RANGES[name]
    numpy = np.int64 if bounds.kind is int else np.float64
    ends = (0.25, 0.5) if bounds.is_open else (bounds.low or bounds.kind(1), bounds.high)
    for end in ends:
        value = set_to(name, numpy(end))
        assert (value, type(value)) == (end, bounds.kind)


def test_ranges_are_told_in_words():
    with pytest.raises(UsageError) as caught:
        SplitSpec(seed=2**32)
    assert caught.value.message == "seed = 4294967296 makes no sense"
    assert caught.value.hint == "seed takes a whole number, 0 to 4,294,967,295"
    with pytest.raises(UsageError) as caught:
        TrainingSettings(weights={"mine": 0})
    assert caught.value.hint == "the weight of mine takes 1e-06 to 1e+06"
    assert str(RANGES["C"]) == "1e-10 to 1e+10"
    assert str(RANGES["test_size"]) == "above 0 and below 1"


def test_what_does_not_go_together_is_refused():
    for wrong, message in (
        (lambda: SolverSettings(penalty="l3"), "'l3' is no penalty"),
        (lambda: SolverSettings(solver="sgd"), "'sgd' is no solver"),
        (lambda: SolverSettings(class_weight="even"), "'even' is no class weight"),
        (lambda: SolverSettings(penalty="elasticnet"), "go together"),
        (lambda: SolverSettings(l1_ratio=0.5), "go together"),
        (lambda: SolverSettings(penalty="l1", solver="newton"), "does not do the penalty l1"),
        (lambda: SolverSettings(solver="liblinear").solver_for(3), "does 2 classes"),
        (lambda: SplitSpec(kind="odd"), "'odd' is no split"),
        (lambda: FeatureSpec(kind="sift"), "'sift' is no features"),
        (lambda: FeatureSpec(kind="patches"), "patches have sizes"),
        (lambda: FeatureSpec("patches", (4,), 8), "patches of"),
        (lambda: FeatureSpec("patches", (5.0,), 8), "patches of"),
        (lambda: FeatureSpec("patches", (5, 5), 8), "each once"),
        (lambda: FeatureSpec(n_codes=4), "pixels have no n_codes, which is 4 here"),
        (lambda: FeatureSpec("patches", (5,), 8, n_relus=2), "patches have no n_relus"),
        (lambda: FeatureSpec("arrangements"), "arrangements have codes"),
        (lambda: FeatureSpec(kind="expansion"), "'expansion' is no features"),
        (lambda: FeatureSpec(kind="pixels+patch"), "'patch' is no further features"),
        (lambda: FeatureSpec(kind="pixels+expansion+pixels"), "a stage twice"),
        (lambda: FeatureSpec(kind="deskew+patches"), "patches have sizes"),
        (lambda: FeatureSpec(kind="pixels+expansion+expansion"), "a stage twice"),
        (lambda: FeatureSpec("deskew+expansion", n_relus=9), "0 directions make no sense"),
        (lambda: FeatureSpec("deskew+expansion", n_directions=9), "ramps or squares"),
        (
            lambda: FeatureSpec("patches+expansion", (5,), 1, n_directions=37, n_squares=1),
            "37 directions make no sense",
        ),
        (lambda: TrainingSettings(n_jobs=0), "0 jobs"),
        (lambda: TrainingSettings(SolverSettings(penalty="none"), search=True), "no C to choose"),
        (
            lambda: TrainingSettings(SolverSettings(C=1e-10), features=FeatureSpec(n_copies=3)),
            "too small for 4 of each image",
        ),
    ):
        with pytest.raises(UsageError, match=message):
            wrong()


@pytest.mark.parametrize("penalty", typing.get_args(Penalty))
@pytest.mark.parametrize("n_classes", [2, 10])
def test_the_table_of_solvers_is_what_scikit_learn_takes(penalty, n_classes):
    """Each of its solvers is asked; what it refuses must not be offered, and the other way round."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), np.arange(40) % n_classes
    able = set()
    for solver in [name for name in SOLVERS if name != "newton"]:
        ratio = {"l1": 1.0, "elasticnet": 0.5}.get(penalty, 0.0)
        C = math.inf if penalty == "none" else 1.0
        model = LogisticRegression(solver=solver, C=C, l1_ratio=ratio, max_iter=1000)
        try:
            model.fit(X, y)
        except ValueError:
            continue
        able.add(solver)
    assert {name for name in solvers_for(penalty, n_classes) if name != "newton"} == able


def test_auto_takes_the_first_solver_that_can():
    chosen = [
        SolverSettings(penalty=penalty, l1_ratio=0.5 if penalty == "elasticnet" else None)
        for penalty in typing.get_args(Penalty)
    ]
    assert [each.solver_for(2) for each in chosen] == ["newton", "liblinear", "saga", "newton"]
    assert [each.solver_for(10) for each in chosen] == ["newton", "saga", "saga", "newton"]
    assert [each.l1_share for each in chosen] == [0.0, 1.0, 0.5, 0.0]


def test_a_card_from_before_subsets_were_nested_says_so(invoke, home):
    import json

    invoke("train", "--task", "0v1", "--limit", "100", "-q")
    card = json.loads(invoke("models", "info", "--json").out)["card"]
    assert card["split"].pop("nested") is True
    old = ModelCard.from_json(json.dumps({"format_version": 1, **card}))
    assert old.split == SplitSpec(limit=100, nested=False)
    assert ModelCard.from_json(old.to_json()) == old


def test_what_a_setting_refuses_a_card_refuses(invoke, home):
    import json

    invoke("train", "--task", "0v1", "--limit", "100", "-q")
    card = json.loads(invoke("models", "info", "--json").out)["card"]
    text = ModelCard.from_json(json.dumps({"format_version": 1, **card})).to_json()
    for part, name in (("settings", "C"), ("settings", "max_iter"), ("split", "seed")):
        for value in (True, "1", -1, 1e11, [], {}):
            content = json.loads(text)
            content[part][name] = value
            with pytest.raises(ValueError, match="is not what it should be"):
                ModelCard.from_json(json.dumps(content))


def test_a_part_of_the_settings_is_told_where_it_belongs():
    with pytest.raises(UsageError) as caught:
        check_kind("settings", SolverSettings(), TrainingSettings)
    assert caught.value.message.startswith("settings = SolverSettings(C=1.0, penalty=")
    assert caught.value.hint == "settings takes a TrainingSettings"
    with pytest.raises(UsageError) as caught:
        check_kind("settings", {"C": 3}, TrainingSettings)
    assert caught.value.message == "settings = {'C': 3} makes no sense"
    assert caught.value.hint == "settings takes a TrainingSettings"
