"""Pictures from the gallery, in the terminal and as documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnistcli.cli.output import FunctionView as View

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

    from mnistcli.cli.terminal.bitmap import Tile
    from mnistcli.cli.terminal.ladder import Render
    from mnistcli.gallery import Exhibit


def gallery_view(exhibits: Sequence[Exhibit], *, legend: str = "", render: Render = "auto") -> View:
    """Show pictures, and below them a legend."""

    def document() -> dict[str, Any]:
        return {
            "pictures": [
                {**exhibit.facts, "caption": exhibit.caption, "pixels": exhibit.image}
                for exhibit in exhibits
            ]
        }

    def rows() -> Iterator[Sequence[object]]:
        keys = list(exhibits[0].facts) if exhibits else []
        height, width = exhibits[0].image.shape if exhibits else (0, 0)
        yield [*keys, *(f"pixel{i}" for i in range(height * width))]
        for exhibit in exhibits:
            yield [*exhibit.facts.values(), *exhibit.image.ravel().tolist()]

    def table(console: Console) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        from mnistcli.cli.terminal.bitmap import signed
        from mnistcli.cli.terminal.ladder import choose_rung
        from mnistcli.cli.terminal.pictures import draw, signs_of

        drawing = draw(tiles_of(exhibits), console, render)
        if not legend:
            return drawing
        rung = choose_rung(render, console, len(exhibits))
        return Group(drawing, Text(), Text(signed(legend, signs_of(rung))))

    return View("show", document, rows, lambda: [exhibit.caption for exhibit in exhibits], table)


def tiles_of(exhibits: Sequence[Exhibit]) -> list[Tile]:
    """Give pictures with their captions; signed ones brought to one scale for the eye."""
    from mnistcli.cli.terminal.bitmap import Tile, vivid

    images = vivid([exhibit.image for exhibit in exhibits])
    captions = (exhibit.caption for exhibit in exhibits)
    return [Tile(image, caption) for image, caption in zip(images, captions, strict=True)]
