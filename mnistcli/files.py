"""Bytes on disk: writes that are old or new but never half, locks.

The write protocol: a temporary file in the folder of the target, written, flushed, fsynced, then
moved onto the target in one step, then the folder fsynced. The writer holds an operating-system
lock on its temporary file, and the lock goes when the process goes, so any later writer can tell
a temporary file that is being written from one that a killed process left behind.
"""

import contextlib
import errno
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, BinaryIO

from mnistcli.errors import CorruptFileError, LockTimeoutError, StorageError

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be deleted: the sweep is safe without.
    fcntl = None  # type: ignore[assignment]

LOCK_TIMEOUT_S = 60.0

# What bears this name, is a file and belongs to this user was made here: nothing else is swept.
_TEMPORARY = re.compile(r"\.mnistcli-[0-9]+-[0-9a-f]{12}\.tmp")
_COPIED_AT_ONCE = 1 << 20
# Also what macOS, Windows and storage boxes keep beside files: thumbnails, and what was deleted.
_HIDDEN = re.compile(r"\.(?!\.$).+|__MACOSX|\$RECYCLE\.BIN|@eaDir|[@#]recycle", re.IGNORECASE)
# Whatever the umask says, nobody else may write where we write.
_FOLDER_MODE, _FILE_MODE = 0o755, 0o644


@contextlib.contextmanager
def storage_errors(doing: str, path: Path) -> Iterator[None]:
    """Turn the operating system's refusals in the block into one StorageError about ``path``."""
    try:
        yield
    except OSError as error:
        named = error.filename
        # A temporary file's name tells the user nothing.
        is_telling = isinstance(named, str) and not _TEMPORARY.search(named)
        where = named if is_telling else path
        raise StorageError(doing, where, error.strerror or type(error).__name__) from error


@contextlib.contextmanager
def scratch_errors() -> Iterator[None]:
    """Turn refusals to write temporary files in the block into a StorageError about their folder."""
    folder = "temporary files"
    try:
        folder = tempfile.gettempdir()
        yield
    except (OSError, ValueError) as error:  # zipfile says ValueError while it handles the other
        refusal = error if isinstance(error, OSError) else error.__context__
        if not isinstance(refusal, OSError) or not f"{refusal.filename or folder}".startswith(
            folder
        ):
            raise
        refused = StorageError("write", folder, refusal.strerror or str(refusal))
        refused.hint = "TMPDIR=FOLDER puts temporary files elsewhere"
        raise refused from error


@contextlib.contextmanager
def scratch_file() -> Iterator[IO[bytes]]:
    """Open a temporary file without a name for the block; see `scratch_errors`."""
    with scratch_errors(), tempfile.TemporaryFile() as file:
        yield file


def copy_bytes(read: Callable[[int], bytes], copy: IO[bytes], at_most: int) -> int:
    """Copy into a temporary file, from where it is on, and return how much: beyond a bound it ends."""
    n_bytes = 0
    while n_bytes <= at_most and (part := read(_COPIED_AT_ONCE)):
        n_bytes += len(part)
        with scratch_errors():
            copy.write(part)
    with scratch_errors():
        copy.flush()
    return n_bytes


def kind_of_path(path: Path, *, follow: bool = True) -> str:
    """Return what a path leads to: "file", "folder", "link", "other" or "nothing".

    A dangling link that is followed leads to nothing. Raises StorageError where it cannot be told:
    a folder on the way may not be entered, the name is too long, links lead in a circle.
    ``Path.is_file`` and its sisters let these through or call them False.
    """
    with storage_errors("read", path):
        try:
            mode = path.stat(follow_symlinks=follow).st_mode
        except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the name
            return "nothing"
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    return kinds.get(stat.S_IFMT(mode), "other")


def is_hidden(*names: str) -> bool:
    """Return whether any of the names in a path is that of something hidden."""
    return any(map(_HIDDEN.fullmatch, names))


def refuse_link(folder: Path) -> None:
    """Raise CorruptFileError where a link stands in the place of a folder."""
    if kind_of_path(folder, follow=False) == "link":
        raise CorruptFileError(folder, "is a link in place of a folder", hint="remove it")


def open_regular(path: Path, *, own: bool = False) -> BinaryIO:
    """Open a file for reading; a pipe in its place neither blocks nor passes.

    Raises CorruptFileError where it is missing, no file, or, if it has to be ``own``, one that
    other users may write to, StorageError where the operating system refused.
    """
    with storage_errors("read", path):
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            raise CorruptFileError(path, "is missing") from None
        status = os.fstat(descriptor)
        is_file = stat.S_ISREG(status.st_mode)
        others_may_write = os.name != "nt" and bool(status.st_mode & 0o022)
        if not is_file or (own and (others_may_write or not _is_own(status))):
            os.close(descriptor)
            problem = "belongs to others" if is_file else "is not a file"
            raise CorruptFileError(path, problem)
        return os.fdopen(descriptor, "rb")


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, for good; several processes may do so at once."""
    with storage_errors("make the folder", folder):
        missing = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
        for each in reversed(missing):
            each.mkdir(mode=_FOLDER_MODE, exist_ok=True)
            # Without it a power cut may forget the folder with all that was synced in it.
            _fsync_folder(each.parent)
        if kind_of_path(folder) != "folder":
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder))


def check_writable(folder: Path) -> None:
    """Raise StorageError where nothing can be written to ``folder``; it is made if need be."""
    make_folder(folder)
    with storage_errors("write to", folder), _temporary_beside(folder / "file"):
        pass


def remove_file(path: Path) -> bool:
    """Remove a file for good; of several processes one removes it, the others' answer is False."""
    is_removed = False
    with storage_errors("remove", path):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            is_removed = True
        _fsync_folder(path.parent)
    return is_removed


