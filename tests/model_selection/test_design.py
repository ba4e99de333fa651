"""The rows that a solver sees: features of images, then those of their copies."""

from __future__ import annotations

import numpy as np
import pytest

from mnistcli.features import FeatureSpec
from mnistcli.features.copies import deformed
from mnistcli.features.kinds import learn_features
from mnistcli.memory import Room
from mnistcli.model_selection.cross_validation import Folds
from mnistcli.model_selection.design import design_matrix, read_blocks
from mnistcli.model_selection.splits import Samples, training_samples
from mnistcli.parallel import elsewhere
from mnistcli.progress import Progress
from mnistcli.settings import FoldSpec, SplitSpec
from mnistcli.tasks import parse_task
from tests.conftest import Recorder

PATCHES = FeatureSpec("patches", sides=(5,), n_filters=4, n_copies=1)
SPEC = FeatureSpec("deskew", n_copies=2)  # of 60 images 180 rows of 784 bytes


class Notes(Progress):
    def __init__(self):
        self.notes = []

    def note(self, event, /):
        self.notes.append(event)


@pytest.fixture(autouse=True)
def _quickly_learned(monkeypatch):
    monkeypatch.setattr("mnistcli.features.likeness.N_PATCHES", 1000)


@pytest.fixture(scope="module")
def samples(mnist):
    return training_samples(mnist, parse_task("3v8"), SplitSpec(limit=60))


@pytest.mark.parametrize("kind", ["pixels", "deskew"])
def test_images_come_first_and_then_copy_by_copy(samples, kind):
    spec = FeatureSpec(kind, n_copies=2)
    rows = design_matrix(samples, spec, seed=5)
    assert (rows.rows[:].shape, rows.rows[:].dtype, rows.n_copies) == ((180, 784), np.uint8, 2)
    features = learn_features(spec, samples.images, 5)
    for copy, X in enumerate(rows.rows[:].reshape(3, 60, 784)):
        images = deformed(samples.images, samples.index, np.full(60, copy), 5)
        expected = features.transform(images) if features else images.reshape(60, 784)
        np.testing.assert_array_equal(X, expected)
    assert rows.y is samples.y


def test_copies_do_not_depend_on_what_else_is_trained_on(samples):
    some = np.array([50, 3, 17])
    few = Samples(samples.images[some], samples.y[some], samples.index[some])
    ours, theirs = (
        design_matrix(each, FeatureSpec(n_copies=2), seed=4).rows[:].reshape(3, len(each), -1)
        for each in (few, samples)
    )
    np.testing.assert_array_equal(ours, theirs[:, some])


def test_what_features_learn_follows_the_seed(samples):
    zero, again, one = (design_matrix(samples, PATCHES, seed=seed).features for seed in (0, 0, 1))
    assert zero.arrays["filters5"].tobytes() == again.arrays["filters5"].tobytes()
    assert (zero.arrays["filters5"] != one.arrays["filters5"]).any()


def test_copies_follow_their_images(samples):
    rows = design_matrix(samples, PATCHES, seed=0)
    index = np.array([3, 50])
    X, y = rows.with_copies(index)
    np.testing.assert_array_equal(X[:4], rows.rows[:][[3, 50, 63, 110]])
    np.testing.assert_array_equal(y, rows.y[[3, 50, 3, 50]])
    X, y = rows.with_copies()
    np.testing.assert_array_equal(X[:120], rows.rows[:])
    np.testing.assert_array_equal(y, [*samples.y, *samples.y])


@pytest.mark.parametrize("n_repeats", [1, 2])
def test_copies_of_an_image_are_never_on_both_sides_of_a_fold(samples, n_repeats):
    design = design_matrix(samples, FeatureSpec(n_copies=2), seed=0)
    for train, test in Folds(design, parse_task("3v8"), FoldSpec(3, n_repeats)).split():
        rows, y = design.with_copies(train)
        assert len(rows.numbers) == len(y) == 3 * len(train)
        assert sorted({*(rows.numbers % 60)} | {*test}) == list(range(60))
        assert not {*(rows.numbers % 60)} & {*test}
        np.testing.assert_array_equal(y, samples.y[rows.numbers % 60])


