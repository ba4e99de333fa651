"""Matrices of counts and shares as heat maps with numbers."""

from mnistcli.cli import rich
from mnistcli.cli.heat import HeatCell, HeatMap


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
