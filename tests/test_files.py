from __future__ import annotations

import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time

import pytest

from mnistcli.errors import LockTimeoutError, StorageError
from mnistcli.files import (
    kind_of_path,
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
    assert write_atomically(path, b"first", is_new=True)
    assert not write_atomically(path, b"second", is_new=True)
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


MARKED = ".mnistcli-{}-0123456789ab.tmp"


def test_only_files_with_our_mark_are_swept(tmp_path):
    pid = 2**22 + 1  # larger than Linux gives
    for name in (".notes.tmp", ".1-ab.tmp", f".{pid}-0123456789ab.tmp", MARKED.format(pid)[1:],
                 MARKED.format("x"), MARKED.format(pid) + "2"):  # fmt: skip
        (tmp_path / name).write_bytes(b"somebody's")
    (tmp_path / MARKED.format(pid + 1)).mkdir()
    (tmp_path / MARKED.format(pid + 2)).symlink_to(tmp_path / ".notes.tmp")
    os.mkfifo(tmp_path / MARKED.format(pid + 3))
    before = names(tmp_path)
    (tmp_path / MARKED.format(pid)).write_bytes(b"ours")
    # what a process of the same number left, in a container that is gone
    (tmp_path / MARKED.format(os.getpid())).write_bytes(b"ours")
    sweep_dead_temporaries(tmp_path)
    assert names(tmp_path) == before


def test_a_file_of_another_user_is_not_swept(tmp_path, monkeypatch):
    (tmp_path / MARKED.format(2**22 + 1)).write_bytes(b"")
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    sweep_dead_temporaries(tmp_path)
    assert len(names(tmp_path)) == 1


def test_a_kill_between_link_and_unlink_leaves_nothing_for_ever(tmp_path):
    code = """
        import os, sys
        from pathlib import Path
        from mnistcli.files import write_atomically
        link = os.link
        os.link = lambda *paths: (link(*paths), os._exit(9))
        write_atomically(Path(sys.argv[1]), b"whole", is_new=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "file")]
    assert subprocess.run(command, check=False).returncode == 9
    assert len(names(tmp_path)) == 2
    write_atomically(tmp_path / "other", b"")
    assert names(tmp_path) == ["file", "other"]
    assert (tmp_path / "file").read_bytes() == b"whole"


@pytest.mark.parametrize("number", [errno.EMLINK, errno.EPERM, errno.EINVAL, errno.ENOSYS])
def test_without_hard_links_what_is_there_stays(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.link", refuse)
    path = tmp_path / "file"
    assert write_atomically(path, b"first", is_new=True)
    assert not write_atomically(path, b"second", is_new=True)
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["file"]


def test_what_cannot_be_read_back_gets_no_name(tmp_path):
    def check(path):
        assert path.read_bytes() == b"new"
        raise ValueError

    with pytest.raises(ValueError):
        write_atomically(tmp_path / "file", b"new", check=check, is_new=True)
    assert names(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="a folder cannot be opened there")
def test_a_folder_that_cannot_be_synced_is_no_success(tmp_path, monkeypatch):
    fsync = os.fsync

    def refuse(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr("os.fsync", refuse)
    for is_new in (False, True):
        with pytest.raises(StorageError, match="Input/output error"):
            write_atomically(tmp_path / f"file-{is_new}", b"", is_new=is_new)


@pytest.mark.skipif(os.name == "nt", reason="no umask there")
def test_nobody_else_may_write_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        write_atomically(tmp_path / "a" / "b" / "file", b"")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / each).stat().st_mode) for each in ("a", "a/b", "a/b/file")]
    assert modes == [0o755, 0o755, 0o644]


def test_what_a_path_leads_to(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to("file")
    kinds = {"": "folder", "file": "file", "link": "file", "pipe": "other", "no": "nothing",
             "file/x": "nothing", "dangling": "nothing", "a\0b": "nothing"}  # fmt: skip
    assert {name: kind_of_path(tmp_path / name) for name in kinds} == kinds
    assert kind_of_path(tmp_path / "loop", follow=False) == "link"
    for name, problem in (("loop", "symbolic links"), ("a" * 300, "name too long")):
        with pytest.raises(StorageError, match=f"cannot read .*{problem}"):
            kind_of_path(tmp_path / name)


LOCK_HOLDER = """
    import sys, time
    from pathlib import Path
    from mnistcli.files import lock
    with lock(Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(60)
"""


def test_a_lock_is_waited_for_and_given_up_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr("mnistcli.files.LOCK_TIMEOUT_S", 0.3)
    path = tmp_path / "lock"
    command = [sys.executable, "-c", textwrap.dedent(LOCK_HOLDER), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        waited = []
        started = time.monotonic()
        with (
            pytest.raises(LockTimeoutError) as caught,
            lock(path, on_wait=waited.append),
        ):
            pass
        assert time.monotonic() - started >= 0.3
        assert waited == [path]
        assert caught.value.exit_code == 9
        holder.kill()
    monkeypatch.setattr("mnistcli.files.LOCK_TIMEOUT_S", 5)
    with lock(path):  # the system released it with the process
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


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become nobody"
)
def test_a_folder_that_one_may_not_enter(tmp_path):
    code = """
        import os, sys
        from pathlib import Path
        from mnistcli.errors import StorageError
        from mnistcli.files import kind_of_path
        os.setuid(65534)
        try:
            print(kind_of_path(Path(sys.argv[1])))
        except StorageError as error:
            print(error.message)
    """
    (tmp_path / "locked").mkdir(mode=0o700)
    path = tmp_path / "locked" / "file"
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out == f"cannot read {path}: Permission denied\n"
