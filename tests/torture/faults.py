"""Break what a process does to the files below a folder: kill it there, refuse it, or take notes.

`Faults` stands between the program and the handful of calls through which it changes files. Each
such call has a number; at the k-th the process dies, or the call is refused. `fresh` runs a
function of the tests in a process of its own, from which `in_child` forks one victim after another.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
OPERATIONS = ("open", "write", "fsync", "rename", "link", "close", "mkdir", "unlink")


@dataclass(frozen=True)
class Call:
    """One change of the file system, or a step towards it.

    Attributes
    ----------
    name : str
        One of OPERATIONS.
    path : str
        Of what is changed; the new path of a rename or link.
    source : str
        The old path of a rename or link.
    data : bytes
        What is written.
    creates : bool
        Whether an open makes the file.
    """

    name: str
    path: str
    source: str = ""
    data: bytes = b""
    creates: bool = False


@dataclass
class Faults:
    """Watches a folder; `before` is called ahead of each call and may refuse it.

    The refusal of a close comes after the close, as the system does it.
    """

    folder: Path
    calls: list[Call] = field(default_factory=list)
    paths: dict[int, str] = field(default_factory=dict)

    def before(self, call: Call) -> None:
        """Do nothing; for the kinds of faults to say otherwise."""

    def meet(self, call: Call) -> None:
        self.calls.append(call)
        self.before(call)

    def concerns(self, path: object) -> bool:
        name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else ""
        return name == str(self.folder) or name.startswith(f"{self.folder}{os.sep}")

    def install(self) -> None:
        """Put it between this process and the file system, for good."""
        real = {name: getattr(os, name) for name in ("open", "fdopen", "close", "fsync")}
        faults = self

        class Raw(io.FileIO):
            def write(self, data):
                path = faults.paths[self.fileno()]
                try:
                    faults.meet(Call("write", path, data=bytes(data)))
                except Killed:
                    super().write(memoryview(data)[: len(data) // 2])  # torn, which is worst
                    die()
                return super().write(data)

            def close(self):
                path = None if self.closed else faults.paths.pop(self.fileno(), None)
                super().close()
                if path is not None:
                    faults.meet(Call("close", path))

        def open_(path, flags, *args, **options):
            if not self.concerns(path):
                return real["open"](path, flags, *args, **options)
            creates = bool(flags & os.O_CREAT) and not os.path.lexists(path)
            self.meet(Call("open", os.fspath(path), creates=creates))
            descriptor = real["open"](path, flags, *args, **options)
            self.paths[descriptor] = os.fspath(path)
            return descriptor

        def fdopen(descriptor, mode="r", *args, **options):
            if descriptor not in self.paths:
                return real["fdopen"](descriptor, mode, *args, **options)
            buffered = io.BufferedWriter if "w" in mode else io.BufferedReader
            return buffered(Raw(descriptor, mode.replace("b", "")))

        def close(descriptor):
            path = self.paths.pop(descriptor, None)
            real["close"](descriptor)
            if path is not None:
                self.meet(Call("close", path))

        def fsync(descriptor):
            number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
            if number in self.paths:
                self.meet(Call("fsync", self.paths[number]))
            return real["fsync"](descriptor)

        os.open, os.fdopen, os.close, os.fsync = open_, fdopen, close, fsync
        for name, function in (("mkdir", "mkdir"), ("unlink", "unlink"), ("unlink", "remove"),
                               ("unlink", "rmdir")):  # fmt: skip
            setattr(os, function, self._on_one_path(name, getattr(os, function)))
        for name, function in (("rename", "rename"), ("rename", "replace"), ("link", "link")):
            setattr(os, function, self._on_two_paths(name, getattr(os, function)))

    def _on_one_path(self, name, real):
        def operation(path, *args, **options):
            if self.concerns(path):
                self.meet(Call(name, os.fspath(path)))
            return real(path, *args, **options)

        return operation

    def _on_two_paths(self, name, real):
        def operation(source, path, *args, **options):
            if self.concerns(path):
                self.meet(Call(name, os.fspath(path), source=os.fspath(source)))
            return real(source, path, *args, **options)

        return operation


class Killed(BaseException):
    """The next thing to happen is the end of the process."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class KillAt(Faults):
    """Ends the process at its k-th call, a write in its middle."""

    k: int = 1

    def before(self, call: Call) -> None:
        if len(self.calls) == self.k:
            if call.name == "write":
                raise Killed
            die()


@dataclass
class RefuseAt(Faults):
    """Refuses the k-th call, and those of the same kind that follow if ``persistent``."""

    k: int = 1
    number: int = 0
    persistent: bool = False
    refused: str = ""

    def before(self, call: Call) -> None:
        again = self.persistent and call.name == self.refused
        if len(self.calls) == self.k or again:
            self.refused = call.name
            raise OSError(self.number, os.strerror(self.number), call.path)


# ------------------------------------------------------------------------------------- processes


@dataclass(frozen=True)
class Ended:
    """How a forked process ended, and what it said."""

    code: int
    out: str
    err: str


def in_child(act, *, scratch: Path, faults: Faults | None = None) -> Ended:
    """Run a function in a fork of this process, with faults if need be."""
    out, err = scratch / "stdout", scratch / "stderr"
    child = os.fork()
    if not child:
        for path, descriptor in ((out, 1), (err, 2)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
        code = 0
        try:
            if faults is not None:
                faults.install()
            act()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
            code = 99
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Ended(code, out.read_text(errors="replace"), err.read_text(errors="replace"))


def count_calls(act, folder: Path, scratch: Path) -> list[Call]:
    """Record the calls of a function that is left in peace, in a fork of this process."""
    notes = scratch / "calls"
    faults = Faults(folder)

    def recorded() -> None:
        import pickle

        act()
        with io.open(notes, "wb") as file:  # noqa: UP020 - Path.open is watched
            pickle.dump(faults.calls, file)

    ended = in_child(recorded, scratch=scratch, faults=faults)
    assert ended.code == 0, ended
    import pickle

    return pickle.loads(notes.read_bytes())  # noqa: S301 - our own


def fresh(function, *args: object) -> object:
    """Call a function of this folder in a process of its own; its answer comes as JSON."""
    module = function.__module__.rpartition(".")[2]
    code = (
        "import json, sys; "
        f"from tests.torture.{module} import {function.__name__} as function; "
        "json.dump(function(*json.loads(sys.argv[1])), sys.stdout)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, json.dumps(args)],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    return json.loads(ended.stdout)


def clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def litter(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*.tmp"))
