"""``mnistcli`` and ``python -m mnistcli``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from mnistcli.cli.app import app

        app(prog_name="mnistcli")
    except KeyboardInterrupt:  # while importing; later ones meet the door in cli.app
        sys.exit(130)


if __name__ == "__main__":
    main()