@pytest.mark.parametrize(
    ("memory_bytes", "disk_bytes", "kept", "told", "n_files"),
    [
        (300_000, None, "memory", [], 1),
        (300_000, 0, "memory", [], 0),
        (200_000, None, "file", ["180 rows, 0.0 GB, are kept in "], 1),
        (200_000, 141_119, "nowhere", ["180 rows, 0.0 GB, are made anew each time"], 0),
    ],
)
def test_rows_live_where_there_is_room_and_are_the_same(
    tmp_path, samples, memory_bytes, disk_bytes, kept, told, n_files
):
    room, progress = Room(memory_bytes, disk_bytes, tmp_path / "features"), Notes()
    design = design_matrix(samples, SPEC, seed=0, room=room, progress=progress)
    assert (design.kept, len(list(room.folder.glob("*")))) == (kept, n_files)
    for note, start in zip(progress.notes, told, strict=True):
        assert note.startswith(start)
    plain = design_matrix(samples, SPEC, seed=0)
    np.testing.assert_array_equal(design.rows[:], plain.rows[:])
    X, y = design.with_copies(np.array([5, 8]))
    expected, y_expected = plain.with_copies(np.array([5, 8]))
    np.testing.assert_array_equal(X[:6], expected[:6])
    np.testing.assert_array_equal(y, y_expected)
    blocks = list(read_blocks(design.rows, 60))
    np.testing.assert_array_equal(np.concatenate(blocks), plain.rows[:][:60])


def test_progress_tells_one_time_for_features_and_fit_and_then_leaves_it_to_the_fit(
    samples, monkeypatch
):
    monkeypatch.setattr("mnistcli.model_selection.design._ROWS_AT_ONCE", 60)
    monkeypatch.setattr("mnistcli.model_selection.design.expected_seconds", lambda *_: 1000.0)
    for n_outputs, words in ((10, "features and fit, 10"), (0, "features, ")):
        told = Recorder()
        design_matrix(samples, SPEC, seed=0, n_outputs=n_outputs, progress=told)
        *before, last = [str(detail) for *_, detail in told.updates]
        assert len(before) == 2
        assert all(each.startswith(words) and each.endswith(" s to go") for each in before)
        assert last == "features"


@pytest.mark.parametrize(("n_outputs", "kept"), [(10, "nowhere"), (0, "memory")])
def test_many_rows_of_one_fit_on_a_cluster_are_made_there(samples, monkeypatch, n_outputs, kept):
    monkeypatch.setattr("mnistcli.linear_model.problem.MOST_ROWS_OF_ONE", 100)
    lent = elsewhere.set(object())
    try:
        assert design_matrix(samples, SPEC, seed=0, n_outputs=n_outputs).kept == kept
    finally:
        elsewhere.reset(lent)


@pytest.mark.parametrize("why", ["slow", "refused", "no cache"])
def test_rows_are_made_anew_where_a_file_would_not_help(monkeypatch, tmp_path, samples, why):
    """A disk slower than we are, which the system cannot hold in memory either."""
    (tmp_path / "file").touch()
    folder = tmp_path / ("file/features" if why == "refused" else "features")
    room = Room(200_000, folder=None if why == "no cache" else folder)
    if why == "slow":
        monkeypatch.setattr("mnistcli.model_selection.design._DISK_BYTES_PER_S", 1000.0)
    monkeypatch.setattr("mnistcli.model_selection.design.machine_bytes", lambda: 200_000)
    design = design_matrix(samples, SPEC, seed=0, room=room)
    assert design.kept == "nowhere"
    np.testing.assert_array_equal(design.rows[:], design_matrix(samples, SPEC, seed=0).rows[:])
