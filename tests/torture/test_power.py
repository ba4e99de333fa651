"""The power goes: what was not synced is lost, zeroed or cut, and none of it is taken for good.

A model of what POSIX promises, no more: the bytes of a file are safe once it was fsynced, an entry
of a folder once the folder was. Until then each may be there or not, whatever the order.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .faults import Call, clear, count_calls, fresh
from .scenarios import (
    SCENARIOS,
    old_and_new,
    problems_of_the_dataset,
    state_of,
    use_box,
)

NAMES = ("first save", "save", "tag", "untag", "rm", "first use", "install", "keep", "own rm")


@dataclass
class Inode:
    """A file: what was written, and how much of it is safe."""

    data: bytes = b""
    synced: bytes | None = None

    def after_the_loss(self) -> list[bytes]:
        """Give what may be read of it when the power is back."""
        if self.synced == self.data:
            return [self.data]
        n = len(self.data)
        found = [self.data, b"", bytes(n)]
        for cut in range(n // 16, n, max(1, n // 16)):
            head, tail = self.data[:cut], self.data[cut:]
            found += [head, head + bytes(n - cut), bytes(cut) + tail]
        return list(dict.fromkeys(found))


@dataclass
class Disk:
    """Files and folders below one folder, and the changes of folders that are not safe yet."""

    top: str
    files: dict[str, Inode] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    pending: list[tuple[str, list[tuple[str, Inode | str | None]]]] = field(default_factory=list)
    safe_files: dict[str, Inode] = field(default_factory=dict)
    safe_folders: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, top: Path) -> Disk:
        """Take a disk as it lies, all of it safe."""
        disk = cls(str(top))
        for path in (top, *top.rglob("*")):
            if path.is_dir():
                disk.folders.add(str(path))
            else:
                disk.files[str(path)] = Inode(path.read_bytes(), path.read_bytes())
        disk.safe_files, disk.safe_folders = dict(disk.files), set(disk.folders)
        return disk

    def apply(self, call: Call) -> None:
        if call.name == "open" and call.creates:
            self.files[call.path] = Inode()
            self._change(call.path, [(call.path, self.files[call.path])])
        elif call.name == "write":
            self.files[call.path].data += call.data
        elif call.name == "fsync" and call.path in self.folders:
            self._sync_folder(call.path)
        elif call.name == "fsync":
            self.files[call.path].synced = self.files[call.path].data
        elif call.name == "mkdir":
            self.folders.add(call.path)
            self._change(call.path, [(call.path, "folder")])
        elif call.name == "link" and call.path not in self.files:
            self.files[call.path] = self.files[call.source]
            self._change(call.path, [(call.path, self.files[call.path])])
        elif call.name == "rename":
            self.files[call.path] = self.files.pop(call.source)
            self._change(call.path, [(call.path, self.files[call.path]), (call.source, None)])
        elif call.name == "unlink" and call.path in self.files:
            del self.files[call.path]
            self._change(call.path, [(call.path, None)])

    def _change(self, path: str, entries) -> None:
        self.pending.append((path.rpartition("/")[0], entries))

    def _sync_folder(self, folder: str) -> None:
        for each, entries in self.pending:
            if each == folder:
                self._write(entries, self.safe_files, self.safe_folders)
        self.pending = [change for change in self.pending if change[0] != folder]

    @staticmethod
    def _write(entries, files, folders) -> None:
        for path, what in entries:
            if what == "folder":
                folders.add(path)
            elif what is None:
                files.pop(path, None)
            else:
                files[path] = what

    def losses(self, rng: random.Random, most: int):
        """Yield what may be found after the power went now: {path: bytes}, folders."""
        choices = list(itertools.product((True, False), repeat=min(len(self.pending), 12)))
        for kept in rng.sample(choices, min(len(choices), most)):
            files, folders = dict(self.safe_files), set(self.safe_folders)
            for (_, entries), keeps in zip(self.pending, kept, strict=False):
                if keeps:
                    self._write(entries, files, folders)
            there = {path: inode for path, inode in files.items() if reachable(path, folders)}
            damaged = [path for path, inode in there.items() if inode.synced != inode.data]
            contents = [there[path].after_the_loss() for path in damaged]
            for variant in itertools.islice(itertools.product(*contents), most):
                content = {path: inode.data for path, inode in there.items()}
                yield content | dict(zip(damaged, variant, strict=True)), folders


def reachable(path: str, folders: set[str]) -> bool:
    parent = path.rpartition("/")[0]
    return any(parent == folder for folder in folders) and all(
        str(each) in folders for each in Path(parent).parents if str(each).startswith(min(folders))
    )


def lay_out(content: dict[str, bytes], folders: set[str], top: Path) -> None:
    clear(top)
    for folder in sorted(folders):
        if reachable(f"{folder}/x", folders):
            Path(folder).mkdir(parents=True, exist_ok=True)
    for path, data in content.items():
        Path(path).write_bytes(data)


def lose_power(name: str, scratch: str, box: str, most: int) -> dict[str, object]:
    """Play one command, cut the power after each call in many ways, and look."""
    import mnistcli.datasets.store

    use_box(Path(box))
    scenario, home = SCENARIOS[name], Path(scratch) / "victim"
    allowed = old_and_new(scenario, home, Path(scratch))
    clear(home)
    scenario.prepare(home)
    disk = Disk.of(home)
    calls = count_calls(lambda: scenario.act(home), home, Path(scratch))
    # The worst file system: what has the size that was noted seems not to have changed.
    mnistcli.datasets.manifest.Stamp.__eq__ = lambda one, other: one.n_bytes == other.n_bytes
    rng, seen, problems = random.Random(0), set(), []
    for k in range(len(calls) + 1):
        if k:
            disk.apply(calls[k - 1])
        for content, folders in disk.losses(rng, most):
            state = hashlib.sha256(repr((sorted(content.items()), sorted(folders))).encode())
            key = (state.hexdigest(), k == len(calls))
            if key in seen:
                continue
            seen.add(key)
            lay_out(content, folders, home)
            states = allowed[1:] if k == len(calls) else allowed
            found = look(scenario, home, states)
            if found:
                problems.append([k, calls[k - 1].name if k else "", found])
    return {"n_states": len(seen), "problems": problems[:20]}


def look(scenario, home: Path, allowed) -> list[str]:
    try:
        if scenario.concerns != "datasets":
            state = state_of(scenario, home)
            return [] if state in allowed else [f"found {state}, expected {allowed}"]
        problems = problems_of_the_dataset(home)
        return [each for each in problems if not each.startswith("said: ")]
    except Exception as error:
        return [repr(error)]


def lose_power_often(scratch: str, box: str, most: int) -> dict[str, dict[str, object]]:
    return {name: lose_power(name, scratch, box, most) for name in NAMES}


@pytest.mark.parametrize(
    ("most", "n_expected"), [(2, 60), pytest.param(60, 500, marks=pytest.mark.torture)]
)
def test_no_state_after_a_power_cut_is_taken_for_good(
    box, tmp_path, most, n_expected, record_property
):
    reports = fresh(lose_power_often, str(tmp_path), str(box), most)
    problems = {name: report["problems"] for name, report in reports.items()}
    assert not any(problems.values()), problems
    n_states = sum(report["n_states"] for report in reports.values())
    record_property("promise", ["Power loss", "synthetic states", n_states])
    assert n_states >= n_expected
