"""Bytes in order, with a look ahead, and what is wrong with them."""

import codecs
import contextlib
import errno
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, cast

from mnistcli.errors import CorruptFileError
from mnistcli.files import copy_bytes, scratch_file

if TYPE_CHECKING:
    from _typeshed import SupportsRead

HEAD_BYTES = 4096
# An npz file that comes through a pipe or compressed is copied to a temporary file first.
MAX_COPIED_BYTES = 1 << 30
_AT_ONCE = 1 << 22
RAW = "a camera raw file"
_INTO = "numpy.savez('digits.npz', images={}, labels={})"
SAVEZ = "in Python: " + _INTO.format("images", "labels")
_READ = "in Python, by the names they have there: {}; " + _INTO
# Of the PNG files in a column, which Hugging Face's have.
_TO_PICTURES = (
    "in Python: for i, row in pandas.read_{}(FILE).iterrows(): "
    "open(f'{{row.label}}_{{i}}.png', 'wb').write({}['bytes'])"
)
DOCUMENT_TO = "save a table as CSV, pictures as PNG first"
_TO_PNG = "save it as PNG first, the pages of a PDF with: pdftoppm -r 200 -png FILE page"
# What is not read: the first bytes of it, and what to do.
_FOREIGN = {
    "a pointer of Git LFS instead of the file": (rb"version https://git-lfs", "git lfs pull"),
    RAW: (rb"II\*\0....CR|IIR[OS]\x08\0|MMOR\0\0|IIU\0|FUJIFILMCCD-RAW|....ftypcrx", ""),
    "a video or a sound": (rb"....ftyp|\x1aE\xdf\xa3|RIFF....(?:AVI |WAVE)|ID3[\2-\4]|OggS", ""),
    "a PDF or PostScript file": (rb"%PDF|%!PS|\xc5\xd0\xd3\xc6", _TO_PNG),
    "a web page, an SVG or other XML": (rb"\s*(?:\xef\xbb\xbf)?\s*<(?!stata)[!?a-zA-Z]", _TO_PNG),
    "a notebook": (rb"\s*\{\s*\"cells\"", ""),
    "a list in JSON": (
        rb"\s*(?:\xef\xbb\xbf)?\s*\[\s*(?:[\[\]]|\n\s*[^\s{]|\Z)",
        "in Python: numpy.save('X.npy', json.load(open(FILE))), and so their labels as y.npy",
    ),
    "a table in JSON": (
        rb"\s*(?:\xef\xbb\xbf)?\s*\[?\s*\{(?:\s*\"[^\"]*\"\s*:\s*(?:[\d.eE+-]+|\"[^\"]*\")\s*,){60}",
        ("in Python: pandas.read_json(FILE, lines=open(FILE).read(1) == '{')"
         ".to_csv('digits.csv', index=False)"),
    ),
    "JSON, line by line": (
        rb"\s*(?:\xef\xbb\xbf)?\s*\{[^\n]+\}\r?\n\s*\{",
        _READ.format("d = pandas.read_json(FILE, lines=True)", "d['image'].tolist()", "d['label']"),
    ),
    "JSON": (
        rb"\s*(?:\xef\xbb\xbf)?\s*(?:\{\s*(?:[\"}]|\Z)|\[\s*\{)",
        _READ.format("d = pandas.read_json(FILE)", "d['image'].tolist()", "d['label']"),
    ),
    "a pickle of joblib, which could run code": (
        rb"[\x80c].*joblib\.numpy_pickle|ZF0x|x[\x01^\x9c\xda](?=.{,64}[\0-\x08\x80-\xff])",
        _READ.format("d = joblib.load(FILE)", "d['data']", "d['target']"),
    ),
    "a Python pickle, which could run code": (
        # Also the oldest protocol. What Python 2 wrote, as deeplearning.net's, needs the encoding.
        rb"\x80[\x02-\x05]|\([ld]p\d+\n|\(*c(?:numpy\.|copy_reg\n|__builtin__\n)",
        _READ.format("d = pickle.load(open(FILE, 'rb'), encoding='latin1')", "d['data']", "d['target']"),
    ),
    "a Parquet file": (
        rb"PAR1[\0-\x1f]",
        "in Python: pandas.read_parquet(FILE).to_csv('digits.csv', index=False)",
    ),
    "a table with files in its cells": (
        rb"[^\n]*\n[^\n]*\{'bytes': b['\"]",
        _TO_PICTURES.format("csv", "ast.literal_eval(row.image)"),
    ),
    "a table with lists in its cells": (
        rb"[^\n]*\n(?:[^\n]*\"[\[{][\[{\d ]|[^\n ]*,\"?(?:\d+ ){60}|\"?(?:\d+ ){60,}\d+\"?,)",
        _READ.format(r"d = pandas.read_csv(FILE)", r"[[*map(float, re.findall(r'[\d.]+', cell))] for cell in d['image']]",
                     "d['label']"),
    ),
    "drawings in letters, one below the other": (
        rb"(?:[ +#]{28}\r?\n){28}",
        _READ.format("d = [list(line[:28]) for line in open(FILE).read().splitlines()]",
                     "numpy.reshape(d, (-1, 28, 28)) != ' '", "numpy.loadtxt(LABELS)"),
    ),
    "drawings of 32 x 32 zeros and ones, one below the other": (
        rb"(?:[^\n]*\n){,40}?(?:[01]{32}\r?\n){32} *\d\r?\n[01]{32}\r?\n",  # UCI's optdigits-orig
        _READ.format(r"d = re.findall(r'((?:[01]{32}\s){32}) *(\d)', open(FILE).read())",
                     "[[[*map(int, row)] for row in a.split()] for a, _ in d]", "[int(b) for _, b in d]"),
    ),
    "a FANN file, of which every other line is a picture": (
        rb"\d+ \d+ \d+\r?\n(?:[\d.eE+-]+ ?){60}",
        _READ.format("d = [[*map(float, line.split())] for line in open(FILE)][1:]", "d[::2]", "d[1::2]"),
    ),
    "a LIBSVM file": (
        rb"[+-]?[\d.]+ (?:qid:\d+ )?\d{1,5}:[\d.+-]",
        _READ.format("X, y = sklearn.datasets.load_svmlight_file(FILE, n_features=784)", "X.toarray()", "y"),
    ),
    "MATLAB data": (rb"MATLAB 5", _READ.format("d = scipy.io.loadmat(FILE)", "d['X']", "d['y']")),
    "HDF5 data": (rb"\x89HDF|MATLAB 7", _READ.format("d = h5py.File(FILE)", "d['X']", "d['y']")),
    "data of another program (TensorFlow, Arrow, R, SAS, SPSS, Stata, SQLite)": (
        (rb".{4}\0{4}.{4}\n|\0{12}\xc2\xea\x81|ARROW1|\xff{4}.{2}\0\0|[XA]\n\0\0\0[\2\3]|RD[XA][23]\n"
         rb"|\$FL[23]@|<stata_dta>|SQLite"),
        SAVEZ,
    ),
    "an old Excel or Word file": (rb"\xd0\xcf\x11\xe0", DOCUMENT_TO),
    "compressed by zstd or compress, or a 7-Zip, RAR or tar archive": (
        rb"\x28\xb5\x2f\xfd|\x1f\x9d|7z\xbc\xaf|Rar!\x1a|.{257}ustar", "unpack it first"
    ),
    "an archive of several files": (rb"PK\x03\x04", "unpack it, or name it alone"),
    "a picture, without a label": (
        rb"\x89PNG|\xff\xd8\xff|GIF8|BM....\0{4}|II\*\0|MM\0\*|RIFF....WEBP", ""
    ),
}  # fmt: skip


