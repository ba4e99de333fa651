"""zip archives of many files -> the files in them, one after the other.

Nothing is written but below a folder of its own, and an archive with a name that leads elsewhere is
refused. What it becomes is bounded.
"""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mnistcli.containers import compressed, reading
from mnistcli.containers.reading import FormatError, Stream
from mnistcli.errors import MnistCliError
from mnistcli.files import copy_bytes, kind_of_path, scratch_errors, storage_errors

if TYPE_CHECKING:
    from zipfile import ZipFile


def files_in(
    stream: Stream, is_npz: Callable[[Iterable[object]], bool] = any
) -> Iterator[tuple[str, Stream]] | None:
    """Return the names and files of an archive; None for an npz file and all that is no archive.

    Each file is to be read before the next; hidden ones are left out. Raises FormatError where it
    is damaged or encrypted, holds too much, or a name that leads out of it.
    """
    if reading.kind_of(stream.head()) != "zip":
        return None
    archive = compressed.open_zip(stream, compressed.MAX_FILES)
    names = [name for name in dict.fromkeys(archive.namelist()) if not name.endswith("/")]
    if is_npz(name.endswith(".npy") for name in names):
        stream.seekable()  # from the start again
        return None
    return _within(archive, names)


def _in_utf8(name: str) -> str:
    """Return a name as it was meant by a program that wrote UTF-8 and did not say so."""
    with contextlib.suppress(UnicodeError):
        return name.encode("cp437").decode()
    return name


def _within(archive: "ZipFile", names: list[str]) -> Iterator[tuple[str, Stream]]:
    for name in names:
        shown = _in_utf8(name).replace("\\", "/")
        parts = shown.split("/")
        if ".." in parts or "\0" in shown or re.match(r"/|[A-Za-z]:", shown):
            raise FormatError(f"holds a file called {name[:80]!r}, which leads out of it")
        if not any(re.match(r"\.[^/]|__MACOSX", part) for part in parts):
            yield shown, Stream(compressed.zip_member(archive, name))


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
                if (files := files_in(compressed.unpacked(stream), is_npz=all)) is not None:
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
