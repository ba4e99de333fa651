"""Predictions as tables, documents and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnistcli.cli.numbers import percent
from mnistcli.cli.output import FunctionView as View
from mnistcli.cli.words import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from rich.console import Console, RenderableType

    from mnistcli.cli.terminal.bitmap import Tile
    from mnistcli.cli.terminal.ladder import Render, Rung
    from mnistcli.cli.terminal.layout import Block
    from mnistcli.prediction import Explanation, Sighting
    from mnistcli.registry.model_file import Model

# rich measures and wraps every cell, a millisecond a row; a long table is set by hand.
LONGEST_RICH_TABLE = 100
# Pictures of one's own are drawn as large as what the model saw; with pixels to spare, finer.
_SIDE, _FINE_SIDE = 28, 280


def sightings_view(
    model: Model,
    sightings: Iterable[Sighting],
    *,
    proba: bool = False,
    show: bool = False,
    explain: bool = False,
    draw: bool = False,
    render: Render = "auto",
) -> View:
    """Show predictions, taking them one by one.

    Parameters
    ----------
    model : Model
    sightings : iterable of Sighting
    proba : bool
        Print the probabilities of all classes.
    show : bool
        In drawings, put the picture beside what the model saw.
    explain : bool
        Tell what each pixel contributed, in drawings and documents.
    draw : bool
        Draw instead of making a table.
    render : str
        How to draw.
    """
    names = model.card.class_names

    def documents() -> Iterator[dict[str, Any]]:
        for sighting in sightings:
            yield _document(sighting, names) | (_explained(model, sighting) if explain else {})

    def document() -> dict[str, Any]:
        return {
            "model": model.ref,
            "class_names": list(names),
            "predictions": list(documents()),
        }

    def rows() -> Iterator[Sequence[object]]:
        yield ["input", "answer", "probability", *(names if proba else ())]
        for sighting in sightings:
            row = [sighting.source, sighting.answer, sighting.probability]
            yield [*row, *sighting.probabilities.tolist()] if proba else row

    def table(_: Console) -> RenderableType:
        return _table([_cells(sighting, names if proba else ()) for sighting in sightings])

    def parts(console: Console) -> Iterator[RenderableType]:
        for sighting in sightings:
            yield _drawn(model, sighting, console, show=show, explain=explain, render=render)

    return View(
        "predict",
        document,
        rows,
        lambda: (sighting.answer for sighting in sightings),
        table,
        record_schema="prediction",
        records=lambda: ({"model": model.ref, **each} for each in documents()),
        parts=parts if draw else None,
    )


def _document(sighting: Sighting, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "input": sighting.source,
        "answer": sighting.answer,
        "best": sighting.best,
        "probability": sighting.probability,
        "probabilities": dict(zip(names, sighting.probabilities.tolist(), strict=True)),
        "notes": list(sighting.notes),
    }


def _explained(model: Model, sighting: Sighting) -> dict[str, Any]:
    from mnistcli import prediction

    why = prediction.explain(model, sighting.image)
    return {
        "explanation": {
            "answer": why.answer,
            "runner_up": why.runner_up,
            "score": why.score,
            "intercept": why.intercept,
            "contributions": why.contributions.ravel(),
        }
    }


# --- tables -------------------------------------------------------------------------------------


def _cells(sighting: Sighting, names: tuple[str, ...]) -> dict[str, str]:
    """Give a row of the table: what stands in which column."""
    cells = {
        "input": sighting.source,
        "answer": sighting.answer,
        "probability": percent(sighting.probability),
    }
    if names:
        shares = map(percent, sighting.probabilities.tolist())
        cells |= {f"p({name})": share for name, share in zip(names, shares, strict=True)}
    return cells | {"notes": ", ".join(_notes(sighting))}


def _notes(sighting: Sighting) -> tuple[str, ...]:
    guess = () if sighting.answer == sighting.best else (f"best guess {sighting.best}",)
    return guess + sighting.notes


def _table(rows: Sequence[dict[str, str]]) -> RenderableType:
    from rich.text import Text

    if not rows:
        return Text("nothing to predict")
    header = [name for name in rows[0] if name != "notes" or any(row["notes"] for row in rows)]
    cells = [[row[name] for name in header] for row in rows]
    header = [name.removeprefix("p(").removesuffix(")") for name in header]
    is_short = len(rows) <= LONGEST_RICH_TABLE
    return _short_table(header, cells) if is_short else _long_table(header, cells)


def _short_table(header: Sequence[str], cells: Sequence[Sequence[str]]) -> RenderableType:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in header:
        is_text = name in ("input", "answer", "notes")
        style = "bold" if name == "answer" else ""
        table.add_column(name, justify="left" if is_text else "right", style=style, overflow="fold")
    for row in cells:
        table.add_row(*row)
    return table


def _long_table(header: Sequence[str], cells: Sequence[Sequence[str]]) -> RenderableType:
    from rich.segment import Segment, Segments

    everything = [[visible(cell) for cell in row] for row in (header, *cells)]
    widths = [max(map(len, column)) for column in zip(*everything, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in everything
    )
    return Segments([Segment("\n".join(lines) + "\n")])


# --- pictures -----------------------------------------------------------------------------------


def tiles_of_sighting(
    model: Model, sighting: Sighting, *, show: bool, explain: bool, finely: bool = True
) -> list[Tile]:
    """Give what there is to see: the picture, what the model saw, and why it answered so."""
    import numpy as np

    from mnistcli import prediction
    from mnistcli.cli.terminal.bitmap import Tile, vivid

    tiles = []
    original = sighting.original
    is_changed = original is not None and not np.array_equal(original, sighting.image)
    if show and original is not None and is_changed:
        tiles.append(Tile(_shrunk(original, _FINE_SIDE if finely else _SIDE), "the picture"))
    tiles.append(Tile(sighting.image, "what the model saw"))
    if explain:
        why = prediction.explain(model, sighting.image)
        caption = f"why {why.answer}, not {why.runner_up}"
        tiles.append(Tile(vivid([why.contributions])[0], caption))
    return tiles


class SheetOfSightings:
    """Passes predictions on, and keeps their pictures for a file."""

    def __init__(self, model: Model, sightings: Iterable[Sighting], *, explain: bool) -> None:
        self._model = model
        self._sightings = sightings
        self._explain = explain
        self._tiles: list[list[Tile]] = []

    def __iter__(self) -> Iterator[Sighting]:
        """Give the predictions."""
        from dataclasses import replace

        for sighting in self._sightings:
            tiles = tiles_of_sighting(self._model, sighting, show=True, explain=self._explain)
            tiles[0] = replace(tiles[0], caption=f"{headline(sighting)}; {tiles[0].caption}")
            self._tiles.append(tiles)
            yield sighting

    def write(self, path: Path) -> str:
        """Write the pictures; say what was written."""
        from mnistcli.cli.terminal.bitmap import write_sheet

        tiles = [tile for row in self._tiles for tile in row]
        # One row for each, if all have as many pictures.
        lengths = {len(row) for row in self._tiles}
        n_columns = max(lengths) if len(lengths) == 1 and max(lengths) > 1 else None
        legend = "{plus}: ink that speaks for the answer; {minus}: for the runner-up"
        return write_sheet(path, tiles, legend if self._explain else "", n_columns=n_columns)


def _shrunk(image: Any, side: int) -> Any:
    import numpy as np
    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(picture)


def headline(sighting: Sighting) -> str:
    """Say what a picture was taken for."""
    if sighting.answer == sighting.best:
        return f"{sighting.source}: {sighting.answer} ({percent(sighting.probability)})"
    guess = f"best guess {sighting.best} at {percent(sighting.probability)}"
    return f"{sighting.source}: {sighting.answer} ({guess})"


def legend_of(why: Explanation, p_answer: float, p_runner_up: float, signs: tuple[str, str]) -> str:
    """Say how to read an explanation, and that it adds up."""
    pixels = why.score - why.intercept
    sign = "-" if why.intercept < 0 else "+"
    return (
        f"{signs[0]}: ink that speaks for {why.answer} rather than {why.runner_up}; "
        f"{signs[1]}: for {why.runner_up}\n"
        f"pixels {pixels:.2f} {sign} intercept {abs(why.intercept):.2f} = {why.score:.2f} "
        f"= log({percent(p_answer)} / {percent(p_runner_up)})"
    )


def _drawn(
    model: Model,
    sighting: Sighting,
    console: Console,
    *,
    show: bool,
    explain: bool,
    render: Render,
) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from mnistcli import prediction
    from mnistcli.cli.terminal.ladder import COLOURLESS, GRAPHICS, choose_rung
    from mnistcli.cli.terminal.layout import beside, stacked
    from mnistcli.cli.terminal.pictures import draw, draw_row, signs_of, usable_width

    rung = choose_rung(render, console, n_pictures=2)
    tiles = tiles_of_sighting(model, sighting, show=show, explain=explain, finely=rung in GRAPHICS)
    usable = usable_width(console)
    # Signs without colour take characters, and those want room.
    apart = tiles[-1:] if explain and rung in COLOURLESS else []
    pictures = draw_row(tiles[: len(tiles) - len(apart)], console, rung)
    names = model.card.class_names
    spare = usable - pictures.width - 2
    drawing = (
        beside([pictures, _bars(sighting, names, min(spare, 40), rung)], 2)
        if spare >= 18
        else stacked([pictures, _bars(sighting, names, min(usable, 60), rung)])
    )
    parts: list[RenderableType] = [Text(visible(headline(sighting)), style="bold")]
    if notes := _notes(sighting)[sighting.answer != sighting.best :]:
        parts.append("; ".join(notes))
    parts.append(drawing)
    if apart:
        parts.append(draw(apart, console, "ascii" if rung == "ascii" else "shade"))
    if explain:
        why = prediction.explain(model, sighting.image)
        p = dict(zip(names, sighting.probabilities.tolist(), strict=True))
        parts.append(Text(legend_of(why, p[why.answer], p[why.runner_up], signs_of(rung))))
    parts.append(Text())
    return Group(*parts)


def _bars(sighting: Sighting, names: Sequence[str], width: int, rung: Rung) -> Block:
    """Draw the probability of each class as a bar."""
    from mnistcli.cli.terminal.layout import stacked, words

    longest = max(map(len, names))
    room = max(4, width - longest - len(" 100.00 %") - 1)
    rows = [words([""])]
    for name, share in zip(names, sighting.probabilities.tolist(), strict=True):
        bar = _bar(share, room, ascii_only=rung == "ascii")
        style = "bold" if name == sighting.best else ""
        rows.append(words([f"{name:>{longest}} {bar}{percent(share):>9}"], style=style))
    return stacked(rows)


def _bar(share: float, width: int, *, ascii_only: bool) -> str:
    if ascii_only:
        return ("#" * round(share * width)).ljust(width)
    eighths = round(share * width * 8)
    return ("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8]).ljust(width)[:width]
