"""What every test starts from: an empty home, a plain terminal, the real digits."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

# Two test processes on two cores: BLAS threads would only wait for one another, by spinning.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings
from typer.testing import CliRunner

import mnistcli
from mnistcli.cli.app import app
from mnistcli.datasets.dataset import LabelledImages
from mnistcli.datasets.store import DatasetStore
from mnistcli.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from mnistcli.datasets.dataset import Dataset

# `nox -s torture` asks each parser ten times as much.
settings.register_profile("usual", max_examples=200, deadline=None)
settings.register_profile("torture", max_examples=2_000, deadline=None)
settings.load_profile("usual")

TERMINAL_VARIABLES = (
    "NO_COLOR", "FORCE_COLOR", "COLORTERM", "TERM", "COLUMNS", "LINES", "GITHUB_ACTIONS", "PY_COLORS",
    "TTY_COMPATIBLE", "TTY_INTERACTIVE", "MNISTCLI_HOME", "MNISTCLI_RENDER", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME",
)  # fmt: skip


BUNDLED = Path(mnistcli.__file__).parent / "datasets" / "bundled"


def bundled_idx(name: str, header: int) -> NDArray[np.uint8]:
    return np.frombuffer(gzip.decompress((BUNDLED / name).read_bytes()), np.uint8, offset=header)


@pytest.fixture(scope="session")
def train_images() -> NDArray[np.uint8]:
    return bundled_idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)


@pytest.fixture(scope="session")
def test_images() -> NDArray[np.uint8]:
    return bundled_idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> DatasetStore:
    """A store with MNIST in it; tests only read from it."""
    store = DatasetStore(tmp_path_factory.mktemp("store") / "datasets")
    store.install("mnist")
    return store


@pytest.fixture(scope="session")
def mnist(store: DatasetStore) -> Dataset:
    """The real MNIST."""
    return store.open("mnist")


@pytest.fixture(scope="session")
def small_mnist(mnist: Dataset) -> Dataset:
    """MNIST with 300 test images: features of all 10,000 take longer than a small training."""
    few = LabelledImages(mnist.test.images[:300], mnist.test.labels[:300])
    return replace(mnist, test=few)


@pytest.fixture
def home(tmp_path: Path, store: DatasetStore) -> Path:
    """A home of mnistcli of the test's own, whose MNIST is decoded already."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "datasets").symlink_to(store.folder)
    return home


@dataclass(frozen=True)
class Finished:
    """A process that has ended."""

    code: int
    out: str
    err: str


class Recorder(Progress):
    """Keeps what it receives."""

    def __init__(self) -> None:
        self.updates: list[tuple[str, float, float | None, object]] = []
        self.notes: list[str] = []

    def update(
        self, stage: str, done: float, total: float | None, detail: object = None, /
    ) -> None:
        self.updates.append((stage, done, total, detail))

    def note(self, event: str, /) -> None:
        self.notes.append(event)


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Hide the terminal and the user that the tests are run by."""
    for name in TERMINAL_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MNISTCLI_HOME", str(home))
    monkeypatch.setenv("PYTHONWARNINGS", "error")


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Finished]:
    """Run mnistcli as a process of its own: ``run("train", "--task", "0v1")``."""

    def run_(*arguments: str, env: dict[str, str] | None = None, stdin: bytes = b"") -> Finished:
        ended = subprocess.run(
            [sys.executable, "-m", "mnistcli", *arguments],
            env={**os.environ, **(env or {})},
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            check=False,
        )
        return Finished(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    return run_


@pytest.fixture
def invoke() -> Callable[..., Finished]:
    """Run mnistcli in this process: faster than `run`, for what needs no process of its own."""

    def invoke_(*arguments: str, env: dict[str, str] | None = None, stdin: bytes = b"") -> Finished:
        result = CliRunner().invoke(app, arguments, env=env, input=stdin, prog_name="mnistcli")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Finished(result.exit_code, result.stdout, result.stderr)

    return invoke_


@pytest.fixture(autouse=True)
def _counted(request: pytest.FixtureRequest, record_property: Callable[..., None]) -> None:
    """Count a test that is marked with what it keeps: ``promise(name, what)``."""
    for mark in request.node.iter_markers("promise"):
        if mark.args:
            record_property("promise", [*mark.args, 1])


# What may be skipped where CI is set, and why; anything else there is a hole in the tests.
EXPECTED_SKIPS = {
    "only root can become somebody else": "CI need not run as root",
    "nobody may not run this Python": "Python may lie in a folder of one user",
    "cannot mount a tmpfs here": "containers may not mount",
    "needs strace": "a tool of the system",
    "no fish here": "a shell of the system",
    "no zsh here": "a shell of the system",
    "one core is never shared": "CI may have one core",
    "SCIPY_ARRAY_API is not set: not checking array_api input": "scikit-learn's own, off unless asked",
}


def unexpected_skips(reports: Iterable[pytest.TestReport]) -> list[str]:
    """The skipped tests that are not `EXPECTED_SKIPS`, and why they were skipped."""
    skips = [(each.nodeid, str(each.longrepr[2]).removeprefix("Skipped: ")) for each in reports]
    return [f"{name}: {reason}" for name, reason in skips if reason not in EXPECTED_SKIPS]


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and not hasattr(session.config, "workerinput"):
        for skip in unexpected_skips(reporter.stats.get("skipped", [])):
            reporter.write_line(f"\nunexpectedly skipped on CI: {skip}", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests of the promises counted (README, "Promises")."""
    counts: dict[tuple[str, str], int] = {}
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "promise":
                promise, what, count = value
                counts[promise, what] = counts.get((promise, what), 0) + count
    if counts:
        terminalreporter.section("promises")
    for (promise, what), count in sorted(counts.items()):
        terminalreporter.write_line(f"{promise} | {what} | {count:,}")
