from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from mnistcli.errors import LockTimeoutError, StorageError
from mnistcli.files import (
    create_atomically,
    lock,
    sweep_dead_temporaries,
    write_atomically,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "home")


def test_a_write_replaces_the_whole_content(tmp_path):
    path = tmp_path / "new" / "file"
    write_atomically(path, b"old and long")
    write_atomically(path, lambda file: file.write(b"new"))
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["file"]
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith("11507a0e2f5e69d5")


def test_a_write_that_fails_leaves_the_old_content_and_no_litter(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(file):
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_only_the_first_creates(tmp_path):
    path = tmp_path / "file"
    assert create_atomically(path, b"first")
    assert not create_atomically(path, b"second")
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["file"]


def test_a_folder_in_the_way_is_a_storage_error(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(StorageError, match="cannot write"):
        write_atomically(tmp_path / "file", b"")
    assert names(tmp_path) == ["file"]


SLOW_WRITER = """
    import sys, time
    from pathlib import Path
    from mnistcli.files import write_atomically
    def content(file):
        file.write(b"half")
        file.flush()
        print("writing", flush=True)
        time.sleep(60)
    write_atomically(Path(sys.argv[1]), content)
"""


@pytest.fixture
def slow_writer(tmp_path):
    path = tmp_path / "folder" / "file"
    command = [sys.executable, "-c", textwrap.dedent(SLOW_WRITER), str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"writing\n"
    yield process, path
    process.kill()
    process.communicate()


def test_the_temporary_file_of_a_live_writer_is_left_alone(slow_writer):
    _, path = slow_writer
    sweep_dead_temporaries(path.parent)
    assert [name.endswith(".tmp") for name in names(path.parent)] == [True]


def test_the_next_write_sweeps_what_a_killed_writer_left(slow_writer):
    process, path = slow_writer
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [name.endswith(".tmp") for name in names(path.parent)] == [True]
    write_atomically(path.with_name("other"), b"")
    assert names(path.parent) == ["other"]


LOCK_HOLDER = """
    import sys, time
    from pathlib import Path
    from mnistcli.files import lock
    with lock(Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(60)
"""


def test_a_lock_is_waited_for_and_given_up_in_the_end(tmp_path):
    path = tmp_path / "lock"
    command = [sys.executable, "-c", textwrap.dedent(LOCK_HOLDER), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        waited = []
        started = time.monotonic()
        with (
            pytest.raises(LockTimeoutError) as caught,
            lock(path, timeout_s=0.3, on_wait=waited.append),
        ):
            pass
        assert time.monotonic() - started >= 0.3
        assert waited == [path]
        assert caught.value.exit_code == 9
        holder.kill()
    with lock(path, timeout_s=5):  # the system released it with the process
        pass


@pytest.mark.skipif(os.name == "nt", reason="no links to folders there")
def test_the_temporary_file_does_not_follow_links(tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    link = tmp_path / "link"
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert target.read_bytes() == b"precious"
    assert link.read_bytes() == b"new"
