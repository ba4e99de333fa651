"""Pictures drawn with letters -> grey levels."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from mnistcli.errors import BadImageError

MAX_DRAWING_SIDE = 1000

PAPER = " .\u00b7"
SHADES = " .:-=+*#%@"
BLOCKS = dict(zip("\u2591\u2592\u2593\u2588", (64, 128, 191, 255), strict=True))
INK = frozenset("#*@+%&$=:;-_|/\\()<>'\"`^~!oOxXIMWH018") | BLOCKS.keys()


def drawing(text: str, name: str) -> NDArray[np.uint8]:
    """Turn a digit drawn with letters into a picture; one letter is one pixel.

    Blank and ``.`` are paper, ``0`` in a drawing of zeros and ones, and where there are none the
    letter that the border has most of; the shades of ``.:-=+*#%@`` count as such when at least four
    of them occur; everything else is ink. The picture, (1, height, width), is light ink on black
    with a margin of two pixels.
    """
    lines = text.expandtabs().rstrip().lstrip("\r\n").splitlines()
    height, width = len(lines), max(map(len, lines), default=0)
    if not 3 <= height <= MAX_DRAWING_SIDE or not 1 <= width <= MAX_DRAWING_SIDE:
        raise BadImageError(name, f"is no drawing of a digit: {height} lines of {width} letters")
    used = {letter for line in lines for letter in line.rstrip()}
    paper = set(PAPER) | ({"0"} if used <= set("01 ") else set())
    if not used & paper:
        paper |= {_commonest_at_border(lines)}
    strange = sorted(used - INK - paper)
    if strange and len(used - paper) > 1:
        raise BadImageError(
            name,
            f"is neither a picture nor a drawing: {strange[0]!r} is no ink",
            hint="draw with # on blanks or dots",
        )
    levels = dict.fromkeys(used, 255) | {k: v for k, v in BLOCKS.items() if k in used}
    if len(used & set(SHADES[2:])) > 3 and used <= set(SHADES):
        levels |= {letter: 255 * i // (len(SHADES) - 1) for i, letter in enumerate(SHADES)}
    levels |= dict.fromkeys(paper, 0)
    picture = np.zeros((1, height + 4, width + 4), np.uint8)
    for y, line in enumerate(lines):
        picture[0, y + 2, 2 : 2 + len(line)] = [levels[letter] for letter in line]
    return picture


def _commonest_at_border(lines: list[str]) -> str:
    sides = [line.strip()[i] for line in lines[1:-1] if line.strip() for i in (0, -1)]
    letters: Counter[str] = Counter([*lines[0].strip(), *lines[-1].strip(), *sides])
    return letters.most_common(1)[0][0]
