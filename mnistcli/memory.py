"""How much memory this machine lets us have."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

# Of what there is, unless the user says how much: others want to live too.
USUAL_SHARE = 1 / 4
_WHERE_UNKNOWN = 4 * 10**9
_CGROUPS = Path("/sys/fs/cgroup")


def usual_bytes() -> int:
    """Return how much memory a training takes at most, unless it is told."""
    return int(machine_bytes() * USUAL_SHARE)


def machine_bytes() -> int:
    """Return the memory of this machine, or what its container or service may have of it."""
    found = []
    with contextlib.suppress(AttributeError, OSError, ValueError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for path in _limits():
        with contextlib.suppress(OSError, ValueError):  # "max" is no number
            found.append(int(path.read_text()))
    return min(found, default=_WHERE_UNKNOWN)


def _limits() -> Iterator[Path]:
    """Yield where Linux writes the limits of control groups: ours and those it is in."""
    yield _CGROUPS / "memory/memory.limit_in_bytes"  # of version 1
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            own = _CGROUPS / line.rpartition(":")[2].lstrip("/")
            yield from (each / "memory.max" for each in (own, *own.parents))
