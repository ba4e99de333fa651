"""Files, pipes and drawings -> grey pictures.

What a file is, its first bytes decide; its name is only used to name it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, NamedTuple

import numpy as np

from mnistcli.containers import reading
from mnistcli.containers.compressed import files_in, unpacked
from mnistcli.errors import BadImageError, StorageError
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.paths import hint_of_missing
from mnistcli.pictures import Grey
from mnistcli.pictures.formats import DRAWING, FORMATS, USEFUL_SIDE, format_of, is_picture_name

MAX_FILE_BYTES = 128 << 20
# A drawing of the largest size, in letters of three bytes.
MAX_DRAWING_BYTES = 4 << 20
MAX_DRAWING_SIDE = 1000

PAPER = " .\u00b7"
SHADES = " .:-=+*#%@"
BLOCKS = dict(zip("\u2591\u2592\u2593\u2588", (64, 128, 191, 255), strict=True))
INK = frozenset("#*@+%&$=:;-_|/\\()<>'\"`^~!oOxXIMWH018") | BLOCKS.keys()


class Picture(NamedTuple):
    """One picture as it was found."""

    grey: Grey
    source: str  # in a message: "seven.png", "-", "digits.csv row 3", "digits.npy[2]"
    notes: tuple[str, ...] = ()  # what its reader noticed: "frame 1 of 3", "rotated by EXIF"
    n_frames: int = 1  # in its file, of which it is the first; its first note says so


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Several pictures of the same size, in one array (n, height, width)."""

    greys: Grey
    sources: tuple[str, ...]  # of each
    notes: tuple[str, ...] = ()  # of all
    faults: Mapping[int, BadImageError] = field(default_factory=dict)  # of which of them, from 0
    size: tuple[int, int] | None = None  # before they were made smaller
    n_frames: int = 1
    paper: int | None = None  # around each, where they are cropped to the ink
    has_labels: bool = False

    def refusal(self, error: BadImageError) -> BadImageError:
        """Return what is wrong with a picture; of the first in a file of several it says so."""
        if self.n_frames == 1:
            return error
        return BadImageError(error.source, f"{self.notes[0]} {error.problem}", hint=error.hint)


def read_pictures(
    path: reading.Input, *, stdin: IO[bytes] | None = None, side: int = USEFUL_SIDE
) -> Iterator[Picture]:
    """Read every picture in an input: one in an image file, any number in the containers.

    "-" is standard input, or what stands in for it. A large picture is made smaller as long as its
    longer side keeps ``side`` pixels. Raises BadImageError for whatever is wrong with
    the input, including that there is no such file, StorageError for "-" that cannot be read.
    """
    for batch in read_batches(path, stdin=stdin, side=side):
        for i, (grey, source) in enumerate(zip(batch.greys, batch.sources, strict=True)):
            if i in batch.faults:
                raise batch.faults[i]
            yield Picture(grey, source, batch.notes, batch.n_frames)


def read_batches(
    path: reading.Input, *, stdin: IO[bytes] | None = None, side: int = USEFUL_SIDE
) -> Iterator[Batch]:
    """Read the same as `read_pictures` in arrays of at most 1,024 pictures, thousands per second.

    Memory does not grow with the input. See `read_pictures` for parameters and errors.
    """
    name = str(path)
    try:
        with reading.open_stream(path, stdin) as stream:
            yield from _batches(stream, name, side)
    except reading.FormatError as error:
        raise _bad_image(name, error) from None
    except IsADirectoryError:
        raise BadImageError(name, "is a folder, expected a picture") from None
    except OSError as error:
        hint = "name a picture or a folder, a test image by --index 7"
        hint = hint_of_missing(name, hint) if isinstance(error, FileNotFoundError) else ""
        if name == "-":
            raise StorageError("read", name, error.strerror or str(error)) from None
        raise BadImageError(name, (error.strerror or str(error)).lower(), hint=hint) from None


def read_all(
    inputs: Iterable[reading.Input | BadImageError], *, unlabelled: bool = False
) -> Iterator[Batch]:
    """Read inputs one after the other; what is wrong with one is the fault of a picture of it.

    Where they are to be ``unlabelled``, so is that it has labels.
    """
    for each in inputs:
        try:
            if isinstance(each, BadImageError):
                raise each
            yield from (_read_unlabelled if unlabelled else read_batches)(each)
        except BadImageError as error:
            yield _bad_batch(error)


def _read_unlabelled(path: reading.Input) -> Iterator[Batch]:
    for batch in read_batches(path):
        if batch.has_labels:
            hint = f"mnistcli download --source {path} --as NAME takes them"
            raise BadImageError(str(path), "has labels of its own", hint=hint)
        yield batch


