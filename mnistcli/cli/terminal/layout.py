"""Pictures and words side by side: blocks of character cells.

rich lays out text, but not what is no text: a picture of the kitty protocol or in sixel covers
cells without writing characters into them. So a line here is a list of rich's segments, control
codes among them, and a block knows its own width.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.style import Style

from mnistcli.cli.words import visible

Line = list[Segment]


class Block(NamedTuple):
    """A rectangle of cells; every line fills the width.

    Printed as it is, it is drawn at the left margin.
    """

    width: int
    lines: tuple[Line, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Yield the lines to rich."""
        for line in self.lines:
            yield from line
            yield Segment.line()


def words(
    lines: Sequence[str], *, style: str = "", width: int | None = None, centred: bool = False
) -> Block:
    """Make a block of plain text; what is wider than ``width`` is cut."""
    lines = [visible(line) for line in lines]
    if width is None:
        width = max(map(cell_len, lines), default=0)
    parsed = Style.parse(style) if style else None
    return Block(width, tuple([Segment(_fitted(line, width, centred), parsed)] for line in lines))


def _fitted(text: str, width: int, centred: bool) -> str:  # noqa: FBT001
    spare = width - cell_len(text)
    if spare < 0:
        return set_cell_size(text, width - 1) + "…" if width > 1 else text[:width]
    left = spare // 2 if centred else 0
    return " " * left + text + " " * (spare - left)


def beside(blocks: Sequence[Block], gap: int) -> Block:
    """Put blocks side by side, their tops in one line."""
    lines: list[Line] = [[] for _ in range(max(len(block.lines) for block in blocks))]
    for i, block in enumerate(blocks):
        for y, line in enumerate(lines):
            if i:
                line.append(Segment(" " * gap))
            line.extend(block.lines[y] if y < len(block.lines) else [Segment(" " * block.width)])
    return Block(sum(block.width for block in blocks) + gap * (len(blocks) - 1), tuple(lines))


def stacked(blocks: Sequence[Block]) -> Block:
    """Put blocks one below the other."""
    width = max(block.width for block in blocks)
    lines: list[Line] = []
    for block in blocks:
        spare = width - block.width
        lines += ([*line, Segment(" " * spare)] if spare else line for line in block.lines)
    return Block(width, tuple(lines))
