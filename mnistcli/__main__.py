"""``mnistcli`` and ``python -m mnistcli``."""

from __future__ import annotations

import os
import sys

from mnistcli._version import __version__


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] in (["--version"], ["-V"]):  # not worth importing Typer
        print(f"mnistcli {__version__}")  # noqa: T201
        return
    # Our passes over the data have threads of their own. OpenBLAS would start one per core with
    # NumPy (40 ms), and they wait by spinning: beside other programs a fit took five times as long.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from mnistcli.cli import completion
        from mnistcli.cli.app import app

        if completion.VARIABLE in os.environ:
            completion.prepare()
        app(prog_name="mnistcli")
    except KeyboardInterrupt:  # while importing; later ones meet the door in cli.app
        sys.exit(130)


if __name__ == "__main__":
    main()
