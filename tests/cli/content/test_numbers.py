"""Numbers for a person: rounded, and never to all or nothing where that is not so."""

from __future__ import annotations

import math

import pytest

from mnistcli.cli.content.numbers import decimal, decimal_span, n_bytes, percent, percent_span, span

NAN = math.nan


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100.00 %"), (0.99999, "99.99 %"), (0.99994, "99.99 %"), (0.5, "50.00 %"),
        (0.00001, "0.01 %"), (1e-300, "0.01 %"), (0.0, "0.00 %"), (NAN, "-"),
    ],
)  # fmt: skip
def test_percent(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1.0000"), (0.99999, "0.9999"), (0.00001, "0.0001"), (0.0, "0.0000"),
     (2.30261, "2.3026"), (NAN, "-")],
)  # fmt: skip
def test_decimal(value, text):
    assert decimal(value) == text


def test_digits_are_as_many_as_asked_for():
    assert percent(0.99999, digits=1) == "99.9 %"
    assert decimal(0.9999999, digits=6) == "0.999999"


@pytest.mark.parametrize(
    ("interval", "text"),
    [((0.93815, 0.96491), ".938-.965"), ((0.9387, 0.9641), ".938-.965"), ((0.0, 1.0), ".000-1.00"), ((0.123, 0.456), ".123-.456"),
     ((0.9991, 0.9999), ".999-1.00"), ((NAN, NAN), "")],
)  # fmt: skip
def test_a_span_is_rounded_outwards_in_nine_characters(interval, text):
    assert span(interval) == text


def test_other_intervals():
    assert decimal_span((0.99999, 0.999999)) == "0.9999 to 1.0000"
    assert decimal_span((0.0, 0.00001)) == "0.0000 to 0.0001"
    assert percent_span((0.00001, 0.99999)) == "0.01 to 99.99 %"
    assert decimal_span((NAN, NAN)) == percent_span((NAN, NAN)) == ""
    assert span((1.0, 1.0)) == decimal_span((1.0, 1.0)) == "", "a point claims too much"


@pytest.mark.parametrize(
    ("count", "text"),
    [(999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (2_500_000, "2.5 MB"),
     (3 * 10**9, "3.0 GB")],
)  # fmt: skip
def test_n_bytes(count, text):
    assert n_bytes(count) == text
