"""zip and tar archives of many files -> the files in them, one after the other.

Nothing is written but below a folder of its own: links and devices are left alone, and an archive
with a name that leads elsewhere is refused. What it becomes is bounded.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from mnistcli.containers.compressed import (
    MAX_FILES,
    Member,
    damage_to,
    open_zip,
    unpacked,
    zip_member,
)
from mnistcli.containers.reading import (
    MAX_COPIED_BYTES,
    FormatError,
    Stream,
    damage_of,
    kind_of,
    open_stream,
)
from mnistcli.errors import MnistCliError
from mnistcli.files import kind_of_path, storage_errors

_CHUNK_BYTES = 1 << 20


def files_in(stream: Stream) -> Iterator[tuple[str, Stream]]:
    """Yield the files of an archive that are not hidden; each is to be read before the next.

    Raises FormatError where it is damaged or encrypted, holds too much, or a name that leads out of
    it.
    """
    files = _of_tar(stream) if kind_of(stream.head()) == "tar" else _of_zip(stream)
    for n, (name, file) in enumerate(files):
        parts = name.replace("\\", "/").split("/")
        if n == MAX_FILES:
            raise FormatError(f"holds more than {MAX_FILES:,} files")
        if ".." in parts or "\0" in name or re.match(r"[/\\]|[A-Za-z]:", name):
            raise FormatError(f"holds a file called {name[:80]!r}, which leads out of it")
        if not any(re.match(r"\.[^/]|__MACOSX", part) for part in parts):
            yield "/".join(parts), Stream(file)


@contextlib.contextmanager
def as_folder(
    path: Path, is_wanted: Callable[[Path], object], stdin: BinaryIO | None = None
) -> Iterator[Path]:
    """Unpack what is wanted of an archive for as long as it is read, and yield where it is.

    What is no archive is yielded itself, a pipe unread. Errors in the block name the archive.
    """
    place = path
    with contextlib.ExitStack() as closing:
        if stdin or kind_of_path(path) == "file":
            with damage_of(path), storage_errors("read", path), open_stream(path, stdin) as stream:
                if is_archive(plain := unpacked(stream)):
                    place = Path(closing.enter_context(_temporary_folder()))
                    _unpack(plain, place, is_wanted)
        try:
            yield place
        except MnistCliError as error:
            error.message = error.message.replace(str(place), str(path))
            error.hint = error.hint.replace(str(place), str(path))
            raise


def is_archive(stream: Stream) -> bool:
    """Tell an archive of files, once nothing compresses it any more, from an npz file and all else."""
    kind = kind_of(stream.head())
    if kind != "zip":
        return kind == "tar"
    names = open_zip(stream, MAX_FILES).namelist()
    stream.seekable()  # from the start again
    return not any(name.endswith(".npy") for name in names)


def _temporary_folder() -> Any:
    import tempfile

    return tempfile.TemporaryDirectory(prefix="mnistcli-")


def _unpack(stream: Stream, folder: Path, is_wanted: Callable[[Path], object]) -> None:
    n_left = MAX_COPIED_BYTES
    for name, file in files_in(stream):
        if is_wanted(path := folder / name):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as copy:
                while part := file.read(_CHUNK_BYTES):
                    n_left -= len(part)
                    if n_left < 0:
                        raise FormatError(f"becomes more than {MAX_COPIED_BYTES >> 30} GiB")
                    copy.write(part)


def _of_zip(stream: Stream) -> Iterator[tuple[str, Any]]:
    archive = open_zip(stream, MAX_FILES)
    for name in dict.fromkeys(archive.namelist()):
        if not name.endswith("/"):
            yield name, zip_member(archive, name)


def _of_tar(stream: Stream) -> Iterator[tuple[str, Any]]:
    import tarfile

    n_read, archive = 0, None

    class Bounded:
        """What tarfile reads, which keeps in memory whatever claims to be a header."""

        def read(self, n_bytes: int) -> bytes:
            nonlocal n_read
            data = stream.read(n_bytes)
            n_read += len(data)
            header = archive.offset if archive else 0
            if n_read > min(header + _CHUNK_BYTES, MAX_COPIED_BYTES):
                raise FormatError("is a damaged tar archive, or becomes more than 1 GiB")
            return data

    with damage_to("tar"):
        file: Any = Bounded()
        archive = tarfile.open(fileobj=file, mode="r|")  # noqa: SIM115 - closes nothing
    while True:
        with damage_to("tar"):
            info = archive.next()
        if info is None:
            return
        archive.members.clear()  # type: ignore[attr-defined] # which it would keep
        if info.isreg():
            yield info.name, Member(archive.extractfile(info), "tar")
