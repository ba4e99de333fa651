"""Pictures from the gallery, in the terminal and as documents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mnistcli.cli.output import View
from mnistcli.gallery import Gallery


@dataclass(frozen=True)
class GalleryView(View):
    """Pictures in rows, and below them a legend."""

    schema = "show"
    pictures: Gallery

    def document(self) -> dict[str, Any]:
        return {
            "pictures": [
                {**picture.facts, "caption": picture.caption, "pixels": picture.image}
                for picture in self.pictures
            ]
        }

    def rows(self) -> Iterator[Sequence[object]]:
        keys = list(self.pictures[0].facts) if self.pictures else []
        n_pixels = self.pictures[0].image.size if self.pictures else 0
        yield [*keys, *(f"pixel{i}" for i in range(n_pixels))]
        for picture in self.pictures:
            yield [*picture.facts.values(), *picture.image.ravel().tolist()]

    def lines(self) -> Iterator[str]:
        return (str(each.facts.get("index", each.caption)) for each in self.pictures)

    def shown(self) -> Iterator[Gallery]:
        yield self.pictures
