"""A folder or a file of the user's own labelled pictures -> what becomes a dataset.

    3/a.png, digit_3/Ann/b.jpg, ... a folder for each digit, also below train/, test/ or Ann/
    3_a.png, 3 (2).jpg, ...         pictures whose names begin with the digit
    train.csv, t10k-images-idx3-ubyte, ...   containers in a folder, test images by their names
    labels.csv                      names of pictures beside their digits
    page.jpg                        the photograph of a page of `mnistcli.sheets`, if asked for
    digits.csv, digits.npz, ...     whatever `labelled.read_parts` reads
    X.npy, y.npy                    the arrays of an npz file, each in a file of its own
    digits.zip, digits.tar.gz       any of these in an archive

What cannot be used is left out and told of.
"""

import contextlib
import itertools
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from mnistcli.containers.archives import as_folder
from mnistcli.containers.columns import DIGIT_WORDS
from mnistcli.containers.compressed import unpacked
from mnistcli.containers.csv import cells_of
from mnistcli.containers.digits import Block, label_faults, labels_of
from mnistcli.containers.npy_idx import LABELS, OfPart, Part, role_of
from mnistcli.containers.reading import FormatError, damage_of, open_stream
from mnistcli.datasets.dataset import LabelledImages, Loaded, concatenated, in_parts
from mnistcli.datasets.labelled import labelled_images, read_parts
from mnistcli.errors import BadImageError, CorruptFileError, DataUnavailableError, MnistCliError
from mnistcli.files import kind_of_path, storage_errors
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.pictures.formats import is_picture, is_picture_name
from mnistcli.progress import SILENT, Progress
from mnistcli.ranges import RANGES
from mnistcli.sampling import stratified_sample
from mnistcli.sheets import PHOTOGRAPH_SIDE, SheetRead, read_sheet

# Pictures, and the digits that they are said to show; None where nothing says it.
_Named = list[tuple[Path, int | None]]

_CONTAINER = re.compile(
    r".*(\.(csv|tsv|arff|npz|mat)(\.(gz|xz|bz2))?|images[-.]idx3.*)", re.IGNORECASE
)
_DATA = re.compile(_CONTAINER.pattern + r"|.*(\.npy|labels[-.]idx[12].*)", re.IGNORECASE)
_TEST = re.compile(r"test|t10k", re.IGNORECASE)
# What may stand before the digit in the name of a folder or of a picture.
_KIND = re.compile(r"^(?:digit|class|label|number)[ _=-]*", re.IGNORECASE)
_NUMBERED = re.compile(rf"(?:{_KIND.pattern})?([0-9]+)(?:[_-]| ?\()", re.IGNORECASE)
# Folders that nothing is said by, of a form and of a pupil in it.
_MAX_DEPTH = 2
_LAYOUTS = (
    "expected folders called 0 to 9, pictures called 3_....png or 3-....png, a CSV file of their names "
    "and digits, or a file of labelled digits: CSV, npz, ARFF or the images of an IDX pair"
)


