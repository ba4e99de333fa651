"""Rows as text: tab- and comma-separated values for programs, Markdown and LaTeX for papers.

Rows are a header and what follows it. For programs numbers stay exact; for papers they get the
digits that their interval warrants, and the interval joins its number in one cell: of the columns
``accuracy``, ``accuracy_low`` and ``accuracy_high`` one remains, and of ``value``, ``low``,
``high``.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence

from mnistcli.cli.content.numbers import decimal
from mnistcli.cli.words import markdown, visible

Rows = Iterable[Sequence[object]]

_LATEX = {"\\": "backslash", "~": "asciitilde", "^": "asciicircum", "|": "bar", "<": "less"}
_LATEX = {sign: f"\\text{name}{{}}" for sign, name in (_LATEX | {">": "greater"}).items()}
_LATEX |= {sign: f"\\{sign}" for sign in "&%$#_{}"} | {sign: f"{{{sign}}}" for sign in "\"'`-["}
_LATEX_NUMBER = re.compile(r"(-?[\d.]+)(?:e([-+]?\d+))?( \[-?[\d.]+, -?[\d.]+\])?")
_LATEX_SPECIAL = re.compile(f"[{re.escape(''.join({*_LATEX} - {'-'}))}]|-(?=-)")


def lines_of(rows: Rows, format_: str) -> Iterator[str]:
    """Yield lines in one of the formats "tsv", "csv", "markdown" and "latex".

    None and NaN become nothing, True true, a tab inside a cell an escape; CSV is as RFC 4180 has
    it, but for the ends of lines; Markdown as GitHub shows it, numbers to the right; and LaTeX a
    tabular with the rules of the package booktabs.
    """
    if format_ == "tsv":
        yield from ("\t".join(map(_exact, row)) + "\n" for row in rows)
    elif format_ == "csv":
        page = io.StringIO()
        csv.writer(page, lineterminator="\n").writerows(map(_exact, row) for row in rows)
        yield page.getvalue()
    elif format_ == "markdown":
        header, body, is_number = _readable(rows)
        yield from (f"{line}\n" for line in markdown_table(header, is_number, body))
    else:
        header, body, is_number = _readable(rows)
        yield "% \\usepackage{booktabs}\n"
        yield f"\\begin{{tabular}}{{{''.join('r' if right else 'l' for right in is_number)}}}\n"
        yield f"\\toprule\n{_latex_row(header)}\\midrule\n"
        yield from map(_latex_row, body)
        yield "\\bottomrule\n\\end{tabular}\n"


def _exact(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else visible(str(value))


def markdown_table(
    header: Iterable[str], is_right: Iterable[bool], rows: Iterable[Iterable[str]]
) -> Iterator[str]:
    """Yield a table as Markdown has it, line by line."""
    head, *body = (" | ".join(map(markdown, row)) for row in (header, *rows))
    marks = " | ".join("---:" if right else "---" for right in is_right)
    return (f"| {line} |" for line in (head, marks, *body))


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(map(_latex, cells)) + " \\\\\n"


def _latex(text: str) -> str:
    if found := _LATEX_NUMBER.fullmatch(text):
        number, power, interval = found.groups(default="")
        times = f"\\times10^{{{int(power)}}}" if power else ""
        return f"${number}{times}{interval.replace(' ', chr(92) + ';', 1)}$"
    return _LATEX_SPECIAL.sub(lambda found: _LATEX[found[0]], visible(text))


def _readable(rows: Rows) -> tuple[list[str], list[list[str]], list[bool]]:
    """Return the header, the cells as a person reads them, and which columns hold numbers."""
    header, *body = ([*row] for row in rows)
    names = [str(name) for name in header]
    ends = {}  # where a column's interval stands
    for i, name in enumerate(names):
        prefix = "" if name == "value" else f"{name}_"
        if {f"{prefix}low", f"{prefix}high"} <= {*names}:
            ends[i] = names.index(f"{prefix}low"), names.index(f"{prefix}high")
    merged = {column for pair in ends.values() for column in pair}
    kept = [i for i in range(len(names)) if i not in merged]
    cells = [[_reading(row[i], [row[j] for j in ends.get(i, ())]) for i in kept] for row in body]
    is_number = [{type(row[i]) for row in body} - {type(None)} <= {int, float} for i in kept]
    return [names[i].replace("_", " ") for i in kept], cells, is_number


def _reading(value: object, interval: Sequence[object]) -> str:
    if not isinstance(value, float) or math.isnan(value):
        return _exact(value)
    low, high = interval if len(interval) == 2 else (None, None)
    if not isinstance(low, float) or not isinstance(high, float) or not high > low:
        text = f"{value:.4g}"
        return decimal(value) if text == "1" and value != 1 else text
    # Two digits of half the interval's length are as many as the sample warrants.
    digits = max(0, 1 - math.floor(math.log10((high - low) / 2)))
    number, *span = (decimal(each, digits=digits) for each in (value, low, high))
    return f"{number} [{', '.join(span)}]"
