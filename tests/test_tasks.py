from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistcli.errors import TaskError
from mnistcli.tasks import ALL_DIGITS, Task, nearest, parse_task

KNOWN = "tasks look like 0v1, 2vrest, 17v49, 0v1v2, even-odd, digits or pairs"


@pytest.mark.parametrize(
    ("text", "name", "groups", "class_names"),
    [
        ("0v1", "0v1", ("0", "1"), ("0", "1")),
        ("1v0", "1v0", ("1", "0"), ("1", "0")),
        ("2vrest", "2vrest", ("013456789", "2"), ("rest", "2")),
        ("71v94", "17v49", ("17", "49"), ("17", "49")),
        ("0v1v2", "0v1v2", ("0", "1", "2"), ("0", "1", "2")),
        ("0v1vrest", "0v1vrest", ("0", "1", "23456789"), ("0", "1", "rest")),
        ("even-odd", "even-odd", ("02468", "13579"), ("even", "odd")),
        ("86420v13579", "even-odd", ("02468", "13579"), ("even", "odd")),
        ("digits", "digits", tuple(ALL_DIGITS), tuple(ALL_DIGITS)),
        (" 0V1 ", "0v1", ("0", "1"), ("0", "1")),
    ],
)
def test_parse_task_reads_the_language(text, name, groups, class_names):
    assert parse_task(text) == Task(name, groups, class_names)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is empty"),
        ("7", "it needs at least two groups, separated by 'v'"),
        ("rest", "it needs at least two groups, separated by 'v'"),
        ("0v", "a group is empty"),
        ("0v0", "the digit 0 occurs twice"),
        ("11v2", "the digit 1 occurs twice"),
        ("restv1", "'rest' can only be the last group"),
        ("0123456789vrest", "nothing is left for 'rest'"),
        ("0vx", "'x' is neither digits nor 'rest'"),
        ("0v²", "'²' is neither digits nor 'rest'"),
    ],
)
def test_parse_task_says_what_is_wrong(text, problem):
    with pytest.raises(TaskError) as caught:
        parse_task(text)
    assert caught.value.message == f"{text!r} is not a task: {problem}"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0vs1", "0v1"), ("0 vs. 1", "0v1"), ("0-1", "0v1"), ("0,1,2", "0v1v2"), ("0v1v", "0v1"),
        ("7", "7vrest"), ("2v", "2vrest"), ("restv2", "2vrest"), ("2 against all", "2vrest"),
        ("2VOTHERS", "2vrest"), ("17 and 49", "17v49"), ("01", "0v1"), ("digit", "digits"),
        ("zero one", "0v1"), ("zwei v sieben", "2v7"), ("1,7v4,9", "17v49"), ("3 or 5 vs 8", "35v8"),
        ("2 not 2", "2vrest"), ("evenodd", "even-odd"), ("pair", "pairs"), ("0v0", ""), ("mnist", ""), ("", ""), ("x", ""),
    ],
)  # fmt: skip
def test_what_was_meant_is_suggested(text, meant):
    assert nearest(text) == meant
    with pytest.raises(TaskError) as caught:
        parse_task(text)
    assert caught.value.hint == (f"did you mean {meant}?" if meant else KNOWN)


def test_encode_numbers_the_positive_class_1():
    labels = np.array([2, 0, 9, 2], dtype=np.uint8)
    assert parse_task("2vrest").encode(labels).tolist() == [1, 0, 0, 1]


def test_encode_leaves_out_digits_of_no_group_and_labels_that_are_no_digits():
    labels = np.array([0, 1, 5, 10, 255])
    assert parse_task("0v1").encode(labels).tolist() == [0, 1, -1, -1, -1]
    assert parse_task("0v1").encode(np.array([-1, 1])).tolist() == [-1, 1]


@pytest.mark.promise("Parsers", "readers, 2,000 made-up inputs each")
@given(st.text(alphabet="0123456789vrest-ED ", max_size=16))
def test_whatever_is_typed_gives_a_task_that_reads_back_or_a_task_error(text):
    try:
        task = parse_task(text)
    except TaskError:
        assert not nearest(text) or parse_task(nearest(text)).name == nearest(text)
        return
    assert parse_task(task.name) == task
    assert nearest(task.name) == task.name
    assert task.n_classes == len(task.class_names) >= 2
    everything = "".join(task.groups)
    assert len(set(everything)) == len(everything)


def test_two_classes_are_fitted_at_once_where_there_are_pairs():
    counts = {name: parse_task(name).n_classes_per_fit for name in ("0v1", "digits", "pairs")}
    assert counts == {"0v1": 2, "digits": 10, "pairs": 2}