def _batches(stream: reading.Stream, name: str, side: int) -> Iterator[Batch]:
    plain = unpacked(stream)
    head = plain.head()
    if format_of(head):
        yield _decode(plain, name, side)
        return
    if (files := files_in(plain)) is not None:
        yield from _read_archive(files, name, side)
        return
    if reading.kind_of(head) in ("text", "unknown"):
        reading.check_not_foreign(plain, _hint())
        if b"\0" in head:
            raise reading.FormatError("is no picture of a known kind", hint=_hint())
        from mnistcli.containers.csv import is_table

        if head and not is_table(head):
            yield _drawing(plain, name)
            return
    from mnistcli.containers.digits import read_digits  # which image files do not need

    for block in read_digits(plain):
        faults = {i: _bad_image(name, fault) for i, fault in block.faults.items()}
        sources = tuple(name + where for where in block.where)
        notes = (block.note,) if block.note else ()
        has_labels = block.labels is not None
        yield Batch(block.images, sources, notes, faults, paper=block.paper, has_labels=has_labels)


def _decode(stream: reading.Stream, name: str, side: int) -> Batch:
    from mnistcli.pictures.decode import decode

    if (kind := format_of(stream.head())) is None:
        raise reading.FormatError("is no picture of a known kind", hint=_hint())
    grey, notes, size, n_frames = decode(_whole(stream, MAX_FILE_BYTES), kind, side)
    return Batch(grey[None], (name,), notes, size=size, n_frames=n_frames)


def _read_archive(
    files: Iterator[tuple[str, reading.Stream]], archive: str, side: int
) -> Iterator[Batch]:
    """Read the pictures in an archive; what else is in it is left alone, as in a folder."""
    n = 0
    for name, file in files:
        is_drawn = bool(DRAWING.match(file.head()))
        if is_picture_name(name) and (is_drawn or not name.endswith(".txt")):
            n, source = n + 1, f"{archive}/{name}"
            try:
                yield _drawing(file, source) if is_drawn else _decode(file, source, side)
            except reading.FormatError as error:
                yield _bad_batch(_bad_image(source, error))
    if not n:
        raise reading.FormatError("is an archive without pictures", hint="unpack it first")


def _bad_batch(error: BadImageError) -> Batch:
    return Batch(np.zeros((1, *IMAGE_SHAPE), np.uint8), (str(error.source),), faults={0: error})


def _bad_image(name: str, error: reading.FormatError) -> BadImageError:
    return BadImageError(f"{name}{error.where}", error.problem, hint=error.hint)


def _drawing(stream: reading.Stream, name: str) -> Batch:
    """Turn a digit drawn with letters into a picture; one letter is one pixel.

    Blank and ``.`` are paper, ``0`` in a drawing of zeros and ones, and where there are none the
    letter that the border has most of; the shades of ``.:-=+*#%@`` count as such when at least four
    of them occur; everything else is ink. The picture is light ink on black with a margin of two
    pixels.
    """
    try:
        text = _whole(stream, MAX_DRAWING_BYTES).decode("utf-8-sig").rstrip("\x1a")
    except UnicodeDecodeError:
        raise reading.FormatError("is no picture of a known kind", hint=_hint()) from None
    lines = text.expandtabs().rstrip().lstrip("\r\n").splitlines()
    if {*"".join(lines[:-1])} == {"0", "1"} and 2 * len(lines[-1]) < len(lines[0]):
        del lines[-1]  # its label
    height, width = len(lines), max(map(len, lines), default=0)
    if not 3 <= height <= MAX_DRAWING_SIDE or not 1 <= width <= MAX_DRAWING_SIDE:
        raise reading.FormatError(f"is no drawing of a digit: {width} x {height} letters")
    used = {letter for line in lines for letter in line.rstrip()}
    paper = set(PAPER) | ({"0"} if used <= set("01 ") else set())
    if not used & paper:
        sides = [line.strip()[i] for line in lines[1:-1] if line.strip() for i in (0, -1)]
        border = Counter([*lines[0].strip(), *lines[-1].strip(), *sides])
        paper |= {border.most_common(1)[0][0]}
    strange = sorted(used - INK - paper)
    if strange and len(used - paper) > 1:
        problem = f"is neither a picture nor a drawing: {strange[0]!r} is no ink"
        raise reading.FormatError(problem, hint="draw with # on blanks or dots")
    levels = dict.fromkeys(used, 255) | {k: v for k, v in BLOCKS.items() if k in used}
    if len(used & set(SHADES[2:])) > 3 and used <= set(SHADES):
        levels |= {letter: 255 * i // (len(SHADES) - 1) for i, letter in enumerate(SHADES)}
    levels |= dict.fromkeys(paper, 0)
    picture = np.zeros((1, height + 4, width + 4), np.uint8)
    for y, line in enumerate(map(str.rstrip, lines)):
        picture[0, y + 2, 2 : 2 + len(line)] = [levels[letter] for letter in line]
    return Batch(picture, (name,), ("a drawing in letters",))


def _hint() -> str:
    names = ", ".join(each.name for each in FORMATS)
    return f"use {names}, NPY, npz, CSV, ARFF, IDX or a drawing in letters"


def _whole(stream: reading.Stream, n_bytes: int) -> bytes:
    data = stream.read(n_bytes + 1)
    if len(data) > n_bytes:
        raise reading.FormatError(f"is larger than {n_bytes >> 20} MiB")
    return data
