"""What ``--verbose`` tells beside the stages of the work: versions, and the files that are read."""

import os
import sys
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

from mnistcli._version import __version__
from mnistcli.cli.output import Output
from mnistcli.paths import find_places

_ENDINGS = (".npy", ".safetensors", ".gz", ".toml")


def tell_files(out: Output, home: Path | None) -> None:
    """Tell each file of ours that is opened to read from now on, as Python reports them: none is missed."""
    out.detail(f"mnistcli {__version__}, Python {python_version()}, numpy {version('numpy')}")
    folders = (*map(str, find_places(home)), str(Path(__file__).parents[1]))
    told = {""}

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        path = str(arguments[0]) if event == "open" else ""
        if path in told or not (path.startswith(folders) and path.endswith(_ENDINGS)):
            return
        if not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            told.add(path)
            out.detail(f"{'reads' if os.access(path, os.R_OK) else 'does not find'} {path}")

    sys.addaudithook(hear)
