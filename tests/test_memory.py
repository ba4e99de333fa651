"""How much memory there is: the least of what the machine has and what a container allows."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest

from mnistcli import memory
from mnistcli.memory import Room

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, MACHINE),
        ({"memory.max": "max\n"}, MACHINE),
        ({"memory.max": "500000000\n"}, 500_000_000),
        ({"memory/memory.limit_in_bytes": "300000000\n"}, 300_000_000),
        ({"memory/memory.limit_in_bytes": "9223372036854771712\n"}, MACHINE),
        ({"memory.max": "nonsense"}, MACHINE),
    ],
)
def test_limits_of_containers_count(monkeypatch, tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    assert memory.machine_bytes() == expected


def test_room_is_a_share_of_what_there_is_unless_it_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "machine_bytes", lambda: 4000)
    free = shutil.disk_usage(tmp_path).free
    usual, told = Room(folder=tmp_path / "new"), Room(500, 700, tmp_path / "new")
    assert (usual.in_memory, told.in_memory) == (1000, 500)
    assert usual.on_disk == pytest.approx(free / 4, rel=0.1)
    assert told.on_disk == 700
    assert Room(disk_bytes=700).on_disk == 0
    (tmp_path / "file").touch()
    assert Room(disk_bytes=700, folder=tmp_path / "file").on_disk == 0


def test_trainings_at_once_share_the_room(tmp_path):
    room = Room(500, 700, tmp_path)
    assert room.shared(1) is room
    assert room.shared(2) == Room(250, 350, tmp_path)


def test_bytes_of_a_file_have_no_name_and_are_there_before_they_are_written_to(tmp_path):
    folder = tmp_path / "new"
    room = Room(disk_bytes=10**15, folder=folder)
    found = room.file(10**6)
    found[:] = 7
    assert (found.shape, found.dtype, int(found.sum())) == ((10**6,), np.uint8, 7 * 10**6)
    assert list(folder.iterdir()) == []
    assert room.file(10**14) is None  # no such disk
    assert room.file(10**16) is None
