"""The consoles that everything is drawn on, and what a person is shown, part by part."""

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from textwrap import TextWrapper
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from mnistcli.cli.content import parts
from mnistcli.cli.content.numbers import unbroken
from mnistcli.cli.terminal.capabilities import COLOURLESS, Render
from mnistcli.cli.words import visible, visible_lines
from mnistcli.paths import number_in

# rich's bars are yellow, green and dark grey, which do not show on white, or on black.
_PROGRESS = ("elapsed", "download", "data.speed", "filesize", "remaining")
THEME = Theme({"bar.back": "grey50"} | {f"progress.{name}": "default" for name in _PROGRESS})

# Where nobody looks at it nothing is wrapped or cut: a pipe has no right margin.
PIPE_WIDTH = 10_000
# rich measures and wraps every cell, a millisecond a row; a long table is set by hand.
LONGEST_RICH_TABLE = 100
_LEAST_WORDS = 10  # letters, to which a column of words may shrink
_WIDE_GAP = 3  # between the columns of a small table, where it has the room


class PlainConsole(Console):
    """A console without markup, emoji codes and links, on which nothing unprintable arrives.

    A plain ``str`` is one line, whoever wrote it. A ``Text`` may have several, so what it takes
    from outside has passed `visible` before. Pictures are control segments, which pass as they are.
    """

    def __init__(self, **settings: Any) -> None:
        sizes = ("COLUMNS", "LINES")
        # 0 means that nobody knows the size; rich would draw nothing, and fail at "²".
        known = {k: v for k, v in os.environ.items() if k not in sizes or number_in(k)}
        if known.get("TERM") in ("dumb", "unknown"):
            known.setdefault("LINES", "25")  # or rich takes 80 columns, whatever COLUMNS says
        settings |= {"markup": False, "emoji": False, "highlight": False}
        super().__init__(_environ=known, theme=THEME, **settings)

    def render_str(self, text: str, **settings: Any) -> Text:
        """Take a string as the words it is."""
        return super().render_str(visible(text), **settings)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render, and write out what cannot be printed."""
        for text, style, control in super().render(renderable, options):
            unlinked = style.update_link(None) if style and style.link else style
            yield Segment(text if control else visible_lines(text), unlinked, control)


def to_text(
    draw: Callable[[Console, Render], Iterable[RenderableType]], render: Render = "auto"
) -> Iterator[str]:
    """Draw for a person, or for a pipe: then without colour and without a right margin."""
    console = PlainConsole(file=_Page())
    is_plain = console.no_color or not console.color_system
    if is_plain and render not in ("auto", *COLOURLESS):
        # Escape codes were asked for by name: `mnistcli show --render half | less -R`.
        coloured = {"color_system": "truecolor", "no_color": False, "force_terminal": True}
        console = PlainConsole(file=_Page(), **coloured)
    if not sys.stdout.isatty() and not number_in("COLUMNS"):
        console.size = PIPE_WIDTH, console.height
    return (_capture(console, part) for part in draw(console, render))


def to_plain_text(shown: Iterable[parts.Part]) -> str:
    """Draw as for a pipe in UTF-8, wherever stdout leads."""
    plain: dict[str, Any] = {"force_terminal": False, "force_jupyter": False, "color_system": None}
    console = PlainConsole(file=io.StringIO(), width=PIPE_WIDTH, **plain)
    return "".join(_capture(console, part) for part in renderables(shown, console))


class _Page(io.StringIO):
    """What rich takes for stdout, so that `write` is the only one who writes: rich always does."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return sys.stdout.encoding or "utf-8"

    def isatty(self) -> bool:
        return sys.stdout.isatty()


def _capture(console: Console, part: RenderableType) -> str:
    with console.capture() as captured:
        console.print(part, crop=False)
    if console.is_terminal:
        return captured.get()
    # rich fills lines up to the width of a table.
    return "\n".join(line.rstrip() for line in captured.get().split("\n"))


def renderables(
    shown: Iterable[parts.Part], console: Console, render: Render = "auto"
) -> Iterator[RenderableType]:
    """Yield what to print of each part, and a blank line between two; tables begin and end with one."""
    is_blank = True
    for part in shown:
        if not (is_blank or (isinstance(part, parts.Table) and not part.title)):
            yield Text()
        yield _renderable(part, console, render)
        is_blank = isinstance(part, parts.Table)


