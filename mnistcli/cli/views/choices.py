"""How C was chosen: the curve of cross-validation, a line for each candidate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mnistcli.cli.numbers import percent

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from mnistcli.model_selection.choice import Candidate, ChoiceOfC

_WIDTH = 26


def choice_table(choice: ChoiceOfC, console: Console) -> RenderableType:
    """Draw the mean log loss of each C with its standard error, on a logarithmic scale."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD,
        title=f"the search for C, {choice.n_folds} folds of the training images",
        title_justify="left",
        pad_edge=False,
    )
    table.add_column("C", justify="right")
    table.add_column("log loss", justify="right")
    table.add_column("accuracy", justify="right")
    table.add_column("", no_wrap=True)
    table.add_column("")
    marks = ("├", "─", "┤", "●")
    if not console.encoding.lower().startswith("utf"):
        marks = ("[", "-", "]", "o")
    # A mean less its standard error need not be positive; its tenth is low enough.
    lowest = min(
        max(each.log_loss - each.standard_error, each.log_loss / 10) for each in choice.candidates
    )
    highest = max(each.log_loss + each.standard_error for each in choice.candidates)
    for each in choice.candidates:
        is_choice = each.C == choice.C
        table.add_row(
            f"{each.C:g}",
            f"{each.log_loss:.5f}",
            percent(each.accuracy),
            Text(_whisker(each, lowest, highest, marks), "bold green" if is_choice else "dim"),
            Text(_remark(each, choice)),
            style="bold" if is_choice else "",
        )
    return table


def _remark(each: Candidate, choice: ChoiceOfC) -> str:
    if each.C == choice.C:
        return "best"
    return "one standard error" if choice.C_1se == each.C else ""


def _whisker(each: Candidate, lowest: float, highest: float, marks: tuple[str, ...]) -> str:
    """Draw a mean and its standard error: ``  ├──●──┤``."""
    span = math.log(highest / lowest) or 1.0

    def column(loss: float) -> int:
        return round(math.log(max(loss, lowest) / lowest) / span * (_WIDTH - 1))

    left, line, right, dot = marks
    low, mean = column(each.log_loss - each.standard_error), column(each.log_loss)
    high = column(each.log_loss + each.standard_error)
    cells = [" "] * _WIDTH
    cells[low : high + 1] = [line] * (high + 1 - low)
    cells[low], cells[high], cells[mean] = left, right, dot
    return "".join(cells).rstrip()