Content = bytes | Callable[[BinaryIO], object]


def write_atomically(
    path: Path,
    content: Content,
    *,
    is_new: bool = False,
    check: Callable[[Path], object] | None = None,
) -> bool:
    """Give ``path`` a new content in one step: a reader sees the old one or the new one.

    The content is bytes, or a function that writes to the binary file it is given; the folder is
    made if need be. What was written is read by ``check`` before it gets its name. Where that
    raises, or the operating system refuses (StorageError), the target is as it was. A file that
    ``is_new`` must not exist yet: of several processes one makes it, and for the others the answer
    is False.
    """
    make_folder(path.parent)
    with storage_errors("write", path), _temporary_beside(path) as (temporary, file):
        if isinstance(content, bytes):
            file.write(content)
        else:
            content(file)
        file.flush()
        os.fsync(file.fileno())
        if check is not None:
            check(temporary)
        published = _publish_new(temporary, path) if is_new else bool(temporary.replace(path))
        _fsync_folder(path.parent)
    return published


def _publish_new(temporary: Path, path: Path) -> bool:
    # link() is the one POSIX call that fails if the target exists and shows it whole if not.
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:
        # FAT, some network shares, or a file with all the links it may have; each system has a
        # number of its own for that. A rename says it if there is another reason. Windows's
        # refuses what exists; elsewhere two who come within a moment both succeed.
        if os.path.lexists(path):
            return False
        try:
            temporary.rename(path)
        except FileExistsError:
            return False
    return True


@contextlib.contextmanager
def _temporary_beside(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    sweep_dead_temporaries(path.parent)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    is_ours = False
    while not is_ours:
        temporary = path.parent / f".mnistcli-{os.getpid()}-{os.urandom(6).hex()}.tmp"
        file = os.fdopen(os.open(temporary, flags, _FILE_MODE), "wb")
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
        is_ours = os.name == "nt" or os.fstat(file.fileno()).st_nlink > 0
        if not is_ours:
            file.close()  # a sweep came between the two lines; again
    with file:
        try:
            yield temporary, file
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()


def sweep_dead_temporaries(folder: Path) -> None:
    """Delete the temporary files of ours in ``folder`` whose writers were killed: nobody locks them.

    Where the file system has no locks they cannot be told from those being written, and stay.
    """
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 - thousands of names, none kept
            temporary = folder / name
            if not _TEMPORARY.fullmatch(name) or not is_own_file(temporary):
                continue
            refusals = contextlib.suppress(OSError, CorruptFileError, StorageError)
            with refusals, open_regular(temporary) as file:
                if fcntl is not None:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                temporary.unlink()


def is_own_file(path: Path) -> bool:
    """Return whether a regular file of this user is there, and no link to one."""
    with contextlib.suppress(OSError):
        status = path.lstat()
        return stat.S_ISREG(status.st_mode) and _is_own(status)
    return False


def _is_own(status: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or status.st_uid == os.geteuid()


def _fsync_folder(folder: Path) -> None:
    # Without it a power cut may forget the rename. Windows cannot open a folder.
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder may be writable but not readable
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems without the notion
            raise
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def lock(path: Path, on_wait: Callable[[Path], object] | None = None) -> Iterator[None]:
    """Hold the inter-process lock ``path``; the system releases it if the process dies.

    Of two who add to one dataset of the user's own none is lost; elsewhere locks only save work
    that would be done twice. The file stays, empty. ``on_wait`` is called once with the path if the
    lock is not free at once. Raises LockTimeoutError where another process held it for too long.
    """
    import filelock

    make_folder(path.parent)
    held = filelock.FileLock(path)
    with storage_errors("lock", path):
        try:
            with contextlib.suppress(filelock.Timeout):
                held.acquire(timeout=0)
            if not held.is_locked:
                if on_wait is not None:
                    on_wait(path)
                held.acquire(timeout=LOCK_TIMEOUT_S)
        except filelock.Timeout:
            raise LockTimeoutError(path, LOCK_TIMEOUT_S) from None
    try:
        yield
    finally:
        # The work is done; what the system says of the lock now is nobody's loss.
        with contextlib.suppress(OSError):
            held.release()
