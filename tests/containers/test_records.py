"""JSON of words becomes rows of cells, whatever it is."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mnistcli.containers.reading import Stream
from mnistcli.containers.records import rows_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def rows_in(text: str) -> list[tuple[str, ...]]:
    return [*rows_of(Stream(io.BytesIO(text.encode())))]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('[{"f": "a.png", "y": 3}, {"y": 4, "f": "b.png"}]', [("f", "y"), ("a.png", "3"), ("b.png", "4")]),
        ('{"f": "a.png", "y": 3}\n\n{"f": "b.png"}\n', [("f", "y"), ("a.png", "3"), ("b.png", "")]),
        ('{"f": ["a.png", "b.png"], "y": [3, null]}', [("f", "y"), ("a.png", "3"), ("b.png", "")]),
        ('{"a.png": 3, "b.png": "four"}', [("a.png", "3"), ("b.png", "four")]),
        ('{"a.png": {"y": 3}, "b.png": {"x": 1}}', [("", "y"), ("a.png", "3"), ("b.png", "")]),
        ('{"3": ["a.png"], "4": ["b.png"]}', [("a.png", "3"), ("b.png", "4")]),
        ('{"labels": [["a.png", 3]], "n": 1}', [("a.png", "3")]),
        ('{"f": "a.png", "y": 3}', [("f", "y"), ("a.png", "3")]),
        ('{"a": [1], "b": [1, 2]}', []),
        ("", []),
    ],
)  # fmt: skip
def test_rows_of_what_others_write(text, rows):
    assert rows_in(text) == rows


@given(JSON, st.sampled_from(["{}", "{}\n{}", '{{"labels": {}}}', "[{}, {}]", "\ufeff{}"]))
@example([], "{}")
def test_any_json_is_rows_of_words_that_names_may_have(value, form):
    text = json.dumps(value)
    for row in rows_in(form.format(text, text)):
        assert all(
            isinstance(cell, str) and "\0" not in cell and cell.encode() + b"x" for cell in row
        )