def _renderable(part: parts.Part, console: Console, render: Render) -> RenderableType:
    match part:
        case parts.Facts():
            grid = Table.grid(padding=(0, 2))
            grid.add_column(style="bold")
            grid.add_column(overflow="fold")
            for name, value in part.pairs:
                grid.add_row(name, _cell(value, gap="  "))
            return grid
        case parts.Table() if len(part.rows) > LONGEST_RICH_TABLE:
            return _long_table(part)
        case parts.Table():
            return Group(*(_table(each, console) for each in _fitting(part, console.width - 1)))
        case parts.Words():
            # rich would break a line at any blank, even before a percent sign.
            lines = TextWrapper(console.width, break_long_words=False, break_on_hyphens=False)
            words = map(lines.fill, unbroken(visible_lines(part.text)).split("\n"))
            return Text("\n".join(words).replace("\u00a0", " "), part.style)
        case parts.Code():
            return Text("\n".join(map(visible, part.lines)))
        case parts.Plots():
            from mnistcli.cli.terminal.plots import plots_block

            return plots_block(part.plots, console, render)
        case parts.HeatMap():
            return heat_table(part, console)
    from mnistcli.cli.terminal.pictures import draw_gallery

    return draw_gallery(part, console, render)


def _fitting(table: parts.Table, width: int) -> Iterator[parts.Table]:
    """Yield a table, or where that is too wide parts of it that are not, each with the first column."""
    gap, columns = _measure(table, width)
    widths = [gap + n for *_, n in columns]
    if sum(widths) <= width:
        yield table
        return
    groups = [[0]]
    for i in sorted(range(1, len(widths)), key=table.apart.__contains__):
        is_full = sum(widths[j] for j in [*groups[-1], i]) > width
        if len(groups[-1]) > 1 and (is_full or [i] == [*table.apart[:1]]):
            groups.append([0])
        groups[-1].append(i)
    title = table.title
    for part in groups:
        rows, averages = (
            [[row[i] for i in part] for row in each] for each in (table.rows, table.averages)
        )
        kinds = "".join(table.columns[i] for i in part)
        yield parts.Table([table.headings[i] for i in part], kinds, rows, title, averages)
        title = ""


