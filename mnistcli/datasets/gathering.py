"""A folder or a file of the user's own labelled pictures -> what becomes a dataset.

    3/a.png, 3/b.jpg, ...           a folder for each digit, also below train/ and test/
    3_a.png, 3-b.jpg, ...           pictures whose names begin with the digit
    train.csv, t10k-images-idx3-ubyte, ...   containers in a folder, test images by their names
    labels.csv                      names of pictures beside their digits
    page.jpg                        the photograph of a page of `mnistcli.sheets`, if asked for
    digits.csv, digits.npz, ...     whatever `labelled.read_labelled` reads

What cannot be used is left out and told of.
"""

import contextlib
import csv
import itertools
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from mnistcli.containers.csv import LABEL_NAMES
from mnistcli.datasets.labelled import read_labelled
from mnistcli.datasets.store import LabelledImages
from mnistcli.errors import (
    BadImageError,
    CorruptFileError,
    DataUnavailableError,
    MnistCliError,
)
from mnistcli.files import kind_of_path, storage_errors
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.pictures.formats import is_picture, is_picture_name
from mnistcli.progress import SILENT, Progress
from mnistcli.ranges import RANGES
from mnistcli.sampling import quota
from mnistcli.sheets import PHOTOGRAPH_SIDE, SheetRead, read_sheet

# Pictures, and the digits that they are said to show; None where nothing says it.
_Named = list[tuple[Path, int | None]]
_Part = Literal["train", "test"]

_CONTAINER = re.compile(r".*(\.(csv|tsv|arff|npz)(\.(gz|xz|bz2))?|images[-.]idx3.*)", re.IGNORECASE)
_LONGEST_LINE = 1 << 16
_TEST = re.compile(r"test|t10k", re.IGNORECASE)
_PART_FOLDERS: dict[str, _Part] = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "t10k": "test"
}  # fmt: skip
_LAYOUTS = (
    "expected folders called 0 to 9, pictures called 3_....png or 3-....png, a CSV file of their names "
    "and digits, or a file of labelled digits: CSV, npz, ARFF or the images of an IDX pair"
)
_A_PAGE = "expected the photograph of a page of mnistcli sheet, or a folder of them"


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """Labelled digits from somewhere, in training and test images."""

    train: LabelledImages
    test: LabelledImages
    origin: str  # the folder or file
    n_bytes_read: int
    failures: tuple[tuple[str, str], ...]  # what was left out, and why
    notes: tuple[str, ...]  # what was done to pictures to read them as a prediction does


