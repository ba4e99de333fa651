from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.datasets.conftest import digits, tiny  # noqa: F401 - fixtures

from .scenarios import pack_box

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark all of them: their quick versions run with the full ones."""
    item.add_marker("promise")


@pytest.fixture(autouse=True)
def _in_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let what blocks for ever fail instead."""
    if not hasattr(signal, "SIGALRM") or request.node.get_closest_marker("torture"):
        yield
        return

    def expired(*_: object) -> None:
        pytest.fail("it blocks")

    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(300)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def box(tiny, tmp_path_factory) -> Path:  # noqa: F811
    """A box with a small MNIST in it."""
    folder = tmp_path_factory.mktemp("box")
    pack_box(folder, tiny)
    return folder


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory where there is one: these tests sync files thousands of times."""
    memory = Path("/dev/shm")  # noqa: S108
    place = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="mnistcli-", dir=place) as name:
        yield Path(name)
