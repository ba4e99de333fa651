"""How much memory this machine lets us have."""

import contextlib
import os
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_WHERE_UNKNOWN = 4 * 10**9


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
