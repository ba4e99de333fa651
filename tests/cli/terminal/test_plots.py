"""Plots in a terminal."""

from __future__ import annotations

import numpy as np
import pytest

from mnistcli.cli.content.plots import Axis, Plot, Series
from mnistcli.cli.terminal.plots import _ticks, plot_block


def plotted(
    *series,
    plain=True,
    ranges=((0.0, 1.0), (0.0, 1.0)),
    across="across",
    title="a title",
    width=23,
    **how,
):
    axes = [
        Axis(*ends, is_log=False, ticks=ends, title=name)
        for ends, name in zip(ranges, (across, "up"), strict=True)
    ]
    block = plot_block(Plot(title, *axes, series, **how), (width, 15), plain=plain)
    return ["".join(segment.text for segment in line) for line in block.lines]


def line(x, y, kind="line", name=""):
    return Series(name, np.stack([x, y], axis=1).astype(float), kind)


def test_a_line_goes_from_below_left_to_above_right():
    title, name, *field, floor, ends, across = plotted(line([0, 1], [0, 1]))
    assert (title.strip(), name.strip(), across.strip()) == ("a title", "up", "across")
    assert field[0].startswith("1+")
    assert field[0].rstrip().endswith("*")
    assert field[-1].startswith("0+*")
    columns = [row.index("*") for row in field]
    assert columns == sorted(columns, reverse=True)
    assert floor == " +" + "-" * 21
    assert ends.split() == ["0", "1"]


def test_the_ends_are_named_as_the_ranges():
    _, _, *field, _, ends, _ = plotted(
        line([0.9, 1], [0.5, 0.5]), ranges=((0.9, 1.0), (0.25, 0.75))
    )
    assert (field[0][:5], field[-1][:5]) == ("0.75+", "0.25+")
    assert ends.split() == ["0.9", "1"]
    starred = [row for row in field if "*" in row]
    assert len(starred) == 1
    assert starred[0].count("*") == 18


@pytest.mark.parametrize("plain", [True, False])
def test_what_lies_outside_is_not_drawn(plain):
    inside = plotted(line([0, 1], [0.5, 0.5]), plain=plain)
    assert plotted(line([-1, 0, 1, 2], [0.5, 0.5, 0.5, 0.5]), plain=plain) == inside
    _, _, *field, _, _, _ = plotted(line([0, 1], [2, 3]), plain=plain)
    assert not any(set(row[2:].strip()) for row in field)


def test_letters_stand_on_their_intervals_and_are_named_below():
    low = Series("low", np.array([[0.0, 0.0], [1.0, 0.0]]), "joined")
    high = Series.measured("high", np.array([[0.5, 0.5, 0.2, 0.8]]), "marks")
    lines = plotted(low, high, title="")
    assert lines[11] == "0+a" + "." * 19 + "a"
    assert [row[12] for row in lines[2:11]] == [*" ||", "|", "b", "|", *"|| "]
    assert [row.strip() for row in lines[-2:]] == ["a  low", "b  high"]


def test_intervals_lie_where_their_ends_are():
    wide = Series.measured("wide", np.array([[0.5, 1.0, 0.0, 1.0]]), "marks", across=True)
    lines = plotted(wide, title="")
    assert lines[1] == "1+" + "-" * 10 + "o" + "-" * 10


def test_a_title_without_room_loses_its_explanation():
    title = "recall: of the class, found"
    assert plotted(line([0, 1], [0, 1]), across=title)[-1].strip() == "recall"


def test_faint_lines_are_left_to_files():
    drawn, empty = plotted(line([0, 1], [0, 1], "faint")), plotted()
    assert drawn == empty


def test_ticks_without_room_are_left_away_evenly():
    axis = Axis(0.0, 1.0, False, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), word="{:.0%}".format)
    assert _ticks(axis, 40) == "0%     20%     40%    60%     80%   100%"
    assert _ticks(axis, 20) == "0%     40%    80%"


@pytest.mark.parametrize("width", [0, 1, 3])
def test_a_plot_without_room_is_no_error(width):
    assert "*" in "".join(plotted(line([0, 1], [0, 1]), width=width))
