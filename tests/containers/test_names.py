"""Names: what arrays, files, folders and columns are called says what they hold."""

from __future__ import annotations

import pytest

from mnistcli.containers.names import (
    listed,
    meaning_of,
    names_meaning,
    part_in,
    parts_of,
    says_labels,
)
from mnistcli.containers.reading import FormatError


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("images", ("images", "", 1)),
        ("X_test", ("images", "test", 1)),
        ("ytrain", ("labels", "train", 1)),
        ("mnist/train-labels", ("labels", "train", 1)),
        ("testImages", ("images", "test", 1)),
        ("optdigitstraining", ("", "train", 1)),
        ("trainset2", ("", "train", 2)),
        ("tests", ("", "test", 1)),
        ("PublicTest", ("", "test", 1)),
        ("T10K_IMAGES", ("images", "test", 1)),
        ("X2Train", ("images", "train", 2)),
        ("x_trainval", ("images", "train", 1)),
        ("Trainingsdaten", ("images", "train", 1)),
        ("Testziffern", ("labels", "test", 1)),
        ("imgtest10k", ("", "test", 2)),
        ("latest", ("", "", 1)),
        ("contest_images", ("images", "", 2)),
        ("constraints", ("", "", 1)),
        ("train/labels", ("labels", "", 1)),  # a folder says nothing of what is in it
        ("t10k_images_2", ("images", "test", 2)),  # the last word says it, whatever its number
        ("Digit images for validation", ("", "val", 3)),
        ("validation digit images", ("images", "val", 2)),
        ("test", ("", "test", 1)),
        ("", ("", "", 1)),
    ],
)
def test_a_name_says_images_or_labels_and_of_which_part(name, meaning):
    assert meaning_of(name) == meaning


@pytest.mark.parametrize(
    ("name", "does"),
    [
        ("label", True), ("classLabels", True), ("actual_digit", True), ("true class", True),
        ("class_id", True), ("y_true", True), ("ground-truth", True), ("Etiqueta", True), ("ID", False), ("name", False),
        ("digit_id", False), ("ID number", False), ("target_name", False), ("label_name", True), ("labs", False),
        ("predicted_label", False), ("label_source", False), ("pixel", False), ("", False),
    ],
)  # fmt: skip
def test_words_of_labels_and_about_them_say_labels(name, does):
    assert says_labels(name) == does


def test_of_several_names_the_one_with_the_fewest_words_is_meant():
    names = ["x_test", "small_x_test", "X", "y_test", "x_test_2"]
    assert names_meaning("images", "test", names) == ["x_test"]
    assert names_meaning("images", "", [*names, "images"]) == ["X", "images"]
    assert names_meaning("labels", "train", names) == []


@pytest.mark.parametrize(
    ("cell", "column", "part"),
    [
        ("Training", "Usage", "train"),
        ("t10k", "split", "test"),
        ("valid", "split", "val"),
        ("1", "is_test", "test"),
        ("False", "is_test", "train"),
        ("yes", "is_test", "test"),
        ("N", "train", "test"),
        ("holdout", "split", "test"),
        ("eval", "split", "val"),
        ("1", "istest", "test"),
        ("0", "train", "test"),
        ("", "split", ""),
        ("7", "split", None),
        ("1", "n_test_pixels", None),
    ],
)
def test_a_cell_says_a_part_or_yes_or_no_to_that_of_its_column(cell, column, part):
    assert part_in(cell, column) == part


def test_a_column_is_one_of_parts_where_all_its_cells_say_one():
    assert parts_of(["train", "test", "", "train"], "split") == ["train", "test", "", "train"]
    assert parts_of(["train", "7"], "writer") == parts_of(["", ""], "split") == []


@pytest.mark.parametrize(("cells", "odd"), [("0 1 2", "'0', '1', '2'"), ("train test x", "'x'")])
@pytest.mark.parametrize("column", ["split", "Data Split", "partition", "set_split", "is_test"])
def test_what_is_called_a_split_and_says_something_else_is_refused(column, cells, odd):
    if column == "is_test":
        odd = odd.removeprefix("'0', '1', ")
    with pytest.raises(FormatError, match=f"says {odd} in '{column}': is that for training"):
        parts_of(cells.split(), column)


def test_names_are_listed_in_quotes_and_no_more_than_six():
    assert listed(["a", "b"]) == "'a', 'b'"
    assert listed(list("abcdefgh")) == "'a', 'b', 'c', 'd', 'e', 'f', ..."
