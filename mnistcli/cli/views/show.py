"""Pictures, pixel by pixel, with what is known of them."""

from mnistcli.cli.output import Answer
from mnistcli.gallery import Gallery


def pictures_answer(pictures: Gallery) -> Answer:
    """Show pictures; rows have the names of what is known of the first."""
    known = [{**each.facts, "caption": each.caption, "pixels": each.image} for each in pictures]
    names = [[*it.facts, *map("pixel{}".format, range(it.image.size))] for it in pictures[:1]]
    rows = [[*it.facts.values(), *it.image.ravel().tolist()] for it in pictures]
    quiet = [str(each.facts.get("index", each.caption)) for each in pictures]
    return Answer("show", {"pictures": known}, quiet, [pictures], [*(names or [[]]), *rows])
