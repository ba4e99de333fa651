"""Curves: the points are those of `train`, means tell seeds from images, runs go on where they ended."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import joblib
import pytest
from scipy.stats import t

from mnistcli import learning_curves, training
from mnistcli.cli.views.curve import point_line
from mnistcli.errors import CorruptFileError, UsageError
from mnistcli.features import FeatureSpec
from mnistcli.features.measured import Patches
from mnistcli.learning_curves import Curve, CurvePoint, PointFile, Variant, axis_and_lines
from mnistcli.linear_model.solvers import fit_classifier
from mnistcli.metrics.intervals import wilson
from mnistcli.model_selection import design
from mnistcli.settings import SolverSettings, SplitSpec, TrainingSettings
from mnistcli.tasks import parse_task


def variant(*, task="3v8", C=1.0, limit=60, seed=0):
    split, settings = SplitSpec(limit=limit, seed=seed), SolverSettings(C=C)
    return Variant(parse_task(task), split, FeatureSpec(), settings, "fast")


def settings_of(one):
    return TrainingSettings(one.settings, one.split, one.feature_spec)


@pytest.fixture(scope="module")
def points(mnist):
    variants = [
        variant(C=C, limit=n, seed=s) for C in (1.0, 0.01) for n in (60, 40) for s in (0, 1)
    ]
    return list(learning_curves.curve_points(mnist, variants))


def test_a_point_is_what_train_gives(mnist, points):
    for point in points:
        one = variant(C=point.C, limit=point.limit, seed=point.seed)
        trained = training.train("3v8", mnist, settings_of(one))
        assert point.n_correct == trained.evaluation.n_correct
        assert point.log_loss == pytest.approx(trained.evaluation.log_loss, rel=1e-4)
        assert (point.accuracy_low, point.accuracy_high) == trained.evaluation.accuracy_interval
        assert point.n_train == point.limit
        assert point.converged
        assert point.objective == pytest.approx(trained.fit.certificate.objective, rel=1e-4)


def test_along_C_each_fit_begins_where_the_one_before_ended(mnist, monkeypatch):
    path = [variant(C=C, limit=600) for C in (0.1, 0.2, 0.4)]
    n_iterations = []

    def counted(*args, **options):
        classifier, fit = fit_classifier(*args, **options)
        n_iterations.append(fit.certificate.n_iterations)
        return classifier, fit

    monkeypatch.setattr(design, "fit_classifier", counted)
    for variants in (path, *([each] for each in path)):
        list(learning_curves.curve_points(mnist, variants))
    first, *along = n_iterations[:3]
    assert first == n_iterations[3]
    assert sum(along) < 0.8 * sum(n_iterations[4:])


def test_images_are_learned_from_subset_by_subset_and_judged_once(mnist, monkeypatch):
    n_transformed = []

    def counted(self, images):
        n_transformed.append(len(images))
        return transform(self, images)

    transform = Patches.transform
    features = FeatureSpec("patches", sides=(5,), n_filters=4)
    variants = [
        each._replace(feature_spec=features)
        for each in (variant(limit=n, C=C) for n in (40, 90) for C in (0.1, 1))
    ]
    monkeypatch.setattr(Patches, "transform", counted)
    assert len(list(learning_curves.curve_points(mnist, variants))) == 4
    assert n_transformed == [64, 1984, 96, 1984]  # of training images a multiple of 32


def test_points_come_one_by_one_and_what_stops_a_curve_costs_none(mnist, monkeypatch):
    fits = iter([fit_classifier, fit_classifier])

    def stopped(*args, **options):
        for fit in fits:
            return fit(*args, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(design, "fit_classifier", stopped)
    found = []
    with pytest.raises(KeyboardInterrupt):
        found.extend(learning_curves.curve_points(mnist, [variant(C=C) for C in (1, 2, 3, 4)]))
    assert [point.C for point in found] == [1, 2]


def test_jobs_are_those_of_the_caller_s_joblib(mnist, points):
    variants = [variant(C=p.C, limit=p.limit, seed=p.seed) for p in points]
    with joblib.parallel_config("threading", n_jobs=2):
        found = list(learning_curves.curve_points(mnist, variants, n_jobs=None))
    plain = [replace(p, fit_seconds=0, peak_memory_bytes=0) for p in points]
    assert len(found) == len(plain)
    assert all(replace(p, fit_seconds=0, peak_memory_bytes=0) in plain for p in found)


def test_no_point_is_missing_or_there_twice(points):
    assert len({(p.C, p.limit, p.seed) for p in points}) == len(points) == 8


def test_means_are_of_the_seeds(points):
    found = Curve(points, "limit", "C").means
    assert {(each.line, each.x) for each in found} == set(product(("0.01", "1"), (40, 60)))
    assert len(found) == 4
    for each in found:
        two = [p for p in points if (f"{p.C:g}", p.limit) == (each.line, each.x)]
        accuracies = [p.accuracy for p in two]
        centre = sum(accuracies) / 2
        assert each.n_seeds == 2
        assert each.accuracy == pytest.approx(centre)
        spread = abs(accuracies[0] - accuracies[1]) / 2  # the standard error of two
        low, high = t.interval(0.95, 1, loc=centre, scale=spread)
        assert each.over_seeds == pytest.approx((max(0, low), min(1, high)))
        assert each.over_images == wilson(round(centre * 1984), 1984)


def test_one_seed_says_nothing_of_seeds(points):
    assert all(each.over_seeds is None for each in Curve(points[:1], "limit").means)


def test_known_points_come_first_and_only_the_others_are_trained(mnist, points, tmp_path):
    variants = [variant(C=p.C, limit=p.limit, seed=p.seed) for p in points]
    file = PointFile(tmp_path / "points.jsonl", point_line)
    for known in (points[3], points[3], replace(points[4], seed=7)):  # and one of another curve
        file.add(known)
    found = list(learning_curves.curve_points(mnist, variants, file=file))
    assert found[0] == points[3]
    assert len({point.key for point in found}) == len(found) == len(points)
    assert file.read()[3:] == found[1:]


def test_a_plan_has_a_training_for_each_combination_with_the_preset_s_settings():
    given = dict.fromkeys(learning_curves.AXES, ()) | {"task": [parse_task("3v8")]}
    lists = {"preset": ["better", "fast"], "limit": [60, 40], "C": [0.1, 2.0]}
    found = learning_curves.plan_variants(given | lists, (5, 6), SolverSettings())
    said = [(v.preset, v.split.limit, v.split.seed, v.settings.C) for v in found]
    assert said == [*product(lists["preset"], lists["limit"], (5, 6), lists["C"])]
    assert {(v.preset, v.settings.tol) for v in found} == {("better", 1e-6), ("fast", None)}
    (one,) = learning_curves.plan_variants(given, [0], SolverSettings(penalty="l1"))
    assert one == Variant(
        given["task"][0], SplitSpec(), FeatureSpec(), SolverSettings(penalty="l1"), "fast"
    )
    (other,) = learning_curves.plan_variants(
        given | {"features": ["deskew"]}, [0], SolverSettings()
    )
    assert (other.preset, other.feature_spec.kind) == (None, "deskew")


@pytest.mark.parametrize(
    ("several", "expected"),
    [
        ({"C": 3}, ("C", None)),
        ({"C": 3, "limit": 2}, ("limit", "C")),
        ({"task": 2, "C": 2}, ("C", "task")),
        ({"task": 2, "preset": 2}, ("preset", "task")),
    ],
)
def test_the_first_list_is_the_axis(several, expected):
    given = {name: [None] * several.get(name, 1) for name in learning_curves.AXES}
    assert axis_and_lines(given) == expected


@pytest.mark.parametrize("several", [{}, {"C": 2, "limit": 2, "task": 2}])
def test_no_list_and_three_are_refused(several):
    with pytest.raises(UsageError):
        axis_and_lines({name: [None] * several.get(name, 1) for name in learning_curves.AXES})


def test_points_go_into_a_file_and_come_back(points, tmp_path):
    file = PointFile(tmp_path / "points.jsonl", point_line)
    assert file.read() == []
    for point in points:
        file.add(point)
    assert file.read() == points


def test_a_line_that_was_cut_off_costs_only_itself(points, tmp_path):
    file = PointFile(tmp_path / "points.jsonl", point_line)
    file.path.write_text(point_line(points[0]) + point_line(points[1])[:-20])
    file.add(points[2])
    assert file.path.read_text() == point_line(points[0]) + point_line(points[2])
    file.path.write_text(file.path.read_text().rstrip())
    file.add(points[3])
    assert file.read() == [points[0], points[2], points[3]]


@pytest.mark.parametrize(
    "change",
    [
        {"accuracy": 2},
        {"accuracy": None},
        {"task": "9v9"},
        {"task": 3},
        {"n_train": "many"},
        {"limit": [60]},
        {"C": "x"},
    ],
)
def test_a_file_with_something_else_is_refused_and_left_alone(points, tmp_path, change):
    path = tmp_path / "points.jsonl"
    path.write_text(json.dumps(json.loads(point_line(points[0])) | change) + "\n")
    before = path.read_text()
    with pytest.raises(CorruptFileError, match="line 1 is no point"):
        PointFile(path, point_line).read()
    path.write_text("my notes")
    with pytest.raises(CorruptFileError, match="line 1 is no point"):
        PointFile(path, point_line).read()
    assert path.read_text() == "my notes"
    assert before


def test_every_field_of_a_point_has_a_plain_value(points):
    assert isinstance(points[0], CurvePoint)
    assert json.loads(point_line(points[0]))["schema"] == "mnistcli.point"
