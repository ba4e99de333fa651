"""Consoles: what is drawn on them shows on black and on white."""

from __future__ import annotations

import pytest
from rich.color import ColorTriplet

from mnistcli.cli.terminal.console import PlainConsole


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
