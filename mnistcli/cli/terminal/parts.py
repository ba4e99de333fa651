"""What a person is shown, on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mnistcli.cli import rich
from mnistcli.cli.parts import Cell, Code, Facts, Noted, Part, Plots, Table, Words
from mnistcli.cli.terminal.capabilities import Render
from mnistcli.cli.words import visible, visible_lines

if TYPE_CHECKING:
    from mnistcli.cli.heat import HeatCell, HeatMap

# rich measures and wraps every cell, a millisecond a row; a long table is set by hand.
LONGEST_RICH_TABLE = 100
_LEAST_WORDS = 10  # letters, to which a column of words may shrink


def rendered(
    parts: Iterable[Part], console: rich.Console, render: Render = "auto"
) -> Iterator[rich.RenderableType]:
    """Yield what to print of each part, and a blank line between two; tables begin and end with one."""
    is_blank = True
    for part in parts:
        if not (is_blank or (isinstance(part, Table) and not part.title)):
            yield rich.Text()
        yield _rendered(part, console, render)
        is_blank = isinstance(part, Table)


def _rendered(part: Part, console: rich.Console, render: Render) -> rich.RenderableType:
    match part:
        case Facts():
            return _facts(part)
        case Table():
            return rich.Group(*(_table(each, console) for each in _apart(part, console.width)))
        case Words():
            return rich.Text(visible_lines(part.text), part.style)
        case Code():
            return rich.Text("\n".join(map(visible, part.lines)))
        case Plots():
            from mnistcli.cli.terminal.plots import plots_block

            return plots_block(part.plots, console, render)
    from mnistcli.cli.heat import HeatMap

    if isinstance(part, HeatMap):
        return heat_table(part, console)
    from mnistcli.cli.terminal.pictures import draw_gallery

    return draw_gallery(part, console, render)


def _facts(facts: Facts) -> rich.RenderableType:
    grid = rich.Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in facts.pairs:
        grid.add_row(name, _cell(value, gap="  "))
    return grid


def _apart(table: Table, width: int) -> Iterator[Table]:
    """Yield a table, or where that is too wide parts of it that are not, each with the first column."""
    if not table.apart or len(table.rows) > LONGEST_RICH_TABLE:
        yield table
        return
    widths = _least_widths(table, _noted(table))
    if sum(widths) <= width:
        yield table
        return
    parts = [[i for i in range(len(widths)) if i not in table.apart], [0]]
    for i in table.apart:
        if len(parts[-1]) > 1 and sum(widths[j] for j in [*parts[-1], i]) > width:
            parts.append([0])
        parts[-1].append(i)
    for part in parts:
        rows = [[row[i] for i in part] for row in table.rows]
        columns = "".join(table.columns[i] for i in part)
        yield Table([table.headings[i] for i in part], columns, rows, table.title)


def _noted(table: Table) -> set[int]:
    """Return which columns have intervals beside their numbers."""
    return {i for row in table.rows for i, cell in enumerate(row) if isinstance(cell, Noted)}


def _gap(table: Table, noted: set[int]) -> int:
    return 2 if noted or len(table.columns) > 5 else 3


def _is_whole(table: Table, noted: set[int], i: int) -> bool:
    """Tell whether a column stays in one line: where there is no room words give way.

    Else the interval stands below its number, which is never cut.
    """
    return "l" in table.columns if i in noted else table.columns[i] == "r"


def _least_widths(table: Table, noted: set[int]) -> list[int]:
    """Return how narrow each column may be, with the gap beside it."""
    rows, gap = (table.headings, *table.rows, *table.averages), _gap(table, noted)
    longest = [max(len(str(cell)) for cell in column) for column in zip(*rows, strict=True)]
    return [
        gap + (n if _is_whole(table, noted, i) else min(n, _LEAST_WORDS))
        for i, n in enumerate(longest)
    ]


def _table(table: Table, console: rich.Console) -> rich.RenderableType:
    """Draw a rule under the head, in ASCII where there is nothing else.

    rich's own substitute where the encoding is not UTF-8 draws a frame around everything.
    """
    from rich import box

    if len(table.rows) > LONGEST_RICH_TABLE:
        return _long_table(table)
    noted = _noted(table)
    gap, widths = _gap(table, noted), _least_widths(table, noted)
    is_utf, blank = console.encoding.lower().startswith("utf"), "    \n"
    drawn = rich.Table(
        box=box.SIMPLE_HEAD if is_utf else box.Box(f"{2 * blank} -- \n{5 * blank}", ascii=True),
        title=table.title or None,
        title_justify="left",
        pad_edge=False,
        padding=(0, 1, 0, gap - 2),
        width=sum(widths) if sum(widths) > console.width else None,  # rather than that it is cut
    )
    for i, (name, kind) in enumerate(zip(table.headings, table.columns, strict=True)):
        heading = rich.Text.assemble(name.ljust(12), ("95 %", "not bold dim"))
        drawn.add_column(
            heading if i in noted else name,
            justify="right" if kind == "r" and i not in noted else "left",
            style="bold" if kind == "b" else "",
            overflow="fold",
            no_wrap=_is_whole(table, noted, i),
            min_width=widths[i] - gap,
        )
    for row in table.rows:
        drawn.add_row(*map(_cell, row))
    drawn.add_section()
    for row in table.averages:
        drawn.add_row(*map(_cell, row))
    return drawn


def _cell(cell: Cell, gap: str = " ") -> str | rich.Text:
    if isinstance(cell, Noted):
        return rich.Text.assemble(cell.text, gap, (cell.note, "dim"))
    return cell


def _long_table(table: Table) -> rich.RenderableType:
    from rich.segment import Segment, Segments

    rows = [table.headings, *table.rows, *table.averages]
    columns = [[visible(str(cell)) for cell in column] for column in zip(*rows, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    padded = (map(str.ljust, row, widths) for row in zip(*columns, strict=True))
    return Segments([Segment("\n".join("  ".join(row).rstrip() for row in padded) + "\n")])


def heat_table(heat: HeatMap, console: rich.Console) -> rich.RenderableType:
    """Draw a heat map: the stronger a cell, the larger its share of the row.

    Blue is right, red is wrong; of a confusion matrix zeros are dots.
    """
    corner = f"{heat.down} \\ {heat.across}" if heat.across else heat.down
    nothing = "." if heat.across else ""
    # rich's tables leave gaps between cells, which a heat map should not have.
    colours = "" if console.no_color else console.color_system or ""
    first = max(len(corner), *map(len, heat.names)) + 3
    texts = [cell.text for row in heat.cells for cell in row]
    width = max(*map(len, texts), *map(len, heat.names)) + 2
    rule = "─" if console.encoding.lower().startswith("utf") else "-"
    heading = f"{corner} ".rjust(first) + "".join(f"{name} ".rjust(width) for name in heat.names)
    page = rich.Text(no_wrap=True, overflow="ignore")
    page.append(f"{heat.title}\n\n", "italic")
    page.append(f"{heading.rstrip()}\n", "bold")
    page.append(f" {rule * (len(heading) - 1)}\n")
    for name, row in zip(heat.names, heat.cells, strict=True):
        page.append(f"{name} ".rjust(first))
        for cell in row:
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


def _shade(cell: HeatCell, colours: str) -> str:
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
