"""gzip, xz, bzip2 and zip, told by content -> the bytes in them, or the files.

Each is read as it comes and bounded in memory; how much it becomes is the concern of whoever reads.
Of zip archives of many files nothing is written but below a folder of its own, which is bounded,
and a name that leads elsewhere is refused.

- gzip: RFC 1952. zlib skips a header's name in C; `gzip.GzipFile` takes a minute for 30 MB of it.
- xz: a dictionary of more than `MAX_DICTIONARY_BYTES` is refused, of which the format allows 4 GiB.
"""

import codecs
import contextlib
import re
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from mnistcli.containers import reading
from mnistcli.containers.reading import FormatError, Stream, damage_of, damage_to, open_stream
from mnistcli.errors import MnistCliError
from mnistcli.files import copy_bytes, is_hidden, kind_of_path, scratch_errors, storage_errors

MAX_DICTIONARY_BYTES = 256 << 20
MAX_LAYERS = 2
MAX_FILES = 200_000
_CHUNK_BYTES = 1 << 17
_MAGIC = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\0": "xz", b"BZh": "bzip2", b"PK\x03\x04": "zip"}

# Zip archives that are something else, by a file in them.
_DOCUMENTS = dict.fromkeys(
    ("[Content_Types].xml", "content.xml"),
    ("an Excel, Word or OpenDocument file", reading.DOCUMENT_TO),
) | {"data.pkl": ("a pickle of PyTorch, which could run code", reading.SAVEZ)}


def unpacked(stream: Stream) -> Stream:
    """Return the bytes that are compressed in a stream, or the stream itself.

    npz files and archives of several files stay as they are.

    Raises FormatError where they are damaged, compressed three times, or in a way that is not read.
    """
    for n_layers in range(MAX_LAYERS + 1):
        head = stream.head()
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and head[2:4] != b"\0\0":
            # As Excel and PowerShell write text.
            text = codecs.EncodedFile(cast("Any", stream), "utf-8", "utf-16", "replace")
            return stream.enter_context(Stream(text))
        kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
        if kind is None:
            return stream
        if kind == "zip":
            archive = Archive(stream)
            if (member := _only_member(archive)) is None:
                stream.seekable()  # from the start again
                return stream
            inner = archive.open(member)
        else:
            inner = Stream(_Layer(stream, kind), kind)
        if n_layers == MAX_LAYERS:
            raise FormatError("is compressed more than twice", hint="unpack it first")
        stream = stream.enter_context(inner)
    return stream


class _Layer:
    """What is in gzip, xz or bzip2 data, of one or more members."""

    def __init__(self, stream: Stream, kind: str) -> None:
        self._stream = stream
        self._kind = kind
        self._ahead = b""
        self._made = self._make()

    def _make(self) -> Any:
        if self._kind == "xz":
            import lzma  # which not every Python was built with

            return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_DICTIONARY_BYTES)
        if self._kind == "bzip2":
            import bz2

            return bz2.BZ2Decompressor()
        return zlib.decompressobj(wbits=31)

    def read(self, n_bytes: int = _CHUNK_BYTES, /) -> bytes:
        while True:
            if self._made.eof:
                # Members may follow one another, with zeros between them.
                rest = self._made.unused_data.lstrip(b"\0")
                while not rest:
                    if not (more := self._stream.read(_CHUNK_BYTES)):
                        return b""
                    rest = more.lstrip(b"\0")
                self._made, self._ahead = self._make(), rest
            # What there was no room for zlib hands back; the others keep it.
            data: bytes = getattr(self._made, "unconsumed_tail", b"")
            if not data and getattr(self._made, "needs_input", True):
                data, self._ahead = self._ahead or self._stream.read(_CHUNK_BYTES), b""
            if out := self._made.decompress(data, n_bytes):
                return bytes(out)
            if not data and not self._made.eof:
                raise EOFError


class Archive:
    """A zip archive, which an npz file is: the names of its files, and what is in them.

    Raises FormatError where it is damaged, or has more files than are allowed.
    """

    def __init__(self, stream: Stream) -> None:
        import zipfile

        file = stream.seekable()
        with damage_to("zip"):
            self._zip = stream.enter_context(zipfile.ZipFile(file))
        names = self._zip.namelist()
        if len(names) > MAX_FILES:
            raise FormatError(f"holds more than {MAX_FILES:,} files")
        self.names = [name for name in dict.fromkeys(names) if not name.endswith("/")]

    def open(self, name: str) -> Stream:
        """Open a file in it, to be read in order."""
        with damage_to("zip"):
            info = self._zip.getinfo(name)
            if info.flag_bits & 1:
                raise FormatError(f"{name!r} in it is encrypted", hint="unpack it first")
            if info.compress_type not in (0, 8):  # stored and deflated
                problem = f"{name!r} in it is compressed in a rare way"
                raise FormatError(problem, hint="unpack it first")
            return Stream(self._zip.open(info), "zip")


def _only_member(archive: Archive) -> str | None:
    """Name the one file of a zip archive; None for an npz file and an archive of several."""
    names = [name for name in archive.names if not is_hidden(*name.split("/"))]
    for mark, (kind, hint) in _DOCUMENTS.items():
        if any(name.rpartition("/")[2] == mark for name in names):
            raise FormatError(f"is {kind}", hint=hint)
    return names[0] if len(names) == 1 and not names[0].endswith(".npy") else None


def files_in(
    stream: Stream, is_npz: Callable[[Iterable[object]], bool] = any
) -> Iterator[tuple[str, Stream]] | None:
    """Return the names and files of an archive; None for an npz file and all that is no archive.

    Each file is to be read before the next; hidden ones are left out. Raises FormatError where it
    is damaged or encrypted, holds too much, or a name that leads out of it.
    """
    if reading.kind_of(stream.head()) != "zip":
        return None
    archive = Archive(stream)
    if is_npz(name.endswith(".npy") for name in archive.names):
        stream.seekable()  # from the start again
        return None
    return _within(archive)


def _within(archive: Archive) -> Iterator[tuple[str, Stream]]:
    for name in archive.names:
        shown = name
        with contextlib.suppress(UnicodeError):  # of a program that wrote UTF-8 and did not say so
            shown = name.encode("cp437").decode()
        parts = (shown := shown.replace("\\", "/")).split("/")
        if ".." in parts or "\0" in shown or re.match(r"/|[A-Za-z]:", shown):
            raise FormatError(f"holds a file called {name[:80]!r}, which leads out of it")
        if not is_hidden(*parts):
            yield shown, archive.open(name)


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
            with damage_of(path), storage_errors("read", path), open_stream(path, stdin) as stream:
                if (files := files_in(unpacked(stream), is_npz=all)) is not None:
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