def _measure(table: parts.Table, width: int) -> tuple[int, list[tuple[bool, bool, int]]]:
    """Return the gap between columns; of each if it has intervals, stays in one line, how wide.

    Numbers, and what the rows are called, do; where there is no room words give way.
    """
    columns: list[tuple[bool, bool, int]] = []
    cells_of = zip(table.headings, *table.rows, *table.averages, strict=True)
    for kind, cells in zip(table.columns, cells_of, strict=True):
        is_noted = any(isinstance(cell, parts.Noted) for cell in cells)
        n = max(len(str(cell)) for cell in cells)
        is_whole = is_noted or kind == "r" or (not columns and n <= width // 2)
        columns.append((is_noted, is_whole, n if is_whole else min(n, _LEAST_WORDS)))
    has_room = len(columns) <= 5 and sum(_WIDE_GAP + n for *_, n in columns) <= width
    is_wide = has_room and not any(is_noted for is_noted, *_ in columns)
    return _WIDE_GAP if is_wide else 2, columns


def _table(table: parts.Table, console: Console) -> RenderableType:
    """Draw a rule under the head, in ASCII where there is nothing else.

    rich's own substitute where the encoding is not UTF-8 draws a frame around everything.
    """
    room = console.width - 1  # rich leaves a blank behind the last column
    gap, columns = _measure(table, room)
    width = sum(gap + n for *_, n in columns)
    is_utf, blank = console.encoding.lower().startswith("utf"), "    \n"
    grid = Table(
        box=box.SIMPLE_HEAD if is_utf else box.Box(f"{2 * blank} -- \n{5 * blank}", ascii=True),
        title=table.title or None,
        title_justify="left",
        pad_edge=False,
        padding=(0, 1, 0, gap - 2),
        width=width + 1 if width > room else None,  # rather than that it is cut
    )
    described = zip(table.headings, table.columns, columns, strict=True)
    for name, kind, (is_noted, is_whole, least) in described:
        heading = Text.assemble(name.ljust(12), ("95 %", "not bold dim"))
        grid.add_column(
            heading if is_noted else name,
            justify="right" if kind == "r" and not is_noted else "left",
            style="bold" if kind == "b" else "",
            overflow="fold",
            no_wrap=is_whole,
            min_width=least,
        )
    for rows in (table.rows, table.averages):
        for row in rows:
            grid.add_row(*map(_cell, row))
        grid.add_section()
    return grid


def _cell(cell: parts.Cell, gap: str = " ") -> str | Text:
    if isinstance(cell, parts.Noted):
        return Text.assemble(cell.text, gap, (cell.note, "dim"))
    return cell


def _long_table(table: parts.Table) -> RenderableType:
    rows = [table.headings, *table.rows, *table.averages]
    columns = [[visible(str(cell)) for cell in column] for column in zip(*rows, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    padded = (map(str.ljust, row, widths) for row in zip(*columns, strict=True))
    return Segments([Segment("\n".join("  ".join(row).rstrip() for row in padded) + "\n")])


def heat_table(heat: parts.HeatMap, console: Console) -> RenderableType:
    """Draw a heat map: the stronger a cell, the larger its share of the row.

    Blue is right, red is wrong; of a confusion matrix zeros are dots.
    """
    corner = f"{heat.down} \\ {heat.across}" if heat.across else heat.down
    nothing = "." if heat.across else ""
    # rich's tables leave gaps between cells, which a heat map should not have.
    colours = "" if console.no_color else console.color_system or ""
    names, title = heat.names, heat.title
    longest = max(map(len, names))
    width = max(longest, *(len(cell.text) for row in heat.cells for cell in row)) + 2
    first, n_across = max(len(corner), longest) + 3, len(names)
    if first + width * n_across > console.width:  # then columns are close, and below each other
        title, corner, first, width = f"{title}, {corner}", "", longest + 2, width - 1
        n_across = max(1, (console.width - first) // width)
    rule = "─" if console.encoding.lower().startswith("utf") else "-"
    page = Text(no_wrap=True, overflow="ignore")
    page.append(f"{title}\n", "italic")
    for start in range(0, len(names), n_across):
        shown = slice(start, start + n_across)
        heading = f"{corner} ".rjust(first) + "".join(f"{n} ".rjust(width) for n in names[shown])
        page.append(f"\n{heading.rstrip()}\n", "bold")
        page.append(f" {rule * (len(heading) - 1)}\n")
        for name, row in zip(names, heat.cells, strict=True):
            page.append(f"{name} ".rjust(first))
            for cell in row[shown]:
                # rich cuts blanks at the end of a line, coloured or not; this one it keeps.
                end = "\xa0" if colours else " "
                style = _shade(cell, colours) if colours else ""
                page.append(f"{cell.text or nothing}{end}".rjust(width), style)
            page.append("\n")
    page.right_crop()
    return page


# As light as each other, and as far from white as from black (4 to 1 and more): the page of a
# terminal may be either, and asking costs time. How coloured a cell is says how large it is.
_GREY, _BLUE, _RED = (118, 118, 118), (34, 116, 224), (224, 48, 36)


def _shade(cell: parts.HeatCell, colours: str) -> str:
    """Colour a cell by its share of the row, from grey to blue (right) or red (wrong).

    The 16 colours that each terminal has show three sizes.
    """
    if not cell.share:
        return "dim"
    if cell.share < 0.004 and not cell.is_right:  # need not be seen at once
        return ""
    if colours == "standard":
        colour = "blue" if cell.is_right else "red"
        return colour if cell.strength < 0.7 else f"bold bright_white on {colour}"
    mixed = zip(_GREY, _BLUE if cell.is_right else _RED, strict=True)
    paper = ",".join(str(round(g + cell.strength * (f - g))) for g, f in mixed)
    return f"{'bold ' if cell.is_right else ''}#ffffff on rgb({paper})"
