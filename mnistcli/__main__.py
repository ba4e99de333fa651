"""``mnistcli`` and ``python -m mnistcli``."""

import atexit
import gc
import os
import sys

from mnistcli._version import __version__


def main() -> None:
    """Run the command line and exit with its code."""
    _open_closed_streams()
    if sys.argv[1:] in (["--version"], ["-V"]):  # not worth importing Typer
        try:
            print(f"mnistcli {__version__}", flush=True)  # noqa: T201
            return
        except OSError:
            pass  # the door of cli.app will say so
    import signal

    # As Ctrl-C, so that neither processes nor temporary files stay behind.
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Our passes over the data have threads of their own. OpenBLAS would start one per core with
    # NumPy (40 ms), and they wait by spinning: beside other programs a fit took five times as long.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # What is imported stays, and at the end all goes: to look for cycles there takes a fifth of
    # --help.
    atexit.register(gc.freeze)
    gc.disable()
    try:
        from mnistcli.cli import completion
        from mnistcli.cli.app import app

        gc.freeze()
        gc.enable()
        if completion.VARIABLE in os.environ:
            completion.prepare()
        app(prog_name="mnistcli")
    except KeyboardInterrupt:  # while importing; later ones meet the door in cli.app
        sys.exit(130)


def _open_closed_streams() -> None:
    """Put a stream that fails where the caller has closed one, as ``<&-`` and ``>&-`` do.

    Python has None there, and the next file that is opened would get the number of the stream.
    What is written to a closed stderr is lost.
    """
    wrong_ways = ("stdin", "r", os.O_WRONLY), ("stdout", "w", os.O_RDONLY)
    for name, mode, flags in (*wrong_ways, ("stderr", "w", os.O_WRONLY)):
        if getattr(sys, name) is None:
            # Of the free numbers the system gives the lowest: the stream's own.
            setattr(sys, name, open(os.open(os.devnull, flags), mode, closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    main()
