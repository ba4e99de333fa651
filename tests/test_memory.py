"""How much memory there is: the least of what the machine has and what a container allows."""

from __future__ import annotations

import os

import pytest

from mnistcli import memory

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
