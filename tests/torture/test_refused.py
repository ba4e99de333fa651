"""What the operating system refuses: one line that names the path, the right code, nothing lost."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.registry.test_model_file import make_model

from .faults import RefuseAt, clear, count_calls, fresh, in_child
from .scenarios import (
    SCENARIOS,
    models_and_data,
    models_in,
    problems_after,
    registry_of,
    state_of,
    use_box,
)

if TYPE_CHECKING:
    from mnistcli.registry.store import ModelRegistry

ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EACCES", "EROFS", "EMFILE", "EINTR")
COMMANDS = {name: each for name, each in SCENARIOS.items() if each.arguments}


def call_cli(home: Path, arguments: tuple[str, ...]) -> None:
    from mnistcli.cli.app import app

    app(["--home", str(home), *arguments], prog_name="mnistcli")


def refuse(name: str, scratch: str, box: str, step: int) -> dict[str, object]:
    """Refuse every ``step``-th (call, error, once or from then on) of a command line."""
    import mnistcli.cli.app
    import mnistcli.cli.views.models
    import mnistcli.training  # noqa: F401 - no fault is to meet an import

    use_box(Path(box))
    scenario, home, notes = COMMANDS[name], Path(scratch) / "victim", Path(scratch)

    def again() -> None:
        clear(home)
        in_child(lambda: scenario.prepare(home), scratch=notes)

    def act() -> None:
        call_cli(home, scenario.arguments)

    again()
    old = state_of(scenario, home)
    calls = []

    def measured() -> None:
        try:
            act()
        except SystemExit as end:
            assert not end.code

    calls = count_calls(measured, home, notes)
    new = state_of(scenario, home)
    cases = [
        (k, number, persistent)
        for k in range(1, len(calls) + 1)
        for number in ERRORS
        for persistent in (False, True)
        # A write that is interrupted is tried again, by Python and for ever (PEP 475).
        if not (persistent and number == "EINTR" and calls[k - 1].name == "write")
    ]
    problems, n_refused, kinds = [], 0, set()
    for k, error, persistent in cases[::step]:
        again()
        faults = RefuseAt(home, k=k, number=getattr(errno, error), persistent=persistent)
        ended = in_child(act, scratch=notes, faults=faults)
        n_refused += 1
        kinds.add((calls[k - 1].name, error, persistent))
        found = [*wrong_with(ended, home)]
        allowed = [new] if ended.code == 0 else [old, new]
        if scenario.concerns != "datasets":
            state = state_of(scenario, home)
            # A real training gives a model whose numbers are not known beforehand.
            if not any(same(state, each) for each in allowed):
                found.append(f"neither old nor new: {state}")
        found += problems_after(
            scenario, home, [state, state] if scenario.concerns != "datasets" else []
        )
        if found:
            problems.append(
                [name, k, calls[k - 1].name, calls[k - 1].path, error, persistent, found]
            )
    return {"n_refused": n_refused, "kinds": sorted(map(list, kinds)), "problems": problems}


def same(state, expected) -> bool:
    return state == expected or (
        state.keys() == expected.keys()
        and all("@" in ref and state[ref][1] == expected[ref][1] for ref in state)
    )


def wrong_with(ended, home: Path):
    if ended.code not in (0, 3):
        yield f"exit code {ended.code}: {ended.err}"
    if "Traceback" in ended.err:
        yield ended.err
    errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    if ended.code and (len(errors) != 1 or str(home) not in errors[0] or ".tmp" in errors[0]):
        yield f"says {ended.err!r}"


def refuse_some(scratch: str, box: str, step: int) -> list[dict[str, object]]:
    return [refuse(name, scratch, box, step) for name in COMMANDS]


def check(reports, record_property) -> None:
    for report in reports:
        assert not report["problems"], str(report["problems"][0])  # the first, whole
        assert report["n_refused"] > 0
    n_refused = sum(report["n_refused"] for report in reports)
    record_property("promise", ["I/O errors", "refused calls", n_refused])


def test_some_refused_calls_are_one_line_and_no_loss(box, tmp_path, record_property):
    check(fresh(refuse_some, str(tmp_path), str(box), 149), record_property)


@pytest.mark.torture
@pytest.mark.parametrize("name", COMMANDS)
def test_any_refused_call_is_one_line_and_no_loss(name, box, tmp_path, record_property):
    check([fresh(refuse, name, str(tmp_path), str(box), 1)], record_property)


# ------------------------------------------------------------------------------ a disk that is full

needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount, or become nobody"
)


@contextmanager
def small_disk(folder: Path, size: str):
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes=200", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:  # noqa: PLW1510
        pytest.skip("cannot mount a tmpfs here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(registry: ModelRegistry, saved: dict[str, float]) -> None:
    for seed in range(1000):
        model = make_model(seed=seed)
        saved[registry.save(model, "m").ref] = float(model.classifier.coef[0, 0])


@needs_root
@pytest.mark.parametrize(
    "sizes", [(16, 64), pytest.param(range(4, 164, 4), marks=pytest.mark.torture)]
)
def test_a_disk_that_is_really_full(tmp_path, sizes, record_property):
    """Save until nothing more fits: one error, and every model saved before can be loaded."""
    from mnistcli.errors import StorageError

    for size in sizes:
        with small_disk(tmp_path / f"{size}k", f"{size}k") as home:
            registry = registry_of(home)
            saved = {}
            with pytest.raises(StorageError, match="No space left on device") as caught:
                fill(registry, saved)
            assert str(home) in caught.value.message
            assert {ref: value for ref, (value, _) in models_in(home).items()} == saved
            assert not list(home.rglob("*.tmp"))
            for ref in list(saved)[:1]:  # room can be made: removing needs next to none
                registry.remove(ref, force=True)
                assert registry.save(make_model(), "m").ref == f"m@{len(saved) + 1}"
    record_property("promise", ["I/O errors", "disks really full", len(sizes)])


@needs_root
def test_a_home_that_one_may_only_read(box, record_property):
    """As nobody: what reads works, what writes is one line with exit code 3, nothing changes."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        fresh(prepare_home, str(home), str(box))
        for path in (Path(name), *Path(name).rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        before = stamps_below(home)
        report = fresh(look_and_write, str(home), str(box))
        for arguments, code, err in report["reading"]:
            assert (code, err) == (0, ""), arguments
        for arguments, code, err in report["writing"]:
            error, *hints = err.splitlines()
            assert code == 3, (arguments, err)
            assert error.startswith("error: cannot ")
            assert str(home) in error
            assert len(hints) <= 1
        assert stamps_below(home) == before
    record_property("promise", ["I/O errors", "commands as nobody", sum(map(len, report.values()))])


def stamps_below(folder: Path) -> dict[Path, tuple[int, ...]]:
    status = {path: path.stat() for path in folder.rglob("*")}
    return {path: (s.st_ino, s.st_mode, s.st_size, s.st_mtime_ns) for path, s in status.items()}


def prepare_home(home: str, box: str) -> None:
    use_box(Path(box))
    models_and_data(Path(home))


READING = (
    ["models", "list"],
    ["models", "info", "0v1"],
    ["models", "path", "0v1@paper"],
    ["train", "--task", "0v1", "--limit", "50", "--no-save"],
)
WRITING = (
    ["train", "--task", "0v1", "--limit", "50"],
    ["models", "tag", "0v1@1", "x"],
    ["models", "tag", "0v1@paper", "--delete"],
    ["models", "rm", "0v1@1", "--yes"],
    ["download", "--source", "bundled"],
)


def look_and_write(home: str, box: str) -> dict[str, object]:
    """Run commands as nobody, who may read neither this Python nor its libraries."""
    use_box(Path(box))
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryDirectory() as other:
        notes = Path(scratch)

        def run(arguments: list[str], place: Path, user: int) -> list[object]:
            def act() -> None:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
                try:
                    call_cli(place, arguments)
                finally:
                    if not user:
                        names = "\n".join(sys.modules)
                        (notes / "modules").write_text(names)

            ended = in_child(act, scratch=notes)
            return [arguments, ended.code, ended.err]

        for arguments in (*READING, *WRITING):  # as root, to learn what has to be imported
            shutil.rmtree(other, ignore_errors=True)
            shutil.copytree(home, other)
            run(arguments, Path(other), 0)
            for name in (notes / "modules").read_text().splitlines():
                with suppress(Exception):
                    import_module(name)
        return {
            "reading": [run(arguments, Path(home), 65534) for arguments in READING],
            "writing": [run(arguments, Path(home), 65534) for arguments in WRITING],
        }
