"""ARFF, Weka's table of text: rows, dense or sparse, whose columns the header names.

https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/
"""

import itertools
import re

from mnistcli.containers.csv import Table, cleaned, layout_of, lines_of
from mnistcli.containers.reading import FormatError, Stream

_ATTRIBUTE = re.compile(rb"(?im)^[ \t]*@attribute[ \t]+(\"[^\"\n]*\"|'[^'\n]*'|[^\s]+)")
_PAIR = re.compile(rb"[{,](\d+) ([^,{}]+)")
_DATA = re.compile(rb"(?im)^[ \t]*@data[ \t]*(?:%.*)?(?:\n|\Z)")


def open_arff(stream: Stream) -> Table:
    """Read the header of a table."""
    blocks = lines_of(stream)
    first = next(blocks, b"")
    data = _DATA.search(first)
    if data is None:
        raise FormatError("has no @data line in its first megabyte")
    names = [name.decode("utf-8", "replace") for name in _ATTRIBUTE.findall(first, 0, data.start())]
    rows = itertools.chain([first[data.end() :]], blocks)
    layout = layout_of(tuple(name.strip("'\"") for name in names))
    return Table(layout, map(_dense, cleaned(rows, ord(","), b"%"), itertools.repeat(len(names))))


def _dense(block: bytes, n_columns: int) -> bytes:
    """Write out rows that name only what is not 0: {127 84,128 185,784 5}."""
    if not block.startswith(b"{"):
        return block
    lines = block.split(b"\n")
    for i, line in enumerate(lines):
        values = dict(_PAIR.findall(line))
        if len(values) == line.count(b",") + 1:
            cells = [values.pop(b"%d" % column, b"0") for column in range(n_columns)]
            lines[i] = line if values else b",".join(cells)
    return b"\n".join(lines)
