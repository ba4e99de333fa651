from pathlib import Path
from typing import Literal

from mnistcli.cli.options import argument
from mnistcli.cli.output import write

FOLDER = Path(__file__).parents[1] / "completions"


def completion(
    shell: Literal["bash", "zsh", "fish"] = argument(
        "bash, zsh or fish.", default=..., metavar="SHELL"
    ),
) -> None:
    # All three ask in the way of Typer's script for fish, because it passes on the line as it is:
    # the words that bash makes of 0v1@2 are 0v1, @ and 2.
    write((FOLDER / f"mnistcli.{shell}").read_text("utf-8"))
