"""Many processes at once on one home, with locks and without: no read fails, nothing gets lost."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mnistcli.errors import ModelNotFoundError
from tests.registry.test_model_file import make_model

from .faults import ROOT, litter
from .scenarios import registry_of, store_of, use_box

if TYPE_CHECKING:
    from mnistcli.registry.store import ModelRegistry

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs flock")


def without_locks() -> None:
    """Make this process find a file system that has no locks, and do without."""
    import fcntl

    import filelock

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    fcntl.flock = refuse
    filelock.FileLock.acquire = lambda *_, **__: None
    filelock.FileLock.release = lambda *_, **__: None


def work(home: Path, worker: int, n_rounds: int) -> None:
    """Save, read, tag, remove and install; print what was saved and what of it was removed."""
    registry, store = registry_of(home), store_of(home)
    mine: dict[str, int] = {}
    for n in range(n_rounds):
        seed = 1000 * worker + n
        entry = registry.save(make_model(seed=seed), "m")
        print("saved", entry.ref, seed)
        mine[entry.ref] = seed
        registry.tag(entry.ref, f"worker-{worker}")
        registry.tag(entry.ref, "common")
        check(registry, f"m@worker-{worker}", seed)
        for ref in ("m", "m@latest", "m@best", None):
            registry.load(ref)
        with contextlib.suppress(ModelNotFoundError):  # whose version another one removed
            registry.load("m@common")
        assert all(summary.card for summary in registry.summaries())
        if n % 3 == 2:
            oldest = min(mine, key=lambda ref: int(ref.partition("@")[2]))
            registry.remove(oldest, force=True)
            print("removed", oldest, mine.pop(oldest))
        if n % 5 == worker % 5:
            store.install("mnist", "bundled")
        assert store.open().train.images[0].any()
        for ref, seed_of_ref in list(mine.items())[-2:]:
            check(registry, ref, seed_of_ref)


def check(registry: ModelRegistry, ref: str, seed: int) -> None:
    expected = make_model(seed=seed).classifier.coef.tobytes()
    assert registry.load(ref).classifier.coef.tobytes() == expected, ref


def main() -> None:
    home, box, locks, worker, n_rounds = sys.argv[1:]
    use_box(Path(box))
    if locks == "without locks":
        without_locks()
    work(Path(home), int(worker), int(n_rounds))


@pytest.mark.parametrize("locks", ["with locks", "without locks"])
@pytest.mark.parametrize(
    ("n_workers", "n_rounds"), [(3, 5), pytest.param(8, 50, marks=pytest.mark.torture)]
)
def test_processes_at_once(box, tmp_path, locks, n_workers, n_rounds, record_property):
    home = tmp_path / "shared"
    command = [sys.executable, "-m", "tests.torture.test_together", str(home), str(box), locks]
    workers = [
        subprocess.Popen(
            [*command, str(worker), str(n_rounds)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for worker in range(n_workers)
    ]
    said = [worker.communicate() for worker in workers]
    for worker, (_, err) in zip(workers, said, strict=True):
        assert (worker.returncode, err.decode()) == (0, "")
    lines = [line.split() for out, _ in said for line in out.decode().splitlines()]
    saved = [(ref, int(seed)) for what, ref, seed in lines if what == "saved"]
    removed = {ref for what, ref, _ in lines if what == "removed"}
    assert len(saved) == len({ref for ref, _ in saved}) == n_workers * n_rounds
    registry = registry_of(home)
    assert {s.entry.ref for s in registry.summaries()} == {ref for ref, _ in saved} - removed
    for ref, seed in saved:
        if ref not in removed:
            check(registry, ref, seed)
    numbers = sorted(int(ref.partition("@")[2]) for ref, _ in saved)
    assert numbers == list(range(1, len(saved) + 1))
    assert litter(home) == []
    record_property("promise", ["Many at once", f"saves, {locks}", len(saved)])


if __name__ == "__main__":
    main()