# A file, a pipe, or standard input.
Input = Path | Literal["-"]
Kind = Literal["npy", "idx", "zip", "arff", "text", "unknown"]


class FormatError(Exception):
    """A file, or one of the pictures in it, cannot be read.

    The problem names the column of a table: "column 2 holds 'x', expected ...". ``where`` goes
    behind the name of the file: " row 3", "[2]", or nothing.
    """

    def __init__(self, problem: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}" if self.where else self.problem


@contextlib.contextmanager
def damage_to(kind: str) -> Iterator[None]:
    """Turn what readers of damaged data raise, mostly undocumented, into a FormatError."""
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


class Stream(contextlib.ExitStack):
    """Bytes in order, with a look ahead; a pipe cannot be rewound, and an open file stays open.

    What is opened to read it is closed with it. With a ``kind`` it is what is in compressed data:
    what their reader raises where they are damaged is a FormatError.
    """

    def __init__(self, file: "SupportsRead[bytes]", kind: str = "") -> None:
        super().__init__()
        self._file = file
        self.kind = kind
        self._ahead = b""
        self._ended = False  # a terminal would go on after Ctrl-D

    def head(self) -> bytes:
        """Look at the first `HEAD_BYTES`."""
        self._ahead += self._take(HEAD_BYTES - len(self._ahead))
        return self._ahead[:HEAD_BYTES]

    def read(self, n_bytes: int) -> bytes:
        """Read the next bytes, fewer than asked for only at the end."""
        ahead, self._ahead = self._ahead[:n_bytes], self._ahead[n_bytes:]
        return ahead + self._take(n_bytes - len(ahead)) if ahead else self._take(n_bytes)

    def _take(self, n_bytes: int) -> bytes:
        parts = []
        while n_bytes > 0 and not self._ended:
            # Grows with what is really there, not with what a header claims.
            with damage_to(self.kind) if self.kind else contextlib.nullcontext():
                part = self._file.read(min(n_bytes, _AT_ONCE))
            self._ended = not part
            parts.append(part)
            n_bytes -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def seekable(self) -> IO[bytes]:
        """Return a file with all the bytes that can be read from anywhere, at its start."""
        file: Any = self._file
        with contextlib.suppress(AttributeError, OSError):
            if file.seekable():
                file.seek(0)
                self._ahead, self._ended = b"", False
                return cast("IO[bytes]", file)
        copy = self.enter_context(scratch_file())
        if copy_bytes(self.read, copy, MAX_COPIED_BYTES) > MAX_COPIED_BYTES:
            problem = f"has more than {MAX_COPIED_BYTES >> 30} GiB, too much to be unpacked"
            hint = "unpack it first, and give the file rather than a pipe"
            raise FormatError(problem, hint=hint)
        copy.seek(0)
        self._file, self._ahead, self._ended = copy, b"", False
        return copy


