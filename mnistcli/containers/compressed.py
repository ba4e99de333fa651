"""gzip, xz, bzip2 and zip, told by content -> the bytes in them.

Each is read as it comes and bounded in memory; how much it becomes is the concern of whoever reads.

- gzip: RFC 1952. zlib skips a header's name in C; `gzip.GzipFile` takes a minute for 30 MB of it.
- xz: a dictionary of more than `MAX_DICTIONARY_BYTES` is refused, of which the format allows 4 GiB.
"""

import codecs
import contextlib
import errno
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from mnistcli.containers.reading import DOCUMENT_TO, SAVEZ, FormatError, Stream

if TYPE_CHECKING:
    import zipfile

MAX_DICTIONARY_BYTES = 256 << 20
MAX_LAYERS = 2
MAX_ARRAYS, MAX_FILES = 64, 200_000
_CHUNK_BYTES = 1 << 17
_MAGIC = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\0": "xz", b"BZh": "bzip2", b"PK\x03\x04": "zip"}

# Zip archives that are something else, by a file in them.
_DOCUMENTS = dict.fromkeys(
    ("[Content_Types].xml", "content.xml"),
    ("an Excel, Word or OpenDocument file", DOCUMENT_TO),
) | {"data.pkl": ("a pickle of PyTorch, which could run code", SAVEZ)}


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
            return Stream(text, stream)
        kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
        if kind is None:
            return stream
        if kind == "zip":
            archive = open_zip(stream, MAX_FILES)
            if (member := _only_member(archive)) is None:
                stream.seekable()  # from the start again
                return stream
            file: Any = zip_member(archive, member)
        else:
            file = _Layer(stream, kind)
        if n_layers == MAX_LAYERS:
            raise FormatError("is compressed more than twice", hint="unpack it first")
        stream = Stream(file, stream)
    return stream


class _Gzip:
    """zlib's decompressor with the manners of lzma's and bz2's."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(wbits=31)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inflater, name)

    @property
    def needs_input(self) -> bool:
        return not self._inflater.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inflater.decompress(self._inflater.unconsumed_tail + data, max_length)


class _Layer:
    """What is in gzip, xz or bzip2 data, of one or more members."""

    def __init__(self, stream: Stream, kind: str) -> None:
        self._stream = stream
        self._kind = kind
        self._ahead = b""
        self._made = self._make()

    def _make(self) -> Any:
        if self._kind == "xz":
            import lzma

            return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_DICTIONARY_BYTES)
        if self._kind == "bzip2":
            import bz2

            return bz2.BZ2Decompressor()
        return _Gzip()

    def read(self, n_bytes: int) -> bytes:
        while True:
            if self._made.eof:
                # Members may follow one another, with zeros between them.
                rest = self._made.unused_data.lstrip(b"\0")
                while not rest:
                    if not (more := self._stream.read(_CHUNK_BYTES)):
                        return b""
                    rest = more.lstrip(b"\0")
                self._made, self._ahead = self._make(), rest
            data = b""
            if self._made.needs_input:
                data, self._ahead = self._ahead or self._stream.read(_CHUNK_BYTES), b""
            try:
                out: bytes = self._made.decompress(data, n_bytes)
            except Exception as error:  # noqa: BLE001 - zlib.error, LZMAError, OSError, ValueError
                raise FormatError(f"is damaged {self._kind} data ({error})") from None
            if out:
                return out
            if not data and not self._made.eof:
                raise FormatError(f"is {self._kind} data that ends too early")


@contextlib.contextmanager
def damage_to(kind: str) -> Iterator[None]:
    """Turn what zipfile raises on damaged files, mostly undocumented, into a FormatError."""
    try:
        yield
    except EOFError:
        raise FormatError(f"is {kind} data that ends too early") from None
    except (FormatError, MemoryError):
        raise
    except Exception as error:
        # A seek to where no file can have a byte is no fault of the system's.
        if isinstance(error, OSError) and error.errno not in (errno.EINVAL, None):
            raise
        raise FormatError(f"is damaged {kind} data ({str(error)[:80]})") from None


def open_zip(stream: Stream, max_files: int = MAX_ARRAYS) -> "zipfile.ZipFile":
    """Open a zip archive, which an npz file is.

    Raises FormatError where it is damaged, or has more members than are allowed.
    """
    import zipfile

    file = stream.seekable()
    with damage_to("zip"):
        archive = stream.enter_context(zipfile.ZipFile(file))
    if len(archive.namelist()) > max_files:
        raise FormatError(f"holds more than {max_files:,} files")
    return archive


class Member:
    """A file in an archive, to be read in order."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, n_bytes: int = -1, /) -> bytes:
        """Read at most so many bytes."""
        with damage_to("zip"):
            return cast("bytes", self._file.read(n_bytes))


def zip_member(archive: "zipfile.ZipFile", name: str) -> Member:
    """Open a file in a zip archive."""
    import zipfile

    with damage_to("zip"):
        info = archive.getinfo(name)
        if info.flag_bits & 1:
            raise FormatError(f"{name!r} in it is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FormatError(f"{name!r} in it is compressed in a rare way")
        return Member(archive.open(info))


def _only_member(archive: "zipfile.ZipFile") -> str | None:
    """Name the one file of a zip archive; None for an npz file and an archive of several."""
    files = (name for name in archive.namelist() if not name.endswith("/"))
    names = [name for name in files if not name.rpartition("/")[2].startswith(".")]
    for mark, (kind, hint) in _DOCUMENTS.items():
        if any(name.rpartition("/")[2] == mark for name in names):
            raise FormatError(f"is {kind}", hint=hint)
    return names[0] if len(names) == 1 and not names[0].endswith(".npy") else None
