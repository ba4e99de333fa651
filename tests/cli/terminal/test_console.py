"""Consoles: what is drawn on them shows on black and on white."""

from __future__ import annotations

import io

import pytest
from rich.color import ColorTriplet

from mnistcli.cli.content.parts import HeatCell, HeatMap, Noted, Table, Words
from mnistcli.cli.terminal.console import PlainConsole, renderables


def luminance(colour):
    linear = [c / 3294 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    "style",
    ["bar.back", "bar.complete", "progress.elapsed", "progress.download", "progress.data.speed"],
)
def test_bars_show_on_black_and_on_white(style):
    colour = PlainConsole(color_system="256").get_style(style).color
    if colour is None or colour.is_default:
        return
    shown = luminance(colour.get_truecolor())
    for page in (ColorTriplet(0, 0, 0), ColorTriplet(255, 255, 255)):
        low, high = sorted((shown, luminance(page)))
        assert (high + 0.05) / (low + 0.05) >= 3


@pytest.mark.parametrize(
    ("columns", "width"),
    [("0", 80), ("00", 80), ("1", 1), ("123", 123), ("²", 80), ("٣", 80), ("9" * 5000, 80)],
)
def test_a_width_of_0_is_not_known(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", columns)
    assert PlainConsole().width == width


@pytest.mark.parametrize(("term", "columns"), [("dumb", 60), ("unknown", 150), ("xterm", 150)])
def test_columns_are_believed_on_any_terminal(monkeypatch, term, columns):
    """As in a shell within Emacs."""
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.delenv("LINES", raising=False)
    assert PlainConsole(force_terminal=True).width == columns


SHARE = Noted("0.9382", ".921-.952")
TABLES = {
    "words": Table(
        ("input", "answer", "probability", "notes"),
        "lbrl",
        [
            ("mnist test 3", "0", "99.99 %", "labelled 0"),
            ("5.png", "7", "60.65 %", "turned upright"),
        ],
    ),
    "averages": Table(
        ("", "precision", "recall", "f1-score", "support"),
        "rrrrr",
        [(str(digit), SHARE, SHARE, SHARE, "980") for digit in range(3)],
        "digits@1 on mnist test",
        [("weighted avg", SHARE, SHARE, SHARE, "10000")],
    ),
    "apart": Table(
        ("model", "differs in", "accuracy", "p-value", "fit", "predict"),
        "blrrrr",
        [("digits@1", "C = 1, 5,000 images", SHARE, "0.0490", "1.42 s", "41.2 ms")],
        apart=range(4, 6),
    ),
    "long names": Table(
        ("name", "title", "state", "licence"),
        "llll",
        [("fashion-mnist", "Fashion-MNIST", "not installed", "CC BY-SA 3.0")],
    ),
    "four narrow ones": Table(
        ("model", "fit", "predict", "size"), "brrr", [("a@1", "1 s", "2 s", "3 B")]
    ),
}


def lines_of(part, width):
    console = PlainConsole(file=io.StringIO(), width=width, color_system=None)
    for each in renderables([part], console):
        console.print(each, crop=False)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [34, 40, 50, 58, 70, 76, 80, 120])
@pytest.mark.parametrize("name", TABLES)
def test_a_table_fits_any_width_and_no_number_is_cut(name, width):
    table = TABLES[name]
    lines = lines_of(table, width)
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    every = [*table.rows, *table.averages]
    for heading, kind, cells in zip(
        table.headings, table.columns, zip(*every, strict=True), strict=True
    ):
        assert {*heading.split()} <= {*words}
        is_whole = kind == "r" or heading == "name"
        assert not is_whole or {*" ".join(map(str, cells)).split()} <= {*words}
    n_intervals = sum(isinstance(cell, Noted) for cell in table.rows[0])
    assert "\n".join(lines).count("95 %") == n_intervals
    assert "\n".join(lines).count(table.title or "absent") == bool(table.title)


@pytest.mark.parametrize("width", [20, 40, 53, 60, 76, 77, 120])
def test_a_heat_map_fits_any_width(width):
    names = tuple("0123456789")
    cells = [[HeatCell("1101", 0.5, is_right=a == b) for a in names] for b in names]
    lines = lines_of(HeatMap("confusion matrix", "truth", "answer", names, cells), width)
    lines = [line.rstrip() for line in lines]
    rows = [line for line in lines if "1101" in line]
    assert max(map(len, lines[2:])) <= width
    assert sum(line.count("1101") for line in rows) == 100
    assert "truth \\ answer" in "\n".join(lines)
    headings = [
        line.split()
        for line in lines[1:]
        if line.strip() and "1101" not in line and "─" not in line
    ]
    assert [name for line in headings for name in line if name in names] == [*names]


@pytest.mark.parametrize("width", range(20, 60))
def test_a_number_and_its_percent_sign_stay_in_one_line(width):
    said = (
        "0v1@3 is right on 99.95 % of the even-odd images (95 % interval 99.73 to 99.99 %), p = 1."
    )
    console = PlainConsole(width=width, file=io.StringIO())
    for part in renderables([Words(f"{said}\n{said}")], console):
        console.print(part)
    lines = console.file.getvalue().splitlines()
    assert " ".join(line.rstrip() for line in lines) == f"{said} {said}"
    assert all(len(line) <= width for line in lines)
    assert all(not line.startswith(("%", "=", "odd")) for line in lines)