@contextlib.contextmanager
def damage_of(source: object) -> Iterator[None]:
    """Turn what is wrong with a file of this name into a CorruptFileError."""
    try:
        yield
    except FormatError as error:
        raise CorruptFileError(f"{source}{error.where}", error.problem, hint=error.hint) from None


def open_stream(path: Input, stdin: IO[bytes] | None = None) -> Stream:
    """Open a file, a pipe, or standard input if it is called "-"; ``stdin`` stands in for any.

    Raises OSError where the operating system refused, or standard input is closed.
    """
    if stdin is None and str(path) != "-":
        stream = Stream(file := Path(path).open("rb"))  # noqa: SIM115 - closed with it
        stream.enter_context(file)
        return stream
    if stdin is None and sys.stdin is None:
        raise OSError(errno.EBADF, "standard input is closed")
    if stdin is None and sys.stdin.isatty():
        # All that is typed up to Ctrl-D, which ends no more than one call of `read`.
        stdin = io.BytesIO(b"".join(sys.stdin.buffer))
    return Stream(stdin or sys.stdin.buffer)


def check_not_foreign(stream: Stream, hint: str) -> None:
    """Raise FormatError for what begins so and is neither read here nor text or a table."""
    for kind, (magic, what_to_do) in _FOREIGN.items():
        if re.match(magic, stream.head(), re.DOTALL):
            unpack = "unpack it; " * (stream.kind != "" and what_to_do.startswith("in Python"))
            raise FormatError(f"is {kind}", hint=unpack + what_to_do or hint)


def kind_of(head: bytes) -> Kind:
    """Tell what bytes are from the first of them, once nothing compresses them any more."""
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head[:2] == b"\0\0" and head[2:3] in b"\x08\x09\x0b\x0c\x0d\x0e" and len(head) > 3:
        return "idx"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    try:  # the last character may be cut
        codecs.getincrementaldecoder("utf-8")().decode(text)
    except UnicodeDecodeError:
        # A table in Latin-1, or no text at all.
        if re.search(rb"[\0-\x08\x0e-\x1f]", text) or not re.search(rb"[,;\t]", text):
            return "unknown"
    if b"\0" in text:
        return "unknown"
    is_arff = re.match(rb"(?is)%(?!PDF|!PS|YAML)|(.*[\r\n])?\s*@(relation|attribute)", text)
    return "arff" if is_arff else "text"
