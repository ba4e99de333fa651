"""Rows as text: exact numbers for programs, as many digits as the interval warrants for papers."""

from __future__ import annotations

import io
import math

import numpy as np
import pandas as pd
import pytest

from mnistcli.cli.tabular import lines_of

HOSTILE = ["a|b", "50 % & more_", '"quoted", twice', "x\ty", "\\textbf{~^#$}", "\x1b[31m", "<b>"]
NAMES = ("model", "n", "accuracy", "accuracy_low", "accuracy_high", "p_value")
ROWS = [
    NAMES,
    ("0v1@1", 2115, 0.99952718, 0.99733, 0.99991, 1e-7),
    ("3v8@1", 1984, 0.96622983, 0.95733, 0.97332, 0.0213456),
    ("none", 0, math.nan, None, None, None),
]


def test_values_come_back_from_csv_as_they_were():
    rng = np.random.default_rng(0)
    numbers = np.concatenate([rng.normal(size=50), 10.0 ** rng.uniform(-300, 300, 50)]).tolist()
    rows = [("text", "number"), *zip(HOSTILE * 20, numbers, strict=False)]
    found = pd.read_csv(io.StringIO("".join(lines_of(rows, "csv"))))
    # Some versions of pandas read the last bit of a float otherwise than Python does.
    np.testing.assert_allclose(found["number"], numbers, rtol=3e-16)
    assert found["text"].tolist()[:3] == HOSTILE[:3]
    by_tab = pd.read_csv(io.StringIO("".join(lines_of(rows, "tsv"))), sep="\t", quoting=3)
    assert len(by_tab) == len(found) == 100


def test_markdown_has_the_digits_that_the_interval_warrants():
    assert list(lines_of(ROWS, "markdown")) == [
        "| model | n | accuracy | p value |\n",
        "| --- | ---: | ---: | ---: |\n",
        "| 0v1@1 | 2115 | 0.9995 \\[0.9973, 0.9999\\] | 1e-07 |\n",
        "| 3v8@1 | 1984 | 0.9662 \\[0.9573, 0.9733\\] | 0.02135 |\n",
        "| none | 0 |  |  |\n",
    ]


def test_latex_is_a_tabular_of_booktabs():
    lines = "".join(lines_of(ROWS, "latex")).splitlines(keepends=True)
    assert lines[1] == "\\begin{tabular}{lrrr}\n"
    assert lines[3] == "model & n & accuracy & p value \\\\\n"
    assert lines[5] == r"0v1@1 & $2115$ & $0.9995\;[0.9973, 0.9999]$ & $1\times10^{-7}$ \\" + "\n"
    assert lines[-1] == "\\end{tabular}\n"


@pytest.mark.parametrize(
    ("format_", "separator"), [("markdown", "|"), ("latex", "&"), ("tsv", "\t")]
)
def test_hostile_words_stay_in_their_cell(format_, separator):
    for word in HOSTILE:
        plain_lines = lines_of([("a", "b"), ("word", 1)], format_)
        lines = lines_of([("a", "b"), (word, 1)], format_)
        *_, plain = [line for line in plain_lines if "word" in line]
        *_, line = [line for line in lines if line.rstrip("\\\n |$").endswith("1")]
        unescaped = line.replace(f"\\{separator}", "")
        assert unescaped.count(separator) == plain.count(separator)
        assert "\x1b" not in line


def test_a_long_table_of_values_with_intervals_joins_them_too():
    rows = [("metric", "class", "value", "low", "high"), ("accuracy", None, 0.5, 0.25, 0.75),
            ("n", None, 4, None, None)]  # fmt: skip
    assert list(lines_of(rows, "markdown"))[2:] == [
        "| accuracy |  | 0.50 \\[0.25, 0.75\\] |\n", "| n |  | 4 |\n",
    ]  # fmt: skip


def test_two_dashes_stay_two_in_latex():
    assert "{-}-jobs 2026-11" in "".join(lines_of([("a",), ("--jobs 2026-11",)], "latex"))


def test_less_than_all_is_never_all():
    rows = [("a",), (0.99999999,), (1.0,), (0.0,), (1e-12,)]
    assert [line.strip("| \n") for line in list(lines_of(rows, "markdown"))[2:]] == [
        "0.9999", "1", "0", "1e-12",
    ]  # fmt: skip


@pytest.fixture
def model(invoke):
    assert invoke("train", "0v1", "--limit", "100", "-q").code == 0


@pytest.mark.parametrize("name", ["csv", "markdown", "latex", "tsv", "json", "table"])
@pytest.mark.parametrize("command", [("evaluate",), ("models", "list"), ("models", "info")])
def test_every_table_has_every_format(invoke, model, command, name):
    done = invoke(*command, "--format", name)
    assert done.code == 0, done.err
    begins = {
        "csv": ("metric,", "model,", "field,"),
        "json": "{",
        "latex": "% \\use",
        "markdown": "| ",
    }
    if name in begins:
        assert done.out.startswith(begins[name])
    if name in ("tsv", "json"):
        assert invoke(*command, f"--{name}").out == done.out
        assert invoke(*command, f"--{name}", "--format", name).out == done.out


def test_two_formats_exclude_each_other(invoke, model):
    done = invoke("evaluate", "--json", "--format", "csv")
    assert (done.code, done.out) == (2, "")
    assert "--json and --format csv exclude each other" in done.err
    assert '"error"' in invoke("evaluate", "nothing", "--format", "json").err
