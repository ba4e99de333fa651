"""zip and tar archives of many files -> the files in them, one after the other.

Nothing is written but below a folder of its own: links and devices are left alone, and an archive
with a name that leads elsewhere is refused. What it becomes is bounded.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from mnistcli.containers import compressed, reading
from mnistcli.containers.reading import FormatError, Stream
from mnistcli.errors import MnistCliError
from mnistcli.files import copy_bytes, kind_of_path, scratch_errors, storage_errors

_CHUNK_BYTES = 1 << 20


def files_in(stream: Stream) -> Iterator[tuple[str, Stream]] | None:
    """Return the names and files of an archive; None for an npz file and all that is no archive.

    Each file is to be read before the next; hidden ones are left out. Raises FormatError where it
    is damaged or encrypted, holds too much, or a name that leads out of it.
    """
    kind = reading.kind_of(stream.head())
    if kind == "tar":
        return _checked(_of_tar(stream))
    if kind != "zip":
        return None
    archive = compressed.open_zip(stream, compressed.MAX_FILES)
    names = [name for name in dict.fromkeys(archive.namelist()) if not name.endswith("/")]
    if any(name.endswith(".npy") for name in names):
        stream.seekable()  # from the start again
        return None
    return _checked((_in_utf8(name), compressed.zip_member(archive, name)) for name in names)


def _in_utf8(name: str) -> str:
    """Return a name as it was meant by a program that wrote UTF-8 and did not say so."""
    with contextlib.suppress(UnicodeError):
        return name.encode("cp437").decode()
    return name


def _checked(files: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Stream]]:
    for n, (name, file) in enumerate(files):
        parts = name.replace("\\", "/").split("/")
        if n == compressed.MAX_FILES:
            raise FormatError(f"holds more than {compressed.MAX_FILES:,} files")
        if ".." in parts or "\0" in name or re.match(r"[/\\]|[A-Za-z]:", name):
            raise FormatError(f"holds a file called {name[:80]!r}, which leads out of it")
        if not any(re.match(r"\.[^/]|__MACOSX", part) for part in parts):
            yield "/".join(parts), Stream(file)


def _unpack(
    files: Iterator[tuple[str, Stream]], folder: Path, is_wanted: Callable[[Path], object]
) -> None:
    n_left = reading.MAX_COPIED_BYTES
    for name, file in files:
        if is_wanted(path := folder / name):
            with scratch_errors():
                path.parent.mkdir(parents=True, exist_ok=True)
                copy = path.open("wb")
            with copy:
                n_left -= copy_bytes(file.read, copy, n_left)
            if n_left < 0:
                raise FormatError(f"becomes more than {reading.MAX_COPIED_BYTES >> 30} GiB")


@contextlib.contextmanager
def as_folder(
    path: Path, is_wanted: Callable[[Path], object], stdin: IO[bytes] | None = None
) -> Iterator[Path]:
    """Unpack what is wanted of an archive for as long as it is read, and yield where it is.

    What is no archive is yielded itself, a pipe unread. Errors in the block name the archive.
    """
    place = path
    with contextlib.ExitStack() as closing:
        if stdin or kind_of_path(path) == "file":
            with (
                reading.damage_of(path),
                storage_errors("read", path),
                reading.open_stream(path, stdin) as stream,
            ):
                if (files := files_in(compressed.unpacked(stream))) is not None:
                    import tempfile

                    with scratch_errors():
                        folder = tempfile.TemporaryDirectory(prefix="mnistcli-")
                    place = Path(closing.enter_context(folder))
                    _unpack(files, place, is_wanted)
        if stdin:
            stdin.seek(0)
        try:
            yield place
        except MnistCliError as error:
            error.message = error.message.replace(str(place), str(path))
            error.hint = error.hint.replace(str(place), str(path))
            raise


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
            if n_read > min(header + _CHUNK_BYTES, reading.MAX_COPIED_BYTES):
                raise FormatError("is a damaged tar archive, or becomes more than 1 GiB")
            return data

    with compressed.damage_to("tar"):
        file: Any = Bounded()
        archive = tarfile.open(fileobj=file, mode="r|")  # noqa: SIM115 - closes nothing
    while True:
        with compressed.damage_to("tar"):
            info = archive.next()
        if info is None:
            return
        archive.members.clear()  # type: ignore[attr-defined] # which it would keep
        if info.isreg():
            yield info.name, compressed.Member(archive.extractfile(info), "tar")