def gather(
    path: Path,
    *,
    raw: bool = False,
    sheet: Callable[[SheetRead], None] | None = None,
    test_size: float = 0.2,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Gathered:
    """Read labelled digits from a folder, a file or "-", each picture as a prediction reads it.

    ``raw`` takes 28 x 28 pixels as they are. With ``sheet``, photographs of pages that
    `mnistcli.sheets` drew are read, and it is handed what was found on each. Where nothing says
    which images are for the test, their share is drawn digit by digit. Raises DataUnavailableError
    where nothing is labelled, CorruptFileError or BadImageError where fewer than two can be used.
    """
    RANGES["test_size"].checked("test_size", test_size)
    RANGES["seed"].checked("seed", seed)
    failures: list[tuple[str, str]] = []
    kind = "file" if str(path) == "-" else kind_of_path(path)
    if kind == "nothing":
        raise DataUnavailableError(f"there is no file or folder {path}", hint=_LAYOUTS)
    if sheet is None and kind == "file" and is_picture_name(path.suffix):
        hint = "name a folder of pictures, or add --sheet for a photographed page of mnistcli sheet"
        raise CorruptFileError(path, "is one picture and has no label", hint=hint)
    if sheet:
        parts, n_bytes_read = _read_sheets(path, failures, progress, sheet)
    else:
        read = _read_folder if kind == "folder" else _read_file
        parts, n_bytes_read = read(path, failures, progress, raw=raw)
    train, test = (
        _concatenated([each for of, each in parts if of == name]) for name in ("train", "test")
    )
    n = len(train.labels) + len(test.labels)
    if n < 2:
        raise _too_few(path, n, failures, is_folder=kind == "folder" or sheet is not None)
    notes = tuple(dict.fromkeys(note for _, each in parts for note in each.notes))
    if not len(test.labels) or not len(train.labels):
        train, test = _shared_out(_concatenated([train, test]), test_size, seed)
    origin = "standard input" if str(path) == "-" else str(path)
    return Gathered(train, test, origin, n_bytes_read, tuple(failures), notes)


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


def _concatenated(parts: Sequence[LabelledImages]) -> LabelledImages:
    if len(parts) == 1:
        return parts[0]
    images, labels = np.empty((0, *IMAGE_SHAPE), np.uint8), np.empty(0, np.uint8)
    return LabelledImages(
        np.concatenate([images, *(each.images for each in parts)]),
        np.concatenate([labels, *(each.labels for each in parts)]),
    )


def _shared_out(
    data: LabelledImages, test_size: float, seed: int
) -> tuple[LabelledImages, LabelledImages]:
    """Keep a share of every digit for the test, one image at least."""
    n = len(data.labels)
    sizes = quota(np.bincount(data.labels), min(max(1, round(test_size * n)), n - 1))
    rng = np.random.default_rng([seed, 0])
    is_test = np.zeros(n, dtype=bool)
    for digit, size in enumerate(sizes.tolist()):
        is_test[rng.choice(np.flatnonzero(data.labels == digit), size, replace=False)] = True
    train, test = (
        LabelledImages(data.images[part], data.labels[part]) for part in (~is_test, is_test)
    )
    return train, test


# ------------------------------------------------------------------------------ files and folders


def _read_file(
    path: Path, failures: list[tuple[str, str]], progress: Progress, *, raw: bool
) -> tuple[list[tuple[_Part, LabelledImages]], int]:
    progress.update(str(path), 0, None)
    if str(path) != "-":
        if listed := _listed_pictures(path):
            return _read_pictures({"train": listed}, failures, progress, raw=raw)
        return _read_container(path, None, failures, raw=raw), _n_bytes(path)
    if sys.stdin is None:
        raise DataUnavailableError("standard input is closed")
    with tempfile.TemporaryFile() as copy:  # which can be read twice
        with storage_errors("read", path):
            shutil.copyfileobj(sys.stdin.buffer, copy)
        n_bytes = copy.tell()
        return _read_container(path, copy, failures, raw=raw), n_bytes


def _read_container(
    path: Path, stdin: BinaryIO | None, failures: list[tuple[str, str]], *, raw: bool
) -> list[tuple[_Part, LabelledImages]]:
    def read(part: _Part, failures: list[tuple[str, str]]) -> LabelledImages:
        if stdin:
            stdin.seek(0)
        return read_labelled(path, raw=raw, stdin=stdin, part=part, failures=failures)

    train = read("train", failures)
    parts: list[tuple[_Part, LabelledImages]] = [("train", train)]
    if any("was read, of" in note for note in train.notes):  # an npz file with more images
        train = replace(train, notes=())
        parts = [("train", train)]
        more: list[tuple[str, str]] = []
        test = read("test", more)
        if not np.array_equal(test.images, train.images):
            parts.append(("test", replace(test, notes=())))
            failures += more
    return parts


def _n_bytes(path: Path) -> int:
    if str(path) == "-":
        return 0
    with storage_errors("read", path):
        return path.stat().st_size


def _listed_pictures(path: Path) -> _Named:
    """Return the pictures that a table names, and their digits; nothing where it is none of names."""
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        return []
    with (
        storage_errors("read", path),
        path.open(encoding="utf-8-sig", errors="replace", newline="") as file,
        contextlib.suppress(csv.Error),
    ):
        head = file.readline(_LONGEST_LINE)
        rows = csv.reader(itertools.chain([head], file), delimiter=max(",;\t", key=head.count))
        first = [[cell.strip() for cell in row] for row in itertools.islice(rows, 2)]
        is_name = [[is_picture_name(Path(cell).suffix) for cell in row] for row in first]
        if not any(map(any, is_name)):
            return []
        has_titles = not any(is_name[0])
        name = is_name[has_titles].index(True)
        titles = (i for i, title in enumerate(first[0]) if title.lower() in LABEL_NAMES)
        label = next(titles, 1 if name == 0 else 0)
        listed = (row for row in [*first[has_titles:], *rows] if len(row) > name)
        return [
            (path.parent / row[name].strip(), _digit("".join(row[label : label + 1]).strip()))
            for row in listed
        ]
    return []


def _digit(text: str) -> int | None:
    return int(text) if re.fullmatch("[0-9]", text) else None


def _read_folder(
    folder: Path, failures: list[tuple[str, str]], progress: Progress, *, raw: bool
) -> tuple[list[tuple[_Part, LabelledImages]], int]:
    found: dict[_Part, _Named] = {"train": [], "test": []}
    containers = []
    listed: dict[Path, _Part] = {}
    for path in _content(folder):
        part = _PART_FOLDERS.get(path.name.lower())
        if part and kind_of_path(path) == "folder":
            found[part] += _named_pictures(path)
        elif _CONTAINER.fullmatch(path.name) and kind_of_path(path) == "file":
            containers.append(path)
            part = "test" if _TEST.search(path.name) else "train"
            found[part] += (named := _listed_pictures(path))
            listed |= dict.fromkeys((each for each, _ in named), part)
    found["train"] += [each for each in _named_pictures(folder) if each[0] not in listed]
    if any(label is not None for named in found.values() for _, label in named):
        return _read_pictures(found, failures, progress, raw=raw)
    parts: list[tuple[_Part, LabelledImages]] = []
    n_bytes_read = 0
    for path in containers:
        of_file, n_bytes = _read_file(path, failures, progress, raw=raw)
        parts += [("test", each) for _, each in of_file] if _TEST.search(path.name) else of_file
        n_bytes_read += n_bytes
    return parts, n_bytes_read


def _content(folder: Path) -> list[Path]:
    with storage_errors("read", folder):
        return sorted(each for each in folder.iterdir() if not each.name.startswith("."))


def _named_pictures(folder: Path) -> Iterator[tuple[Path, int | None]]:
    """Yield the pictures in a folder and in its folders of one digit, and what they show."""
    for path in _content(folder):
        if re.fullmatch("[0-9]", path.name) and kind_of_path(path) == "folder":
            yield from ((each, int(path.name)) for each in _content(path) if is_picture(each))
        elif is_picture(path):
            yield path, _digit(path.name[0]) if path.name[1:2] in ("_", "-") else None


def _read_pictures(
    found: dict[_Part, _Named], failures: list[tuple[str, str]], progress: Progress, *, raw: bool
) -> tuple[list[tuple[_Part, LabelledImages]], int]:
    parts: list[tuple[_Part, LabelledImages]] = []
    n_bytes_read, n_done, n_all = 0, 0, sum(map(len, found.values()))
    for part, named in found.items():
        images, labels = bytearray(), bytearray()
        for path, label in named:
            try:
                pictures = _images_in(path, raw=raw) if label is not None else ()
                for image in pictures:
                    images += image.tobytes()
                    labels.append(label or 0)
                n_bytes_read += path.stat().st_size
            except BadImageError as error:
                failures.append((error.source, error.problem))
            except OSError as error:
                failures.append((str(path), error.strerror or str(error)))
            if label is None:
                failures.append((str(path), "nothing says which digit it shows"))
            n_done += 1
            progress.update("pictures", n_done, n_all)
        digits = np.frombuffer(images, np.uint8).reshape(-1, *IMAGE_SHAPE)
        parts.append((part, LabelledImages(digits, np.frombuffer(labels, np.uint8))))
    return parts, n_bytes_read


def _read_sheets(
    path: Path,
    failures: list[tuple[str, str]],
    progress: Progress,
    on_page: Callable[[SheetRead], None],
) -> tuple[list[tuple[_Part, LabelledImages]], int]:
    """Read the photograph of a page, or a folder of them; one alone must be a page."""
    from mnistcli.pictures.read import read_pictures

    is_folder = kind_of_path(path) == "folder"
    paths = [each for each in _content(path) if is_picture(each)] if is_folder else [path]
    parts: list[tuple[_Part, LabelledImages]] = []
    n_bytes_read = 0
    for i, each in enumerate(paths, 1):
        try:
            for picture in read_pictures(each, side=PHOTOGRAPH_SIDE):
                page = read_sheet(picture.grey, source=picture.source)
                on_page(page)
                failures += page.failures
                n, n_empty = len(page.labels), len(page.empties)
                note = f"{picture.source}: {n} digits, {n_empty} boxes empty"
                parts.append(("train", LabelledImages(page.images, page.labels, (note,))))
        except BadImageError as error:
            if not is_folder:
                raise
            failures.append((error.source, error.problem))
        n_bytes_read += _n_bytes(each)
        progress.update("pages", i, len(paths))
    if not failures and not any(len(part.labels) for _, part in parts):
        raise BadImageError(str(path), "nothing is written on it", hint=_A_PAGE)
    return parts, n_bytes_read


def _images_in(path: Path, *, raw: bool) -> Iterator[NDArray[np.uint8]]:
    from mnistcli.conforming.placing import conform
    from mnistcli.pictures.read import read_pictures

    for picture in read_pictures(path):
        if raw and picture.grey.shape != IMAGE_SHAPE:
            height, width = picture.grey.shape
            problem = f"has {width} x {height} pixels, and --raw takes 28 x 28"
            raise BadImageError(picture.source, problem)
        yield picture.grey if raw else conform(picture.grey, source=picture.source).image
