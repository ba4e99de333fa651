"""Pictures, pixel by pixel, with what is known of them."""

from mnistcli.cli.output import Answer
from mnistcli.gallery import FACTS_OF_MISTAKES, Gallery
from mnistcli.mnist import N_PIXELS


def pictures_answer(pictures: Gallery) -> Answer:
    """Show pictures; rows have the names of what is known of the first, or would be of a mistake."""
    known = [{**each.facts, "caption": each.caption, "pixels": each.image} for each in pictures]
    names, size = [*FACTS_OF_MISTAKES], N_PIXELS
    if pictures:
        names, size = [*pictures[0].facts], pictures[0].image.size
    rows = [[*it.facts.values(), *it.image.ravel().tolist()] for it in pictures]
    rows.insert(0, [*names, *map("pixel{}".format, range(size))])
    quiet = [str(each.facts.get("index", each.caption)) for each in pictures]
    return Answer("show", {"pictures": known}, quiet, [pictures], rows)
