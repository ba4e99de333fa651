"""The consoles that everything is drawn on: words are words, whatever they look like."""

import os
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text
from rich.theme import Theme

from mnistcli.cli.words import visible, visible_lines
from mnistcli.paths import number_in

# rich's bars are yellow, green and dark grey, which do not show on white, or on black.
_PROGRESS = ("elapsed", "download", "data.speed", "filesize", "remaining")
THEME = Theme({"bar.back": "grey50"} | {f"progress.{name}": "default" for name in _PROGRESS})


class PlainConsole(Console):
    """A console without markup, emoji codes and links, on which nothing unprintable arrives.

    A plain ``str`` is one line, whoever wrote it. A ``Text`` may have several, so what it takes
    from outside has passed `visible` before. Pictures are control segments, which pass as they are.
    """

    def __init__(self, **settings: Any) -> None:
        sizes = ("COLUMNS", "LINES")
        # 0 means that nobody knows the size; rich would draw nothing, and fail at "²".
        known = {k: v for k, v in os.environ.items() if k not in sizes or number_in(k)}
        settings = {"_environ": known, "theme": THEME, **settings}
        super().__init__(markup=False, emoji=False, highlight=False, **settings)

    def render_str(self, text: str, **settings: Any) -> Text:
        """Take a string as the words it is."""
        settings |= {"markup": False, "emoji": False, "highlight": False}
        return super().render_str(visible(text), **settings)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render, and write out what cannot be printed."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            if control:
                yield segment
                continue
            if style and style.link:
                style = style.update_link(None)
            yield Segment(visible_lines(text), style)
