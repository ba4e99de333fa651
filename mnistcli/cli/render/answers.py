"""Predictions as tables and documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnistcli.cli.output import View
from mnistcli.cli.render.numbers import percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

    from mnistcli.prediction import Sighting
    from mnistcli.registry.model_file import Model

# rich measures and wraps every cell, a millisecond a row; a long table is set by hand.
LONGEST_RICH_TABLE = 100


def sightings_view(
    model: Model, sightings: Sequence[Sighting], *, proba: bool = False, show: bool = False
) -> View:
    """Show predictions; with ``proba`` all probabilities, with ``show`` what the model saw."""
    names = model.card.class_names

    def document() -> dict[str, Any]:
        return {
            "model": model.ref,
            "class_names": list(names),
            "predictions": [_document(sighting, names) for sighting in sightings],
        }

    def rows() -> Iterator[Sequence[object]]:
        yield ["input", "answer", "probability", *(names if proba else ())]
        for sighting in sightings:
            row = [sighting.source, sighting.answer, sighting.probability]
            yield [*row, *sighting.probabilities.tolist()] if proba else row

    def table(console: Console) -> RenderableType:
        if show:
            return _pictures(sightings, console)
        cells = [_cells(sighting, proba=proba) for sighting in sightings]
        header = ["input", "answer", "probability", *(names if proba else ())]
        if any(sighting.notes for sighting in sightings):
            header.append("notes")
            for row, sighting in zip(cells, sightings, strict=True):
                row.append(", ".join(sighting.notes))
        return (
            _short_table(header, cells)
            if len(cells) <= LONGEST_RICH_TABLE
            else _long_table(header, cells)
        )

    return View("predict", document, rows, lambda: [s.answer for s in sightings], table)


def _document(sighting: Sighting, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "input": sighting.source,
        "answer": sighting.answer,
        "probability": sighting.probability,
        "probabilities": dict(zip(names, sighting.probabilities.tolist(), strict=True)),
        "notes": list(sighting.notes),
    }


def _cells(sighting: Sighting, *, proba: bool) -> list[str]:
    shown = [sighting.source, sighting.answer, percent(sighting.probability)]
    if proba:
        shown += [percent(p) for p in sighting.probabilities.tolist()]
    return shown


def _short_table(header: Sequence[str], cells: Sequence[Sequence[str]]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in header:
        is_text = name in ("input", "answer", "notes")
        style = "bold" if name == "answer" else ""
        table.add_column(name, justify="left" if is_text else "right", style=style, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _long_table(header: Sequence[str], cells: Sequence[Sequence[str]]) -> RenderableType:
    from rich.text import Text

    everything = [header, *cells]
    widths = [max(map(len, column)) for column in zip(*everything, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in everything
    )
    return Text("\n".join(lines), no_wrap=True, overflow="ignore")


def _pictures(sightings: Sequence[Sighting], console: Console) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from mnistcli.cli.render.digits import Tile, draw

    parts: list[RenderableType] = []
    for sighting in sightings:
        said = f"{sighting.source}: {sighting.answer} ({percent(sighting.probability)})"
        parts.append(Text(said, style="bold"))
        if sighting.notes:
            parts.append(Text("; ".join(sighting.notes)))
        parts.append(draw([Tile(sighting.image)], console))
    return Group(*parts)
