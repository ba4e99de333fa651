"""Pictures from the gallery, in the terminal and as documents."""

from collections.abc import Iterator, Sequence

from mnistcli.cli.output import Answer
from mnistcli.gallery import Gallery


def pictures(shown: Gallery) -> Answer:
    """Show pictures in rows, and below them a legend."""
    document = [{**each.facts, "caption": each.caption, "pixels": each.image} for each in shown]
    quiet = [str(each.facts.get("index", each.caption)) for each in shown]
    return Answer("show", {"pictures": document}, quiet, [shown], _rows(shown))


def _rows(shown: Gallery) -> Iterator[Sequence[object]]:
    keys, n_pixels = (list(shown[0].facts), shown[0].image.size) if shown else ([], 0)
    yield [*keys, *(f"pixel{i}" for i in range(n_pixels))]
    for each in shown:
        yield [*each.facts.values(), *each.image.ravel().tolist()]
