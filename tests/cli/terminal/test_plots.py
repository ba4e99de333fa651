"""Curves in a terminal."""

from __future__ import annotations

import numpy as np
import pytest

from mnistcli.cli.terminal.plots import line_plot


def plotted(x, y, *, plain=True, ranges=((0.0, 1.0), (0.0, 1.0))):
    block = line_plot(
        np.array(x, float), np.array(y, float), x_range=ranges[0], y_range=ranges[1],
        names=("across", "up"), title="a title", size=(23, 14), plain=plain,
    )  # fmt: skip
    return ["".join(segment.text for segment in line) for line in block.lines]


def test_a_line_goes_from_below_left_to_above_right():
    title, name, *field, floor, ends = plotted([0, 1], [0, 1])
    assert (title.strip(), name.strip()) == ("a title", "up")
    assert field[0].startswith("1+")
    assert field[0].rstrip().endswith("*")
    assert field[-1].startswith("0+*")
    assert [line.index("*") for line in field] == sorted(
        (line.index("*") for line in field), reverse=True
    )
    assert floor == " +" + "-" * 21
    assert ends.split() == ["0", "across", "1"]


def test_the_ends_are_named_as_the_ranges():
    _, _, *field, _, ends = plotted([0.9, 1], [0.5, 0.5], ranges=((0.9, 1.0), (0.25, 0.75)))
    assert (field[0][:5], field[-1][:5]) == ("0.75+", "0.25+")
    assert ends.split() == ["0.9", "across", "1"]
    starred = [line for line in field if "*" in line]
    assert len(starred) == 1
    assert starred[0].count("*") == 18


@pytest.mark.parametrize("plain", [True, False])
def test_what_lies_outside_is_not_drawn(plain):
    inside = plotted([0, 1], [0.5, 0.5], plain=plain)
    assert plotted([-1, 0, 1, 2], [0.5, 0.5, 0.5, 0.5], plain=plain) == inside
    _, _, *field, _, _ = plotted([0, 1], [2, 3], plain=plain)
    assert not any(set(line[2:].strip()) for line in field)
