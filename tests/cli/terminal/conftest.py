"""Consoles of every kind, and what is drawn on them."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from mnistcli.cli.terminal.pictures import draw


@pytest.fixture
def console():
    """Make a console: ``console(color_system="256", width=20)``."""

    def console_(encoding="utf-8", **settings):
        file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        return Console(**{"file": file, "width": 80, "height": 50, "_environ": {}, **settings})

    return console_


@pytest.fixture
def drawn():
    """Draw pictures: ``drawn(pictures, "half", "truecolor")``."""

    def drawn_(pictures, method="auto", color_system=None, **settings):
        page = io.StringIO()
        on = Console(**{
            "file": page, "width": 80, "height": 50, "force_terminal": color_system is not None,
            "color_system": color_system, "_environ": {}, **settings,
        })  # fmt: skip
        on.print(draw(pictures, on, method), crop=False)
        return page.getvalue()

    return drawn_
