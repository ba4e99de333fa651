"""Pictures from the gallery, in the terminal and as documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnistcli.cli.output import View

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

    from mnistcli.gallery import Exhibit


def gallery_view(exhibits: Sequence[Exhibit], *, legend: str = "") -> View:
    """Show pictures."""

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

        from mnistcli.cli.render.digits import Tile, draw

        tiles = [Tile(exhibit.image, exhibit.caption) for exhibit in exhibits]
        drawing = draw(tiles, console)
        return Group(drawing, Text(legend)) if legend else drawing

    return View("show", document, rows, lambda: [exhibit.caption for exhibit in exhibits], table)
