from mnistcli._version import __version__
from mnistcli.cli.output import write


def version() -> None:
    write(f"mnistcli {__version__}\n")