def gather(
    path: Path,
    *,
    raw: bool = False,
    sheet: Callable[[SheetRead], None] | None = None,
    test_size: float | None = 0.2,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Loaded:
    """Read labelled digits from a folder, a file or "-", each picture as a prediction reads it.

    ``raw`` takes 28 x 28 pixels as they are. With ``sheet``, photographs of pages that
    `mnistcli.sheets` drew are read, and it is handed what was found on each. Where nothing says
    which images are for the test, their share is drawn digit by digit, unless that is None.
    Raises DataUnavailableError where nothing is labelled, CorruptFileError or BadImageError where
    fewer than two can be used.
    """
    if test_size is not None:
        RANGES["test_size"].checked("test_size", test_size)
    RANGES["seed"].checked("seed", seed)
    with _opened(path) as (place, stdin):
        kind = "file" if stdin else kind_of_path(place)
        if kind == "nothing":
            raise DataUnavailableError(f"there is no file or folder {path}", hint=_LAYOUTS)
        if sheet is None and kind == "file" and is_picture_name(path.suffix):
            hint = "name a folder of pictures, or add --sheet for a photographed page of mnistcli sheet"
            raise CorruptFileError(path, "is one picture and has no label", hint=hint)
        reading = _Reading(raw, progress, stdin)
        if sheet:
            reading.sheets(place, sheet)
        elif kind == "folder":
            reading.folder(place)
        else:
            reading.file(place)
    failures = tuple(
        (source.replace(str(place), str(path)), reason)
        for source, reason in dict.fromkeys(reading.failures)
    )
    train, test = reading.joined("train"), reading.joined("test")
    n = len(train.labels) + len(test.labels)
    if n < 2:
        raise _too_few(path, n, failures, is_folder=kind == "folder" or sheet is not None)
    notes = tuple(dict.fromkeys(note for _, each in reading.parts for note in each.notes))
    if test_size is not None and not (len(test.labels) and len(train.labels)):
        train, test = shared_out(train if len(train.labels) else test, test_size, seed)
    origin = "standard input" if str(path) == "-" else str(path)
    return Loaded(train, test, "path", origin, reading.n_bytes_read, failures, notes)


def read_to_judge(path: Path, *, raw: bool = False) -> LabelledImages:
    """Read labelled digits to judge a model on; the same errors as `gather`'s, or `read_parts`'s.

    Of a folder or an archive they are those for the test, where it says which are, and all of its
    pictures must be usable.
    """
    with _opened(path) as (place, stdin):
        if stdin or kind_of_path(place) != "folder":
            return read_parts(path, raw=raw, stdin=stdin, part="test")[None]
        found = gather(place, raw=raw, test_size=None)
        if found.failures:
            hint = f"for --dataset NAME, without it: mnistcli download --source {path} --as NAME"
            raise CorruptFileError(*found.failures[0], hint=hint)
    part = found.test if len(found.test.labels) else found.train
    return replace(part, notes=found.notes)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[Path, BinaryIO | None]]:
    """Yield where it lies, an archive unpacked, or a copy of standard input, to be read twice."""
    if str(path) != "-":
        with as_folder(path, _is_wanted) as place:
            yield place, None
        return
    if sys.stdin is None:
        raise DataUnavailableError("standard input is closed")
    with tempfile.TemporaryFile() as file:
        copy = cast("BinaryIO", file)
        with storage_errors("read", path):
            shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.seek(0)
        with as_folder(path, _is_wanted, copy) as place:
            yield place, copy if place is path else None


def _too_few(
    path: Path, n: int, failures: Sequence[tuple[str, str]], *, is_folder: bool
) -> MnistCliError:
    if failures and is_folder:
        problem = f"{len(failures):,} of {len(failures) + n:,} pictures cannot be used"
        return BadImageError(str(path), problem, hint=f"the first: {': '.join(failures[0])}")
    if failures:
        return CorruptFileError(*failures[0])
    one = "one labelled digit" if n else "no labelled digits"
    hint = "a dataset takes two at least" if n else _LAYOUTS
    return DataUnavailableError(f"{path} holds {one}", hint=hint)


def shared_out(
    data: LabelledImages, test_size: float, seed: int
) -> tuple[LabelledImages, LabelledImages]:
    """Keep a share of every digit for the test, one image at least."""
    n = len(data.labels)
    n_test = min(max(1, round(test_size * n)), n - 1)
    is_test = np.zeros(n, dtype=bool)
    is_test[stratified_sample(data.labels, n_test, np.random.default_rng([seed, 0]))] = True
    return in_parts([a[of] for of in (~is_test, is_test) for a in (data.images, data.labels)])


