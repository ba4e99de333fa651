"""How much memory this machine lets us have, and this process has had; where there is room for more."""

import contextlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistcli.arrays import Bytes
from mnistcli.errors import StorageError
from mnistcli.files import make_folder

_CGROUPS = Path("/sys/fs/cgroup")
_WHERE_UNKNOWN = 4 * 10**9
# Of a machine's memory or of a disk's free space, unless the user says how much.
_USUAL_SHARE = 1 / 4


@dataclass(frozen=True, slots=True)
class Room:
    """What a training may take: of memory, and of the disk of a folder, if there is one.

    None is a quarter of the machine's memory, or of what is free on the disk.
    """

    memory_bytes: int | None = None
    disk_bytes: int | None = None
    folder: Path | None = None

    @property
    def in_memory(self) -> int:
        """How many bytes of memory."""
        told = self.memory_bytes
        return int(machine_bytes() * _USUAL_SHARE) if told is None else told

    @property
    def on_disk(self) -> int:
        """How many bytes of the disk; 0 where the folder is refused."""
        with contextlib.suppress(OSError, StorageError):
            if self.folder is not None:
                make_folder(self.folder)
                free = int(shutil.disk_usage(self.folder).free * _USUAL_SHARE)
                return free if self.disk_bytes is None else self.disk_bytes
        return 0

    def shared(self, n: int) -> "Room":
        """Return what is left for each of some trainings at once."""
        return Room(self.in_memory // n, self.on_disk // n, self.folder) if n > 1 else self

    def file(self, n_bytes: int) -> Bytes | None:
        """Return bytes of a file without a name, which ends with them; None where they do not fit."""
        if n_bytes > self.on_disk:
            return None
        with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=self.folder) as file:
            if hasattr(os, "posix_fallocate"):  # To write where the disk is full kills a process.
                os.posix_fallocate(file.fileno(), 0, n_bytes)
            return np.asarray(np.memmap(file, np.uint8, "r+", shape=(n_bytes,)))
        return None


def machine_bytes() -> int:
    """Return the memory of this machine, or what its container or service may have of it."""
    found, own = [], Path()
    with contextlib.suppress(AttributeError, OSError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    with contextlib.suppress(OSError):  # "0::/ours" in version 2 of Linux's control groups
        own = Path(Path("/proc/self/cgroup").read_text().rpartition(":")[2].strip().lstrip("/"))
    limits = [_CGROUPS / each / "memory.max" for each in (own, *own.parents)]
    for path in (*limits, _CGROUPS / "memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # "max" is no number
            found.append(int(path.read_text()))
    return min(found, default=_WHERE_UNKNOWN)


def peak_memory_bytes() -> int | None:
    """Return the most memory that this process has held at once, as Linux counts it; else None."""
    # getrusage would count what the process was before it was this program.
    with contextlib.suppress(OSError), Path("/proc/self/status").open() as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    return None