@dataclass(slots=True)
class _Reading:
    """What has been read so far, and what could not be."""

    raw: bool
    progress: Progress
    stdin: BinaryIO | None = None
    parts: list[tuple[Part, LabelledImages]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    n_bytes_read: int = 0
    n_done: int = 0  # pictures

    def joined(self, part: Part) -> LabelledImages:
        nothing = LabelledImages(np.empty((0, *IMAGE_SHAPE), np.uint8), np.empty(0, np.uint8))
        return concatenated([images for of, images in self.parts if of == part] or [nothing])

    def file(self, path: Path, part: Part = "train") -> None:
        self.progress.update(str(path), 0, None)
        if listed := _listed_pictures(path):
            self._pictures({part: listed})
            return
        with contextlib.ExitStack() as closing:
            file = self.stdin
            if self.stdin is None and kind_of_path(path) == "folder":
                file = closing.enter_context(_npz_of(path))
            found = read_parts(path, raw=self.raw, stdin=file, failures=self.failures)
        self.parts += [(of or part, images) for of, images in found.items()]
        self._count_bytes(path)

    def _count_bytes(self, path: Path) -> None:
        with storage_errors("read", path):
            self.n_bytes_read += self.stdin.seek(0, 2) if self.stdin else path.stat().st_size

    def folder(self, folder: Path) -> None:
        found: dict[Any, _Named] = {"train": [], "test": [], "val": []}
        containers: dict[Path, Part] = {}
        listed: set[Path] = set()
        part: Part
        folder = descended(folder)
        for path in _content(folder):
            if path.suffix.lower() == ".npy":
                containers[folder] = "train"
            elif _CONTAINER.fullmatch(path.name) and kind_of_path(path) == "file":
                if path.with_suffix("") in containers:  # which this is compressed
                    continue
                containers[path] = part = "test" if _TEST.search(path.name) else "train"
                try:
                    found[part] += (named := _listed_pictures(path))
                    listed |= {each for each, _ in named}
                except CorruptFileError as error:
                    self.failures.append((str(path), error.problem))
        for of, path, digit in _named_pictures(folder):
            if path not in listed:
                found[of or "train"].append((path, digit))
        found["train" if found["test"] else "test"] += found.pop("val")
        if any(label is not None for named in found.values() for _, label in named):
            self._pictures(found)
            return
        for path, part in containers.items():
            try:
                self.file(path, part)
            except (CorruptFileError, DataUnavailableError) as error:
                if len(containers) == 1:
                    raise
                self.failures.append((str(path), error.message.removeprefix(f"{path}: ")))

    def _pictures(self, found: dict[Part, _Named]) -> None:
        n_all = sum(map(len, found.values()))
        for part, named in found.items():
            images = labelled_images(self._blocks(named, n_all), "", self.failures, raw=self.raw)
            self.parts.append((part, replace(images, notes=())))

    def _blocks(self, named: _Named, n_all: int) -> Iterator[Block]:
        from mnistcli.pictures.read import read_pictures

        for path, label in named:
            self.n_done += 1
            self.progress.update("pictures", self.n_done, n_all)
            source, problem = str(path), "nothing says which digit it shows"
            if label is not None:
                try:
                    for picture in read_pictures(path):
                        yield Block(
                            picture.grey[None], np.full(1, label, float), (picture.source,), {}
                        )
                    self._count_bytes(path)
                    continue
                except BadImageError as error:
                    source, problem = error.source, error.problem
            nothing = np.zeros((1, *IMAGE_SHAPE), np.uint8)
            yield Block(nothing, np.zeros(1), (source,), {0: FormatError(problem)})

    def sheets(self, path: Path, on_page: Callable[[SheetRead], None]) -> None:
        """Read the photograph of a page, or a folder of them; one alone must be a page."""
        from mnistcli.pictures.read import read_pictures

        is_folder = kind_of_path(path) == "folder"
        paths = [path]
        if is_folder:
            paths = [each for each in _content(descended(path)) if is_picture(each)]
        for i, each in enumerate(paths, 1):
            try:
                for picture in read_pictures(each, side=PHOTOGRAPH_SIDE):
                    page = read_sheet(picture.grey, source=picture.source)
                    on_page(page)
                    self.failures += page.failures
                    n, n_empty = len(page.labels), len(page.empties)
                    note = f"{picture.source}: {n} digits, {n_empty} boxes empty"
                    self.parts.append(("train", LabelledImages(page.images, page.labels, (note,))))
            except BadImageError as error:
                if not is_folder:
                    raise
                self.failures.append((error.source, error.problem))
            self._count_bytes(each)
            self.progress.update("pages", i, len(paths))
        if not self.failures and not any(len(part.labels) for _, part in self.parts):
            hint = "expected the photograph of a page of mnistcli sheet, or a folder of them"
            raise BadImageError(str(path), "nothing is written on it", hint=hint)


def _listed_pictures(path: Path) -> _Named:
    """Return the pictures that a table names, and their digits; nothing where it is none of names."""
    if path.suffix.lower() not in (".csv", ".tsv", ".txt") or kind_of_path(path) != "file":
        return []  # a pipe can be read once
    with storage_errors("read", path), open_stream(path) as stream:
        rows = cells_of(unpacked(stream))
        first = list(itertools.islice(rows, 2))
        is_name = [[is_picture_name(Path(cell).suffix) for cell in row] for row in first]
        if not any(map(any, is_name)):
            return []
        has_titles = not any(is_name[0])
        name = is_name[has_titles].index(True)
        others = [i for i in range(len(first[-1])) if i != name]
        if has_titles and len(others) > 1:
            others = [i for i, title in enumerate(first[0]) if title.lower() in LABELS]
        if len(others) != 1:
            problem = f"has {len(others)} columns that may be the digits of its pictures"
            raise CorruptFileError(path, problem, hint="call them file and label")
        listed = [row for row in [*first[has_titles:], *rows] if len(row) > name]
    with damage_of(path):
        labels = labels_of(
            np.array(["".join(row[others[0] : others[0] + 1]) for row in listed], dtype=str)
        )
        wrong = {i for i, _ in label_faults(labels)}
    digits = (None if i in wrong else int(label) for i, label in enumerate(labels))
    return [(_beside(path, row[name]), of) for row, of in zip(listed, digits, strict=True)]


def _beside(path: Path, name: str) -> Path:
    """Return where a file is that a table beside it names, be it as Windows does."""
    found = path.parent / name
    return found if os.path.lexists(found) else path.parent / name.replace("\\", "/")


def _is_wanted(path: Path) -> bool:
    return is_picture_name(path.suffix) or bool(_DATA.fullmatch(path.name))


def descended(folder: Path) -> Path:
    """Return the folder itself or, where nothing else is in it that is read, the only one in it."""
    for _ in range(4):
        content = _content(folder)
        if any(kind_of_path(path) != "folder" and _is_wanted(path) for path in content):
            break
        below = [path for path in content if kind_of_path(path) == "folder"]
        if len(below) != 1 or _said_by(below[0].name) != ("", None):
            break
        folder = below[0]
    return folder


@contextlib.contextmanager
def _npz_of(folder: Path) -> Iterator[BinaryIO]:
    """Put the NPY files of a folder into an npz file, which is a zip archive of such."""
    import zipfile

    with tempfile.TemporaryFile() as copy:
        with (
            storage_errors("read", folder),
            zipfile.ZipFile(copy, "w", strict_timestamps=False) as npz,
        ):
            for path in _content(folder):
                if path.suffix.lower() == ".npy" and kind_of_path(path) == "file":
                    npz.write(path, f"{path.stem}.npy")
        copy.seek(0)
        yield cast("BinaryIO", copy)


def _content(folder: Path) -> list[Path]:
    with storage_errors("read", folder):
        return sorted(each for each in folder.iterdir() if not each.name.startswith("."))


def _said_by(name: str) -> tuple[OfPart, int | None]:
    """Tell which part and which digit a folder of this name holds: train, test_3, digit_3, three."""
    word = _KIND.sub("", name, count=1).lower()
    digit = int(word) if word.isdecimal() else [*DIGIT_WORDS, word].index(word)
    return role_of(name)[0][1], digit if digit < len(DIGIT_WORDS) else None


def _named_pictures(
    folder: Path, part: OfPart = "", digit: int | None = None, depth: int = 0
) -> list[tuple[OfPart, Path, int | None]]:
    """Return the pictures in a folder and in those below it, whose part they are, and what they show.

    Folders whose names say neither are entered within one of a digit, or where nothing beside them
    has a label.
    """
    content = _content(folder)
    numbers = Counter(match[1] for path in content if (match := _NUMBERED.match(path.name)))
    if digit is None and max(map(len, numbers), default=1) > 1 and max(numbers.values()) == 1:
        problem = "has pictures that begin with a number of their own, not with the digit"
        raise CorruptFileError(folder, problem, hint=_LAYOUTS)
    found: list[tuple[OfPart, Path, int | None]] = []
    others = []
    for path in content:
        if is_picture(path):
            match = _NUMBERED.match(path.name)
            own = int(match[1]) if match and len(match[1]) == 1 else None
            found.append((part, path, own if digit is None else digit))
            continue
        of, own = _said_by(path.name)
        said = part or of, own if digit is None else digit
        if said != (part, digit):
            if kind_of_path(path) == "folder":
                found += _named_pictures(path, *said)
        elif depth < _MAX_DEPTH and kind_of_path(path, follow=False) == "folder":
            others.append(path)
    if digit is not None or all(label is None for *_, label in found):
        for path in others:
            below = _named_pictures(path, part, digit, depth + 1)
            found += below if any(label is not None for *_, label in below) else []
    return found
